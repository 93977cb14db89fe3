//! A program that runs beside a chore and never outlives it.
//!
//! Between the chore and the program stands a shell that holds the read end of a pipe. When the
//! chore lets go of it, by dropping the [`Service`], failing, or being killed, the shell stops the
//! program and removes its folder. So no signal needs to be caught here.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const KEEPER: &str = r#"
trap : INT TERM HUP
signal=$1; folder=$2; shift 2
"$@" </dev/null &
child=$!
while read -r _; do :; done
kill -s "$signal" "$child" 2>/dev/null
tries=0
while kill -0 "$child" 2>/dev/null && [ "$tries" -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
kill -s KILL "$child" 2>/dev/null
{ wait "$child"; } 2>/dev/null
[ -z "$folder" ] || rm -rf "$folder"
"#;

/// A running program; dropping it stops it and waits for its end.
pub(crate) struct Service {
    keeper: Child,
}

impl Service {
    /// Starts `command` and stops it later by `signal`, removing `folder` once it has ended.
    pub(crate) fn start(
        command: &Command,
        signal: &str,
        folder: Option<&Path>,
        stdout: impl Into<Stdio>,
        stderr: impl Into<Stdio>,
    ) -> Result<Self> {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper", signal]);
        keeper.arg(folder.unwrap_or_else(|| Path::new("")));
        keeper.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => keeper.env(name, value),
                None => keeper.env_remove(name),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            keeper.current_dir(dir);
        }
        let keeper = keeper
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .context("could not start a shell")?;
        Ok(Self { keeper })
    }

    /// The program's error output, when it was started with a pipe for it.
    pub(crate) fn stderr(&mut self) -> Option<std::process::ChildStderr> {
        self.keeper.stderr.take()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take().map(|mut pipe| pipe.flush()));
        if let Err(fault) = self.keeper.wait() {
            eprintln!("a service did not end: {fault}");
        }
    }
}

/// A loopback port that nobody listens on right now.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free loopback port")?;
    Ok(listener.local_addr()?.port())
}

/// Waits until somebody listens on the loopback port.
pub(crate) fn wait_for_port(port: u16, limit: Duration) -> Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!(
        "nothing listened on port {port} within {} s",
        limit.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_service_has_ended_and_its_folder_is_gone() {
        let folder = std::env::temp_dir().join(format!("xtask-service-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let note = folder.with_extension("pid");
        let script = format!("echo $$ > {}; exec sleep 60", note.display());
        let service = Service::start(
            Command::new("sh").args(["-c", &script]),
            "TERM",
            Some(&folder),
            Stdio::null(),
            Stdio::null(),
        )
        .unwrap();
        let end = Instant::now() + Duration::from_secs(5);
        let pid = loop {
            match std::fs::read_to_string(&note) {
                Ok(pid) if !pid.trim().is_empty() => break pid.trim().to_owned(),
                _ if Instant::now() > end => panic!("the service did not start"),
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let started = Instant::now();
        drop(service);
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "it was stopped, not waited for"
        );
        assert!(
            !Path::new("/proc").join(&pid).exists(),
            "process {pid} still runs"
        );
        assert!(!folder.exists());
        std::fs::remove_file(note).unwrap();
    }
}
