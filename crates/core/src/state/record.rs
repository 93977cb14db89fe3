//! Records of writes: begun before anything is sent, done with the outcome, lost when their process died.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::Trouble;

/// Keeps records of writes by hashed key. What a method did is durable when it returns.
#[async_trait]
pub trait RecordStore: Send + Sync {
    /// Notes that a write begins, unless there is a record of it already.
    async fn begin(&self, key: &str, fingerprint: &str, kept: Duration) -> Result<Begin, Trouble>;

    /// Makes a lost write one's own, unless somebody else was faster.
    async fn take_over(
        &self,
        key: &str,
        lost: &Ticket,
        kept: Duration,
    ) -> Result<Option<Ticket>, Trouble>;

    /// Keeps the outcome. Does nothing when the record belongs to another by now.
    async fn finish(
        &self,
        key: &str,
        mine: &Ticket,
        fingerprint: &str,
        outcome: Bytes,
        kept: Duration,
    ) -> Result<(), Trouble>;

    /// Forgets a write that was provably not done. Does nothing when the record belongs to another.
    async fn forget(&self, key: &str, mine: &Ticket) -> Result<(), Trouble>;
}

/// The answer to [`RecordStore::begin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Nobody did it yet: the caller does, and finishes or forgets the record.
    Mine(Ticket),
    /// It was begun before.
    Known(Known),
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Of the call that began it.
    pub fingerprint: String,
    /// How far it came.
    pub stage: Stage,
}

/// How far a write came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Its process works on it.
    Running,
    /// Its process is gone and left no outcome: it may have been done.
    Lost(Ticket),
    /// Its outcome.
    Done(Bytes),
}

/// Who began a record: the process, and which of its beginnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket(String);

impl Ticket {
    /// A new one of a process.
    pub fn new(instance: &str) -> Self {
        Self(format!("{instance}/{}", uuid::Uuid::new_v4().simple()))
    }

    /// One that was kept.
    pub fn kept(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The process.
    pub fn instance(&self) -> &str {
        self.0.split_once('/').map_or("", |(instance, _)| instance)
    }

    /// As it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
