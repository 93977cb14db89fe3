//! The results in this process, in front of those that replicas share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, Shared as Joint, WeakShared};
use moka::Expiry;
use moka::future::Cache as Moka;
use serde_json::Value;

use super::shared::Shared;
use crate::call::Outcome;
use crate::state::{ResultStore, State};

/// A fetch that many callers wait for.
pub(super) type Flight = Joint<BoxFuture<'static, Outcome>>;

/// The fetches under way. The number tells one from a later one of the same key.
type Flights = HashMap<String, (u64, WeakShared<BoxFuture<'static, Outcome>>)>;

/// Where results are shared, this process has each for at most so long before it asks again: what a replica did not
/// hear of is over then too.
const NEAR: Duration = Duration::from_mins(1);

/// Results of cached reads: in this process, and behind it those that replicas share.
#[derive(Clone)]
pub struct CacheStore {
    entries: Moka<String, Entry>,
    flights: Arc<Mutex<Flights>>,
    groups: Arc<Groups>,
    pub(super) shared: Option<Arc<Shared>>,
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
            groups: Arc::default(),
            shared: None,
        }
    }

    /// The same cache in front of results that replicas share. They are sealed with the keys of `state`, and what
    /// others tell comes from its store. Needs a runtime.
    pub fn in_front_of(mut self, results: Arc<dyn ResultStore>, state: &State) -> Self {
        let shared = Arc::new(Shared::new(results, state.clone()));
        let notices = state.notices();
        tokio::spawn(super::listen::listen(
            Arc::downgrade(&self.groups),
            Arc::downgrade(&shared),
            notices,
        ));
        self.shared = Some(shared);
        self
    }

    /// Lets no earlier result of these groups be served again, here and elsewhere.
    pub(super) fn forget(&self, groups: &[String]) -> Option<tokio::task::JoinHandle<()>> {
        for group in groups {
            self.groups.forget(group);
        }
        let shared = self.shared.as_ref()?;
        shared.forget(groups)
    }

    /// The generation of a group: what was read under an older one is never served.
    pub(super) fn generation(&self, group: &str) -> u64 {
        self.groups.generation(group)
    }

    pub(super) async fn get(&self, key: &str) -> Option<Value> {
        let entry = self.entries.get(key).await?;
        Some((*entry.value).clone())
    }

    pub(super) async fn insert(&self, key: String, value: &Value, ttl: Duration) {
        let entry = Entry {
            value: Arc::new(value.clone()),
            bytes: u32::try_from(crate::page::size(value)).unwrap_or(u32::MAX),
            ttl: match self.shared {
                Some(_) => ttl.min(NEAR),
                None => ttl,
            },
        };
        self.entries.insert(key, entry).await;
    }

    fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fetch under way for a key, and whether it was one before, or else a new one.
    pub(super) fn join(&self, key: &str, begin: impl FnOnce(Landing) -> Flight) -> (Flight, bool) {
        let mut flights = self.flights();
        let known = flights.get(key).and_then(|(_, flight)| flight.upgrade());
        if let Some(flight) = known {
            return (flight, true);
        }
        let id = self.groups.next();
        let flight = begin(Landing {
            store: self.clone(),
            key: key.to_owned(),
            id,
        });
        if let Some(weak) = flight.downgrade() {
            flights.insert(key.to_owned(), (id, weak));
        }
        (flight, false)
    }
}

/// A fetch under way, which nobody can join once it is over or given up.
pub(super) struct Landing {
    pub(super) store: CacheStore,
    pub(super) key: String,
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

/// When each group was cleared last. Generations never come again, so that forgetting all of this forgets results
/// and revives none.
#[derive(Default)]
pub(super) struct Groups {
    forgotten: Mutex<Forgotten>,
    next: AtomicU64,
}

#[derive(Default)]
struct Forgotten {
    generations: HashMap<String, u64>,
    everything: u64,
}

/// Generations that are kept apart before everything is forgotten.
const MANY_GENERATIONS: usize = 10_000;

impl Groups {
    fn forgotten(&self) -> MutexGuard<'_, Forgotten> {
        self.forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The generation of a group.
    pub(super) fn generation(&self, group: &str) -> u64 {
        let forgotten = self.forgotten();
        let found = forgotten.generations.get(group);
        found.copied().unwrap_or(forgotten.everything)
    }

    /// Clears a group.
    pub(super) fn forget(&self, group: &str) {
        let mut forgotten = self.forgotten();
        let generation = self.next();
        if forgotten.generations.len() >= MANY_GENERATIONS {
            forgotten.generations.clear();
            forgotten.everything = generation;
        }
        forgotten.generations.insert(group.to_owned(), generation);
    }

    /// Clears every group.
    pub(super) fn forget_everything(&self) {
        let mut forgotten = self.forgotten();
        forgotten.generations.clear();
        forgotten.everything = self.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_generation_ever_comes_again() {
        let groups = Groups::default();
        let mut seen = vec![groups.generation("a")];
        for n in 0..3 * MANY_GENERATIONS {
            groups.forget(&format!("{n}"));
        }
        for _ in 0..3 {
            seen.push(groups.generation("a"));
            groups.forget("a");
            seen.push(groups.generation("a"));
            groups.forget_everything();
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all, "{seen:?}");
    }
}
