//! Cached reads: a class and a time for each, bounded by bytes, one flight for equal misses, forgotten by writes. Where
//! replicas share results, all of that holds for them together.

mod listen;
mod pack;
mod shared;
mod store;

use std::time::Duration;

use futures_util::FutureExt;
use prometheus::IntCounterVec;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::call::{Call, Origin, Reply};
use crate::error::Result;
use crate::metrics::Metrics;
use crate::state::hashed;
use shared::{Begun, PATIENCE, Spot};
pub use store::CacheStore;
use store::{Flight, Landing};

/// Serves reads from the cache, and lets writes forget.
#[derive(Clone)]
pub struct Cache {
    store: CacheStore,
    metrics: Metrics,
}

impl Cache {
    /// Caches in the store of `env`.
    pub fn new(env: &Env) -> Self {
        Self {
            store: env.cache.clone(),
            metrics: env.metrics.clone(),
        }
    }

    fn count(&self, call: &Call) -> Count {
        Count {
            cache: self.metrics.cache.clone(),
            provider: call.plugin.info().id,
        }
    }
}

/// Counts look-ups, each once: `hit` (here), `shared_hit`, `joined` (a fetch of this process), `shared_joined` (one of
/// another replica), `miss`.
struct Count {
    cache: IntCounterVec,
    provider: &'static str,
}

impl Count {
    fn add(&self, result: &str) {
        self.cache.with_label_values(&[self.provider, result]).inc();
    }
}

/// Where the results of a tool are, for one account of a tenant.
fn group(scope: &str, tool: &str) -> String {
    hashed(&["results", scope, tool])
}

/// The name of a call's result in its group. Results of other settings, such as other credentials, of another time
/// to live or of another version are other results.
fn name(call: &Call, ttl: Duration) -> String {
    let settings = call.plugin.settings_mark(call.cx.account());
    let ttl = ttl.as_millis().to_string();
    hashed(&[call.plugin.version(), settings, &ttl, &call.fingerprint()])
}

/// Forgets when a write is over, however it ended.
struct Forget<'a> {
    store: &'a CacheStore,
    groups: Vec<String>,
    done: bool,
}

impl Forget<'_> {
    /// Forgets, and waits a little for the store: whoever has the answer of a write asks next, perhaps elsewhere.
    async fn now(mut self) {
        self.done = true;
        if let Some(told) = self.store.forget(&self.groups) {
            // It goes on in the background.
            drop(tokio::time::timeout(PATIENCE, told).await);
        }
    }
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if !self.done {
            drop(self.store.forget(&self.groups));
        }
    }
}

impl Around<Call, Reply> for Cache {
    async fn around<S>(&self, call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        let spec = call.spec();
        let scope = call.cx.scope_key();
        if spec.writes() {
            if call.cx.is_dry_run() || spec.forgets.is_empty() {
                return next.run(call).await;
            }
            let groups = spec.forgets.iter().map(|tool| group(&scope, tool));
            let forget = Forget {
                store: &self.store,
                groups: groups.collect(),
                done: false,
            };
            let outcome = next.run(call).await;
            forget.now().await;
            return outcome;
        }
        let ttl = match spec.cache_class {
            "" => Duration::ZERO,
            _ => call.plugin.cache_ttl(spec),
        };
        if ttl.is_zero() {
            return next.run(call).await;
        }
        let spot = Spot {
            group: group(&scope, spec.name),
            name: name(&call, ttl),
        };
        let generation = self.store.generation(&spot.group);
        let key = format!("{}/{generation}/{}", spot.group, spot.name);
        let count = self.count(&call);
        if let Some(value) = self.store.get(&key).await {
            count.add("hit");
            return Ok(Reply {
                value,
                origin: Origin::Cached,
            });
        }
        let budget = call.plugin.policy().deadline;
        let (flight, joined) = self.store.join(&key, |landing| {
            // Half of the time is for another replica's fetch, the other half for one's own.
            let wait = call.cx.remaining().map_or(budget, |left| left.min(budget)) / 2;
            let mut call = call.clone();
            // The fetch has a clock of its own: one caller's end must not be the others'.
            call.cx = call.cx.detached(budget);
            let count = self.count(&call);
            let fetch = Fetch {
                landing,
                spot,
                ttl,
                wait,
                count,
            };
            fetch.fly(call, next)
        });
        if joined {
            count.add("joined");
        }
        flight.await
    }
}

/// A fetch that is to be made, unless another replica has the result.
struct Fetch {
    landing: Landing,
    spot: Spot,
    ttl: Duration,
    wait: Duration,
    count: Count,
}

impl Fetch {
    fn fly<S>(self, call: Call, next: Next<S>) -> Flight
    where
        S: Inner<Call, Response = Reply>,
    {
        async move {
            let Self {
                landing,
                spot,
                ttl,
                wait,
                count,
            } = self;
            let store = &landing.store;
            let key = landing.key.clone();
            let begun = match &store.shared {
                Some(shared) => shared.begin(spot, wait).await,
                None => Begun::Fetch(None),
            };
            let held = match begun {
                Begun::Found {
                    value,
                    left,
                    waited,
                } => {
                    count.add(if waited {
                        "shared_joined"
                    } else {
                        "shared_hit"
                    });
                    store.insert(key, &value, left.min(ttl)).await;
                    let origin = Origin::Cached;
                    return Ok(Reply { value, origin });
                }
                Begun::Fetch(held) => held,
            };
            count.add("miss");
            let work = next.run(call);
            let reply = match &held {
                Some(held) => held.during(work).await?,
                None => work.await?,
            };
            store.insert(key, &reply.value, ttl).await;
            if let Some(held) = held {
                held.keep(&reply.value, ttl);
            }
            Ok(reply)
        }
        .boxed()
        .shared()
    }
}
