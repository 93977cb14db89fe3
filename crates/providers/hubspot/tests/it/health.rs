//! Health: the details of the account, which every token may see.

use business_tools_core::Kind;
use business_tools_hubspot::HubSpot;
use serde_json::json;

use crate::support::{host, hubspot, world};

#[tokio::test]
async fn the_account_proves_the_token() {
    let world = world().await;
    let health = world.health().await;
    assert!(health.ok, "{health:?}");
    let [request] = &world.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(
        (&*request.method, &*request.path),
        ("GET", "/account-info/2026-09/details")
    );
}

#[tokio::test]
async fn the_version_of_the_settings_stands_in_every_path() {
    let world = hubspot()
        .fields(json!({"api_version": "2026-03"}))
        .start::<HubSpot>()
        .await;
    let _ = world.health().await;
    let _ = world.call("hubspot_list_owners", json!({})).await;
    for request in world.requests() {
        assert!(request.path.contains("/2026-03"), "{}", request.path);
    }
}

#[tokio::test]
async fn a_wrong_token_is_unhealthy_after_one_request() {
    let world = hubspot()
        .fields(json!({"access_token": "pat-na1-wrong-0a1b-4a1b-8a1b-0a1b2c3d4e5f"}))
        .start::<HubSpot>()
        .await;
    let health = world.health().await;
    assert!(!health.ok);
    assert_eq!(health.error.unwrap().kind(), Kind::AuthFailed);
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn another_host_in_hubspots_place_is_unhealthy() {
    let world = host(200, json!({"hello": "world"})).await;
    let health = world.health().await;
    let error = health.error.unwrap();
    assert_eq!(error.kind(), Kind::BadUpstreamResponse);
    assert!(error.hint_text().unwrap().contains("base_url"));
}
