//! The page of `/health`.

use serde_json::{Map, Value, json};

use super::{Checked, HealthBoard, State};
use crate::config::{HealthBlock, Report};
use crate::plugin::service_of;

impl HealthBoard {
    /// The page of `/health`. Without `details` it tells the overall state alone.
    pub fn page(&self, details: bool) -> Value {
        self.read(|state| {
            let checks = checks(state);
            let well = |check: &Value| check["status"] == "healthy";
            let status = if !state.can_serve() {
                "unhealthy"
            } else if checks.values().all(well) {
                "healthy"
            } else {
                "degraded"
            };
            let mut page = json!({"status": status});
            if let Some(page) = page.as_object_mut() {
                if details {
                    page.insert("checks".into(), checks.into());
                }
                page.insert(
                    "timestamp".into(),
                    jiff::Timestamp::now().to_string().into(),
                );
            }
            page
        })
    }
}

fn checks(state: &State) -> Map<String, Value> {
    let mut checks = Map::new();
    checks.insert("config".into(), configuration(state.rejected.as_ref()));
    for (part, last) in &state.parts {
        if let Some(last) = last {
            checks.insert(part.name().into(), row(last, false, &state.rules));
        }
    }
    for (name, provider) in &state.providers {
        let Some(worst) = provider.worst() else {
            continue;
        };
        // Two plugins may have one title, and neither may hide the other.
        let service = service_of(provider.title);
        let name = if checks.contains_key(&service) {
            name.clone()
        } else {
            service
        };
        let several = provider.accounts.len() > 1;
        checks.insert(name, row(worst, several, &state.rules));
    }
    checks
}

fn configuration(rejected: Option<&Report>) -> Value {
    let Some(report) = rejected else {
        return json!({"status": "healthy"});
    };
    let first = report.faults().first().map(ToString::to_string);
    json!({
        "status": "degraded",
        "error": {
            "code": "CONFIG_REJECTED",
            "message": first,
            "faults": report.faults().len(),
            "hint": "The configuration before it is in force; `config check` tells every fault",
        },
    })
}

fn row(checked: &Checked, several: bool, rules: &HealthBlock) -> Value {
    let health = &checked.health;
    let latency = u64::try_from(health.latency.as_millis()).unwrap_or(u64::MAX);
    let (status, error) = match &health.error {
        Some(error) => (
            "unhealthy",
            Some(
                json!({"code": error.code(), "message": error.message(), "hint": error.hint_text()}),
            ),
        ),
        None if health.latency > rules.slow.0 => (
            "degraded",
            Some(json!({
                "code": "SLOW",
                "message": format!("The check took longer than {}", rules.slow),
                "hint": "See `mcp_provider_latency_seconds` and the provider's status page",
            })),
        ),
        None => ("healthy", None),
    };
    let mut row =
        json!({"status": status, "latency_ms": latency, "checked_at": checked.at.to_string()});
    if let (Some(mut error), Some(row)) = (error, row.as_object_mut()) {
        if several && let Some(error) = error.as_object_mut() {
            error.insert("account".into(), checked.account.clone().into());
        }
        row.insert("error".into(), error);
    }
    row
}
