//! The MCP route: only whole and well-formed messages reach the protocol library.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::body::{self, Whole};
use super::jsonrpc::{self, INVALID_PARAMS, Rejection};
use super::refusal::Refusal;

/// Lets a POST pass if its body is one message, and hands on that message as it was understood.
///
/// Other methods pass as they are. What `Accept` and the protocol's own headers must say is left to the library.
pub async fn inspect(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    if !is_json(request.headers()) {
        return Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "INVALID_REQUEST",
            "Content-Type must be application/json",
            "Send one JSON-RPC message as application/json.",
        )
        .into_response();
    }
    let (mut parts, body) = request.into_parts();
    let bytes = match parts.extensions.remove::<Whole>() {
        Some(Whole(bytes)) => bytes,
        // The route stands alone, as in a test or in somebody's own router.
        None => match body::read(body, body::DEFAULT_MAX, body::DEFAULT_TIME).await {
            Ok(bytes) => bytes,
            Err(refusal) => return refusal.into_response(),
        },
    };
    let message = match jsonrpc::inspect(&bytes) {
        Ok(message) => message.bytes(),
        Err(rejection) => return refused(&rejection),
    };
    drop(bytes);
    // The body is another one now, of another length.
    parts.headers.remove(header::TRANSFER_ENCODING);
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(message.len()));
    next.run(Request::from_parts(parts, Body::from(message)))
        .await
}

/// One `Content-Type`, and that JSON in UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else {
        return false;
    };
    let Ok(value) = value.to_str() else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    is_json
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// Wrong parameters are an answer like any other, which older clients read only with status 200.
fn refused(rejection: &Rejection) -> Response {
    let in_band =
        rejection.code == INVALID_PARAMS && rejection.id.is_some() && !rejection.is_about_meta();
    let status = if in_band {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    (status, axum::Json(rejection.to_json())).into_response()
}
