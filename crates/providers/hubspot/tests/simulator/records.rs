//! One object at a time.

use reqwest::Method;
use serde_json::{Value, json};

use crate::hub::{hub, named, objects};

#[tokio::test]
async fn a_new_object_has_an_id_times_and_text_values() {
    let hub = hub().await;
    let new = json!({"properties": {"dealname": "Lanterns", "amount": 1500.5, "dealstage": "contractsent",
                                    "closedate": "2026-12-24"}, "associations": []});
    let seen = hub.post(&objects("deals"), new).await;
    assert_eq!(seen.status, 201);
    let deal = seen.body;
    let id = deal["id"].as_str().unwrap();
    assert!(
        id.len() >= 9 && id.bytes().all(|b| b.is_ascii_digit()),
        "{id}"
    );
    let properties = &deal["properties"];
    assert_eq!(properties["amount"], "1500.5");
    assert_eq!(properties["closedate"], "2026-12-24T00:00:00.000Z");
    assert_eq!(properties["pipeline"], "default");
    assert_eq!(properties["hs_object_id"], id);
    assert_eq!(properties["hs_is_closed"], "false");
    assert_eq!(properties["createdate"], deal["createdAt"]);
    assert_eq!(properties["hs_lastmodifieddate"], deal["updatedAt"]);
    assert_eq!(deal["archived"], false);
    assert!(
        deal["url"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/record/0-3/{id}"))
    );
}

#[tokio::test]
async fn reading_shows_what_is_asked_for_or_a_few_properties() {
    let hub = hub().await;
    let id = hub
        .create(
            "contacts",
            json!({"email": "Ada@Example.com", "firstname": "Ada", "phone": "+1 415 555 0100"}),
        )
        .await;
    let path = format!("{}/{id}", objects("contacts"));
    let shown = hub.get(&path).await["properties"].clone();
    let keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "createdate",
            "email",
            "firstname",
            "hs_object_id",
            "lastmodifieddate",
            "lastname"
        ]
    );
    assert_eq!(
        (&shown["email"], &shown["lastname"]),
        (&json!("ada@example.com"), &Value::Null)
    );
    // Names that do not exist are passed over.
    let shown = hub
        .get(&format!(
            "{path}?properties=phone,jobtitle&properties=nonsense"
        ))
        .await["properties"]
        .clone();
    assert_eq!(
        (&shown["phone"], &shown["jobtitle"]),
        (&json!("+1 415 555 0100"), &Value::Null)
    );
    assert!(shown.get("nonsense").is_none() && shown.get("email").is_none());
    let by_email = hub
        .get(&format!(
            "{}/ADA@example.com?idProperty=email",
            objects("contacts")
        ))
        .await;
    assert_eq!(by_email["id"], id.as_str());
}

#[tokio::test]
async fn a_change_is_seen_and_an_empty_text_clears() {
    let hub = hub().await;
    let id = hub
        .create("companies", json!({"name": "Northwind", "phone": "1"}))
        .await;
    let path = format!("{}/{id}", objects("companies"));
    let before = hub.get(&path).await;
    let change = json!({"properties": {"name": "Northwind Lantern Co.", "phone": ""}});
    let seen = hub.send(Method::PATCH, &path, Some(&change)).await;
    assert_eq!(seen.status, 200);
    assert_eq!(seen.body["properties"]["name"], "Northwind Lantern Co.");
    assert!(seen.body["properties"].get("phone").is_none());
    let after = hub
        .get(&format!(
            "{path}?properties=name,phone&propertiesWithHistory=phone"
        ))
        .await;
    assert_eq!(after["properties"]["phone"], Value::Null);
    assert_eq!(after["createdAt"], before["createdAt"]);
    assert!(after["updatedAt"].as_str() >= before["updatedAt"].as_str());
    let past = &after["propertiesWithHistory"]["phone"];
    assert_eq!(
        (&past[0]["value"], &past[1]["value"]),
        (&json!(""), &json!("1"))
    );
    // By another property that is unique.
    let contact = hub
        .create("contacts", json!({"email": "a@example.com"}))
        .await;
    let path = format!("{}/a@example.com?idProperty=email", objects("contacts"));
    let change = json!({"properties": {"email": "b@example.com"}});
    assert_eq!(
        hub.send(Method::PATCH, &path, Some(&change)).await.body["id"],
        contact.as_str()
    );
    let seen = hub.send(Method::PATCH, &path, Some(&change)).await;
    assert_eq!(seen.status, 404);
}

#[tokio::test]
async fn an_archived_object_is_gone_and_can_be_read_as_archived() {
    let hub = hub().await;
    let id = hub
        .create("contacts", json!({"email": "gone@example.com"}))
        .await;
    let path = format!("{}/{id}", objects("contacts"));
    for _ in 0..2 {
        let seen = hub.send(Method::DELETE, &path, None).await;
        assert_eq!((seen.status.as_u16(), &seen.body), (204, &Value::Null));
    }
    assert_eq!(hub.refused(Method::GET, &path, None).await.0, 404);
    let change = json!({"properties": {"firstname": "x"}});
    assert_eq!(
        hub.refused(Method::PATCH, &path, Some(&change)).await.1,
        "OBJECT_NOT_FOUND"
    );
    let archived = hub.get(&format!("{path}?archived=True")).await;
    assert_eq!(archived["archived"], true);
    assert!(archived["archivedAt"].is_string());
    assert!(
        hub.get(&objects("contacts")).await["results"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let list = hub
        .get(&format!("{}?archived=true", objects("contacts")))
        .await;
    assert_eq!(list["results"][0]["id"], id.as_str());
    // The address is free again.
    hub.create("contacts", json!({"email": "gone@example.com"}))
        .await;
}

#[tokio::test]
async fn a_list_leads_from_page_to_page() {
    let hub = hub().await;
    for n in 0..5 {
        hub.create("companies", json!({ "name": format!("Company {n}") }))
            .await;
    }
    let first = hub
        .get(&format!("{}?limit=2&properties=name", objects("companies")))
        .await;
    assert_eq!(named(&first, "name"), ["Company 0", "Company 1"]);
    let next = &first["paging"]["next"];
    let link = next["link"].as_str().unwrap();
    let inside = hub.url("/crm/objects/2026-09/companies?");
    assert!(
        link.starts_with(&inside) && link.contains("limit=2&properties=name&after="),
        "{link}"
    );
    // What is archived between two pages moves nothing.
    let gone = first["results"][0]["id"].as_str().unwrap();
    hub.send(
        Method::DELETE,
        &format!("{}/{gone}", objects("companies")),
        None,
    )
    .await;
    let after = next["after"].as_str().unwrap();
    let second = hub
        .get(&format!("{}?limit=3&after={after}", objects("companies")))
        .await;
    assert_eq!(
        named(&second, "name"),
        ["Company 2", "Company 3", "Company 4"]
    );
    assert!(second.get("paging").is_none());
}

#[tokio::test]
async fn every_type_can_be_created_and_read_under_each_of_its_names() {
    let hub = hub().await;
    let now = "2026-11-01T10:00:00Z";
    for (kind, id, properties) in [
        ("contacts", "0-1", json!({"lastname": "x"})),
        ("companies", "0-2", json!({"domain": "X.example"})),
        (
            "deals",
            "0-3",
            json!({"dealname": "x", "dealstage": "closedwon"}),
        ),
        (
            "tickets",
            "0-5",
            json!({"subject": "x", "hs_pipeline_stage": "1"}),
        ),
        (
            "notes",
            "0-46",
            json!({"hs_timestamp": now, "hs_note_body": "<b>x</b>"}),
        ),
        (
            "tasks",
            "0-27",
            json!({"hs_timestamp": "1793331017883", "hs_task_status": "NOT_STARTED"}),
        ),
        (
            "calls",
            "0-48",
            json!({"hs_timestamp": now, "hs_call_direction": "INBOUND"}),
        ),
        (
            "emails",
            "0-49",
            json!({"hs_timestamp": now, "hs_email_direction": "EMAIL"}),
        ),
        (
            "meetings",
            "0-47",
            json!({"hs_timestamp": now, "hs_meeting_outcome": "SCHEDULED"}),
        ),
        ("products", "0-7", json!({"name": "Lantern", "price": 12})),
        ("line_items", "0-8", json!({"quantity": 3})),
        (
            "quotes",
            "0-14",
            json!({"hs_title": "x", "hs_expiration_date": "2026-12-31"}),
        ),
        (
            "leads",
            "0-136",
            json!({"hs_lead_name": "x", "hs_pipeline_stage": "new-stage-id"}),
        ),
        (
            "2-1234567",
            "2-1234567",
            json!({"name": "a boat", "length_m": 7}),
        ),
    ] {
        let made = hub.create(kind, properties).await;
        let read = hub.get(&format!("{}/{made}", objects(id))).await;
        assert_eq!(read["id"], made.as_str(), "{kind}");
        assert!(
            read["url"].as_str().unwrap().contains(&format!("/{id}/")),
            "{kind}"
        );
    }
    let list = hub
        .get(&format!("{}?properties=length_m", objects("2-1234567")))
        .await;
    assert_eq!(named(&list, "length_m"), ["7"]);
    let won = hub
        .get(&format!("{}?properties=hs_is_closed_won", objects("deals")))
        .await;
    assert_eq!(named(&won, "hs_is_closed_won"), ["true"]);
}

#[tokio::test]
async fn accounts_do_not_see_each_other_and_versions_share_one() {
    let hub = hub().await;
    let id = hub
        .create("contacts", json!({"email": "a@example.com"}))
        .await;
    for version in ["/crm/objects/2026-03/contacts", "/crm/v3/objects/contacts"] {
        assert_eq!(
            hub.get(version).await["results"][0]["id"],
            id.as_str(),
            "{version}"
        );
    }
    for version in [
        "/crm/objects/2025-09/contacts",
        "/crm/objects/v3/contacts",
        "/crm/v4/objects/contacts",
        "/crm",
    ] {
        assert_eq!(
            hub.refused(Method::GET, version, None).await.0,
            404,
            "{version}"
        );
    }
    let other = hub.with_token("pat-eu1-other-account");
    assert!(
        other.get(&objects("contacts")).await["results"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let described: Value = other
        .finish(other.request(Method::GET, "/../_sandbox"))
        .await
        .body;
    let text = described.to_string();
    assert!(!text.contains("pat-"), "tokens are not shown: {text}");
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let hub = hub().await;
    hub.create("contacts", json!({"email": "a@example.com"}))
        .await;
    hub.running.reset().await;
    assert!(
        hub.get(&objects("contacts")).await["results"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}
