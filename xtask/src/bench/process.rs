//! What a process uses, as the kernel counts it.

use std::fs;
use std::ops::Sub;
use std::time::Duration;

use anyhow::{Context, Result};

/// Processor time of a process, all of its threads together, those that ended included.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cpu {
    pub(super) user: Duration,
    pub(super) system: Duration,
}

impl Cpu {
    pub(super) fn of(pid: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Self::read(&text).context("/proc has another form than proc(5) says")
    }

    fn read(stat: &str) -> Option<Self> {
        // The name in brackets may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace().skip(11);
        // A hundred a second, on every Linux that there is.
        let mut ticks = || {
            Some(Duration::from_millis(
                fields.next()?.parse::<u64>().ok()? * 10,
            ))
        };
        Some(Self {
            user: ticks()?,
            system: ticks()?,
        })
    }

    pub(super) fn all(self) -> Duration {
        self.user + self.system
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

/// Processor time of everything on the machine.
pub(super) fn busy() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat")?;
    let times = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("cpu "));
    let times = times.context("/proc has another form than proc(5) says")?;
    let ticks = times
        .split_whitespace()
        .map(|n| n.parse::<u64>().unwrap_or_default());
    // Neither idle nor waiting for a disk; what guests use is part of the others.
    let ticks = ticks
        .take(8)
        .enumerate()
        .filter(|(n, _)| !matches!(n, 3 | 4));
    Ok(Duration::from_millis(
        ticks.map(|(_, ticks)| ticks * 10).sum(),
    ))
}

/// Memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) resident: u64,
    /// What no other process could share and no file could give back.
    pub(super) own: u64,
}

impl Memory {
    pub(super) fn of(pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let bytes = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
                .map(|kib| kib * 1024)
                .with_context(|| format!("no {name} in /proc"))
        };
        Ok(Self {
            resident: bytes("VmRSS:")?,
            own: bytes("RssAnon:")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_behind_the_name_whatever_it_is() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0";
        let cpu = Cpu::read(stat).unwrap();
        assert_eq!(cpu.user, Duration::from_millis(1500));
        assert_eq!(cpu.system, Duration::from_millis(250));
    }

    #[test]
    fn the_machine_is_as_busy_as_this_process_at_least() {
        assert!(busy().unwrap() >= Cpu::of(std::process::id()).unwrap().all());
    }

    #[test]
    fn this_process_uses_memory() {
        let memory = Memory::of(std::process::id()).unwrap();
        assert!(memory.resident > 100_000 && memory.resident > memory.own);
    }
}
