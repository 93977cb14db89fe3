//! The provider's quotas: several windows at once, a cap on requests in flight, waits within the deadline.
//!
//! What was sent is counted in the state of the world: in this process, or with all replicas together. Who waits,
//! waits here.

use std::collections::HashMap;
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
use crate::state::{Ask, Grant, Rule, Store, hashed};

/// Keeps a tenant's account inside the provider's limits, and learns from what the provider says.
#[derive(Clone)]
pub struct Limit {
    info: &'static Info,
    /// The windows of each quota that tools name, and of none.
    classes: Arc<[Class]>,
    in_flight: usize,
    /// How long an attempt may take, and so a place in flight.
    lease: Duration,
    /// The time of a call that has no deadline of its own.
    patience: Duration,
    lanes: Arc<Mutex<HashMap<String, Lane>>>,
    env: Env,
}

/// Tools that count against the same windows.
struct Class {
    name: &'static str,
    rules: Box<[Rule]>,
}

/// Who waits for one tenant's account.
struct Lane {
    /// Its name in the state.
    name: Arc<str>,
    in_flight: Arc<Semaphore>,
    /// One line of waiting requests for each quota that tools name, so that a slow one holds up no other.
    queues: HashMap<&'static str, Queue>,
}

/// Requests that wait for the same quotas, in the order in which they came.
#[derive(Default)]
struct Queue {
    turn: Arc<tokio::sync::Mutex<()>>,
    waiting: usize,
}

/// Lanes beyond which idle ones are forgotten.
const MANY_LANES: usize = 1024;
/// How soon a full lane is looked at again: at first, and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));
/// What a place in flight is held longer than an attempt may take.
const GRACE: Duration = Duration::from_secs(5);

impl Lane {
    fn is_idle(&self, in_flight: usize) -> bool {
        self.in_flight.available_permits() == in_flight
            && self.queues.values().all(|queue| queue.waiting == 0)
    }
}

/// A place in a queue, given up when it is dropped.
struct Waiting<'a> {
    limit: &'a Limit,
    key: &'a str,
    class: &'static str,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.limit.lane(self.key, |lane| {
            if let Some(queue) = lane.queues.get_mut(self.class) {
                queue.waiting = queue.waiting.saturating_sub(1);
            }
        });
    }
}

/// A place in flight, given back when it is dropped.
struct Place {
    _here: OwnedSemaphorePermit,
    /// With all replicas.
    lease: Option<(Arc<dyn Store>, Arc<str>, String)>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((store, lane, lease)) = self.lease.take() {
            store.release(&lane, &lease);
        }
    }
}

impl Limit {
    /// Limits by the provider's policy.
    pub fn new(info: &'static Info, policy: &Policy, env: &Env) -> Self {
        let operator = policy
            .requests_per_second
            .map(|n| Quota::all(n, Duration::from_secs(1)));
        let quotas: Vec<Quota> = policy.quotas.iter().copied().chain(operator).collect();
        let mut names: Vec<&str> = quotas.iter().map(|quota| quota.name).collect();
        names.push("");
        names.sort_unstable();
        names.dedup();
        let class = |name| Class {
            name,
            rules: quotas
                .iter()
                .filter(|quota| quota.name.is_empty() || quota.name == name)
                .map(|quota| Rule {
                    name: quota.name,
                    requests: quota.requests,
                    window: quota.window,
                })
                .collect(),
        };
        Self {
            info,
            classes: names.into_iter().map(class).collect(),
            in_flight: policy.in_flight.clamp(1, Semaphore::MAX_PERMITS),
            lease: policy.attempt_timeout + GRACE,
            patience: policy.deadline,
            lanes: Arc::default(),
            env: env.clone(),
        }
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<String, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane<T>(&self, key: &str, with: impl FnOnce(&mut Lane) -> T) -> T {
        let mut lanes = self.lanes();
        if let Some(lane) = lanes.get_mut(key) {
            return with(lane);
        }
        if lanes.len() >= MANY_LANES {
            lanes.retain(|_, lane| !lane.is_idle(self.in_flight));
        }
        with(lanes.entry(key.to_owned()).or_insert_with(|| Lane {
            name: hashed(&[self.info.id, key]).into(),
            in_flight: Arc::new(Semaphore::new(self.in_flight)),
            queues: HashMap::new(),
        }))
    }

    /// The class that the tool names, if the provider has it.
    fn class(&self, cx: &Cx) -> &Class {
        let named = cx.tool().map_or("", |spec| spec.quota);
        let find = |name| self.classes.iter().find(|class| class.name == name);
        // There always is the one without a name, and it sorts first.
        find(named).unwrap_or(&self.classes[0])
    }

    /// Waits for a token and a place in flight. The place is taken first and given back for every wait, so
    /// that a token is spent at the moment of sending, and nobody sleeps on a place.
    async fn admit(&self, cx: &Cx) -> Result<Place> {
        let key = cx.scope_key();
        let class = self.class(cx);
        let store = self.env.state.store();
        let until = cx
            .deadline()
            .unwrap_or_else(|| Instant::now() + self.patience);
        let cancelled = || Error::new(Kind::Cancelled, "The caller gave up").fate(Fate::NotSent);

        let (name, turn, room, ahead) = self.lane(&key, |lane| {
            let queue = lane.queues.entry(class.name).or_default();
            queue.waiting += 1;
            let turn = Arc::clone(&queue.turn);
            let ahead = queue.waiting - 1;
            (
                Arc::clone(&lane.name),
                turn,
                Arc::clone(&lane.in_flight),
                ahead,
            )
        });
        let _waiting = Waiting {
            limit: self,
            key: &key,
            class: class.name,
        };
        let ask = Ask {
            lane: &name,
            rules: &class.rules,
            in_flight: self.in_flight,
            lease: self.lease,
        };
        let wait = store.wait(&ask, ahead);
        if Instant::now() + wait >= until {
            return Err(self.refusal(Some(wait)));
        }
        let work = async {
            let _turn = turn.lock().await;
            let mut look = LOOK.0;
            loop {
                let Ok(here) = Arc::clone(&room).acquire_owned().await else {
                    return Err(self.refusal(None));
                };
                let wait = match store.acquire(&ask).await {
                    Grant::Go(lease) => {
                        let lease = lease.map(|id| (Arc::clone(store), Arc::clone(&name), id));
                        return Ok(Place { _here: here, lease });
                    }
                    Grant::Wait(wait) if Instant::now() + wait >= until => {
                        return Err(self.refusal(Some(wait)));
                    }
                    Grant::Wait(wait) => wait,
                    Grant::Busy => {
                        // Jitter, so that the replicas do not all look at the same moment.
                        let wait = look.mul_f64(0.5 + fastrand::f64());
                        look = (look * 2).min(LOOK.1);
                        wait
                    }
                };
                drop(here);
                tokio::time::sleep(wait).await;
            }
        };
        tokio::select! {
            biased;
            admitted = tokio::time::timeout_at(until, work) => {
                admitted.unwrap_or_else(|_| Err(self.refusal(None)))
            }
            () = cx.cancel().cancelled() => Err(cancelled()),
        }
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

    async fn learn(&self, key: &str, pause: Option<Duration>) {
        if let Some(pause) = pause {
            let name = self.lane(key, |lane| Arc::clone(&lane.name));
            self.env.state.store().pause(&name, pause).await;
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
        let place = admitted?;
        let key = attempt.cx.scope_key();
        let outcome = next.run(attempt).await;
        drop(place);
        match &outcome {
            Ok(answer) => self.learn(&key, answer.pace().pause).await,
            Err(error) if error.kind() == Kind::RateLimited => self.learn(&key, error.wait()).await,
            Err(_) => {}
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cx::Principal;
    use crate::policy::secs;
    use crate::tool::Spec;

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
    static LIST: Spec = Spec::read("acme_list").quota("lists");
    static GET: Spec = Spec::read("acme_get");
    const QUOTAS: &[Quota] = &[Quota::all(10, secs(1)), Quota::named("lists", 1, secs(60))];

    fn limit(in_flight: usize) -> Limit {
        let policy = Policy {
            quotas: QUOTAS,
            in_flight,
            ..Policy::DEFAULT
        };
        Limit::new(&INFO, &policy, &Env::alone())
    }

    fn cx(spec: &'static Spec, time: Duration) -> Cx {
        let cx = Cx::builder(Principal::local()).deadline(Instant::now() + time);
        cx.build().with_tool(spec)
    }

    #[tokio::test(start_paused = true)]
    async fn a_named_quota_counts_the_tools_that_name_it_and_holds_up_no_other() {
        let limit = limit(1);
        drop(limit.admit(&cx(&LIST, secs(5))).await.unwrap());
        let started = Instant::now();
        let patient = cx(&LIST, secs(100));
        let (list, ()) = tokio::join!(limit.admit(&patient), async {
            tokio::time::sleep(secs(1)).await;
            for _ in 0..9 {
                drop(limit.admit(&cx(&GET, secs(5))).await.unwrap());
            }
            assert_eq!(
                started.elapsed(),
                secs(1),
                "others waited behind the slow quota"
            );
        });
        drop(list.unwrap());
        assert_eq!(started.elapsed(), secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_counts_against_the_general_quota_too() {
        let limit = limit(100);
        for _ in 0..9 {
            drop(limit.admit(&cx(&GET, secs(5))).await.unwrap());
        }
        drop(limit.admit(&cx(&LIST, secs(5))).await.unwrap());
        let started = Instant::now();
        drop(limit.admit(&cx(&GET, secs(5))).await.unwrap());
        assert_eq!(started.elapsed(), secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_lanes_are_forgotten_and_busy_ones_are_not() {
        let limit = limit(4);
        let tenant = |name: String| {
            let principal = Principal {
                tenant: name.into(),
                ..Principal::local()
            };
            Cx::builder(principal).build().with_tool(&GET)
        };
        let busy = limit.admit(&tenant("busy".into())).await.unwrap();
        for n in 0..MANY_LANES * 3 {
            drop(limit.admit(&tenant(format!("tenant {n}"))).await.unwrap());
            if n % 100 == 0 {
                tokio::time::sleep(secs(61)).await;
            }
        }
        assert!(limit.lanes().len() <= MANY_LANES + 1);
        assert!(
            limit
                .lanes()
                .contains_key(&tenant("busy".into()).scope_key())
        );
        drop(busy);
    }
}
