//! `/health`, `/live`, `/ready`, `/metrics`.

use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use business_tools_core::Principal;
use business_tools_core::prometheus::{Encoder, TextEncoder};
use serde_json::json;

use super::Shared;

pub(super) fn routes(with_metrics: bool) -> Router<Shared> {
    let routes = Router::new()
        .route("/health", get(health))
        .route("/live", get(live))
        .route("/ready", get(ready));
    if with_metrics {
        routes.route("/metrics", get(metrics))
    } else {
        routes
    }
}

/// The last results; a provider that is down makes the server degraded, and the page still answers 200. Whoever did not
/// say who they are sees the overall state alone.
async fn health(
    State(shared): State<Shared>,
    principal: Option<axum::Extension<Principal>>,
) -> Response {
    axum::Json(shared.health.page(principal.is_some())).into_response()
}

/// The process runs. Never depends on anything else.
async fn live() -> Response {
    axum::Json(json!({"status": "live"})).into_response()
}

/// Whether this instance takes new work: not once it was told to stop, and not without what it cannot serve without.
async fn ready(State(shared): State<Shared>) -> Response {
    let (status, word) = if !shared.ready.load(Ordering::Acquire) {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else if shared.health.can_serve() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy")
    };
    (status, axum::Json(json!({"status": word}))).into_response()
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let mut page = Vec::new();
    let families = shared.registry().env().metrics.registry().gather();
    match TextEncoder::new().encode(&families, &mut page) {
        Ok(()) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
