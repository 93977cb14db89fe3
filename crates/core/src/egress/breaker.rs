//! The circuit breaker: closed, open, half open, for each tenant and account of a provider.
//!
//! It goes by what this replica sees. What others say makes it careful, or lets it look earlier.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::cx::Cx;
use crate::egress::hints::Hint;
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
    Closed {
        failures: u32,
    },
    Open {
        since: Instant,
        until: Instant,
        used_up: bool,
    },
    /// One attempt at a time; so many of them went well.
    HalfOpen {
        probing: bool,
        passed: u32,
    },
}

/// While another replica's circuit is open: the failures in a row that open this one, and the probes in a row that
/// close it.
const CAREFUL: (u32, u32) = (2, 3);

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
            Some(Circuit::Open {
                since,
                until,
                used_up,
            }) if *until > now && !self.closed_elsewhere(&key, *since) => {
                return Err(self.refusal(*until - now, *used_up));
            }
            Some(Circuit::HalfOpen { probing: true, .. }) => {
                return Err(self.refusal(self.trip.recovery / 10, false));
            }
            Some(circuit) => {
                let passed = match circuit {
                    Circuit::HalfOpen { passed, .. } => *passed,
                    _ => 0,
                };
                *circuit = Circuit::HalfOpen {
                    probing: true,
                    passed,
                };
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

    /// Whether another replica found the provider well again after this circuit opened.
    fn closed_elsewhere(&self, key: &str, since: Instant) -> bool {
        let hint = self.env.hints.of(self.info.id, key);
        matches!(hint, Some(Hint::Closed(at)) if at > since)
    }

    fn open_elsewhere(&self, key: &str) -> bool {
        self.env.hints.of(self.info.id, key) == Some(Hint::Open)
    }

    fn opening(&self, key: &str, wait: Duration, used_up: bool) -> Circuit {
        self.env.hints.opened(self.info.id, key, wait);
        let since = Instant::now();
        Circuit::Open {
            since,
            until: since + wait,
            used_up,
        }
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
        let open = self.opening(key, wait.unwrap_or(self.trip.recovery), true);
        self.circuits().insert(key.to_owned(), open);
        self.show(account, open);
    }

    fn tell(&self, key: &str, account: &str, probe: bool, healthy: bool) {
        let mut circuits = self.circuits();
        let now = circuits
            .get(key)
            .copied()
            .unwrap_or(Circuit::Closed { failures: 0 });
        let (failures, passed) = match now {
            Circuit::Closed { failures } => (failures, None),
            // What began before the circuit opened is old news: the probe alone decides.
            _ if !probe => return,
            Circuit::HalfOpen { passed, .. } => (self.trip.failures, Some(passed + 1)),
            Circuit::Open { .. } => (self.trip.failures, Some(1)),
        };
        let next = match (healthy, passed) {
            (true, Some(passed)) if passed < CAREFUL.1 && self.open_elsewhere(key) => {
                Circuit::HalfOpen {
                    probing: false,
                    passed,
                }
            }
            (true, _) => Circuit::Closed { failures: 0 },
            (false, _) => {
                let mut most = self.trip.failures;
                if most > CAREFUL.0 && self.open_elsewhere(key) {
                    most = CAREFUL.0;
                }
                let failures = failures.saturating_add(1);
                if failures < most {
                    Circuit::Closed { failures }
                } else {
                    self.opening(key, self.trip.recovery, false)
                }
            }
        };
        // The map holds the accounts in trouble and no others, so that it stays small.
        if let Circuit::Closed { failures: 0 } = next {
            if circuits.remove(key).is_none() {
                return;
            }
            if passed.is_some() {
                self.env.hints.closed(self.info.id, key);
            }
        } else {
            circuits.insert(key.to_owned(), next);
        }
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
            && let Some(Circuit::HalfOpen { probing, .. }) =
                self.breaker.circuits().get_mut(&self.key)
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
    use crate::egress::hints::Hints;
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
        let mut env = Env::alone();
        env.hints = Hints::deaf();
        let breaker = Breaker::new(&INFO, &Policy::DEFAULT, &env);
        (breaker, Cx::builder(Principal::local()).build())
    }

    /// Another replica says that its circuit is open for so long, or closed.
    fn elsewhere(breaker: &Breaker, cx: &Cx, open: u64) {
        let hints = &breaker.env.hints;
        hints.hear("acme", &cx.scope_key(), open * 1000);
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

    #[tokio::test(start_paused = true)]
    async fn an_open_circuit_elsewhere_opens_none_here_but_makes_two_failures_enough() {
        let (breaker, cx) = breaker();
        elsewhere(&breaker, &cx, 60);
        breaker.enter(&cx).unwrap().tell(true);
        breaker.enter(&cx).unwrap().tell(false);
        assert_eq!(state(&breaker), 0, "one may be a coincidence");
        breaker.enter(&cx).unwrap().tell(false);
        assert_eq!(state(&breaker), 2);
        let (breaker, cx) = self::breaker();
        elsewhere(&breaker, &cx, 60);
        tokio::time::sleep(secs(60)).await;
        for _ in 0..4 {
            breaker.enter(&cx).unwrap().tell(false);
        }
        assert_eq!(state(&breaker), 0, "it is as ever when the word is old");
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_circuit_is_open_elsewhere_it_takes_three_probes_to_close_this_one() {
        let (breaker, cx) = breaker();
        let open = || async {
            for _ in 0..5 {
                breaker.enter(&cx).unwrap().tell(false);
            }
            tokio::time::sleep(secs(60)).await;
            elsewhere(&breaker, &cx, 60);
        };
        open().await;
        for _ in 0..3 {
            assert_ne!(state(&breaker), 0);
            let probe = breaker.enter(&cx).unwrap();
            assert!(breaker.enter(&cx).is_err(), "one at a time");
            probe.tell(true);
        }
        assert_eq!(state(&breaker), 0);
        // It is well elsewhere too: one is enough.
        elsewhere(&breaker, &cx, 0);
        open().await;
        breaker.enter(&cx).unwrap().tell(true);
        elsewhere(&breaker, &cx, 0);
        breaker.enter(&cx).unwrap().tell(true);
        assert_eq!(state(&breaker), 0);
        // And one that fails on the way opens it again.
        open().await;
        breaker.enter(&cx).unwrap().tell(true);
        breaker.enter(&cx).unwrap().tell(false);
        assert!(breaker.enter(&cx).is_err());
        assert_eq!(state(&breaker), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_circuit_that_closed_elsewhere_lets_this_one_probe_at_once_and_once() {
        let (breaker, cx) = breaker();
        elsewhere(&breaker, &cx, 0);
        tokio::time::sleep(secs(1)).await;
        for _ in 0..5 {
            breaker.enter(&cx).unwrap().tell(false);
        }
        assert!(breaker.enter(&cx).is_err(), "that was before");
        tokio::time::sleep(secs(1)).await;
        elsewhere(&breaker, &cx, 0);
        let probe = breaker.enter(&cx).unwrap();
        assert!(breaker.enter(&cx).is_err());
        probe.tell(false);
        // What is wrong is on this side: no more of it before the time.
        assert!(breaker.enter(&cx).is_err());
        tokio::time::sleep(secs(59)).await;
        assert!(breaker.enter(&cx).is_err());
        tokio::time::sleep(secs(1)).await;
        breaker.enter(&cx).unwrap().tell(true);
        assert_eq!(state(&breaker), 0);
    }
}
