//! What arguments of several tools are made of.

use std::borrow::Cow;

use business_tools_core::Faults;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::objects;

const KIND: &str = "^[A-Za-z0-9_-]{1,100}$";

/// A kind of records, by the name that HubSpot's paths have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct ObjectType(String);

impl ObjectType {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ObjectType {
    fn from(text: String) -> Self {
        Self(objects::usual_name(&text).map_or(text, str::to_owned))
    }
}

impl JsonSchema for ObjectType {
    fn schema_name() -> Cow<'static, str> {
        "ObjectType".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": KIND,
            "description": "contacts, deals, 2-123…",
        })
    }
}

/// Kinds of records.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Kinds(pub(crate) Vec<ObjectType>);

impl JsonSchema for Kinds {
    fn schema_name() -> Cow<'static, str> {
        "Kinds".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": {"type": "string", "pattern": KIND},
            "maxItems": 10,
            "description": "Linked types to show.",
        })
    }
}

/// Names of properties.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Names(pub(crate) Vec<String>);

impl JsonSchema for Names {
    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,120}$"},
            "maxItems": 100,
            "description": "Else the usual.",
        })
    }
}

/// The properties to ask for: those named, or the usual ones of the kind.
pub(crate) fn wanted(names: Option<&Names>, kind: &ObjectType) -> Vec<String> {
    match names {
        Some(Names(names)) => names.clone(),
        None => objects::usual_properties(kind.as_str())
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
    }
}

/// Values of properties by name, as a caller writes them.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Values(pub(crate) Map<String, Value>);

impl JsonSchema for Values {
    fn schema_name() -> Cow<'static, str> {
        "Values".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "maxProperties": 200,
            "description": "By name; \"\" clears.",
        })
    }
}

/// The longest value of a property.
const LONGEST: usize = 65_536;

impl Values {
    /// Names that are none, and values that no property has.
    pub(crate) fn check(&self, at: &str, faults: &mut Faults) {
        for (name, value) in &self.0 {
            if !is_property(name) {
                faults.add(
                    at,
                    "has a name that no property can have; hubspot_list_properties tells them",
                );
                continue;
            }
            match text(value) {
                None => faults.add(
                    format!("{at}/{name}"),
                    "must be text, a number or a boolean; several choices are one text, such as a;b",
                ),
                Some(text) if text.chars().count() > LONGEST => {
                    faults.add(format!("{at}/{name}"), "has more than 65,536 characters");
                }
                Some(_) => {}
            }
        }
    }

    /// The values as the API wants them: text, all of them.
    pub(crate) fn texts(&self) -> Map<String, Value> {
        let texts = self.0.iter();
        let texts = texts.filter_map(|(name, value)| Some((name.clone(), text(value)?.into())));
        texts.collect()
    }
}

fn is_property(name: &str) -> bool {
    (1..=120).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// A value as text. Null clears, as empty text does.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The records that a new one is linked to, such as `contacts/512`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Links(pub(crate) Vec<String>);

impl JsonSchema for Links {
    fn schema_name() -> Cow<'static, str> {
        "Links".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}/[0-9]{1,20}$"},
            "maxItems": 50,
            "description": "Links: contacts/512.",
        })
    }
}

impl Links {
    /// Each link as the kind and the id of the other record.
    fn parts(&self) -> impl Iterator<Item = (ObjectType, &str)> {
        self.0.iter().filter_map(|link| {
            let (kind, id) = link.split_once('/')?;
            Some((ObjectType::from(kind.to_owned()), id))
        })
    }

    pub(crate) fn check(&self, at: &str, from: &str, faults: &mut Faults) {
        for (n, (to, _)) in self.parts().enumerate() {
            if objects::plain_link(from, to.as_str()).is_none() {
                faults.add(
                    format!("{at}/{n}"),
                    "must be contacts, companies, deals or tickets; link others with hubspot_create_association",
                );
            }
        }
    }

    /// The links as the body of a new record has them.
    pub(crate) fn body(&self, from: &str) -> Value {
        let link = |(to, id): (ObjectType, &str)| {
            let number = objects::plain_link(from, to.as_str())?;
            Some(serde_json::json!({
                "to": {"id": id},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}],
            }))
        };
        self.parts().filter_map(link).collect()
    }
}

/// An id of HubSpot's own.
pub(crate) const ID: &str = "^[0-9]{1,20}$";

/// Whether an id names a record: a number, or any value of the property that `id_property` names.
pub(crate) fn check_id(at: &str, id: &str, id_property: Option<&String>, faults: &mut Faults) {
    let number = (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    if id_property.is_none() && !number {
        faults.add(
            at,
            "must be a number; for another unique value name its property in `id_property`",
        );
    }
    // These vanish from a path, and the request would go to all records.
    if matches!(id, "." | "..") || id.trim().is_empty() || id.chars().any(char::is_control) {
        faults.add(at, "is not the value of a property");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(with: impl FnOnce(&mut Faults)) -> String {
        let mut faults = Faults::default();
        with(&mut faults);
        faults
            .into_result()
            .err()
            .map(|error| error.message().to_owned())
            .unwrap_or_default()
    }

    #[test]
    fn values_become_text() {
        let values: Values =
            serde_json::from_value(json!({"a": "x", "b": 1.5, "c": true, "d": null})).unwrap();
        assert_eq!(faults(|faults| values.check("/p", faults)), "");
        assert_eq!(
            Value::Object(values.texts()),
            json!({"a": "x", "b": "1.5", "c": "true", "d": ""})
        );
    }

    #[test]
    fn values_that_no_property_has_are_told_with_their_place() {
        let values: Values =
            serde_json::from_value(json!({"a b": 1, "list": ["x"], "long": "x".repeat(70_000)}))
                .unwrap();
        let told = faults(|faults| values.check("/p", faults));
        for part in [
            "/p: has a name",
            "/p/list: must be text",
            "/p/long: has more",
        ] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn links_get_their_numbers() {
        let links = Links(vec!["contact/512".to_owned(), "companies/7".to_owned()]);
        assert_eq!(faults(|faults| links.check("/l", "notes", faults)), "");
        let body = links.body("notes");
        assert_eq!(body[0]["to"]["id"], "512");
        assert_eq!(body[0]["types"][0]["associationTypeId"], 202);
        assert_eq!(body[1]["types"][0]["associationTypeId"], 190);
        let custom = Links(vec!["2-123/1".to_owned()]);
        assert!(faults(|faults| custom.check("/l", "notes", faults)).contains("/l/0"));
    }

    #[test]
    fn an_id_never_leads_to_another_path() {
        let email = Some("email".to_owned());
        for (id, property, good) in [
            ("512", None, true),
            ("a@b.example", None, false),
            ("a@b.example", email.as_ref(), true),
            ("..", email.as_ref(), false),
            (".", email.as_ref(), false),
            (" ", email.as_ref(), false),
            ("a\nb", email.as_ref(), false),
            ("a/b?c#d", email.as_ref(), true),
        ] {
            let told = faults(|faults| check_id("/id", id, property, faults));
            assert_eq!(told.is_empty(), good, "{id}: {told}");
        }
    }
}
