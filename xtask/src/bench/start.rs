//! The binary from its start to its first answer, and at rest.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::process::Memory;
use crate::service;

const RUNS: usize = 30;

/// One way to get the list.
pub(super) struct Start {
    pub(super) name: &'static str,
    pub(super) wall: Times,
    pub(super) cpu: Times,
}

/// Of all runs.
pub(super) struct Times {
    pub(super) median: Duration,
    pub(super) best: Duration,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        Self {
            median: at(times.len() / 2),
            best: at(0),
        }
    }
}

pub(super) fn measure(binary: &Path) -> Result<Vec<Start>> {
    [
        ("2025-11-25", handshake()),
        ("2026-07-28", vec![listing_without_handshake()]),
    ]
    .into_iter()
    .map(|(name, messages)| {
        let mut walls = Vec::new();
        let mut cpus = Vec::new();
        for _ in 0..RUNS {
            let (wall, cpu) = once(binary, &messages)?;
            walls.push(wall);
            cpus.push(cpu);
        }
        Ok(Start {
            name,
            wall: Times::of(walls),
            cpu: Times::of(cpus),
        })
    })
    .collect()
}

/// The memory of `serve` two seconds after its start.
pub(super) fn memory(binary: &Path, flags: &[&str]) -> Result<Memory> {
    let port = service::free_port()?;
    let mut child = Command::new(binary)
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let up = service::wait_for_port(port, Duration::from_secs(20));
    std::thread::sleep(Duration::from_secs(2));
    let memory = Memory::of(child.id());
    child.kill()?;
    child.wait()?;
    up?;
    memory
}

fn once(binary: &Path, messages: &[Value]) -> Result<(Duration, Duration)> {
    let start = Instant::now();
    let mut child = Command::new(binary)
        .args(["stdio", "--sandbox"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    // Held until the time is read: it ends at end of input.
    let mut stdin = child.stdin.take().context("no stdin")?;
    let stdout = child.stdout.take().context("no stdout")?;
    let listed = listed(&mut stdin, stdout, messages);
    let wall = start.elapsed();
    let cpu = cpu(child.id());
    child.kill()?;
    child.wait()?;
    listed?;
    Ok((wall, cpu?))
}

/// Sends the messages and waits for the list of tools.
fn listed(stdin: &mut ChildStdin, stdout: ChildStdout, messages: &[Value]) -> Result<()> {
    let mut lines = BufReader::new(stdout).lines();
    for message in messages {
        writeln!(stdin, "{message}")?;
        let Some(id) = message.get("id") else {
            continue;
        };
        loop {
            let Some(line) = lines.next() else {
                bail!("it ended without an answer")
            };
            let answer: Value = serde_json::from_str(&line?)?;
            if answer.get("id") != Some(id) {
                continue;
            }
            if answer.get("result").is_none() {
                bail!("it answered {answer}");
            }
            break;
        }
    }
    Ok(())
}

/// The processor time of all threads so far, in the kernel's nanoseconds.
fn cpu(pid: u32) -> Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        nanos += text
            .split_whitespace()
            .next()
            .and_then(|first| first.parse::<u64>().ok())
            .unwrap_or_default();
    }
    if nanos == 0 {
        bail!("this kernel keeps no scheduler statistics in /proc");
    }
    Ok(Duration::from_nanos(nanos))
}

fn handshake() -> Vec<Value> {
    let client = json!({ "name": "bench", "version": "1" });
    vec![
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {} }),
    ]
}

fn listing_without_handshake() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {} } } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let millis = |n| Duration::from_millis(n);
        let times = Times::of(vec![millis(9), millis(1), millis(5)]);
        assert_eq!((times.median, times.best), (millis(5), millis(1)));
    }

    #[test]
    fn this_process_has_used_some_time() {
        assert!(cpu(std::process::id()).unwrap() > Duration::ZERO);
    }
}
