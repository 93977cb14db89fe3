//! OpenAI's failures: the error body, the retry headers, and what the codes mean for the caller.

use std::time::Duration;

use business_tools_core::egress::transport::HttpResponse;
use business_tools_core::{Error, Kind, Status};
use serde_json::Value;

/// What to say when the key is refused.
pub(crate) const KEY_HINT: &str =
    "Check OPENAI_API_KEY; https://platform.openai.com/api-keys shows the keys";

/// What the API calls a model that it does not have.
const NO_MODEL: &str = "model_not_found";

/// The most of OpenAI's own words that is passed on.
const WORDS: usize = 300;

/// No answer makes anybody wait longer.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// OpenAI's words for a failure.
pub(crate) fn explain(answer: &HttpResponse) -> Error {
    let body = answer.value().unwrap_or_default();
    // Hosts that only look like OpenAI put the object at the root, or a text in its place.
    let object = body.get("error").unwrap_or(&body);
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let words: Option<String> = text("message")
        .or(object.as_str())
        .map(|words| words.chars().take(WORDS).collect());
    let message = match &words {
        Some(words) => format!("OpenAI: {words}"),
        None => format!("OpenAI answered with status {}", answer.status.as_u16()),
    };
    let code = text("code").or(text("type")).unwrap_or_default();
    let mut error = answer.error(message);
    for (detail, value) in [
        ("upstream_code", Some(code).filter(|code| !code.is_empty())),
        ("upstream_param", text("param")),
        ("upstream_request_id", answer.header("x-request-id")),
    ] {
        if let Some(value) = value {
            error = error.detail(detail, value);
        }
    }
    let error = refine(
        error,
        answer.status.as_u16(),
        code,
        &words.unwrap_or_default(),
    );
    heed(error, answer)
}

/// A failure that came inside a good answer: `{"code", "message"}` of a response that failed.
pub(crate) fn failed(error: &Value) -> Error {
    let code = error["code"].as_str().unwrap_or("server_error");
    let words = error["message"].as_str().unwrap_or("it gave no reason");
    let words: String = words.chars().take(WORDS).collect();
    let status = match code {
        "server_error" | "vector_store_timeout" => 500,
        "rate_limit_exceeded" => 429,
        _ => 400,
    };
    let kind = business_tools_core::http::StatusCode::from_u16(status).map(Kind::of);
    let error = Error::new(
        kind.unwrap_or(Kind::UpstreamError),
        format!("OpenAI: {words}"),
    )
    .detail("upstream_code", code);
    refine(error, status, code, &words)
}

/// Whether a failure says that the model is not there.
pub(crate) fn is_gone_model(error: &Error) -> bool {
    error
        .details()
        .get("upstream_code")
        .is_some_and(|code| code == NO_MODEL)
}

/// Kinds and next steps that the status alone does not tell.
fn refine(error: Error, status: u16, code: &str, words: &str) -> Error {
    if let Some((kind, hint)) = known(code) {
        let error = error.with_kind(kind).hint(hint);
        return match kind {
            Kind::RateLimited | Kind::UpstreamError | Kind::Unavailable => {
                error.status(Status::Temporary)
            }
            Kind::AuthFailed => refused(error),
            // Every model stands still until somebody pays.
            Kind::QuotaExceeded => error.status(Status::Permanent).opens_circuit(),
            _ => error.status(Status::Permanent),
        };
    }
    // A restricted key: some endpoints answer 401 to it, though the key itself is good.
    let lacks = words.to_ascii_lowercase();
    if matches!(status, 401 | 403)
        && (lacks.contains("insufficient permissions") || lacks.contains("missing scopes"))
    {
        return error
            .with_kind(Kind::PermissionDenied)
            .status(Status::Permanent)
            .hint("Give the key this permission at https://platform.openai.com/api-keys, or use one that has it");
    }
    match (error.kind(), status) {
        (Kind::AuthFailed, _) => refused(error).hint(KEY_HINT),
        (Kind::PermissionDenied, _) => {
            error.hint("Give the key or its project this permission, or use a key that has it")
        }
        (_, 300..400) => error.hint("Check `base_url`: it leads to a redirect, which is not followed"),
        // OpenAI's own 404 has an error object: something else answered.
        (Kind::NotFound, _) if words.is_empty() || words.starts_with("Invalid URL") => {
            error.hint("Check `base_url`: what answers there is not OpenAI's API; it ends in /v1")
        }
        (Kind::NotFound, _) => error.hint(
            "Check the id, and that it belongs to this project; what was not stored, or has expired, is gone",
        ),
        (Kind::RateLimited, _) => error.hint("Wait a moment, then try again; make fewer calls at once"),
        (Kind::Conflict, _) => error.hint("Something else changes the same thing; try again in a moment"),
        (_, 413) => error.hint("Send less at once: a smaller file or a shorter text"),
        (Kind::InvalidRequest, _) => error.hint("Mend what the message names and call again; nothing was done"),
        (_, 408 | 500..) => error.hint("Try again in a moment; https://status.openai.com tells of outages"),
        _ => error,
    }
}

/// The words of this refusal may quote the key.
fn refused(error: Error) -> Error {
    error
        .with_kind(Kind::AuthFailed)
        .status(Status::Permanent)
        .with_message("Authentication failed for the OpenAI API")
}

/// `retry-after-ms` is finer than `retry-after`, and `x-should-retry` overrules the status.
fn heed(error: Error, answer: &HttpResponse) -> Error {
    let millis = answer
        .header("retry-after-ms")
        .and_then(|text| text.trim().parse::<f64>().ok())
        .and_then(|millis| Duration::try_from_secs_f64(millis / 1e3).ok())
        .map(|wait| wait.min(LONGEST_WAIT));
    let error = match millis {
        Some(wait) => error.retry_after(wait),
        None => error,
    };
    match (answer.header("x-should-retry"), error.kind()) {
        // No money does not come back by waiting, whatever a header says.
        (_, Kind::QuotaExceeded) => error.retry_after(None),
        (_, Kind::AuthFailed | Kind::PermissionDenied) => error,
        (Some("true"), _) => error.status(Status::Temporary),
        (Some("false"), _) => error.status(Status::Permanent),
        _ => error,
    }
}

/// What single codes mean: the kind and the next step.
///
/// Read 2026-11 in <https://developers.openai.com/api/docs/guides/error-codes>.
fn known(code: &str) -> Option<(Kind, &'static str)> {
    Some(match code {
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => (
            Kind::QuotaExceeded,
            "Add credit or raise the budget at https://platform.openai.com/settings/organization/billing",
        ),
        "invalid_api_key" | "account_deactivated" => (Kind::AuthFailed, KEY_HINT),
        "mismatched_organization" | "mismatched_project" | "invalid_organization" => (
            Kind::AuthFailed,
            "The key is not of this organization or project: check OPENAI_ORG_ID and OPENAI_PROJECT_ID, or leave them out",
        ),
        NO_MODEL => (
            Kind::NotFound,
            "See openai_list_models for what this project may use, and give one as `model`",
        ),
        "unsupported_country_region_territory" => (
            Kind::PermissionDenied,
            "OpenAI does not serve the country this server is in",
        ),
        "ip_not_authorized" => (
            Kind::PermissionDenied,
            "Add this server's address to the project's IP allowlist",
        ),
        "rate_limit_exceeded" => (
            Kind::RateLimited,
            "Wait a moment, then try again; make fewer calls at once, or use a model with a higher limit",
        ),
        "moderation_blocked" | "content_policy_violation" | "image_generation_user_error" => (
            Kind::InvalidRequest,
            "The safety system refused it: say it in other words, without what it may have taken offence at",
        ),
        "context_length_exceeded" | "string_above_max_length" => (
            Kind::InvalidRequest,
            "The text is too long for this model: shorten it, or use a model with a longer context",
        ),
        "invalid_json_schema" => (
            Kind::InvalidRequest,
            "Every object of `json_schema` needs additionalProperties: false and all its properties in `required`",
        ),
        "unsupported_parameter" | "unsupported_value" => (
            Kind::InvalidRequest,
            "This model does not take what `upstream_param` names: leave it out, or use another model",
        ),
        "previous_response_not_found" => (
            Kind::NotFound,
            "Only responses made with `store: true` can be continued, and they are kept for 30 days",
        ),
        _ => return None,
    })
}
