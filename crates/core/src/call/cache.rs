//! Cached reads: a class and a time for each, bounded by bytes, one flight for equal misses, forgotten by writes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use moka::Expiry;
use moka::future::Cache as Moka;
use serde_json::Value;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::call::{Call, Origin, Outcome, Reply};
use crate::error::Result;
use crate::metrics::Metrics;

type Flight = Shared<BoxFuture<'static, Outcome>>;

/// Results of cached reads, in this process.
#[derive(Clone)]
pub struct CacheStore {
    entries: Moka<String, Entry>,
    flights: Arc<Mutex<HashMap<String, WeakShared<BoxFuture<'static, Outcome>>>>>,
    /// How often the results of a tool were forgotten, for each tenant's account.
    forgotten: Arc<Mutex<HashMap<String, Arc<AtomicU64>>>>,
}

#[derive(Clone)]
struct Entry {
    value: Arc<Value>,
    bytes: u32,
    ttl: Duration,
}

struct PerEntry;

impl Expiry<String, Entry> for PerEntry {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl CacheStore {
    /// A cache of at most so many bytes of JSON.
    pub fn in_memory(max_bytes: u64) -> Self {
        Self {
            entries: Moka::builder()
                .max_capacity(max_bytes)
                .weigher(|key: &String, entry: &Entry| {
                    entry
                        .bytes
                        .saturating_add(u32::try_from(key.len()).unwrap_or(u32::MAX))
                })
                .expire_after(PerEntry)
                .build(),
            flights: Arc::default(),
            forgotten: Arc::default(),
        }
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<String, WeakShared<BoxFuture<'static, Outcome>>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn generation(&self, scope: &str, tool: &str) -> Arc<AtomicU64> {
        let mut all = self
            .forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(format!("{scope}/{tool}")).or_default())
    }

    /// Lets no earlier result of `tool` be served to the account again.
    pub fn forget(&self, scope: &str, tool: &str) {
        self.generation(scope, tool).fetch_add(1, Ordering::AcqRel);
    }
}

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

    fn count(&self, call: &Call, result: &str) {
        self.metrics
            .cache
            .with_label_values(&[call.plugin.name(), result])
            .inc();
    }
}

/// Forgets when a write is over, however it ended.
struct Forget<'a> {
    store: &'a CacheStore,
    scope: String,
    tools: &'static [&'static str],
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        for tool in self.tools {
            self.store.forget(&self.scope, tool);
        }
    }
}

impl Around<Call, Reply> for Cache {
    async fn around<S>(&self, mut call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        let spec = call.spec();
        let scope = call.cx.scope_key();
        if spec.writes() {
            let _forget = (!call.cx.is_dry_run()).then(|| Forget {
                store: &self.store,
                scope,
                tools: spec.forgets,
            });
            return next.run(call).await;
        }
        let ttl = match spec.cache_class {
            "" => Duration::ZERO,
            _ => call.plugin.cache_ttl(spec),
        };
        if ttl.is_zero() {
            return next.run(call).await;
        }
        let generation = self
            .store
            .generation(&scope, spec.name)
            .load(Ordering::Acquire);
        let key = format!("{scope}/{}/{generation}/{}", spec.name, call.fingerprint());
        if let Some(entry) = self.store.entries.get(&key).await {
            self.count(&call, "hit");
            return Ok(Reply {
                value: (*entry.value).clone(),
                origin: Origin::Cached,
            });
        }
        let known = self.store.flights().get(&key).and_then(WeakShared::upgrade);
        let (flight, joined) = if let Some(flight) = known {
            (flight, true)
        } else {
            // The fetch has a clock of its own: one caller's end must not be the others'.
            call.cx = call.cx.clone().detached(call.plugin.policy().deadline);
            let flight = fetch(self.store.clone(), key.clone(), ttl, call.clone(), next);
            let mut flights = self.store.flights();
            flights.retain(|_, flight| flight.upgrade().is_some());
            if let Some(first) = flights.get(&key).and_then(WeakShared::upgrade) {
                (first, true)
            } else {
                if let Some(weak) = flight.downgrade() {
                    flights.insert(key, weak);
                }
                (flight, false)
            }
        };
        self.count(&call, if joined { "joined" } else { "miss" });
        flight.await
    }
}

fn fetch<S>(store: CacheStore, key: String, ttl: Duration, call: Call, next: Next<S>) -> Flight
where
    S: Inner<Call, Response = Reply>,
{
    async move {
        let reply = next.run(call).await?;
        let value = Arc::new(reply.value.clone());
        let bytes = u32::try_from(value.to_string().len()).unwrap_or(u32::MAX);
        store.entries.insert(key, Entry { value, bytes, ttl }).await;
        Ok(reply)
    }
    .boxed()
    .shared()
}
