//! Links between records.

use business_tools_core::http::Method;
use business_tools_core::{Cx, Error, Faults, Kind, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{READ, RECORDS, STALE, WRITE};
use crate::client::{Pairs, Resource};
use crate::types::{ID, ObjectType};
use crate::{HubSpot, fault, objects};

/// List the records linked to given ones.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/associations/overview> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAssociations {
    object_type: ObjectType,
    /// Whose.
    #[schemars(length(min = 1, max = 100), inner(regex(pattern = ID)))]
    ids: Vec<String>,
    to_object_type: ObjectType,
    /// `next_cursor`.
    #[schemars(length(max = 65536))]
    cursor: Option<String>,
}

/// A link, seen from one of the records that were asked about.
#[derive(Debug, Serialize)]
pub struct Link {
    /// The record that was asked about.
    pub from_id: String,
    /// The record that is linked to it.
    pub id: String,
    /// The labels of the link.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// Links, and the records whose links could not be had.
#[derive(Debug, Serialize)]
pub struct Links {
    /// The page.
    #[serde(flatten)]
    pub page: Page<Link>,
    /// Errors by the id of the record that was asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Value>,
}

impl Tool for ListAssociations {
    type Provider = HubSpot;
    type Output = Links;
    const SPEC: Spec = Spec::read("hubspot_list_associations")
        .scopes(READ)
        .cached_as(RECORDS, 300);

    fn check(&self, faults: &mut Faults) {
        let mut seen = std::collections::BTreeSet::new();
        for (n, id) in self.ids.iter().enumerate() {
            if !seen.insert(id) {
                faults.add(format!("/ids/{n}"), "was named before");
            }
        }
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Links> {
        let inputs: Vec<Value> = match &self.cursor {
            None => self.ids.iter().map(|id| json!({ "id": id })).collect(),
            Some(cursor) => places(cursor)
                .ok_or_else(|| Error::argument("/cursor", "is not a place in this list"))?
                .into_iter()
                .map(|(id, after)| json!({"id": id, "after": after}))
                .collect(),
        };
        let (from, to) = (self.object_type.as_str(), self.to_object_type.as_str());
        let url = hubspot
            .client
            .crm("associations", &[from, to, "batch", "read"]);
        let body = json!({ "inputs": inputs });
        let answer = hubspot
            .client
            .send(cx, Method::POST, url, Pairs::new(), body)
            .await?;
        Ok(read(&answer))
    }
}

/// Every record has pages of its own: a cursor is a list of all that have a next one.
fn places(cursor: &str) -> Option<Vec<(String, String)>> {
    serde_json::from_str(cursor).ok()
}

fn read(answer: &Resource) -> Links {
    let list = |name: &str| {
        answer
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (mut items, mut next) = (Vec::new(), Vec::new());
    for from in list("results") {
        let from_id = text(&from["from"]["id"]);
        for to in from["to"].as_array().into_iter().flatten() {
            let types = to["associationTypes"].as_array().into_iter().flatten();
            let labels = types.filter_map(|kind| kind["label"].as_str());
            items.push(Link {
                from_id: from_id.clone(),
                id: text(&to["toObjectId"]),
                labels: labels.map(str::to_owned).collect(),
            });
        }
        if let Some(after) = from["paging"]["next"]["after"].as_str() {
            next.push((from_id, after.to_owned()));
        }
    }
    // That a record has no links is an empty list to us and an error to HubSpot.
    let none = |error: &&Value| {
        let sub = error["subCategory"].as_str().unwrap_or_default();
        sub.ends_with("NO_ASSOCIATIONS_FOUND")
    };
    let failed = list("errors").filter(|error| !none(error)).map(|error| {
        let mut told = fault::of_item(error);
        for name in ["fromObjectId", "ids", "id"] {
            if let Some(id) = error["context"][name][0].as_str() {
                told["from_id"] = id.into();
            }
        }
        told
    });
    let cursor = (!next.is_empty()).then(|| json!(next).to_string());
    Links {
        failed: failed.collect(),
        page: Page::new(items, cursor),
    }
}

/// Link two CRM records.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/associations/overview> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAssociation {
    object_type: ObjectType,
    /// Id.
    #[schemars(regex(pattern = ID))]
    id: String,
    to_object_type: ObjectType,
    /// Id.
    #[schemars(regex(pattern = ID))]
    to_id: String,
    /// Such as primary_company.
    #[schemars(length(min = 1, max = 100))]
    label: Option<String>,
}

/// Two records that are linked.
#[derive(Debug, Serialize)]
pub struct Linked {
    /// The one.
    pub from_id: String,
    /// The other.
    pub id: String,
    /// The labels that the link was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl Tool for CreateAssociation {
    type Provider = HubSpot;
    type Output = Linked;
    const SPEC: Spec = Spec::write("hubspot_create_association")
        .idempotent()
        .scopes(WRITE)
        .forgets(STALE);

    fn check(&self, faults: &mut Faults) {
        let digits = |label: &String| label.trim().bytes().all(|b| b.is_ascii_digit());
        if self.label.as_ref().is_some_and(digits) {
            faults.add("/label", "must be the name of a label, not a number");
        }
        if self.object_type == self.to_object_type && self.id == self.to_id {
            faults.add("/to_id", "is the record itself");
        }
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Linked> {
        let client = &hubspot.client;
        let (from, to) = (self.object_type.as_str(), self.to_object_type.as_str());
        let Some(label) = &self.label else {
            let path = [from, &self.id, "associations", "default", to, &self.to_id];
            client.put(cx, client.crm("objects", &path)).await?;
            return Ok(Linked {
                from_id: self.id,
                id: self.to_id,
                labels: Vec::new(),
            });
        };
        let kind = label_of(hubspot, cx, from, to, label).await?;
        let url = client.crm(
            "objects",
            &[from, &self.id, "associations", to, &self.to_id],
        );
        let body =
            json!([{"associationCategory": kind.category, "associationTypeId": kind.number}]);
        let answer: Value = client
            .send(cx, Method::PUT, url, Pairs::new(), body)
            .await?;
        let labels = answer["labels"].as_array().into_iter().flatten();
        let labels = labels.filter_map(Value::as_str).map(str::to_owned);
        Ok(Linked {
            from_id: self.id,
            id: self.to_id,
            labels: labels.collect(),
        })
    }
}

/// A kind of link as the API names it.
struct LinkType {
    category: String,
    number: u64,
}

/// The kind of link that a label stands for: HubSpot's own is known, those of the account are looked up.
async fn label_of(
    hubspot: &HubSpot,
    cx: &Cx,
    from: &str,
    to: &str,
    label: &str,
) -> Result<LinkType> {
    let name = plain(label);
    if ["primary", "primary_company"].contains(&name.as_str())
        && let Some(number) = objects::primary_link(from, to)
    {
        let category = "HUBSPOT_DEFINED".to_owned();
        return Ok(LinkType {
            category,
            number: number.into(),
        });
    }
    let url = hubspot.client.crm("associations", &[from, to, "labels"]);
    let answer: Resource = hubspot.client.look(cx, url).await?;
    let all = answer
        .get("results")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let mut known = Vec::new();
    for kind in all {
        let Some(text) = kind["label"].as_str() else {
            continue;
        };
        let found = plain(text) == name;
        if found
            && let (Some(category), Some(number)) =
                (kind["category"].as_str(), kind["typeId"].as_u64())
        {
            return Ok(LinkType {
                category: category.to_owned(),
                number,
            });
        }
        known.push(text.chars().take(100).collect::<String>());
    }
    known.truncate(20);
    let there = match known.join(", ") {
        none if none.is_empty() => "there are no labels; leave `label` out".to_owned(),
        known => format!("there is: {known}"),
    };
    Err(Error::new(
        Kind::InvalidArguments,
        format!("/label: no link from {from} to {to} has this label; {there}"),
    )
    .detail("faults", json!([{"at": "/label", "message": there}]))
    .hint("Give one of the labels, or leave `label` out for a plain link; nothing was linked"))
}

/// `Primary company` and `primary_company` are one name.
fn plain(label: &str) -> String {
    label.trim().to_lowercase().replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_links_is_an_empty_list_and_other_errors_name_their_record() {
        let answer = json!({"results": [{"from": {"id": "1"}, "to": [{"toObjectId": "7", "associationTypes": [
            {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null},
            {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"}]}],
            "paging": {"next": {"after": "500"}}}],
            "errors": [{"subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND", "context": {"fromObjectId": ["2"]}},
                       {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"fromObjectId": ["3"]}}]});
        let Value::Object(answer) = answer else {
            unreachable!()
        };
        let links = read(&answer);
        assert_eq!(links.page.items[0].labels, ["Primary"]);
        let cursor = links.page.next_cursor.unwrap();
        assert_eq!(
            places(&cursor).unwrap(),
            [("1".to_owned(), "500".to_owned())]
        );
        assert_eq!(
            links.failed,
            [json!({"code": "NOT_FOUND", "message": "gone", "from_id": "3"})]
        );
    }

    #[test]
    fn a_label_is_one_name_however_it_is_written() {
        for label in ["Primary company", "primary_company", " PRIMARY-COMPANY "] {
            assert_eq!(plain(label), "primary_company");
        }
    }
}
