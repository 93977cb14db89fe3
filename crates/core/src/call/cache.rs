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

/// The fetches under way. The number tells one from a later one of the same key.
type Flights = HashMap<String, (u64, WeakShared<BoxFuture<'static, Outcome>>)>;

/// Results of cached reads, in this process.
#[derive(Clone)]
pub struct CacheStore {
    entries: Moka<String, Entry>,
    flights: Arc<Mutex<Flights>>,
    forgotten: Arc<Mutex<Forgotten>>,
    next: Arc<AtomicU64>,
}

/// When the results of a tool were forgotten last, for each tenant's account. Generations never come again, so
/// that forgetting all of this forgets results and revives none.
#[derive(Default)]
struct Forgotten {
    generations: HashMap<String, u64>,
    everything: u64,
}

/// Generations that are kept apart before everything is forgotten.
const MANY_GENERATIONS: usize = 10_000;

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
            next: Arc::default(),
        }
    }

    fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forgotten(&self) -> MutexGuard<'_, Forgotten> {
        self.forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn generation(&self, scope: &str, tool: &str) -> u64 {
        let forgotten = self.forgotten();
        if forgotten.generations.is_empty() {
            return forgotten.everything;
        }
        let found = forgotten.generations.get(&format!("{scope}/{tool}"));
        found.copied().unwrap_or(forgotten.everything)
    }

    /// Lets no earlier result of `tool` be served to the account again.
    pub fn forget(&self, scope: &str, tool: &str) {
        let generation = self.next.fetch_add(1, Ordering::AcqRel) + 1;
        let mut forgotten = self.forgotten();
        if forgotten.generations.len() >= MANY_GENERATIONS {
            forgotten.generations.clear();
            forgotten.everything = generation;
        }
        forgotten
            .generations
            .insert(format!("{scope}/{tool}"), generation);
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
    async fn around<S>(&self, call: Call, next: Next<S>) -> Result<Reply>
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
        let generation = self.store.generation(&scope, spec.name);
        let key = format!("{scope}/{}/{generation}/{}", spec.name, call.fingerprint());
        if let Some(entry) = self.store.entries.get(&key).await {
            self.count(&call, "hit");
            return Ok(Reply {
                value: (*entry.value).clone(),
                origin: Origin::Cached,
            });
        }
        let (flight, joined) = {
            let mut flights = self.store.flights();
            let known = flights.get(&key).and_then(|(_, flight)| flight.upgrade());
            if let Some(flight) = known {
                (flight, true)
            } else {
                let id = self.store.next.fetch_add(1, Ordering::AcqRel);
                let mut call = call.clone();
                // The fetch has a clock of its own: one caller's end must not be the others'.
                call.cx = call.cx.detached(call.plugin.policy().deadline);
                let landing = Landing {
                    store: self.store.clone(),
                    key: key.clone(),
                    id,
                };
                let flight = fetch(landing, ttl, call, next);
                if let Some(weak) = flight.downgrade() {
                    flights.insert(key, (id, weak));
                }
                (flight, false)
            }
        };
        self.count(&call, if joined { "joined" } else { "miss" });
        flight.await
    }
}

/// A fetch under way, which nobody can join once it is over or given up.
struct Landing {
    store: CacheStore,
    key: String,
    id: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = self.store.flights();
        if flights.get(&self.key).is_some_and(|(id, _)| *id == self.id) {
            flights.remove(&self.key);
        }
    }
}

fn fetch<S>(landing: Landing, ttl: Duration, call: Call, next: Next<S>) -> Flight
where
    S: Inner<Call, Response = Reply>,
{
    async move {
        let reply = next.run(call).await?;
        let bytes = u32::try_from(crate::page::size(&reply.value)).unwrap_or(u32::MAX);
        let entry = Entry {
            value: Arc::new(reply.value.clone()),
            bytes,
            ttl,
        };
        let entries = &landing.store.entries;
        entries.insert(landing.key.clone(), entry).await;
        Ok(reply)
    }
    .boxed()
    .shared()
}
