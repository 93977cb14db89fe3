//! The JSON body of a refusal that happens before any route.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// A refusal in the shape every other error of the HTTP side has.
pub(crate) fn refuse(status: StatusCode, code: &str, message: &str, hint: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message, "hint": hint } });
    json_response(status, body.to_string())
}

/// JSON text as a response.
pub(super) fn json_response(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// Marks the connection as spent: what is left of a body that nobody read must not be taken for the next request.
pub(crate) fn closing(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
