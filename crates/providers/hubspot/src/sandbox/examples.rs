//! A call of each tool.

use business_tools_sandbox::{Example, Examples};
use serde_json::{Value, json};

/// Calls that the simulator answers, one of each tool.
pub fn examples() -> Examples {
    let examples = Examples::new().credentials(json!({"access_token": "pat-na1-${secret}"}));
    [reads(), creates(), changes(), links(), directories()]
        .into_iter()
        .flatten()
        .fold(examples, Examples::with)
}

const CONTACT: &str = "hubspot_create_contact";
const COMPANY: &str = "hubspot_create_company";

fn contact() -> Value {
    json!({"email": "ada${n}@example.com", "properties": {"firstname": "Ada", "lastname": "Lovelace"}})
}

fn company() -> Value {
    json!({"name": "Acme", "domain": "acme.example"})
}

fn reads() -> Vec<Example> {
    vec![
        Example::new(
            "hubspot_search_records",
            json!({"object_type": "contacts", "query": "ada", "sort": "-createdate", "limit": 20,
                   "properties": ["email", "firstname"], "filters": [
                       {"property": "firstname", "operator": "EQ", "value": "Ada"},
                       {"property": "email", "operator": "IN", "values": ["ada1@example.com"], "group": 2}]}),
        )
        .after_many(3, "contact", CONTACT, contact()),
        Example::new(
            "hubspot_get_record",
            json!({"object_type": "contacts", "id": "${contact/id}", "associations": ["companies"], "detail": "full"}),
        )
        .after("contact", CONTACT, contact()),
        Example::new(
            "hubspot_get_records",
            json!({"object_type": "contacts", "ids": ["${contact/id}", "999999999"], "properties": ["email"]}),
        )
        .after("contact", CONTACT, contact()),
    ]
}

fn creates() -> Vec<Example> {
    let links = json!(["contacts/${contact/id}"]);
    let of_contact = |tool, args| Example::new(tool, args).after("contact", CONTACT, contact());
    vec![
        Example::new(
            CONTACT,
            json!({"email": "grace@example.com", "properties": {"firstname": "Grace", "lifecyclestage": "lead"},
                   "associations": ["companies/${company/id}"]}),
        )
        .after("company", COMPANY, company()),
        of_contact(
            COMPANY,
            json!({"name": "Acme", "domain": "acme.example", "properties": {"city": "London"}, "associations": links}),
        ),
        of_contact(
            "hubspot_create_deal",
            json!({"dealname": "New deal", "dealstage": "appointmentscheduled", "associations": links,
                   "properties": {"amount": 1500, "closedate": "2026-12-31", "pipeline": "default"}}),
        ),
        of_contact(
            "hubspot_create_ticket",
            json!({"subject": "It broke", "hs_pipeline_stage": "1", "associations": links,
                   "properties": {"content": "Again", "hs_ticket_priority": "HIGH"}}),
        ),
        of_contact(
            "hubspot_create_note",
            json!({"hs_note_body": "Called back", "associations": links,
                   "properties": {"hs_timestamp": "2026-10-30T03:30:17.883Z"}}),
        ),
    ]
}

fn changes() -> Vec<Example> {
    vec![
        Example::new(
            "hubspot_update_record",
            json!({"object_type": "contacts", "id": "ada1@example.com", "id_property": "email",
                   "properties": {"phone": "+442071838750", "lastname": ""}}),
        )
        .after("contact", CONTACT, contact()),
        Example::new(
            "hubspot_delete_record",
            json!({"object_type": "contacts", "id": "${contact/id}"}),
        )
        .after("contact", CONTACT, contact()),
        Example::new(
            "hubspot_upsert_records",
            json!({"object_type": "contacts", "id_property": "email", "records": [
                {"id": "ada1@example.com", "properties": {"firstname": "Augusta"}},
                {"id": "grace@example.com", "properties": {"firstname": "Grace"}}]}),
        )
        .after("contact", CONTACT, contact()),
    ]
}

fn links() -> Vec<Example> {
    let link = json!({"object_type": "contacts", "id": "${contact/id}", "to_object_type": "companies",
                      "to_id": "${company/id}"});
    let mut primary = link.clone();
    primary["label"] = "primary_company".into();
    vec![
        Example::new("hubspot_create_association", primary)
            .after("contact", CONTACT, contact())
            .after("company", COMPANY, company()),
        Example::new(
            "hubspot_list_associations",
            json!({"object_type": "contacts", "ids": ["${contact/id}"], "to_object_type": "companies"}),
        )
        .after("contact", CONTACT, contact())
        .after("company", COMPANY, company())
        .after("link", "hubspot_create_association", link),
    ]
}

fn directories() -> Vec<Example> {
    vec![
        Example::new("hubspot_list_owners", json!({})),
        Example::new("hubspot_list_pipelines", json!({"object_type": "deals"})),
        Example::new(
            "hubspot_list_properties",
            json!({"object_type": "contacts", "query": "name", "detail": "full"}),
        ),
    ]
}
