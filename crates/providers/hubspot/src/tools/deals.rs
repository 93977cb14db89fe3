//! Deals.

use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{NewRecord, STALE, WRITE};
use crate::HubSpot;
use crate::types::{Links, Values};
use crate::view::Record;

/// Create a deal (opportunity). hubspot_list_pipelines has the stages.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/deals/create-deal> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateDeal {
    /// Name.
    #[schemars(length(min = 1, max = 1000))]
    dealname: String,
    /// Stage id.
    #[schemars(length(min = 1, max = 100))]
    dealstage: String,
    /// amount, closedate, pipeline…
    properties: Option<Values>,
    associations: Option<Links>,
}

impl CreateDeal {
    fn record(&self) -> NewRecord<'_> {
        NewRecord {
            kind: "deals",
            named: vec![
                ("dealname", Some(self.dealname.clone())),
                ("dealstage", Some(self.dealstage.clone())),
            ],
            others: self.properties.as_ref(),
            links: self.associations.as_ref(),
        }
    }
}

impl Tool for CreateDeal {
    type Provider = HubSpot;
    type Output = Record;
    const SPEC: Spec = Spec::write("hubspot_create_deal")
        .scopes(WRITE)
        .forgets(STALE)
        .untrusted(&["properties"])
        .find_out("Look with hubspot_search_records, a filter on `dealname`, after some seconds, whether it is there");

    fn check(&self, faults: &mut Faults) {
        self.record().check(faults);
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Record> {
        self.record().create(hubspot, cx).await
    }
}
