//! The binary over HTTP: MCP, REST, health, metrics, faults and shutdown.

mod binary;

use std::time::{Duration, Instant};

use binary::{FROM, Server, TO};
use business_tools_mcp::providers::ALL;
use serde_json::{Value, json};

#[tokio::test]
async fn mcp_and_rest_give_the_same() {
    let server = Server::start(&[]);
    let sent = server
        .call(
            "twilio_send_message",
            json!({"to": TO, "from": FROM, "body": "Hello"}),
        )
        .await;
    let sid = sent["sid"].as_str().unwrap();
    let (status, got) = server.rest("twilio_get_message", json!({"sid": sid})).await;
    assert_eq!((status, &got["body"]), (200, &json!("Hello")), "{got}");
    let (status, list) = server.get("/v1/tools").await;
    let list: Value = serde_json::from_str(&list).unwrap();
    let tools: usize = ALL.iter().map(|row| row.tools).sum();
    assert_eq!((status, &list["total"]), (200, &json!(tools)));
}

#[tokio::test]
async fn errors_have_one_form_everywhere() {
    let server = Server::start(&[]);
    let (status, bad) = server
        .rest("twilio_send_message", json!({"too": "x", "from": 5}))
        .await;
    assert_eq!(
        (status, &bad["error"]["code"]),
        (400, &json!("INVALID_ARGUMENTS")),
        "{bad}"
    );
    let places: Vec<_> = bad["error"]["details"]["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["at"].as_str().unwrap())
        .collect();
    assert!(
        places.contains(&"/to") && places.contains(&"/too") && places.contains(&"/from"),
        "{places:?}"
    );
    // The background check of the provider's health may have arrived meanwhile.
    assert!(
        server
            .arrived("twilio")
            .await
            .iter()
            .all(|r| r["method"] == "GET"),
        "nothing was sent"
    );
    let missing = json!({"sid": format!("SM{}", "0".repeat(32))});
    let gone = server.call("twilio_get_message", missing.clone()).await;
    assert_eq!(gone["error"]["code"], "TWILIO_NOT_FOUND", "{gone}");
    let (status, same) = server.rest("twilio_get_message", missing).await;
    assert_eq!(
        (status, &same["error"]["code"]),
        (404, &gone["error"]["code"])
    );
    assert_eq!(same["error"]["details"]["upstream_code"], 20404);
}

#[tokio::test]
async fn a_lost_answer_is_told_and_nothing_is_sent_twice() {
    let server = Server::start(&[]);
    server.fault(json!({"provider": "twilio", "kind": "reset_after_write", "method": "POST", "times": 1})).await;
    let lost = server
        .call(
            "twilio_send_message",
            json!({"to": TO, "from": FROM, "body": "once"}),
        )
        .await;
    assert_eq!(lost["error"]["code"], "TWILIO_OUTCOME_UNKNOWN", "{lost}");
    assert!(
        lost["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("twilio_list_messages"),
        "{lost}"
    );
    assert_eq!(lost["error"]["details"]["retryable"], false);
    let posts = server
        .arrived("twilio")
        .await
        .iter()
        .filter(|r| r["method"] == "POST")
        .count();
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn health_metrics_and_pages_tell_what_happened() {
    let server = Server::start(&[]);
    server
        .call(
            "twilio_send_message",
            json!({"to": TO, "from": FROM, "body": "Hello"}),
        )
        .await;
    server.call("twilio_send_message", json!({})).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    let health = loop {
        let (status, page) = server.get("/health").await;
        assert_eq!(status, 200);
        let page: Value = serde_json::from_str(&page).unwrap();
        let checked = |name: &str| page["checks"][name].is_object();
        if (checked("twilio") && checked("mongodb")) || Instant::now() > deadline {
            break page;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(health["status"], "healthy", "{health}");
    assert_eq!(health["checks"]["mongodb"]["status"], "healthy", "{health}");
    let (_, metrics) = server.get("/metrics").await;
    for line in [
        "mcp_api_calls_total{status=\"ok\",tool=\"twilio_send_message\"} 1",
        "mcp_api_calls_total{status=\"INVALID_ARGUMENTS\",tool=\"twilio_send_message\"} 1",
        "mcp_active_connections{service=\"mongodb\"}",
        "mcp_provider_requests_total{provider=\"twilio\",status=\"ok\"}",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    for (path, word) in [
        ("/", "Business Tools"),
        ("/docs", "twilio_send_message"),
        ("/openapi.json", "\"3.1.0\""),
        ("/live", "live"),
        ("/ready", "ready"),
    ] {
        let (status, page) = server.get(path).await;
        assert!(
            status == 200 && page.contains(word),
            "{path}: {status} {page:.200}"
        );
    }
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_refused_on_every_route() {
    let server = Server::start(&[]);
    for path in ["/mcp", "/v1/tools", "/metrics", "/health", "/docs"] {
        for (name, value) in [
            ("host", "evil.example"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let answer = server
                .http
                .get(format!("{}{path}", server.base))
                .header(name, value)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 403, "{path} {name}: {value}");
        }
    }
}

#[tokio::test]
async fn broken_messages_get_the_right_status_and_the_next_caller_is_served() {
    let server = Server::start(&[]);
    let url = format!("{}/mcp", server.base);
    let post = |body: Vec<u8>| {
        server
            .http
            .post(&url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(body)
            .send()
    };
    for (body, code) in [
        (b"not json".to_vec(), -32700),
        (vec![0xff, 0xfe], -32700),
        ("[".repeat(100_000).into_bytes(), -32700),
        (b"[]".to_vec(), -32600),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}".to_vec(),
            -32600,
        ),
    ] {
        let answer = post(body).await.unwrap();
        assert_eq!(answer.status(), 400);
        let error: Value = answer.json().await.unwrap();
        assert_eq!(error["error"]["code"], code, "{error}");
    }
    let large = post(vec![b' '; 8 << 20]).await.unwrap();
    assert_eq!(large.status(), 413);
    let (status, _) = server.rest("twilio_get_usage", json!({})).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_read() {
    let server = Server::start(&[]);
    // Of the recordings alone: the background check of the provider's health is a GET as well.
    let path = "/2010-04-01/Accounts/AC5a4db0c0de5a4db0c0de5a4db0c0de00/Recordings.json";
    server
        .fault(json!({"provider": "twilio", "kind": "hang", "path": path, "times": 1}))
        .await;
    let hung = tokio::time::timeout(
        Duration::from_millis(500),
        server
            .request(
                "tools/call",
                json!({"name": "twilio_list_recordings", "arguments": {}}),
            )
            .send(),
    )
    .await;
    assert!(hung.is_err(), "the fault holds the answer back");
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let (_, metrics) = server.get("/metrics").await;
        if metrics
            .contains("mcp_api_calls_total{status=\"CANCELLED\",tool=\"twilio_list_recordings\"} 1")
        {
            break;
        }
        assert!(Instant::now() < deadline, "the call still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn sigterm_lets_the_running_call_finish() {
    let mut server = Server::start(&[]);
    server
        .fault(json!({"provider": "twilio", "kind": "latency", "delay_ms": 1500, "times": 1}))
        .await;
    let running = tokio::spawn(
        server
            .request("tools/call", json!({"name": "twilio_send_message", "arguments": {"to": TO, "from": FROM, "body": "x"}}))
            .send(),
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.process.signal("TERM");
    let answer: Value = running.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    assert_eq!(server.process.exit_within(Duration::from_secs(8)), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_parallel_calls_are_all_answered() {
    let server = std::sync::Arc::new(Server::start(&[]));
    let calls: Vec<_> = (0..10_000)
        .map(|n| {
            let server = std::sync::Arc::clone(&server);
            tokio::spawn(async move {
                let lookup = json!({"phone_number": format!("+1415555{:04}", n % 100)});
                let url = format!("{}/v1/tools/twilio_lookup_phone_number", server.base);
                // A machine too slow to write ten thousand heads in ten seconds has some of them refused: a client
                // that is told nothing asks again.
                for _ in 0..5 {
                    if let Ok(answer) = server.http.post(&url).json(&lookup).send().await {
                        return answer.status().as_u16();
                    }
                }
                0
            })
        })
        .collect();
    for call in calls {
        let status = call.await.unwrap();
        assert!(matches!(status, 200 | 429), "{status}");
    }
    assert_eq!(server.get("/live").await.0, 200);
}

#[tokio::test]
async fn catalog_mode_lists_three_tools_and_reaches_all() {
    let server = Server::start(&["--catalog"]);
    let list = server.ask("tools/list", json!({})).await;
    let names: Vec<_> = list["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["bt_call_tool", "bt_describe_tool", "bt_search_tools"]
    );
    let tokens = tiktoken_rs::o200k_base_singleton()
        .encode_ordinary(&list["result"]["tools"].to_string())
        .len();
    assert!(tokens < 1000, "{tokens} tokens");
    let found = server
        .call("bt_search_tools", json!({"query": "send sms"}))
        .await;
    assert_eq!(found["items"][0]["name"], "twilio_send_message", "{found}");
    let sent = server
        .call("bt_call_tool", json!({"name": "twilio_send_message", "arguments": {"to": TO, "from": FROM, "body": "via"}}))
        .await;
    assert!(sent["sid"].is_string(), "{sent}");
}
