//! New records, with their links.

use business_tools_core::Kind;
use serde_json::{Value, json};

use crate::support::{assert_error, body, company, contact, deal, id, last, places, world};

#[tokio::test]
async fn a_contact_is_made_with_a_link_and_shown_with_what_was_given() {
    let world = world().await;
    let acme = company(&world, "Acme").await;
    let args = json!({"email": "ada@example.com", "properties": {"firstname": "Ada", "lifecyclestage": "lead"},
                      "associations": [format!("companies/{acme}")]});
    let made = world.ok("hubspot_create_contact", args).await;
    assert_eq!(made["properties"]["firstname"], "Ada");
    let request = last(&world);
    assert_eq!(
        (&*request.method, &*request.path, request.status),
        ("POST", "/crm/objects/2026-09/contacts", 201)
    );
    assert_eq!(
        body(&request),
        json!({"properties": {"email": "ada@example.com", "firstname": "Ada", "lifecyclestage": "lead"},
               "associations": [{"to": {"id": acme}, "types": [
                   {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]})
    );
    let args = json!({"object_type": "contacts", "id": id(&made), "associations": ["companies"]});
    let record = world.ok("hubspot_get_record", args).await;
    assert_eq!(record["associations"]["companies"], json!([acme]));
}

#[tokio::test]
async fn an_address_that_is_taken_is_a_conflict_with_the_id_of_who_has_it() {
    let world = world().await;
    let ada = contact(&world, "ada@example.com").await;
    let error = world
        .err(
            "hubspot_create_contact",
            json!({"email": "Ada@Example.com"}),
        )
        .await;
    assert_error(
        &error,
        Kind::Conflict,
        Some("CONFLICT"),
        "hubspot_update_record",
    );
    assert_eq!(error.details()["existing_id"], ada);
    assert!(error.hint_text().unwrap().contains(&ada) && !error.is_retryable());
}

#[tokio::test]
async fn a_company_a_deal_a_ticket_and_a_note_are_made() {
    let world = world().await;
    let ada = contact(&world, "ada@example.com").await;
    let link = json!([format!("contacts/{ada}")]);
    for (tool, args, kind, number) in [
        (
            "hubspot_create_company",
            json!({"domain": "acme.example", "associations": link}),
            "companies",
            280,
        ),
        (
            "hubspot_create_deal",
            json!({"dealname": "New", "dealstage": "appointmentscheduled", "associations": link,
                   "properties": {"amount": 1500, "pipeline": "default", "closedate": "2026-12-31"}}),
            "deals",
            3,
        ),
        (
            "hubspot_create_ticket",
            json!({"subject": "Help", "hs_pipeline_stage": "1", "associations": link,
                   "properties": {"content": "It broke", "hs_ticket_priority": "HIGH"}}),
            "tickets",
            16,
        ),
        (
            "hubspot_create_note",
            json!({"hs_note_body": "Called", "associations": link,
                   "properties": {"hs_timestamp": "2026-10-30T03:30:17.883Z"}}),
            "notes",
            202,
        ),
    ] {
        let made = world.ok(tool, args).await;
        let request = last(&world);
        assert_eq!(request.path, format!("/crm/objects/2026-09/{kind}"));
        assert_eq!(
            body(&request)["associations"][0]["types"][0]["associationTypeId"],
            number,
            "{tool}"
        );
        let read = json!({"object_type": kind, "id": id(&made), "associations": ["contacts"]});
        let record = world.ok("hubspot_get_record", read).await;
        assert_eq!(
            record["associations"]["contacts"],
            json!([ada]),
            "{tool}: {record}"
        );
    }
}

#[tokio::test]
async fn days_are_sent_as_moments_and_a_note_without_one_is_of_now() {
    let world = world().await;
    let args = json!({"dealname": "New", "dealstage": "appointmentscheduled", "properties": {"closedate": "2026-12-31"}});
    world.ok("hubspot_create_deal", args).await;
    assert_eq!(
        body(&last(&world))["properties"]["closedate"],
        "2026-12-31T00:00:00Z"
    );
    let deal = deal(&world, "Other").await;
    let args = json!({"hs_note_body": "Called", "associations": [format!("deals/{deal}")]});
    world.ok("hubspot_create_note", args).await;
    let sent = body(&last(&world))["properties"]["hs_timestamp"]
        .as_str()
        .unwrap()
        .to_owned();
    let at: jiff::Timestamp = sent.parse().unwrap();
    let age = jiff::Timestamp::now().duration_since(at);
    assert!(age.as_secs().abs() < 60, "{sent}");
}

#[tokio::test]
async fn a_stage_that_is_not_there_is_told_with_where_the_stages_are() {
    let world = world().await;
    for (tool, args, property) in [
        (
            "hubspot_create_deal",
            json!({"dealname": "New", "dealstage": "nonsense"}),
            "dealstage",
        ),
        (
            "hubspot_create_ticket",
            json!({"subject": "Help", "hs_pipeline_stage": "nonsense"}),
            "hs_pipeline_stage",
        ),
    ] {
        let error = world.err(tool, args).await;
        assert_error(
            &error,
            Kind::InvalidRequest,
            Some("VALIDATION_ERROR"),
            "hubspot_list_pipelines",
        );
        assert!(error.message().contains(property), "{error:?}");
    }
}

#[tokio::test]
async fn each_property_that_is_wrong_is_named() {
    let world = world().await;
    let args = json!({"email": "ada@nowhere", "properties": {"favourite_colour": "red", "lifecyclestage": "nonsense"}});
    let error = world.err("hubspot_create_contact", args).await;
    assert_eq!(error.kind(), Kind::InvalidRequest, "{error:?}");
    let told: Vec<_> = error.details()["properties"].as_array().unwrap().clone();
    let names: Vec<_> = told
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    for name in ["favourite_colour", "lifecyclestage"] {
        assert!(names.contains(&name), "{names:?}");
        assert!(error.message().contains(name), "{error}");
    }
}

#[tokio::test]
async fn what_is_required_is_told_before_anything_is_sent() {
    let world = world().await;
    for (tool, args, place) in [
        ("hubspot_create_contact", json!({}), "/email"),
        (
            "hubspot_create_contact",
            json!({"properties": {"phone": "1"}}),
            "/email",
        ),
        (
            "hubspot_create_contact",
            json!({"email": "nobody"}),
            "/email",
        ),
        ("hubspot_create_company", json!({}), "/name"),
        (
            "hubspot_create_deal",
            json!({"dealname": "x"}),
            "/dealstage",
        ),
        (
            "hubspot_create_ticket",
            json!({"subject": "x"}),
            "/hs_pipeline_stage",
        ),
        (
            "hubspot_create_note",
            json!({"hs_note_body": "x"}),
            "/associations",
        ),
        (
            "hubspot_create_note",
            json!({"hs_note_body": "x", "associations": []}),
            "/associations",
        ),
        (
            "hubspot_create_deal",
            json!({"dealname": "x", "dealstage": "y", "properties": {"dealname": "z"}}),
            "/properties/dealname",
        ),
        (
            "hubspot_create_deal",
            json!({"dealname": "x", "dealstage": "y", "properties": {"closedate": "soon"}}),
            "/properties/closedate",
        ),
        (
            "hubspot_create_company",
            json!({"name": "x", "associations": ["2-123/1"]}),
            "/associations/0",
        ),
        (
            "hubspot_create_company",
            json!({"name": "x", "associations": ["contacts/ada"]}),
            "/associations/0",
        ),
    ] {
        let error = world.err(tool, args).await;
        assert_eq!(places(&error), [place], "{tool}");
    }
    assert!(world.requests().is_empty());
    for properties in [
        json!({"lastname": "Lovelace"}),
        json!({"email": "a@example.com"}),
    ] {
        let args = json!({ "properties": properties });
        world.ok("hubspot_create_contact", args).await;
    }
}

#[tokio::test]
async fn the_same_idempotency_key_makes_one_record() {
    let world = world().await;
    let args = json!({"name": "Acme", "idempotency_key": "lead-7"});
    let first = world.ok("hubspot_create_company", args.clone()).await;
    let second = world.ok("hubspot_create_company", args).await;
    assert_eq!(
        (&second["id"], &second["replayed"]),
        (&first["id"], &Value::Bool(true))
    );
    let other = json!({"name": "Other", "idempotency_key": "lead-7"});
    assert_eq!(
        world.err("hubspot_create_company", other).await.kind(),
        Kind::IdempotencyConflict
    );
    assert_eq!(world.requests().len(), 1);
}
