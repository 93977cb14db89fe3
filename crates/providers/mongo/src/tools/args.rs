//! What the arguments of the tools are made of.

use std::borrow::Cow;

use bson::Document;
use business_tools_core::Faults;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ejson;
use crate::guard::{Place, Scan, scan, scan_all};

/// A free-form object in Extended JSON.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Object(pub Map<String, Value>);

/// An array of free-form objects in Extended JSON.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Objects(pub Vec<Map<String, Value>>);

impl Object {
    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn scan(&self, at: &str, place: Place, found: &mut Scan, faults: &mut Faults) {
        scan(&self.0, at, place, found, faults);
    }

    pub(crate) fn read(&self, at: &str, faults: &mut Faults) -> Document {
        ejson::document(&self.0, at, faults)
    }
}

impl Objects {
    pub(crate) fn scan(&self, at: &str, place: Place, found: &mut Scan, faults: &mut Faults) {
        scan_all(&self.0, at, place, found, faults);
    }

    pub(crate) fn read(&self, at: &str, faults: &mut Faults) -> Vec<Document> {
        ejson::documents(&self.0, at, faults)
    }
}

/// What an absent filter is.
pub(crate) fn read_or_empty(object: Option<&Object>, at: &str, faults: &mut Faults) -> Document {
    object.map_or_else(Document::new, |object| object.read(at, faults))
}

/// Scans what the server interprets in an optional argument.
pub(crate) fn scan_code(object: Option<&Object>, at: &str, found: &mut Scan, faults: &mut Faults) {
    if let Some(object) = object {
        object.scan(at, Place::Code, found, faults);
    }
}

// Their schemas are written by hand: any member is allowed, and saying so costs tokens in each tool.
impl JsonSchema for Object {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Object".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object"})
    }
}

impl JsonSchema for Objects {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Objects".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array", "items": {"type": "object"}})
    }
}
