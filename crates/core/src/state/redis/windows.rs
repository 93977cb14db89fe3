//! Windows of limits in Redis, and each replica's share of them while Redis is away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redis::Script;
use tokio::time::Instant;

use super::RedisStore;
use super::link::Link;
use crate::state::{Ask, Grant, LocalWindows, Rule, Trouble, WindowStore, millis_of};

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/acquire.lua")));
static PAUSE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/pause.lua")));

/// What this replica sends, for the time when it has to count alone.
#[derive(Debug, Default)]
pub(super) struct Alone {
    windows: LocalWindows,
    in_flight: Mutex<HashMap<String, usize>>,
    /// When something went out without Redis knowing of it.
    last: Mutex<Option<Instant>>,
    leases: AtomicU64,
}

impl Alone {
    fn in_flight(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self, instance: &str) -> String {
        let n = self.leases.fetch_add(1, Ordering::Relaxed);
        format!("{instance}/{n}")
    }

    fn depart(&self, lane: &str) {
        *self.in_flight().entry(lane.to_owned()).or_default() += 1;
    }

    fn arrive(&self, lane: &str) {
        let mut lanes = self.in_flight();
        if let Some(n) = lanes.get_mut(lane) {
            *n -= 1;
            if *n == 0 {
                lanes.remove(lane);
            }
        }
    }

    /// Room in this replica's share.
    fn take(&self, ask: &Ask<'_>, replicas: u32, instance: &str) -> Grant {
        let share = ask.in_flight / replicas as usize;
        let now = self.in_flight().get(ask.lane).copied().unwrap_or_default();
        if now >= share.max(1) {
            return Grant::Busy;
        }
        match self.windows.take(ask) {
            Ok(()) => {
                *self.last() = Some(Instant::now());
                self.depart(ask.lane);
                Grant::Go(Some(self.lease(instance)))
            }
            Err(wait) => Grant::Wait(wait),
        }
    }

    /// The wait that is left because of what went out without Redis knowing of it.
    fn wait(&self, ask: &Ask<'_>) -> Duration {
        let Some(last) = *self.last() else {
            return Duration::ZERO;
        };
        let since = last.elapsed();
        let rules = ask.rules.iter().filter(|rule| since < rule.window);
        let rules: Vec<Rule> = rules.copied().collect();
        let unknown = Ask {
            rules: &rules,
            ..*ask
        };
        self.windows.wait(&unknown, 0)
    }
}

/// What one of many replicas may send of a window by itself.
fn share(rule: &Rule, replicas: u32) -> Rule {
    let requests = rule.requests.max(1);
    if requests >= replicas {
        return Rule {
            requests: requests / replicas,
            ..*rule
        };
    }
    // Less than one each: one in a window that is as much longer.
    Rule {
        requests: 1,
        window: rule.window * replicas.div_ceil(requests),
        ..*rule
    }
}

impl RedisStore {
    fn lane(&self, lane: &str, what: &str) -> String {
        // The braces keep a lane on one node of a cluster.
        self.link.key(&format!("lane:{{{lane}}}:{what}"))
    }

    async fn together(&self, ask: &Ask<'_>, lease: &str) -> Result<Grant, Trouble> {
        let mut keys = vec![
            self.lane(ask.lane, "pause"),
            self.lane(ask.lane, "in_flight"),
        ];
        let mut args = vec![
            ask.in_flight.to_string(),
            lease.to_owned(),
            millis_of(ask.lease).to_string(),
        ];
        for rule in ask.rules {
            let window = rule.window.as_micros();
            keys.push(self.lane(ask.lane, &format!("{}/{window}", rule.name)));
            args.push(rule.requests.max(1).to_string());
            args.push(window.to_string());
        }
        let args: Vec<&[u8]> = args.iter().map(String::as_bytes).collect();
        let answer: Vec<String> = self.link.eval(&ACQUIRE, &keys, &args).await?;
        let mut answer = answer.iter().map(String::as_str);
        match (answer.next(), answer.next().map(str::parse)) {
            (Some("go"), _) => Ok(Grant::Go(Some(lease.to_owned()))),
            (Some("busy"), _) => Ok(Grant::Busy),
            (Some("wait"), Some(Ok(micros))) => Ok(Grant::Wait(Duration::from_micros(micros))),
            _ => Err(Trouble::Failed(
                "Redis did not say whether there is room".to_owned(),
            )),
        }
    }
}

/// Gives a place back; one that cannot be given back is free when its lease is over.
async fn give_back(link: Arc<Link>, key: String, lease: String) {
    let mut command = redis::cmd("ZREM");
    command.arg(key).arg(lease);
    drop(link.query::<i64>(command).await);
}

#[async_trait]
impl WindowStore for RedisStore {
    async fn acquire(&self, ask: &Ask<'_>) -> Grant {
        let replicas = self.link.replicas();
        let rules: Vec<Rule> = ask.rules.iter().map(|rule| share(rule, replicas)).collect();
        let own = Ask {
            rules: &rules,
            ..*ask
        };
        let wait = self.alone.wait(&own);
        if !wait.is_zero() && self.link.trouble().is_none() {
            return Grant::Wait(wait);
        }
        let instance = self.link.instance();
        match self.together(ask, &self.alone.lease(instance)).await {
            Ok(Grant::Go(lease)) => {
                self.alone.windows.count(&own);
                self.alone.depart(ask.lane);
                Grant::Go(lease)
            }
            Ok(other) => other,
            Err(_) => self.alone.take(&own, replicas, instance),
        }
    }

    fn release(&self, lane: &str, lease: &str) {
        self.alone.arrive(lane);
        let key = self.lane(lane, "in_flight");
        let give_back = give_back(Arc::clone(&self.link), key, lease.to_owned());
        // Without a runtime the process is about to end, and the lease with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(give_back);
        }
    }

    async fn pause(&self, lane: &str, pause: Duration) {
        let pause = pause.min(Duration::from_hours(1));
        self.alone.windows.be_silent(lane, pause);
        let keys = [self.lane(lane, "pause")];
        let millis = millis_of(pause).max(1).to_string();
        // While Redis is away each replica learns it for itself.
        drop(
            self.link
                .eval::<i64>(&PAUSE, &keys, &[millis.as_bytes()])
                .await,
        );
    }

    fn wait(&self, ask: &Ask<'_>, ahead: usize) -> Duration {
        // Even with nobody else there, so many rounds have to pass.
        let least = ask.rules.iter().map(|rule| {
            let rounds = ahead / rule.requests.max(1) as usize;
            rule.window * u32::try_from(rounds).unwrap_or(u32::MAX).min(100_000)
        });
        let silent = Ask { rules: &[], ..*ask };
        let silent = self.alone.windows.wait(&silent, 0);
        least.max().unwrap_or_default().max(silent)
    }
}
