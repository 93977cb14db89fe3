//! Every operation of the description, whole: parameters, bodies and answers.

use reqwest::Method;
use serde_json::json;

use crate::hub::{contract, hub, objects, search};

#[tokio::test]
async fn every_described_operation_is_as_described() {
    let Some(contract) = contract() else { return };
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let company = hub.create("companies", json!({"name": "One"})).await;
    let contacts = objects("contacts");
    let all = "archived=false&properties=email&properties=phone&propertiesWithHistory=email&associations=companies";
    let default = objects(&format!(
        "contacts/{ada}/associations/default/companies/{company}"
    ));
    hub.send(Method::PUT, &default, None).await;
    hub.get(&format!("{contacts}?limit=1&after=0&{all}")).await;
    hub.get(&format!("{contacts}/{ada}?{all}")).await;
    hub.get(&format!("{contacts}/ada@example.com?idProperty=email"))
        .await;
    let change = json!({"properties": {"firstname": "Ada"}});
    hub.send(Method::PATCH, &format!("{contacts}/{ada}"), Some(&change))
        .await;
    hub.create("contacts", json!({"email": "bob@example.com"}))
        .await;
    hub.post(
        &format!("{contacts}/search"),
        search(json!({"limit": 1, "sorts": ["-email"]})),
    )
    .await;
    let read = json!({"inputs": [{"id": ada}, {"id": "99"}], "properties": [], "propertiesWithHistory": ["email"]});
    hub.post(&format!("{contacts}/batch/read?archived=false"), read)
        .await;
    let input = json!({"id": "ada@example.com", "idProperty": "email", "properties": {"phone": "1"}, "objectWriteTraceId": "a"});
    hub.post(
        &format!("{contacts}/batch/upsert"),
        json!({"inputs": [input]}),
    )
    .await;
    let inputs = json!({"inputs": [{"id": ada}, {"id": "99"}]});
    hub.post(
        "/crm/associations/2026-09/contacts/companies/batch/read",
        inputs,
    )
    .await;
    let pair = objects(&format!("contacts/{ada}/associations/companies/{company}"));
    let primary = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
    hub.send(Method::PUT, &pair, Some(&primary)).await;
    hub.send(Method::DELETE, &pair, None).await;
    hub.get("/crm/owners/2026-09?limit=1&archived=false").await;
    for kind in ["deals", "tickets", "leads"] {
        hub.get(&format!("/crm/pipelines/2026-09/{kind}")).await;
    }
    for kind in ["contacts", "companies", "deals", "tickets", "notes", "2-77"] {
        hub.get(&format!(
            "/crm/properties/2026-09/{kind}?archived=false&dataSensitivity=non_sensitive"
        ))
        .await;
    }
    hub.get("/account-info/2026-09/details").await;
    let client = [
        ("client_id", "11111111-2222"),
        ("client_secret", "33333333-4444"),
    ];
    let post = async |path: &str, more: &[(&str, &str)]| {
        let form = [&client[..], more].concat();
        hub.finish(hub.request(Method::POST, path).form(&form))
            .await
            .body
    };
    let grant = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "na1-0123456789abcdef"),
    ];
    let made = post("/oauth/2026-03/token", &grant).await;
    post(
        "/oauth/2026-03/token",
        &[("grant_type", "client_credentials")],
    )
    .await;
    let token = [("token", made["access_token"].as_str().unwrap())];
    post("/oauth/2026-03/token/introspect", &token).await;
    post(
        "/oauth/2026-03/token/introspect",
        &[
            grant[1],
            ("token", grant[1].1),
            ("token_type_hint", "refresh_token"),
        ][1..],
    )
    .await;
    post("/oauth/2026-03/token/revoke", &token).await;
    hub.send(Method::DELETE, &format!("{contacts}/{ada}"), None)
        .await;
    hub.get(&format!("{contacts}/{ada}?archived=true")).await;
    contract.check_all("hubspot", &hub.exchanges());
}
