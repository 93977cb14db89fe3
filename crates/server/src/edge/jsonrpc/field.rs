//! One member of an object, with the place of a fault.

use serde_json::{Map, Value};

use super::Fault;
use super::shape::is_id;

/// What is wrong, with its place.
pub(super) type Wrong = (Fault, String);

/// An object and the place where it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) object: &'a Map<String, Value>,
    place: &'a str,
    fault: Fault,
}

impl<'a> At<'a> {
    pub(super) fn new(object: &'a Map<String, Value>, place: &'a str, fault: Fault) -> Self {
        Self { object, place, fault }
    }

    fn wrong<T>(&self, name: &str, what: &str) -> Result<T, Wrong> {
        Err((self.fault, format!("`{}{name}` must be {what}", self.place)))
    }

    /// The member, unless it is absent or null.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Checks a member that may be absent.
    pub(super) fn optional(&self, name: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Result<(), Wrong> {
        match self.get(name) {
            Some(value) if !fits(value) => self.wrong(name, what),
            _ => Ok(()),
        }
    }

    /// Checks a member that must be there.
    pub(super) fn required(&self, name: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Result<(), Wrong> {
        match self.get(name) {
            Some(value) if fits(value) => Ok(()),
            _ => self.wrong(name, what),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<(), Wrong> {
        self.required(name, "a string", Value::is_string)
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<(), Wrong> {
        self.optional(name, "a string", Value::is_string)
    }

    pub(super) fn optional_object(&self, name: &str) -> Result<(), Wrong> {
        self.optional(name, "an object", Value::is_object)
    }

    pub(super) fn optional_id(&self, name: &str) -> Result<(), Wrong> {
        self.optional(name, "a string or an integer", is_id)
    }

    /// The object of that name, which must be there.
    pub(super) fn object(&self, name: &str) -> Result<&'a Map<String, Value>, Wrong> {
        match self.get(name) {
            Some(Value::Object(object)) => Ok(object),
            _ => self.wrong(name, "an object"),
        }
    }

    /// Checks that a part of the protocol reads the object too: nested members that are not worth a line here.
    pub(super) fn reads_as<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        value: &Value,
    ) -> Result<(), Wrong> {
        match T::deserialize(value) {
            Ok(_) => Ok(()),
            Err(_) => Err((self.fault, format!("`{}{name}` has a member of a wrong type", self.place))),
        }
    }
}

/// An object whose every value is a string.
pub(super) fn is_text_map(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.values().all(Value::is_string))
}
