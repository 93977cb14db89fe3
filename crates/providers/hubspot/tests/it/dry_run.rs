//! Dry runs: every write shows its request and sends nothing.

use business_tools_core::Effect;
use serde_json::{Value, json};

use crate::support::{NOBODY, places, world};

/// Every write with arguments that are good.
pub(crate) fn writes() -> Vec<(&'static str, Value)> {
    let link = format!("contacts/{NOBODY}");
    vec![
        (
            "hubspot_create_contact",
            json!({"email": "x@example.com", "properties": {"firstname": "X"}}),
        ),
        (
            "hubspot_create_company",
            json!({"name": "Acme", "domain": "acme.example"}),
        ),
        (
            "hubspot_create_deal",
            json!({"dealname": "New", "dealstage": "appointmentscheduled", "properties": {"amount": 1500}}),
        ),
        (
            "hubspot_create_ticket",
            json!({"subject": "Help", "hs_pipeline_stage": "1"}),
        ),
        (
            "hubspot_create_note",
            json!({"hs_note_body": "Called", "associations": [link]}),
        ),
        (
            "hubspot_update_record",
            json!({"object_type": "contacts", "id": NOBODY, "properties": {"phone": "1234567"}}),
        ),
        (
            "hubspot_delete_record",
            json!({"object_type": "contacts", "id": NOBODY}),
        ),
        (
            "hubspot_upsert_records",
            json!({"object_type": "contacts", "id_property": "email", "records": [
                {"id": "x@example.com", "properties": {"firstname": "X"}}]}),
        ),
        (
            "hubspot_create_association",
            json!({"object_type": "contacts", "id": NOBODY, "to_object_type": "companies", "to_id": "7"}),
        ),
    ]
}

#[tokio::test]
async fn every_write_shows_its_request_masked_and_sends_nothing() {
    let world = world().await;
    let all = world.registry.tools(None);
    let all = all.iter().filter(|entry| entry.tool.spec.writes()).count();
    assert_eq!(writes().len(), all, "every write is tried");
    for (tool, mut args) in writes() {
        args["dry_run"] = true.into();
        let shown = world.ok(tool, args).await;
        assert_eq!(shown["dry_run"], true, "{tool}");
        let request = &shown["request"];
        let url = request["url"].as_str().unwrap();
        assert!(url.contains("/crm/objects/2026-09/"), "{tool}: {url}");
        assert_eq!(request["headers"]["authorization"], "***", "{tool}");
        let destructive = world.registry.get(tool).unwrap().tool.spec.effect == Effect::Destructive;
        assert_eq!(shown["confirmation"].is_string(), destructive, "{tool}");
    }
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn a_dry_run_shows_exactly_what_would_be_sent() {
    let world = world().await;
    let args = json!({"dealname": "New", "dealstage": "appointmentscheduled", "associations": ["contacts/512"],
                      "properties": {"amount": 1500, "closedate": "2026-12-31"}, "dry_run": true});
    let shown = world.ok("hubspot_create_deal", args).await;
    assert_eq!(shown["request"]["method"], "POST");
    assert_eq!(
        shown["request"]["json"],
        json!({"properties": {"dealname": "New", "dealstage": "appointmentscheduled", "amount": "1500",
                              "closedate": "2026-12-31T00:00:00Z"},
               "associations": [{"to": {"id": "512"}, "types": [
                   {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]}]})
    );
}

#[tokio::test]
async fn a_dry_run_checks_the_arguments_as_the_call_would() {
    let world = world().await;
    let args = json!({"object_type": "contacts", "id": "ada", "dry_run": true});
    assert_eq!(
        places(&world.err("hubspot_delete_record", args).await),
        ["/id"]
    );
    // A read has no dry run: it changes nothing.
    let args = json!({"object_type": "contacts", "dry_run": true});
    assert_eq!(
        places(&world.err("hubspot_search_records", args).await),
        ["/dry_run"]
    );
}
