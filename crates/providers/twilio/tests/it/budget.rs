//! What a model reads: short, documented, closed.

use business_tools_core::Effect;
use serde_json::{Value, json};

use crate::support::world;

const NAMES: &[&str] = &[
    "twilio_cancel_message",
    "twilio_check_verification",
    "twilio_delete_message",
    "twilio_end_call",
    "twilio_get_call",
    "twilio_get_message",
    "twilio_get_usage",
    "twilio_list_calls",
    "twilio_list_messages",
    "twilio_list_phone_numbers",
    "twilio_list_recordings",
    "twilio_lookup_phone_number",
    "twilio_make_call",
    "twilio_redact_message",
    "twilio_redirect_call",
    "twilio_send_message",
    "twilio_send_whatsapp",
    "twilio_start_verification",
];

#[tokio::test]
async fn eighteen_tools_are_there_under_their_names() {
    let tools = world().await.registry.tools(None);
    let names: Vec<_> = tools.iter().map(|entry| entry.tool.spec.name).collect();
    assert_eq!(names, NAMES);
}

#[tokio::test]
async fn the_list_is_short_and_everything_is_described() {
    let count = tiktoken_rs::o200k_base_singleton();
    let mut total = 0;
    for entry in world().await.registry.tools(None) {
        let (spec, schema) = (entry.tool.spec, entry.tool.schema.value());
        let name = spec.name;
        assert!(
            !entry.tool.description.is_empty() && entry.tool.description.len() <= 300,
            "{name}"
        );
        assert_eq!(schema["additionalProperties"], false, "{name}");
        let empty = serde_json::Map::new();
        for (argument, schema) in schema["properties"].as_object().unwrap_or(&empty) {
            let described = schema["description"].as_str().unwrap_or_default();
            assert!(
                !described.is_empty() && described.len() <= 60,
                "{name}: {argument}: {described}"
            );
            bounded(name, argument, schema);
        }
        let shown = json!({"name": name, "description": entry.tool.description, "inputSchema": schema,
                           "annotations": {"readOnlyHint": !spec.writes(), "destructiveHint": spec.effect == Effect::Destructive,
                                           "idempotentHint": spec.idempotent, "openWorldHint": true}});
        let tokens = count.encode_ordinary(&shown.to_string()).len();
        println!("{tokens:5} {name}");
        assert!(tokens <= 450, "{name} has {tokens} tokens");
        total += tokens;
    }
    println!("{total:5} in all");
}

/// Every text has a bound: a pattern, a length or a closed set.
fn bounded(tool: &str, argument: &str, schema: &Value) {
    match schema["type"].as_str() {
        Some("string") => {
            let bound = ["pattern", "maxLength", "enum"]
                .iter()
                .any(|word| schema.get(*word).is_some());
            assert!(bound, "{tool}: {argument} has no bound");
        }
        Some("array") => {
            assert!(
                schema.get("maxItems").is_some(),
                "{tool}: {argument} has no bound"
            );
            bounded(tool, argument, &schema["items"]);
        }
        Some("integer") => assert!(
            schema.get("maximum").is_some(),
            "{tool}: {argument} has no bound"
        ),
        Some("boolean") => {}
        other => panic!("{tool}: {argument} is {other:?}"),
    }
}

#[tokio::test]
async fn what_a_write_forgets_is_a_read_and_what_leaves_doubt_says_how_to_find_out() {
    let world = world().await;
    for entry in world.registry.tools(None) {
        let spec = entry.tool.spec;
        for forgotten in spec.forgets {
            let read = world
                .registry
                .get(forgotten)
                .unwrap_or_else(|| panic!("{forgotten} is no tool"));
            assert!(!read.tool.spec.writes(), "{forgotten}");
        }
        if spec.writes() && !spec.idempotent {
            assert!(
                !spec.find_out.is_empty(),
                "{} does not say how to find out",
                spec.name
            );
        }
        let scope = if spec.writes() {
            "twilio:write"
        } else {
            "twilio:read"
        };
        assert_eq!(spec.scopes, [scope], "{}", spec.name);
    }
}
