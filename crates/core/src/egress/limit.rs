//! The provider's quotas: several windows at once, a cap on requests in flight, waits within the deadline.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::cx::Cx;
use crate::egress::{Attempt, Request, Response};
use crate::error::{Error, Fate, Kind, Result};
use crate::plugin::Info;
use crate::policy::{Policy, Quota};

/// Keeps a tenant's account inside the provider's limits, and learns from what the provider says.
#[derive(Clone)]
pub struct Limit {
    info: &'static Info,
    quotas: Arc<[Quota]>,
    in_flight: usize,
    lanes: Arc<Mutex<HashMap<String, Lane>>>,
    env: Env,
}

/// The state of one tenant's account.
struct Lane {
    /// For each quota the requests of its last window. A log is exact: no window ever holds more.
    sent: Vec<VecDeque<Instant>>,
    /// The provider asked for silence until then.
    silent_until: Instant,
    in_flight: Arc<Semaphore>,
}

impl Limit {
    /// Limits by the provider's policy.
    pub fn new(info: &'static Info, policy: &Policy, env: &Env) -> Self {
        let operator = policy
            .requests_per_second
            .map(|n| Quota::all(n, Duration::from_secs(1)));
        Self {
            info,
            quotas: policy.quotas.iter().copied().chain(operator).collect(),
            in_flight: policy.in_flight,
            lanes: Arc::default(),
            env: env.clone(),
        }
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<String, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane<T>(&self, key: &str, with: impl FnOnce(&mut Lane) -> T) -> T {
        let mut lanes = self.lanes();
        let lane = lanes.entry(key.to_owned()).or_insert_with(|| {
            let now = Instant::now();
            Lane {
                sent: vec![VecDeque::new(); self.quotas.len()],
                silent_until: now,
                in_flight: Arc::new(Semaphore::new(
                    self.in_flight.clamp(1, Semaphore::MAX_PERMITS),
                )),
            }
        });
        with(lane)
    }

    /// Takes a token from every window that counts this request, or from none and tells the wait.
    fn take(&self, cx: &Cx, key: &str) -> Option<Duration> {
        let named = cx.tool().map_or("", |spec| spec.quota);
        self.lane(key, |lane| {
            let now = Instant::now();
            let counts = |quota: &Quota| quota.name.is_empty() || quota.name == named;
            let mut wait = lane.silent_until.saturating_duration_since(now);
            for (quota, sent) in self.quotas.iter().zip(&mut lane.sent) {
                if !counts(quota) {
                    continue;
                }
                while sent
                    .front()
                    .is_some_and(|&at| now.duration_since(at) >= quota.window)
                {
                    sent.pop_front();
                }
                let room = quota.requests.max(1) as usize;
                if let Some(&oldest) = sent.get(sent.len().wrapping_sub(room)) {
                    wait = wait.max((oldest + quota.window).saturating_duration_since(now));
                }
            }
            if !wait.is_zero() {
                return Some(wait);
            }
            for (quota, sent) in self.quotas.iter().zip(&mut lane.sent) {
                if counts(quota) {
                    sent.push_back(now);
                }
            }
            None
        })
    }

    async fn admit(&self, cx: &Cx) -> Result<OwnedSemaphorePermit> {
        let key = cx.scope_key();
        let cancelled = || Error::new(Kind::Cancelled, "The caller gave up").fate(Fate::NotSent);
        let until = cx
            .deadline()
            .unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
        let room = self.lane(&key, |lane| Arc::clone(&lane.in_flight));
        let permit = tokio::select! {
            permit = tokio::time::timeout_at(until, room.acquire_owned()) => match permit {
                Ok(Ok(permit)) => permit,
                _ => return Err(self.refusal(None)),
            },
            () = cx.cancel().cancelled() => return Err(cancelled()),
        };
        while let Some(wait) = self.take(cx, &key) {
            if Instant::now() + wait >= until {
                return Err(self.refusal(Some(wait)));
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = cx.cancel().cancelled() => return Err(cancelled()),
            }
        }
        Ok(permit)
    }

    fn refusal(&self, wait: Option<Duration>) -> Error {
        Error::new(
            Kind::RateLimited,
            format!(
                "The limits of {} leave no room within this call's time",
                self.info.title
            ),
        )
        .fate(Fate::NotSent)
        .status(crate::error::Status::Persistent)
        .retry_after(wait)
        .hint("Wait `retry_after_ms`, then try again; make fewer calls at once")
    }

    fn learn(&self, key: &str, pause: Option<Duration>) {
        if let Some(pause) = pause {
            // An absurd answer must not silence an account for days.
            let pause = pause.min(Duration::from_hours(1));
            self.lane(key, |lane| {
                lane.silent_until = lane.silent_until.max(Instant::now() + pause);
            });
        }
    }
}

impl<Q: Request, R: Response> Around<Attempt<Q>, R> for Limit {
    async fn around<S>(&self, attempt: Attempt<Q>, next: Next<S>) -> Result<R>
    where
        S: Inner<Attempt<Q>, Response = R>,
    {
        let started = Instant::now();
        let admitted = self.admit(&attempt.cx).await;
        let waited = started.elapsed();
        if waited > Duration::from_millis(1) {
            let waits = &self.env.metrics.waits;
            waits
                .with_label_values(&[self.info.id])
                .observe(waited.as_secs_f64());
        }
        let _permit = admitted?;
        let key = attempt.cx.scope_key();
        let outcome = next.run(attempt).await;
        match &outcome {
            Ok(answer) => self.learn(&key, answer.pace().pause),
            Err(error) if error.kind() == Kind::RateLimited => self.learn(&key, error.wait()),
            Err(_) => {}
        }
        outcome
    }
}
