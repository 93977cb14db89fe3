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

/// The last millisecond of the year 9999.
const LAST_DAY: i64 = 253_402_300_799_999;

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
        // Beyond the calendar the library writes the calendar's last day.
        Bson::DateTime(date) if !(0..=LAST_DAY).contains(&date.timestamp_millis()) => {
            serde_json::json!({"$date": {"$numberLong": date.timestamp_millis().to_string()}})
        }
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

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;
    use bson::{
        Binary, DateTime, Decimal128, JavaScriptCodeWithScope, Regex, Timestamp, doc,
        spec::BinarySubtype,
    };
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read_one(json: &Value) -> Result<Bson, String> {
        let mut faults = Faults::default();
        let bson = value(json, "/x", &mut faults);
        match faults.into_result() {
            Ok(()) => Ok(bson),
            Err(error) => Err(error.message().to_owned()),
        }
    }

    fn leaf() -> impl Strategy<Value = Bson> {
        prop_oneof![
            any::<i32>().prop_map(Bson::Int32),
            any::<i64>().prop_map(Bson::Int64),
            (-(1_i64 << 55)..(1_i64 << 55)).prop_map(Bson::Int64),
            any::<f64>()
                .prop_filter("NaN is unlike itself", |x| !x.is_nan())
                .prop_map(Bson::Double),
            any::<bool>().prop_map(Bson::Boolean),
            Just(Bson::Null),
            Just(Bson::MinKey),
            Just(Bson::MaxKey),
            Just(Bson::Undefined),
            ".{0,12}".prop_map(Bson::String),
            "[a-z]{0,8}".prop_map(Bson::Symbol),
            "[a-z(){}]{0,8}".prop_map(Bson::JavaScriptCode),
            any::<[u8; 12]>().prop_map(|bytes| Bson::ObjectId(ObjectId::from_bytes(bytes))),
            any::<i64>().prop_map(|ms| Bson::DateTime(DateTime::from_millis(ms))),
            (0..253_402_300_800_000_i64).prop_map(|ms| Bson::DateTime(DateTime::from_millis(ms))),
            any::<(u32, u32)>()
                .prop_map(|(time, increment)| Bson::Timestamp(Timestamp { time, increment })),
            (any::<i32>(), 0..30_i32).prop_map(|(n, e)| {
                let text = format!("{n}E-{e}");
                text.parse::<Decimal128>()
                    .map_or(Bson::Null, Bson::Decimal128)
            }),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| {
                Bson::Binary(Binary {
                    subtype: BinarySubtype::Generic,
                    bytes,
                })
            }),
            any::<[u8; 16]>().prop_map(|bytes| {
                Bson::Binary(Binary {
                    subtype: BinarySubtype::Uuid,
                    bytes: bytes.to_vec(),
                })
            }),
            "[a-z^.*]{0,8}".prop_map(|pattern| {
                let text = |text: String| bson::raw::CString::try_from(text).unwrap();
                Bson::RegularExpression(Regex {
                    pattern: text(pattern),
                    options: text("i".to_owned()),
                })
            }),
        ]
    }

    fn any_bson() -> impl Strategy<Value = Bson> {
        leaf().prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Bson::Array),
                // A `$` in front of any of these names would make it a wrapper.
                prop::collection::vec(("[a-z.]{0,6}", inner.clone()), 0..6)
                    .prop_map(|pairs| Bson::Document(pairs.into_iter().collect())),
                prop::collection::vec(("[a-z]{1,6}", inner), 0..3).prop_map(|pairs| {
                    Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope {
                        code: "f()".into(),
                        scope: pairs.into_iter().collect(),
                    })
                }),
            ]
        })
    }

    /// Relaxed output says nothing about the width of integers that are exact anyway.
    fn widths_gone(bson: Bson) -> Bson {
        match bson {
            Bson::Int64(n) => i32::try_from(n).map_or(Bson::Int64(n), Bson::Int32),
            Bson::Array(items) => Bson::Array(items.into_iter().map(widths_gone).collect()),
            Bson::Document(document) => Bson::Document(
                document
                    .into_iter()
                    .map(|(key, value)| (key, widths_gone(value)))
                    .collect(),
            ),
            Bson::JavaScriptCodeWithScope(code) => match widths_gone(Bson::Document(code.scope)) {
                Bson::Document(scope) => Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope {
                    code: code.code,
                    scope,
                }),
                other => other,
            },
            other => other,
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same_value(bson in any_bson()) {
            let json = from_bson(bson.clone());
            // Through text, as it goes over the wire.
            let text = json.to_string();
            let json: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read_one(&json).unwrap(), widths_gone(bson), "{}", text);
        }

        #[test]
        fn canonical_form_is_read_to_the_type(bson in any_bson()) {
            let json = bson.clone().into_canonical_extjson();
            prop_assert_eq!(read_one(&json).unwrap(), bson);
        }

        #[test]
        fn no_number_is_written_that_a_double_would_change(n in any::<i64>()) {
            let json = from_bson(Bson::Int64(n));
            if let Some(written) = json.as_i64() {
                #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "that is the question")]
                let through_double = (written as f64) as i64;
                prop_assert_eq!(through_double, n);
            } else {
                prop_assert_eq!(json, json!({"$numberLong": n.to_string()}));
            }
        }

        #[test]
        fn hostile_input_never_panics(text in r#"[\[\]{}:,"$a-zA-Z0-9]{0,60}"#) {
            if let Ok(json) = serde_json::from_str::<Value>(&text) {
                let _ = read_one(&json);
            }
        }
    }

    #[test]
    fn plain_numbers_take_the_smallest_type_that_holds_them() {
        for (json, bson) in [
            (json!(5), Bson::Int32(5)),
            (json!(2_147_483_648_i64), Bson::Int64(2_147_483_648)),
            (json!(-5), Bson::Int32(-5)),
            (json!(i64::MAX), Bson::Int64(i64::MAX)),
            (json!(1.0), Bson::Double(1.0)),
        ] {
            assert_eq!(read_one(&json), Ok(bson), "{json}");
        }
        assert!(
            read_one(&json!(u64::MAX))
                .unwrap_err()
                .contains("$numberDecimal")
        );
    }

    #[test]
    fn a_wrong_wrapper_is_told_with_its_place_and_the_right_form() {
        for (json, word) in [
            (json!({"$oid": "abc"}), "24 hex digits"),
            (
                json!({"$oid": "5d505646cf6d4fe581014ab2", "x": 1}),
                "24 hex digits",
            ),
            (json!({"$date": "yesterday"}), "2026-01-31"),
            (json!({"$numberLong": "9223372036854775808"}), "$numberLong"),
            (json!({"$numberDecimal": "12,5"}), "12.50"),
            (json!({"$uuid": "nope"}), "c8edabc3"),
            (json!({"$binary": "aGk="}), "base64"),
            (
                json!({"$regularExpression": {"pattern": "a\0b", "options": ""}}),
                "pattern",
            ),
        ] {
            let message = read_one(&json!([0, json])).unwrap_err();
            assert!(message.starts_with("/x/1: "), "{message}");
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn query_operators_that_look_like_wrappers_are_left_alone() {
        let json = json!({"$regex": "^a", "$options": "i"});
        assert_eq!(
            read_one(&json),
            Ok(Bson::Document(doc! {"$regex": "^a", "$options": "i"}))
        );
        let uuid = json!({"$uuid": "c8edabc3-f738-4ca3-b68d-ab92a91478a3"});
        assert!(
            matches!(read_one(&uuid), Ok(Bson::Binary(binary)) if binary.subtype == BinarySubtype::Uuid)
        );
    }

    #[test]
    fn the_arguments_own_members_are_never_one_value() {
        let mut faults = Faults::default();
        let map = json!({"$oid": "5d505646cf6d4fe581014ab2"});
        let read = document(map.as_object().unwrap(), "/filter", &mut faults);
        assert_eq!(read, doc! {"$oid": "5d505646cf6d4fe581014ab2"});
        assert!(faults.is_empty());
    }

    #[test]
    fn nesting_ends_at_a_hundred_levels() {
        let nested = |depth| {
            let mut json = json!(1);
            for _ in 0..depth {
                json = json!({"a": json});
            }
            json
        };
        assert!(read_one(&nested(MAX_DEPTH)).is_ok());
        let message = read_one(&nested(MAX_DEPTH + 1)).unwrap_err();
        assert!(message.contains("100 levels"), "{message}");
        assert!(read_one(&nested(300)).is_err());
    }

    #[test]
    fn dates_outside_the_calendar_are_written_as_numbers() {
        let date = |ms| from_bson(Bson::DateTime(DateTime::from_millis(ms)));
        assert_eq!(
            date(1_565_546_054_692),
            json!({"$date": "2019-08-11T17:54:14.692Z"})
        );
        assert_eq!(
            date(-284_643_869_501),
            json!({"$date": {"$numberLong": "-284643869501"}})
        );
        assert_eq!(
            date(i64::MAX),
            json!({"$date": {"$numberLong": i64::MAX.to_string()}})
        );
    }
}
