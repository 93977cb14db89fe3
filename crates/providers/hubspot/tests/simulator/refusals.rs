//! What is wrong is refused in HubSpot's words.

use reqwest::Method;
use serde_json::{Value, json};

use crate::hub::{Hub, TOKEN, hub, objects};

async fn create(hub: &Hub, kind: &str, properties: Value) -> (u16, String, Value) {
    let body = json!({"properties": properties, "associations": []});
    hub.refused(Method::POST, &objects(kind), Some(&body)).await
}

#[tokio::test]
async fn every_wrong_property_is_named_with_a_code() {
    let hub = hub().await;
    let wrong = json!({"emial": "x", "email": "nonsense", "lifecyclestage": "friend", "createdate": "2026-01-01",
                       "hubspot_owner_id": "nobody", "firstname": "Ada"});
    let (status, category, body) = create(&hub, "contacts", wrong).await;
    assert_eq!((status, category.as_str()), (400, "VALIDATION_ERROR"));
    let errors = body["errors"].as_array().unwrap();
    let mut codes: Vec<_> = errors
        .iter()
        .map(|error| {
            (
                error["context"]["propertyName"][0].as_str().unwrap(),
                error["code"].as_str().unwrap(),
            )
        })
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            ("createdate", "READ_ONLY_VALUE"),
            ("email", "INVALID_EMAIL"),
            ("emial", "PROPERTY_DOESNT_EXIST"),
            ("hubspot_owner_id", "INVALID_OWNER_ID"),
            ("lifecyclestage", "INVALID_OPTION"),
        ]
    );
    // The message ends with the same as a list of its own.
    let message = body["message"].as_str().unwrap();
    let (_, list) = message
        .split_once("Property values were not valid: ")
        .unwrap();
    let list: Vec<Value> = serde_json::from_str(list).unwrap();
    assert_eq!((list.len(), &list[0]["isValid"]), (5, &json!(false)));
    let (_, _, body) = create(
        &hub,
        "deals",
        json!({"dealname": "x", "dealstage": "won", "amount": "much", "closedate": "soon"}),
    )
    .await;
    assert_eq!(body["errors"].as_array().unwrap().len(), 3);
    let (_, _, body) = create(
        &hub,
        "quotes",
        json!({"hs_title": "x", "hs_expiration_date": "1793331017883"}),
    )
    .await;
    assert!(body["message"].as_str().unwrap().contains("not midnight"));
}

#[tokio::test]
async fn what_an_object_must_have_is_told() {
    let hub = hub().await;
    for (kind, title, missing) in [
        ("companies", "COMPANY", json!(["name", "domain"])),
        ("deals", "DEAL", json!(["dealname", "dealstage"])),
        ("tickets", "TICKET", json!(["subject", "hs_pipeline_stage"])),
        ("notes", "NOTE", json!(["hs_timestamp"])),
    ] {
        let (status, _, body) = create(&hub, kind, json!({})).await;
        assert_eq!(status, 400);
        let message = format!("Error creating {title}. Some required properties were not set.");
        assert_eq!(
            (&body["message"], &body["context"]["properties"]),
            (&json!(message), &missing)
        );
    }
}

#[tokio::test]
async fn a_second_contact_with_an_address_names_the_first() {
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let bob = hub
        .create("contacts", json!({"email": "bob@example.com"}))
        .await;
    let (status, category, body) =
        create(&hub, "contacts", json!({"email": "ADA@example.com"})).await;
    assert_eq!((status, category.as_str()), (409, "CONFLICT"));
    assert_eq!(
        body["message"],
        format!("Contact already exists. Existing ID: {ada}")
    );
    let change = json!({"properties": {"email": "ada@example.com"}});
    let path = format!("{}/{bob}", objects("contacts"));
    assert_eq!(
        hub.refused(Method::PATCH, &path, Some(&change)).await.0,
        409
    );
    // Its own address is no conflict.
    let path = format!("{}/{ada}", objects("contacts"));
    assert_eq!(
        hub.send(Method::PATCH, &path, Some(&change)).await.status,
        200
    );
}

#[tokio::test]
async fn what_is_not_there_and_what_is_no_type_differ() {
    let hub = hub().await;
    for path in [
        "contacts/99",
        "contacts/x",
        "contacts/-1",
        "contacts/nobody@example.com?idProperty=email",
    ] {
        let (status, category, _) = hub.refused(Method::GET, &objects(path), None).await;
        assert_eq!(
            (status, category.as_str()),
            (404, "OBJECT_NOT_FOUND"),
            "{path}"
        );
    }
    for path in [
        "people",
        "people/1",
        "contacts/1?associations=people",
        "contacts/1?idProperty=firstname",
    ] {
        let (status, category, _) = hub.refused(Method::GET, &objects(path), None).await;
        assert_eq!(
            (status, category.as_str()),
            (400, "VALIDATION_ERROR"),
            "{path}"
        );
    }
    for query in [
        "limit=101",
        "limit=0",
        "limit=many",
        "after=there",
        "limit=51&propertiesWithHistory=email",
    ] {
        let path = format!("{}?{query}", objects("contacts"));
        assert_eq!(
            hub.refused(Method::GET, &path, None).await.0,
            400,
            "{query}"
        );
    }
    assert_eq!(
        hub.refused(Method::PUT, &objects("contacts"), None).await.0,
        405
    );
}

#[tokio::test]
async fn bodies_must_be_json_of_the_right_form() {
    let hub = hub().await;
    let post = |kind: &'static str, body: &'static str| {
        let request = hub
            .request(Method::POST, &objects("contacts"))
            .bearer_auth(TOKEN);
        hub.finish(request.header("content-type", kind).body(body))
    };
    assert_eq!(post("text/plain", "{}").await.status, 415);
    for body in [
        "",
        "{",
        "[]x",
        r#"{"properties": []}"#,
        r#"{"properties": {"email": ["a"]}}"#,
        r#"{"associations": 1}"#,
    ] {
        let seen = post("application/json; charset=utf-8", body).await;
        assert_eq!(seen.status, 400, "{body}");
        assert!(
            seen.body["message"]
                .as_str()
                .unwrap()
                .starts_with("Invalid input JSON"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_stage_belongs_to_its_pipeline() {
    let hub = hub().await;
    let deal = |pipeline: &str, stage: &str| json!({"dealname": "x", "pipeline": pipeline, "dealstage": stage});
    for (pipeline, stage, property) in [
        ("sales", "closedwon", "pipeline"),
        ("default", "1", "dealstage"),
    ] {
        let (_, _, body) = create(&hub, "deals", deal(pipeline, stage)).await;
        assert_eq!(
            body["errors"][0]["context"]["propertyName"],
            json!([property])
        );
        assert_eq!(body["errors"][0]["code"], "INVALID_OPTION");
    }
    // What could be a pipeline and a stage that the account made is there from now on.
    let id = hub.create("deals", deal("7310", "998877")).await;
    let pipelines = hub.get("/crm/pipelines/2026-09/deals").await;
    assert_eq!(pipelines["results"][1]["id"], "7310");
    let change = json!({"properties": {"dealstage": "closedwon"}});
    let seen = hub
        .send(
            Method::PATCH,
            &format!("{}/{id}", objects("deals")),
            Some(&change),
        )
        .await;
    assert_eq!(seen.body["properties"]["pipeline"], "7310");
}
