//! The circuit breaker: closed, open, half open, for each tenant and account of a provider.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::cx::Cx;
use crate::egress::{Attempt, Request, Response};
use crate::error::{Error, Fate, Kind, Result};
use crate::plugin::Info;
use crate::policy::{Policy, Trip};

/// Leaves a failing provider alone for a while.
///
/// Only failures of the provider count: a 404 is the answer of a healthy one, and our own refusals say
/// nothing about it.
#[derive(Clone)]
pub struct Breaker {
    info: &'static Info,
    trip: Trip,
    circuits: Arc<Mutex<HashMap<String, Circuit>>>,
    env: Env,
}

#[derive(Debug, Clone, Copy)]
enum Circuit {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen { probing: bool },
}

impl Breaker {
    /// A breaker by the provider's policy.
    pub fn new(info: &'static Info, policy: &Policy, env: &Env) -> Self {
        Self {
            info,
            trip: policy.breaker,
            circuits: Arc::default(),
            env: env.clone(),
        }
    }

    fn circuits(&self) -> MutexGuard<'_, HashMap<String, Circuit>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an attempt through, or says when the next one may come.
    fn enter(&self, cx: &Cx) -> Result<Passage<'_>> {
        let key = cx.scope_key();
        let mut circuits = self.circuits();
        let circuit = circuits
            .entry(key.clone())
            .or_insert(Circuit::Closed { failures: 0 });
        let now = Instant::now();
        match *circuit {
            Circuit::Closed { .. } => {}
            Circuit::Open { until } if until > now => return Err(self.refusal(until - now)),
            Circuit::HalfOpen { probing: true } => {
                return Err(self.refusal(self.trip.recovery / 10));
            }
            Circuit::Open { .. } | Circuit::HalfOpen { probing: false } => {
                *circuit = Circuit::HalfOpen { probing: true };
                self.show(cx.account(), *circuit);
            }
        }
        Ok(Passage {
            breaker: self,
            key,
            account: cx.account().to_owned(),
            told: false,
        })
    }

    fn refusal(&self, wait: std::time::Duration) -> Error {
        Error::new(
            Kind::CircuitOpen,
            format!(
                "{} failed repeatedly and is left alone for a moment",
                self.info.title
            ),
        )
        .fate(Fate::NotSent)
        .retry_after(wait)
        .hint("Wait `retry_after_ms`, then try again; `/health` shows the provider's state")
    }

    fn show(&self, account: &str, circuit: Circuit) {
        let state = match circuit {
            Circuit::Closed { .. } => 0,
            Circuit::HalfOpen { .. } => 1,
            Circuit::Open { .. } => 2,
        };
        self.env
            .metrics
            .circuit
            .with_label_values(&[self.info.id, account])
            .set(state);
    }

    fn tell(&self, key: &str, account: &str, healthy: bool) {
        let mut circuits = self.circuits();
        let circuit = circuits
            .entry(key.to_owned())
            .or_insert(Circuit::Closed { failures: 0 });
        *circuit = match (*circuit, healthy) {
            (_, true) => Circuit::Closed { failures: 0 },
            (Circuit::Closed { failures }, false) if failures + 1 < self.trip.failures => {
                Circuit::Closed {
                    failures: failures + 1,
                }
            }
            // An attempt that began before the circuit opened does not keep it open longer.
            (Circuit::Open { until }, false) => Circuit::Open { until },
            (_, false) => Circuit::Open {
                until: Instant::now() + self.trip.recovery,
            },
        };
        self.show(account, *circuit);
    }
}

/// One attempt inside the breaker. A probe that is dropped unanswered makes room for the next.
struct Passage<'a> {
    breaker: &'a Breaker,
    key: String,
    account: String,
    told: bool,
}

impl Passage<'_> {
    fn tell(mut self, healthy: bool) {
        self.told = true;
        self.breaker.tell(&self.key, &self.account, healthy);
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if !self.told
            && let Some(Circuit::HalfOpen { probing }) = self.breaker.circuits().get_mut(&self.key)
        {
            *probing = false;
        }
    }
}

impl<Q: Request, R: Response> Around<Attempt<Q>, R> for Breaker {
    async fn around<S>(&self, attempt: Attempt<Q>, next: Next<S>) -> Result<R>
    where
        S: Inner<Attempt<Q>, Response = R>,
    {
        let passage = self.enter(&attempt.cx)?;
        let outcome = next.run(attempt).await;
        match &outcome {
            Ok(_) => passage.tell(true),
            Err(error) => match error.kind() {
                Kind::Unavailable | Kind::Timeout | Kind::UpstreamError => passage.tell(false),
                // Nothing was asked of the provider, or it was not the provider that ended it.
                _ if error.what_became() == Fate::NotSent => drop(passage),
                Kind::Cancelled | Kind::Internal => drop(passage),
                _ => passage.tell(true),
            },
        }
        outcome
    }
}
