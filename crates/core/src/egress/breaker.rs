//! The circuit breaker: closed, open, half open, for each tenant and account of a provider.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
/// nothing about it. An error that says that all else would fail like it, such as a quota of the
/// account that is used up, opens the circuit at once.
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
    Open { until: Instant, used_up: bool },
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
        let now = Instant::now();
        let mut circuits = self.circuits();
        let probe = match circuits.get_mut(&key) {
            None | Some(Circuit::Closed { .. }) => false,
            Some(Circuit::Open { until, used_up }) if *until > now => {
                return Err(self.refusal(*until - now, *used_up));
            }
            Some(Circuit::HalfOpen { probing: true }) => {
                return Err(self.refusal(self.trip.recovery / 10, false));
            }
            Some(circuit) => {
                *circuit = Circuit::HalfOpen { probing: true };
                self.show(cx.account(), *circuit);
                true
            }
        };
        drop(circuits);
        Ok(Passage {
            breaker: self,
            key,
            account: Arc::clone(cx.account_shared()),
            probe,
            told: false,
        })
    }

    fn refusal(&self, wait: Duration, used_up: bool) -> Error {
        let (why, hint) = if used_up {
            (
                "said that a quota or the credit is used up",
                "Raise the quota or add credit at the provider, or wait `retry_after_ms`",
            )
        } else {
            (
                "failed repeatedly",
                "Wait `retry_after_ms`, then try again; `/health` shows the provider's state",
            )
        };
        Error::new(
            Kind::CircuitOpen,
            format!("{} {why} and is left alone for a moment", self.info.title),
        )
        .fate(Fate::NotSent)
        .retry_after(wait)
        .hint(hint)
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

    /// Opens the circuit whatever came before.
    fn trip(&self, key: &str, account: &str, wait: Option<Duration>) {
        let open = Circuit::Open {
            until: Instant::now() + wait.unwrap_or(self.trip.recovery),
            used_up: true,
        };
        self.circuits().insert(key.to_owned(), open);
        self.show(account, open);
    }

    fn tell(&self, key: &str, account: &str, probe: bool, healthy: bool) {
        let mut circuits = self.circuits();
        let now = circuits
            .get(key)
            .copied()
            .unwrap_or(Circuit::Closed { failures: 0 });
        let failures = match now {
            Circuit::Closed { failures } => failures,
            // What began before the circuit opened is old news: the probe alone decides.
            _ if !probe => return,
            _ => self.trip.failures,
        };
        // The map holds the accounts in trouble and no others, so that it stays small.
        let next = if healthy {
            if circuits.remove(key).is_none() {
                return;
            }
            Circuit::Closed { failures: 0 }
        } else {
            let next = if failures.saturating_add(1) < self.trip.failures {
                Circuit::Closed {
                    failures: failures + 1,
                }
            } else {
                Circuit::Open {
                    until: Instant::now() + self.trip.recovery,
                    used_up: false,
                }
            };
            circuits.insert(key.to_owned(), next);
            next
        };
        self.show(account, next);
    }
}

/// One attempt inside the breaker. A probe that is dropped unanswered makes room for the next.
struct Passage<'a> {
    breaker: &'a Breaker,
    key: String,
    account: Arc<str>,
    probe: bool,
    told: bool,
}

impl Passage<'_> {
    fn trip(mut self, wait: Option<Duration>) {
        self.told = true;
        self.breaker.trip(&self.key, &self.account, wait);
    }

    fn tell(mut self, healthy: bool) {
        self.told = true;
        self.breaker
            .tell(&self.key, &self.account, self.probe, healthy);
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if self.probe
            && !self.told
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
            Err(error) if error.trips() => passage.trip(error.wait()),
            Err(error) => match error.kind() {
                // The call's own time was over: that says nothing about the provider.
                Kind::Timeout if !error.is_temporary() => drop(passage),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cx::Principal;
    use crate::policy::secs;

    static INFO: Info = Info {
        id: "acme",
        title: "Acme",
        summary: "",
        docs: "",
        policy: Policy::DEFAULT,
        env: &[],
        credentials: &[],
        auth_hint: "",
        setup_hint: "",
    };

    fn breaker() -> (Breaker, Cx) {
        let breaker = Breaker::new(&INFO, &Policy::DEFAULT, &Env::alone());
        (breaker, Cx::builder(Principal::local()).build())
    }

    fn state(breaker: &Breaker) -> i64 {
        let circuit = &breaker.env.metrics.circuit;
        circuit.with_label_values(&["acme", "default"]).get()
    }

    #[tokio::test(start_paused = true)]
    async fn the_gauge_follows_the_circuit_and_the_map_holds_only_trouble() {
        let (breaker, cx) = breaker();
        for _ in 0..5 {
            breaker.enter(&cx).unwrap().tell(false);
        }
        assert_eq!(state(&breaker), 2);
        tokio::time::sleep(secs(60)).await;
        let probe = breaker.enter(&cx).unwrap();
        assert_eq!(state(&breaker), 1);
        assert!(breaker.enter(&cx).is_err());
        probe.tell(true);
        assert_eq!(state(&breaker), 0);
        assert!(breaker.circuits().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_attempt_that_ends_during_the_probe_changes_nothing() {
        let (breaker, cx) = breaker();
        let old: Vec<_> = (0..3).map(|_| breaker.enter(&cx).unwrap()).collect();
        for _ in 0..5 {
            breaker.enter(&cx).unwrap().tell(false);
        }
        tokio::time::sleep(secs(60)).await;
        let probe = breaker.enter(&cx).unwrap();
        let mut old = old.into_iter();
        old.next().unwrap().tell(false);
        old.next().unwrap().tell(true);
        drop(old);
        assert!(breaker.enter(&cx).is_err(), "there is one probe");
        probe.tell(true);
        assert!(breaker.enter(&cx).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_quota_that_is_used_up_opens_the_circuit_at_once_and_for_as_long_as_told() {
        let (breaker, cx) = breaker();
        breaker.enter(&cx).unwrap().trip(Some(secs(600)));
        assert_eq!(state(&breaker), 2);
        let error = breaker.enter(&cx).err().unwrap();
        assert_eq!(error.kind(), Kind::CircuitOpen);
        assert_eq!(error.wait(), Some(secs(600)));
        assert!(error.message().contains("used up"), "{error}");
        tokio::time::sleep(secs(600)).await;
        breaker.enter(&cx).unwrap().tell(true);
        assert_eq!(state(&breaker), 0);
    }
}
