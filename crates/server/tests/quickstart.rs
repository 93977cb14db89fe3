//! The pages of `docs/quickstart`: every tool and argument that they show is there.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]
#![cfg(all(feature = "all", feature = "sandbox"))]

mod binary;

use std::collections::BTreeMap;
use std::path::Path;

use binary::Stdio;
use serde_json::{Value, json};

/// The tools and arguments of the lines that call one.
fn calls(page: &str) -> Vec<(String, Value)> {
    page.lines()
        .filter_map(|line| line.strip_prefix("$ business-tools-mcp call "))
        .map(|line| {
            let (tool, rest) = line.split_once(' ').unwrap_or((line, ""));
            let args = match (rest.find('{'), rest.rfind('}')) {
                (Some(from), Some(to)) => rest[from..=to].replace("\\\"", "\""),
                _ => "{}".to_owned(),
            };
            let args = serde_json::from_str(&args).unwrap_or_else(|_| panic!("{line}"));
            (tool.to_owned(), args)
        })
        .collect()
}

#[test]
fn what_the_pages_call_can_be_called() {
    let mut client = Stdio::start(&["--sandbox"]);
    client.initialize();
    let listed = client.request("tools/list", json!({}));
    let schemas: BTreeMap<&str, &Value> = listed["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| (tool["name"].as_str().unwrap(), &tool["inputSchema"]))
        .collect();
    let mut tried = Vec::new();
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/quickstart");
    for provider in ["twilio", "mongo", "hubspot", "openai"] {
        let page = std::fs::read_to_string(pages.join(format!("{provider}.md"))).unwrap();
        let calls = calls(&page);
        assert!(calls.len() >= 4, "{provider} shows {} calls", calls.len());
        for (tool, args) in calls {
            let schema = schemas
                .get(&*tool)
                .unwrap_or_else(|| panic!("{provider}: {tool}"));
            for name in args.as_object().unwrap().keys() {
                let known = schema["properties"].get(name).is_some();
                assert!(known, "{provider}: {tool} has no argument {name}");
            }
            for name in schema["required"].as_array().into_iter().flatten() {
                let given = args.get(name.as_str().unwrap()).is_some();
                assert!(given, "{provider}: {tool} needs {name}");
            }
            tried.extend(try_out(&mut client, &tool, schema, args));
        }
    }
    assert!(tried.len() >= 12, "{tried:?}");
}

/// Makes the call, or shows what it would send, unless a person has to fill something in first.
fn try_out(client: &mut Stdio, tool: &str, schema: &Value, mut args: Value) -> Option<String> {
    let text = args.to_string();
    if text.contains(['…', '$']) {
        return None;
    }
    if schema["properties"].get("dry_run").is_some() {
        args["dry_run"] = true.into();
    }
    let call = json!({"name": tool, "arguments": args});
    let answer = client.request("tools/call", call).to_string();
    assert!(
        !answer.contains("INVALID_ARGUMENTS"),
        "{tool} {text}: {answer}"
    );
    Some(tool.to_owned())
}
