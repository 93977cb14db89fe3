//! Notes.

use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{NewRecord, STALE, WRITE, check_instant, instant};
use crate::HubSpot;
use crate::types::Links;
use crate::view::Record;

/// Log a note on contacts, companies, deals or tickets.
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
    /// ISO time; default now.
    #[schemars(length(max = 40))]
    hs_timestamp: Option<String>,
    /// Author; hubspot_list_owners.
    #[schemars(regex(pattern = crate::types::ID))]
    hubspot_owner_id: Option<String>,
}

impl CreateNote {
    fn record(&self) -> NewRecord<'_> {
        let at = self.hs_timestamp.as_deref().and_then(instant);
        let now = || instant(&jiff::Timestamp::now().to_string());
        NewRecord {
            kind: "notes",
            named: vec![
                ("hs_note_body", Some(self.hs_note_body.clone())),
                ("hs_timestamp", at.or_else(now)),
                ("hubspot_owner_id", self.hubspot_owner_id.clone()),
            ],
            others: None,
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
        check_instant("/hs_timestamp", self.hs_timestamp.as_ref(), faults);
        // Nobody would ever see a note on nothing.
        if self.associations.0.is_empty() {
            faults.add("/associations", "must name at least one record");
        }
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Record> {
        self.record().create(hubspot, cx).await
    }
}
