//! One record: read, changed, deleted.

use business_tools_core::Kind;
use business_tools_testkit::Person;
use serde_json::json;

use crate::support::{NOBODY, assert_error, body, company, contact, deal, id, last, places, world};

#[tokio::test]
async fn a_record_is_read_by_its_id_with_its_usual_properties() {
    let world = world().await;
    let ada = contact(&world, "ada@example.com").await;
    let record = world
        .ok(
            "hubspot_get_record",
            json!({"object_type": "contacts", "id": ada}),
        )
        .await;
    assert_eq!(id(&record), ada);
    assert_eq!(record["properties"]["email"], "ada@example.com");
    assert!(record["created_at"].as_str().unwrap().ends_with('Z'));
    assert!(record.get("archived").is_none() && record.get("associations").is_none());
    let request = last(&world);
    assert_eq!(
        (&*request.method, request.path),
        ("GET", format!("/crm/objects/2026-09/contacts/{ada}"))
    );
    assert!(
        request.query.starts_with("properties=email%2Cfirstname%2C"),
        "{}",
        request.query
    );
}

#[tokio::test]
async fn a_record_is_read_by_a_unique_value() {
    let world = world().await;
    let ada = contact(&world, "ada+x@example.com").await;
    let args =
        json!({"object_type": "contacts", "id": "ada+x@example.com", "id_property": "email"});
    assert_eq!(id(&world.ok("hubspot_get_record", args).await), ada);
    let request = last(&world);
    assert_eq!(
        request.path,
        "/crm/objects/2026-09/contacts/ada+x@example.com"
    );
    assert!(
        request.query.starts_with("idProperty=email"),
        "{}",
        request.query
    );
}

#[tokio::test]
async fn linked_records_are_shown_by_kind() {
    let world = world().await;
    let (acme, ada) = (
        company(&world, "Acme").await,
        contact(&world, "ada@example.com").await,
    );
    let link =
        json!({"object_type": "contacts", "id": ada, "to_object_type": "companies", "to_id": acme});
    world.ok("hubspot_create_association", link).await;
    let args = json!({"object_type": "contacts", "id": ada, "associations": ["company", "deals"], "properties": ["email"]});
    let record = world.ok("hubspot_get_record", args).await;
    assert_eq!(record["associations"]["companies"], json!([acme]));
    assert!(
        last(&world)
            .query
            .contains("associations=companies%2Cdeals")
    );
}

#[tokio::test]
async fn a_record_that_is_not_there_says_how_to_find_one() {
    let world = world().await;
    for (tool, args) in [
        (
            "hubspot_get_record",
            json!({"object_type": "contacts", "id": NOBODY}),
        ),
        (
            "hubspot_update_record",
            json!({"object_type": "contacts", "id": NOBODY, "properties": {"phone": "1"}}),
        ),
    ] {
        let error = world.err(tool, args).await;
        assert_error(
            &error,
            Kind::NotFound,
            Some("OBJECT_NOT_FOUND"),
            "hubspot_search_records",
        );
        assert!(error.details()["upstream_request_id"].is_string());
    }
}

#[tokio::test]
async fn properties_change_and_empty_text_clears() {
    let world = world().await;
    let ada = contact(&world, "ada@example.com").await;
    let args = json!({"object_type": "contacts", "id": ada,
                      "properties": {"firstname": "Ada", "phone": "+4930123456", "company": null}});
    let changed = world.ok("hubspot_update_record", args).await;
    assert_eq!(changed["properties"]["firstname"], "Ada");
    let request = last(&world);
    assert_eq!(
        (&*request.method, &request.path),
        ("PATCH", &format!("/crm/objects/2026-09/contacts/{ada}"))
    );
    assert_eq!(
        body(&request),
        json!({"properties": {"firstname": "Ada", "phone": "+4930123456", "company": ""}})
    );
    let args = json!({"object_type": "contacts", "id": "ada@example.com", "id_property": "email",
                      "properties": {"phone": ""}});
    world.ok("hubspot_update_record", args).await;
    assert_eq!(last(&world).query, "idProperty=email");
    let record = world
        .ok(
            "hubspot_get_record",
            json!({"object_type": "contacts", "id": ada}),
        )
        .await;
    assert!(record["properties"].get("phone").is_none(), "{record}");
    assert_eq!(record["properties"]["firstname"], "Ada");
}

#[tokio::test]
async fn numbers_and_flags_become_the_text_that_hubspot_wants() {
    let world = world().await;
    let deal = deal(&world, "New").await;
    let args = json!({"object_type": "deals", "id": deal, "properties": {"amount": 1500.5}});
    let changed = world.ok("hubspot_update_record", args).await;
    assert_eq!(changed["properties"]["amount"], "1500.5");
}

#[tokio::test]
async fn a_deleted_record_is_gone() {
    let world = world().await;
    let yes = Person::who_says_yes();
    let ada = contact(&world, "ada@example.com").await;
    let args = json!({"object_type": "contacts", "id": ada});
    let deleted = world
        .call_with(&yes, "hubspot_delete_record", args.clone())
        .await
        .unwrap();
    assert_eq!(deleted, json!({"id": ada, "deleted": true}));
    let request = last(&world);
    assert_eq!((&*request.method, request.status), ("DELETE", 204));
    let error = world.err("hubspot_get_record", args).await;
    assert_eq!(error.kind(), Kind::NotFound);
    // Its address is free again.
    contact(&world, "ada@example.com").await;
}

#[tokio::test]
async fn ids_that_lead_elsewhere_are_refused() {
    let world = world().await;
    for (id, property) in [
        ("..", "email"),
        (".", "email"),
        (" ", "email"),
        ("x\n", "email"),
        ("abc", ""),
        ("-1", ""),
        ("1/../../x", ""),
    ] {
        let mut args = json!({"object_type": "contacts", "id": id, "properties": {"phone": "1"}});
        if !property.is_empty() {
            args["id_property"] = property.into();
        }
        assert_eq!(
            places(&world.err("hubspot_update_record", args.clone()).await)[0],
            "/id",
            "{id:?}"
        );
        args["properties"] = json!(["phone"]);
        assert_eq!(
            places(&world.err("hubspot_get_record", args).await)[0],
            "/id",
            "{id:?}"
        );
    }
    // A slash, a question mark and a hash are part of the value.
    let args =
        json!({"object_type": "contacts", "id": "a/b?c#d@x.example", "id_property": "email"});
    let _ = world.call("hubspot_get_record", args).await;
    assert_eq!(
        last(&world).path,
        "/crm/objects/2026-09/contacts/a%2Fb%3Fc%23d@x.example"
    );
}

#[tokio::test]
async fn an_update_of_nothing_or_with_odd_values_is_refused() {
    let world = world().await;
    for (properties, place) in [
        (json!({}), "/properties"),
        (json!({"a b": "x"}), "/properties"),
        (json!({"tags": ["a", "b"]}), "/properties/tags"),
        (json!({"nested": {"x": 1}}), "/properties/nested"),
    ] {
        let args = json!({"object_type": "contacts", "id": "1", "properties": properties});
        assert_eq!(
            places(&world.err("hubspot_update_record", args).await),
            [place]
        );
    }
    assert!(world.requests().is_empty());
}
