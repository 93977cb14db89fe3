//! Records of writes in memory, the last ones within a number of bytes.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use moka::Expiry;
use moka::future::Cache as Moka;
use moka::ops::compute::{CompResult, Op};
use moka::policy::EvictionPolicy;

use super::Memory;
use crate::state::{Begin, Known, RecordStore, Stage, Ticket, Trouble};

#[derive(Debug)]
pub(super) struct Records(Moka<String, Record>);

#[derive(Debug, Clone)]
struct Record {
    fingerprint: String,
    ticket: Ticket,
    outcome: Option<Bytes>,
    kept: Duration,
}

struct PerRecord;

impl Expiry<String, Record> for PerRecord {
    fn expire_after_create(&self, _: &String, record: &Record, _: Instant) -> Option<Duration> {
        Some(record.kept)
    }

    fn expire_after_update(
        &self,
        _: &String,
        record: &Record,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(record.kept)
    }
}

impl Records {
    pub(super) fn with_capacity(bytes: u64) -> Self {
        Self(
            Moka::builder()
                .max_capacity(bytes)
                .weigher(|key: &String, record: &Record| {
                    let names = key.len() + record.fingerprint.len() + 256;
                    let outcome = record.outcome.as_ref().map_or(0, Bytes::len);
                    u32::try_from(names + outcome).unwrap_or(u32::MAX)
                })
                // The default policy may turn a new record away in favour of older ones.
                .eviction_policy(EvictionPolicy::lru())
                .expire_after(PerRecord)
                .build(),
        )
    }

    /// Changes a record of one's own.
    async fn change(&self, key: &str, mine: &Ticket, op: impl FnOnce(Record) -> Op<Record> + Send) {
        let entry = self.0.entry_by_ref(key);
        let _: CompResult<String, Record> = entry
            .and_compute_with(|now| {
                let now = now.map(moka::Entry::into_value);
                let still = now.filter(|now| now.ticket == *mine);
                std::future::ready(still.map_or(Op::Nop, op))
            })
            .await;
    }
}

#[async_trait]
impl RecordStore for Memory {
    async fn begin(&self, key: &str, fingerprint: &str, kept: Duration) -> Result<Begin, Trouble> {
        let ticket = Ticket::new("memory");
        let fresh = Record {
            fingerprint: fingerprint.to_owned(),
            ticket: ticket.clone(),
            outcome: None,
            kept,
        };
        let entry = self.records.0.entry_by_ref(key).or_insert(fresh).await;
        if entry.is_fresh() {
            return Ok(Begin::Mine(ticket));
        }
        let record = entry.into_value();
        Ok(Begin::Known(Known {
            fingerprint: record.fingerprint,
            stage: record.outcome.map_or(Stage::Running, Stage::Done),
        }))
    }

    async fn take_over(&self, _: &str, _: &Ticket, _: Duration) -> Result<Option<Ticket>, Trouble> {
        // What is lost is lost with the memory.
        Ok(None)
    }

    async fn finish(
        &self,
        key: &str,
        mine: &Ticket,
        _: &str,
        outcome: Bytes,
        kept: Duration,
    ) -> Result<(), Trouble> {
        let op = |record| {
            Op::Put(Record {
                outcome: Some(outcome),
                kept,
                ..record
            })
        };
        self.records.change(key, mine, op).await;
        Ok(())
    }

    async fn forget(&self, key: &str, mine: &Ticket) -> Result<(), Trouble> {
        self.records.change(key, mine, |_| Op::Remove).await;
        Ok(())
    }
}
