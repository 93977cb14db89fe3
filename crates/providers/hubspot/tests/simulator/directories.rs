//! Owners, pipelines, properties and the account: what rarely changes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::hub::{hub, objects};

#[tokio::test]
async fn owners_are_listed_found_and_made_on_first_use() {
    let hub = hub().await;
    let all = hub.get("/crm/owners/2026-09").await;
    let owners = all["results"].as_array().unwrap().clone();
    assert_eq!(owners.len(), 2);
    let (id, email) = (
        owners[1]["id"].as_str().unwrap(),
        owners[1]["email"].as_str().unwrap(),
    );
    let first = hub.get("/crm/owners/2026-09?limit=1").await;
    let after = first["paging"]["next"]["after"].as_str().unwrap();
    let second = hub
        .get(&format!("/crm/owners/2026-09?limit=1&after={after}"))
        .await;
    assert_eq!(second["results"][0]["id"], id);
    assert!(second.get("paging").is_none());
    let found = hub
        .get(&format!(
            "/crm/owners/2026-09?email={}",
            email.to_uppercase()
        ))
        .await;
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
    assert_eq!(
        hub.get("/crm/owners/2026-09?email=nobody@example.com")
            .await["results"],
        json!([])
    );
    assert_eq!(
        hub.get("/crm/owners/2026-09?archived=true").await["results"],
        json!([])
    );
    let user = owners[1]["userId"].as_u64().unwrap();
    let by_user = hub
        .get(&format!("/crm/owners/2026-09/{user}?idProperty=userId"))
        .await;
    assert_eq!(by_user["id"], id);
    assert_eq!(
        hub.refused(Method::GET, "/crm/owners/2026-09/77", None)
            .await
            .0,
        404
    );
    hub.create(
        "contacts",
        json!({"email": "a@example.com", "hubspot_owner_id": "77"}),
    )
    .await;
    assert_eq!(hub.get("/crm/owners/2026-09/77").await["id"], "77");
    assert_eq!(
        hub.refused(Method::GET, "/crm/owners/2026-09?limit=501", None)
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn pipelines_have_their_stages() {
    let hub = hub().await;
    let deals = hub.get("/crm/pipelines/2026-09/deals").await;
    let pipeline = &deals["results"][0];
    assert_eq!(
        (&pipeline["id"], &pipeline["label"]),
        (&json!("default"), &json!("Sales Pipeline"))
    );
    let stages = pipeline["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 7);
    assert_eq!(
        stages[5]["metadata"],
        json!({"isClosed": "true", "probability": "1.0"})
    );
    let tickets = hub.get("/crm/pipelines/2026-09/tickets").await;
    let labels: Vec<_> = tickets["results"][0]["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| stage["label"].as_str().unwrap())
        .collect();
    assert_eq!(
        labels,
        ["New", "Waiting on contact", "Waiting on us", "Closed"]
    );
    assert_eq!(
        hub.get("/crm/pipelines/2026-09/contacts").await["results"],
        json!([])
    );
    assert_eq!(
        hub.get("/crm/v3/pipelines/deals/default").await["id"],
        "default"
    );
    assert_eq!(
        hub.refused(Method::GET, "/crm/v3/pipelines/deals/none", None)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn every_property_that_is_shown_is_defined() {
    let hub = hub().await;
    for (kind, name, shape) in [
        ("contacts", "email", ("string", "text")),
        ("companies", "industry", ("enumeration", "select")),
        ("deals", "amount", ("number", "number")),
        ("tickets", "hs_pipeline_stage", ("enumeration", "radio")),
        ("notes", "hs_timestamp", ("datetime", "date")),
        ("quotes", "hs_expiration_date", ("date", "date")),
    ] {
        let all = hub.get(&format!("/crm/properties/2026-09/{kind}")).await;
        let all = all["results"].as_array().unwrap();
        let mut names: Vec<_> = all
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        let one = all.iter().find(|one| one["name"] == name).unwrap();
        assert_eq!(
            (
                one["type"].as_str().unwrap(),
                one["fieldType"].as_str().unwrap()
            ),
            shape
        );
        let options = one["options"].as_array().unwrap();
        assert_eq!(options.is_empty(), shape.0 != "enumeration", "{name}");
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{kind} has a property twice");
    }
    assert_eq!(
        hub.get("/crm/properties/2026-09/contacts?dataSensitivity=sensitive")
            .await["results"],
        json!([])
    );
    let path = "/crm/properties/2026-09/contacts?dataSensitivity=secret";
    assert_eq!(hub.refused(Method::GET, path, None).await.0, 400);
}

#[tokio::test]
async fn a_property_of_the_account_is_made_used_and_archived() {
    let hub = hub().await;
    let path = "/crm/properties/2026-09/companies";
    let new = json!({"name": "customer_number", "label": "Customer number", "type": "string", "fieldType": "text",
                     "groupName": "companyinformation", "hasUniqueValue": true});
    assert_eq!(hub.post(path, new.clone()).await.status, 201);
    assert_eq!(hub.refused(Method::POST, path, Some(&new)).await.0, 409);
    let shown = hub.get(&format!("{path}/customer_number")).await;
    assert_eq!(
        (&shown["hasUniqueValue"], &shown["hubspotDefined"]),
        (&json!(true), &json!(false))
    );
    let id = hub
        .create(
            "companies",
            json!({"name": "One", "customer_number": "K-7"}),
        )
        .await;
    let found = hub
        .get(&format!(
            "{}/K-7?idProperty=customer_number",
            objects("companies")
        ))
        .await;
    assert_eq!(found["id"], id.as_str());
    let again = json!({"properties": {"name": "Two", "customer_number": "k-7"}});
    assert_eq!(
        hub.refused(Method::POST, &objects("companies"), Some(&again))
            .await
            .0,
        409
    );
    for wrong in [json!({"name": "Bad Name"}), json!({"fieldType": "date"})] {
        let mut body = new.clone();
        body.as_object_mut()
            .unwrap()
            .extend(wrong.as_object().unwrap().clone());
        assert_eq!(
            hub.refused(Method::POST, path, Some(&body)).await.0,
            400,
            "{wrong}"
        );
    }
    let one = format!("{path}/customer_number");
    assert_eq!(hub.send(Method::DELETE, &one, None).await.status, 204);
    assert_eq!(hub.refused(Method::GET, &one, None).await.0, 404);
    assert_eq!(
        hub.refused(Method::DELETE, &format!("{path}/name"), None)
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn the_account_tells_its_number_and_its_money() {
    let hub = hub().await;
    let details = hub.get("/account-info/2026-09/details").await;
    let portal = details["portalId"].as_u64().unwrap();
    assert_eq!(details["companyCurrency"], "USD");
    assert_eq!(hub.get("/account-info/v3/details").await, details);
    let id = hub
        .create("contacts", json!({"email": "a@example.com"}))
        .await;
    let url = hub.get(&objects(&format!("contacts/{id}"))).await["url"].clone();
    assert!(
        url.as_str()
            .unwrap()
            .contains(&format!("/contacts/{portal}/")),
        "{url}"
    );
    let described: Value = hub
        .finish(hub.request(Method::GET, "/../_sandbox"))
        .await
        .body;
    assert!(described.to_string().contains(&portal.to_string()));
}
