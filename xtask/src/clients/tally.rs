//! Counts cases.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// How many cases passed and failed so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
}

impl Tally {
    /// Says and counts one case.
    pub(super) fn case(&mut self, name: &str, outcome: Result<()>) {
        match outcome {
            Ok(()) => self.line(&format!("ok {name}")),
            Err(fault) => self.line(&format!("not ok {name}: {fault:#}")),
        }
    }

    /// Runs a script that prints its own cases.
    pub(super) fn script(&mut self, name: &str, mut command: Command) -> Result<()> {
        println!();
        let before = self.passed + self.failed;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start the client {name}"))?;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                self.line(&line?);
            }
        }
        let status = child.wait()?;
        if !status.success() {
            self.line(&format!("not ok {name}: the script ended with {status}"));
        } else if self.passed + self.failed == before {
            self.line(&format!("not ok {name}: the script ran no case"));
        }
        Ok(())
    }

    fn line(&mut self, line: &str) {
        println!("{line}");
        if line.starts_with("ok ") {
            self.passed += 1;
        } else if line.starts_with("not ok ") {
            self.failed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sh;

    #[test]
    fn a_script_that_dies_or_does_nothing_is_a_failed_case() {
        let mut tally = Tally::default();
        let script = |text: &str| sh::program("sh", ["-c", text]);
        tally
            .script("fine", script("echo ok one; echo not ok two; echo noise"))
            .unwrap();
        assert_eq!((tally.passed, tally.failed), (1, 1));
        tally
            .script("dies", script("echo ok three; exit 1"))
            .unwrap();
        assert_eq!((tally.passed, tally.failed), (2, 2));
        tally.script("idle", script("true")).unwrap();
        assert_eq!((tally.passed, tally.failed), (2, 3));
    }
}
