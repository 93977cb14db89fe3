//! Health: checks in the background with jitter, and the last result for whoever asks.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::cx::{Cx, Principal};
use crate::error::{Error, Kind};
use crate::plugin::{Health, ToolPlugin};
use crate::registry::Registry;

/// The last result of every provider's check. Cheap to clone.
#[derive(Clone, Default)]
pub struct HealthBoard(Arc<RwLock<BTreeMap<String, Health>>>);

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl HealthBoard {
    /// Checks every provider now, and keeps the results.
    pub async fn check(&self, registry: &Registry) {
        let checks = registry.plugins().into_iter().map(|plugin| async move {
            let health = check_one(&*plugin).await;
            (plugin, health)
        });
        let mut results = BTreeMap::new();
        for (plugin, health) in futures_util::future::join_all(checks).await {
            let mut name = service(&*plugin);
            if results.contains_key(&name) {
                // Two plugins may have one title, and neither may hide the other.
                plugin.name().clone_into(&mut name);
            }
            results.insert(name, health);
        }
        if let Ok(mut board) = self.0.write() {
            *board = results;
        }
    }

    /// Checks again and again, about every `interval`, until `stop`.
    pub async fn keep_checking(
        self,
        registry: Registry,
        interval: Duration,
        stop: CancellationToken,
    ) {
        loop {
            tokio::select! {
                () = self.check(&registry) => {}
                () = stop.cancelled() => return,
            }
            // Jitter, so that many replicas do not ask at the same moment.
            let wait = interval.mul_f64(0.8 + 0.4 * fastrand::f64());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// The results of the last check, by provider.
    pub fn results(&self) -> BTreeMap<String, Health> {
        self.0.read().map(|board| board.clone()).unwrap_or_default()
    }

    /// The page of `/health`. Without `details` it tells the overall state alone.
    pub fn page(&self, details: bool) -> Value {
        let results = self.results();
        let bad = results.values().filter(|health| !health.ok).count();
        // A provider that is down makes the server degraded, never unhealthy: restarting it helps nobody.
        let status = if bad == 0 { "healthy" } else { "degraded" };
        let mut page = json!({"status": status, "timestamp": jiff::Timestamp::now().to_string()});
        if let (true, Some(page)) = (details, page.as_object_mut()) {
            let checks: Map<String, Value> = results
                .iter()
                .map(|(name, health)| (name.clone(), row(health)))
                .collect();
            page.insert("checks".into(), checks.into());
        }
        page
    }
}

/// The name of what is checked: `mongodb`, as in the `service` label of the metrics.
fn service(plugin: &dyn ToolPlugin) -> String {
    plugin.info().title.to_lowercase().replace(' ', "_")
}

fn row(health: &Health) -> Value {
    let latency = u64::try_from(health.latency.as_millis()).unwrap_or(u64::MAX);
    match &health.error {
        None => json!({"status": "healthy", "latency_ms": latency}),
        Some(error) => json!({
            "status": "unhealthy",
            "latency_ms": latency,
            "error": {"code": error.code(), "message": error.message(), "hint": error.hint_text()},
        }),
    }
}

/// Checks every account; the first one that fails speaks for the provider.
async fn check_one(plugin: &dyn ToolPlugin) -> Health {
    let checks = plugin.accounts().into_iter().map(|account| async move {
        let cx = Cx::builder(Principal::local())
            .deadline(tokio::time::Instant::now() + PATIENCE)
            .build()
            .with_account(account.into());
        let check = AssertUnwindSafe(plugin.health(&cx)).catch_unwind();
        let outcome = tokio::time::timeout(PATIENCE + Duration::from_secs(1), check).await;
        let failed = |error: Error| Health {
            ok: false,
            error: Some(error.provider(plugin.info().id)),
            latency: PATIENCE,
        };
        match outcome {
            Ok(Ok(health)) => health,
            Ok(Err(_)) => failed(Error::internal("the health check panicked")),
            Err(_) => failed(Error::new(Kind::Timeout, "The health check took too long")),
        }
    });
    let results = futures_util::future::join_all(checks).await;
    let slowest = results.iter().map(|health| health.latency).max();
    let bad = results.into_iter().find(|health| !health.ok);
    bad.unwrap_or(Health {
        ok: true,
        error: None,
        latency: slowest.unwrap_or_default(),
    })
}
