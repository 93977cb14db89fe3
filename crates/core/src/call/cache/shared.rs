//! The results that replicas share, and what is done so that they never cost a read more than they save.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::pack::{pack, unpack};
use crate::policy::{millis, secs};
use crate::state::{Look, ResultStore, State, Turn};

/// How long a call waits for the store itself. What is later goes on in the background.
pub(super) const PATIENCE: Duration = millis(100);
/// How long the store is not asked for results after it was late.
const REST: Duration = secs(1);
/// How long a turn lasts when its holder is not heard of: one that died is waited for no longer.
const HELD: Duration = secs(2);
/// How soon it is looked again for the result of another's turn: at first, and at most.
const AGAIN: (Duration, Duration) = (millis(10), millis(100));

/// Where a result is.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) group: String,
    pub(super) name: String,
}

/// How a read begins.
pub(super) enum Begun {
    /// With a result, good for so long; `waited` for another replica's fetch.
    Found {
        value: Value,
        left: Duration,
        waited: bool,
    },
    /// With a fetch, whose result may be shared if there is a turn.
    Fetch(Option<Held>),
}

/// Results in a store, and what this replica knows of them.
pub(super) struct Shared {
    results: Arc<dyn ResultStore>,
    state: State,
    instance: String,
    asked: AtomicU64,
    resting: Mutex<Option<Instant>>,
    /// Groups that were cleared here and not there yet: nothing in them is to be believed.
    untold: Mutex<HashMap<String, u64>>,
}

impl Shared {
    pub(super) fn new(results: Arc<dyn ResultStore>, state: State) -> Self {
        Self {
            results,
            state,
            instance: uuid::Uuid::new_v4().simple().to_string(),
            asked: AtomicU64::new(0),
            resting: Mutex::default(),
            untold: Mutex::default(),
        }
    }

    fn untold(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resting(&self) -> MutexGuard<'_, Option<Instant>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self) -> u64 {
        self.asked.fetch_add(1, Ordering::Relaxed)
    }

    fn is_of_use(&self, group: &str) -> bool {
        let resting = self.resting().is_some_and(|until| until > Instant::now());
        !resting && !self.untold().contains_key(group)
    }

    /// Finds a result, or the turn to fetch it. Another replica's turn is waited for, for at most `wait`.
    pub(super) async fn begin(self: &Arc<Self>, spot: Spot, wait: Duration) -> Begun {
        let end = Instant::now() + wait;
        let asker = format!("{}/{}", self.instance, self.number());
        let mut awaited: Option<(String, String)> = None;
        let mut pause = AGAIN.0;
        let fetch = |turn| {
            Begun::Fetch(Some(Held {
                shared: Arc::clone(self),
                spot: spot.clone(),
                turn,
                done: false,
            }))
        };
        while self.is_of_use(&spot.group) {
            let Some(look) = self.look(&spot, &asker).await else {
                break;
            };
            match look {
                Look::Found {
                    edition,
                    value,
                    left,
                } => {
                    let name = ["result", &spot.group, &spot.name, &edition];
                    // What was sealed with a key that is not here is none of ours.
                    let value = self.state.open(&name, value).ok();
                    return match value.and_then(|bytes| unpack(&bytes)) {
                        Some(value) => Begun::Found {
                            value,
                            left,
                            waited: awaited.is_some(),
                        },
                        None => fetch(Turn { edition, asker }),
                    };
                }
                Look::Yours(turn) => return fetch(turn),
                Look::Theirs { own, holder } => {
                    let gone = awaited.is_some_and(|(edition, before)| {
                        // That turn ended without a result: the others need not wait for the next.
                        edition == own.edition && before != holder
                    });
                    if gone || Instant::now() + pause > end {
                        return fetch(own);
                    }
                    awaited = Some((own.edition, holder));
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN.1);
        }
        Begun::Fetch(None)
    }

    /// Asks the store, and waits a little for it. The question itself goes on: its end tells whether the store is there.
    async fn look(self: &Arc<Self>, spot: &Spot, asker: &str) -> Option<Look> {
        let (answer, answered) = oneshot::channel();
        let (shared, spot, asker) = (Arc::clone(self), spot.clone(), asker.to_owned());
        tokio::spawn(async move {
            let look = shared.results.look(&spot.group, &spot.name, &asker, HELD);
            let Ok(look) = look.await else {
                return;
            };
            if let Err(Look::Yours(turn)) = answer.send(look) {
                let left = shared.results.leave(&spot.group, &spot.name, &turn);
                // If it cannot be given back, it ends by itself.
                drop(left.await);
            }
        });
        if let Ok(answer) = tokio::time::timeout(PATIENCE, answered).await {
            return answer.ok();
        }
        *self.resting() = Some(Instant::now() + REST);
        None
    }

    /// Clears groups for everybody, in the background.
    pub(super) fn forget(self: &Arc<Self>, groups: &[String]) -> Option<JoinHandle<()>> {
        if groups.is_empty() {
            return None;
        }
        let number = self.number();
        let groups: Vec<_> = groups.iter().map(|group| (group.clone(), number)).collect();
        self.untold().extend(groups.iter().cloned());
        // Without a runtime the process is about to end.
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let shared = Arc::clone(self);
        Some(runtime.spawn(async move {
            shared.tell(&groups).await;
        }))
    }

    async fn tell(&self, groups: &[(String, u64)]) -> bool {
        let names: Vec<&str> = groups.iter().map(|(group, _)| group.as_str()).collect();
        let told = self.results.forget(&names).await.is_ok();
        if told {
            let mut untold = self.untold();
            for (group, number) in groups {
                // A later write has to be told for itself.
                if untold.get(group) == Some(number) {
                    untold.remove(group);
                }
            }
        }
        told
    }

    /// Tries again what the others could not be told.
    pub(super) async fn forget_again(&self) {
        let untold: Vec<_> = {
            let untold = self.untold();
            untold.iter().map(|(s, n)| (s.clone(), *n)).collect()
        };
        for some in untold.chunks(100) {
            if !self.tell(some).await {
                return;
            }
        }
    }
}

/// The turn to fetch a result. It is given back when this is dropped.
pub(super) struct Held {
    shared: Arc<Shared>,
    spot: Spot,
    turn: Turn,
    done: bool,
}

impl Held {
    /// Has the turn for as long as the work takes.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = self.hold_on() => match never {},
        }
    }

    async fn hold_on(&self) -> Infallible {
        let Spot { group, name } = &self.spot;
        loop {
            tokio::time::sleep(HELD / 4).await;
            let held = self.shared.results.hold(group, name, &self.turn, HELD);
            // A store that is away may be back in time.
            if matches!(held.await, Ok(false)) {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Shares the result, in the background.
    pub(super) fn keep(mut self, value: &Value, ttl: Duration) {
        let Spot { group, name } = &self.spot;
        let aad = ["result", group, name, &self.turn.edition];
        let sealed = pack(value).and_then(|bytes| self.shared.state.seal(&aad, &bytes).ok());
        let Some(sealed) = sealed.filter(|_| self.shared.is_of_use(group)) else {
            return;
        };
        self.done = true;
        let (shared, spot, turn) = (
            Arc::clone(&self.shared),
            self.spot.clone(),
            self.turn.clone(),
        );
        tokio::spawn(async move {
            let Spot { group, name } = &spot;
            // What cannot be kept is fetched again.
            drop(shared.results.keep(group, name, &turn, sealed, ttl).await);
        });
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let (shared, spot, turn) = (
            Arc::clone(&self.shared),
            self.spot.clone(),
            self.turn.clone(),
        );
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let left = shared.results.leave(&spot.group, &spot.name, &turn);
                drop(left.await);
            });
        }
    }
}
