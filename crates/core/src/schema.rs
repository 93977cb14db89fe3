//! Schemas of tools: flat, closed, without `null`, in the dialect that every client reads.

use std::sync::OnceLock;

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
    validator: OnceLock<Result<jsonschema::Validator, String>>,
}

impl ArgumentsSchema {
    /// Wraps a schema.
    pub fn new(value: Value) -> Self {
        Self {
            value,
            validator: OnceLock::new(),
        }
    }

    /// The schema as published.
    pub fn value(&self) -> &Value {
        &self.value
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
            json!({"type": "boolean", "description": "Show the request, send nothing."}),
        );
    }
    if spec.writes() && !spec.idempotent {
        add(
            "idempotency_key",
            json!({"type": "string", "minLength": 1, "maxLength": 255,
                   "description": "Same key: done once."}),
        );
    }
    if spec.effect == Effect::Destructive || spec.asks {
        add(
            "confirm_token",
            json!({"type": "string", "maxLength": 2048,
                   "description": "From CONFIRMATION_REQUIRED, once the user agreed."}),
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
