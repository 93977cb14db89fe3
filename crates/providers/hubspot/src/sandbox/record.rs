//! One object of the CRM.

use std::collections::BTreeMap;

use business_tools_sandbox::clock;
use business_tools_sandbox::jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::kinds::Type;

/// How many values of a property are remembered.
const PAST: usize = 20;

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: u64,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) archived: Option<Timestamp>,
    /// The values that a property had, newest last; an empty one where it was cleared.
    history: BTreeMap<String, Vec<(String, Timestamp)>>,
}

/// What of a record is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) properties: Vec<String>,
    pub(super) history: Vec<String>,
}

impl Record {
    /// A new record of the account, not yet on its shelf.
    pub(super) fn new(id: u64, now: Timestamp) -> Self {
        Self {
            id,
            properties: BTreeMap::new(),
            created: now,
            updated: now,
            archived: None,
            history: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    /// Give properties their values; an empty one clears.
    pub(super) fn set(&mut self, kind: &Type, values: BTreeMap<String, String>, now: Timestamp) {
        for (name, value) in values {
            self.put(name, value, now);
        }
        self.updated = now;
        self.put("hs_object_id".into(), self.id.to_string(), now);
        if self.get(kind.kind.created).is_none() {
            self.put(
                kind.kind.created.into(),
                clock::rfc3339_millis(self.created),
                now,
            );
        }
        self.put(kind.kind.modified.into(), clock::rfc3339_millis(now), now);
    }

    fn put(&mut self, name: String, value: String, now: Timestamp) {
        if self.get(&name).unwrap_or_default() == value {
            return;
        }
        let past = self.history.entry(name.clone()).or_default();
        if past.len() == PAST {
            past.remove(0);
        }
        past.push((value.clone(), now));
        if value.is_empty() {
            self.properties.remove(&name);
        } else {
            self.properties.insert(name, value);
        }
    }

    /// As it is read: what was asked for, or the few properties that are shown without asking; those without
    /// a value are null.
    pub(super) fn show(
        &self,
        kind: &Type,
        portal: u32,
        wanted: &Wanted,
        known: &dyn Fn(&str) -> bool,
    ) -> Value {
        let always = [kind.kind.created, kind.kind.modified, "hs_object_id"];
        let asked: Vec<&str> = if wanted.properties.is_empty() {
            kind.kind.shown.to_vec()
        } else {
            wanted.properties.iter().map(String::as_str).collect()
        };
        let mut names: Vec<&str> = always.into_iter().chain(asked).collect();
        names.sort_unstable();
        names.dedup();
        let properties: Map<String, Value> = names
            .into_iter()
            .filter(|name| known(name))
            .map(|name| (name.to_owned(), self.get(name).into()))
            .collect();
        let mut shown = self.frame(kind, portal, properties);
        if !wanted.history.is_empty() {
            shown["propertiesWithHistory"] = self.past(&wanted.history).into();
        }
        shown
    }

    /// As it is answered after it was written: everything that has a value.
    pub(super) fn show_whole(&self, kind: &Type, portal: u32) -> Value {
        let whole = self.properties.iter();
        let whole = whole.map(|(name, value)| (name.clone(), value.as_str().into()));
        self.frame(kind, portal, whole.collect())
    }

    fn frame(&self, kind: &Type, portal: u32, properties: Map<String, Value>) -> Value {
        let mut shown = json!({
            "id": self.id.to_string(), "properties": properties,
            "createdAt": clock::rfc3339_millis(self.created),
            "updatedAt": clock::rfc3339_millis(self.updated),
            "archived": self.archived.is_some(),
            "url": format!("https://app.hubspot.com/contacts/{portal}/record/{}/{}", kind.id(), self.id),
        });
        if let Some(at) = self.archived {
            shown["archivedAt"] = clock::rfc3339_millis(at).into();
        }
        shown
    }

    fn past(&self, names: &[String]) -> Map<String, Value> {
        let one = |(value, at): &(String, Timestamp)| {
            json!({"value": value, "timestamp": clock::rfc3339_millis(*at), "sourceType": "INTEGRATION",
                   "sourceId": "5010"})
        };
        let values = |name: &String| {
            let past = self.history.get(name)?;
            Some((name.clone(), past.iter().rev().map(one).collect()))
        };
        names.iter().filter_map(values).collect()
    }
}
