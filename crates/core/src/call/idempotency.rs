//! Writes are done once: the same key gives the same outcome, a twin in flight waits for the first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache as Moka;
use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use serde_json::Value;
use tokio::sync::watch;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::call::{Call, Origin, Outcome, Reply};
use crate::error::{Error, Fate, Kind, Result};

/// How long an outcome is kept.
const KEPT: Duration = Duration::from_hours(24);

/// The outcomes of writes, by key.
#[derive(Clone)]
pub struct Records(Moka<String, Arc<Record>>);

struct Record {
    fingerprint: String,
    outcome: watch::Receiver<Option<Outcome>>,
    kept: Duration,
    /// Of the outcome, once there is one.
    bytes: AtomicU32,
}

struct PerRecord;

impl Expiry<String, Arc<Record>> for PerRecord {
    fn expire_after_create(
        &self,
        _: &String,
        record: &Arc<Record>,
        _: Instant,
    ) -> Option<Duration> {
        Some(record.kept)
    }

    fn expire_after_update(
        &self,
        _: &String,
        record: &Arc<Record>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(record.kept)
    }
}

impl Records {
    /// Records of this process: the last 24 hours, up to 64 MB of outcomes.
    pub fn in_memory() -> Self {
        Self::with_capacity(64 << 20)
    }

    fn with_capacity(bytes: u64) -> Self {
        Self(
            Moka::builder()
                .max_capacity(bytes)
                .weigher(|key: &String, record: &Arc<Record>| {
                    let names = key.len() + record.fingerprint.len() + 256;
                    let outcome = record.bytes.load(Ordering::Relaxed);
                    outcome.saturating_add(u32::try_from(names).unwrap_or(u32::MAX))
                })
                // The default policy may turn a new record away in favour of older ones.
                .eviction_policy(EvictionPolicy::lru())
                .expire_after(PerRecord)
                .build(),
        )
    }

    /// Weighs a record again, now that it has its outcome.
    async fn settle(&self, key: String, mine: &Arc<Record>, outcome: &Outcome) {
        let bytes = match outcome {
            Ok(reply) => crate::page::size(&reply.value),
            Err(_) => 1024,
        };
        mine.bytes
            .store(u32::try_from(bytes).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.0
            .entry(key)
            .and_compute_with(|now| {
                let still = now.is_some_and(|now| Arc::ptr_eq(now.value(), mine));
                let op = if still {
                    Op::Put(Arc::clone(mine))
                } else {
                    Op::Nop
                };
                std::future::ready(op)
            })
            .await;
    }
}

/// Keeps outcomes, and replays them.
#[derive(Clone)]
pub struct Idempotency {
    records: Records,
}

impl Idempotency {
    /// Keeps outcomes in the records of `env`.
    pub fn new(env: &Env) -> Self {
        Self {
            records: env.idempotency.clone(),
        }
    }
}

/// What a write leaves behind if it ends without a word: a panic, or a runtime that shuts down.
struct Finish {
    tell: watch::Sender<Option<Outcome>>,
}

impl Drop for Finish {
    fn drop(&mut self) {
        self.tell.send_if_modified(|outcome| {
            let silent = outcome.is_none();
            if silent {
                *outcome = Some(Err(Error::new(
                    Kind::OutcomeUnknown,
                    "The first call with this idempotency key ended without an outcome",
                )
                .hint("Look whether it was done before you try again with a new key")));
            }
            silent
        });
    }
}

impl Around<Call, Reply> for Idempotency {
    async fn around<S>(&self, call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        let spec = call.spec();
        let fingerprint = call.fingerprint();
        let principal = call.cx.principal();
        let key = match &call.options.idempotency_key {
            _ if !spec.writes() || call.cx.is_dry_run() => None,
            Some(key) => Some(format!(
                "{}\0{}\0{}\0{key}",
                principal.tenant,
                call.cx.account(),
                spec.name
            )),
            // An equal call inside a short window, for tools that declare it.
            None if spec.dedup_secs > 0 => Some(format!("\0derived\0{fingerprint}")),
            None => None,
        };
        let Some(key) = key else {
            return next.run(call).await;
        };

        let (tell, hear) = watch::channel(None);
        let mine = Arc::new(Record {
            fingerprint: fingerprint.clone(),
            outcome: hear,
            kept: match &call.options.idempotency_key {
                Some(_) => KEPT,
                None => Duration::from_secs(spec.dedup_secs),
            },
            bytes: AtomicU32::new(0),
        });
        let entry = self
            .records
            .0
            .entry(key.clone())
            .or_insert_with(async { Arc::clone(&mine) })
            .await;
        if entry.is_fresh() {
            let finish = Finish { tell };
            let cx = call.cx.clone();
            let outcome = next.run(call).await;
            match &outcome {
                // What was provably not done, no part of it, may be tried again under the same key.
                Err(error)
                    if error.what_became() != Fate::Unknown
                        && error.kind() != Kind::OutcomeUnknown
                        && !cx.wrote() =>
                {
                    self.records.0.invalidate(&key).await;
                }
                _ => self.records.settle(key, &mine, &outcome).await,
            }
            finish.tell.send_replace(Some(outcome.clone()));
            return outcome;
        }
        let record = entry.into_value();
        if record.fingerprint != fingerprint {
            return Err(Error::new(
                Kind::IdempotencyConflict,
                "This idempotency key was used before with other arguments",
            )
            .hint("Use a new key for a new action, or repeat the first call exactly"));
        }
        let mut outcome = record.outcome.clone();
        let first = match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        };
        first
            .unwrap_or_else(|| Err(Error::internal("an idempotency record without an outcome")))
            .map(replayed)
    }
}

fn replayed(mut reply: Reply) -> Reply {
    if let Value::Object(object) = &mut reply.value {
        object.insert("replayed".into(), true.into());
    }
    Reply {
        origin: Origin::Replayed,
        ..reply
    }
}
