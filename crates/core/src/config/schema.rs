//! The JSON Schema of the file, and faults against it in words.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Map, Value, json};

use super::fit::surely_fits;
use super::provider::KnownProvider;
use super::report::Report;
use super::{CONFIG_FILE, File};
use crate::call::validate::nearest;

/// The JSON Schema of the configuration file, with the blocks of these providers.
pub fn schema(known: &[KnownProvider]) -> Value {
    let mut schema = of_file();
    for provider in known {
        schema["properties"]["providers"]["properties"][provider.id] = provider.block_schema();
    }
    schema
}

/// Extends a part of the schema, `null` at first, until it covers what `tree` has. Of a provider that has no block
/// there is no more than its name: the schemas of all would be dear for a process that uses one.
pub(super) fn cover(schema: &mut Value, tree: &Value, known: &[KnownProvider]) {
    if schema.is_null() {
        *schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {"providers": blocks()},
        });
    }
    let is_whole = schema["properties"]
        .as_object()
        .is_some_and(|all| all.len() > 1);
    let others = |tree: &Map<String, Value>| tree.keys().any(|name| name != "providers");
    if !is_whole && tree.as_object().is_none_or(others) {
        let blocks = schema["properties"]["providers"].take();
        *schema = of_file();
        schema["properties"]["providers"] = blocks;
    }
    for provider in known {
        let has = tree.get("providers").and_then(|all| all.get(provider.id));
        let block = &mut schema["properties"]["providers"]["properties"][provider.id];
        if has.is_none() {
            *block = json!({});
        } else if block.get("type").is_none() {
            *block = provider.block_schema();
        }
    }
}

fn of_file() -> Value {
    let mut schema = crate::schema::of::<File>().to_value();
    schema["properties"]["providers"] = blocks();
    schema
}

fn blocks() -> Value {
    json!({
        "type": "object",
        "description": "One block for each provider.",
        "additionalProperties": false,
        "properties": {},
    })
}

/// The schema of what stands at `path`, if there may be anything.
pub(super) fn at<'a>(schema: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(schema, |schema, part| {
        let named = schema.get("properties").and_then(|all| all.get(part));
        named.or_else(|| schema.get("items")).or_else(|| {
            schema
                .get("additionalProperties")
                .filter(|more| more.is_object())
        })
    })
}

/// The part of a schema that `value` can meet: properties it does not have are left out.
fn reduced(schema: &Value, value: &Value) -> Value {
    let Value::Object(keywords) = schema else {
        return schema.clone();
    };
    let keep = |(keyword, rule): (&String, &Value)| {
        let rule = match (keyword.as_str(), rule, value) {
            ("properties", Value::Object(all), Value::Object(members)) => all
                .iter()
                .filter_map(|(name, rule)| Some((name.clone(), reduced(rule, members.get(name)?))))
                .collect(),
            ("properties" | "description" | "default", _, _) => return None,
            _ => rule.clone(),
        };
        Some((keyword.clone(), rule))
    };
    keywords.iter().filter_map(keep).collect()
}

fn is(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(several) => several.iter().any(|one| one == kind),
        _ => false,
    }
}

/// Makes of texts what the schema wants: variables and `${…}` have no other type than text.
pub(super) fn coerce(value: &mut Value, schema: &Value) {
    match value {
        Value::String(text) if !is(schema, "string") => {
            let text = text.trim();
            if is(schema, "array") {
                let parts = text
                    .split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty());
                *value = parts.map(Value::from).collect();
                coerce(value, schema);
            } else if is(schema, "boolean") {
                match text.to_ascii_lowercase().as_str() {
                    "true" | "1" | "yes" | "on" => *value = true.into(),
                    "false" | "0" | "no" | "off" => *value = false.into(),
                    _ => {}
                }
            } else if (is(schema, "integer") || is(schema, "number"))
                && let Ok(number) = text.parse::<serde_json::Number>()
            {
                *value = number.into();
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    coerce(item, schema);
                }
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                if let Some(schema) = at(schema, std::slice::from_ref(key)) {
                    coerce(member, schema);
                }
            }
        }
        _ => {}
    }
}

/// `providers.twilio.accounts.sales[0]` of a JSON pointer.
pub(super) fn dotted(parts: &[String]) -> String {
    let mut path = String::new();
    for part in parts {
        if part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty() {
            path.extend(["[", part, "]"]);
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(part);
    }
    path
}

fn parts(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Tells every fault of `value` against `schema`. `name` gives a path the name of where it was set.
pub(super) fn check(
    value: &Value,
    schema: &Value,
    report: &mut Report,
    name: impl Fn(String) -> String,
) {
    if surely_fits(schema, value) {
        return;
    }
    // Most settings are left as they are, and a validator for all of them is dear.
    let Ok(validator) = jsonschema::options().build(&reduced(schema, value)) else {
        report.add(
            CONFIG_FILE,
            "cannot be checked: the schema itself is wrong",
            "",
        );
        return;
    };
    for error in validator.iter_errors(value) {
        let parts = parts(&error.instance_path().to_string());
        let place = at(schema, &parts);
        let remedy = place
            .and_then(|place| place["description"].as_str())
            .unwrap_or_default();
        let path = dotted(&parts);
        let mut add = |what: String, remedy: String| report.add(name(path.clone()), what, remedy);
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    let mut full = parts.clone();
                    full.push(key.chars().take(64).collect());
                    report.add(
                        dotted(&full),
                        "is not a setting",
                        remedy_of(&parts, key, schema),
                    );
                }
            }
            ValidationErrorKind::PropertyNames { .. } => add(
                "has a name that cannot be one".to_owned(),
                "names are made of a-z, 0-9, _ and -, at most 64 characters".to_owned(),
            ),
            ValidationErrorKind::Type { kind } => {
                let want = match kind {
                    TypeKind::Single(kind) => kind.to_string(),
                    TypeKind::Multiple(kinds) => {
                        let all: Vec<_> = kinds.into_iter().map(|kind| kind.to_string()).collect();
                        all.join(" or ")
                    }
                };
                let quotes = want == "string" && !error.instance().is_object();
                let remedy = if quotes { "put it in quotes" } else { remedy };
                add(format!("must be of type {want}"), remedy.to_owned());
            }
            ValidationErrorKind::Required { property } => {
                let missing = property.as_str().unwrap_or_default();
                add(format!("`{missing}` is missing"), remedy.to_owned());
            }
            ValidationErrorKind::Enum { options } => {
                add(format!("must be one of {options}"), String::new());
            }
            ValidationErrorKind::Minimum { limit } => {
                add(format!("must be at least {limit}"), remedy.to_owned());
            }
            ValidationErrorKind::Maximum { limit } => {
                add(format!("must be at most {limit}"), remedy.to_owned());
            }
            ValidationErrorKind::Pattern { .. } if place.is_some_and(|p| p["x-span"] == true) => {
                add(
                    "is not a length of time".to_owned(),
                    "write 500ms, 30s, 5m, 1h or 1d".to_owned(),
                );
            }
            ValidationErrorKind::Pattern { pattern } => {
                add(format!("must match {pattern}"), remedy.to_owned());
            }
            other => add(
                format!("does not fit ({})", other.keyword()),
                remedy.to_owned(),
            ),
        }
    }
}

/// What to do about an unknown key inside `parts`.
fn remedy_of(parts: &[String], key: &str, schema: &Value) -> String {
    let known = |place: Option<&Value>| -> Vec<String> {
        place
            .and_then(|place| place["properties"].as_object())
            .map(|all| all.keys().cloned().collect())
            .unwrap_or_default()
    };
    let has = |path: &[String]| known(at(schema, path)).iter().any(|name| name == key);
    let inside = |name: &str| [parts, &[name.to_owned()]].concat();
    if has(&inside("credentials")) {
        return "it is a credential: write it under `credentials`".to_owned();
    }
    if let Some((last, block)) = parts.split_last()
        && last == "credentials"
        && has(block)
    {
        return "it is no credential: write it beside `credentials`".to_owned();
    }
    let here = known(at(schema, parts));
    let names: Vec<&str> = here.iter().map(String::as_str).collect();
    if let Some(near) = nearest(key, &names) {
        return format!("did you mean `{near}`?");
    }
    if parts == ["providers"] {
        let all = names.join(", ");
        return format!(
            "this build has {all}; another provider's block may stay with `enabled: false`"
        );
    }
    format!("known here: {}", names.join(", "))
}
