//! The company of `--sandbox-seed demo`.

use business_tools_hubspot::sandbox_config;
use business_tools_sandbox::Seed;
use serde_json::{Value, json};

use crate::hub::{Hub, filter, named, objects, search, seeded};

async fn demo() -> Hub {
    let hub = seeded(Seed::Demo).await;
    let config = sandbox_config(&hub.url(""));
    hub.with_token(config["access_token"].as_str().unwrap())
}

async fn total(hub: &Hub, kind: &str) -> u64 {
    let seen = hub
        .post(&format!("{}/search", objects(kind)), json!({}))
        .await;
    seen.body["total"].as_u64().unwrap()
}

#[tokio::test]
async fn a_small_company_is_at_work() {
    let hub = demo().await;
    for (kind, count) in [
        ("companies", 12),
        ("contacts", 30),
        ("deals", 14),
        ("tickets", 6),
        ("notes", 10),
        ("tasks", 5),
        ("calls", 2),
    ] {
        assert_eq!(total(&hub, kind).await, count, "{kind}");
    }
    let owners = hub.get("/crm/owners/2026-09").await;
    assert_eq!(owners["results"].as_array().unwrap().len(), 3);
    let open = search(
        json!({"filterGroups": [{"filters": [filter("hs_is_closed", "EQ", json!({"value": "false"}))]}],
                             "sorts": ["-amount"]}),
    );
    let open = hub.found("deals", open, "dealname").await;
    assert_eq!(
        (open.len(), open[0].as_str()),
        (8, "Foyer chandelier study")
    );
}

#[tokio::test]
async fn everything_is_linked_and_older_than_now() {
    let hub = demo().await;
    let ada = hub.get(&format!("{}/ada.park@harborpine.example?idProperty=email&properties=associatedcompanyid&associations=companies,deals,notes,calls", objects("contacts"))).await;
    let company = ada["properties"]["associatedcompanyid"].as_str().unwrap();
    let shown = hub.get(&objects(&format!("companies/{company}"))).await;
    assert_eq!(shown["properties"]["name"], "Harbor & Pine Hotels");
    for (kind, count) in [("deals", 3), ("notes", 2), ("calls", 1)] {
        assert_eq!(
            ada["associations"][kind]["results"]
                .as_array()
                .unwrap()
                .len(),
            count,
            "{kind}"
        );
    }
    let now = hub.get(&objects("notes")).await;
    let created = now["results"][0]["createdAt"].as_str().unwrap();
    assert_eq!(now["results"][0]["properties"]["hs_createdate"], created);
    let tickets = hub
        .get(&format!(
            "{}?properties=subject,hs_pipeline,closed_date",
            objects("tickets")
        ))
        .await;
    assert!(named(&tickets, "subject").contains(&"Two pendants arrived cracked".to_owned()));
    let closed = tickets["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|ticket| ticket["properties"]["closed_date"].is_string());
    assert_eq!(closed.count(), 1);
}

#[tokio::test]
async fn it_comes_back_after_a_reset_and_only_in_its_own_account() {
    let hub = demo().await;
    let first = hub.get(&objects("deals")).await;
    let gone = first["results"][0]["id"].as_str().unwrap();
    hub.send(
        reqwest::Method::DELETE,
        &objects(&format!("deals/{gone}")),
        None,
    )
    .await;
    hub.running.reset().await;
    let again = hub.get(&objects("deals")).await;
    let ids = |page: &Value| {
        page["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|deal| deal["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(&first),
        ids(&again),
        "the same ids from one start to the next"
    );
    let other = hub.with_token(crate::hub::TOKEN);
    assert_eq!(total(&other, "companies").await, 0);
    let empty = seeded(Seed::Empty).await;
    assert_eq!(total(&empty, "companies").await, 0);
}
