//! Companies.

use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{NewRecord, STALE, WRITE};
use crate::HubSpot;
use crate::types::{Links, Values};
use crate::view::Record;

/// Create a company (account).
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/companies/create-company> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCompany {
    /// Name.
    #[schemars(length(min = 1, max = 1000))]
    name: Option<String>,
    /// Domain.
    #[schemars(length(min = 1, max = 253))]
    domain: Option<String>,
    /// industry, phone, city…
    properties: Option<Values>,
    associations: Option<Links>,
}

impl CreateCompany {
    fn record(&self) -> NewRecord<'_> {
        NewRecord {
            kind: "companies",
            named: vec![("name", self.name.clone()), ("domain", self.domain.clone())],
            others: self.properties.as_ref(),
            links: self.associations.as_ref(),
        }
    }
}

impl Tool for CreateCompany {
    type Provider = HubSpot;
    type Output = Record;
    const SPEC: Spec = Spec::write("hubspot_create_company")
        .scopes(WRITE)
        .forgets(STALE)
        .untrusted(&["properties"])
        .find_out("Look with hubspot_search_records, a filter on `domain` or `name`, after some seconds, whether it is there");

    fn check(&self, faults: &mut Faults) {
        let record = self.record();
        record.check(faults);
        if !record.has("name") && !record.has("domain") {
            faults.add("/name", "give at least one of `name` and `domain`");
        }
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Record> {
        self.record().create(hubspot, cx).await
    }
}
