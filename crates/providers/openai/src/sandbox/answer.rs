//! Errors in the API's form, and the headers of every answer.

use std::sync::Arc;
use std::time::Instant;

use business_tools_sandbox::auth::{Credentials, credentials};
use business_tools_sandbox::axum::extract::{Request, State};
use business_tools_sandbox::axum::http::{HeaderValue, Method, StatusCode, Uri};
use business_tools_sandbox::axum::middleware::Next;
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use business_tools_sandbox::json;
use serde_json::{Value, json};

use super::World;

/// An error as the API tells it.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    kind: &'static str,
    message: String,
    param: Option<String>,
    code: Option<&'static str>,
}

/// What was taken from a request, or the API's refusal.
pub(super) type Taken<T> = Result<T, Refusal>;

impl Refusal {
    /// A request that cannot be done.
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: "invalid_request_error",
            message: message.into(),
            param: None,
            code: None,
        }
    }

    /// A request with something wrong at `param`.
    pub(super) fn at(param: impl Into<String>, code: &'static str, message: String) -> Self {
        Self {
            param: Some(param.into()),
            code: Some(code),
            ..Self::new(400, message)
        }
    }

    pub(super) fn param(self, param: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..self
        }
    }

    pub(super) fn code(self, code: &'static str) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    pub(super) fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    pub(super) fn body(&self) -> Value {
        let Self {
            kind,
            message,
            param,
            code,
            ..
        } = self;
        json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status);
        json::answer(
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            &self.body(),
        )
    }
}

pub(super) fn no_key() -> Refusal {
    let message = "You didn't provide an API key. You need to provide your API key in an \
                   Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). \
                   You can obtain an API key from https://platform.openai.com/account/api-keys.";
    Refusal::new(401, message)
}

/// The key is shown as the API shows it: its first and last letters.
pub(super) fn bad_key(key: &str) -> Refusal {
    let letters: Vec<char> = key.chars().collect();
    let shown = if letters.len() > 12 {
        let (first, last) = (&letters[..8], &letters[letters.len() - 4..]);
        let stars = std::iter::repeat_n(&'*', letters.len() - 12);
        first.iter().chain(stars).chain(last).collect()
    } else {
        "*".repeat(letters.len())
    };
    let message = format!(
        "Incorrect API key provided: {shown}. You can find your API key at \
         https://platform.openai.com/account/api-keys."
    );
    Refusal::new(401, message).code("invalid_api_key")
}

pub(super) fn missing_scope(scope: &str) -> Refusal {
    let message = format!(
        "You have insufficient permissions for this operation. Missing scopes: {scope}. Check that \
         you have the correct role in your organization and project, and if you're using a \
         restricted API key, that it has the necessary scopes."
    );
    Refusal::new(403, message).code("missing_scope")
}

pub(super) async fn no_such_url(method: Method, uri: Uri) -> Refusal {
    let path = uri.path();
    let version = if path.starts_with("/v1/") { "" } else { "/v1" };
    Refusal::new(404, format!("Invalid URL ({method} {version}{path})"))
}

pub(super) async fn no_such_method(method: Method, uri: Uri) -> Refusal {
    let message = format!(
        "Not allowed to {method} on {}. (HINT: Perhaps you meant to use a different HTTP method?)",
        uri.path()
    );
    Refusal::new(405, message).code("method_not_supported")
}

/// The answer to an injected status, with the headers of the API.
pub(super) fn fault_answer(status: u16, code: Option<&str>) -> Response {
    let refusal = fault(status, code);
    let limited = refusal.code == Some("rate_limit_exceeded");
    let mut response = refusal.into_response();
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set("openai-version", "2020-10-01");
    set("x-request-id", "req_00000000000000000000000000000000");
    if limited {
        set("x-ratelimit-limit-requests", "10000");
        set("x-ratelimit-remaining-requests", "0");
        set("x-ratelimit-reset-requests", "6ms");
        set("retry-after-ms", "6");
    }
    response
}

/// `code` picks one of several errors of the status.
fn fault(status: u16, code: Option<&str>) -> Refusal {
    match (status, code) {
        (401, _) => bad_key(super::KEY),
        (403, _) => missing_scope("model.request"),
        (404, _) => Refusal::new(404, "The requested resource was not found."),
        (413, _) => Refusal::new(413, "Maximum content size limit (26214400) exceeded."),
        (429, Some("insufficient_quota")) => Refusal::new(
            429,
            "You exceeded your current quota, please check your plan and billing details. For more \
             information on this error, read the docs: \
             https://platform.openai.com/docs/guides/error-codes/api-errors.",
        )
        .kind("insufficient_quota")
        .code("insufficient_quota"),
        (429, _) => Refusal::new(
            429,
            "Rate limit reached for gpt-6-luna in organization org-sandbox on requests per min \
             (RPM): Limit 10000, Used 10000, Requested 1. Please try again in 6ms. Visit \
             https://platform.openai.com/account/rate-limits to learn more.",
        )
        .kind("requests")
        .code("rate_limit_exceeded"),
        (503, _) => Refusal::new(
            503,
            "The engine is currently overloaded, please try again later",
        )
        .kind("service_unavailable_error"),
        (status, _) if status >= 500 => Refusal::new(
            status,
            "The server had an error while processing your request. Sorry about that!",
        )
        .kind("server_error"),
        (status, _) => Refusal::new(status, "Your request could not be processed."),
    }
}

/// The headers that every answer has, and those of the limits where a model works.
pub(super) async fn stamp(
    State(world): State<Arc<World>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let works = request.method() == Method::POST && !request.uri().path().contains("/files");
    let size = request.headers().get("content-length");
    let size: u64 = size
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0);
    let organization = match credentials(request.headers()) {
        Ok(Credentials::Bearer(key)) => super::organization(&key),
        _ => String::new(),
    };
    let mut response = next.run(request).await;
    let accepted = response.status() != StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    set("x-request-id", world.ids.hex32("req_"));
    set(
        "openai-processing-ms",
        begun.elapsed().as_millis().to_string(),
    );
    set("openai-version", "2020-10-01".to_owned());
    if accepted {
        set("openai-organization", organization);
    }
    if accepted && works {
        limits(size / 4).for_each(|(name, value)| set(name, value));
    }
    response
}

/// What an account that is hardly used has left.
fn limits(tokens: u64) -> impl Iterator<Item = (&'static str, String)> {
    const REQUESTS: u64 = 10_000;
    const TOKENS: u64 = 30_000_000;
    let tokens = tokens.min(TOKENS);
    [
        ("x-ratelimit-limit-requests", REQUESTS.to_string()),
        ("x-ratelimit-remaining-requests", (REQUESTS - 1).to_string()),
        ("x-ratelimit-reset-requests", "6ms".to_owned()),
        ("x-ratelimit-limit-tokens", TOKENS.to_string()),
        (
            "x-ratelimit-remaining-tokens",
            (TOKENS - tokens).to_string(),
        ),
        // All come back within a minute.
        (
            "x-ratelimit-reset-tokens",
            format!("{}ms", tokens * 60_000 / TOKENS),
        ),
    ]
    .into_iter()
}
