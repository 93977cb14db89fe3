//! The API, simulated: a promise about the provider that its description and its SDK can check.

use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::http::{HeaderMap, StatusCode};
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::axum::routing::get;
use business_tools_sandbox::{Simulator, auth, json};
use serde_json::{Map, Value, json};

/// The simulated API.
pub fn simulator() -> Simulator {
    Simulator::http("hubspot", Router::new().route("/account", get(account)))
        .on_fault_status(|status| json!({ "error": status.to_string() }))
}

/// The configuration that leads to the simulator at `base_url`.
pub fn sandbox_config(base_url: &str) -> Map<String, Value> {
    let mut config = Map::new();
    config.insert("access_token".to_owned(), "sandbox-key".into());
    config.insert("base_url".to_owned(), base_url.into());
    config
}

async fn account(headers: HeaderMap) -> Response {
    match auth::credentials(&headers) {
        Ok(known) if !known.look_wrong() => json::ok(&json!({ "id": "acc_1", "name": "Sandbox" })),
        _ => json::answer(
            StatusCode::UNAUTHORIZED,
            &json!({ "error": "invalid API key" }),
        ),
    }
}
