//! `--sandbox-seed demo`: one small company, told by all providers.

#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(all(feature = "all", feature = "sandbox"))]

mod binary;

use binary::Server;
use serde_json::json;

#[tokio::test]
async fn the_demo_company_is_the_same_everywhere_and_comes_back_after_a_reset() {
    let server = Server::start(&["--sandbox-seed", "demo"]);
    for round in ["at the start", "after a reset"] {
        let messages = server
            .call("twilio_list_messages", json!({"to": "+14155552301"}))
            .await;
        let text = messages.to_string();
        assert!(text.contains("Hi Ada"), "{round}: {text}");
        let orders = server
            .call(
                "mongo_aggregate",
                json!({"collection": "orders", "pipeline": [
                    {"$match": {"status": "paid"}},
                    {"$group": {"_id": "$company", "orders": {"$sum": 1}}},
                    {"$sort": {"orders": -1}}, {"$limit": 1}]}),
            )
            .await;
        assert!(
            orders.to_string().contains("Harbor & Pine Hotels"),
            "{round}: {orders}"
        );
        let ada = server
            .call(
                "hubspot_search_records",
                json!({"object_type": "contacts", "query": "ada park"}),
            )
            .await;
        let found = ada["items"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{round}: {ada}");
        assert!(ada.to_string().contains("Harbor & Pine"), "{round}: {ada}");
        let sent = json!({"to": "+14155552301", "from": binary::FROM, "body": "One more"});
        server.call("twilio_send_message", sent).await;
        server.reset().await;
    }
}

#[test]
fn a_seed_that_there_is_not_is_told_with_those_that_there_are() {
    for command in [
        &["stdio", "--sandbox", "--sandbox-seed", "full"][..],
        &["sandbox", "--seed", "full"],
    ] {
        let done = std::process::Command::new(binary::BIN)
            .args(command)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(said.contains("`empty` and `demo`"), "{said}");
    }
}

#[tokio::test]
async fn without_a_seed_there_is_no_company() {
    let server = Server::start(&[]);
    let messages = server.call("twilio_list_messages", json!({})).await;
    assert_eq!(messages["items"], json!([]), "{messages}");
}
