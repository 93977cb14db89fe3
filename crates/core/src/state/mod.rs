//! State that outlives a call: outcomes of writes, windows of limits, values and logs.
//!
//! A [`Store`] keeps it: [`Memory`] for tests and embedders, [`FileStore`](file::FileStore) for a server alone, Redis
//! for many replicas. A store knows hashed keys and sealed bytes; what they mean, [`State`] and the layers know.

mod figures;
#[cfg(feature = "file")]
pub mod file;
mod key;
mod log;
mod memory;
mod notice;
mod record;
#[cfg(feature = "redis")]
pub mod redis;
mod results;
mod values;
mod window;

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast;

use crate::error::{Error, Fate, Kind, Status};
use crate::health::Part;
use crate::pools::Pooled;
use crate::secret::seal::{Keyring, SealError};

pub use figures::{Figures, StateMetrics};
pub use key::hashed;
pub use log::{Entry, Log, LogStore};
pub use memory::{Memory, MemoryResults};
pub use notice::Notice;
pub use record::{Begin, Known, RecordStore, Stage, Ticket};
pub use results::{Look, ResultStore, Turn};
pub use values::{Found, Place, ValueStore, Values, Version};
pub use window::{Ask, Grant, LocalWindows, Rule, WindowStore};

/// Everything that one store keeps.
pub trait Store: RecordStore + ValueStore + LogStore + WindowStore {
    /// `memory`, `file` or `redis`: the name in health and metrics.
    fn name(&self) -> &'static str;

    /// What is wrong with it right now.
    fn trouble(&self) -> Option<Trouble> {
        None
    }

    /// Waits until it can be said how it is: a store that has just begun to connect is in no trouble yet.
    fn settled(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    /// What it counts.
    fn figures(&self) -> Figures {
        Figures::default()
    }

    /// Its connections, if it has some.
    fn pooled(self: Arc<Self>) -> Option<Arc<dyn Pooled>> {
        None
    }

    /// The results of reads that replicas share; nothing where there are no replicas: the cache of the process itself
    /// is quicker than any store then.
    fn results(&self) -> Option<Arc<dyn ResultStore>> {
        None
    }

    /// What other replicas tell; nothing where there are none.
    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        None
    }

    /// Tells the other replicas, as far as they can be reached.
    fn notify(&self, notice: Notice) {
        drop(notice);
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, or does not answer in time.
    Away(String),
    /// It is there and takes no more.
    Full(String),
    /// It is there and failed.
    Failed(String),
}

impl Trouble {
    fn unsealed(fault: SealError) -> Self {
        Self::Failed(format!("a value of the store {fault}"))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Away(why) | Self::Full(why) | Self::Failed(why)) = self;
        f.write_str(why)
    }
}

impl std::error::Error for Trouble {}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::new(
            Kind::Unavailable,
            "The server's store of state does not answer, so nobody can tell whether this was done before",
        )
        .fate(Fate::NotSent)
        .status(Status::Persistent)
        .retry_after(Duration::from_secs(2))
        .hint("Make the same call again in a moment; `/health` shows the state of the store")
        .source(trouble)
    }
}

/// The stores of one world. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Lazy>);

struct Lazy {
    open: Mutex<Option<Open>>,
    opened: OnceLock<Opened>,
}

type Open = Box<dyn FnOnce() -> Opened + Send>;

struct Opened {
    store: Arc<dyn Store>,
    keys: Option<Keyring>,
}

impl State {
    /// State of this process alone, gone with it.
    pub fn memory() -> Self {
        Self::now(Opened::memory())
    }

    /// State in a store, which sees nothing but what these keys sealed.
    pub fn sealed(store: Arc<dyn Store>, keys: Keyring) -> Self {
        Self::now(Opened {
            store,
            keys: Some(keys),
        })
    }

    /// State that is opened when it is used for the first time, or asked for by [`State::open_now`]. Opening gives
    /// the state to be used from then on.
    pub fn lazy(open: impl FnOnce() -> Self + Send + 'static) -> Self {
        let open = || {
            let state = open();
            let opened = state.opened();
            Opened {
                store: Arc::clone(&opened.store),
                keys: opened.keys.clone(),
            }
        };
        Self(Arc::new(Lazy {
            open: Mutex::new(Some(Box::new(open))),
            opened: OnceLock::new(),
        }))
    }

    fn now(opened: Opened) -> Self {
        Self(Arc::new(Lazy {
            open: Mutex::default(),
            opened: OnceLock::from(opened),
        }))
    }

    fn opened(&self) -> &Opened {
        self.0.opened.get_or_init(|| {
            let open = self.0.open.lock();
            let open = open.unwrap_or_else(PoisonError::into_inner).take();
            open.map_or_else(Opened::memory, |open| open())
        })
    }

    /// Opens what was not used yet.
    pub fn open_now(&self) {
        self.opened();
    }

    /// The store itself, for the layers.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.opened().store
    }

    /// The name of the store, and what is wrong with it; nothing of one that was not used yet.
    pub fn look(&self) -> Option<(&'static str, Option<Trouble>)> {
        let store = &self.0.opened.get()?.store;
        Some((store.name(), store.trouble()))
    }

    /// The connections of the store, if it has some and was opened.
    pub fn pooled(&self) -> Option<Arc<dyn Pooled>> {
        Arc::clone(&self.0.opened.get()?.store).pooled()
    }

    /// The results of reads that replicas share, where the store has some.
    pub fn results(&self) -> Option<Arc<dyn ResultStore>> {
        // What opens late is a store of this process alone.
        self.0.opened.get()?.store.results()
    }

    /// What other replicas tell, where the store has some.
    pub(crate) fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        self.0.opened.get()?.store.notices()
    }

    /// Bytes as the store may see them. They open under the same name alone.
    pub(crate) fn seal(&self, name: &[&str], bytes: &[u8]) -> Result<Bytes, Trouble> {
        let Some(keys) = &self.opened().keys else {
            return Ok(Bytes::copy_from_slice(bytes));
        };
        let sealed = keys.seal(name.join("\0").as_bytes(), bytes);
        sealed.map(Bytes::from).map_err(Trouble::unsealed)
    }

    /// What was sealed under the same name.
    pub(crate) fn open(&self, name: &[&str], sealed: Bytes) -> Result<Bytes, Trouble> {
        let Some(keys) = &self.opened().keys else {
            return Ok(sealed);
        };
        let opened = keys.open(name.join("\0").as_bytes(), &sealed);
        opened.map(Bytes::from).map_err(Trouble::unsealed)
    }

    /// Values by name.
    pub fn values(&self) -> Values {
        Values::new(self.clone())
    }

    /// Entries in the order in which they came.
    pub fn log(&self) -> Log {
        Log::new(self.clone())
    }
}

#[async_trait]
impl Part for State {
    fn name(&self) -> &'static str {
        self.look().map_or("state", |(name, _)| match name {
            "redis" => "redis",
            _ => "state",
        })
    }

    /// Nobody is asked anew: those that use the store know how it is.
    async fn check(&self) -> Result<(), Error> {
        if let Some(opened) = self.0.opened.get() {
            opened.store.settled().await;
        }
        let Some((name, Some(trouble))) = self.look() else {
            return Ok(());
        };
        let what = match name {
            "redis" => trouble.to_string(),
            // The file's own words may tell where it is.
            _ => "The state file cannot be written".to_owned(),
        };
        let error = Error::new(Kind::Unavailable, what).source(trouble);
        Err(error.hint("Calls go on; docs/state.md says what is missing meanwhile"))
    }
}

impl Opened {
    fn memory() -> Self {
        Self {
            store: Arc::new(Memory::new()),
            keys: None,
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.look().map_or("not used yet", |(name, _)| name);
        write!(f, "State({name})")
    }
}

/// Milliseconds since 1970, for what is kept beyond the process.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A duration as milliseconds that fit a store.
pub(crate) fn millis_of(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4)
}
