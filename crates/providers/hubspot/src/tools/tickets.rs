//! Tickets.

use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{NewRecord, STALE, WRITE};
use crate::HubSpot;
use crate::types::{Links, Values};
use crate::view::Record;

/// Create a support ticket. hubspot_list_pipelines has the stages.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/tickets/create-ticket> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTicket {
    /// Subject.
    #[schemars(length(min = 1, max = 1000))]
    subject: String,
    /// Stage id.
    #[schemars(length(min = 1, max = 100))]
    hs_pipeline_stage: String,
    /// content, hs_ticket_priority, hs_pipeline…
    properties: Option<Values>,
    associations: Option<Links>,
}

impl CreateTicket {
    fn record(&self) -> NewRecord<'_> {
        NewRecord {
            kind: "tickets",
            named: vec![
                ("subject", Some(self.subject.clone())),
                ("hs_pipeline_stage", Some(self.hs_pipeline_stage.clone())),
            ],
            others: self.properties.as_ref(),
            links: self.associations.as_ref(),
        }
    }
}

impl Tool for CreateTicket {
    type Provider = HubSpot;
    type Output = Record;
    const SPEC: Spec = Spec::write("hubspot_create_ticket")
        .scopes(WRITE)
        .forgets(STALE)
        .untrusted(&["properties"])
        .find_out("Look with hubspot_search_records, a filter on `subject`, after some seconds, whether it is there");

    fn check(&self, faults: &mut Faults) {
        self.record().check(faults);
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Record> {
        self.record().create(hubspot, cx).await
    }
}
