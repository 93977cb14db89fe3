//! The answer to a request that goes no further.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// The error object of the project, before anything of the project has seen the request.
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: &'static str,
    close: bool,
}

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        hint: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            hint,
            close: false,
        }
    }

    /// Also ends the connection: what follows on it cannot be told apart from the rest of this request.
    pub(crate) fn close(mut self) -> Self {
        self.close = true;
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body =
            json!({"error": {"code": self.code, "message": self.message, "hint": self.hint}});
        let mut response = (self.status, Json(body)).into_response();
        if self.close {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
