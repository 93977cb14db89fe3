//! What of HubSpot's resources is shown: the members an agent uses, without empty ones.

use business_tools_core::Detail;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::client::Resource;

/// Properties that every record brings and that say what its other members say already.
const REPEATED: &[&str] = &[
    "hs_object_id",
    "createdate",
    "hs_createdate",
    "lastmodifieddate",
    "hs_lastmodifieddate",
];

/// A CRM record as it is shown: `id`, times, `properties` by name, and links if they were asked for.
///
/// All values of properties are text, as the API has them.
#[derive(Debug, Clone, Serialize)]
pub struct Record(Map<String, Value>);

impl Record {
    /// A record with the properties that have a value, or with full detail all that HubSpot gave.
    pub(crate) fn of(mut raw: Resource, asked: &[String], detail: Option<Detail>) -> Self {
        let full = detail == Some(Detail::Full);
        let mut shown = Map::new();
        for (from, to) in [
            ("id", "id"),
            ("url", "url"),
            ("createdAt", "created_at"),
            ("updatedAt", "updated_at"),
            ("archivedAt", "archived_at"),
        ] {
            if let Some(value) = raw.shift_remove(from).filter(|value| !value.is_null()) {
                shown.insert(to.to_owned(), value);
            }
        }
        let archived = raw.shift_remove("archived");
        if full || archived == Some(true.into()) {
            shown.insert("archived".to_owned(), archived.unwrap_or(false.into()));
        }
        let properties = match raw.shift_remove("properties") {
            Some(Value::Object(properties)) => properties,
            _ => Map::new(),
        };
        let keep = |name: &str, value: &Value| {
            let empty = value.is_null() || value == "";
            full || !(empty || REPEATED.contains(&name) && !asked.iter().any(|asked| asked == name))
        };
        let properties: Map<String, Value> = properties
            .into_iter()
            .filter(|(name, value)| keep(name, value))
            .collect();
        shown.insert("properties".to_owned(), properties.into());
        if let Some(Value::Object(links)) = raw.shift_remove("associations") {
            shown.extend(linked(&links));
        }
        if full {
            // HubSpot's own label of an item in a batch is no part of the record.
            raw.shift_remove("objectWriteTraceId");
            shown.extend(raw);
        }
        Self(shown)
    }

    /// A text among its properties.
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.0["properties"].get(name)?.as_str()
    }

    /// Takes a property away that only we wanted.
    pub(crate) fn without(mut self, name: &str) -> Self {
        if let Some(Value::Object(properties)) = self.0.get_mut("properties") {
            properties.shift_remove(name);
        }
        self
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        self.0.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}

/// The ids of linked records by kind, each once, and the kinds of which there are more than these.
fn linked(links: &Map<String, Value>) -> Map<String, Value> {
    let mut ids: Map<String, Value> = Map::new();
    let mut more = Vec::new();
    for (kind, list) in links {
        let mut of_kind: Vec<&Value> = Vec::new();
        for link in list["results"].as_array().into_iter().flatten() {
            if !of_kind.contains(&&link["id"]) {
                of_kind.push(&link["id"]);
            }
        }
        if list["paging"]["next"].is_object() {
            more.push(kind.clone());
        }
        ids.insert(kind.clone(), json!(of_kind));
    }
    let mut shown = Map::new();
    shown.insert("associations".to_owned(), ids.into());
    if !more.is_empty() {
        shown.insert("more_associations".to_owned(), more.into());
    }
    shown
}

/// The members of a resource under our names, without those that are null.
pub(crate) fn pick(raw: &Value, members: &[(&str, &str)]) -> Map<String, Value> {
    let mut shown = Map::new();
    for (from, to) in members {
        if let Some(value) = raw.get(*from).filter(|value| !value.is_null()) {
            shown.insert((*to).to_owned(), value.clone());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(raw: Value, asked: &[&str], detail: Option<Detail>) -> Value {
        let Value::Object(raw) = raw else {
            panic!("an object")
        };
        let asked: Vec<_> = asked.iter().map(|name| (*name).to_owned()).collect();
        serde_json::to_value(Record::of(raw, &asked, detail)).unwrap()
    }

    fn contact() -> Value {
        json!({"id": "512", "createdAt": "2026-10-30T03:30:17.883Z", "updatedAt": "2026-10-30T03:30:17.883Z",
               "archived": false, "properties": {"email": "ada@example.com", "phone": null, "company": "",
               "hs_object_id": "512", "createdate": "2026-10-30T03:30:17.883Z"}})
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        assert_eq!(
            shown(contact(), &[], None),
            json!({"id": "512", "created_at": "2026-10-30T03:30:17.883Z", "updated_at": "2026-10-30T03:30:17.883Z",
                   "properties": {"email": "ada@example.com"}})
        );
        let asked = shown(contact(), &["createdate"], None);
        assert_eq!(
            asked["properties"]["createdate"],
            "2026-10-30T03:30:17.883Z"
        );
    }

    #[test]
    fn full_detail_keeps_all() {
        let full = shown(contact(), &[], Some(Detail::Full));
        assert_eq!(full["archived"], false);
        assert_eq!(full["properties"].as_object().unwrap().len(), 5);
        assert!(full["properties"]["phone"].is_null());
    }

    #[test]
    fn links_are_ids_each_once() {
        let mut raw = contact();
        raw["associations"] = json!({"companies": {"results": [{"id": "7", "type": "contact_to_company"},
            {"id": "7", "type": "contact_to_company_unlabeled"}], "paging": {"next": {"after": "x"}}}});
        let record = shown(raw, &[], None);
        assert_eq!(record["associations"], json!({"companies": ["7"]}));
        assert_eq!(record["more_associations"], json!(["companies"]));
    }
}
