//! What a model reads: short, documented, closed.

use business_tools_testkit::listing::listed;
use serde_json::Value;

use crate::support::world;

const NAMES: &[&str] = &[
    "hubspot_create_association",
    "hubspot_create_company",
    "hubspot_create_contact",
    "hubspot_create_deal",
    "hubspot_create_note",
    "hubspot_create_ticket",
    "hubspot_delete_record",
    "hubspot_get_record",
    "hubspot_get_records",
    "hubspot_list_associations",
    "hubspot_list_owners",
    "hubspot_list_pipelines",
    "hubspot_list_properties",
    "hubspot_search_records",
    "hubspot_update_record",
    "hubspot_upsert_records",
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
        let (spec, whole) = (entry.tool.spec, entry.tool.schema.value());
        let name = spec.name;
        let described = entry.tool.description.len();
        assert!((1..=300).contains(&described), "{name}");
        assert_eq!(whole["additionalProperties"], false, "{name}");
        for (argument, schema) in whole["properties"].as_object().unwrap() {
            let described = schema["description"].as_str().unwrap_or_default();
            assert!(
                (1..=60).contains(&described.len()),
                "{name}: {argument}: {described}"
            );
            bounded(name, argument, schema);
        }
        let shown = listed(&entry.tool);
        let tokens = count.encode_ordinary(&shown.to_string()).len();
        println!("{tokens:5} {name}");
        assert!(tokens <= 300, "{name} has {tokens} tokens");
        total += tokens;
    }
    println!("{total:5} in all");
    assert!(total <= 2400, "the list has {total} tokens");
}

/// Every text and every list has a bound: a pattern, a length or a closed set.
fn bounded(tool: &str, argument: &str, schema: &Value) {
    let any = |words: &[&str]| words.iter().any(|word| schema.get(*word).is_some());
    let bound = match schema["type"].as_str() {
        Some("string") => any(&["pattern", "maxLength", "enum"]),
        Some("array") => {
            bounded(tool, argument, &schema["items"]);
            any(&["maxItems"])
        }
        Some("object") => {
            let members = schema["properties"].as_object().into_iter().flatten();
            members.for_each(|(name, member)| bounded(tool, name, member));
            any(&["maxProperties"]) || schema["additionalProperties"] == false
        }
        Some("integer") => any(&["maximum"]),
        Some("boolean" | "number") => true,
        other => panic!("{tool}: {argument} is {other:?}"),
    };
    assert!(bound, "{tool}: {argument} has no bound");
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
            let name = spec.name;
            assert!(
                !spec.find_out.is_empty(),
                "{name} does not say how to find out"
            );
        }
        let scope = if spec.writes() {
            "hubspot:write"
        } else {
            "hubspot:read"
        };
        assert_eq!(spec.scopes, [scope], "{}", spec.name);
        // Every change of a record makes every read of records stale.
        assert_eq!(
            spec.forgets.len(),
            if spec.writes() { 4 } else { 0 },
            "{}",
            spec.name
        );
    }
}
