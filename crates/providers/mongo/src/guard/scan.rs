//! The scan of everything that the server would interpret, at every level of nesting.

use business_tools_core::Faults;
use serde_json::{Map, Value};

use super::names::collection_name;
use crate::ejson::{MAX_DEPTH, child, short};

/// Operators that run JavaScript on the server.
const JAVASCRIPT: &[&str] = &["$where", "$function", "$accumulator", "$code"];

/// Stages that write, and so have no place in anything that reads.
const WRITES: &[&str] = &["$out", "$merge"];

/// Stages about the server instead of the documents.
const ADMIN: &[&str] = &[
    "$backupCursor",
    "$backupCursorExtend",
    "$changeStream",
    "$changeStreamSplitLargeEvent",
    "$currentOp",
    "$listCatalog",
    "$listClusterCatalog",
    "$listLocalSessions",
    "$listSampledQueries",
    "$listSessions",
    "$operationMetrics",
    "$planCacheStats",
    "$querySettings",
    "$queryStats",
    "$setMetadata",
    "$shardedDataDistribution",
];

/// The longest pattern that is not bound to the beginning of the text.
const MAX_FREE_PATTERN: usize = 512;

/// What is scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A filter, a sort, an update, a pipeline: the server interprets it.
    Code,
    /// A document to be stored: the server keeps it as it is.
    Data,
}

/// What was found beside faults.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// The other collections that are read, with the place of each.
    pub(crate) collections: Vec<(String, String)>,
}

/// Scans one object.
pub(crate) fn scan(
    map: &Map<String, Value>,
    at: &str,
    place: Place,
    found: &mut Scan,
    faults: &mut Faults,
) {
    if place == Place::Data {
        // On top a `$` would be an operator, or a name that nothing can address later.
        for key in map.keys().filter(|key| key.starts_with('$')) {
            faults.add(child(at, key), "a stored field cannot begin with $");
        }
    }
    walk_map(map, at, 1, place, found, faults);
}

/// Scans an array of objects: a pipeline, array filters, documents.
pub(crate) fn scan_all(
    items: &[Map<String, Value>],
    at: &str,
    place: Place,
    found: &mut Scan,
    faults: &mut Faults,
) {
    for (i, item) in items.iter().enumerate() {
        scan(item, &format!("{at}/{i}"), place, found, faults);
    }
}

fn walk(
    value: &Value,
    at: &str,
    depth: usize,
    place: Place,
    found: &mut Scan,
    faults: &mut Faults,
) {
    match value {
        Value::Object(map) => walk_map(map, at, depth, place, found, faults),
        Value::Array(items) => {
            if depth > MAX_DEPTH {
                too_deep(at, faults);
                return;
            }
            for (i, item) in items.iter().enumerate() {
                walk(item, &format!("{at}/{i}"), depth + 1, place, found, faults);
            }
        }
        _ => {}
    }
}

fn walk_map(
    map: &Map<String, Value>,
    at: &str,
    depth: usize,
    place: Place,
    found: &mut Scan,
    faults: &mut Faults,
) {
    if depth > MAX_DEPTH {
        too_deep(at, faults);
        return;
    }
    for (key, value) in map {
        let here = child(at, key);
        if key.contains('\0') {
            faults.add(here.clone(), "a field name cannot hold a NUL character");
        }
        if place == Place::Code && key.starts_with('$') {
            operator(key, value, &here, found, faults);
        }
        if place == Place::Code {
            // `$regexMatch` and its kin have members of these names; a field may be called `regex`, too.
            let is_pattern = key == "$regex" || (key == "regex" && map.contains_key("input"));
            pattern(is_pattern, key, value, &here, faults);
        }
        walk(value, &here, depth + 1, place, found, faults);
    }
}

fn too_deep(at: &str, faults: &mut Faults) {
    faults.add(
        short(at),
        format!("is nested deeper than {MAX_DEPTH} levels"),
    );
}

fn operator(key: &str, value: &Value, at: &str, found: &mut Scan, faults: &mut Faults) {
    if JAVASCRIPT.contains(&key) {
        faults.add(
            at,
            "runs JavaScript on the server, which is refused; use query or aggregation operators",
        );
    } else if WRITES.contains(&key) {
        faults.add(
            at,
            "writes from a pipeline, which is refused; read first, then use mongo_insert_documents or mongo_update_documents",
        );
    } else if ADMIN.contains(&key) || key.starts_with("$_internal") {
        faults.add(at, "is about the server itself, which is closed here");
    } else {
        match key {
            "$lookup" | "$graphLookup" => {
                other_collection(member(value, "from"), at, found, faults);
            }
            "$unionWith" => {
                if member(value, "db").is_some() {
                    across(at, faults);
                }
                let named = if value.is_object() {
                    member(value, "coll")
                } else {
                    Some(value)
                };
                other_collection(named, at, found, faults);
            }
            _ => {}
        }
    }
}

fn member<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.as_object()?.get(key)
}

/// The other collection that a stage reads. Without a name it reads `$documents` of its own.
fn other_collection(named: Option<&Value>, at: &str, found: &mut Scan, faults: &mut Faults) {
    match named {
        None => {}
        Some(Value::String(name)) => {
            collection_name("", name, at, faults);
            found.collections.push((at.to_owned(), name.clone()));
        }
        Some(_) => across(at, faults),
    }
}

fn across(at: &str, faults: &mut Faults) {
    faults.add(
        at,
        "names a collection of another database; only the name of one in the same database is allowed",
    );
}

/// Patterns: a long one without an anchor makes the server walk through everything, slowly.
fn pattern(is_pattern: bool, key: &str, value: &Value, at: &str, faults: &mut Faults) {
    let value = match key {
        _ if is_pattern => Some(value),
        "$regularExpression" => member(value, "pattern"),
        _ => None,
    };
    let Some(text) = value.and_then(Value::as_str) else {
        return;
    };
    let anchored = text.starts_with('^') || text.starts_with(r"\A");
    if !anchored && text.chars().count() > MAX_FREE_PATTERN {
        faults.add(
            at,
            format!(
                "is a pattern of more than {MAX_FREE_PATTERN} characters without ^ at its beginning"
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn faults_of(value: &Value, place: Place) -> Vec<String> {
        let mut faults = Faults::default();
        let mut found = Scan::default();
        let map = value.as_object().cloned().unwrap_or_default();
        scan(&map, "/x", place, &mut found, &mut faults);
        match faults.into_result() {
            Ok(()) => Vec::new(),
            Err(error) => error.details()["faults"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|fault| fault["at"].as_str().unwrap_or_default().to_owned())
                .collect(),
        }
    }

    /// Harmless values around a core, of any shape and up to the allowed depth.
    fn buried(core: Value) -> impl Strategy<Value = Value> {
        let step = (0..4_u8, "[a-z$]{1,6}");
        prop::collection::vec(step, 0..40).prop_map(move |steps| {
            let mut value = core.clone();
            for (shape, key) in steps {
                value = match shape {
                    0 => json!([value]),
                    1 => json!([1, {"a": 2}, value, null]),
                    2 => json!({key: value}),
                    _ => json!({"before": [1], key: value, "after": {"b": "$where"}}),
                };
            }
            json!({ "root": value })
        })
    }

    proptest! {
        #[test]
        fn a_dangerous_operator_is_found_however_deep_it_is_buried(
            (name, value) in (0..JAVASCRIPT.len() + WRITES.len() + ADMIN.len()).prop_flat_map(|i| {
                let all = [JAVASCRIPT, WRITES, ADMIN].concat();
                let name = all[i];
                buried(json!({name: {"x": 1}})).prop_map(move |value| (name, value))
            })
        ) {
            let faults = faults_of(&value, Place::Code);
            prop_assert!(faults.iter().any(|at| at.ends_with(name)), "{faults:?}");
        }

        #[test]
        fn what_is_harmless_passes(value in buried(json!({"$gt": 5, "where": "$where", "out": "x"}))) {
            // The steps themselves may name an operator by chance only if it is that short.
            prop_assume!(!value.to_string().contains("\"$out\""));
            let faults = faults_of(&value, Place::Code);
            prop_assert!(faults.is_empty(), "{faults:?}");
        }

        #[test]
        fn the_scan_ends_on_any_depth(depth in 0..500_usize) {
            let mut value = json!(1);
            for _ in 0..depth {
                value = json!([value]);
            }
            let faults = faults_of(&json!({"a": value}), Place::Code);
            prop_assert_eq!(faults.len(), usize::from(depth >= MAX_DEPTH));
        }
    }

    #[test]
    fn stored_data_may_hold_what_would_be_an_operator_further_in() {
        let value = json!({"note": {"$where": "kept as it is"}, "code": {"$code": "x"}});
        assert!(faults_of(&value, Place::Data).is_empty());
        assert_eq!(
            faults_of(&value, Place::Code),
            ["/x/note/$where", "/x/code/$code"]
        );
        assert_eq!(faults_of(&json!({"$a": 1}), Place::Data), ["/x/$a"]);
    }
}
