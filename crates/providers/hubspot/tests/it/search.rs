//! Search: what is asked, what comes back, and where it ends.

use business_tools_core::{Kind, Result};
use business_tools_testkit::World;
use serde_json::{Value, json};

use crate::support::{body, contact, host, hubspot, id, last, places, world};

const TOOL: &str = "hubspot_search_records";

fn emails(found: &Value) -> Vec<String> {
    let items = found["items"].as_array().unwrap().iter();
    items
        .map(|item| item["properties"]["email"].as_str().unwrap().to_owned())
        .collect()
}

/// The body of the search that went out.
async fn sent(world: &World, args: Value) -> Value {
    world.ok(TOOL, args).await;
    body(&last(world))
}

#[tokio::test]
async fn a_filter_finds_a_contact_with_its_usual_properties() {
    let world = world().await;
    contact(&world, "ada@example.com").await;
    contact(&world, "bob@example.com").await;
    let by_email = json!([{"property": "email", "operator": "EQ", "value": "ada@example.com"}]);
    let found = world
        .ok(
            TOOL,
            json!({"object_type": "contacts", "filters": by_email}),
        )
        .await;
    assert_eq!(emails(&found), ["ada@example.com"]);
    assert_eq!(
        (&found["total"], &found["untrusted"]),
        (&json!(1), &json!(["properties"]))
    );
    assert!(found.get("note").is_none() && found.get("next_cursor").is_none());
    let request = last(&world);
    assert_eq!(
        (&*request.method, &*request.path),
        ("POST", "/crm/objects/2026-09/contacts/search")
    );
    let body = body(&request);
    assert_eq!(
        body["filterGroups"],
        json!([{"filters": [{"propertyName": "email", "operator": "EQ", "value": "ada@example.com"}]}])
    );
    // What the description requires is sent, though it is empty.
    assert_eq!(
        (&body["after"], &body["limit"], &body["sorts"]),
        (&json!("0"), &json!(20), &json!([]))
    );
    assert!(
        body["properties"]
            .as_array()
            .unwrap()
            .contains(&json!("lifecyclestage"))
    );
    assert!(body.get("query").is_none());
}

#[tokio::test]
async fn filters_of_a_group_are_together_and_each_operator_has_its_values() {
    let world = world().await;
    let filters = json!([
        {"property": "amount", "operator": "BETWEEN", "values": ["10", "20"]},
        {"property": "dealstage", "operator": "IN", "values": ["closedwon", "closedlost"], "group": 2},
        {"property": "closedate", "operator": "NOT_HAS_PROPERTY"},
        {"property": "dealname", "operator": "CONTAINS_TOKEN", "value": "new*", "group": 2},
    ]);
    let sent = sent(
        &world,
        json!({"object_type": "deal", "filters": filters, "query": "big", "sort": "-amount",
                                   "properties": ["dealname"], "limit": 7}),
    )
    .await;
    assert_eq!(
        sent["filterGroups"],
        json!([
            {"filters": [
                {"propertyName": "amount", "operator": "BETWEEN", "value": "10", "highValue": "20"},
                {"propertyName": "closedate", "operator": "NOT_HAS_PROPERTY"}]},
            {"filters": [
                {"propertyName": "dealstage", "operator": "IN", "values": ["closedwon", "closedlost"]},
                {"propertyName": "dealname", "operator": "CONTAINS_TOKEN", "value": "new*"}]},
        ])
    );
    assert_eq!(sent["sorts"], json!(["-amount"]));
    assert_eq!(
        (&sent["query"], &sent["limit"], &sent["properties"]),
        (&json!("big"), &json!(7), &json!(["dealname"]))
    );
    assert_eq!(last(&world).path, "/crm/objects/2026-09/deals/search");
}

#[tokio::test]
async fn results_are_in_the_order_that_was_asked_for() {
    let world = world().await;
    for email in ["b@example.com", "c@example.com", "a@example.com"] {
        contact(&world, email).await;
    }
    let mut args = json!({"object_type": "contacts", "sort": "email"});
    assert_eq!(
        emails(&world.ok(TOOL, args.clone()).await),
        ["a@example.com", "b@example.com", "c@example.com"]
    );
    args["sort"] = "-email".into();
    assert_eq!(
        emails(&world.ok(TOOL, args).await),
        ["c@example.com", "b@example.com", "a@example.com"]
    );
}

#[tokio::test]
async fn a_search_is_followed_page_by_page_to_its_end() {
    let world = hubspot()
        .overrides(json!({"timeouts": {"call": "30s", "attempt": "10s"}}))
        .start::<business_tools_hubspot::HubSpot>()
        .await;
    let all: Vec<_> = (0..5).map(|n| format!("p{n}@example.com")).collect();
    for email in &all {
        contact(&world, email).await;
    }
    world.forget_requests();
    let (mut seen, mut args) = (
        Vec::new(),
        json!({"object_type": "contacts", "sort": "email", "limit": 2}),
    );
    loop {
        let page = world.ok(TOOL, args.clone()).await;
        assert_eq!(page["total"], 5);
        seen.extend(emails(&page));
        match page.get("next_cursor") {
            Some(cursor) => args["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(seen, all);
    assert_eq!(world.requests().len(), 3);
    assert_eq!(body(&last(&world))["after"], "4");
}

#[tokio::test]
async fn a_cursor_fits_its_own_query_alone() {
    let world = world().await;
    for n in 0..3 {
        contact(&world, &format!("p{n}@example.com")).await;
    }
    let page = world
        .ok(TOOL, json!({"object_type": "contacts", "limit": 1}))
        .await;
    for args in [
        json!({"object_type": "contacts", "limit": 2, "cursor": page["next_cursor"]}),
        json!({"object_type": "deals", "limit": 1, "cursor": page["next_cursor"]}),
        json!({"object_type": "contacts", "limit": 1, "cursor": "rubbish"}),
    ] {
        assert_eq!(places(&world.err(TOOL, args).await), ["/cursor"]);
    }
}

/// A page as HubSpot gives it near the end of what a search reaches.
async fn near_the_end(total: u64, after: Option<&str>) -> World {
    let paging = after.map_or(json!({}), |after| json!({"next": {"after": after}}));
    host(
        200,
        json!({"total": total, "results": [], "paging": paging}),
    )
    .await
}

#[tokio::test]
async fn more_than_a_search_reaches_is_told_with_the_way_to_the_rest() {
    let world = near_the_end(12_345, Some("20")).await;
    let page = world.ok(TOOL, json!({"object_type": "contacts"})).await;
    assert_eq!(page["total"], 12_345);
    let note = page["note"].as_str().unwrap();
    assert!(
        note.contains("10,000") && note.contains("12345") && note.contains("filters"),
        "{note}"
    );
    assert!(page.get("truncated").is_none() && page["next_cursor"].is_string());
    // The last page that can be reached ends where HubSpot ends, says so, and leads no further.
    let world = near_the_end(12_345, Some("9990")).await;
    let page = world.ok(TOOL, json!({"object_type": "contacts"})).await;
    let args = json!({"object_type": "contacts", "cursor": page["next_cursor"]});
    world.ok(TOOL, args).await;
    let sent = body(&last(&world));
    assert_eq!(
        (&sent["after"], &sent["limit"]),
        (&json!("9990"), &json!(10))
    );
    let world = near_the_end(12_345, Some("10000")).await;
    let page = world.ok(TOOL, json!({"object_type": "contacts"})).await;
    assert_eq!(page["truncated"], true);
    assert!(page.get("next_cursor").is_none() && page["note"].is_string());
}

#[tokio::test]
async fn hubspots_own_refusal_of_a_place_beyond_names_the_limit() {
    let body = json!({"status": "error", "category": "VALIDATION_ERROR", "correlationId": "c",
                      "message": "There was a problem with the request: search results cannot go beyond 10000"});
    let world = host(400, body).await;
    let error = world.err(TOOL, json!({"object_type": "contacts"})).await;
    assert_eq!(error.kind(), Kind::InvalidRequest);
    assert!(
        error.hint_text().unwrap().contains("first 10,000"),
        "{error:?}"
    );
}

#[tokio::test]
async fn counts_and_values_that_cannot_be_are_told_before_anything_is_sent() {
    let world = world().await;
    let filter = |n: usize| json!({"property": "email", "operator": "HAS_PROPERTY", "group": n});
    let many = |count: usize, group: usize| (0..count).map(move |_| filter(group));
    let all: Vec<_> = many(10, 1).chain(many(10, 2)).chain(many(6, 3)).collect();
    let eleven: Vec<_> = many(11, 1).collect();
    for (filters, place) in [
        (json!(all), "/filters"),
        (json!(eleven), "/filters"),
        (json!([filter(6)]), "/filters/0/group"),
        (
            json!([{"property": "a", "operator": "EQ"}]),
            "/filters/0/value",
        ),
        (
            json!([{"property": "a", "operator": "EQ", "value": "x", "values": ["y"]}]),
            "/filters/0/values",
        ),
        (
            json!([{"property": "a", "operator": "IN"}]),
            "/filters/0/values",
        ),
        (
            json!([{"property": "a", "operator": "IN", "value": "x", "values": ["x"]}]),
            "/filters/0/value",
        ),
        (
            json!([{"property": "a", "operator": "BETWEEN", "values": ["1"]}]),
            "/filters/0/values",
        ),
        (
            json!([{"property": "a", "operator": "HAS_PROPERTY", "value": "x"}]),
            "/filters/0/value",
        ),
        (
            json!([{"property": "a", "operator": "LIKE", "value": "x"}]),
            "/filters/0/operator",
        ),
        (
            json!([{"property": "a b", "operator": "EQ", "value": "x"}]),
            "/filters/0/property",
        ),
    ] {
        let args = json!({"object_type": "contacts", "filters": filters});
        let error = world.err(TOOL, args).await;
        assert!(
            places(&error).iter().any(|at| at == place),
            "{place}: {error:?}"
        );
    }
    for limit in [0, 201] {
        let error = world
            .err(TOOL, json!({"object_type": "contacts", "limit": limit}))
            .await;
        assert_eq!(places(&error), ["/limit"]);
    }
    assert!(world.requests().is_empty());
    let all: Vec<_> = many(10, 1).chain(many(10, 2)).chain(many(5, 3)).collect();
    world
        .ok(TOOL, json!({"object_type": "contacts", "filters": all}))
        .await;
}

#[tokio::test]
async fn a_property_that_does_not_exist_is_told_with_where_the_names_are() -> Result<()> {
    let world = world().await;
    let filters = json!([{"property": "favourite_colour", "operator": "EQ", "value": "red"}]);
    let error = world
        .err(TOOL, json!({"object_type": "contacts", "filters": filters}))
        .await;
    assert_eq!(error.kind(), Kind::InvalidRequest, "{error:?}");
    Ok(())
}

#[tokio::test]
async fn custom_kinds_are_searched_by_their_own_names() {
    let world = world().await;
    for kind in ["2-1234567", "p_boats"] {
        let found = world.ok(TOOL, json!({"object_type": kind})).await;
        assert_eq!((&found["items"], &found["total"]), (&json!([]), &json!(0)));
        assert_eq!(
            last(&world).path,
            format!("/crm/objects/2026-09/{kind}/search")
        );
        // Of a kind that nobody knows beforehand, HubSpot's own choice is shown.
        assert_eq!(body(&last(&world))["properties"], json!([]));
    }
}

#[tokio::test]
async fn what_is_shown_is_trimmed_and_full_detail_is_not() {
    let world = world().await;
    let made = contact(&world, "ada@example.com").await;
    let args = json!({"object_type": "contacts", "properties": ["email", "phone"]});
    let found = world.ok(TOOL, args.clone()).await;
    let item = &found["items"][0];
    assert_eq!(id(item), made);
    assert_eq!(item["properties"], json!({"email": "ada@example.com"}));
    let mut full = args;
    full["detail"] = "full".into();
    let found = world.ok(TOOL, full).await;
    let properties = found["items"][0]["properties"].as_object().unwrap();
    assert!(properties["phone"].is_null() && properties.contains_key("hs_object_id"));
}

#[tokio::test]
async fn words_from_outside_lose_what_nobody_sees() {
    let world = world().await;
    let name = "Ada\u{202e}\u{200b} Lovelace\u{e0041}";
    world
        .ok(
            "hubspot_create_contact",
            json!({"email": "ada@example.com", "properties": {"firstname": name}}),
        )
        .await;
    let found = world.ok(TOOL, json!({"object_type": "contacts"})).await;
    assert_eq!(found["items"][0]["properties"]["firstname"], "Ada Lovelace");
}
