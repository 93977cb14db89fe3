//! `/v1/tools`: the same tools for everything that is not MCP.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use business_tools_core::{Cx, Error, Kind, Principal, Selection};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::mcp::{describe, narrow_request};
use crate::trace;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/tools", get(list))
        .route("/v1/tools/{name}", get(one).post(call))
        .route("/v1/artifacts/{id}/{name}", get(artifact))
}

/// What a tool made, for clients that do not read resources.
async fn artifact(
    State(shared): State<Shared>,
    Path((id, name)): Path<(String, String)>,
    principal: Option<axum::Extension<Principal>>,
) -> Response {
    let principal = principal.map_or_else(Principal::local, |axum::Extension(principal)| principal);
    let uri = format!("bt://artifacts/{id}/{name}");
    let artifacts = &shared.registry().env().artifacts;
    let Some(artifact) = artifacts.get(&uri, &principal).await else {
        let error = Error::new(Kind::NotFound, "There is no such artifact")
            .hint("It may have expired: call the tool again");
        return refuse(&error, &Cx::local());
    };
    let kind = HeaderValue::from_str(&artifact.media_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment"),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    (headers, artifact.bytes).into_response()
}

async fn list(State(shared): State<Shared>, request: Request) -> Response {
    let narrowed = match choice(&request) {
        Ok(narrowed) => narrowed,
        Err(error) => return refuse(&error, &Cx::local()),
    };
    let tools = shared.registry().tools(narrowed.as_ref());
    let items: Vec<Value> = tools.iter().map(|entry| describe(&entry.tool)).collect();
    axum::Json(json!({"items": items, "total": items.len()})).into_response()
}

async fn one(State(shared): State<Shared>, Path(name): Path<String>, request: Request) -> Response {
    let narrowed = match choice(&request) {
        Ok(narrowed) => narrowed,
        Err(error) => return refuse(&error, &Cx::local()),
    };
    let tools = shared.registry().tools(narrowed.as_ref());
    if let Some(entry) = tools.iter().find(|entry| entry.tool.spec.name == name) {
        return axum::Json(describe(&entry.tool)).into_response();
    }
    let shown: String = name.chars().take(64).collect();
    let error = Error::new(Kind::ToolNotFound, format!("There is no tool `{shown}`"))
        .hint("GET /v1/tools lists them");
    refuse(&error, &Cx::local())
}

async fn call(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    principal: Option<axum::Extension<Principal>>,
    axum::extract::RawQuery(query): axum::extract::RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let _running = shared.handler.running();
    // Dropped with this future when the client hangs up, which ends a read.
    let cancel = CancellationToken::new();
    let _hang_up = cancel.clone().drop_guard();
    let principal = principal.map_or_else(Principal::local, |axum::Extension(principal)| principal);
    let cx = Cx::builder(principal)
        .cancel(cancel)
        .trace(trace::of_headers(&headers))
        .build();
    let prepared = body
        .map_err(|rejection| {
            Error::new(Kind::InvalidRequest, "The body could not be read")
                .detail("status", rejection.status().as_u16())
        })
        .and_then(|body| arguments(&headers, &body))
        .and_then(|args| {
            let narrowed = narrow_request(&headers, query.as_deref())
                .map_err(|what| Error::new(Kind::InvalidArguments, what))?;
            Ok((args, narrowed))
        });
    let (args, narrowed) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return refuse(&error, &cx),
    };
    let outcome = shared
        .registry()
        .call_narrowed(&name, args, cx.clone(), narrowed.map(Arc::new))
        .await;
    match outcome {
        Ok(reply) => {
            let mut response = axum::Json(reply.value).into_response();
            if let Ok(id) = HeaderValue::from_str(cx.request_id()) {
                response.headers_mut().insert("x-request-id", id);
            }
            response
        }
        Err(error) => refuse(&error, &cx),
    }
}

fn choice(request: &Request) -> Result<Option<Selection>, Error> {
    narrow_request(request.headers(), request.uri().query())
        .map_err(|what| Error::new(Kind::InvalidArguments, what))
}

/// The arguments: the body's JSON object; an empty body is a call without arguments.
fn arguments(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Error> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| {
            kind.split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        });
    if !json {
        return Err(Error::new(Kind::InvalidRequest, "The body must be JSON")
            .detail("status", 415)
            .hint("Send `Content-Type: application/json` and an object of arguments"));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(args)) => Ok(args),
        Ok(_) => Err(Error::argument(
            "",
            "the body must be a JSON object of arguments",
        )),
        Err(error) => Err(Error::argument(
            "",
            format!(
                "the body is not JSON: line {}, column {}",
                error.line(),
                error.column()
            ),
        )),
    }
}

fn refuse(error: &Error, cx: &Cx) -> Response {
    let mut response = (status(error), axum::Json(error.wire(cx))).into_response();
    if let Some(wait) = error.wait() {
        let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(secs));
    }
    response
}

/// The HTTP status of an error. Those of a provider are a gateway's: the client's own request was fine.
fn status(error: &Error) -> StatusCode {
    if let Some(status) = error.details().get("status").and_then(Value::as_u64) {
        return u16::try_from(status)
            .ok()
            .and_then(|s| StatusCode::from_u16(s).ok())
            .unwrap_or(StatusCode::BAD_REQUEST);
    }
    match error.kind() {
        Kind::InvalidArguments | Kind::InvalidRequest => StatusCode::BAD_REQUEST,
        Kind::ToolNotFound | Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::AuthRequired | Kind::PermissionDenied | Kind::ReadOnly => StatusCode::FORBIDDEN,
        Kind::ConfirmationRequired | Kind::ConfirmationDeclined => {
            StatusCode::PRECONDITION_REQUIRED
        }
        Kind::Conflict | Kind::IdempotencyConflict => StatusCode::CONFLICT,
        Kind::RateLimited | Kind::QuotaExceeded => StatusCode::TOO_MANY_REQUESTS,
        Kind::CircuitOpen | Kind::Unavailable | Kind::PluginUnavailable | Kind::NotConfigured => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Kind::Cancelled => StatusCode::REQUEST_TIMEOUT,
        Kind::AuthFailed
        | Kind::UpstreamError
        | Kind::BadUpstreamResponse
        | Kind::OutcomeUnknown => StatusCode::BAD_GATEWAY,
        Kind::ResultTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
