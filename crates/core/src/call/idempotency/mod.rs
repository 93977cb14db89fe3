//! Writes are done once: the same key gives the same outcome, a twin in flight waits for the first.
//!
//! Before anything is sent a record says that the write begins; after it the record holds the outcome. Equal calls
//! of this process share one, those of other processes find its record, and a record whose process died without an
//! outcome stands for a write that may have been done and is never sent again.

mod kept;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::call::{Call, Origin, Outcome, Reply};
use crate::error::{Error, Fate, Kind, Result};
use crate::state::{Begin, Known, Stage, State, Ticket, Trouble, hashed};
use crate::tool::Repeat;

/// How long an outcome is kept.
const KEPT: Duration = Duration::from_hours(24);
/// How often the record of a twin elsewhere is looked at: at first, and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));
/// How soon an outcome that could not be kept is kept again: at first, and at last.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Writes without a kept outcome beyond which those that cannot be kept are given up.
const MANY_UNKEPT: usize = 10_000;

/// Keeps outcomes, and replays them.
#[derive(Clone)]
pub struct Idempotency {
    state: State,
    running: Arc<Mutex<Running>>,
}

/// The writes of this process that have no outcome yet.
type Running = HashMap<String, Twin>;

struct Twin {
    fingerprint: String,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Idempotency {
    /// Keeps outcomes in the state of `env`.
    pub fn new(env: &Env) -> Self {
        Self {
            state: env.state.clone(),
            running: Arc::default(),
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes this call the first of its key in this process, or tells the one that is.
    fn enter(&self, write: &Write) -> Result<First, Twin> {
        let mut running = self.running();
        if let Some(twin) = running.get(&write.key) {
            return Err(Twin {
                fingerprint: twin.fingerprint.clone(),
                outcome: twin.outcome.clone(),
            });
        }
        let (tell, outcome) = watch::channel(None);
        let twin = Twin {
            fingerprint: write.fingerprint.clone(),
            outcome,
        };
        running.insert(write.key.clone(), twin);
        Ok(First {
            layer: self.clone(),
            write: write.clone(),
            tell,
            going: false,
            ticket: None,
        })
    }

    /// The leave to do the write, or what became of an earlier one.
    async fn begin(&self, write: &Write, call: &Call) -> Result<Leave> {
        let store = self.state.store();
        let mut pause = LOOK.0;
        loop {
            let known = match self.ask(write).await {
                Ok(Begin::Mine(ticket)) => return Ok(Leave::Go(Some(ticket))),
                Ok(Begin::Known(known)) => known,
                // What looks like a repetition is one as far as this process knows.
                Err(_) if !write.explicit => return Ok(Leave::Go(None)),
                Err(trouble) => return Err(trouble.into()),
            };
            if known.fingerprint != write.fingerprint {
                return Err(conflict());
            }
            match known {
                Known {
                    stage: Stage::Done(outcome),
                    ..
                } => {
                    let outcome = self.state.open(&[RECORD, &write.key], outcome);
                    let outcome = outcome.ok().and_then(|bytes| kept::read(&bytes, call));
                    return Ok(Leave::Done(
                        outcome.unwrap_or_else(|| Err(unreadable(call))),
                    ));
                }
                Known {
                    stage: Stage::Lost(lost),
                    ..
                } => {
                    if call.spec().repeat() != Repeat::Safe {
                        return Ok(Leave::Done(Err(unknown(call))));
                    }
                    // Doing it twice is doing it once.
                    let taken = store.take_over(&write.key, &lost, write.kept).await?;
                    if taken.is_some() {
                        return Ok(Leave::Go(taken));
                    }
                }
                Known {
                    stage: Stage::Running,
                    ..
                } => {
                    tokio::time::sleep(pause).await;
                    pause = pause.mul_f64(1.5).min(LOOK.1);
                }
            }
        }
    }

    /// Asks the store on a task of its own, and takes the record back if nobody waits for it any more: then
    /// nothing was sent.
    async fn ask(&self, write: &Write) -> Result<Begin, Trouble> {
        let (tell, told) = oneshot::channel();
        let (state, write) = (self.state.clone(), write.clone());
        let asking = async move {
            let store = state.store();
            let begun = store
                .begin(&write.key, &write.fingerprint, write.kept)
                .await;
            if let Err(Ok(Begin::Mine(ticket))) = tell.send(begun) {
                store.forget(&write.key, &ticket).await.unwrap_or_default();
            }
        };
        tokio::spawn(asking.in_current_span());
        let gone = |_| Trouble::Failed("the store gave no answer".to_owned());
        told.await.map_err(gone)?
    }

    /// Keeps the outcome, or lets the key be used again. If the store is in trouble it is tried again and again,
    /// and this process remembers it meanwhile.
    async fn end(
        self,
        write: Write,
        ticket: Ticket,
        outcome: Option<Bytes>,
        tried: oneshot::Sender<()>,
    ) {
        let until = Instant::now() + write.kept;
        let mut tried = Some(tried);
        let mut pause = AGAIN.0;
        while let Err(trouble) = self.try_end(&write, &ticket, outcome.as_deref()).await {
            if tried.take().is_some() {
                tracing::error!(error = %trouble, "the outcome of a write could not be recorded yet");
            }
            let many = self.running().len() > MANY_UNKEPT;
            if many || Instant::now() >= until {
                tracing::error!(
                    "the outcome of a write is given up: its key will be of unknown outcome"
                );
                break;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN.1);
        }
        self.running().remove(&write.key);
    }

    async fn try_end(
        &self,
        write: &Write,
        ticket: &Ticket,
        outcome: Option<&[u8]>,
    ) -> Result<(), Trouble> {
        let store = self.state.store();
        let Some(outcome) = outcome else {
            return store.forget(&write.key, ticket).await;
        };
        let sealed = self.state.seal(&[RECORD, &write.key], outcome)?;
        let print = &write.fingerprint;
        store
            .finish(&write.key, ticket, print, sealed, write.kept)
            .await
    }
}

/// What the outcomes of writes are sealed as.
const RECORD: &str = "record";

/// A write that is done once.
#[derive(Clone)]
struct Write {
    /// Hashed: tenant, account, tool and the caller's key, or the whole call.
    key: String,
    fingerprint: String,
    /// The caller gave a key, which is a promise.
    explicit: bool,
    kept: Duration,
}

impl Write {
    fn of(call: &Call) -> Option<Self> {
        let spec = call.spec();
        if !spec.writes() || call.cx.is_dry_run() {
            return None;
        }
        let fingerprint = call.fingerprint();
        let tenant = &call.cx.principal().tenant;
        if let Some(key) = &call.options.idempotency_key {
            return Some(Self {
                key: hashed(&["key", tenant, call.cx.account(), spec.name, key]),
                fingerprint,
                explicit: true,
                kept: KEPT,
            });
        }
        // An equal call inside a short window, for tools that declare it.
        (spec.dedup_secs > 0).then(|| Self {
            key: hashed(&["call", &fingerprint]),
            fingerprint,
            explicit: false,
            kept: Duration::from_secs(spec.dedup_secs),
        })
    }
}

enum Leave {
    /// It is this call's to do. Without a ticket nobody can keep its outcome.
    Go(Option<Ticket>),
    /// It was done before, or may have been.
    Done(Outcome),
}

/// The first call of its key in this process.
///
/// If it ends without a word, by a panic or because its time was over, the write may have been done.
struct First {
    layer: Idempotency,
    write: Write,
    tell: watch::Sender<Option<Outcome>>,
    /// From here on something may be sent.
    going: bool,
    ticket: Option<Ticket>,
}

impl First {
    /// Tells the twins. Those that come later find the record, if there is one.
    fn tell(&self, outcome: Outcome) {
        self.tell.send_replace(Some(outcome));
    }

    /// Has the outcome kept, on a task of its own: whoever waits may be gone before it is. Gives something to
    /// wait for, until it is kept or could not be.
    fn keep(&mut self, outcome: Option<Bytes>) -> Option<oneshot::Receiver<()>> {
        let runtime = tokio::runtime::Handle::try_current();
        // Without a runtime the process is about to end, and leaves the record without an outcome.
        let (Some(ticket), Ok(runtime)) = (self.ticket.take(), runtime) else {
            self.layer.running().remove(&self.write.key);
            return None;
        };
        let (tried, kept) = oneshot::channel();
        let layer = self.layer.clone();
        let end = layer.end(self.write.clone(), ticket, outcome, tried);
        runtime.spawn(end.in_current_span());
        Some(kept)
    }
}

impl Drop for First {
    fn drop(&mut self) {
        if self.tell.borrow().is_some() {
            return;
        }
        if self.going {
            let silent = Error::new(
                Kind::OutcomeUnknown,
                "The first call with this idempotency key ended without an outcome",
            )
            .hint("Look whether it was done before you try again with a new key");
            drop(self.keep(Some(kept::write(&Err(silent.clone())))));
            self.tell(Err(silent));
        } else {
            // Its time was over before it was its turn: one of the twins is the first now.
            self.keep(None);
        }
    }
}

impl Around<Call, Reply> for Idempotency {
    async fn around<S>(&self, call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        let Some(write) = Write::of(&call) else {
            return next.run(call).await;
        };
        let mut first = loop {
            match self.enter(&write) {
                Ok(first) => break first,
                Err(twin) => {
                    if let Some(outcome) = twin.wait(&write).await {
                        return outcome.map(replayed);
                    }
                }
            }
        };
        match self.begin(&write, &call).await {
            Ok(Leave::Go(ticket)) => {
                first.going = true;
                first.ticket = ticket;
            }
            Ok(Leave::Done(outcome)) => {
                first.keep(None);
                first.tell(outcome.clone());
                return outcome.map(replayed);
            }
            Err(error) => {
                first.keep(None);
                first.tell(Err(error.clone()));
                return Err(error);
            }
        }
        let cx = call.cx.clone();
        let outcome = next.run(call).await;
        // What was provably not done, no part of it, may be tried again under the same key.
        let undone = outcome.as_ref().is_err_and(|error| {
            error.what_became() != Fate::Unknown
                && error.kind() != Kind::OutcomeUnknown
                && !cx.wrote()
        });
        let kept = (!undone).then(|| kept::write(&outcome));
        let keeping = first.keep(kept);
        first.tell(outcome.clone());
        if let Some(keeping) = keeping {
            // The caller hears of it once it is kept, so that a repetition finds it.
            keeping.await.unwrap_or_default();
        }
        outcome
    }
}

impl Twin {
    /// The outcome of the first; nothing if it was given up before it began.
    async fn wait(mut self, write: &Write) -> Option<Outcome> {
        if self.fingerprint != write.fingerprint {
            return Some(Err(conflict()));
        }
        let outcome = self.outcome.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }
}

fn conflict() -> Error {
    Error::new(
        Kind::IdempotencyConflict,
        "This idempotency key was used before with other arguments",
    )
    .hint("Use a new key for a new action, or repeat the first call exactly")
}

fn unknown(call: &Call) -> Error {
    Error::new(
        Kind::OutcomeUnknown,
        "The server stopped while the first call with this idempotency key was under way: it may or may not have been done",
    )
    .provider(call.plugin.info().id)
    .hint(call.spec().how_to_find_out())
}

fn unreadable(call: &Call) -> Error {
    Error::new(
        Kind::OutcomeUnknown,
        "The first call with this idempotency key was made, and its outcome cannot be read any more",
    )
    .provider(call.plugin.info().id)
    .hint(call.spec().how_to_find_out())
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
