//! Headers, and the faults that a test can order.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::json;

use crate::hub::{hub, objects};

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

#[tokio::test]
async fn limits_are_counted_down_but_for_searches() {
    let hub = hub().await;
    let one = hub
        .send(Method::GET, &objects("contacts"), None)
        .await
        .headers;
    let two = hub
        .send(Method::GET, &objects("contacts/99"), None)
        .await
        .headers;
    let left = |headers: &HeaderMap, name| number(headers, name).unwrap();
    assert_eq!(left(&one, "x-hubspot-ratelimit-max"), 190);
    assert_eq!(
        left(&one, "x-hubspot-ratelimit-interval-milliseconds"),
        10_000
    );
    assert_eq!(left(&one, "x-hubspot-ratelimit-remaining"), 189);
    assert_eq!(left(&two, "x-hubspot-ratelimit-remaining"), 188);
    assert_eq!(
        left(&two, "x-hubspot-ratelimit-daily") - left(&two, "x-hubspot-ratelimit-daily-remaining"),
        2
    );
    let search = hub
        .post(&format!("{}/search", objects("contacts")), json!({}))
        .await;
    let named: Vec<_> = search
        .headers
        .keys()
        .filter(|name| name.as_str().contains("ratelimit"))
        .collect();
    assert!(named.is_empty(), "{named:?}");
    assert!(search.headers.contains_key("x-hubspot-correlation-id"));
}

#[tokio::test]
async fn ordered_faults_speak_as_hubspot_does() {
    let hub = hub().await;
    for (status, category) in [
        (401, "INVALID_AUTHENTICATION"),
        (403, "MISSING_SCOPES"),
        (404, "OBJECT_NOT_FOUND"),
        (409, "CONFLICT"),
        (423, "LOCKED"),
        (429, "RATE_LIMITS"),
        (477, "MIGRATION_IN_PROGRESS"),
        (500, "INTERNAL_ERROR"),
        (502, "INTERNAL_ERROR"),
    ] {
        hub.fault(json!({"kind": "status", "status": status, "times": 1, "retry_after": 3}));
        let seen = hub.send(Method::GET, &objects("contacts"), None).await;
        assert_eq!(
            (seen.status.as_u16(), &seen.body["category"]),
            (status, &json!(category))
        );
        assert_eq!(seen.body["status"], "error");
        assert_eq!(number(&seen.headers, "retry-after"), Some(3));
        let correlation = seen.body["correlationId"].as_str().unwrap();
        assert_eq!(seen.headers["x-hubspot-correlation-id"], correlation);
        if status == 429 {
            assert_eq!(seen.body["policyName"], "TEN_SECONDLY_ROLLING");
            assert_eq!(seen.body["errorType"], "RATE_LIMIT");
        }
    }
}

#[tokio::test]
async fn a_code_picks_one_of_several_refusals() {
    let hub = hub().await;
    for (status, code, member) in [
        (429, "DAILY", "policyName"),
        (429, "SECONDLY", "policyName"),
        (401, "EXPIRED_AUTHENTICATION", "category"),
    ] {
        hub.fault(json!({"kind": "status", "status": status, "code": code, "times": 1}));
        let seen = hub.send(Method::GET, &objects("contacts"), None).await;
        assert_eq!(
            (seen.status.as_u16(), &seen.body[member]),
            (status, &json!(code))
        );
    }
}
