//! JSON answers.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

/// An answer with a JSON body.
pub fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(body).unwrap_or_else(|error| error.to_string().into_bytes());
    let mut response = (status, bytes).into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// 200 with a JSON body.
pub fn ok(body: &impl Serialize) -> Response {
    answer(StatusCode::OK, body)
}

/// `{"error":{"message":…}}`: for routes without a provider's own shape.
pub fn error(status: StatusCode, message: impl Into<String>) -> Response {
    answer(status, &error_body(message))
}

pub(crate) fn error_body(message: impl Into<String>) -> Value {
    json!({ "error": { "message": message.into() } })
}
