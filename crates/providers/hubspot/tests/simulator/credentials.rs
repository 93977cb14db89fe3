//! Who may call.

use reqwest::Method;

use crate::hub::{hub, objects};

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let hub = hub().await;
    let path = objects("contacts");
    let mut refused = vec![hub.finish(hub.request(Method::GET, &path)).await];
    for value in [
        "Bearer wrong-token-1",
        "Bearer short",
        "Bearer pat-na1",
        "Bearer two words here",
        "Bearer ",
        "Basic YWJjZGVmOmFiY2RlZg==",
        "pat-na1-11111111-2222",
    ] {
        let request = hub
            .request(Method::GET, &path)
            .header("authorization", value);
        refused.push(hub.finish(request).await);
    }
    // Keys in the address are a thing of the past.
    refused.push(
        hub.finish(hub.request(Method::GET, &format!("{path}?hapikey=11111111-2222")))
            .await,
    );
    for seen in refused {
        assert_eq!(seen.status, 401);
        assert_eq!(seen.body["category"], "INVALID_AUTHENTICATION");
        assert_eq!(seen.body["status"], "error");
        let correlation = seen.body["correlationId"].as_str().unwrap();
        assert_eq!(seen.headers["x-hubspot-correlation-id"], correlation);
        assert!(!seen.headers.contains_key("x-hubspot-ratelimit-max"));
    }
}

#[tokio::test]
async fn some_tokens_are_good_and_still_of_no_use() {
    for (token, status, category) in [
        ("pat-na1-expired-1", 401, "EXPIRED_AUTHENTICATION"),
        ("pat-na1-unscoped-1", 403, "MISSING_SCOPES"),
        ("pat-na1-exhausted-1", 429, "RATE_LIMITS"),
    ] {
        let hub = hub().await.with_token(token);
        let refused = hub.refused(Method::GET, &objects("contacts"), None).await;
        assert_eq!((refused.0, refused.1.as_str()), (status, category));
        match status {
            403 => assert!(refused.2["errors"][0]["context"]["requiredGranularScopes"].is_array()),
            429 => assert_eq!(refused.2["policyName"], "DAILY"),
            _ => {}
        }
    }
}
