//! Health: the balance, or one message where a key may not see it.

use serde_json::json;

use crate::support::{path, world};

#[tokio::test]
async fn the_balance_proves_the_credentials() {
    let world = world().await;
    let health = world.health().await;
    assert!(health.ok, "{health:?}");
    let [request] = &world.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.path, path("Balance.json"));
}

#[tokio::test]
async fn a_key_without_the_balance_is_proved_by_one_message() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 403, "path": path("Balance.json")}));
    let health = world.health().await;
    assert!(health.ok, "{health:?}");
    let last = world.last_request();
    assert_eq!(
        (last.path, last.query.as_str()),
        (path("Messages.json"), "PageSize=1")
    );
}
