//! The form that an answer is to have: `text.format` and `response_format`.

use serde_json::{Map, Value};

use super::answer::{Refusal, Taken};
use super::args::{missing, unsupported, wrong_type};
use super::mind::Format;

/// Reads a format at `at`; in one API the schema stands in a member of its own.
pub(super) fn read(at: &str, format: Option<&Value>, member: Option<&str>) -> Taken<Format> {
    let Some(format) = format.filter(|format| !format.is_null()) else {
        return Ok(Format::Text);
    };
    if !format.is_object() {
        return Err(wrong_type(at, "an object", format));
    }
    match format["type"].as_str() {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Object),
        Some("json_schema") => match member {
            None => schema(at, format),
            Some(member) => {
                let at = format!("{at}.{member}");
                let inner = format.get(member).ok_or_else(|| missing(&at))?;
                schema(&at, inner)
            }
        },
        Some(other) => {
            let at = format!("{at}.type");
            Err(unsupported(
                &at,
                other,
                &["json_object", "json_schema", "text"],
            ))
        }
        None => Err(missing(&format!("{at}.type"))),
    }
}

fn schema(at: &str, format: &Value) -> Taken<Format> {
    let name = format["name"].as_str();
    let name = name.ok_or_else(|| missing(&format!("{at}.name")))?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        let message = format!(
            "Invalid '{at}.name': string does not match pattern. Expected a string that matches the \
             pattern '^[a-zA-Z0-9_-]+$'."
        );
        return Err(Refusal::at(format!("{at}.name"), "invalid_value", message));
    }
    let schema = format["schema"].as_object();
    let schema = schema.ok_or_else(|| missing(&format!("{at}.schema")))?;
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        let message = "schema must be a JSON Schema of 'type: \"object\"'";
        return Err(bad_schema(at, name, "()", message));
    }
    if format["strict"] == true {
        strict(at, name, schema, &mut Vec::new())?;
    }
    Ok(Format::Schema(Value::Object(schema.clone())))
}

/// Strict schemas name every member and allow no others.
fn strict(
    at: &str,
    name: &str,
    schema: &Map<String, Value>,
    context: &mut Vec<String>,
) -> Taken<()> {
    let place = |context: &[String]| {
        let quoted: Vec<_> = context.iter().map(|part| format!("'{part}'")).collect();
        format!("({})", quoted.join(", "))
    };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        if schema.get("additionalProperties") != Some(&false.into()) {
            let message = "'additionalProperties' is required to be supplied and to be false";
            return Err(bad_schema(at, name, &place(context), message));
        }
        let required = schema.get("required").and_then(Value::as_array);
        for member in properties.keys() {
            if !required.is_some_and(|names| names.iter().any(|name| name == member)) {
                let message = format!(
                    "'required' is required to be supplied and to be an array including every key in \
                     properties. Missing '{member}'"
                );
                return Err(bad_schema(at, name, &place(context), &message));
            }
        }
    }
    // Members, items and branches.
    for (key, inner) in schema {
        let inner: Vec<(Option<&String>, &Value)> = match (key.as_str(), inner) {
            ("properties" | "$defs", Value::Object(members)) => members
                .iter()
                .map(|(name, value)| (Some(name), value))
                .collect(),
            ("items", item) => vec![(None, item)],
            ("anyOf", Value::Array(branches)) => {
                branches.iter().map(|value| (None, value)).collect()
            }
            _ => continue,
        };
        for (member, value) in inner {
            let depth = context.len();
            context.push(key.clone());
            context.extend(member.cloned());
            if let Some(value) = value.as_object() {
                strict(at, name, value, context)?;
            }
            context.truncate(depth);
        }
    }
    Ok(())
}

fn bad_schema(at: &str, name: &str, place: &str, message: &str) -> Refusal {
    let message =
        format!("Invalid schema for response_format '{name}': In context={place}, {message}.");
    Refusal::at(format!("{at}.schema"), "invalid_json_schema", message)
}
