//! Reads of several processes over one Redis: what one has read the others have, and a write through any is seen by all.
#![cfg(all(feature = "all", feature = "redis", feature = "sandbox"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod binary;
mod common;
mod fleet;

use binary::Server;
use business_tools_testkit::redis::RedisServer;
use fleet::{Fleet, metric, until};
use serde_json::{Value, json};

async fn call(server: &Server, tool: &str, args: Value) -> Value {
    let (status, done) = server.rest(tool, args).await;
    assert_eq!(status, 200, "{done}");
    done
}

async fn name(server: &Server, id: &Value) -> Value {
    let args = json!({"object_type": "contacts", "id": id});
    let read = call(server, "hubspot_get_record", args).await;
    read["properties"]["firstname"].clone()
}

async fn looked_up(server: &Server, result: &str) -> f64 {
    let name = format!("mcp_cache_requests_total{{provider=\"hubspot\",result=\"{result}\"}}");
    metric(server, &name).await.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_read_the_others_have_until_any_of_them_writes() {
    let redis = RedisServer::start(&[]);
    let state = json!({"redis": {"url": redis.url(), "timeout": "2s"}});
    let fleet = Fleet::start(3, state, json!({})).await;
    let [one, two, three] = &fleet.replicas[..] else {
        panic!("there are three");
    };
    for server in &fleet.replicas {
        until("the replicas find each other", async || {
            metric(server, "mcp_state_replicas{store=\"redis\"}").await == Some(3.0)
        })
        .await;
    }
    let ada = json!({"email": "ada@example.com", "properties": {"firstname": "Ada"}});
    let made = call(one, "hubspot_create_contact", ada).await;
    let id = made["id"].clone();
    assert_eq!(name(one, &id).await, "Ada");
    // It is kept in the background.
    until("it is shared", async || {
        redis.ask(&["KEYS", "*:value:*"]).contains(":value:")
    })
    .await;
    let asked = fleet.arrived("hubspot", "GET").len();
    for server in [two, three, two] {
        assert_eq!(name(server, &id).await, "Ada");
    }
    assert_eq!(fleet.arrived("hubspot", "GET").len(), asked);
    for server in [two, three] {
        assert!(looked_up(server, "shared_hit").await >= 1.0);
        assert!(looked_up(server, "miss").await == 0.0);
    }
    let args = json!({"object_type": "contacts", "id": id, "properties": {"firstname": "Grace"}});
    call(two, "hubspot_update_record", args).await;
    assert_eq!(name(two, &id).await, "Grace");
    for server in [one, three] {
        until("the write is seen", async || {
            name(server, &id).await == "Grace"
        })
        .await;
    }
    let all = redis.ask(&["KEYS", "*"]);
    let values = all.lines().filter(|line| line.contains(":value:"));
    for key in values {
        let value = redis.ask(&["GET", key]);
        for word in ["Ada", "Grace", "example.com"] {
            assert!(!value.contains(word) && !all.contains(word), "{word}");
        }
    }
}
