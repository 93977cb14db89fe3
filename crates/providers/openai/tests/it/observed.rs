//! What a call leaves behind: metrics, audit and log.

use serde_json::json;

use crate::support::{hello, world};

#[tokio::test]
async fn calls_and_requests_are_counted_apart() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 429, "times": 1}));
    world.ok("openai_generate_text", hello()).await;
    world.err("openai_generate_text", json!({})).await;
    world.ok("openai_list_models", json!({})).await;
    world.ok("openai_list_models", json!({})).await;
    let metrics = world.metrics();
    for line in [
        r#"mcp_api_calls_total{status="ok",tool="openai_generate_text"} 1"#,
        r#"mcp_api_calls_total{status="INVALID_ARGUMENTS",tool="openai_generate_text"} 1"#,
        r#"mcp_provider_requests_total{provider="openai",status="RATE_LIMITED"} 1"#,
        r#"mcp_provider_requests_total{provider="openai",status="ok"} 2"#,
        r#"mcp_cache_requests_total{provider="openai",result="hit"} 1"#,
        r#"mcp_retries_total{provider="openai"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn the_audit_and_the_log_tell_who_did_what_and_not_what_was_said() {
    let world = world().await;
    world
        .ok(
            "openai_generate_text",
            json!({"input": "My secret thought"}),
        )
        .await;
    let [line] = &world.audit()[..] else {
        panic!("one line")
    };
    assert_eq!(
        (&line["tool"], &line["outcome"], &line["effect"]),
        (
            &json!("openai_generate_text"),
            &json!("ok"),
            &json!("write")
        )
    );
    assert_eq!(line["arguments"]["input"], "<17 characters>");
    for text in [world.log(), line.to_string(), world.metrics()] {
        assert!(!text.contains("secret thought"), "{text}");
    }
}
