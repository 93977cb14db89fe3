//! The pools of connections of one world: which there are, how much they are used, and when they are closed.
//!
//! A pool belongs to whoever uses it and is made when it is first needed. The manager knows it only as long as it
//! lives: a provider that a new configuration replaces takes its pool along, after its last call. That a connection
//! still stands is looked after where it is kept: by pings over HTTP/2 and probes of the system below HTTP/1.1, by
//! the monitors of the MongoDB driver, by the heartbeat of the link to Redis.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use prometheus::IntGaugeVec;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use crate::error::{Error, Fate, Kind, Status};

/// A pool of connections to one service.
#[async_trait]
pub trait Pooled: Send + Sync {
    /// `twilio`, `mongodb`, `redis`: the label of `mcp_active_connections`.
    fn service(&self) -> &str;

    /// The connections that count as active: those that `mcp_active_connections` shows.
    fn active(&self) -> usize;

    /// When it is closed.
    fn role(&self) -> Role {
        Role::Provider
    }

    /// Closes what is open, and opens nothing any more.
    async fn close(&self);
}

/// What a pool is for: those of providers are closed first, since the last calls are still recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Calls go through it. It keeps the gauge of its service up to date itself.
    Provider,
    /// State is kept behind it.
    Store,
}

/// Knows every pool of one world. Cheap to clone.
#[derive(Clone, Default)]
pub struct ConnectionPoolManager(Arc<Inner>);

#[derive(Default)]
struct Inner {
    pools: Mutex<Vec<Weak<dyn Pooled>>>,
    closed: AtomicBool,
    #[cfg(feature = "http")]
    http: crate::egress::transport::HttpPools,
}

/// How long a pool may take to close.
const CLOSING: Duration = Duration::from_secs(2);

impl ConnectionPoolManager {
    /// Makes a pool known for as long as it lives.
    pub fn register(&self, pool: &Arc<dyn Pooled>) {
        let mut pools = self.0.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(pool));
    }

    /// The active connections, by service.
    pub fn active(&self) -> BTreeMap<String, usize> {
        let mut active = BTreeMap::new();
        for pool in self.pools() {
            *active.entry(pool.service().to_owned()).or_default() += pool.active();
        }
        active
    }

    /// Closes everything for good: the pools of providers, and then those of stores. Meant for the end of the process,
    /// after the last call.
    pub async fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        let pools = self.pools();
        for role in [Role::Provider, Role::Store] {
            let closing = pools.iter().filter(|pool| pool.role() == role);
            let closing = closing.map(|pool| async move {
                if tokio::time::timeout(CLOSING, pool.close()).await.is_err() {
                    tracing::warn!(service = pool.service(), "the connections do not close");
                }
            });
            join_all(closing).await;
        }
    }

    /// Whether everything was closed for good.
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// The gauge, with the pools that do not keep it up to date themselves.
    pub(crate) fn shown(&self, gauge: IntGaugeVec) -> Shown {
        let pools = self.clone();
        Shown { pools, gauge }
    }

    fn pools(&self) -> Vec<Arc<dyn Pooled>> {
        let pools = self.0.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.iter().filter_map(Weak::upgrade).collect()
    }

    #[cfg(feature = "http")]
    pub(crate) fn http(&self) -> &crate::egress::transport::HttpPools {
        &self.0.http
    }
}

/// `mcp_active_connections{service}`.
pub(crate) struct Shown {
    pools: ConnectionPoolManager,
    gauge: IntGaugeVec,
}

impl Collector for Shown {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let pools = self.pools.pools();
        for pool in pools.iter().filter(|pool| pool.role() == Role::Store) {
            let active = i64::try_from(pool.active()).unwrap_or(i64::MAX);
            self.gauge.with_label_values(&[pool.service()]).set(active);
        }
        self.gauge.collect()
    }
}

impl std::fmt::Debug for ConnectionPoolManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.active()).finish()
    }
}

/// What a call hears that needs a connection of a pool that was closed.
pub fn closed() -> Error {
    Error::new(Kind::Unavailable, "The server is stopping")
        .fate(Fate::NotSent)
        .status(Status::Permanent)
        .hint("Call again when it is back")
}
