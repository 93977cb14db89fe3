//! Processes of the product that are killed, not stopped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::wire;

/// A key for tests, of no use elsewhere.
pub(crate) const TEST_KEY: &str = "btk1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A process, and the port on which it listens.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    /// Starts a command of the binary that says where it listens, with these variables and no others.
    pub(crate) fn start(
        binary: &Path,
        args: &[&str],
        folder: &Path,
        variables: &[(String, String)],
    ) -> Result<Self> {
        let mut child = Command::new(binary)
            .args(args)
            .current_dir(folder)
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start {}", binary.display()))?;
        let stderr = child.stderr.take().context("it has no stderr")?;
        let mut lines = BufReader::new(stderr).lines();
        let mut said = Vec::new();
        let port = loop {
            let Some(line) = lines.next().transpose()? else {
                child.kill().and_then(|()| child.wait())?;
                bail!("{} {args:?} ended: {}", binary.display(), said.join("\n"));
            };
            if let Some(port) = port_in(&line) {
                break port;
            }
            said.push(line);
        };
        // A full pipe would hold it up.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, port })
    }

    /// The process id.
    #[allow(dead_code, reason = "not every user looks at the process")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sets a fault of the simulators, if this is a sandbox.
    pub(crate) fn arm(&self, rule: &Value) -> Result<()> {
        let rule = rule.to_string();
        let (status, said) = wire::once(self.port, "POST", "/_sandbox/faults", &rule)?;
        if status != 201 {
            bail!("the sandbox refused: {}", String::from_utf8_lossy(&said));
        }
        Ok(())
    }

    /// Kills it with a signal that it cannot catch.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `kill` there is nothing left to end.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

/// The port in `listening on http://127.0.0.1:8080 (…)` and `sandbox: http://127.0.0.1:8090`.
fn port_in(line: &str) -> Option<u16> {
    let says = line.starts_with("listening on") || line.starts_with("sandbox:");
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))?;
    says.then(|| url.rsplit(':').next()?.parse().ok())?
}
