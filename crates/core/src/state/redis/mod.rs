//! State that many replicas share: Redis, alone, behind sentinels or as a cluster.
//!
//! Only this folder knows the library. Everything that has to be one step is one script, and Redis has the clock.

mod link;
mod logs;
mod records;
mod results;
mod settings;
mod values;
mod windows;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast;

use super::{Figures, Notice, ResultStore, Store, Trouble};
use crate::pools::{Pooled, Role};
use link::Link;
use results::RedisResults;
pub use settings::{RedisSettings, Topology};
use windows::Alone;

/// A store in Redis.
pub struct RedisStore {
    link: Arc<Link>,
    alone: Alone,
}

impl RedisStore {
    /// Begins to connect, and goes on whether or not Redis is there.
    ///
    /// # Errors
    /// When the settings cannot work.
    pub fn start(settings: RedisSettings) -> Result<Self, String> {
        settings.addresses()?;
        settings.certificates()?;
        Ok(Self {
            link: Arc::new(Link::start(settings)),
            alone: Alone::default(),
        })
    }
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisStore")
    }
}

impl Store for RedisStore {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn trouble(&self) -> Option<Trouble> {
        self.link.trouble()
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        self.link.settle().boxed()
    }

    fn figures(&self) -> Figures {
        self.link.figures()
    }

    fn pooled(self: Arc<Self>) -> Option<Arc<dyn Pooled>> {
        Some(self)
    }

    fn results(&self) -> Option<Arc<dyn ResultStore>> {
        Some(Arc::new(RedisResults::new(Arc::clone(&self.link))))
    }

    fn notices(&self) -> Option<broadcast::Receiver<Notice>> {
        Some(self.link.notices())
    }

    fn notify(&self, notice: Notice) {
        let link = Arc::clone(&self.link);
        // Without a runtime the process is about to end.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // Those that cannot be told hear that they missed something when they are back.
            runtime.spawn(async move { drop(link.notify(&notice).await) });
        }
    }
}

#[async_trait]
impl Pooled for RedisStore {
    fn service(&self) -> &'static str {
        "redis"
    }

    /// One, which all callers share; the library keeps to itself how many a cluster takes.
    fn active(&self) -> usize {
        usize::from(self.link.is_up())
    }

    fn role(&self) -> Role {
        Role::Store
    }

    async fn close(&self) {
        self.link.close();
    }
}
