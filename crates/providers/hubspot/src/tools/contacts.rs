//! Contacts.

use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{NewRecord, STALE, WRITE};
use crate::HubSpot;
use crate::types::{Links, Values};
use crate::view::Record;

/// Create a contact (person, lead). A taken email gives CONFLICT and the id.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/create-contact> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateContact {
    /// Unique.
    #[schemars(length(min = 3, max = 254))]
    email: Option<String>,
    /// firstname, lastname, phone…
    properties: Option<Values>,
    associations: Option<Links>,
}

impl CreateContact {
    fn record(&self) -> NewRecord<'_> {
        NewRecord {
            kind: "contacts",
            named: vec![("email", self.email.clone())],
            others: self.properties.as_ref(),
            links: self.associations.as_ref(),
        }
    }
}

impl Tool for CreateContact {
    type Provider = HubSpot;
    type Output = Record;
    const SPEC: Spec = Spec::write("hubspot_create_contact")
        .scopes(WRITE)
        .forgets(STALE)
        .untrusted(&["properties"])
        .find_out("Look with hubspot_get_record, `id` the email and `id_property` email; creating it once more is refused if it is there");

    fn check(&self, faults: &mut Faults) {
        let record = self.record();
        record.check(faults);
        if !["email", "firstname", "lastname"]
            .iter()
            .any(|name| record.has(name))
        {
            faults.add(
                "/email",
                "give `email`, or firstname or lastname in `properties`",
            );
        }
        if self
            .email
            .as_ref()
            .is_some_and(|email| !email.contains('@'))
        {
            faults.add("/email", "must be an e-mail address");
        }
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Record> {
        self.record().create(hubspot, cx).await
    }
}
