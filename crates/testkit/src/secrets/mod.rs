//! Simulators of the services that keep secrets. They are for tests of core and of the server: a sandbox for users has
//! no need of them.

mod connect;
mod secrets_manager;
mod vault;

use std::sync::{Mutex, MutexGuard, PoisonError};

use business_tools_core::http::{HeaderMap, StatusCode};
use business_tools_sandbox::axum::Json;
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use serde_json::Value;

pub use connect::Connect;
pub use secrets_manager::SecretsManager;
pub use vault::Vault;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status of three digits");
    (status, Json(body)).into_response()
}

/// An answer that ends a request before its time.
struct Refused(u16, Value);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        answer(self.0, self.1)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
