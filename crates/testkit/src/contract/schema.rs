//! Schemas of OpenAPI 3.0 as JSON Schema: references resolved in the document itself, `nullable` understood.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// A part of the document, or the part that it refers to.
pub(super) fn deref<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    let target = part.get("$ref").and_then(Value::as_str);
    let pointer = target.and_then(|target| target.strip_prefix('#'));
    let found = pointer.and_then(|pointer| document.pointer(pointer));
    found.map_or(part, |found| deref(document, found))
}

/// The schemas of a document.
pub(super) struct Schemas {
    components: Value,
}

impl Schemas {
    pub(super) fn new(document: &Value) -> Self {
        let mut components = document.get("components").cloned().unwrap_or_default();
        translate(&mut components);
        Self { components }
    }

    /// What `value` breaks of `schema`, except where one of `examples` has the same value in the same place.
    ///
    /// Descriptions are written by hand and forget that a member may be null; their examples are real answers.
    pub(super) fn faults(&self, schema: &Value, value: &Value, examples: &Examples) -> Vec<String> {
        let validator = self.validator(schema);
        validator
            .iter_errors(value)
            .filter(|error| {
                let at = place(&error.instance_path().to_string());
                !examples.have(&at, error.instance())
            })
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut schema = schema.clone();
        translate(&mut schema);
        let root = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": self.components,
        });
        jsonschema::options()
            .build(&root)
            .expect("the description holds schemas")
    }

    /// The schema itself, or the one it refers to.
    pub(super) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let target = schema.get("$ref").and_then(Value::as_str);
        let pointer = target.and_then(|target| target.strip_prefix("#/components"));
        let found = pointer.and_then(|pointer| self.components.pointer(pointer));
        found.map_or(schema, |found| self.resolve(found))
    }

    /// Members of `value`, and of objects in its lists and members, that neither the schema nor an example knows.
    ///
    /// OpenAPI lets every object have more members; a simulator that has them made them up.
    pub(super) fn unknown(
        &self,
        schema: &Value,
        value: &Value,
        examples: &Examples,
    ) -> Vec<String> {
        let mut found = Vec::new();
        self.walk(schema, value, "", &mut found);
        found.retain(|at| !examples.know(at));
        found
    }

    fn walk(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let schema = self.resolve(schema);
        match value {
            Value::Array(items) => {
                for item in items {
                    self.walk(&schema["items"], item, &format!("{at}/*"), found);
                }
            }
            Value::Object(members) => {
                let Some(properties) = schema["properties"].as_object() else {
                    return;
                };
                let more = schema.get("additionalProperties");
                let open = more.is_some_and(|more| *more != false);
                for (name, member) in members {
                    let place = format!("{at}/{name}");
                    match properties.get(name) {
                        Some(inner) => self.walk(inner, member, &place, found),
                        None if open => {}
                        None => found.push(place),
                    }
                }
            }
            _ => {}
        }
    }
}

/// A JSON pointer with every place of a list alike.
fn place(pointer: &str) -> String {
    let part = |part: &str| match part.parse::<usize>() {
        Ok(_) => "*".to_owned(),
        Err(_) => part.to_owned(),
    };
    let parts: Vec<_> = pointer.split('/').map(part).collect();
    parts.join("/")
}

/// The answers that a description shows, taken apart.
#[derive(Default)]
pub(super) struct Examples(Vec<(String, Value)>);

impl Examples {
    /// Those of a media type object.
    pub(super) fn of(media: &Value) -> Self {
        let mut all = Self::default();
        if let Some(one) = media.get("example") {
            all.take(one, "");
        }
        let named = media.get("examples").and_then(Value::as_object);
        for example in named.into_iter().flat_map(|named| named.values()) {
            all.take(&example["value"], "");
        }
        all
    }

    fn take(&mut self, value: &Value, at: &str) {
        match value {
            Value::Array(items) => {
                for item in items {
                    self.take(item, &format!("{at}/*"));
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.take(member, &format!("{at}/{name}"));
                }
            }
            _ => {}
        }
        self.0.push((at.to_owned(), value.clone()));
    }

    fn have(&self, at: &str, value: &Value) -> bool {
        self.0
            .iter()
            .any(|(place, shown)| place == at && shown == value)
    }

    fn know(&self, at: &str) -> bool {
        self.0.iter().any(|(place, _)| place == at)
    }
}

/// Turns OpenAPI 3.0 into JSON Schema 2020-12, in place and in depth.
fn translate(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(translate),
        Value::Object(object) => {
            object.values_mut().for_each(translate);
            bounds(object);
            if object.get("nullable").is_some_and(Value::is_boolean)
                && object.remove("nullable") == Some(true.into())
            {
                let inner = Value::Object(std::mem::take(object));
                object.insert("anyOf".into(), json!([inner, {"type": "null"}]));
                // What is asked of a schema itself is still found.
                if let Some(inner) = object["anyOf"][0].as_object().cloned() {
                    for key in ["properties", "items", "additionalProperties"] {
                        if let Some(value) = inner.get(key) {
                            object.insert(key.into(), value.clone());
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

/// `exclusiveMinimum` and `exclusiveMaximum` are flags in OpenAPI 3.0.
fn bounds(object: &mut Map<String, Value>) {
    for (flag, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        if let Some(Value::Bool(exclusive)) = object.get(flag).cloned() {
            object.remove(flag);
            if exclusive && let Some(value) = object.remove(bound) {
                object.insert(flag.into(), value);
            }
        }
    }
}
