//! Tries again what may be tried again: full jitter, Retry-After, a budget, the call's deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::egress::{Attempt, Request, Response};
use crate::error::{Error, Fate, Kind, Result};
use crate::plugin::Info;
use crate::policy::{Backoff, Policy};
use crate::tool::Repeat;

/// A tenth of a retry, the unit of the budget.
const TENTHS: i64 = 10;
/// Retries that may be saved up.
const SAVED: i64 = 20 * TENTHS;

/// Retries. Ten requests earn one retry, so that retries cannot multiply an outage.
#[derive(Clone)]
pub struct Retry {
    info: &'static Info,
    backoff: Backoff,
    /// The time of a call that has no deadline of its own, such as a health check of an embedder.
    patience: Duration,
    budget: Arc<AtomicI64>,
    env: Env,
}

impl Retry {
    /// Retries by the provider's policy.
    pub fn new(info: &'static Info, policy: &Policy, env: &Env) -> Self {
        Self {
            info,
            backoff: policy.retry,
            patience: policy.deadline,
            budget: Arc::new(AtomicI64::new(SAVED)),
            env: env.clone(),
        }
    }

    fn earn(&self) {
        let _ = self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |have| {
                (have < SAVED).then_some(have + 1)
            });
    }

    fn spend(&self) -> bool {
        self.budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |have| {
                (have >= TENTHS).then_some(have - TENTHS)
            })
            .is_ok()
    }

    /// The wait before attempt `n + 1`, drawn between nothing and the exponential bound.
    fn wait(&self, n: u32) -> Duration {
        let growth = self
            .backoff
            .multiplier
            .powi(i32::try_from(n - 1).unwrap_or(i32::MAX));
        let bound = (self.backoff.base.as_secs_f64() * growth).min(self.backoff.max.as_secs_f64());
        Duration::try_from_secs_f64(bound.max(0.0) * fastrand::f64()).unwrap_or(self.backoff.max)
    }
}

fn may_repeat(repeat: Repeat, error: &Error) -> bool {
    error.is_temporary() && (repeat == Repeat::Safe || error.what_became() != Fate::Unknown)
}

impl<Q: Request, R: Response> Around<Attempt<Q>, R> for Retry {
    async fn around<S>(&self, mut attempt: Attempt<Q>, next: Next<S>) -> Result<R>
    where
        S: Inner<Attempt<Q>, Response = R>,
    {
        self.earn();
        let until = attempt.cx.deadline();
        let until = until.unwrap_or_else(|| Instant::now() + self.patience);
        let mut n = 1;
        loop {
            attempt.number = n;
            let error = match next.run(attempt.clone()).await {
                Err(error) if may_repeat(attempt.repeat, &error) => error,
                // A provider may read its answer differently after a lost one, such as 404 to a delete.
                Err(error) if n > 1 => return Err(error.detail("attempts", n)),
                done => return done,
            };
            let wait = error.wait().unwrap_or_else(|| self.wait(n));
            let in_time = wait < until.saturating_duration_since(Instant::now());
            if n >= self.backoff.attempts || !in_time || !self.spend() {
                return Err(error.persistent().detail("attempts", n));
            }
            self.env
                .metrics
                .retries
                .with_label_values(&[self.info.id])
                .inc();
            tokio::select! {
                () = tokio::time::sleep(wait) => n += 1,
                () = attempt.cx.cancel().cancelled() => {
                    return Err(Error::new(Kind::Cancelled, "The caller gave up").fate(error.what_became()));
                }
            }
        }
    }
}
