//! Schemas of tools: flat, closed, without `null`, in the dialect that every client reads.

use std::sync::{Arc, OnceLock};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::plugin::ToolInfo;
use crate::tool::{Effect, Spec};

/// The arguments that core adds to tools and takes out again before the tool sees them.
pub const COMMON: &[&str] = &["account", "dry_run", "idempotency_key", "confirm_token"];

/// A published schema with its validator, compiled at the tool's first call.
#[derive(Debug)]
pub struct ArgumentsSchema {
    value: Value,
    short: OnceLock<Arc<Map<String, Value>>>,
    validator: OnceLock<Result<jsonschema::Validator, String>>,
}

impl PartialEq for ArgumentsSchema {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl ArgumentsSchema {
    /// Wraps a schema.
    pub fn new(value: Value) -> Self {
        Self {
            value,
            short: OnceLock::new(),
            validator: OnceLock::new(),
        }
    }

    /// The schema as published.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The schema as lists show it: without what costs a model's context and helps it little, such as patterns,
    /// lengths and ranges. They hold all the same, and a call that breaks one is told so.
    pub fn short(&self) -> &Arc<Map<String, Value>> {
        self.short.get_or_init(|| {
            let mut short = self.value.as_object().cloned().unwrap_or_default();
            shorten(&mut short);
            Arc::new(short)
        })
    }

    /// The validator.
    ///
    /// # Errors
    /// `INTERNAL` when the schema itself is wrong.
    pub fn validator(&self) -> Result<&jsonschema::Validator, Error> {
        self.validator
            .get_or_init(|| {
                jsonschema::options()
                    .should_validate_formats(true)
                    .build(&self.value)
                    .map_err(|error| error.to_string())
            })
            .as_ref()
            .map_err(|error| Error::internal(error.clone()))
    }
}

fn shorten(schema: &mut Map<String, Value>) {
    for keyword in [
        "pattern",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "maxProperties",
        "minimum",
        "maximum",
        "format",
        "default",
    ] {
        // A property may have such a name; a keyword is never an object.
        if schema.get(keyword).is_some_and(|value| !value.is_object()) {
            schema.remove(keyword);
        }
    }
    for value in schema.values_mut() {
        if let Value::Object(inner) = value {
            // What is inside is closed: no model thinks otherwise.
            if inner.get("additionalProperties") == Some(&Value::Bool(false)) {
                inner.remove("additionalProperties");
            }
            shorten(inner);
        }
    }
}

/// The schema of a type, sub-schemas in line, as a tool's argument struct gives it.
pub fn of<T: JsonSchema>() -> Schema {
    let mut schema = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .into_generator()
        .into_root_schema_for::<T>();
    let object = schema.ensure_object();
    split_description(object);
    plain(object);
    schema
}

/// Drops what clients trip over: `null` beside a type, titles, number formats, nulls as defaults.
fn plain(object: &mut Map<String, Value>) {
    object.remove("title");
    if let Some("int32" | "int64" | "uint" | "uint8" | "uint16" | "uint32" | "uint64" | "double") =
        object.get("format").and_then(Value::as_str)
    {
        object.remove("format");
    }
    // What holds anyway.
    if object.get("additionalProperties") == Some(&Value::Bool(true)) {
        object.remove("additionalProperties");
    }
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|t| t != "null");
        if types.len() == 1 {
            let only = types.remove(0);
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|v| !v.is_null());
    }
    // `Option<Enum>` becomes `anyOf: [the enum, null]`: keep the one that is left.
    if let Some(Value::Array(mut any)) = object.remove("anyOf") {
        any.retain(|s| s.get("type").is_none_or(|t| t != "null"));
        match <[Value; 1]>::try_from(any) {
            Ok([Value::Object(only)]) => {
                for (key, value) in only {
                    object.entry(key).or_insert(value);
                }
            }
            Ok([other]) => {
                object.insert("anyOf".into(), json!([other]));
            }
            Err(any) => {
                object.insert("anyOf".into(), any.into());
            }
        }
    }
    flatten_unit_enum(object);
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = one_line(text);
    }
    for key in [
        "properties",
        "items",
        "prefixItems",
        "anyOf",
        "oneOf",
        "allOf",
        "additionalProperties",
    ] {
        match object.get_mut(key) {
            Some(Value::Object(inner)) if key == "properties" => {
                inner
                    .values_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(plain);
            }
            Some(Value::Object(inner)) => plain(inner),
            Some(Value::Array(inner)) => {
                inner
                    .iter_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(plain);
            }
            _ => {}
        }
    }
}

/// An enum whose variants have doc comments comes as `oneOf` of constants; a plain `enum` says the same.
fn flatten_unit_enum(object: &mut Map<String, Value>) {
    let Some(Value::Array(variants)) = object.get("oneOf") else {
        return;
    };
    let mut values = Vec::new();
    for variant in variants {
        match (
            variant.get("const"),
            variant.get("enum").and_then(Value::as_array),
        ) {
            (Some(value), _) => values.push(value.clone()),
            (None, Some(more)) => values.extend(more.iter().cloned()),
            (None, None) => return,
        }
    }
    object.remove("oneOf");
    object.insert("type".into(), "string".into());
    object.insert("enum".into(), values.into());
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The part of a doc comment that goes to the model: everything before the first heading.
fn for_model(doc: &str) -> String {
    let end = if doc.starts_with('#') {
        0
    } else {
        doc.find("\n#").unwrap_or(doc.len())
    };
    one_line(&doc[..end])
}

/// What a tool looks like to the outside.
pub(crate) fn tool_info(spec: &'static Spec, schema: Schema, accounts: &[&str]) -> ToolInfo {
    let mut schema = schema;
    let object = schema.ensure_object();
    let description = match object.remove("description") {
        Some(Value::String(doc)) => doc,
        _ => String::new(),
    };
    object
        .entry("additionalProperties")
        .or_insert(Value::Bool(false));
    if let Value::Object(properties) = object.entry("properties").or_insert_with(|| json!({})) {
        add_common(properties, spec, accounts);
        if properties.is_empty() {
            object.remove("properties");
        }
    }
    ToolInfo {
        spec,
        description,
        schema: ArgumentsSchema::new(schema.to_value()),
    }
}

fn add_common(properties: &mut Map<String, Value>, spec: &Spec, accounts: &[&str]) {
    let mut add = |name: &str, schema: Value| {
        properties.insert(name.to_owned(), schema);
    };
    if accounts.len() > 1 {
        add(
            "account",
            json!({"type": "string", "enum": accounts, "description": "Whose account."}),
        );
    }
    if spec.writes() {
        add(
            "dry_run",
            json!({"type": "boolean", "description": "Preview."}),
        );
    }
    if spec.writes() && !spec.idempotent {
        add(
            "idempotency_key",
            json!({"type": "string", "minLength": 1, "maxLength": 255,
                   "description": "Done once."}),
        );
    }
    if spec.effect == Effect::Destructive || spec.asks {
        add(
            "confirm_token",
            json!({"type": "string", "maxLength": 2048,
                   "description": "From CONFIRMATION_REQUIRED."}),
        );
    }
}

/// The JSON pointer of a place in arguments.
pub(crate) fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer.push_str(variant),
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

/// The description of a type's doc comment as the model gets it. Called before whitespace is folded.
fn split_description(schema: &mut Map<String, Value>) {
    if let Some(Value::String(doc)) = schema.get_mut("description") {
        *doc = for_model(doc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// Send a thing.
    /// It goes
    /// far.
    ///
    /// # Errors
    /// None of the model's business.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema counts")]
    struct Arguments {
        /// Whom
        /// it goes to.
        to: String,
        /// How many.
        #[schemars(range(min = 1, max = 9))]
        count: Option<u32>,
        /// Which kind.
        kind: Option<Kind>,
        /// Parts.
        #[serde(default)]
        parts: Vec<Part>,
        /// Anything at all.
        extra: Option<Value>,
        /// Ratio.
        ratio: Option<f64>,
        /// Labels.
        labels: Option<std::collections::BTreeMap<String, String>>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        /// The first.
        First,
        /// The second.
        Second,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema counts")]
    struct Part {
        /// Its kind.
        kind: Option<Kind>,
        /// Its size.
        size: u64,
    }

    static READ: Spec = Spec::read("acme_read");
    static WRITE: Spec = Spec::write("acme_write");
    static SET: Spec = Spec::write("acme_set").idempotent();
    static DELETE: Spec = Spec::destructive("acme_delete");

    fn info(spec: &'static Spec, accounts: &[&str]) -> ToolInfo {
        tool_info(spec, of::<Arguments>(), accounts)
    }

    fn walk(schema: &Value, visit: &mut impl FnMut(&Map<String, Value>)) {
        match schema {
            Value::Object(object) => {
                visit(object);
                object.values().for_each(|value| walk(value, visit));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
            _ => {}
        }
    }

    #[test]
    fn a_schema_is_flat_closed_and_without_what_clients_trip_over() {
        let info = info(&WRITE, &["a", "b"]);
        let schema = info.schema.value();
        walk(schema, &mut |object| {
            for word in [
                "$ref", "$defs", "$schema", "title", "anyOf", "oneOf", "allOf", "format",
            ] {
                assert!(!object.contains_key(word), "{word} in {object:?}");
            }
            assert!(
                !object.get("type").is_some_and(Value::is_array),
                "{object:?}"
            );
            assert!(
                !object.get("default").is_some_and(Value::is_null),
                "{object:?}"
            );
        });
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["to"]));
        let properties = &schema["properties"];
        assert_eq!(properties["kind"]["enum"], json!(["first", "second"]));
        assert_eq!(properties["kind"]["description"], "Which kind.");
        assert_eq!(
            properties["parts"]["items"]["properties"]["kind"]["enum"],
            json!(["first", "second"])
        );
        assert_eq!(properties["parts"]["items"]["additionalProperties"], false);
        assert_eq!(properties["count"]["type"], "integer");
        assert_eq!(properties["count"]["maximum"], 9);
        assert!(schema.get("description").is_none());
    }

    #[test]
    fn the_model_reads_what_stands_before_the_first_heading() {
        let info = info(&READ, &["default"]);
        assert_eq!(info.description, "Send a thing. It goes far.");
        assert_eq!(
            info.schema.value()["properties"]["to"]["description"],
            "Whom it goes to."
        );
        assert_eq!(for_model("# Heading first"), "");
        assert_eq!(for_model("Number #1 is\nfine\n# no"), "Number #1 is fine");
    }

    #[test]
    fn common_arguments_follow_from_the_effect() {
        let has = |spec: &'static Spec, accounts: &[&str]| -> Vec<&'static str> {
            let info = info(spec, accounts);
            let properties = info.schema.value()["properties"]
                .as_object()
                .unwrap()
                .clone();
            COMMON
                .iter()
                .copied()
                .filter(|name| properties.contains_key(*name))
                .collect()
        };
        assert!(has(&READ, &["default"]).is_empty());
        assert_eq!(has(&READ, &["a", "b"]), ["account"]);
        assert_eq!(has(&WRITE, &["default"]), ["dry_run", "idempotency_key"]);
        assert_eq!(has(&SET, &["default"]), ["dry_run"]);
        assert_eq!(
            has(&DELETE, &["default"]),
            ["dry_run", "idempotency_key", "confirm_token"]
        );
    }

    #[test]
    fn the_validator_takes_what_the_schema_says() {
        let info = info(&WRITE, &["default"]);
        let valid = |args: Value| info.schema.validator().unwrap().is_valid(&args);
        assert!(valid(
            json!({"to": "x", "kind": "first", "extra": {"a": [null]}, "labels": {"a": "b"}})
        ));
        assert!(!valid(json!({"to": "x", "kind": "third"})));
        assert!(!valid(
            json!({"to": "x", "parts": [{"size": 1, "colour": 2}]})
        ));
        assert!(!valid(json!({"to": "x", "labels": {"a": 1}})));
        assert!(!valid(json!([])));
    }
}
