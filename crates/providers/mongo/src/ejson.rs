//! Extended JSON, version 2: how BSON values cross the tool boundary.
//!
//! In: relaxed, canonical and plain JSON. Out: relaxed, except for numbers that a double cannot hold.

use bson::{Bson, Document};
use business_tools_core::Faults;
use serde_json::{Map, Number, Value};

/// The nesting that a MongoDB server allows in a document.
pub const MAX_DEPTH: usize = 100;

/// The largest integer that every JSON reader keeps exact.
const MAX_SAFE: i64 = (1 << 53) - 1;

/// The members that make an object stand for one value, and what such an object looks like.
const WRAPPERS: &[(&str, &str)] = &[
    ("$oid", r#"{"$oid": "24 hex digits"}"#),
    ("$date", r#"{"$date": "2026-01-31T12:00:00Z"}"#),
    ("$numberInt", r#"{"$numberInt": "5"}"#),
    ("$numberLong", r#"{"$numberLong": "5"}"#),
    ("$numberDouble", r#"{"$numberDouble": "1.5"}"#),
    ("$numberDecimal", r#"{"$numberDecimal": "12.50"}"#),
    (
        "$binary",
        r#"{"$binary": {"base64": "aGk=", "subType": "00"}}"#,
    ),
    (
        "$uuid",
        r#"{"$uuid": "c8edabc3-f738-4ca3-b68d-ab92a91478a3"}"#,
    ),
    ("$timestamp", r#"{"$timestamp": {"t": 1565545664, "i": 1}}"#),
    (
        "$regularExpression",
        r#"{"$regularExpression": {"pattern": "^H", "options": "i"}}"#,
    ),
    ("$minKey", r#"{"$minKey": 1}"#),
    ("$maxKey", r#"{"$maxKey": 1}"#),
    ("$symbol", r#"{"$symbol": "x"}"#),
    ("$code", r#"{"$code": "..."}"#),
    ("$undefined", r#"{"$undefined": true}"#),
    (
        "$dbPointer",
        r#"{"$dbPointer": {"$ref": "ns", "$id": {"$oid": "24 hex digits"}}}"#,
    ),
];

/// Reads an object as a document: its own members are never taken for one value's wrapper.
pub fn document(map: &Map<String, Value>, at: &str, faults: &mut Faults) -> Document {
    read_document(map, at, 1, faults)
}

/// Reads an array of objects as documents.
pub fn documents(items: &[Map<String, Value>], at: &str, faults: &mut Faults) -> Vec<Document> {
    let read = |(i, item)| document(item, &format!("{at}/{i}"), faults);
    items.iter().enumerate().map(read).collect()
}

/// Reads any value.
pub fn value(value: &Value, at: &str, faults: &mut Faults) -> Bson {
    read(value, at, 1, faults)
}

fn read_document(
    map: &Map<String, Value>,
    at: &str,
    depth: usize,
    faults: &mut Faults,
) -> Document {
    if depth > MAX_DEPTH {
        faults.add(
            short(at),
            format!("is nested deeper than {MAX_DEPTH} levels"),
        );
        return Document::new();
    }
    map.iter()
        .map(|(key, value)| {
            let at = child(at, key);
            if key.contains('\0') {
                faults.add(at.clone(), "a field name cannot hold a NUL character");
            }
            (key.clone(), read(value, &at, depth + 1, faults))
        })
        .collect()
}

fn read(value: &Value, at: &str, depth: usize, faults: &mut Faults) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(b) => Bson::Boolean(*b),
        Value::String(text) => Bson::String(text.clone()),
        Value::Number(number) => read_number(number, at, faults),
        Value::Array(_) if depth > MAX_DEPTH => {
            faults.add(
                short(at),
                format!("is nested deeper than {MAX_DEPTH} levels"),
            );
            Bson::Null
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(i, item)| read(item, &format!("{at}/{i}"), depth + 1, faults))
            .collect(),
        Value::Object(map) => {
            let Some((name, form)) = WRAPPERS.iter().find(|(name, _)| map.contains_key(*name))
            else {
                return Bson::Document(read_document(map, at, depth, faults));
            };
            match Bson::try_from(map.clone()) {
                Ok(bson) if !nul_in_regex(&bson) => bson,
                // The library's own words quote the value; the form says what would be right.
                _ => {
                    faults.add(at, format!("is no valid {name}; write {form}"));
                    Bson::Null
                }
            }
        }
    }
}

/// A pattern with a NUL would be cut off there on the wire.
fn nul_in_regex(bson: &Bson) -> bool {
    match bson {
        Bson::RegularExpression(regex) => {
            regex.pattern.as_str().contains('\0') || regex.options.as_str().contains('\0')
        }
        _ => false,
    }
}

fn read_number(number: &Number, at: &str, faults: &mut Faults) -> Bson {
    if let Some(n) = number.as_i64() {
        return i32::try_from(n).map_or(Bson::Int64(n), Bson::Int32);
    }
    if number.is_u64() {
        faults.add(
            at,
            r#"is above the largest 64-bit integer; write {"$numberDecimal": "..."}"#,
        );
        return Bson::Null;
    }
    number.as_f64().map_or(Bson::Null, Bson::Double)
}

/// Writes a document.
pub fn from_document(document: Document) -> Map<String, Value> {
    document
        .into_iter()
        .map(|(key, bson)| (key, from_bson(bson)))
        .collect()
}

/// Writes any value.
pub fn from_bson(bson: Bson) -> Value {
    match bson {
        Bson::Document(document) => Value::Object(from_document(document)),
        Bson::Array(items) => items.into_iter().map(from_bson).collect(),
        // A reader that keeps numbers as doubles would change the last digits.
        Bson::Int64(n) if !(-MAX_SAFE..=MAX_SAFE).contains(&n) => {
            serde_json::json!({"$numberLong": n.to_string()})
        }
        Bson::Int64(n) => n.into(),
        Bson::Double(x) => Number::from_f64(x)
            .map_or_else(|| Bson::Double(x).into_canonical_extjson(), Value::Number),
        Bson::JavaScriptCodeWithScope(code) => serde_json::json!({
            "$code": code.code,
            "$scope": from_document(code.scope),
        }),
        other => other.into_relaxed_extjson(),
    }
}

/// The pointer of a member.
pub(crate) fn child(at: &str, key: &str) -> String {
    // A hostile key is not repeated at full length.
    let key: String = key.chars().take(100).collect();
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// A pointer that a person can still read.
pub(crate) fn short(at: &str) -> String {
    match at.char_indices().nth(200) {
        Some((cut, _)) => format!("{}…", &at[..cut]),
        None => at.to_owned(),
    }
}
