//! One check: of every account of a provider, or of a part of the process.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::Timestamp;

use crate::cx::{Attempts, Cx, Principal, Tried};
use crate::error::{Error, Kind};
use crate::plugin::{Health, ToolPlugin};

/// A part of the process that is no provider and can fail by itself: a store, a cache that is shared.
#[async_trait]
pub trait Part: Send + Sync {
    /// `redis`: its name among the checks.
    fn name(&self) -> &'static str;

    /// Whether this instance cannot serve without it: then it is not ready while the part fails.
    fn is_essential(&self) -> bool {
        false
    }

    /// The cheapest question that proves that it works.
    async fn check(&self) -> Result<(), Error>;
}

/// What was found about one account, or about a part.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The account; empty for what has none.
    pub account: String,
    /// What was found.
    pub health: Health,
    /// When.
    pub at: Timestamp,
    /// The requests that it took.
    pub tried: Vec<Tried>,
}

/// Checks every account of a provider at once.
pub async fn check_provider(plugin: &dyn ToolPlugin, patience: Duration) -> Vec<Checked> {
    let checks = plugin.accounts().into_iter().map(|account| async move {
        let attempts = Attempts::default();
        let cx = Cx::builder(Principal::local())
            .deadline(tokio::time::Instant::now() + patience)
            .attempts(attempts.clone())
            .build()
            .with_account(account.into());
        let id = plugin.info().id;
        let check = async { plugin.health(&cx).await };
        let mut checked = bounded(account, check, patience, |error| error.provider(id)).await;
        checked.tried = attempts.list();
        checked
    });
    join_all(checks).await
}

/// Checks a part.
pub async fn check_part(part: &dyn Part, patience: Duration) -> Checked {
    let check = async {
        let started = tokio::time::Instant::now();
        let error = part.check().await.err();
        Health {
            ok: error.is_none(),
            error,
            latency: started.elapsed(),
        }
    };
    bounded("", check, patience, |error| error).await
}

/// A check that panics or never ends is one that failed.
async fn bounded(
    account: &str,
    check: impl Future<Output = Health>,
    patience: Duration,
    whose: impl Fn(Error) -> Error,
) -> Checked {
    let failed = |error: Error| Health {
        ok: false,
        error: Some(whose(error)),
        latency: patience,
    };
    // A moment more than its deadline, so that it may say itself what took so long.
    let limit = patience + Duration::from_secs(1);
    let check = AssertUnwindSafe(check).catch_unwind();
    let health = match tokio::time::timeout(limit, check).await {
        Ok(Ok(health)) => health,
        Ok(Err(_)) => failed(Error::internal("the health check panicked")),
        Err(_) => failed(Error::new(Kind::Timeout, "The health check took too long")),
    };
    Checked {
        account: account.to_owned(),
        health,
        at: Timestamp::now(),
        tried: Vec::new(),
    }
}
