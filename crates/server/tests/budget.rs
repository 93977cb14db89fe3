//! The listing must not eat the context: tokens of what a client is sent, counted with o200k.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "this is test code, and its figures are worth a look"
)]

mod binary;

use binary::Stdio;
use serde_json::{Value, json};

/// What a client is sent.
fn listed(args: &[&str]) -> Vec<Value> {
    let mut client = Stdio::start(&[&["--sandbox"], args].concat());
    client.initialize();
    client.request("tools/list", json!({}))["result"]["tools"]
        .as_array()
        .unwrap()
        .clone()
}

fn tokens(value: &Value) -> usize {
    tiktoken_rs::o200k_base_singleton()
        .encode_ordinary(&value.to_string())
        .len()
}

#[test]
fn the_list_of_all_providers_stays_under_10000_tokens_and_that_of_two_under_6000() {
    bounded(&[], 66, 10_000);
    bounded(&["--toolsets", "twilio,mongo"], 34, 6000);
}

fn bounded(args: &[&str], count: usize, most: usize) {
    let tools = listed(args);
    assert_eq!(tools.len(), count, "{args:?}");
    let mut sizes: Vec<_> = tools
        .iter()
        .map(|tool| (tokens(tool), tool["name"].as_str().unwrap().to_owned()))
        .collect();
    sizes.sort();
    let total: usize = sizes.iter().map(|(n, _)| n).sum();
    for (n, name) in &sizes {
        println!("{n:5} {name}");
        assert!(*n <= 450, "{name} has {n} tokens");
    }
    println!("{total:5} in all");
    assert!(total < most, "the list of {args:?} has {total} tokens");
}

#[test]
fn every_schema_is_flat_closed_and_documented() {
    for tool in listed(&[]) {
        let name = tool["name"].as_str().unwrap();
        let text = tool["inputSchema"].to_string();
        assert!(
            name.len() <= 40
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        );
        assert!(
            !tool["description"].as_str().unwrap().is_empty(),
            "{name} has no description"
        );
        assert!(
            tool["description"].as_str().unwrap().len() <= 300,
            "{name} is described too long"
        );
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
        for word in ["$ref", "$defs", "\"type\":["] {
            assert!(!text.contains(word), "{name} has {word}: {text}");
        }
        for combinator in ["oneOf", "anyOf", "allOf"] {
            assert!(
                tool["inputSchema"].get(combinator).is_none(),
                "{name} has {combinator} at its root"
            );
        }
        for (argument, schema) in tool["inputSchema"]["properties"]
            .as_object()
            .into_iter()
            .flatten()
        {
            assert!(
                schema["description"].is_string(),
                "{name}: `{argument}` is not described"
            );
            assert!(
                schema.get("type").is_some() || schema.get("anyOf").is_some(),
                "{name}: `{argument}` has no type: {schema}"
            );
        }
        let hints = tool["annotations"].as_object().unwrap();
        let reads = hints["readOnlyHint"].as_bool().unwrap();
        let destroys = hints.get("destructiveHint").and_then(Value::as_bool);
        assert_eq!(destroys.is_none(), reads, "{name}: the default is true");
    }
}

#[test]
fn read_only_leaves_no_tool_that_writes() {
    let tools = listed(&["--read-only"]);
    assert!(!tools.is_empty());
    assert!(
        tools
            .iter()
            .all(|tool| tool["annotations"]["readOnlyHint"] == true)
    );
}

#[test]
fn exclusions_win_over_selections() {
    let tools = listed(&["--toolsets", "twilio", "--exclude", "twilio_send_message"]);
    assert_eq!(tools.len(), 17);
    assert!(
        tools
            .iter()
            .all(|tool| tool["name"] != "twilio_send_message")
    );
}
