//! The guard and the protocol library together: what the one lets pass, the other takes for what it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what tests share is test code too"
)]

use std::time::Duration;

use business_tools_mcp::edge::jsonrpc::inspect;
use business_tools_mcp::edge::stdio::{Limits, guard};
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ServerCapabilities, ServerConfig};
use rmcp::{ServerHandler, ServiceExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(5);

struct Plain;

impl ServerHandler for Plain {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

/// A session behind the guard: its input, its output, and its end.
fn session(output: usize) -> (DuplexStream, BufReader<DuplexStream>, JoinHandle<()>) {
    let (input, stdin) = duplex(1 << 20);
    let (stdout, output) = duplex(output);
    let (reader, writer, _guard) = guard(stdin, stdout, Limits::default());
    let served = tokio::spawn(async move {
        if let Ok(running) = Plain.serve((reader, writer)).await {
            let _ = running.waiting().await;
        }
    });
    (input, BufReader::new(output), served)
}

fn handshake() -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": "handshake",
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    })
}

/// Whether a session that began with these messages still takes the handshake.
async fn survives(first: &[Value]) -> bool {
    let (mut input, mut output, _served) = session(1 << 20);
    for message in first.iter().chain([&handshake()]) {
        input
            .write_all(format!("{message}\n").as_bytes())
            .await
            .unwrap();
    }
    loop {
        let mut line = String::new();
        if timeout(SOON, output.read_line(&mut line))
            .await
            .expect("an answer in time")
            .unwrap()
            == 0
        {
            return false;
        }
        let answer: Value = serde_json::from_str(&line).unwrap();
        if answer["id"] == "handshake" {
            return answer["result"].is_object();
        }
    }
}

#[tokio::test]
async fn stray_messages_do_not_end_a_session_that_no_request_has_opened() {
    let request = |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let itself = |version: &str, capabilities: Value| {
        json!({"_meta": {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        }})
    };
    let broken = |mut handshake: Value, place: &str| {
        *handshake.pointer_mut(place).unwrap() = json!(5);
        handshake["id"] = json!(1);
        handshake
    };
    let mut outdated = broken(handshake(), "/params/clientInfo");
    outdated["params"]["_meta"] = itself("2099-01-01", json!({}))["_meta"].clone();
    let openers = [
        request("ping", json!({})),
        request("tools/list", json!({})),
        request("no/such/method", json!({})),
        request("server/discover", json!({})),
        request("server/discover", itself("2026-07-28", json!({}))),
        request("tools/list", itself("2099-01-01", json!({}))),
        request("tools/list", itself("2026-07-28", json!({"roots": 5}))),
        broken(handshake(), "/params/capabilities"),
        broken(handshake(), "/params/clientInfo/name"),
        outdated,
    ];
    let strays = [
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
        json!({"jsonrpc": "2.0", "method": "no/such/notification"}),
        json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
        json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "what?"}}),
    ];
    for stray in &strays {
        assert!(survives(std::slice::from_ref(stray)).await, "{stray}");
        for opener in &openers {
            assert!(
                survives(&[opener.clone(), stray.clone()]).await,
                "{opener}, then {stray}"
            );
        }
    }
}

#[tokio::test]
async fn a_session_whose_answers_nobody_reads_ends() {
    let (mut input, output, served) = session(64);
    drop(output);
    // The input stays open: only the other end is gone.
    let _ = input
        .write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n")
        .await;
    timeout(SOON, served).await.expect("ended").unwrap();
}

/// A full example of each request, so that each of its members can be made wrong.
fn examples() -> Vec<(&'static str, Value)> {
    let answers = json!({"question": {"action": "accept"}});
    vec![
        ("ping", json!({})),
        (
            "initialize",
            json!({
                "protocolVersion": "2025-11-25",
                "capabilities": {
                    "roots": {"listChanged": true},
                    "sampling": {"tools": {}},
                    "elicitation": {"form": {"schemaValidation": true}, "url": {}},
                    "experimental": {"a": {}},
                    "extensions": {"b": {}},
                },
                "clientInfo": {
                    "name": "a", "version": "b", "title": "c", "description": "d", "websiteUrl": "e",
                    "icons": [{"src": "s", "mimeType": "m", "sizes": ["1x1"], "theme": "light"}],
                },
            }),
        ),
        (
            "tools/call",
            json!({"name": "a", "arguments": {"x": 1}, "inputResponses": answers, "requestState": "s"}),
        ),
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        (
            "resources/read",
            json!({"uri": "a:b", "inputResponses": answers, "requestState": "s"}),
        ),
        ("resources/subscribe", json!({"uri": "a:b"})),
        ("resources/unsubscribe", json!({"uri": "a:b"})),
        (
            "prompts/get",
            json!({"name": "a", "arguments": {"x": "1"}, "inputResponses": answers, "requestState": "s"}),
        ),
        (
            "completion/complete",
            json!({
                "ref": {"type": "ref/prompt", "name": "a", "title": "t"},
                "argument": {"name": "a", "value": "b"},
                "context": {"arguments": {"c": "d"}},
            }),
        ),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/resource", "uri": "a:b"}, "argument": {"name": "a", "value": "b"}}),
        ),
        ("logging/setLevel", json!({"level": "info"})),
        (
            "subscriptions/listen",
            json!({"notifications": {"toolsListChanged": true, "resourceSubscriptions": ["a:b"]}}),
        ),
        ("tasks/get", json!({"taskId": "a"})),
        ("tasks/cancel", json!({"taskId": "a"})),
        (
            "tasks/update",
            json!({"taskId": "a", "inputResponses": answers}),
        ),
    ]
}

/// The places of a value, itself left out.
fn places(value: &Value, at: &str) -> Vec<String> {
    let members: Vec<_> = match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.replace('/', "~1"), value))
            .collect(),
        Value::Array(array) => array
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    members
        .into_iter()
        .flat_map(|(key, value)| {
            let at = format!("{at}/{key}");
            let mut all = places(value, &at);
            all.push(at);
            all
        })
        .collect()
}

/// What the library makes of a request that the guard lets pass; none if it does not.
fn taken(method: &str, params: &Value) -> Option<Result<ClientRequest, String>> {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let passed = inspect(message.to_string().as_bytes()).ok()?;
    Some(
        match serde_json::from_slice::<ClientJsonRpcMessage>(&passed.canonical()) {
            Ok(ClientJsonRpcMessage::Request(request)) => Ok(request.request),
            other => Err(format!("{other:?}")),
        },
    )
}

#[test]
fn no_request_with_one_member_of_a_wrong_type_is_taken_for_an_unknown_method() {
    let wrong = [
        json!(5),
        json!(1.5),
        json!("x"),
        json!(""),
        json!(true),
        json!([]),
        json!([1]),
        json!({}),
        json!({"a": 1}),
        Value::Null,
    ];
    let meta = json!({
        "progressToken": 1,
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "a", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"roots": {"listChanged": true}},
        "io.modelcontextprotocol/logLevel": "info",
    });
    let removed = [
        "initialize",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
    ];
    let mut tried = 0;
    for (method, legacy) in examples() {
        let mut modern = legacy.clone();
        modern["_meta"] = meta.clone();
        for (good, is_modern) in [(legacy, false), (modern, true)] {
            // These are unknown methods in the newer generation, whatever they bring.
            if is_modern && removed.contains(&method) {
                continue;
            }
            assert!(taken(method, &good).is_some(), "{method} {good}");
            for place in places(&good, "") {
                for value in &wrong {
                    let mut params = good.clone();
                    *params.pointer_mut(&place).unwrap() = value.clone();
                    tried += 1;
                    let request = taken(method, &params);
                    let misread = match &request {
                        None => false,
                        Some(Ok(request)) => matches!(request, ClientRequest::CustomRequest(_)),
                        Some(Err(_)) => true,
                    };
                    assert!(!misread, "{method} with {place} = {value}: {request:?}");
                }
            }
        }
    }
    assert!(tried > 1000);
}
