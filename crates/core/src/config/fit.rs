//! Whether a value surely fits a schema, found out without a validator.
//!
//! To make one, the library checks the schema against its meta-schema, which costs a starting process milliseconds
//! and megabytes, while nearly every configuration is right. What is not surely right is judged by the library.

use regex::bytes::RegexBuilder;
use serde_json::{Map, Value};

/// True when `value` fits; false when it does not, or when the schema says something that is not looked at here.
pub(super) fn surely_fits(schema: &Value, value: &Value) -> bool {
    match schema {
        Value::Object(rules) => rules
            .iter()
            .all(|(keyword, rule)| keeps(keyword, rule, rules, value)),
        Value::Bool(any) => *any,
        _ => false,
    }
}

fn keeps(keyword: &str, rule: &Value, rules: &Map<String, Value>, value: &Value) -> bool {
    match (keyword, value) {
        ("type", _) => match rule {
            Value::Array(kinds) => kinds.iter().any(|kind| is(value, kind)),
            kind => is(value, kind),
        },
        ("enum", _) => rule.as_array().is_some_and(|all| all.contains(value)),
        ("pattern", Value::String(text)) => rule.as_str().is_some_and(|rule| matches(rule, text)),
        ("minLength", Value::String(text)) => at_least(text.chars().count(), rule),
        ("maxLength", Value::String(text)) => at_most(text.chars().count(), rule),
        ("minimum", Value::Number(number)) => rule
            .as_f64()
            .is_some_and(|least| number.as_f64() >= Some(least)),
        ("maximum", Value::Number(number)) => rule
            .as_f64()
            .is_some_and(|most| number.as_f64() <= Some(most)),
        ("items", Value::Array(items)) => items.iter().all(|item| surely_fits(rule, item)),
        ("minItems", Value::Array(items)) => at_least(items.len(), rule),
        ("maxItems", Value::Array(items)) => at_most(items.len(), rule),
        ("properties", Value::Object(members)) => members
            .iter()
            .all(|(name, member)| rule.get(name).is_none_or(|rule| surely_fits(rule, member))),
        ("additionalProperties", Value::Object(members)) => {
            let known = rules.get("properties");
            let mut others = members
                .iter()
                .filter(|(name, _)| known.and_then(|known| known.get(*name)).is_none());
            others.all(|(_, member)| surely_fits(rule, member))
        }
        ("propertyNames", Value::Object(members)) => members
            .keys()
            .all(|name| surely_fits(rule, &Value::from(name.as_str()))),
        ("required", Value::Object(members)) => rule.as_array().is_some_and(|names| {
            let has = |name: &Value| name.as_str().is_some_and(|name| members.contains_key(name));
            names.iter().all(has)
        }),
        // Of values of another type these say nothing, and the last four say nothing of any.
        (
            "pattern"
            | "minLength"
            | "maxLength"
            | "minimum"
            | "maximum"
            | "items"
            | "minItems"
            | "maxItems"
            | "properties"
            | "additionalProperties"
            | "propertyNames"
            | "required"
            | "title"
            | "description"
            | "default"
            | "writeOnly",
            _,
        ) => true,
        (other, _) => other.starts_with("x-"),
    }
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str() {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

/// Of a text beyond ASCII nothing is sure: the two dialects of patterns count and class it differently.
fn matches(pattern: &str, text: &str) -> bool {
    text.is_ascii()
        && RegexBuilder::new(pattern)
            .unicode(false)
            .build()
            .is_ok_and(|pattern| pattern.is_match(text.as_bytes()))
}

fn at_most(count: usize, rule: &Value) -> bool {
    rule.as_u64().is_some_and(|most| len(count) <= most)
}

fn at_least(count: usize, rule: &Value) -> bool {
    rule.as_u64().is_some_and(|least| len(count) >= least)
}

fn len(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3_i64..12).prop_map(Value::from),
            (-3.0_f64..12.0).prop_map(Value::from),
            "[a-c0é]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    fn schema() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!({"type": "boolean"})),
            (0_u64..5, 5_u64..9)
                .prop_map(|(min, max)| json!({"type": "integer", "minimum": min, "maximum": max})),
            (0_u64..2, 2_u64..4).prop_map(
                |(min, max)| json!({"type": "string", "minLength": min, "maxLength": max})
            ),
            prop_oneof![
                Just(r"^\w+$"),
                Just("^[a-c]{2}"),
                Just(r"\d$"),
                Just("^.{3}$")
            ]
            .prop_map(|pattern| json!({"pattern": pattern})),
            Just(json!({"type": ["number", "string"], "enum": [1, "a", "b"]})),
            Just(json!({"not": {"type": "string"}})),
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                (inner.clone(), 0_u64..3).prop_map(
                    |(items, most)| json!({"type": "array", "items": items, "minItems": 1, "maxItems": most})
                ),
                (
                    prop::collection::btree_map("[a-d]", inner.clone(), 0..3),
                    prop_oneof![inner.prop_map(Some), Just(None)],
                    prop::collection::btree_set("[a-d]", 0..2),
                )
                    .prop_map(|(properties, others, required)| json!({
                        "properties": properties,
                        "additionalProperties": others.unwrap_or(Value::Bool(false)),
                        "required": required,
                        "propertyNames": {"pattern": "^[a-c]$"},
                    })),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_surely_fits_is_valid_to_the_library(schema in schema(), value in value()) {
            if surely_fits(&schema, &value) {
                prop_assert!(jsonschema::is_valid(&schema, &value), "{schema} {value}");
            }
        }
    }

    #[test]
    fn what_is_right_in_the_usual_way_needs_no_validator() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["token"],
            "properties": {
                "token": {"type": "string", "pattern": "^pat-[a-z0-9-]+$", "writeOnly": true},
                "limit": {"type": "integer", "minimum": 1, "description": "How many."},
                "waits": {"type": "array", "items": {"type": "string", "x-span": true}},
            },
        });
        assert!(surely_fits(
            &schema,
            &json!({"token": "pat-eu1-0", "limit": 4, "waits": ["1s"]})
        ));
        assert!(!surely_fits(&schema, &json!({"token": "PAT"})));
        assert!(!surely_fits(
            &schema,
            &json!({"token": "pat-1", "limit": 0})
        ));
        assert!(!surely_fits(&schema, &json!({"limit": 1})));
    }
}
