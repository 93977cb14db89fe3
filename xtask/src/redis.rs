//! A real Redis for the tests: what the machine has, or Debian's package, on a free loopback port.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::engine::apt;
use crate::service::{self, Service};
use crate::{env, sh};

/// Where the tests look for a running server.
pub(crate) const URL: &str = "TEST_REDIS_URL";
/// Where the tests look for the program, to start, stop and starve servers of their own.
pub(crate) const PROGRAM: &str = "TEST_REDIS_SERVER";

/// The programs that will do, the first one found wins.
const PROGRAMS: &[&str] = &["redis-server", "valkey-server"];
/// Debian's package of the tools holds the server's program under this name, without the service that
/// `redis-server` starts on the machine. The program does what its own name says.
const TOOL: &str = "redis-check-rdb";
const PACKAGE: &str = "redis-tools";

/// A running server with nothing in it; dropping it stops it and removes its folder.
pub(crate) struct Redis {
    url: String,
    program: PathBuf,
    _service: Service,
}

impl Redis {
    /// Finds or installs the program and starts it on a free loopback port.
    pub(crate) fn start() -> Result<Self> {
        let program = program()?;
        let port = service::free_port()?;
        let folder =
            std::env::temp_dir().join(format!("xtask-redis-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let log = folder.join("log");
        let output = File::create(&log)?;
        let service = Service::start(
            Command::new(&program)
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
                .args(["--save", "", "--appendonly", "no", "--dir"])
                .arg(&folder),
            "TERM",
            Some(&folder),
            output.try_clone()?,
            output,
        )?;
        service::wait_for_port(port, Duration::from_secs(10)).with_context(|| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            format!("{} did not come up; it said:\n{said}", program.display())
        })?;
        Ok(Self {
            url: format!("redis://127.0.0.1:{port}"),
            program,
            _service: service,
        })
    }

    /// For [`URL`].
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// For [`PROGRAM`].
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }
}

/// The server's program, installed when it is not there yet.
pub(crate) fn program() -> Result<PathBuf> {
    if let Some(named) = env::text(PROGRAM) {
        return Ok(PathBuf::from(named));
    }
    if let Some(found) = PROGRAMS.iter().find_map(|name| sh::find(name)) {
        return Ok(found);
    }
    let link = env::cache()?.join("redis/redis-server");
    if !link.exists() {
        let tool = match sh::find(TOOL) {
            Some(tool) => tool,
            None => install()?,
        };
        let folder = link.parent().context("a link without a folder")?;
        fs::create_dir_all(folder)?;
        let fresh = folder.join(format!("fresh-{}", std::process::id()));
        symlink(tool, &fresh)?;
        // Another run may do the same at this moment; the last one wins, and both are right.
        fs::rename(&fresh, &link)?;
    }
    Ok(link)
}

fn install() -> Result<PathBuf> {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !root || !sh::have("apt-get") {
        bail!(
            "there is no {} here. Install one (Debian: `apt-get install {PACKAGE}`, macOS: `brew install redis`), \
             or name its program in {PROGRAM}",
            PROGRAMS.join(" and no ")
        );
    }
    apt::install(&[PACKAGE])?;
    sh::find(TOOL).with_context(|| format!("Debian's {PACKAGE} brought no {TOOL}"))
}

/// `cargo xtask redis [start]`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            println!("export {PROGRAM}={}", program()?.display());
            Ok(())
        }
        ["start"] => {
            let redis = Redis::start()?;
            println!("export {URL}={}", redis.url());
            println!("export {PROGRAM}={}", redis.program().display());
            eprintln!("it runs until end of input");
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
            Ok(())
        }
        _ => bail!("usage: cargo xtask redis [start]"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_started_server_answers_and_ends_with_its_handle() {
        let redis = Redis::start().unwrap();
        let address = redis.url().trim_start_matches("redis://").to_owned();
        let mut wire = TcpStream::connect(&address).unwrap();
        wire.write_all(b"PING\r\n").unwrap();
        let mut answer = [0; 7];
        wire.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"+PONG\r\n");
        drop(redis);
        assert!(TcpStream::connect(&address).is_err(), "it still listens");
    }
}
