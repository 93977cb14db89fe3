//! What a call leaves behind: metrics, audit and log.

use business_tools_core::Kind;
use serde_json::json;

use crate::support::{NOBODY, contact, hubspot, world};

#[tokio::test]
async fn calls_and_requests_are_counted_apart() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 429, "times": 1}));
    world
        .ok("hubspot_create_company", json!({"name": "Acme"}))
        .await;
    world.err("hubspot_create_company", json!({})).await;
    world.ok("hubspot_list_owners", json!({})).await;
    world.ok("hubspot_list_owners", json!({})).await;
    let metrics = world.metrics();
    for line in [
        r#"mcp_api_calls_total{status="ok",tool="hubspot_create_company"} 1"#,
        r#"mcp_api_calls_total{status="INVALID_ARGUMENTS",tool="hubspot_create_company"} 1"#,
        r#"mcp_api_calls_total{status="ok",tool="hubspot_list_owners"} 2"#,
        r#"mcp_provider_requests_total{provider="hubspot",status="RATE_LIMITED"} 1"#,
        r#"mcp_provider_requests_total{provider="hubspot",status="ok"} 2"#,
        r#"mcp_cache_requests_total{provider="hubspot",result="hit"} 1"#,
        r#"mcp_cache_requests_total{provider="hubspot",result="miss"} 1"#,
        r#"mcp_retries_total{provider="hubspot"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn the_audit_tells_who_did_what_and_not_what_was_said() {
    let world = world().await;
    contact(&world, "ada.lovelace@example.com").await;
    world
        .err(
            "hubspot_get_record",
            json!({"object_type": "contacts", "id": NOBODY}),
        )
        .await;
    let refused =
        json!({"email": "ada.lovelace@example.com", "properties": {"lifecyclestage": "PERSONAL"}});
    world.err("hubspot_create_contact", refused).await;
    let [made, missed, refused] = &world.audit()[..] else {
        panic!("three lines")
    };
    assert_eq!(
        (
            &made["tool"],
            &made["outcome"],
            &made["effect"],
            &made["account"]
        ),
        (
            &json!("hubspot_create_contact"),
            &json!("ok"),
            &json!("write"),
            &json!("default")
        )
    );
    assert_eq!(made["arguments"]["email"], "<24 characters>");
    assert_eq!(missed["code"], "HUBSPOT_NOT_FOUND");
    assert!(refused["code"].is_string());
    let log = world.log();
    assert!(log.contains(made["request_id"].as_str().unwrap()));
    for personal in ["ada.lovelace", "PERSONAL"] {
        assert!(!log.contains(personal), "{personal} is in the log");
    }
}

#[tokio::test]
async fn many_calls_at_once_are_all_answered_and_nothing_is_made_twice() {
    let world = hubspot()
        .overrides(json!({"timeouts": {"call": "60s", "attempt": "20s"}, "rate_limits": {"max_in_flight": 10}}))
        .start::<business_tools_hubspot::HubSpot>()
        .await;
    world.fault(json!({"kind": "status", "status": 429, "times": 10}));
    let calls = (0..80).map(|n| {
        world.call(
            "hubspot_create_company",
            json!({"name": format!("Company {n}")}),
        )
    });
    let mut done = 0;
    for outcome in futures_util::future::join_all(calls).await {
        match outcome {
            Ok(_) => done += 1,
            // Only so many retries are saved up; what was not sent says so.
            Err(error) => assert_eq!(error.kind(), Kind::RateLimited, "{error:?}"),
        }
    }
    let made = world
        .exchanges()
        .iter()
        .filter(|exchange| exchange.status == 201)
        .count();
    assert_eq!(made, done);
    assert!(done >= 70, "{done} of 80");
}
