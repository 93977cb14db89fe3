//! The world of one registry: metrics, stores, keys and sinks. A test owns its own.

use std::sync::Arc;

use crate::artifact::Artifacts;
use crate::call::audit::AuditSink;
use crate::call::cache::CacheStore;
use crate::call::confirm::Seal;
use crate::egress::hints::Hints;
#[cfg(feature = "http")]
use crate::egress::transport::PrivateHosts;
use crate::files::Files;
use crate::metrics::Metrics;
use crate::pools::ConnectionPoolManager;
use crate::state::State;
use crate::token::TokenSource;
use crate::trace::Traces;

/// Everything shared by the layers of one registry. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    /// Where everything is counted.
    pub metrics: Metrics,
    /// Where calls are recorded.
    pub audit: Option<Arc<dyn AuditSink>>,
    /// Keeps calls and their attempts as traces.
    pub traces: Option<Arc<dyn Traces>>,
    /// Results of cached reads.
    pub cache: CacheStore,
    /// What outlives a call, and with a store of its own the process: outcomes of writes, windows of limits.
    pub state: State,
    /// What other replicas say of their circuits.
    pub hints: Hints,
    /// Gives the bearer tokens of accounts that have none in their settings.
    pub tokens: Option<Arc<dyn TokenSource>>,
    /// Bytes that tools made, for callers to fetch.
    pub artifacts: Artifacts,
    /// The folders whose files callers may name.
    pub files: Files,
    /// Seals the tokens that let a confirmed call be repeated.
    pub seal: Seal,
    /// The largest result of a call, in bytes of JSON.
    pub max_result: usize,
    /// Whether destructive calls go on without a person: for trusted automation only.
    pub auto_confirm: bool,
    /// Hosts of private networks that URLs of callers may lead to.
    #[cfg(feature = "http")]
    pub private_hosts: PrivateHosts,
    /// The connections to everything outside.
    pub pools: ConnectionPoolManager,
}

impl Env {
    /// A world of its own: fresh metrics and stores in memory, a random sealing key.
    ///
    /// # Errors
    /// When the metrics cannot be registered with `registry`.
    pub fn new(registry: prometheus::Registry) -> Result<Self, prometheus::Error> {
        let pools = ConnectionPoolManager::default();
        Ok(Self {
            metrics: Metrics::new(registry, &pools)?,
            audit: None,
            traces: None,
            cache: CacheStore::in_memory(64 << 20),
            state: State::memory(),
            hints: Hints::default(),
            tokens: None,
            artifacts: Artifacts::in_memory(64 << 20),
            files: Files::default(),
            seal: Seal::random(),
            max_result: crate::page::MAX_RESULT,
            auto_confirm: false,
            #[cfg(feature = "http")]
            private_hosts: PrivateHosts::default(),
            pools,
        })
    }

    /// A world for an embedder that has no metrics registry of its own.
    pub fn alone() -> Self {
        // A fresh registry cannot hold these names already.
        Self::new(prometheus::Registry::new()).unwrap_or_else(|_| unreachable!())
    }

    /// Uses the connections of `other`, since making a client that trusts what the system trusts costs much more than
    /// a call.
    pub fn client_of(mut self, other: &Self) -> Self {
        self.pools = other.pools.clone();
        self
    }

    /// Records every call with `sink`.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = Some(sink);
        self
    }

    /// Lets URLs of callers lead anywhere, private networks included: for tests on loopback.
    #[cfg(feature = "http")]
    pub fn allow_private_fetch(mut self) -> Self {
        self.private_hosts = PrivateHosts::All;
        self
    }
}
