//! HubSpot's limits: kept to before they are broken, and learned from its own words.

use std::time::Duration;

use business_tools_core::{Kind, Provider};
use business_tools_hubspot::HubSpot;
use serde_json::json;
use tokio::time::Instant;

use crate::support::{host_with, hubspot, world};

#[tokio::test]
async fn five_searches_a_second_and_other_tools_go_on() {
    let world = hubspot()
        .overrides(json!({"timeouts": {"call": "20s", "attempt": "10s"}}))
        .start::<HubSpot>()
        .await;
    let started = Instant::now();
    let searches = (0..11).map(|n| {
        let query = format!("word{n}");
        world.call(
            "hubspot_search_records",
            json!({"object_type": "contacts", "query": query}),
        )
    });
    let searches = futures_util::future::join_all(searches);
    let others = async {
        for kind in ["deals", "tickets"] {
            world
                .ok("hubspot_list_pipelines", json!({ "object_type": kind }))
                .await;
        }
        started.elapsed()
    };
    let (searches, others) = tokio::join!(searches, others);
    assert!(searches.iter().all(Result::is_ok));
    assert!(
        started.elapsed() >= Duration::from_secs(2),
        "eleven searches in {:?}",
        started.elapsed()
    );
    assert!(
        others < Duration::from_secs(1),
        "the others waited {others:?}"
    );
}

#[test]
fn the_policy_has_hubspots_numbers() {
    let quotas = HubSpot::INFO.policy.quotas;
    let told: Vec<_> = quotas
        .iter()
        .map(|quota| (quota.name, quota.requests, quota.window.as_secs()))
        .collect();
    assert_eq!(told, [("", 100, 10), ("search", 5, 1)]);
}

#[tokio::test]
async fn nothing_is_sent_while_the_window_has_nothing_left() {
    let headers: &[(&str, &str)] = &[
        ("x-hubspot-ratelimit-remaining", "0"),
        ("x-hubspot-ratelimit-interval-milliseconds", "600"),
    ];
    let world = host_with(200, json!({"results": []}), headers).await;
    world.ok("hubspot_list_owners", json!({})).await;
    let started = Instant::now();
    world
        .ok("hubspot_list_pipelines", json!({"object_type": "deals"}))
        .await;
    assert!(
        started.elapsed() >= Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn what_is_left_of_the_window_holds_nothing_up() {
    let headers: &[(&str, &str)] = &[
        ("x-hubspot-ratelimit-remaining", "1"),
        ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
    ];
    let world = host_with(200, json!({"results": []}), headers).await;
    world.ok("hubspot_list_owners", json!({})).await;
    let started = Instant::now();
    world
        .ok("hubspot_list_pipelines", json!({"object_type": "deals"}))
        .await;
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_token_whose_day_is_over_opens_the_circuit() {
    let world = hubspot()
        .fields(json!({"access_token": "exhausted-0a1b2c3d4e5f0a1b2c3d4e5f"}))
        .start::<HubSpot>()
        .await;
    let error = world.err("hubspot_list_owners", json!({})).await;
    assert_eq!(error.code(), "HUBSPOT_QUOTA_EXCEEDED");
    let error = world
        .err("hubspot_list_pipelines", json!({"object_type": "deals"}))
        .await;
    assert_eq!(error.kind(), Kind::CircuitOpen);
    assert_eq!(world.requests().len(), 1);
    assert!(
        world
            .metrics()
            .contains(r#"mcp_circuit_state{account="default",provider="hubspot"} 2"#)
    );
}

#[tokio::test]
async fn the_simulators_own_headers_hold_nothing_up() {
    let world = world().await;
    let started = Instant::now();
    for kind in ["deals", "tickets", "leads", "contacts", "companies"] {
        world
            .ok("hubspot_list_pipelines", json!({ "object_type": kind }))
            .await;
    }
    assert!(started.elapsed() < Duration::from_secs(3));
}
