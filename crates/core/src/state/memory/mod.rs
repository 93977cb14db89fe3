//! State in this process's memory, gone with it: for tests and embedders, and where a server may keep nothing.

mod records;
mod results;
mod values;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::{Ask, Entry, Grant, LocalWindows, LogStore, Store, Trouble, WindowStore};
use records::Records;
pub use results::MemoryResults;
use values::Folders;

/// A store in memory.
#[derive(Debug)]
pub struct Memory {
    records: Records,
    values: Mutex<Folders>,
    logs: Mutex<HashMap<String, Entries>>,
    windows: LocalWindows,
}

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    entries: VecDeque<(Instant, Entry)>,
}

impl Memory {
    /// An empty one. It keeps at most 64 MB of outcomes.
    pub fn new() -> Self {
        Self {
            records: Records::with_capacity(64 << 20),
            values: Mutex::default(),
            logs: Mutex::default(),
            windows: LocalWindows::default(),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl LogStore for Memory {
    async fn append(
        &self,
        log: &str,
        entry: Bytes,
        most: u64,
        kept: Duration,
    ) -> Result<u64, Trouble> {
        let mut logs = lock(&self.logs);
        let log = logs.entry(log.to_owned()).or_default();
        log.last += 1;
        let number = log.last;
        let now = Instant::now();
        let entry = Entry {
            number,
            value: entry,
        };
        log.entries.push_back((now, entry));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        while let Some((at, _)) = log.entries.front()
            && (log.entries.len() > most || now.duration_since(*at) > kept)
        {
            log.entries.pop_front();
        }
        Ok(number)
    }

    async fn read(&self, log: &str, after: u64, limit: usize) -> Result<Vec<Entry>, Trouble> {
        let logs = lock(&self.logs);
        let entries = logs.get(log).into_iter().flat_map(|log| &log.entries);
        let new = entries.filter(|(_, entry)| entry.number > after);
        Ok(new.take(limit).map(|(_, entry)| entry.clone()).collect())
    }

    async fn trim(&self, log: &str, upto: u64) -> Result<(), Trouble> {
        if let Some(log) = lock(&self.logs).get_mut(log) {
            log.entries.retain(|(_, entry)| entry.number > upto);
        }
        Ok(())
    }
}

#[async_trait]
impl WindowStore for Memory {
    async fn acquire(&self, ask: &Ask<'_>) -> Grant {
        self.windows.acquire(ask).await
    }

    fn release(&self, lane: &str, lease: &str) {
        self.windows.release(lane, lease);
    }

    async fn pause(&self, lane: &str, pause: Duration) {
        self.windows.pause(lane, pause).await;
    }

    fn wait(&self, ask: &Ask<'_>, ahead: usize) -> Duration {
        self.windows.wait(ask, ahead)
    }
}
