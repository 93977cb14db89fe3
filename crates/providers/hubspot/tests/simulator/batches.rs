//! Many objects at a time.

use reqwest::Method;
use serde_json::{Value, json};

use crate::hub::{Hub, hub, named, objects};

async fn batch(hub: &Hub, kind: &str, action: &str, body: Value) -> (u16, Value) {
    let seen = hub
        .post(&format!("{}/batch/{action}", objects(kind)), body)
        .await;
    (seen.status.as_u16(), seen.body)
}

fn read(ids: &[&str]) -> Value {
    let inputs: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    json!({"inputs": inputs, "properties": ["email"], "propertiesWithHistory": []})
}

#[tokio::test]
async fn what_is_missing_from_a_read_is_told_beside_the_results() {
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let (status, all) = batch(&hub, "contacts", "read", read(&[&ada, &ada])).await;
    assert_eq!(
        (status, named(&all, "email")),
        (200, vec!["ada@example.com".to_owned()])
    );
    assert_eq!(all["status"], "COMPLETE");
    assert!(all.get("errors").is_none());
    let (status, some) = batch(&hub, "contacts", "read", read(&[&ada, "99", "x"])).await;
    assert_eq!(
        (status, some["results"].as_array().unwrap().len()),
        (207, 1)
    );
    assert_eq!(some["numErrors"], 1);
    let error = &some["errors"][0];
    assert_eq!(
        (&error["status"], &error["category"]),
        (&json!("error"), &json!("OBJECT_NOT_FOUND"))
    );
    assert_eq!(error["context"]["ids"], json!(["99", "x"]));
    let mut by_email = read(&["ADA@example.com"]);
    by_email["idProperty"] = "email".into();
    assert_eq!(
        batch(&hub, "contacts", "read", by_email).await.1["results"][0]["id"],
        ada.as_str()
    );
}

#[tokio::test]
async fn one_wrong_input_spoils_a_batch_unless_inputs_are_traced() {
    let hub = hub().await;
    let input = |email: &str, trace: Option<&str>| {
        let mut input = json!({"properties": {"email": email}, "associations": []});
        if let Some(trace) = trace {
            input["objectWriteTraceId"] = trace.into();
        }
        input
    };
    let inputs = json!({"inputs": [input("a@example.com", None), input("nonsense", None)]});
    let (status, refused) = batch(&hub, "contacts", "create", inputs).await;
    assert_eq!(
        (status, &refused["category"]),
        (400, &json!("VALIDATION_ERROR"))
    );
    // Twice the same address in one batch.
    let inputs = json!({"inputs": [input("a@example.com", None), input("A@example.com", None)]});
    assert_eq!(batch(&hub, "contacts", "create", inputs).await.0, 409);
    assert!(
        hub.get(&objects("contacts")).await["results"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    let inputs =
        json!({"inputs": [input("a@example.com", Some("one")), input("nonsense", Some("two"))]});
    let (status, some) = batch(&hub, "contacts", "create", inputs).await;
    assert_eq!((status, &some["numErrors"]), (207, &json!(1)));
    assert_eq!(some["results"][0]["objectWriteTraceId"], "one");
    assert_eq!(
        some["errors"][0]["context"]["objectWriteTraceId"],
        json!(["two"])
    );
    let inputs = json!({"inputs": [input("b@example.com", None), input("c@example.com", None)]});
    assert_eq!(batch(&hub, "contacts", "create", inputs).await.0, 201);
}

#[tokio::test]
async fn a_spoiled_update_leaves_everything_as_it_was() {
    let hub = hub().await;
    let ada = hub
        .create(
            "contacts",
            json!({"email": "ada@example.com", "firstname": "Ada"}),
        )
        .await;
    let bob = hub
        .create("contacts", json!({"email": "bob@example.com"}))
        .await;
    let change = |id: &str, email: &str| json!({"id": id, "properties": {"email": email}});
    let inputs = json!({"inputs": [change(&ada, "new@example.com"), change(&bob, "nonsense")]});
    assert_eq!(batch(&hub, "contacts", "update", inputs).await.0, 400);
    let list = hub.get(&objects("contacts")).await;
    assert_eq!(
        named(&list, "email"),
        ["ada@example.com", "bob@example.com"]
    );
    // The address that was taken back is free, the old one is not.
    assert_eq!(
        hub.refused(
            Method::POST,
            &objects("contacts"),
            Some(&json!({"properties": {"email": "ada@example.com"}}))
        )
        .await
        .0,
        409
    );
    hub.create("contacts", json!({"email": "new@example.com"}))
        .await;
    // Objects that are not there spoil nothing.
    let inputs =
        json!({"inputs": [change(&ada, "ada2@example.com"), change("99", "x@example.com")]});
    let (status, some) = batch(&hub, "contacts", "update", inputs).await;
    assert_eq!(
        (status, named(&some, "email")),
        (207, vec!["ada2@example.com".to_owned()])
    );
    assert_eq!(some["errors"][0]["context"]["ids"], json!(["99"]));
}

#[tokio::test]
async fn an_upsert_says_what_is_new() {
    let hub = hub().await;
    let ada = hub
        .create(
            "contacts",
            json!({"email": "ada@example.com", "firstname": "Ada"}),
        )
        .await;
    let input = |id: &str, property: &str, properties: Value| json!({"id": id, "idProperty": property, "properties": properties});
    let inputs = json!({"inputs": [
        input("ADA@example.com", "email", json!({"lastname": "Lovelace"})),
        input("bob@example.com", "email", json!({"lastname": "Byron"})),
    ]});
    let (status, all) = batch(&hub, "contacts", "upsert", inputs.clone()).await;
    assert_eq!(status, 200);
    let (first, second) = (&all["results"][0], &all["results"][1]);
    assert_eq!(
        (
            &first["new"],
            &first["id"],
            &first["properties"]["firstname"]
        ),
        (&json!(false), &json!(ada), &json!("Ada"))
    );
    assert_eq!(
        (&second["new"], &second["properties"]["email"]),
        (&json!(true), &json!("bob@example.com"))
    );
    // Again, and nothing is new.
    let (_, again) = batch(&hub, "contacts", "upsert", inputs).await;
    assert_eq!(
        (&again["results"][0]["new"], &again["results"][1]["new"]),
        (&json!(false), &json!(false))
    );
    let twice = json!({"inputs": [input("x@example.com", "email", json!({})), input("X@example.com", "email", json!({}))]});
    assert!(
        batch(&hub, "contacts", "upsert", twice).await.1["message"]
            .as_str()
            .unwrap()
            .contains("Duplicate IDs")
    );
    for property in ["firstname", "nonsense"] {
        let inputs = json!({"inputs": [input("x", property, json!({}))]});
        assert_eq!(
            batch(&hub, "contacts", "upsert", inputs).await.0,
            400,
            "{property}"
        );
    }
}

#[tokio::test]
async fn a_batch_has_at_most_a_hundred_inputs() {
    let hub = hub().await;
    let ids: Vec<String> = (1..=101).map(|n| n.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(
        batch(&hub, "contacts", "read", read(&ids[..100])).await.0,
        207
    );
    let (status, refused) = batch(&hub, "contacts", "read", read(&ids)).await;
    assert_eq!(status, 400);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("100, got 101")
    );
    let mut with_history = read(&ids[..51]);
    with_history["propertiesWithHistory"] = json!(["email"]);
    assert_eq!(batch(&hub, "contacts", "read", with_history).await.0, 400);
}

#[tokio::test]
async fn a_batch_is_archived_whatever_is_there() {
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let inputs = json!({"inputs": [{"id": ada}, {"id": "99"}]});
    assert_eq!(
        batch(&hub, "contacts", "archive", inputs).await,
        (204, Value::Null)
    );
    assert!(
        hub.get(&objects("contacts")).await["results"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(batch(&hub, "contacts", "destroy", json!({})).await.0, 404);
}
