//! Batches: every item has an outcome of its own.

use business_tools_core::Kind;
use serde_json::{Value, json};

use crate::support::{NOBODY, body, contact, host, id, last, places, world};

#[tokio::test]
async fn records_come_back_in_the_order_of_their_ids_and_missing_ones_say_so() {
    let world = world().await;
    let (ada, bob) = (
        contact(&world, "ada@example.com").await,
        contact(&world, "bob@example.com").await,
    );
    let args = json!({"object_type": "contacts", "ids": [bob, NOBODY, ada]});
    let got = world.ok("hubspot_get_records", args).await;
    assert_eq!(last(&world).status, 207);
    assert_eq!(
        (&got["failed"], &got["untrusted"]),
        (&json!(1), &json!(["properties"]))
    );
    let items = got["items"].as_array().unwrap();
    let ids: Vec<_> = items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [&*bob, NOBODY, &*ada]);
    assert_eq!(id(&items[0]["record"]), bob);
    assert_eq!(items[1]["error"]["code"], "NOT_FOUND");
    assert!(items[1].get("record").is_none() && items[2].get("error").is_none());
    let sent = body(&last(&world));
    assert_eq!(
        sent["inputs"],
        json!([{"id": bob}, {"id": NOBODY}, {"id": ada}])
    );
    assert_eq!(sent["propertiesWithHistory"], json!([]));
}

#[tokio::test]
async fn records_by_a_unique_value_are_matched_whatever_its_case() {
    let world = world().await;
    let ada = contact(&world, "ada@example.com").await;
    let args = json!({"object_type": "contacts", "ids": ["ADA@example.com", "nobody@example.com"],
                      "id_property": "email", "properties": ["firstname"]});
    let got = world.ok("hubspot_get_records", args).await;
    assert_eq!(id(&got["items"][0]["record"]), ada);
    assert_eq!(got["items"][1]["error"]["code"], "NOT_FOUND");
    // What only the matching needed is not shown.
    assert_eq!(got["items"][0]["record"]["properties"], json!({}));
    let sent = body(&last(&world));
    assert_eq!(
        (&sent["idProperty"], &sent["properties"]),
        (
            &json!("email"),
            &json!(["firstname", "email", "hs_additional_emails"])
        )
    );
}

#[tokio::test]
async fn a_record_found_by_a_further_address_is_matched() {
    let record = json!({"id": "512", "properties": {"email": "ada@example.com", "hs_additional_emails": "a@x.example;b@x.example"},
                        "createdAt": "2026-10-30T03:30:17.883Z", "updatedAt": "2026-10-30T03:30:17.883Z", "archived": false});
    let world = host(200, json!({"status": "COMPLETE", "results": [record]})).await;
    let args = json!({"object_type": "contacts", "ids": ["B@x.example"], "id_property": "email"});
    let got = world.ok("hubspot_get_records", args).await;
    assert_eq!(
        (&got["items"][0]["record"]["id"], &got["failed"]),
        (&json!("512"), &json!(0))
    );
}

#[tokio::test]
async fn upserts_create_and_update_and_tell_which() {
    let world = world().await;
    let ada = contact(&world, "ada@example.com").await;
    let args = json!({"object_type": "contacts", "id_property": "email", "records": [
        {"id": "new@example.com", "properties": {"firstname": "New"}},
        {"id": "Ada@example.com", "properties": {"firstname": "Ada"}},
    ]});
    let told = world.ok("hubspot_upsert_records", args).await;
    assert_eq!(
        (&told["created"], &told["updated"], &told["failed"]),
        (&json!(1), &json!(1), &json!(0))
    );
    let results = told["results"].as_array().unwrap();
    assert_eq!(
        (&results[0]["id"], &results[0]["outcome"]),
        (&json!("new@example.com"), &json!("created"))
    );
    assert_eq!(
        results[1],
        json!({"id": "Ada@example.com", "outcome": "updated", "record_id": ada})
    );
    let request = last(&world);
    assert_eq!(request.path, "/crm/objects/2026-09/contacts/batch/upsert");
    assert_eq!(
        body(&request)["inputs"][1],
        json!({"id": "Ada@example.com", "idProperty": "email", "objectWriteTraceId": "1", "properties": {"firstname": "Ada"}})
    );
    let args = json!({"object_type": "contacts", "id": ada});
    let record = world.ok("hubspot_get_record", args).await;
    assert_eq!(record["properties"]["firstname"], "Ada");
}

#[tokio::test]
async fn one_bad_item_spoils_no_other_and_is_told_by_the_callers_id() {
    let world = world().await;
    let args = json!({"object_type": "contacts", "id_property": "email", "records": [
        {"id": "one@example.com", "properties": {"firstname": "One"}},
        {"id": "two@example.com", "properties": {"lifecyclestage": "nonsense"}},
        {"id": "three@example.com", "properties": {"firstname": "Three"}},
    ]});
    let told = world.ok("hubspot_upsert_records", args).await;
    assert_eq!(last(&world).status, 207);
    assert_eq!(
        (&told["created"], &told["updated"], &told["failed"]),
        (&json!(2), &json!(0), &json!(1))
    );
    let bad = &told["results"][1];
    assert_eq!(
        (&bad["id"], &bad["outcome"]),
        (&json!("two@example.com"), &json!("failed"))
    );
    assert_eq!(bad["error"]["code"], "INVALID_REQUEST");
    assert!(
        bad["error"]["message"]
            .as_str()
            .unwrap()
            .contains("lifecyclestage"),
        "{bad}"
    );
    assert!(bad.get("record_id").is_none());
    for email in ["one@example.com", "three@example.com"] {
        let args = json!({"object_type": "contacts", "id": email, "id_property": "email"});
        world.ok("hubspot_get_record", args).await;
    }
}

#[tokio::test]
async fn a_property_that_is_not_unique_fails_the_batch() {
    let world = world().await;
    let args = json!({"object_type": "contacts", "id_property": "firstname", "records": [
        {"id": "Ada", "properties": {"lastname": "Lovelace"}}]});
    let outcome = world.call("hubspot_upsert_records", args).await;
    match outcome {
        Ok(told) => assert_eq!(
            told["results"][0]["error"]["code"], "INVALID_REQUEST",
            "{told}"
        ),
        Err(error) => assert_eq!(error.kind(), Kind::InvalidRequest, "{error:?}"),
    }
}

#[tokio::test]
async fn a_hundred_at_most_and_none_twice() {
    let world = world().await;
    let ids: Vec<_> = (1..=101).map(|n: u32| n.to_string()).collect();
    let records: Vec<_> = ids
        .iter()
        .map(|id| json!({"id": id, "properties": {}}))
        .collect();
    for (tool, args, place) in [
        (
            "hubspot_get_records",
            json!({"object_type": "contacts", "ids": ids}),
            "/ids",
        ),
        (
            "hubspot_get_records",
            json!({"object_type": "contacts", "ids": []}),
            "/ids",
        ),
        (
            "hubspot_get_records",
            json!({"object_type": "contacts", "ids": ["1", "2", "1"]}),
            "/ids/2",
        ),
        (
            "hubspot_get_records",
            json!({"object_type": "contacts", "ids": ["x"]}),
            "/ids/0",
        ),
        (
            "hubspot_upsert_records",
            json!({"object_type": "contacts", "id_property": "email", "records": records}),
            "/records",
        ),
        (
            "hubspot_upsert_records",
            json!({"object_type": "contacts", "id_property": "email", "records": [
                {"id": "a@x.example", "properties": {}}, {"id": "A@x.example", "properties": {}}]}),
            "/records/1",
        ),
        (
            "hubspot_upsert_records",
            json!({"object_type": "contacts", "id_property": "email", "records": [
                {"id": "a@x.example", "properties": {"tags": []}}]}),
            "/records/0/properties/tags",
        ),
    ] {
        assert_eq!(places(&world.err(tool, args).await), [place], "{tool}");
    }
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn a_batch_that_is_too_long_for_one_result_goes_on_at_its_cursor() {
    let world = crate::support::hubspot().env(|mut env| {
        env.max_result = 4096;
        env
    });
    let world = world.start::<business_tools_hubspot::HubSpot>().await;
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(contact(&world, &format!("p{n}@example.com")).await);
    }
    let (mut seen, mut args) = (Vec::new(), json!({"object_type": "contacts", "ids": ids}));
    loop {
        let page = world.ok("hubspot_get_records", args.clone()).await;
        assert!(page.to_string().len() <= 4096);
        let items = page["items"].as_array().unwrap().iter();
        seen.extend(items.map(|item| item["id"].as_str().unwrap().to_owned()));
        match page.get("next_cursor") {
            Some(cursor) => args["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(Value::from(seen), args["ids"]);
}
