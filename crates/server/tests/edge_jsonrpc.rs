//! JSON-RPC messages at the edge: what passes, what is refused, and how.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what tests share is test code too"
)]

use business_tools_mcp::edge::jsonrpc::{Kind, inspect};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Code, HTTP status and id of a refusal.
fn refused(text: &str) -> (i64, u16, Value) {
    let rejection = inspect(text.as_bytes()).expect_err(text);
    let answer = rejection.to_json();
    assert_eq!(answer["jsonrpc"], "2.0");
    assert_eq!(answer["error"]["code"], rejection.code);
    (rejection.code, rejection.status, answer["id"].clone())
}

#[test]
fn what_is_not_json_is_a_parse_error() {
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    for text in [
        "",
        " ",
        "{",
        "{}{}",
        "nul",
        "\u{feff}{}",
        "{'a':1}",
        "{\"a\":1,}",
        "\"\\ud800\"",
        &deep,
    ] {
        assert_eq!(refused(text), (-32700, 400, Value::Null), "{text:.40}");
    }
    let error = inspect(b"{\"a\":\"\xff\"}").expect_err("not UTF-8");
    assert_eq!((error.code, error.status), (-32700, 400));
}

#[test]
fn what_is_not_a_message_is_an_invalid_request() {
    for text in [
        "[]",
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
        "1",
        "null",
        "\"x\"",
        "{}",
        r#"{"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":7}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":"x"}}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
    ] {
        assert_eq!(refused(text), (-32600, 400, Value::Null), "{text}");
    }
    for text in [
        r#"{"id":7,"method":"ping"}"#,
        r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#,
        r#"{"jsonrpc":2.0,"id":7,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":1}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":null}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","result":{}}"#,
    ] {
        assert_eq!(refused(text), (-32600, 400, json!(7)), "{text}");
    }
}

#[test]
fn parameters_that_would_be_misread_are_refused_under_the_id() {
    let client = json!({ "name": "c", "version": "1" });
    let table = [
        ("anything", json!([])),
        ("anything", json!("x")),
        ("tools/call", Value::Null),
        ("tools/call", json!({})),
        ("tools/call", json!({ "name": "" })),
        ("tools/call", json!({ "name": 1 })),
        ("tools/call", json!({ "name": "a", "arguments": [] })),
        ("tools/call", json!({ "name": "a", "arguments": "{}" })),
        ("tools/list", json!({ "cursor": 1 })),
        ("tools/list", json!({ "cursor": "x" })),
        ("prompts/list", json!({ "cursor": "" })),
        ("resources/list", json!({ "cursor": {} })),
        ("resources/templates/list", json!({ "cursor": "x" })),
        ("resources/read", json!({})),
        ("resources/read", json!({ "uri": 1 })),
        ("resources/subscribe", json!({ "uri": null })),
        ("prompts/get", json!({ "name": null })),
        (
            "prompts/get",
            json!({ "name": "p", "arguments": { "a": 1 } }),
        ),
        ("prompts/get", json!({ "name": "p", "arguments": [] })),
        ("completion/complete", json!({})),
        (
            "completion/complete",
            json!({ "ref": "x", "argument": { "name": "a", "value": "" } }),
        ),
        (
            "completion/complete",
            json!({ "ref": { "type": "x" }, "argument": { "name": "a", "value": "" } }),
        ),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "p" }, "argument": { "name": "a", "value": 1 } }),
        ),
        ("initialize", json!({})),
        (
            "initialize",
            json!({ "protocolVersion": 1, "capabilities": {}, "clientInfo": client }),
        ),
        (
            "initialize",
            json!({ "protocolVersion": "x", "capabilities": [], "clientInfo": client }),
        ),
        (
            "initialize",
            json!({ "protocolVersion": "x", "capabilities": {}, "clientInfo": { "name": "c" } }),
        ),
        ("logging/setLevel", json!({ "level": "loud" })),
        ("logging/setLevel", json!({ "level": 1 })),
    ];
    for (method, params) in table {
        let text =
            json!({ "jsonrpc": "2.0", "id": "r", "method": method, "params": params }).to_string();
        assert_eq!(refused(&text), (-32602, 200, json!("r")), "{text}");
    }
    for meta in [
        json!([]),
        json!("x"),
        json!({ "progressToken": 1.5 }),
        json!({ "progressToken": null }),
    ] {
        let params = json!({ "name": "a", "_meta": meta });
        let text = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
            .to_string();
        assert_eq!(refused(&text), (-32602, 400, json!(1)), "{text}");
    }
    let text =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":null}}"#;
    assert_eq!(refused(text), (-32602, 400, Value::Null));
}

#[test]
fn well_formed_messages_pass_and_are_written_anew() {
    let table = [
        (
            Kind::Request,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        ),
        (
            Kind::Request,
            r#"{"jsonrpc":"2.0","id":-1,"method":"tools/call","params":{"name":"a","arguments":null}}"#,
            r#"{"jsonrpc":"2.0","id":-1,"method":"tools/call","params":{"name":"a"}}"#,
        ),
        (
            Kind::Request,
            "{\"jsonrpc\":\"2.0\",\n\"id\":\"\",\"method\":\"x/y\",\"params\":{\"a\":1,\"a\":2}}\r\n",
            r#"{"jsonrpc":"2.0","id":"","method":"x/y","params":{"a":2}}"#,
        ),
        (
            Kind::Notification,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        ),
        (
            Kind::Response,
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":"no"}}"#,
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":"no"}}"#,
        ),
    ];
    for (kind, text, canonical) in table {
        let message = inspect(text.as_bytes()).expect(text);
        assert_eq!(message.kind, kind, "{text}");
        assert_eq!(message.method.is_none(), kind == Kind::Response);
        assert_eq!(String::from_utf8(message.canonical()).unwrap(), canonical);
    }
}

#[test]
fn numbers_stay_the_numbers_that_were_sent() {
    for number in [
        "9.713084431832638e154",
        "0.1",
        "-1.7976931348623157e308",
        "123456789012345680.0",
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"n":{number}}}}}"#);
        let written =
            String::from_utf8(inspect(text.as_bytes()).expect(number).canonical()).unwrap();
        let (_, sent) = written.split_once(r#""n":"#).unwrap();
        let sent: f64 = sent.trim_end_matches('}').parse().unwrap();
        assert_eq!(
            sent.to_bits(),
            number.parse::<f64>().unwrap().to_bits(),
            "roundtrip of {number}"
        );
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any_key(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    let known = [
        "name",
        "arguments",
        "_meta",
        "progressToken",
        "cursor",
        "uri",
        "ref",
        "argument",
        "value",
        "type",
        "level",
        "requestId",
        "capabilities",
        "clientInfo",
        "protocolVersion",
        "version",
    ];
    prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        ".{0,4}"
    ]
}

fn any_method() -> impl Strategy<Value = Value> {
    let known = [
        "initialize",
        "ping",
        "tools/call",
        "tools/list",
        "resources/read",
        "prompts/get",
        "completion/complete",
        "logging/setLevel",
        "notifications/cancelled",
        "resources/subscribe",
    ];
    prop_oneof![4 => prop::sample::select(known.to_vec()).prop_map(Value::from), 1 => any_json()]
}

proptest! {
    #[test]
    fn no_bytes_are_too_broken(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = inspect(&bytes);
    }

    #[test]
    fn every_message_has_one_reading(
        id in prop::option::of(any_json()),
        method in any_method(),
        params in prop::option::of(any_json()),
    ) {
        let mut message = json!({ "jsonrpc": "2.0", "method": method });
        if let Some(id) = id { message["id"] = id; }
        if let Some(params) = params { message["params"] = params; }
        match inspect(message.to_string().as_bytes()) {
            // What passed once passes again, unchanged.
            Ok(passed) => {
                let again = inspect(&passed.canonical()).expect("canonical");
                prop_assert_eq!(again.canonical(), passed.canonical());
                prop_assert!(!passed.canonical().contains(&b'\n'));
            }
            Err(rejection) => {
                prop_assert!([-32700, -32600, -32602].contains(&rejection.code));
                prop_assert!(rejection.id.is_none_or(|id| id.is_string() || id.is_i64()));
            }
        }
    }
}
