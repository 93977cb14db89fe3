//! Webhooks on their way: sent behind the answers, bounded, and written down.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::callback::{Answered, Failed};
use crate::{Callback, clock, mask};

/// Things that are followed at a time.
const FOLLOWED: usize = 1_000;
/// Callbacks in flight; more wait for their turn.
const IN_FLIGHT: usize = 32;
/// How long a thing is followed.
const LONGEST: Duration = Duration::from_mins(2);
/// Callbacks that are remembered.
const KEPT: usize = 1_000;
/// How much of a body is shown.
const BODY: usize = 8 * 1024;

/// Sends the callbacks of one simulator, and writes them down for `GET /_sandbox/callbacks`.
///
/// An extractor. Without a sandbox around the router (a bare router in a unit test) callbacks go out and are
/// remembered by nobody.
#[derive(Clone)]
pub struct Outbox {
    provider: &'static str,
    office: Arc<Office>,
}

/// A callback as `GET /_sandbox/callbacks` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// Its number, rising over all providers; `?after=` takes it.
    pub seq: u64,
    /// When it went out, RFC 3339.
    pub at: String,
    /// The simulator.
    pub provider: &'static str,
    /// The method.
    pub method: String,
    /// Where to, masked.
    pub url: String,
    /// The headers, masked.
    pub headers: Vec<(String, String)>,
    /// The body as text, masked, up to 8 KB of it.
    pub body: String,
    /// What the application answered; neither this nor an error while there is no answer yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What the outboxes of a sandbox share.
pub(crate) struct Office {
    stop: CancellationToken,
    /// Ends what was begun before the last reset.
    age: Mutex<CancellationToken>,
    followed: Arc<Semaphore>,
    in_flight: Semaphore,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    seq: u64,
    sent: VecDeque<Sent>,
    refused: u64,
}

impl Outbox {
    pub(crate) fn new(provider: &'static str, office: &Arc<Office>) -> Self {
        let office = Arc::clone(office);
        Self { provider, office }
    }

    /// Runs `life` behind the answer: it waits for what happens to a thing, and [sends](Self::send).
    ///
    /// It ends with the sandbox, with its state (`POST /_sandbox/reset`), and after two minutes. When a thousand
    /// are running already it does not begin, which `GET /_sandbox/callbacks` counts.
    pub fn follow(&self, life: impl Future<Output = ()> + Send + 'static) {
        let Ok(slot) = Arc::clone(&self.office.followed).try_acquire_owned() else {
            self.office.log().refused += 1;
            return;
        };
        let age = self.office.age().clone();
        tokio::spawn(age.run_until_cancelled_owned(async move {
            let _slot = slot;
            // What is left after that is given up.
            let _ = tokio::time::timeout(LONGEST, life).await;
        }));
    }

    /// Sends one callback, waits for the answer, and writes both down.
    ///
    /// # Errors
    /// As [`Callback::send`].
    pub async fn send(&self, callback: Callback) -> Result<Answered, Failed> {
        // The semaphore is never closed.
        let _slot = self.office.in_flight.acquire().await;
        let seq = self.office.write_down(self.provider, &callback);
        let answered = callback.send().await;
        self.office.answered(seq, &answered);
        answered
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for Outbox {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let found = parts.extensions.get::<Self>().cloned();
        let alone = || Self::new("", &Office::until(CancellationToken::new()));
        Ok(found.unwrap_or_else(alone))
    }
}

impl Office {
    /// One that ends with `stop`.
    pub(crate) fn until(stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            age: Mutex::new(stop.child_token()),
            stop,
            followed: Arc::new(Semaphore::new(FOLLOWED)),
            in_flight: Semaphore::new(IN_FLIGHT),
            log: Mutex::default(),
        })
    }

    fn write_down(&self, provider: &'static str, callback: &Callback) -> u64 {
        let mut body = mask::body(callback.headers(), callback.payload());
        body.truncate(body.floor_char_boundary(BODY));
        let mut log = self.log();
        log.seq += 1;
        let seq = log.seq;
        log.sent.push_back(Sent {
            seq,
            at: clock::rfc3339(Timestamp::now()),
            provider,
            method: callback.method().to_string(),
            url: callback.target(),
            headers: mask::headers(callback.headers()),
            body,
            status: None,
            error: None,
        });
        if log.sent.len() > KEPT {
            log.sent.pop_front();
        }
        seq
    }

    fn answered(&self, seq: u64, answered: &Result<Answered, Failed>) {
        let mut log = self.log();
        let Some(sent) = log.sent.iter_mut().rev().find(|sent| sent.seq == seq) else {
            return;
        };
        match answered {
            Ok(answered) => sent.status = Some(answered.status.as_u16()),
            Err(failed) => sent.error = Some(failed.to_string()),
        }
    }

    /// The newest `limit` of the callbacks after number `after`.
    pub(crate) fn list(&self, provider: Option<&str>, after: u64, limit: usize) -> Vec<Sent> {
        let log = self.log();
        let mut found: Vec<_> = log
            .sent
            .iter()
            .rev()
            .take_while(|sent| sent.seq > after)
            .filter(|sent| provider.is_none_or(|id| sent.provider == id))
            .take(limit)
            .cloned()
            .collect();
        found.reverse();
        found
    }

    /// How many things were not followed, since too many were already.
    pub(crate) fn not_followed(&self) -> u64 {
        self.log().refused
    }

    /// Ends what goes on.
    pub(crate) fn forget(&self) {
        let next = self.stop.child_token();
        std::mem::replace(&mut *self.age(), next).cancel();
    }

    pub(crate) fn clear(&self) -> usize {
        let mut log = self.log();
        log.refused = 0;
        std::mem::take(&mut log.sent).len()
    }

    fn age(&self) -> MutexGuard<'_, CancellationToken> {
        self.age.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
