//! What OpenAI's errors become.

use std::time::Duration;

use business_tools_core::Kind;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{assert_error, hello, stand_in};

fn body(code: Option<&str>, kind: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

#[tokio::test]
async fn every_error_has_its_kind_and_a_next_step() {
    for (status, code, kind, message, want, hint) in [
        (
            401,
            Some("invalid_api_key"),
            "invalid_request_error",
            "Incorrect",
            Kind::AuthFailed,
            "OPENAI_API_KEY",
        ),
        (
            401,
            None,
            "invalid_request_error",
            "You didn't provide a key",
            Kind::AuthFailed,
            "OPENAI_API_KEY",
        ),
        (
            401,
            Some("mismatched_organization"),
            "invalid_request_error",
            "x",
            Kind::AuthFailed,
            "OPENAI_ORG_ID",
        ),
        (
            401,
            None,
            "invalid_request_error",
            "You have insufficient permissions for this operation. Missing scopes: model.request",
            Kind::PermissionDenied,
            "Give the key this permission",
        ),
        (
            403,
            Some("missing_scope"),
            "invalid_request_error",
            "Missing scopes: x",
            Kind::PermissionDenied,
            "Give the key",
        ),
        (
            403,
            Some("unsupported_country_region_territory"),
            "request_forbidden",
            "x",
            Kind::PermissionDenied,
            "country",
        ),
        (
            403,
            Some("model_not_found"),
            "invalid_request_error",
            "x",
            Kind::NotFound,
            "openai_list_models",
        ),
        (
            404,
            None,
            "invalid_request_error",
            "No such File object: file-1",
            Kind::NotFound,
            "Check the id",
        ),
        (
            400,
            Some("previous_response_not_found"),
            "invalid_request_error",
            "x",
            Kind::NotFound,
            "store: true",
        ),
        (
            400,
            Some("context_length_exceeded"),
            "invalid_request_error",
            "x",
            Kind::InvalidRequest,
            "too long",
        ),
        (
            400,
            Some("unsupported_parameter"),
            "invalid_request_error",
            "x",
            Kind::InvalidRequest,
            "upstream_param",
        ),
        (
            400,
            Some("invalid_json_schema"),
            "invalid_request_error",
            "x",
            Kind::InvalidRequest,
            "additionalProperties",
        ),
        (
            400,
            Some("content_policy_violation"),
            "invalid_request_error",
            "x",
            Kind::InvalidRequest,
            "other words",
        ),
        (
            400,
            Some("billing_hard_limit_reached"),
            "invalid_request_error",
            "x",
            Kind::QuotaExceeded,
            "billing",
        ),
        (
            400,
            None,
            "invalid_request_error",
            "x",
            Kind::InvalidRequest,
            "Mend",
        ),
        (
            409,
            None,
            "invalid_request_error",
            "x",
            Kind::Conflict,
            "try again",
        ),
        (
            413,
            None,
            "invalid_request_error",
            "x",
            Kind::InvalidRequest,
            "Send less",
        ),
        (
            429,
            Some("rate_limit_exceeded"),
            "tokens",
            "x",
            Kind::RateLimited,
            "higher limit",
        ),
        (
            429,
            Some("insufficient_quota"),
            "insufficient_quota",
            "x",
            Kind::QuotaExceeded,
            "credit",
        ),
        (
            500,
            Some("server_error"),
            "server_error",
            "x",
            Kind::UpstreamError,
            "status.openai.com",
        ),
        (
            500,
            None,
            "server_error",
            "x",
            Kind::UpstreamError,
            "status.openai.com",
        ),
        (
            503,
            None,
            "service_unavailable_error",
            "Overloaded",
            Kind::Unavailable,
            "status.openai.com",
        ),
    ] {
        let world = stand_in(
            status,
            &[("x-request-id", "req_7")],
            body(code, kind, message),
        )
        .await;
        let error = world.err("openai_generate_text", hello()).await;
        assert_eq!(error.kind(), want, "{status} {code:?}: {error:?}");
        let told = error.hint_text().unwrap_or_default();
        assert!(told.contains(hint), "{status} {code:?}: {told}");
        assert_eq!(error.details()["upstream_request_id"], "req_7");
        assert_eq!(error.details()["upstream_status"], status);
        assert_eq!(error.details()["upstream_code"], code.unwrap_or(kind));
        assert_eq!(error.code(), format!("OPENAI_{}", want.code()));
    }
}

#[tokio::test]
async fn no_credit_is_never_tried_again_and_nothing_else_is_sent() {
    let none = body(
        Some("insufficient_quota"),
        "insufficient_quota",
        "You exceeded your current quota",
    );
    let world = stand_in(
        429,
        &[("x-should-retry", "true"), ("retry-after", "0")],
        none,
    )
    .await;
    let error = world.err("openai_generate_text", hello()).await;
    assert_error(
        &error,
        Kind::QuotaExceeded,
        Some("insufficient_quota"),
        "Add credit",
    );
    assert!(!error.is_retryable());
    assert_eq!(world.requests().len(), 1);
    let next = world
        .err("openai_create_embedding", json!({"input": ["x"]}))
        .await;
    assert_eq!(next.kind(), Kind::CircuitOpen);
    assert!(next.message().contains("used up"), "{next}");
    assert_eq!(world.requests().len(), 1, "the circuit is open");
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_as_long_as_the_finest_header_says() {
    let limited = || {
        body(
            Some("rate_limit_exceeded"),
            "requests",
            "Rate limit reached",
        )
    };
    let headers = &[("retry-after-ms", "40"), ("retry-after", "60")];
    let world = stand_in(429, headers, limited()).await;
    let started = Instant::now();
    let error = world.err("openai_generate_text", hello()).await;
    assert_eq!(error.kind(), Kind::RateLimited);
    assert_eq!(world.requests().len(), 3);
    assert!(
        started.elapsed() >= Duration::from_millis(80),
        "{:?}",
        started.elapsed()
    );
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(error.wait(), Some(Duration::from_millis(40)));
    // Without the finer one the coarser one holds, and is longer than the call may take.
    let world = stand_in(429, &[("retry-after", "60")], limited()).await;
    let error = world.err("openai_generate_text", hello()).await;
    assert_eq!(
        (error.wait(), world.requests().len()),
        (Some(Duration::from_mins(1)), 1)
    );
}

#[tokio::test]
async fn openai_says_itself_whether_to_try_again() {
    let failed = || body(None, "server_error", "x");
    let world = stand_in(500, &[("x-should-retry", "false")], failed()).await;
    let error = world.err("openai_generate_text", hello()).await;
    assert_eq!((world.requests().len(), error.is_retryable()), (1, false));
    let world = stand_in(409, &[("x-should-retry", "true")], failed()).await;
    world.err("openai_generate_text", hello()).await;
    assert_eq!(world.requests().len(), 3);
}

#[tokio::test]
async fn other_hosts_in_openais_place_are_told_as_such() {
    for (status, answer, kind, hint) in [
        (
            404,
            json!("<html>Not found</html>"),
            Kind::NotFound,
            "base_url",
        ),
        (
            404,
            json!({"error": {"message": "Invalid URL (POST /x)", "type": "invalid_request_error"}}),
            Kind::NotFound,
            "base_url",
        ),
        (302, json!(""), Kind::BadUpstreamResponse, "redirect"),
        (
            404,
            json!({"error": "no such route"}),
            Kind::NotFound,
            "Check the id",
        ),
        (
            400,
            json!({"message": "bad", "code": "odd"}),
            Kind::InvalidRequest,
            "Mend",
        ),
    ] {
        let world = stand_in(status, &[], answer.clone()).await;
        let error = world.err("openai_generate_text", hello()).await;
        assert_eq!(error.kind(), kind, "{answer}: {error:?}");
        assert!(
            error.hint_text().unwrap().contains(hint),
            "{answer}: {error:?}"
        );
    }
}

#[tokio::test]
async fn the_words_of_a_refusal_are_not_passed_on_since_they_may_quote_the_key() {
    let quoted = body(
        Some("invalid_api_key"),
        "invalid_request_error",
        "Incorrect API key provided: sk-CANARY",
    );
    let world = stand_in(401, &[], quoted).await;
    let error = world.err("openai_generate_text", hello()).await;
    assert_eq!(error.message(), "Authentication failed for the OpenAI API");
    assert!(!format!("{error:?}").contains("CANARY"));
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn a_used_up_limit_pauses_what_comes_next() {
    let answer = json!({"id": "resp_1", "status": "completed", "model": "m", "output": []});
    let headers = &[
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "300ms"),
        ("x-ratelimit-remaining-tokens", "100"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ];
    let world = stand_in(200, headers, answer).await;
    world.ok("openai_generate_text", hello()).await;
    let started = Instant::now();
    world.ok("openai_generate_text", hello()).await;
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(200) && took < Duration::from_secs(2),
        "{took:?}"
    );
}
