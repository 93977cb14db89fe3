//! Windows of limits: how many requests a tenant's account sent lately, counted here or with all replicas.

mod local;

use std::time::Duration;

use async_trait::async_trait;

pub use local::LocalWindows;
#[cfg(feature = "file")]
pub(crate) use local::Spent;

/// Counts requests against windows, all of an [`Ask`] at once or none.
#[async_trait]
pub trait WindowStore: Send + Sync {
    /// Takes room for one request in every window, or tells how long there is none.
    async fn acquire(&self, ask: &Ask<'_>) -> Grant;

    /// Gives back a place in flight.
    fn release(&self, lane: &str, lease: &str);

    /// The provider asked for silence for so long.
    async fn pause(&self, lane: &str, pause: Duration);

    /// The least time until the windows have room when `ahead` others go first.
    fn wait(&self, ask: &Ask<'_>, ahead: usize) -> Duration;
}

/// One request that wants to go out.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Hashed: the provider, the tenant and the account.
    pub lane: &'a str,
    /// The windows that count it.
    pub rules: &'a [Rule],
    /// Requests of the lane that may be in flight at once.
    pub in_flight: usize,
    /// How long a place in flight is held if nobody gives it back.
    pub lease: Duration,
}

/// So many requests in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The name of the quota; empty for the one of every request.
    pub name: &'static str,
    /// Requests.
    pub requests: u32,
    /// The window.
    pub window: Duration,
}

impl Rule {
    /// Whether both count the same requests.
    fn counts_like(&self, other: &Self) -> bool {
        self.name == other.name && self.window == other.window
    }
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// It may go out. The lease, if the store counts what is in flight, is to be given back.
    Go(Option<String>),
    /// A window is full for so long.
    Wait(Duration),
    /// Too many are in flight.
    Busy,
}
