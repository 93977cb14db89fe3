//! Many records in one request, each with an outcome of its own.

use std::collections::BTreeMap;

use business_tools_core::http::Method;
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{READ, RECORDS, STALE, WRITE};
use crate::client::{Pairs, Resource};
use crate::types::{Names, ObjectType, Values, check_id, wanted};
use crate::view::Record;
use crate::{HubSpot, fault};

/// What HubSpot answers to a batch, whether all of it went well or not.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Resource>,
    #[serde(default)]
    errors: Vec<Value>,
}

/// The same value twice in one request is refused as a whole.
fn check_unique<'a>(at: &str, ids: impl Iterator<Item = &'a str>, faults: &mut Faults) {
    let mut seen = BTreeMap::new();
    for (n, id) in ids.enumerate() {
        if let Some(first) = seen.insert(id.trim().to_lowercase(), n) {
            faults.add(
                format!("{at}/{n}"),
                format!("is the same as number {first}"),
            );
        }
    }
}

/// The errors of a batch, by the items that they name.
struct Blame {
    named: BTreeMap<String, Value>,
    /// An error that names nobody: about every item without an outcome.
    rest: Option<Value>,
}

impl Blame {
    /// `members` of the context hold the names.
    fn of(errors: &[Value], members: &[&str]) -> Self {
        let mut blame = Self {
            named: BTreeMap::new(),
            rest: None,
        };
        for error in errors {
            let told = fault::of_item(error);
            let listed = members
                .iter()
                .filter_map(|member| error["context"][*member].as_array())
                .flatten()
                .chain([&error["id"]]);
            let mut found = false;
            for name in listed.filter_map(Value::as_str) {
                found = true;
                blame
                    .named
                    .entry(name.to_owned())
                    .or_insert_with(|| told.clone());
            }
            if !found {
                blame.rest.get_or_insert(told);
            }
        }
        blame
    }

    /// What became of an item that has no result.
    fn about(&self, id: &str, silent: &str) -> Value {
        let known = self.named.get(id).or(self.rest.as_ref());
        known.cloned().unwrap_or_else(
            || json!({"code": silent, "message": "HubSpot says nothing about this one"}),
        )
    }
}

/// Get up to 100 CRM records, each with its outcome.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/batch/get-contacts> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRecords {
    object_type: ObjectType,
    /// Ids.
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 500)))]
    ids: Vec<String>,
    /// If not ids: email…
    #[schemars(regex(pattern = "^[A-Za-z0-9_]{1,120}$"))]
    id_property: Option<String>,
    properties: Option<Names>,
    /// `next_cursor`.
    #[schemars(length(max = 4096))]
    #[expect(
        dead_code,
        reason = "the API has no pages; what is too long for one result is cut by core"
    )]
    cursor: Option<String>,
}

/// One of the records asked for.
#[derive(Debug, Serialize)]
pub struct Looked {
    /// What it was asked for by.
    pub id: String,
    /// The record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// The records asked for, in that order.
#[derive(Debug, Serialize)]
pub struct LookedUp {
    /// One for each id.
    pub items: Vec<Looked>,
    /// How many have no record.
    pub failed: usize,
}

/// The property in which a contact's further addresses stand.
const MORE_EMAILS: &str = "hs_additional_emails";

impl Tool for GetRecords {
    type Provider = HubSpot;
    type Output = LookedUp;
    const SPEC: Spec = Spec::read("hubspot_get_records")
        .scopes(READ)
        .cached_as(RECORDS, 300)
        .untrusted(&["properties"]);

    fn check(&self, faults: &mut Faults) {
        for (n, id) in self.ids.iter().enumerate() {
            check_id(&format!("/ids/{n}"), id, self.id_property.as_ref(), faults);
        }
        check_unique("/ids", self.ids.iter().map(String::as_str), faults);
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<LookedUp> {
        let mut names = wanted(self.properties.as_ref(), &self.object_type);
        // The value that a record was asked for by is the only sign of whose answer it is.
        let mut extra: Vec<&str> = self.id_property.iter().map(String::as_str).collect();
        if self.id_property.as_deref() == Some("email") {
            extra.push(MORE_EMAILS);
        }
        extra.retain(|name| !names.iter().any(|known| known == name));
        names.extend(extra.iter().map(|name| (*name).to_owned()));
        let inputs: Vec<_> = self.ids.iter().map(|id| json!({ "id": id })).collect();
        let mut body = json!({"inputs": inputs, "properties": names, "propertiesWithHistory": []});
        if let Some(property) = &self.id_property {
            body["idProperty"] = property.as_str().into();
        }
        let url = hubspot
            .client
            .crm("objects", &[self.object_type.as_str(), "batch", "read"]);
        let answer: Answer = hubspot
            .client
            .send(cx, Method::POST, url, Pairs::new(), body)
            .await?;
        let asked = self.properties.map(|names| names.0).unwrap_or_default();
        let mut records = BTreeMap::new();
        for raw in answer.results {
            let record = Record::of(raw, &asked, None);
            for key in keys(&record, self.id_property.as_deref()) {
                records.entry(key).or_insert_with(|| record.clone());
            }
        }
        let blame = Blame::of(&answer.errors, &["ids", "id"]);
        let items: Vec<_> = self
            .ids
            .into_iter()
            .map(|id| {
                let record = records.remove(&key(&id));
                let error = record.is_none().then(|| blame.about(&id, "NOT_FOUND"));
                let unwanted = extra
                    .iter()
                    .filter(|name| !asked.iter().any(|asked| asked == *name));
                let record =
                    record.map(|record| unwanted.fold(record, |record, name| record.without(name)));
                Looked { id, record, error }
            })
            .collect();
        let failed = items.iter().filter(|item| item.record.is_none()).count();
        Ok(LookedUp { items, failed })
    }
}

fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The values that a record may have been asked for by.
fn keys(record: &Record, id_property: Option<&str>) -> Vec<String> {
    let Some(property) = id_property else {
        return vec![record.id().to_owned()];
    };
    let mut keys: Vec<_> = record.property(property).map(key).into_iter().collect();
    if property == "email" {
        let more = record.property(MORE_EMAILS).unwrap_or_default();
        keys.extend(more.split(';').map(key).filter(|key| !key.is_empty()));
    }
    keys
}

// A record to create or to change. A doc comment would stand in the schema.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Upsert {
    /// Value.
    #[schemars(length(min = 1, max = 500))]
    id: String,
    properties: Values,
}

/// Create or update up to 100 CRM records, each with its outcome.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/batch/upsert-contacts> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpsertRecords {
    object_type: ObjectType,
    /// Unique, as email.
    #[schemars(regex(pattern = "^[A-Za-z0-9_]{1,120}$"))]
    id_property: String,
    /// By unique value.
    #[schemars(length(min = 1, max = 100))]
    records: Vec<Upsert>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Became {
    /// It is new.
    Created,
    /// It was there.
    Updated,
    /// It is as it was.
    Failed,
}

/// What became of one of the records.
#[derive(Debug, Serialize)]
pub struct Upserted {
    /// The caller's own value.
    pub id: String,
    /// What became of it.
    pub outcome: Became,
    /// HubSpot's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// What became of all of them, in the order in which they were given.
#[derive(Debug, Serialize)]
pub struct Outcomes {
    /// How many are new.
    pub created: usize,
    /// How many were there.
    pub updated: usize,
    /// How many are as they were.
    pub failed: usize,
    /// One for each record.
    pub results: Vec<Upserted>,
}

impl Tool for UpsertRecords {
    type Provider = HubSpot;
    type Output = Outcomes;
    const SPEC: Spec = Spec::write("hubspot_upsert_records")
        .idempotent()
        .scopes(WRITE)
        .forgets(STALE);

    fn check(&self, faults: &mut Faults) {
        let property = Some(&self.id_property);
        for (n, record) in self.records.iter().enumerate() {
            check_id(&format!("/records/{n}/id"), &record.id, property, faults);
            record
                .properties
                .check(&format!("/records/{n}/properties"), faults);
        }
        check_unique(
            "/records",
            self.records.iter().map(|record| record.id.as_str()),
            faults,
        );
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Outcomes> {
        // The label of an item comes back with its outcome, and without one a single bad item fails all.
        let inputs: Vec<_> = self
            .records
            .iter()
            .enumerate()
            .map(|(n, record)| {
                json!({"id": record.id, "idProperty": self.id_property,
                       "objectWriteTraceId": n.to_string(), "properties": record.properties.texts()})
            })
            .collect();
        let url = hubspot
            .client
            .crm("objects", &[self.object_type.as_str(), "batch", "upsert"]);
        let body = json!({ "inputs": inputs });
        let answer: Answer = hubspot
            .client
            .send(cx, Method::POST, url, Pairs::new(), body)
            .await?;
        let ids: Vec<_> = self.records.into_iter().map(|record| record.id).collect();
        Ok(outcomes(ids, &self.id_property, &answer))
    }
}

fn outcomes(ids: Vec<String>, id_property: &str, answer: &Answer) -> Outcomes {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut labelled = BTreeMap::new();
    let mut by_value = BTreeMap::new();
    for raw in &answer.results {
        if let Some(label) = raw.get("objectWriteTraceId").and_then(text) {
            labelled.insert(label, raw);
        }
        if let Some(value) = raw
            .get("properties")
            .and_then(|all| text(&all[id_property]))
        {
            by_value.insert(key(&value), raw);
        }
    }
    let blame = Blame::of(&answer.errors, &["objectWriteTraceId"]);
    let by_id = Blame::of(&answer.errors, &["ids", "id", id_property]);
    let results: Vec<_> = ids
        .into_iter()
        .enumerate()
        .map(|(n, id)| {
            let label = n.to_string();
            let raw = labelled.get(&label).or_else(|| by_value.get(&key(&id)));
            let outcome = match raw.map(|raw| raw.get("new") == Some(&true.into())) {
                Some(true) => Became::Created,
                Some(false) => Became::Updated,
                None => Became::Failed,
            };
            let error = raw.is_none().then(|| {
                let named = blame.named.get(&label).cloned();
                named.unwrap_or_else(|| by_id.about(&id, "BAD_UPSTREAM_RESPONSE"))
            });
            let record_id = raw.and_then(|raw| raw.get("id")).and_then(text);
            Upserted {
                id,
                outcome,
                record_id,
                error,
            }
        })
        .collect();
    let count = |became| {
        results
            .iter()
            .filter(|result| result.outcome == became)
            .count()
    };
    Outcomes {
        created: count(Became::Created),
        updated: count(Became::Updated),
        failed: count(Became::Failed),
        results,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(answer: Value) -> Vec<(Became, Option<String>, String)> {
        let answer: Answer = serde_json::from_value(answer).unwrap();
        let ids = ["a@x", "B@x"].map(str::to_owned).to_vec();
        let results = outcomes(ids, "email", &answer).results.into_iter();
        results
            .map(|result| {
                let code = result
                    .error
                    .map(|error| error["code"].as_str().unwrap().to_owned());
                (result.outcome, result.record_id, code.unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn an_outcome_is_found_by_its_label_or_else_by_its_value() {
        let one = json!({"id": "1", "new": true, "objectWriteTraceId": "0", "properties": {}});
        let two = json!({"id": "2", "new": false, "properties": {"email": "b@x"}});
        assert_eq!(
            told(json!({"results": [two, one]})),
            [
                (Became::Created, Some("1".to_owned()), String::new()),
                (Became::Updated, Some("2".to_owned()), String::new())
            ]
        );
    }

    #[test]
    fn an_error_is_found_by_label_by_id_or_stands_for_all_that_are_silent() {
        for context in [
            json!({"objectWriteTraceId": ["1"]}),
            json!({"ids": ["B@x"]}),
            json!({}),
        ] {
            let answer = json!({"results": [{"id": "1", "new": true, "objectWriteTraceId": "0"}],
                                "errors": [{"category": "VALIDATION_ERROR", "message": "no", "context": context}]});
            let told = told(answer);
            assert_eq!(told[0].0, Became::Created);
            assert_eq!(
                told[1],
                (Became::Failed, None, "INVALID_REQUEST".to_owned())
            );
        }
        let silent = told(json!({"results": []}));
        assert_eq!(silent[0].2, "BAD_UPSTREAM_RESPONSE");
    }
}
