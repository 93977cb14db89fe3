//! Schemas of OpenAPI 3.0 as JSON Schema: references resolved in the document itself, `nullable` understood.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use business_tools_sandbox::sse;
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
    /// Validators by the text of their schemas: a large description takes long to build.
    built: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Schemas {
    pub(super) fn new(document: &Value) -> Self {
        let mut components = document.get("components").cloned().unwrap_or_default();
        translate(&mut components);
        Self {
            components,
            built: Mutex::default(),
        }
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

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = built.entry(schema.to_string());
        Arc::clone(validator.or_insert_with(|| Arc::new(self.build(schema))))
    }

    /// Compiles a schema with nothing but what it refers to: a description has hundreds of them.
    fn build(&self, schema: &Value) -> Validator {
        let mut schema = schema.clone();
        translate(&mut schema);
        let components = self.needed(&schema);
        let root = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": components,
        });
        jsonschema::options()
            .build(&root)
            .expect("the description holds schemas")
    }

    /// The components that a schema refers to, directly and through others.
    fn needed(&self, schema: &Value) -> Value {
        let (mut wanted, mut seen) = (BTreeSet::new(), BTreeSet::new());
        references(schema, &mut wanted);
        let mut needed = json!({});
        while let Some((kind, name)) = wanted.pop_first() {
            let Some(found) = self.components.get(&kind).and_then(|all| all.get(&name)) else {
                continue;
            };
            if seen.insert((kind.clone(), name.clone())) {
                references(found, &mut wanted);
                needed[kind][name] = found.clone();
            }
        }
        needed
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
        self.walk(&[schema], value, "", &mut found);
        found.retain(|at| !examples.know(at));
        found
    }

    fn walk(&self, schemas: &[&Value], value: &Value, at: &str, found: &mut Vec<String>) {
        let suiting = schemas
            .iter()
            .filter_map(|schema| self.suiting(schema, value));
        let branches: Vec<&Value> = suiting.flatten().collect();
        match value {
            Value::Array(items) => {
                let inner: Vec<_> = branches.iter().filter_map(|s| s.get("items")).collect();
                for item in items {
                    self.walk(&inner, item, &format!("{at}/*"), found);
                }
            }
            Value::Object(members) => {
                let is_object = |s: &Value| s["type"] == "object" || s.get("properties").is_some();
                let open = branches
                    .iter()
                    .any(|s| match s.get("additionalProperties") {
                        Some(more) => *more != false,
                        None => s["type"] == "object" && s.get("properties").is_none(),
                    });
                if !branches.iter().any(|s| is_object(s)) {
                    return;
                }
                for (name, member) in members {
                    let place = format!("{at}/{name}");
                    let inner = branches.iter().filter_map(|s| s["properties"].get(name));
                    let inner: Vec<_> = inner.collect();
                    match inner.as_slice() {
                        [] if open => {}
                        [] => found.push(place),
                        inner => self.walk(inner, member, &place, found),
                    }
                }
            }
            _ => {}
        }
    }

    /// The schema and all that it is put together from.
    pub(super) fn branches<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let schema = self.resolve(schema);
        let parts = ["allOf", "anyOf", "oneOf"].into_iter();
        let parts = parts
            .filter_map(|key| schema.get(key)?.as_array())
            .flatten();
        let parts = parts.flat_map(|part| self.branches(part));
        std::iter::once(schema).chain(parts).collect()
    }

    /// The schema of a member, wherever it stands among the branches; null if nowhere.
    pub(super) fn member<'a>(&'a self, schema: &'a Value, name: &str) -> &'a Value {
        let branches = self.branches(schema).into_iter();
        let mut found = branches.filter_map(|branch| branch["properties"].get(name));
        found.next().unwrap_or(&Value::Null)
    }

    /// The branches that can be meant by the value: those that its type and its marks do not rule out.
    fn suiting<'a>(&'a self, schema: &'a Value, value: &Value) -> Option<Vec<&'a Value>> {
        let schema = self.resolve(schema);
        if rules_out(schema, value) {
            return None;
        }
        let mut found = vec![schema];
        for part in schema["allOf"].as_array().into_iter().flatten() {
            found.extend(self.suiting(part, value)?);
        }
        for key in ["anyOf", "oneOf"] {
            let parts = schema[key].as_array().into_iter().flatten();
            found.extend(parts.filter_map(|part| self.suiting(part, value)).flatten());
        }
        Some(found)
    }
}

/// The components that are named anywhere in a schema, as kind and name.
fn references(schema: &Value, found: &mut BTreeSet<(String, String)>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            let path = target.and_then(|target| target.strip_prefix("#/components/"));
            let mut parts = path.into_iter().flat_map(|path| path.split('/'));
            if let (Some(kind), Some(name)) = (parts.next(), parts.next()) {
                let name = name.replace("~1", "/").replace("~0", "~");
                found.insert((kind.to_owned(), name));
            }
            members
                .values()
                .for_each(|member| references(member, found));
        }
        _ => {}
    }
}

/// Whether the type of the schema, or a member that can have one value only, speaks against the value.
fn rules_out(schema: &Value, value: &Value) -> bool {
    let other_type = match schema["type"].as_str() {
        Some("object") => !value.is_object(),
        Some("array") => !value.is_array(),
        _ => false,
    };
    let marks = schema["properties"].as_object().into_iter().flatten();
    let mut marks = marks.filter_map(|(name, inner)| {
        let only = match inner["enum"].as_array().map(Vec::as_slice) {
            Some([only]) => only,
            _ => inner.get("const")?,
        };
        Some((value.get(name)?, only))
    });
    other_type || marks.any(|(given, only)| given != only)
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

    /// Those that stand beside an operation, as JSON in text.
    pub(super) fn of_operation(operation: &Value) -> Self {
        let mut all = Self::default();
        let examples = &operation["x-oaiMeta"]["examples"];
        let list = examples
            .as_array()
            .map_or(std::slice::from_ref(examples), Vec::as_slice);
        let texts = list
            .iter()
            .filter_map(|example| example["response"].as_str());
        for text in texts {
            // Streams are shown with all their events.
            let whole = std::iter::once(text.to_owned());
            for json in whole.chain(sse::read(text)) {
                if let Ok(value) = serde_json::from_str(&json) {
                    all.take(&value, "");
                }
            }
        }
        all
    }

    /// These and those.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
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
            // Objects may have more members, so one of several objects is often several of them.
            if let Some(branches) = object
                .get("oneOf")
                .filter(|branches| branches.is_array())
                .cloned()
                && !object.contains_key("anyOf")
            {
                object.remove("oneOf");
                object.insert("anyOf".into(), branches);
            }
            unknown_form(object);
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

/// An object whose members are listed, and are none: how generators write a value of any form.
fn unknown_form(object: &mut Map<String, Value>) {
    let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    let says_more = |key: &String| {
        !matches!(
            key.as_str(),
            "type" | "properties" | "description" | "example"
        )
    };
    if object.get("type") == Some(&"object".into())
        && object.get("properties").is_some_and(is_empty)
        && !object.keys().any(says_more)
    {
        object.remove("type");
        object.remove("properties");
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
