//! The log of the real binary: what a call's line tells, and how it changes while the process runs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![cfg(all(feature = "all", feature = "sandbox"))]

mod binary;

use std::time::{Duration, Instant};

use binary::{Folder, Server};
use serde_json::{Value, json};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The lines that are JSON.
fn objects(server: &Server) -> Vec<Value> {
    let log = server.log.lock().unwrap();
    log.iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[tokio::test]
async fn every_calls_line_tells_who_asked_what_of_whom_and_what_came_of_it() {
    let folder = Folder::new(&[("config.yaml", "log: { format: json }\n")]);
    let server = Server::start_in(&folder.0, &[]);
    for (tool, args) in [
        ("hubspot_list_owners", json!({})),
        ("hubspot_list_owners", json!({"limit": "CANARY"})),
        ("no_such_tool", json!({})),
    ] {
        let url = format!("{}/v1/tools/{tool}", server.base);
        let request = server.http.post(url).json(&args);
        let trace = format!("00-{TRACE}-b7ad6b7169203331-01");
        request.header("traceparent", trace).send().await.unwrap();
    }
    server.logged(&["no_such_tool"]).await;
    let lines = objects(&server);
    let calls: Vec<_> = lines
        .iter()
        .filter(|line| line["message"].as_str().unwrap().starts_with("call "))
        .collect();
    let outcomes: Vec<_> = calls.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(outcomes, ["ok", "INVALID_ARGUMENTS", "TOOL_NOT_FOUND"]);
    for line in &calls[..2] {
        for (name, value) in [
            ("tool", "hubspot_list_owners"),
            ("operation", "list_owners"),
            ("provider", "hubspot"),
            ("account", "default"),
        ] {
            assert_eq!(line[name], value, "{line}");
        }
    }
    for line in calls {
        assert_eq!(line["tenant"], "default", "{line}");
        assert_eq!(line["trace_id"], TRACE, "{line}");
        assert_eq!(line["level"], "INFO", "{line}");
        assert!(line["request_id"].is_string(), "{line}");
        assert!(line["duration_ms"].is_u64(), "{line}");
        assert!(line["timestamp"].is_string(), "{line}");
        assert!(!line.to_string().contains("CANARY"), "{line}");
    }
}

#[tokio::test]
async fn level_and_format_change_with_the_configuration() {
    let begin = "reload: { interval: 100ms }\n";
    let folder = Folder::new(&[("config.yaml", begin)]);
    let server = Server::start_in(&folder.0, &[]);
    let call = async || {
        server
            .rest("hubspot_list_pipelines", json!({"object_type": "deals"}))
            .await
    };
    call().await;
    let line = server.logged(&["call done"]).await;
    assert!(
        line.contains(" INFO call{tool=\"hubspot_list_pipelines\" "),
        "{line}"
    );
    assert!(line.contains("outcome=\"ok\""), "{line}");

    let next = format!("{begin}log: {{ level: 'info,business_tools_core=debug', format: json }}\n");
    folder.replace("config.yaml", &next);
    server
        .logged(&["log.level was", "business_tools_core=debug"])
        .await;
    server.rest("hubspot_list_owners", json!({})).await;
    server.logged(&["call done", "hubspot_list_owners"]).await;
    let lines = objects(&server);
    let attempt = lines.iter().find(|line| line["message"] == "attempt");
    let attempt = attempt.unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!(attempt["tool"], "hubspot_list_owners");
    assert_eq!(attempt["status"], 200);
    assert_eq!(attempt["outcome"], "ok");

    let quiet = format!("{begin}log: {{ level: error }}\nexclude: [mongo]\n");
    folder.replace("config.yaml", &quiet);
    let started = Instant::now();
    while server.get("/v1/tools").await.1.contains("mongo_find") {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.rest("twilio_list_messages", json!({})).await;
    folder.replace("config.yaml", begin);
    server.logged(&["log.level was", "is \"info\" now"]).await;
    let log = server.log.lock().unwrap().join("\n");
    assert!(!log.contains("twilio_list_messages"), "{log}");
}
