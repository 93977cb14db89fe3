//! Owners, pipelines and properties.

use serde_json::{Value, json};

use crate::support::{deal, host, last, places, world};

#[tokio::test]
async fn owners_are_listed_and_found_by_their_address() {
    let world = world().await;
    let all = world.ok("hubspot_list_owners", json!({})).await;
    let owners = all["items"].as_array().unwrap();
    assert!(!owners.is_empty());
    for owner in owners {
        assert!(
            owner["id"].is_string() && owner["email"].is_string() && owner["name"].is_string(),
            "{owner}"
        );
    }
    let request = last(&world);
    assert_eq!(
        (&*request.path, &*request.query),
        ("/crm/owners/2026-09", "limit=100")
    );
    let email = owners[0]["email"].clone();
    let one = world
        .ok("hubspot_list_owners", json!({ "email": email }))
        .await;
    assert_eq!(one["items"], json!([owners[0]]));
    world
        .ok("hubspot_list_owners", json!({"archived": true}))
        .await;
    assert!(last(&world).query.contains("archived=true"));
}

#[tokio::test]
async fn owners_are_followed_page_by_page() {
    let world = world().await;
    let all = world.ok("hubspot_list_owners", json!({})).await;
    let (mut seen, mut args) = (Vec::new(), json!({"limit": 1}));
    loop {
        let page = world.ok("hubspot_list_owners", args.clone()).await;
        seen.extend(page["items"].as_array().unwrap().clone());
        match page.get("next_cursor") {
            Some(cursor) => args["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(Value::from(seen), all["items"]);
    assert_eq!(
        places(
            &world
                .err("hubspot_list_owners", json!({"limit": 501}))
                .await
        ),
        ["/limit"]
    );
}

#[tokio::test]
async fn an_owner_says_what_an_agent_uses() {
    let world = host(200, json!({"results": [
        {"id": "7", "email": "ada@example.com", "firstName": "Ada", "lastName": "", "userId": 9, "archived": true, "type": "PERSON",
         "createdAt": "2026-10-30T03:30:17.883Z", "updatedAt": "2026-10-30T03:30:17.883Z",
         "teams": [{"id": "1", "name": "Sales", "primary": true}]}]}))
    .await;
    let list = world.ok("hubspot_list_owners", json!({})).await;
    assert_eq!(
        list["items"],
        json!([{"id": "7", "email": "ada@example.com", "user_id": 9, "name": "Ada", "teams": ["Sales"], "archived": true}])
    );
}

#[tokio::test]
async fn pipelines_have_their_stages_in_order() {
    let world = world().await;
    let list = world
        .ok("hubspot_list_pipelines", json!({"object_type": "deals"}))
        .await;
    let pipeline = &list["items"][0];
    assert_eq!(pipeline["id"], "default");
    let stages = pipeline["stages"].as_array().unwrap();
    assert_eq!(
        (&stages[0]["id"], &stages[0]["probability"]),
        (&json!("appointmentscheduled"), &json!("0.2"))
    );
    assert_eq!(last(&world).path, "/crm/pipelines/2026-09/deals");
    let tickets = world
        .ok("hubspot_list_pipelines", json!({"object_type": "tickets"}))
        .await;
    assert_eq!(tickets["items"][0]["stages"][0]["state"], "OPEN");
    // What is listed can be used.
    deal(&world, "New").await;
}

#[tokio::test]
async fn stages_out_of_order_and_archived_ones_are_put_right() {
    let stage = |id: &str, order: u32, archived: bool| json!({"id": id, "label": id, "displayOrder": order, "metadata": {}, "archived": archived});
    let pipeline = |id: &str, order: u32| {
        json!({"id": id, "label": id, "displayOrder": order, "archived": false,
               "stages": [stage("c", 2, false), stage("a", 0, false), stage("b", 1, true)]})
    };
    let world = host(
        200,
        json!({"results": [pipeline("second", 1), pipeline("first", 0)]}),
    )
    .await;
    let list = world
        .ok("hubspot_list_pipelines", json!({"object_type": "deals"}))
        .await;
    assert_eq!(
        (&list["items"][0]["id"], &list["items"][1]["id"]),
        (&json!("first"), &json!("second"))
    );
    assert_eq!(
        list["items"][0]["stages"],
        json!([{"id": "a", "label": "a"}, {"id": "c", "label": "c"}])
    );
}

#[tokio::test]
async fn properties_are_listed_with_what_they_allow() {
    let world = world().await;
    let list = world
        .ok(
            "hubspot_list_properties",
            json!({"object_type": "contacts"}),
        )
        .await;
    let all = list["items"].as_array().unwrap();
    assert_eq!(list["total"], all.len());
    let named = |name: &str| all.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(named("email")["unique"], true);
    assert!(
        named("lifecyclestage")["options"]
            .as_array()
            .unwrap()
            .contains(&json!("lead"))
    );
    assert_eq!(named("createdate")["read_only"], true);
    assert!(named("firstname").get("description").is_none());
    let full = json!({"object_type": "contacts", "query": "lifecycle", "detail": "full"});
    let full = world.ok("hubspot_list_properties", full).await;
    assert!(full["items"][0]["options"][0]["label"].is_string());
}

#[tokio::test]
async fn properties_are_narrowed_by_words_and_by_sensitivity() {
    let world = world().await;
    let list = world
        .ok(
            "hubspot_list_properties",
            json!({"object_type": "contacts", "query": "LAST NAME"}),
        )
        .await;
    assert_eq!(
        (&list["items"][0]["name"], &list["total"]),
        (&json!("lastname"), &json!(1))
    );
    let sensitive = json!({"object_type": "contacts", "sensitivity": "highly_sensitive"});
    world.ok("hubspot_list_properties", sensitive).await;
    assert_eq!(last(&world).query, "dataSensitivity=highly_sensitive");
}

#[tokio::test]
async fn a_long_list_of_properties_goes_on_at_its_cursor() {
    let world = crate::support::hubspot().env(|mut env| {
        env.max_result = 4096;
        env
    });
    let world = world.start::<business_tools_hubspot::HubSpot>().await;
    let (mut seen, mut args) = (0, json!({"object_type": "contacts"}));
    let total = loop {
        let page = world.ok("hubspot_list_properties", args.clone()).await;
        seen += page["items"].as_array().unwrap().len();
        match page.get("next_cursor") {
            Some(cursor) => args["cursor"] = cursor.clone(),
            None => break page["total"].clone(),
        }
    };
    assert_eq!(json!(seen), total);
}
