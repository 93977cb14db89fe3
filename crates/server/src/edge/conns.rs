//! The open connections: how many there are, and which one has been idle for longest.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// A connection that became idle just now may have its next request on the way already.
const YOUNG: Duration = Duration::from_millis(300);

/// All open connections.
pub(super) struct Table {
    cap: usize,
    state: Mutex<State>,
    /// Told whenever a connection ends or becomes idle.
    changed: Notify,
}

#[derive(Default)]
struct State {
    open: usize,
    next: u64,
    /// In the order in which they became idle.
    idle: BTreeMap<u64, Idle>,
}

struct Idle {
    since: Instant,
    evict: CancellationToken,
}

impl State {
    fn rest(&mut self, evict: CancellationToken) -> u64 {
        let key = self.next;
        self.next += 1;
        let since = Instant::now();
        self.idle.insert(key, Idle { since, evict });
        key
    }
}

impl Table {
    pub(super) fn new(cap: usize) -> Arc<Self> {
        Arc::new(Self {
            cap: cap.max(1),
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more connection. When the table is full, the one that has been idle for longest goes; when
    /// none is idle, this waits.
    pub(super) async fn admit(self: &Arc<Self>) -> Arc<Place> {
        loop {
            // Before looking, so that no change between looking and waiting is missed.
            let changed = self.changed.notified();
            let old_enough = {
                let mut state = self.lock();
                if state.open < self.cap {
                    return self.place(&mut state);
                }
                match state.idle.first_entry() {
                    Some(oldest) if oldest.get().since.elapsed() >= YOUNG => {
                        oldest.remove().evict.cancel();
                        None
                    }
                    Some(oldest) => Some(oldest.get().since + YOUNG),
                    None => None,
                }
            };
            match old_enough {
                Some(then) => {
                    let _ = timeout_at(then, changed).await;
                }
                None => changed.await,
            }
        }
    }

    fn place(self: &Arc<Self>, state: &mut State) -> Arc<Place> {
        let evict = CancellationToken::new();
        state.open += 1;
        let idle = Some(state.rest(evict.clone()));
        let place = Place {
            table: self.clone(),
            evict,
            running: Mutex::new(Running { requests: 0, idle }),
        };
        Arc::new(place)
    }
}

/// The place of one connection.
pub(super) struct Place {
    table: Arc<Table>,
    evict: CancellationToken,
    running: Mutex<Running>,
}

struct Running {
    requests: usize,
    /// Its key among the idle ones.
    idle: Option<u64>,
}

impl Place {
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when the connection has to make room.
    pub(super) async fn evicted(&self) {
        self.evict.cancelled().await;
    }

    pub(super) fn is_idle(&self) -> bool {
        self.running().requests == 0
    }

    /// A request begins; it runs until what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        let mut running = self.running();
        running.requests += 1;
        if let Some(key) = running.idle.take() {
            self.table.lock().idle.remove(&key);
        }
        Busy {
            place: self.clone(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let key = self.running().idle.take();
        let mut state = self.table.lock();
        state.open -= 1;
        if let Some(key) = key {
            state.idle.remove(&key);
        }
        drop(state);
        self.table.changed.notify_waiters();
    }
}

/// A request in progress, until its response has been written.
pub(super) struct Busy {
    place: Arc<Place>,
}

impl Busy {
    /// Keeps the request in progress until the body has been sent.
    pub(super) fn over(self, inner: Body) -> Body {
        Body::new(BusyBody { inner, _busy: self })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut running = self.place.running();
        running.requests -= 1;
        if running.requests > 0 {
            return;
        }
        let mut state = self.place.table.lock();
        let key = state.rest(self.place.evict.clone());
        running.idle = Some(key);
        drop(state);
        self.place.table.changed.notify_waiters();
    }
}

struct BusyBody {
    inner: Body,
    _busy: Busy,
}

impl HttpBody for BusyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
