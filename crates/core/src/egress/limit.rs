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
    /// The time of a call that has no deadline of its own.
    patience: Duration,
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

impl Lane {
    fn is_idle(&self, now: Instant, quotas: &[Quota], in_flight: usize) -> bool {
        self.silent_until <= now
            && self.in_flight.available_permits() == in_flight
            && self.queues.values().all(|queue| queue.waiting == 0)
            && quotas.iter().zip(&self.sent).all(|(quota, sent)| {
                sent.back()
                    .is_none_or(|&at| now.duration_since(at) >= quota.window)
            })
    }
}

/// The earliest time at which one more request fits a quota when `ahead` others go first.
fn room_at(quota: &Quota, sent: &VecDeque<Instant>, ahead: usize) -> Option<Instant> {
    let room = quota.requests.max(1) as usize;
    let before = (sent.len() + ahead).checked_sub(room)?;
    if let Some(&at) = sent.get(before) {
        return Some(at + quota.window);
    }
    // Beyond those sent, every `room` requests take one window more.
    let rounds = (before - sent.len()) / room + 1;
    let known = before.checked_sub(rounds * room).and_then(|n| sent.get(n));
    let (base, windows) = match known {
        Some(&at) => (at, rounds + 1),
        None => (Instant::now(), rounds),
    };
    Some(base + quota.window * u32::try_from(windows).unwrap_or(u32::MAX).min(100_000))
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

impl Limit {
    /// Limits by the provider's policy.
    pub fn new(info: &'static Info, policy: &Policy, env: &Env) -> Self {
        let operator = policy
            .requests_per_second
            .map(|n| Quota::all(n, Duration::from_secs(1)));
        Self {
            info,
            quotas: policy.quotas.iter().copied().chain(operator).collect(),
            in_flight: policy.in_flight.clamp(1, Semaphore::MAX_PERMITS),
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
        let now = Instant::now();
        if lanes.len() >= MANY_LANES {
            lanes.retain(|_, lane| !lane.is_idle(now, &self.quotas, self.in_flight));
        }
        with(lanes.entry(key.to_owned()).or_insert_with(|| Lane {
            sent: vec![VecDeque::new(); self.quotas.len()],
            silent_until: now,
            in_flight: Arc::new(Semaphore::new(self.in_flight)),
            queues: HashMap::new(),
        }))
    }

    /// The quota that the tool names, if the provider has it.
    fn class(&self, cx: &Cx) -> &'static str {
        let named = cx.tool().map_or("", |spec| spec.quota);
        let known = self.quotas.iter().any(|quota| quota.name == named);
        if known { named } else { "" }
    }

    /// How long it is until the quotas of a class have room when `ahead` others go first.
    fn wait(&self, lane: &mut Lane, class: &str, ahead: usize, now: Instant) -> Duration {
        let mut at = lane.silent_until;
        for (quota, sent) in self.quotas.iter().zip(&mut lane.sent) {
            while sent
                .front()
                .is_some_and(|&at| now.duration_since(at) >= quota.window)
            {
                sent.pop_front();
            }
            if (quota.name.is_empty() || quota.name == class)
                && let Some(room) = room_at(quota, sent, ahead)
            {
                at = at.max(room);
            }
        }
        at.saturating_duration_since(now)
    }

    /// Takes a token from every quota of the class, or from none and tells the wait.
    fn take(&self, key: &str, class: &str) -> Result<(), Duration> {
        self.lane(key, |lane| {
            let now = Instant::now();
            let wait = self.wait(lane, class, 0, now);
            if !wait.is_zero() {
                return Err(wait);
            }
            for (quota, sent) in self.quotas.iter().zip(&mut lane.sent) {
                if quota.name.is_empty() || quota.name == class {
                    sent.push_back(now);
                }
            }
            Ok(())
        })
    }

    /// Waits for a token and a place in flight. The place is taken first and given back for every wait, so
    /// that a token is spent at the moment of sending, and nobody sleeps on a place.
    async fn admit(&self, cx: &Cx) -> Result<OwnedSemaphorePermit> {
        let key = cx.scope_key();
        let class = self.class(cx);
        let until = cx
            .deadline()
            .unwrap_or_else(|| Instant::now() + self.patience);
        let cancelled = || Error::new(Kind::Cancelled, "The caller gave up").fate(Fate::NotSent);

        let (turn, room, wait) = self.lane(&key, |lane| {
            let ahead = lane.queues.get(class).map_or(0, |queue| queue.waiting);
            let wait = self.wait(lane, class, ahead, Instant::now());
            let queue = lane.queues.entry(class).or_default();
            queue.waiting += 1;
            (Arc::clone(&queue.turn), Arc::clone(&lane.in_flight), wait)
        });
        let _waiting = Waiting {
            limit: self,
            key: &key,
            class,
        };
        if Instant::now() + wait >= until {
            return Err(self.refusal(Some(wait)));
        }
        let work = async {
            let _turn = turn.lock().await;
            loop {
                let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                    return Err(self.refusal(None));
                };
                match self.take(&key, class) {
                    Ok(()) => return Ok(permit),
                    Err(wait) if Instant::now() + wait >= until => {
                        return Err(self.refusal(Some(wait)));
                    }
                    Err(wait) => {
                        drop(permit);
                        tokio::time::sleep(wait).await;
                    }
                }
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

    #[test]
    fn the_wait_of_a_place_in_line_follows_from_the_quota() {
        let quota = Quota::all(2, secs(10));
        let now = Instant::now();
        let sent = VecDeque::from([now, now + secs(1)]);
        let wait = |ahead| room_at(&quota, &sent, ahead).map(|at| at - now);
        assert_eq!(wait(0), Some(secs(10)));
        assert_eq!(wait(1), Some(secs(11)));
        assert_eq!(wait(2), Some(secs(20)));
        assert_eq!(wait(5), Some(secs(31)));
        let none = VecDeque::new();
        assert_eq!(room_at(&quota, &none, 1), None);
        let third = room_at(&quota, &none, 2).unwrap() - now;
        assert!(third >= secs(10) && third < secs(11), "{third:?}");
    }
}
