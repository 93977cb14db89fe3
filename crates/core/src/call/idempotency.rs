//! Writes are done once: the same key gives the same outcome, a twin in flight waits for the first.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache as Moka;
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
}

impl Records {
    /// Records of this process, up to 100,000 of the last 24 hours.
    pub fn in_memory() -> Self {
        Self(
            Moka::builder()
                .max_capacity(100_000)
                .time_to_live(KEPT)
                .build(),
        )
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
            None if spec.dedup_secs > 0 => {
                let window =
                    jiff::Timestamp::now().as_second() / spec.dedup_secs.cast_signed().max(1);
                Some(format!("\0derived\0{window}\0{fingerprint}"))
            }
            None => None,
        };
        let Some(key) = key else {
            return next.run(call).await;
        };

        let (tell, hear) = watch::channel(None);
        let mine = Arc::new(Record {
            fingerprint: fingerprint.clone(),
            outcome: hear,
        });
        let entry = self
            .records
            .0
            .entry(key.clone())
            .or_insert_with(async { Arc::clone(&mine) })
            .await;
        if entry.is_fresh() {
            let finish = Finish { tell };
            let outcome = next.run(call).await;
            // What was provably not done may be tried again under the same key.
            if let Err(error) = &outcome
                && error.what_became() != Fate::Unknown
                && error.kind() != Kind::OutcomeUnknown
            {
                self.records.0.invalidate(&key).await;
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
