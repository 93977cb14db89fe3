//! What a model reads: short, documented, closed.

use business_tools_core::Effect;
use business_tools_testkit::listing::listed;
use serde_json::{Map, Value};

use crate::support::world;

const NAMES: &[&str] = &[
    "openai_analyze_image",
    "openai_cancel_response",
    "openai_create_chat_completion",
    "openai_create_embedding",
    "openai_delete_file",
    "openai_edit_image",
    "openai_generate_image",
    "openai_generate_speech",
    "openai_generate_text",
    "openai_get_response",
    "openai_list_files",
    "openai_list_models",
    "openai_moderate_content",
    "openai_transcribe_audio",
    "openai_translate_audio",
    "openai_upload_file",
];

#[tokio::test]
async fn sixteen_tools_are_there_under_their_names() {
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
        let (name, description) = (spec.name, &entry.tool.description);
        assert!(
            !description.is_empty() && description.len() <= 300,
            "{name}"
        );
        assert_eq!(schema["additionalProperties"], false, "{name}");
        let empty = Map::new();
        for (argument, schema) in schema["properties"].as_object().unwrap_or(&empty) {
            let described = schema["description"].as_str().unwrap_or_default();
            assert!(
                !described.is_empty() && described.len() <= 60,
                "{name}: {argument}: {described}"
            );
            bounded(name, argument, schema);
        }
        let shown = listed(&entry.tool);
        let tokens = count.encode_ordinary(&shown.to_string()).len();
        println!("{tokens:5} {name}");
        assert!(tokens <= 450, "{name} has {tokens} tokens");
        total += tokens;
    }
    println!("{total:5} in all");
    assert!(total <= 2300, "the list has {total} tokens");
}

/// Every text, number and list has a bound: a pattern, a length, a range or a closed set.
fn bounded(tool: &str, argument: &str, schema: &Value) {
    let has = |words: &[&str]| words.iter().any(|word| schema.get(*word).is_some());
    let is_bounded = match schema["type"].as_str() {
        Some("string") => has(&["pattern", "maxLength", "enum"]),
        Some("array") => {
            bounded(tool, argument, &schema["items"]);
            has(&["maxItems"])
        }
        Some("integer" | "number") => has(&["maximum"]),
        // An object is the API's own: it is as large as a request may be.
        Some("boolean" | "object") => true,
        other => panic!("{tool}: {argument} is {other:?}"),
    };
    assert!(is_bounded, "{tool}: {argument} has no bound");
}

#[tokio::test]
async fn what_a_write_forgets_is_a_read_and_what_leaves_doubt_says_how_to_find_out() {
    let world = world().await;
    for entry in world.registry.tools(None) {
        let spec = entry.tool.spec;
        for forgotten in spec.forgets {
            let read = world.registry.get(forgotten);
            let read = read.unwrap_or_else(|| panic!("{forgotten} is no tool"));
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
            "openai:write"
        } else {
            "openai:read"
        };
        assert_eq!(spec.scopes, [scope], "{}", spec.name);
    }
}

#[tokio::test]
async fn what_is_made_for_money_is_a_write_that_may_be_repeated_and_is_not_called_idempotent() {
    let world = world().await;
    for entry in world.registry.tools(None) {
        let spec = entry.tool.spec;
        let made = entry.tool.description.contains("Paid.");
        assert_eq!(spec.repeatable, made, "{}", spec.name);
        if made {
            assert!(
                spec.effect == Effect::Write && !spec.idempotent,
                "{}",
                spec.name
            );
        }
    }
}

#[tokio::test]
async fn what_openai_ends_says_so_with_the_day() {
    let world = world().await;
    for (tool, day) in [
        ("openai_generate_speech", "2027-01-06"),
        ("openai_translate_audio", "2027-02-26"),
    ] {
        let entry = world.registry.get(tool).unwrap();
        assert!(entry.tool.description.contains(day), "{tool}");
    }
}
