//! A value that satisfies a JSON Schema, simply.

use serde_json::{Map, Value, json};

/// How deep a schema that contains itself is followed.
const DEPTH: usize = 6;

/// A value of the schema. Patterns are not understood; everything else that strict schemas may have is.
pub(super) fn fill(schema: &Value) -> Value {
    value(schema, schema, "value", 0)
}

fn value(schema: &Value, root: &Value, name: &str, depth: usize) -> Value {
    if let Some(target) = schema["$ref"].as_str() {
        let target = target.strip_prefix('#').and_then(|at| root.pointer(at));
        return match target {
            Some(target) if depth < 4 * DEPTH => value(target, root, name, depth + 1),
            _ => Value::Null,
        };
    }
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(branches) = schema[key].as_array() {
            let empty = branches.iter().find(|branch| branch["type"] == "null");
            let full = branches.iter().find(|branch| branch["type"] != "null");
            let (first, second) = if depth < DEPTH {
                (full, empty)
            } else {
                (empty, full)
            };
            let chosen = first.or(second).unwrap_or(&Value::Null);
            return value(chosen, root, name, depth + 1);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return together(schema, parts, root, name, depth);
    }
    match kind(schema) {
        "object" => object(schema, root, depth).into(),
        "array" => array(schema, root, name, depth),
        "string" => text(schema, name).into(),
        "integer" => number(schema).into(),
        "number" => json!(number(schema)),
        "boolean" => true.into(),
        _ => Value::Null,
    }
}

/// The type, or what the other words suggest.
fn kind(schema: &Value) -> &str {
    let types = schema["type"].as_array().into_iter().flatten();
    let mut types = types
        .filter_map(Value::as_str)
        .filter(|kind| *kind != "null");
    let kind = schema["type"].as_str().or_else(|| types.next());
    kind.unwrap_or_else(|| {
        if schema.get("properties").is_some() {
            "object"
        } else if schema.get("items").is_some() {
            "array"
        } else {
            "string"
        }
    })
}

fn together(schema: &Value, parts: &[Value], root: &Value, name: &str, depth: usize) -> Value {
    let mut all = object(schema, root, depth);
    for part in parts {
        match value(part, root, name, depth + 1) {
            Value::Object(more) => all.extend(more),
            other => return other,
        }
    }
    all.into()
}

fn object(schema: &Value, root: &Value, depth: usize) -> Map<String, Value> {
    let required = schema["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|n| n == name));
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .filter(|(name, _)| depth < DEPTH || is_required(name))
        .map(|(name, inner)| (name.clone(), value(inner, root, name, depth + 1)))
        .collect()
}

fn array(schema: &Value, root: &Value, name: &str, depth: usize) -> Value {
    let bound = |key: &str| schema[key].as_u64();
    let wanted = u64::from(depth < DEPTH);
    let count = bound("minItems").unwrap_or(wanted);
    let count = count.min(bound("maxItems").unwrap_or(count)).min(1_000);
    let item = |_| value(&schema["items"], root, name, depth + 1);
    (0..count).map(item).collect()
}

fn text(schema: &Value, name: &str) -> String {
    match schema["format"].as_str().unwrap_or_default() {
        "date" => return "2026-11-25".to_owned(),
        "date-time" => return "2026-11-25T09:00:00Z".to_owned(),
        "time" => return "09:00:00Z".to_owned(),
        "duration" => return "PT1H".to_owned(),
        "email" => return "someone@example.com".to_owned(),
        "hostname" => return "example.com".to_owned(),
        "ipv4" => return "192.0.2.1".to_owned(),
        "ipv6" => return "2001:db8::1".to_owned(),
        "uuid" => return "00000000-0000-4000-8000-000000000000".to_owned(),
        "uri" => return "https://example.com/".to_owned(),
        _ => {}
    }
    let bound = |key: &str| {
        schema[key]
            .as_u64()
            .and_then(|bound| usize::try_from(bound).ok())
    };
    let least = bound("minLength").unwrap_or(0).min(100_000);
    let most = bound("maxLength").unwrap_or(usize::MAX);
    let text = format!("simulated {name}");
    let mut text: String = text.chars().take(most).collect();
    while text.chars().count() < least {
        text.push('.');
    }
    text
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "bounds of schemas are small numbers"
)]
fn number(schema: &Value) -> i64 {
    let bound = |key: &str| schema[key].as_f64();
    let least = bound("minimum").map(f64::ceil);
    let above = bound("exclusiveMinimum").map(|bound| bound.floor() + 1.0);
    let most = bound("maximum").map(f64::floor);
    let below = bound("exclusiveMaximum").map(|bound| bound.ceil() - 1.0);
    let least = least.into_iter().chain(above).fold(f64::MIN, f64::max);
    let most = most.into_iter().chain(below).fold(f64::MAX, f64::min);
    let step = bound("multipleOf")
        .filter(|step| *step > 0.0)
        .unwrap_or(1.0);
    let wish = 1.0_f64.clamp(least, most.max(least));
    let up = (wish / step).ceil() * step;
    if up <= most {
        up as i64
    } else {
        ((wish / step).floor() * step) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_schema_is_kept() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "maxLength": 12},
                "code": {"type": "string", "minLength": 30},
                "when": {"type": "string", "format": "date"},
                "kind": {"enum": ["a", "b"]},
                "fixed": {"const": 7},
                "age": {"type": "integer", "minimum": 18, "maximum": 99},
                "even": {"type": "number", "multipleOf": 2, "exclusiveMaximum": 9},
                "below": {"type": "integer", "maximum": -5},
                "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
                "note": {"type": ["string", "null"]},
                "other": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/flag"}]},
            },
            "$defs": {"flag": {"type": "boolean"}},
        });
        assert_eq!(
            fill(&schema),
            json!({"name": "simulated na", "code": "simulated code................", "when": "2026-11-25",
                   "kind": "a", "fixed": 7, "age": 18, "even": 2, "below": -5,
                   "tags": ["simulated tags", "simulated tags"], "note": "simulated note", "other": true})
        );
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let schema = json!({
            "type": "object", "required": ["next", "children"],
            "properties": {
                "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#"}},
            },
        });
        let filled = fill(&schema).to_string();
        assert!(filled.contains("\"next\":null") && filled.contains("\"children\":[]"));
        assert_eq!(fill(&json!({"$ref": "#"})), Value::Null);
    }
}
