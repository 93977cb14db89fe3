//! Logs: entries in the order in which they came, read by whoever remembers how far they read.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Place, State, Trouble};

/// Keeps entries by log. What a method did is durable when it returns.
#[async_trait]
pub trait LogStore: Send + Sync {
    /// Adds an entry, and drops the oldest beyond `most` and those that are older than `kept`.
    async fn append(
        &self,
        log: &str,
        entry: Bytes,
        most: u64,
        kept: Duration,
    ) -> Result<u64, Trouble>;

    /// At most `limit` entries after the number `after`, the oldest first.
    async fn read(&self, log: &str, after: u64, limit: usize) -> Result<Vec<Entry>, Trouble>;

    /// Drops the entries up to and including a number.
    async fn trim(&self, log: &str, upto: u64) -> Result<(), Trouble>;
}

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number: larger than that of every entry before it.
    pub number: u64,
    /// The bytes.
    pub value: Bytes,
}

/// Entries in the order in which they came, sealed where the store is not the process's own memory.
#[derive(Clone)]
pub struct Log {
    state: State,
}

impl Log {
    pub(super) fn new(state: State) -> Self {
        Self { state }
    }

    /// Adds an entry and gives its number. The oldest beyond `most`, and those older than `kept`, are dropped.
    ///
    /// # Errors
    /// When the store does not answer or takes no more.
    pub async fn append(
        &self,
        place: &Place,
        entry: &[u8],
        most: u64,
        kept: Duration,
    ) -> Result<u64, Trouble> {
        let entry = self.state.seal(&["entry", place.folder()], entry)?;
        let store = self.state.store();
        store.append(place.folder(), entry, most.max(1), kept).await
    }

    /// At most `limit` entries after a number, the oldest first; 0 begins at the beginning.
    ///
    /// # Errors
    /// When the store does not answer, or an entry was sealed with a key that is not there any more.
    pub async fn read(
        &self,
        place: &Place,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, Trouble> {
        let sealed = self
            .state
            .store()
            .read(place.folder(), after, limit)
            .await?;
        let open = |entry: Entry| {
            let value = self.state.open(&["entry", place.folder()], entry.value)?;
            Ok(Entry { value, ..entry })
        };
        sealed.into_iter().map(open).collect()
    }

    /// Drops the entries up to and including a number.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn trim(&self, place: &Place, upto: u64) -> Result<(), Trouble> {
        self.state.store().trim(place.folder(), upto).await
    }
}
