//! What every operation refuses, and the headers of every answer.

use business_tools_sandbox::{FaultKind, FaultRule};
use reqwest::Method;

use crate::lab::{KEY, Lab};

#[tokio::test]
async fn every_answer_has_the_headers_of_the_api() {
    let lab = Lab::new().await;
    for path in ["/models", "/files/file-none", "/nowhere"] {
        let answer = lab.get(path).await;
        assert!(answer.header("x-request-id").starts_with("req_"));
        assert_eq!(answer.header("openai-version"), "2020-10-01");
        assert!(answer.header("openai-processing-ms").parse::<u64>().is_ok());
        assert!(answer.header("openai-organization").starts_with("org-"));
        assert!(!answer.headers.contains_key("x-ratelimit-limit-requests"));
    }
}

#[tokio::test]
async fn keys_are_missing_ill_formed_wrong_or_restricted() {
    let lab = Lab::new().await;
    let list = async |key| lab.send(Method::GET, "/models", key, None).await;
    let message = list(None).await.refused(401, "", "");
    assert!(message.contains("didn't provide an API key"), "{message}");
    for key in ["nonsense", "sk-", "sk-a b", "sk-proj-wrong-0123456789"] {
        let answer = list(Some(key)).await;
        let message = answer.refused(401, "", "invalid_api_key");
        assert!(
            message.starts_with("Incorrect API key provided: "),
            "{message}"
        );
        assert!(!message.contains(key), "{message}");
    }
    let restricted = Some("sk-restricted-0123456789");
    let message = list(restricted).await.refused(403, "", "missing_scope");
    assert!(message.contains("api.model.read"), "{message}");
    let files = lab.send(Method::GET, "/files", restricted, None).await;
    files.ok();
}

#[tokio::test]
async fn unknown_places_and_methods_are_refused() {
    let lab = Lab::new().await;
    let message = lab.get("/nowhere").await.refused(404, "", "");
    assert_eq!(message, "Invalid URL (GET /v1/nowhere)");
    let answer = lab.delete("/models").await;
    answer.refused(405, "", "method_not_supported");
}

#[tokio::test]
async fn injected_statuses_have_the_form_of_the_api() {
    let lab = Lab::new().await;
    for (status, kind, code) in [
        (401, "invalid_request_error", "invalid_api_key"),
        (429, "requests", "rate_limit_exceeded"),
        (500, "server_error", ""),
        (503, "service_unavailable_error", ""),
    ] {
        lab.fault(
            FaultRule::new("openai", FaultKind::Status)
                .status(status)
                .times(1),
        );
        let answer = lab.get("/models").await;
        answer.refused(status, "", code);
        assert_eq!(answer.json()["error"]["type"], kind);
        assert!(answer.header("x-request-id").starts_with("req_"));
    }
}

#[tokio::test]
async fn too_many_requests_and_no_credit_are_told_apart_by_their_code() {
    let lab = Lab::new().await;
    for (code, kind, limited) in [
        ("insufficient_quota", "insufficient_quota", false),
        ("rate_limit_exceeded", "requests", true),
    ] {
        let rule = FaultRule::new("openai", FaultKind::Status);
        lab.fault(rule.status(429).code(code).retry_after(2).times(1));
        let answer = lab.get("/models").await;
        answer.refused(429, "", code);
        assert_eq!(answer.json()["error"]["type"], kind);
        assert_eq!(answer.header("retry-after"), "2");
        let left = answer.headers.get("x-ratelimit-remaining-requests");
        assert_eq!(left.is_some_and(|left| left == "0"), limited);
    }
}

#[tokio::test]
async fn keys_are_shown_nowhere() {
    let lab = Lab::new().await;
    lab.form(
        "/files",
        &[("purpose", None, b"vision"), ("file", Some("a.txt"), b"x")],
    )
    .await
    .ok();
    let url = lab
        .sandbox
        .base_url("openai")
        .replace("/openai", "/_sandbox");
    let shown = reqwest::Client::builder().build().unwrap().get(url).send();
    let shown = shown.await.unwrap().text().await.unwrap();
    assert!(shown.contains("\"files\":1"), "{shown}");
    assert!(!shown.contains(KEY), "{shown}");
}
