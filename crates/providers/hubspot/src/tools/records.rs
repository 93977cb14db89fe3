//! One record: read, change, delete.

use business_tools_core::http::Method;
use business_tools_core::{Cx, Detail, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{READ, RECORDS, STALE, WRITE};
use crate::HubSpot;
use crate::client::Pairs;
use crate::types::{ID, Kinds, Names, ObjectType, Values, check_id, wanted};
use crate::view::Record;

/// Get a CRM record by id or unique value.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/get-contact> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRecord {
    object_type: ObjectType,
    /// Id.
    #[schemars(length(min = 1, max = 500))]
    id: String,
    /// If not the id: email…
    #[schemars(regex(pattern = "^[A-Za-z0-9_]{1,120}$"))]
    id_property: Option<String>,
    properties: Option<Names>,
    associations: Option<Kinds>,
    /// Default summary.
    detail: Option<Detail>,
}

impl Tool for GetRecord {
    type Provider = HubSpot;
    type Output = Record;
    const SPEC: Spec = Spec::read("hubspot_get_record")
        .scopes(READ)
        .cached_as(RECORDS, 300)
        .untrusted(&["properties"]);

    fn check(&self, faults: &mut Faults) {
        check_id("/id", &self.id, self.id_property.as_ref(), faults);
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Record> {
        let names = wanted(self.properties.as_ref(), &self.object_type);
        let mut query = Pairs::new();
        if let Some(property) = self.id_property {
            query.push(("idProperty", property));
        }
        if !names.is_empty() {
            query.push(("properties", names.join(",")));
        }
        let linked: Vec<_> = self
            .associations
            .iter()
            .flat_map(|kinds| &kinds.0)
            .map(ObjectType::as_str)
            .collect();
        if !linked.is_empty() {
            query.push(("associations", linked.join(",")));
        }
        let url = hubspot
            .client
            .crm("objects", &[self.object_type.as_str(), &self.id]);
        let record = hubspot.client.get(cx, url, query).await?;
        let asked = self.properties.map(|names| names.0).unwrap_or_default();
        Ok(Record::of(record, &asked, self.detail))
    }
}

/// Change properties of a CRM record.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/update-contact> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRecord {
    object_type: ObjectType,
    /// Id.
    #[schemars(length(min = 1, max = 500))]
    id: String,
    /// If not the id: email…
    #[schemars(regex(pattern = "^[A-Za-z0-9_]{1,120}$"))]
    id_property: Option<String>,
    properties: Values,
}

impl Tool for UpdateRecord {
    type Provider = HubSpot;
    type Output = Record;
    const SPEC: Spec = Spec::write("hubspot_update_record")
        .idempotent()
        .scopes(WRITE)
        .forgets(STALE)
        .untrusted(&["properties"]);

    fn check(&self, faults: &mut Faults) {
        check_id("/id", &self.id, self.id_property.as_ref(), faults);
        if self.properties.0.is_empty() {
            faults.add("/properties", "must hold at least one property to change");
        }
        self.properties.check("/properties", faults);
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Record> {
        let properties = self.properties.texts();
        let asked: Vec<_> = properties.keys().cloned().collect();
        let query = self.id_property.map(|property| ("idProperty", property));
        let url = hubspot
            .client
            .crm("objects", &[self.object_type.as_str(), &self.id]);
        let body = json!({ "properties": properties });
        let query = query.into_iter().collect();
        let record = hubspot
            .client
            .send(cx, Method::PATCH, url, query, body)
            .await?;
        Ok(Record::of(record, &asked, None))
    }
}

/// Move a CRM record to the recycle bin, for 90 days.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/delete-contact> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteRecord {
    object_type: ObjectType,
    /// Id.
    #[schemars(regex(pattern = ID))]
    id: String,
}

/// A record that is gone.
#[derive(Debug, Serialize)]
pub struct Deleted {
    /// The record.
    pub id: String,
    /// Always true.
    pub deleted: bool,
}

impl Tool for DeleteRecord {
    type Provider = HubSpot;
    type Output = Deleted;
    const SPEC: Spec = Spec::destructive("hubspot_delete_record")
        .idempotent()
        .scopes(WRITE)
        .forgets(STALE);

    fn confirm(&self) -> Option<String> {
        let kind = self.object_type.as_str();
        Some(format!(
            "Move record {} of {kind} to HubSpot's recycle bin?",
            self.id
        ))
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Deleted> {
        let url = hubspot
            .client
            .crm("objects", &[self.object_type.as_str(), &self.id]);
        hubspot.client.delete(cx, url).await?;
        Ok(Deleted {
            id: self.id,
            deleted: true,
        })
    }
}
