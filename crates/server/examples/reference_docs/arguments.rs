//! A schema's members in words.

use std::fmt::Write as _;

use serde_json::Value;

/// The table of arguments; members of objects are told below their object.
pub(crate) fn table(schema: &Value) -> String {
    let mut text = "| argument | type | |\n|---|---|---|\n".to_owned();
    rows(schema, "", &mut text);
    text
}

fn rows(schema: &Value, within: &str, text: &mut String) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let need = if required.iter().any(|needed| needed == name) {
            ", required"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "| `{within}{name}` | {}{need} | {} |",
            kind(property),
            about(property)
        );
        rows(property, &format!("{within}{name}."), text);
        rows(&property["items"], &format!("{within}{name}[]."), text);
    }
}

pub(crate) fn kind(property: &Value) -> String {
    match property["type"].as_str() {
        Some("array") => format!(
            "array of {}",
            property["items"]["type"].as_str().unwrap_or("values")
        ),
        Some(kind) => kind.to_owned(),
        None => "any".to_owned(),
    }
}

pub(crate) fn about(property: &Value) -> String {
    let mut parts = Vec::new();
    if let Some(text) = property["description"].as_str() {
        parts.push(text.replace('|', "\\|"));
    }
    parts.extend(bounds(property));
    let inner: Vec<_> = bounds(&property["items"]);
    if !inner.is_empty() {
        parts.push(format!("each: {}", inner.join("; ")));
    }
    parts.join("; ").replace(".; ", ". ")
}

/// What the schema demands of a value.
fn bounds(schema: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().filter_map(Value::as_str);
        let values: Vec<_> = values.map(|value| format!("`{value}`")).collect();
        parts.push(format!("One of {}.", values.join(", ")));
    }
    for (least, most, what) in [
        ("minLength", "maxLength", "characters"),
        ("minItems", "maxItems", "items"),
        ("minimum", "maximum", ""),
    ] {
        parts.extend(range(&schema[least], &schema[most], what));
    }
    if let Some(default) = schema.get("default") {
        parts.push(format!("`{default}` by default"));
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        parts.push(format!("`{}`", pattern.replace('|', "\\|")));
    }
    parts
}

fn range(least: &Value, most: &Value, what: &str) -> Option<String> {
    let text = match (least.is_number(), most.is_number()) {
        (true, true) => format!("{least} to {most} {what}"),
        (true, false) => format!("at least {least} {what}"),
        (false, true) => format!("at most {most} {what}"),
        (false, false) => return None,
    };
    Some(text.trim_end().to_owned())
}
