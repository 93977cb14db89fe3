//! Writes the reference pages: one for each provider, and the list of error codes.
//!
//! `cargo xtask docs` runs it, and `cargo xtask docs --check` fails when a page is stale.

use std::fmt::Write as _;
use std::path::Path;

use business_tools_core::{Effect, Env, Kind, ProviderSettings, Spec, ToolInfo};
use business_tools_mcp::providers::{ALL, Row};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args().nth(1).unwrap_or_else(|| "docs".to_owned());
    let root = Path::new(&root);
    std::fs::create_dir_all(root.join("providers"))?;
    std::fs::write(root.join("errors.md"), errors())?;
    for row in ALL {
        std::fs::write(
            root.join("providers").join(format!("{}.md", row.info.id)),
            provider(row)?,
        )?;
    }
    Ok(())
}

const STAMP: &str =
    "<!-- Written by `cargo xtask docs` from the declarations in the code. Do not edit. -->\n\n";

fn errors() -> String {
    let mut page = format!(
        "{STAMP}# Error codes\n\nEvery error, on every transport, in the log and in the audit, is the same object: `code`, `message`, \
         `details`, `hint`. The code of a provider's error has the provider before it, `TWILIO_AUTH_FAILED`.\n\n\
         | code | with provider | meaning |\n|---|---|---|\n"
    );
    for kind in Kind::ALL {
        let prefixed = if kind.is_ours() { "" } else { "yes" };
        let _ = writeln!(
            page,
            "| `{}` | {prefixed} | {} |",
            kind.code(),
            kind.meaning().trim()
        );
    }
    page
}

fn provider(row: &Row) -> Result<String, Box<dyn std::error::Error>> {
    let info = row.info;
    // Connecting opens no connection; the address leads nowhere.
    let settings = ProviderSettings::single((row.sandbox_config)("http://127.0.0.1:9"));
    let plugin = (row.connect)(None, &settings, &Env::alone())?;
    let mut page = format!(
        "{STAMP}# {}\n\n{}\n\nAPI: <{}>. {}\n\n## Settings\n\n| environment variable | field |\n|---|---|\n",
        info.title, info.summary, info.docs, info.setup_hint
    );
    for var in info.env {
        let _ = writeln!(page, "| `{}` | `{}` |", var.name, var.field);
    }
    let policy = &info.policy;
    let _ = write!(
        page,
        "\n## Limits\n\nA call has {:?}, an attempt {:?}; {} attempts, at most {} requests in flight. \
         The circuit opens after {} failures in a row for {:?}.\n",
        policy.deadline,
        policy.attempt_timeout,
        policy.retry.attempts,
        policy.in_flight,
        policy.breaker.failures,
        policy.breaker.recovery,
    );
    for quota in policy.quotas {
        let name = if quota.name.is_empty() {
            "all requests"
        } else {
            quota.name
        };
        let _ = writeln!(
            page,
            "\n- {name}: {} requests in {:?}",
            quota.requests, quota.window
        );
    }
    page.push_str("\n## Tools\n\n| tool | effect | |\n|---|---|---|\n");
    for tool in plugin.tools() {
        let _ = writeln!(
            page,
            "| [`{0}`](#{0}) | {1} | {2} |",
            tool.spec.name,
            effect(tool.spec),
            tool.description
        );
    }
    for tool in plugin.tools() {
        page.push_str(&one(tool));
    }
    Ok(page)
}

fn effect(spec: &Spec) -> String {
    let word = match spec.effect {
        Effect::Read => return "read".to_owned(),
        Effect::Write => "write",
        Effect::Destructive => "destructive",
    };
    if spec.idempotent {
        format!("{word}, idempotent")
    } else {
        word.to_owned()
    }
}

fn one(tool: &ToolInfo) -> String {
    let spec = tool.spec;
    let mut text = format!(
        "\n### {}\n\n{}\n\nEffect: {}.",
        spec.name,
        tool.description,
        effect(spec)
    );
    if !spec.cache_class.is_empty() {
        let _ = write!(
            text,
            " Cached {} s as `{}`.",
            spec.cache_secs, spec.cache_class
        );
    }
    if !spec.scopes.is_empty() {
        let _ = write!(text, " Scopes: `{}`.", spec.scopes.join("`, `"));
    }
    if !spec.forgets.is_empty() {
        let _ = write!(text, " Makes stale: `{}`.", spec.forgets.join("`, `"));
    }
    text.push_str("\n\n");
    let schema = tool.schema.value();
    let Some(properties) = schema["properties"].as_object() else {
        text.push_str("No arguments.\n");
        return text;
    };
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    text.push_str("| argument | type | |\n|---|---|---|\n");
    for (name, property) in properties {
        let need = if required.contains(&name.as_str()) {
            ", required"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "| `{name}` | {}{need} | {} |",
            kind(property),
            about(property)
        );
    }
    text
}

fn kind(property: &Value) -> String {
    match property["type"].as_str() {
        Some("array") => format!(
            "array of {}",
            property["items"]["type"].as_str().unwrap_or("values")
        ),
        Some(kind) => kind.to_owned(),
        None => "any".to_owned(),
    }
}

fn about(property: &Value) -> String {
    let mut parts = Vec::new();
    if let Some(text) = property["description"].as_str() {
        parts.push(text.replace('|', "\\|"));
    }
    if let Some(values) = property["enum"].as_array() {
        let values: Vec<_> = values
            .iter()
            .filter_map(Value::as_str)
            .map(|v| format!("`{v}`"))
            .collect();
        parts.push(format!("One of {}.", values.join(", ")));
    }
    for (key, word) in [("minLength", "from"), ("maxLength", "up to")] {
        if let Some(n) = property[key].as_u64() {
            parts.push(format!("{word} {n} characters").replace("from 1 characters", "not empty"));
        }
    }
    for (key, word) in [("minimum", "at least"), ("maximum", "at most")] {
        if property[key].is_number() {
            parts.push(format!("{word} {}", property[key]));
        }
    }
    if let Some(default) = property.get("default") {
        parts.push(format!("`{default}` by default"));
    }
    if let Some(pattern) = property["pattern"].as_str() {
        parts.push(format!("`{}`", pattern.replace('|', "\\|")));
    }
    parts.join("; ").replace(".; ", ". ")
}
