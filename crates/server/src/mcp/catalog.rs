//! Catalog mode: three constant tools in place of a list that grows with every provider.

use std::sync::Arc;

use business_tools_core::{Error, Kind, Registry, Selection};
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Value, json};

use super::convert;
use super::run::Arguments;

const SEARCH: &str = "bt_search_tools";
const DESCRIBE: &str = "bt_describe_tool";
const CALL: &str = "bt_call_tool";

/// What is to be done about a call in catalog mode.
pub(super) enum Step {
    /// It is answered here.
    Answer(Value),
    /// It is refused here.
    Refuse(Error),
    /// A tool of the registry is to be called.
    Call(String, Arguments),
    /// There is no such tool.
    Unknown,
}

/// The three tools.
pub(super) fn tools() -> Vec<Tool> {
    let tool = |name: &'static str, description: &'static str, schema: Value, read: bool| {
        let schema = match schema {
            Value::Object(schema) => schema,
            _ => Arguments::new(),
        };
        let hints = ToolAnnotations::new()
            .read_only(read)
            .destructive(!read)
            .idempotent(read)
            .open_world(!read);
        Tool::new(name, description, Arc::new(schema)).with_annotations(hints)
    };
    vec![
        tool(
            CALL,
            "Run a tool found with bt_search_tools. Its own rules, scopes and confirmation apply.",
            json!({"type": "object", "additionalProperties": false, "required": ["name"], "properties": {
                "name": {"type": "string", "maxLength": 64, "description": "The tool's name."},
                "arguments": {"type": "object", "description": "Its arguments, as bt_describe_tool shows them."}}}),
            false,
        ),
        tool(
            DESCRIBE,
            "Show a tool's arguments as JSON Schema.",
            json!({"type": "object", "additionalProperties": false, "required": ["name"], "properties": {
                "name": {"type": "string", "maxLength": 64, "description": "The tool's name."}}}),
            true,
        ),
        tool(
            SEARCH,
            "Find business tools by words: what they do, or the provider. Gives names with one line each.",
            json!({"type": "object", "additionalProperties": false, "required": ["query"], "properties": {
                "query": {"type": "string", "maxLength": 200, "description": "Words, such as `send sms`; empty lists all."},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "description": "How many, 20 by default."}}}),
            true,
        ),
    ]
}

/// Handles the three tools.
pub(super) fn resolve(
    registry: &Registry,
    name: &str,
    mut args: Arguments,
    narrowed: Option<&Selection>,
) -> Step {
    let known: &[&str] = match name {
        SEARCH => &["query", "limit"],
        DESCRIBE => &["name"],
        CALL => &["name", "arguments"],
        _ => return Step::Unknown,
    };
    if let Some(wrong) = args.keys().find(|key| !known.contains(&key.as_str())) {
        let wrong: String = wrong.chars().take(64).collect();
        return Step::Refuse(Error::argument(
            format!("/{wrong}"),
            format!(
                "is not an argument; the arguments are: {}",
                known.join(", ")
            ),
        ));
    }
    if name == SEARCH {
        let Some(Value::String(query)) = args.get("query") else {
            return Step::Refuse(Error::argument("/query", "is required (string)"));
        };
        let limit = match args.get("limit") {
            None | Some(Value::Null) => 20,
            Some(limit) => match limit.as_u64() {
                Some(limit @ 1..=100) => usize::try_from(limit).unwrap_or(100),
                _ => {
                    return Step::Refuse(Error::argument(
                        "/limit",
                        "must be a number from 1 to 100",
                    ));
                }
            },
        };
        return Step::Answer(search(registry, query, limit, narrowed));
    }
    let Some(Value::String(tool)) = args.remove("name") else {
        return Step::Refuse(Error::argument("/name", "is required (string)"));
    };
    let seen = registry.tools(narrowed);
    let Some(entry) = seen.iter().find(|entry| entry.tool.spec.name == tool) else {
        let shown: String = tool.chars().take(64).collect();
        return Step::Refuse(
            Error::new(Kind::ToolNotFound, format!("There is no tool `{shown}`"))
                .hint("Find its name with bt_search_tools"),
        );
    };
    if name == DESCRIBE {
        return Step::Answer(convert::describe(&entry.tool));
    }
    match args.remove("arguments") {
        None | Some(Value::Null) => Step::Call(tool, Arguments::new()),
        Some(Value::Object(arguments)) => Step::Call(tool, arguments),
        Some(_) => Step::Refuse(Error::argument("/arguments", "must be an object")),
    }
}

/// Every word counts where it is found: in the name most, then in the description, then in the provider.
fn search(registry: &Registry, query: &str, limit: usize, narrowed: Option<&Selection>) -> Value {
    let words: Vec<String> = query
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.strip_suffix('s')
                .filter(|stem| stem.len() > 2)
                .unwrap_or(word)
                .to_owned()
        })
        .collect();
    let mut found: Vec<_> = registry
        .tools(narrowed)
        .into_iter()
        .filter_map(|entry| {
            let description = entry.tool.description.to_lowercase();
            let info = entry.plugin.info();
            let provider = format!("{} {}", info.title, info.summary).to_lowercase();
            let score: usize = words
                .iter()
                .map(|word| {
                    let word = word.as_str();
                    3 * usize::from(entry.tool.spec.name.contains(word))
                        + 2 * usize::from(description.contains(word))
                        + usize::from(provider.contains(word))
                })
                .sum();
            (words.is_empty() || score > 0).then_some((score, entry))
        })
        .collect();
    found.sort_by(|(a, x), (b, y)| {
        b.cmp(a)
            .then_with(|| x.tool.spec.name.cmp(y.tool.spec.name))
    });
    let total = found.len();
    let items: Vec<Value> = found
        .into_iter()
        .take(limit)
        .map(|(_, entry)| {
            json!({"name": entry.tool.spec.name, "description": entry.tool.description,
                   "effect": format!("{:?}", entry.tool.spec.effect).to_lowercase()})
        })
        .collect();
    json!({"items": items, "total": total})
}
