//! The binary over stdio, as a desktop client runs it.

mod binary;

use std::time::{Duration, Instant};

use binary::{FROM, MODERN, Stdio, TO};
use serde_json::json;

#[test]
fn a_legacy_client_lists_and_calls() {
    let mut client = Stdio::start(&["--sandbox"]);
    let hello = client.initialize();
    assert_eq!(hello["result"]["serverInfo"]["name"], "business-tools-mcp");
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25");
    let list = client.request("tools/list", json!({}));
    let tools = list["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert!(
        names.is_sorted()
            && names.contains(&"twilio_send_message")
            && names.contains(&"mongo_find")
    );
    assert!(list["result"].get("nextCursor").is_none(), "one page");
    let sent = client.request(
        "tools/call",
        json!({"name": "twilio_send_message", "arguments": {"to": TO, "from": FROM, "body": "Hello"}}),
    );
    assert_eq!(sent["result"]["isError"], false, "{sent}");
    assert!(
        sent["result"]["structuredContent"]["sid"]
            .as_str()
            .unwrap()
            .starts_with("SM")
    );
    let text: serde_json::Value =
        serde_json::from_str(sent["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, sent["result"]["structuredContent"]);
}

#[test]
fn a_modern_client_needs_no_handshake() {
    let mut client = Stdio::start(&["--sandbox"]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let list = client.request("tools/list", json!({"_meta": meta}));
    assert_eq!(list["result"]["resultType"], "complete", "{list}");
    assert!(list["result"]["ttlMs"].is_u64() && list["result"]["cacheScope"] == "private");
}

#[test]
fn the_process_ends_with_its_input_and_answers_what_runs() {
    let mut client = Stdio::start(&["--sandbox"]);
    client.initialize();
    let id = client.start_request(
        "tools/call",
        json!({"name": "twilio_send_message", "arguments": {"to": TO, "from": FROM, "body": "last words"}}),
    );
    client.close_stdin();
    let answer = client.answer(id);
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    assert_eq!(client.process.exit_within(Duration::from_secs(6)), Some(0));
}

#[test]
fn a_probe_that_closes_at_once_is_no_error() {
    let mut client = Stdio::start(&["--sandbox"]);
    client.close_stdin();
    assert_eq!(client.process.exit_within(Duration::from_secs(6)), Some(0));
}

#[test]
fn sigterm_and_sigint_end_it_cleanly_and_sighup_does_not() {
    for signal in ["TERM", "INT"] {
        let mut client = Stdio::start(&["--sandbox"]);
        client.initialize();
        client.process.signal("HUP");
        let pong = client.request("ping", json!({}));
        assert!(pong["result"].is_object(), "{pong}");
        client.process.signal(signal);
        assert_eq!(
            client.process.exit_within(Duration::from_secs(6)),
            Some(0),
            "SIG{signal}"
        );
    }
}

#[test]
fn broken_lines_are_answered_and_the_next_honest_one_is_served() {
    let mut client = Stdio::start(&["--sandbox"]);
    let hostile: &[&[u8]] = &[
        b"not json\n",
        b"\xff\xfe\x00\n",
        b"[]\n",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":9}}\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}\n",
        b"{\"jsonrpc\":\"1.0\",\"id\":91,\"method\":\"ping\"}\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}\n",
    ];
    for line in hostile {
        client.send_raw(line);
    }
    client.send_raw(format!("{}{}\n", "[".repeat(100_000), "]".repeat(100_000)).as_bytes());
    let hello = client.initialize();
    assert!(hello["result"].is_object(), "{hello}");
    for params in [
        json!({"name": 5}),
        json!({"name": "twilio_get_message", "arguments": "text"}),
        json!({"name": "twilio_get_message", "arguments": [1]}),
        json!({}),
    ] {
        let answer = client.request("tools/call", params.clone());
        assert_eq!(answer["error"]["code"], -32602, "{params}: {answer}");
    }
    let cursor = client.request("tools/list", json!({"cursor": "no such page"}));
    assert_eq!(cursor["error"]["code"], -32602, "{cursor}");
    let unknown = client.request("tools/call", json!({"name": "no_such_tool"}));
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    let nothing = client.request("no/such/method", json!({}));
    assert_eq!(nothing["error"]["code"], -32601, "{nothing}");
    let started = Instant::now();
    let mut huge = vec![b'x'; 20 << 20];
    huge.push(b'\n');
    client.send_raw(&huge);
    let pong = client.request("ping", json!({}));
    assert!(pong["result"].is_object(), "{pong}");
    assert!(started.elapsed() < Duration::from_secs(10));
}
