//! Search.

use reqwest::Method;
use serde_json::{Value, json};

use crate::hub::{Hub, filter, hub, objects, search};

/// Four deals of different sizes and stages.
async fn deals() -> Hub {
    let hub = hub().await;
    for (name, amount, stage, close) in [
        ("Harbour lanterns", Some("900"), "closedwon", "2026-03-01"),
        (
            "Museum lighting",
            Some("12000"),
            "contractsent",
            "2026-06-01",
        ),
        ("Café refit", None, "qualifiedtobuy", "2026-09-01"),
        (
            "Harbour festival",
            Some("4500.50"),
            "closedlost",
            "2026-12-01",
        ),
    ] {
        let mut properties = json!({"dealname": name, "dealstage": stage, "closedate": close});
        if let Some(amount) = amount {
            properties["amount"] = amount.into();
        }
        hub.create("deals", properties).await;
    }
    hub
}

async fn names(hub: &Hub, filters: Value) -> Vec<String> {
    let groups = json!({"filterGroups": [{ "filters": filters }]});
    hub.found("deals", search(groups), "dealname").await
}

const HARBOUR: &str = "Harbour lanterns";
const MUSEUM: &str = "Museum lighting";
const CAFE: &str = "Café refit";
const FESTIVAL: &str = "Harbour festival";

#[tokio::test]
async fn every_operator_does_what_it_says() {
    let hub = deals().await;
    for (property, operator, rest, found) in [
        (
            "dealname",
            "EQ",
            json!({"value": "harbour LANTERNS"}),
            vec![HARBOUR],
        ),
        (
            "dealname",
            "NEQ",
            json!({"value": HARBOUR}),
            vec![MUSEUM, CAFE, FESTIVAL],
        ),
        ("amount", "LT", json!({"value": "4500.5"}), vec![HARBOUR]),
        (
            "amount",
            "LTE",
            json!({"value": "4500.5"}),
            vec![HARBOUR, FESTIVAL],
        ),
        ("amount", "GT", json!({"value": "4500.5"}), vec![MUSEUM]),
        (
            "amount",
            "GTE",
            json!({"value": 4500.5}),
            vec![MUSEUM, FESTIVAL],
        ),
        (
            "amount",
            "BETWEEN",
            json!({"value": "900", "highValue": "4500.5"}),
            vec![HARBOUR, FESTIVAL],
        ),
        (
            "closedate",
            "BETWEEN",
            json!({"value": "2026-05-01", "highValue": "1793491200000"}),
            vec![MUSEUM, CAFE],
        ),
        (
            "dealstage",
            "IN",
            json!({"values": ["closedwon", "closedlost"]}),
            vec![HARBOUR, FESTIVAL],
        ),
        (
            "dealstage",
            "NOT_IN",
            json!({"values": ["closedwon", "closedlost"]}),
            vec![MUSEUM, CAFE],
        ),
        (
            "amount",
            "HAS_PROPERTY",
            json!({}),
            vec![HARBOUR, MUSEUM, FESTIVAL],
        ),
        ("amount", "NOT_HAS_PROPERTY", json!({}), vec![CAFE]),
        (
            "dealname",
            "CONTAINS_TOKEN",
            json!({"value": "harbour"}),
            vec![HARBOUR, FESTIVAL],
        ),
        (
            "dealname",
            "CONTAINS_TOKEN",
            json!({"value": "*light*"}),
            vec![MUSEUM],
        ),
        (
            "dealname",
            "NOT_CONTAINS_TOKEN",
            json!({"value": "harbour"}),
            vec![MUSEUM, CAFE],
        ),
        (
            "hs_is_closed",
            "EQ",
            json!({"value": "true"}),
            vec![HARBOUR, FESTIVAL],
        ),
        // Nothing is neither equal nor unequal.
        (
            "amount",
            "NEQ",
            json!({"value": "900"}),
            vec![MUSEUM, FESTIVAL],
        ),
    ] {
        let filters = json!([filter(property, operator, rest.clone())]);
        assert_eq!(
            names(&hub, filters).await,
            found,
            "{property} {operator} {rest}"
        );
    }
}

#[tokio::test]
async fn filters_narrow_and_groups_widen() {
    let hub = deals().await;
    let both = json!([
        filter("dealname", "CONTAINS_TOKEN", json!({"value": "harbour"})),
        filter("amount", "GT", json!({"value": "1000"})),
    ]);
    assert_eq!(names(&hub, both).await, [FESTIVAL]);
    let either = search(json!({"filterGroups": [
        {"filters": [filter("amount", "GT", json!({"value": "10000"}))]},
        {"filters": [filter("amount", "NOT_HAS_PROPERTY", json!({}))]},
    ]}));
    assert_eq!(hub.found("deals", either, "dealname").await, [MUSEUM, CAFE]);
}

#[tokio::test]
async fn words_are_looked_for_where_the_type_is_searched() {
    let hub = deals().await;
    let query = |query: &str| search(json!({ "query": query }));
    assert_eq!(
        hub.found("deals", query("harbour fest"), "dealname").await,
        [FESTIVAL]
    );
    assert_eq!(hub.found("deals", query("CAFÉ"), "dealname").await, [CAFE]);
    assert!(
        hub.found("deals", query("harbour museum"), "dealname")
            .await
            .is_empty()
    );
    hub.create(
        "contacts",
        json!({"email": "ada@example.com", "phone": "+1 (415) 555-0100"}),
    )
    .await;
    assert_eq!(
        hub.found("contacts", query("4155550100"), "email").await,
        ["ada@example.com"]
    );
    // Words and filters narrow each other.
    let both = search(json!({"query": "harbour", "filterGroups": [
        {"filters": [filter("dealstage", "EQ", json!({"value": "closedwon"}))]}]}));
    assert_eq!(hub.found("deals", both, "dealname").await, [HARBOUR]);
}

#[tokio::test]
async fn results_are_sorted_and_what_has_no_value_comes_last() {
    let hub = deals().await;
    let sorted = |sort: Value| search(json!({ "sorts": [sort] }));
    for sort in [
        json!("amount"),
        json!({"propertyName": "amount", "direction": "ASCENDING"}),
    ] {
        assert_eq!(
            hub.found("deals", sorted(sort), "dealname").await,
            [HARBOUR, FESTIVAL, MUSEUM, CAFE]
        );
    }
    for sort in [
        json!("-amount"),
        json!({"propertyName": "amount", "direction": "DESCENDING"}),
    ] {
        assert_eq!(
            hub.found("deals", sorted(sort), "dealname").await,
            [MUSEUM, FESTIVAL, HARBOUR, CAFE]
        );
    }
    assert_eq!(
        hub.found("deals", json!({}), "dealname").await,
        [HARBOUR, MUSEUM, CAFE, FESTIVAL]
    );
}

#[tokio::test]
async fn pages_lead_to_the_end_and_the_total_is_told() {
    let hub = deals().await;
    let path = format!("{}/search", objects("deals"));
    let page = |after: &str| {
        search(json!({"limit": 3, "after": after, "properties": ["dealname", "amount"]}))
    };
    let first = hub.post(&path, page("0")).await.body;
    assert_eq!(
        (&first["total"], first["results"].as_array().unwrap().len()),
        (&json!(4), 3)
    );
    assert_eq!(first["paging"]["next"]["after"], "3");
    assert_eq!(first["results"][2]["properties"]["amount"], Value::Null);
    let last = hub.post(&path, page("3")).await.body;
    assert_eq!(
        (&last["total"], last["results"].as_array().unwrap().len()),
        (&json!(4), 1)
    );
    assert!(last.get("paging").is_none());
}

#[tokio::test]
async fn associated_objects_can_be_asked_for() {
    let hub = deals().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let link = json!([{"to": {"id": ada}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]}]);
    hub.create_linked(
        "deals",
        json!({"dealname": "Hers", "dealstage": "contractsent"}),
        link,
    )
    .await;
    let hers = json!([filter(
        "associations.contact",
        "EQ",
        json!({ "value": ada })
    )]);
    assert_eq!(names(&hub, hers).await, ["Hers"]);
    let nobodys = json!([filter(
        "associations.contact",
        "NOT_HAS_PROPERTY",
        json!({})
    )]);
    assert_eq!(names(&hub, nobodys).await.len(), 4);
}

#[tokio::test]
async fn archived_objects_are_not_found() {
    let hub = deals().await;
    let list = hub.get(&objects("deals")).await;
    let id = list["results"][0]["id"].as_str().unwrap();
    hub.send(Method::DELETE, &format!("{}/{id}", objects("deals")), None)
        .await;
    assert_eq!(hub.found("deals", json!({}), "dealname").await.len(), 3);
}

#[tokio::test]
async fn a_search_that_makes_no_sense_is_refused() {
    let hub = deals().await;
    let one = filter("amount", "EQ", json!({"value": "1"}));
    let filters = |count: usize| json!({ "filters": vec![one.clone(); count] });
    for (wrong, why) in [
        (json!({"filterGroups": vec![filters(1); 6]}), "filterGroups"),
        (json!({"filterGroups": [filters(11)]}), "in a group"),
        (json!({"filterGroups": vec![filters(6); 5]}), "in all"),
        (
            json!({"filterGroups": [{"filters": [filter("nonsense", "EQ", json!({"value": "1"}))]}]}),
            "nonsense",
        ),
        (
            json!({"filterGroups": [{"filters": [filter("amount", "LIKE", json!({"value": "1"}))]}]}),
            "LIKE",
        ),
        (
            json!({"filterGroups": [{"filters": [filter("amount", "EQ", json!({}))]}]}),
            "`value`",
        ),
        (
            json!({"filterGroups": [{"filters": [filter("amount", "BETWEEN", json!({"value": "1"}))]}]}),
            "`highValue`",
        ),
        (
            json!({"filterGroups": [{"filters": [filter("amount", "IN", json!({"value": "1"}))]}]}),
            "`values`",
        ),
        (
            json!({"filterGroups": [{"filters": [filter("amount", "GT", json!({"value": "much"}))]}]}),
            "much",
        ),
        (json!({"sorts": ["amount", "dealname"]}), "sorts"),
        (json!({"sorts": ["nonsense"]}), "nonsense"),
        (json!({"limit": 201}), "201"),
        (json!({"limit": 200, "after": "9801"}), "10000"),
        (json!({"after": "next"}), "next"),
        (json!({"filterGroups": "all"}), "JSON"),
    ] {
        let path = format!("{}/search", objects("deals"));
        let (status, category, body) = hub.refused(Method::POST, &path, Some(&wrong)).await;
        assert_eq!(
            (status, category.as_str()),
            (400, "VALIDATION_ERROR"),
            "{wrong}"
        );
        assert!(
            body["message"].as_str().unwrap().contains(why),
            "{wrong}: {}",
            body["message"]
        );
    }
    let far = hub
        .post(
            &format!("{}/search", objects("deals")),
            json!({"limit": 200, "after": "9800"}),
        )
        .await;
    assert_eq!(far.status, 200);
}
