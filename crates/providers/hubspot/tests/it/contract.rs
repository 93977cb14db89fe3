//! Requests and the simulator's answers against HubSpot's own description, where it is at hand.

use business_tools_hubspot::HubSpot;
use business_tools_testkit::{Contract, Person};
use serde_json::json;

use crate::support::{NOBODY, company, contact, deal, hubspot};

/// HubSpot's description, and the members of refusals that its documentation shows and the description forgets.
fn contract() -> Option<Contract> {
    let also = ["/status", "/errorType", "/policyName", "/requestId"];
    Contract::of("hubspot").map(|contract| contract.also(&also))
}

#[tokio::test]
async fn every_tools_exchanges_are_as_described() {
    let Some(contract) = contract() else { return };
    let world = hubspot()
        .overrides(json!({"timeouts": {"call": "20s", "attempt": "10s"}}))
        .start::<HubSpot>()
        .await;
    let yes = Person::who_says_yes();
    let (ada, bob) = (
        contact(&world, "ada@example.com").await,
        contact(&world, "bob@example.com").await,
    );
    let (acme, deal) = (company(&world, "Acme").await, deal(&world, "New").await);
    let links = json!([format!("contacts/{ada}"), format!("companies/{acme}")]);
    for (tool, args) in [
        (
            "hubspot_create_contact",
            json!({"email": "cyd@example.com", "properties": {"firstname": "Cyd"}, "associations": [format!("companies/{acme}")]}),
        ),
        (
            "hubspot_create_company",
            json!({"domain": "other.example", "associations": [format!("contacts/{ada}")]}),
        ),
        (
            "hubspot_create_deal",
            json!({"dealname": "Two", "dealstage": "contractsent", "associations": links,
                   "properties": {"amount": 1500.5, "closedate": "2026-12-31", "pipeline": "default"}}),
        ),
        (
            "hubspot_create_ticket",
            json!({"subject": "Help", "hs_pipeline_stage": "1", "associations": links,
                   "properties": {"content": "It broke", "hs_ticket_priority": "HIGH", "hs_pipeline": "0"}}),
        ),
        (
            "hubspot_create_note",
            json!({"hs_note_body": "Called", "associations": links}),
        ),
        (
            "hubspot_update_record",
            json!({"object_type": "contacts", "id": "ada@example.com", "id_property": "email", "properties": {"phone": ""}}),
        ),
        (
            "hubspot_upsert_records",
            json!({"object_type": "contacts", "id_property": "email", "records": [
                {"id": "ada@example.com", "properties": {"firstname": "Ada"}},
                {"id": "dan@example.com", "properties": {"lifecyclestage": "nonsense"}},
                {"id": "eve@example.com", "properties": {}}]}),
        ),
        (
            "hubspot_create_association",
            json!({"object_type": "contacts", "id": ada, "to_object_type": "deals", "to_id": deal}),
        ),
        (
            "hubspot_create_association",
            json!({"object_type": "deals", "id": deal, "to_object_type": "companies", "to_id": acme, "label": "primary_company"}),
        ),
        (
            "hubspot_search_records",
            json!({"object_type": "contacts", "query": "ada", "sort": "-createdate", "limit": 1, "filters": [
                {"property": "createdate", "operator": "BETWEEN", "values": ["2020-01-01", "2040-01-01"]},
                {"property": "email", "operator": "IN", "values": ["ada@example.com"], "group": 2},
                {"property": "phone", "operator": "NOT_HAS_PROPERTY", "group": 3}]}),
        ),
        (
            "hubspot_search_records",
            json!({"object_type": "contacts", "limit": 2}),
        ),
        (
            "hubspot_get_record",
            json!({"object_type": "contacts", "id": ada, "associations": ["companies", "deals"], "detail": "full"}),
        ),
        (
            "hubspot_get_records",
            json!({"object_type": "contacts", "ids": [ada, NOBODY]}),
        ),
        (
            "hubspot_get_records",
            json!({"object_type": "contacts", "ids": ["ada@example.com"], "id_property": "email"}),
        ),
        (
            "hubspot_list_associations",
            json!({"object_type": "contacts", "ids": [ada, bob], "to_object_type": "companies"}),
        ),
        ("hubspot_list_owners", json!({"limit": 1})),
        (
            "hubspot_list_owners",
            json!({"email": "nobody@example.com", "archived": true}),
        ),
        ("hubspot_list_pipelines", json!({"object_type": "deals"})),
        ("hubspot_list_pipelines", json!({"object_type": "tickets"})),
        ("hubspot_list_properties", json!({"object_type": "deals"})),
        (
            "hubspot_list_properties",
            json!({"object_type": "contacts", "sensitivity": "sensitive"}),
        ),
        (
            "hubspot_delete_record",
            json!({"object_type": "contacts", "id": bob}),
        ),
    ] {
        if let Err(error) = world.call_with(&yes, tool, args).await {
            panic!("{tool}: {error:?}");
        }
    }
    // Refusals have a described form too.
    for (tool, args) in [
        (
            "hubspot_create_contact",
            json!({"email": "ada@example.com"}),
        ),
        (
            "hubspot_create_contact",
            json!({"email": "x@nowhere", "properties": {"favourite_colour": "red"}}),
        ),
        (
            "hubspot_get_record",
            json!({"object_type": "contacts", "id": NOBODY}),
        ),
        (
            "hubspot_create_association",
            json!({"object_type": "contacts", "id": NOBODY, "to_object_type": "deals", "to_id": deal}),
        ),
    ] {
        world.err(tool, args).await;
    }
    assert!(world.health().await.ok);
    contract.check_all("hubspot", &world.exchanges());
}

#[tokio::test]
async fn refused_tokens_have_the_described_form() {
    let Some(contract) = contract() else { return };
    for token in [
        "wrong-0a1b2c3d4e5f",
        "expired-0a1b2c3d4e5f",
        "unscoped-0a1b2c3d4e5f",
    ] {
        let world = hubspot()
            .fields(json!({ "access_token": token }))
            .start::<HubSpot>()
            .await;
        world.err("hubspot_list_owners", json!({})).await;
        contract.check_all("hubspot", &world.exchanges());
    }
}
