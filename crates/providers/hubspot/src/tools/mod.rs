//! The tools, in listing order.

pub mod associations;
pub mod batches;
pub mod companies;
pub mod contacts;
pub mod deals;
pub mod notes;
pub mod owners;
pub mod pipelines;
pub mod properties;
pub mod records;
pub mod search;
pub mod tickets;

use business_tools_core::{Cx, Faults, Result, ToolDef, tool};
use serde_json::{Map, Value, json};

use crate::HubSpot;
use crate::types::{Links, Values};
use crate::view::Record;

pub(crate) const TOOLS: &[ToolDef<HubSpot>] = &[
    tool::<search::SearchRecords>(),
    tool::<records::GetRecord>(),
    tool::<contacts::CreateContact>(),
    tool::<companies::CreateCompany>(),
    tool::<deals::CreateDeal>(),
    tool::<tickets::CreateTicket>(),
    tool::<notes::CreateNote>(),
    tool::<records::UpdateRecord>(),
    tool::<records::DeleteRecord>(),
    tool::<batches::GetRecords>(),
    tool::<batches::UpsertRecords>(),
    tool::<associations::ListAssociations>(),
    tool::<associations::CreateAssociation>(),
    tool::<owners::ListOwners>(),
    tool::<pipelines::ListPipelines>(),
    tool::<properties::ListProperties>(),
];

const READ: &[&str] = &["hubspot:read"];
const WRITE: &[&str] = &["hubspot:write"];

/// The cache class of records and of what links them.
const RECORDS: &str = "crm_contacts";
/// The cache class of searches.
const SEARCHES: &str = "search_results";

/// The reads that any change of records makes stale.
const STALE: &[&str] = &[
    "hubspot_search_records",
    "hubspot_get_record",
    "hubspot_get_records",
    "hubspot_list_associations",
];

/// A record to be made: values that have arguments of their own, others by name, and links.
struct NewRecord<'a> {
    kind: &'static str,
    named: Vec<(&'static str, Option<String>)>,
    others: Option<&'a Values>,
    links: Option<&'a Links>,
}

impl NewRecord<'_> {
    fn check(&self, faults: &mut Faults) {
        if let Some(others) = self.others {
            others.check("/properties", faults);
            for name in MOMENTS {
                let text = others.0.get(*name).and_then(Value::as_str);
                if text.is_some_and(|text| moment(text).is_none()) {
                    let right =
                        "must be a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z";
                    faults.add(format!("/properties/{name}"), right);
                }
            }
            for (name, _) in self.named.iter().filter(|(_, value)| value.is_some()) {
                if others.0.contains_key(*name) {
                    faults.add(
                        format!("/properties/{name}"),
                        "is an argument of its own already",
                    );
                }
            }
        }
        if let Some(links) = self.links {
            links.check("/associations", self.kind, faults);
        }
    }

    /// Whether a property has a value, wherever it was given.
    fn has(&self, name: &str) -> bool {
        let named = self
            .named
            .iter()
            .any(|(known, value)| *known == name && value.is_some());
        named
            || self
                .others
                .is_some_and(|others| others.0.contains_key(name))
    }

    async fn create(self, hubspot: &HubSpot, cx: &Cx) -> Result<Record> {
        let mut properties: Map<String, Value> = Map::new();
        for (name, value) in self.named {
            if let Some(value) = value {
                properties.insert(name.to_owned(), value.into());
            }
        }
        properties.extend(self.others.map(Values::texts).unwrap_or_default());
        for name in MOMENTS {
            if let Some(at) = properties
                .get(*name)
                .and_then(Value::as_str)
                .and_then(moment)
            {
                properties.insert((*name).to_owned(), at.into());
            }
        }
        let asked: Vec<_> = properties.keys().cloned().collect();
        let links = self.links.map_or(json!([]), |links| links.body(self.kind));
        let body = json!({"properties": properties, "associations": links});
        let url = hubspot.client.crm("objects", &[self.kind]);
        let made = hubspot.client.create(cx, url, body).await?;
        Ok(Record::of(made, &asked, None))
    }
}

/// The properties that are a moment, which agents like to give as a day.
const MOMENTS: &[&str] = &["closedate", "hs_timestamp"];

/// A day, `2026-01-31`, an instant or milliseconds, as HubSpot takes it; `None` for any other text.
fn moment(text: &str) -> Option<String> {
    if text.is_empty() || text.len() >= 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(text.to_owned());
    }
    if text.len() == 10 {
        let day: jiff::civil::Date = text.parse().ok()?;
        return Some(format!("{day}T00:00:00Z"));
    }
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_instants_are_written_in_one_form() {
        for (text, want) in [
            ("2026-01-31", Some("2026-01-31T00:00:00Z")),
            ("2026-01-31T12:00:00Z", Some("2026-01-31T12:00:00.000Z")),
            (
                "2026-01-31T12:00:00.5+01:00",
                Some("2026-01-31T11:00:00.500Z"),
            ),
            ("2026-02-30", None),
            ("1793331017883", Some("1793331017883")),
            ("", Some("")),
            ("tomorrow", None),
            ("17933", None),
        ] {
            assert_eq!(moment(text).as_deref(), want, "{text}");
        }
    }
}
