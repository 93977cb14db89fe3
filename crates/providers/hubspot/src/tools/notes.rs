//! Notes.

use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{NewRecord, STALE, WRITE};
use crate::HubSpot;
use crate::types::{Links, Values};
use crate::view::Record;

/// The property that HubSpot wants every activity to have.
const TIME: &str = "hs_timestamp";

/// Log a note on records.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/activities/notes/create-note> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateNote {
    /// Text or HTML.
    #[schemars(length(min = 1, max = 65536))]
    hs_note_body: String,
    associations: Links,
    /// hs_timestamp (else now), hubspot_owner_id…
    properties: Option<Values>,
}

impl CreateNote {
    fn record(&self) -> NewRecord<'_> {
        let now = || {
            jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
                .to_string()
        };
        let timed = self
            .properties
            .as_ref()
            .is_some_and(|values| values.0.contains_key(TIME));
        NewRecord {
            kind: "notes",
            named: vec![
                ("hs_note_body", Some(self.hs_note_body.clone())),
                (TIME, (!timed).then(now)),
            ],
            others: self.properties.as_ref(),
            links: Some(&self.associations),
        }
    }
}

impl Tool for CreateNote {
    type Provider = HubSpot;
    type Output = Record;
    const SPEC: Spec = Spec::write("hubspot_create_note")
        .scopes(WRITE)
        .forgets(STALE)
        .untrusted(&["properties"])
        .find_out("Look with hubspot_list_associations, `to_object_type` notes, whether the record has the note");

    fn check(&self, faults: &mut Faults) {
        self.record().check(faults);
        // Nobody would ever see a note on nothing.
        if self.associations.0.is_empty() {
            faults.add("/associations", "must name at least one record");
        }
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Record> {
        self.record().create(hubspot, cx).await
    }
}
