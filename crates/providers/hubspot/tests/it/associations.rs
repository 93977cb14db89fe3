//! Links: made by name, listed to the end.

use business_tools_core::Kind;
use business_tools_testkit::World;
use serde_json::{Value, json};

use crate::support::{NOBODY, body, company, contact, host, last, places, world};

async fn link(world: &World, contact: &str, company: &str, label: Option<&str>) -> Value {
    let mut args = json!({"object_type": "contacts", "id": contact, "to_object_type": "companies", "to_id": company});
    if let Some(label) = label {
        args["label"] = label.into();
    }
    world.ok("hubspot_create_association", args).await
}

async fn links(world: &World, ids: &[&str]) -> Value {
    let args = json!({"object_type": "contacts", "ids": ids, "to_object_type": "companies"});
    world.ok("hubspot_list_associations", args).await
}

#[tokio::test]
async fn a_plain_link_needs_no_name() {
    let world = world().await;
    let (ada, acme) = (
        contact(&world, "ada@example.com").await,
        company(&world, "Acme").await,
    );
    let linked = link(&world, &ada, &acme, None).await;
    assert_eq!(linked, json!({"from_id": ada, "id": acme}));
    let request = last(&world);
    assert_eq!(
        (&*request.method, request.path),
        (
            "PUT",
            format!("/crm/objects/2026-09/contacts/{ada}/associations/default/companies/{acme}")
        )
    );
    assert!(request.body.is_empty());
    let list = links(&world, &[&ada]).await;
    assert_eq!(
        (&list["items"][0]["from_id"], &list["items"][0]["id"]),
        (&json!(ada), &json!(acme))
    );
    assert!(list.get("next_cursor").is_none() && list.get("failed").is_none());
}

#[tokio::test]
async fn the_primary_company_is_named_and_no_number_is_needed() {
    let world = world().await;
    let ada = contact(&world, "ada@example.com").await;
    let (acme, other) = (
        company(&world, "Acme").await,
        company(&world, "Other").await,
    );
    link(&world, &ada, &acme, None).await;
    for label in ["primary_company", "Primary", "PRIMARY COMPANY"] {
        world.forget_requests();
        link(&world, &ada, &other, Some(label)).await;
        let request = last(&world);
        assert_eq!(
            request.path,
            format!("/crm/objects/2026-09/contacts/{ada}/associations/companies/{other}")
        );
        assert_eq!(
            body(&request),
            json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}])
        );
        assert_eq!(world.requests().len(), 1, "HubSpot's own label is known");
    }
    let list = links(&world, &[&ada]).await;
    let items = list["items"].as_array().unwrap();
    let primary: Vec<_> = items
        .iter()
        .filter(|item| item["labels"] == json!(["Primary"]))
        .map(|item| &item["id"])
        .collect();
    assert_eq!(primary, [&json!(other)]);
}

/// A host that knows these labels, and lets itself be told to use them.
async fn labelled() -> World {
    use business_tools_sandbox::axum::Router;
    use business_tools_sandbox::axum::routing::{get, put};
    use business_tools_sandbox::{Simulator, json as answer};
    let labels = || async {
        answer::ok(&json!({"results": [
            {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null},
            {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
            {"category": "USER_DEFINED", "typeId": 37, "label": "Decision maker"}]}))
    };
    let join = || async {
        answer::answer(
            business_tools_sandbox::axum::http::StatusCode::CREATED,
            &json!({"fromObjectTypeId": "0-1", "fromObjectId": "1", "toObjectTypeId": "0-2", "toObjectId": "2",
                    "labels": ["Decision maker"]}),
        )
    };
    let router = Router::new()
        .route(
            "/crm/associations/2026-09/contacts/companies/labels",
            get(labels),
        )
        .route(
            "/crm/objects/2026-09/contacts/1/associations/companies/2",
            put(join),
        );
    World::of(
        Simulator::http("hubspot", router),
        business_tools_hubspot::sandbox_config,
    )
    .fields(json!({"access_token": crate::support::TOKEN}))
    .start::<business_tools_hubspot::HubSpot>()
    .await
}

#[tokio::test]
async fn a_label_of_the_accounts_own_is_looked_up() {
    let world = labelled().await;
    let linked = link(&world, "1", "2", Some("decision_maker")).await;
    assert_eq!(
        linked,
        json!({"from_id": "1", "id": "2", "labels": ["Decision maker"]})
    );
    assert_eq!(
        body(&last(&world)),
        json!([{"associationCategory": "USER_DEFINED", "associationTypeId": 37}])
    );
    let args = json!({"object_type": "contacts", "id": "1", "to_object_type": "companies", "to_id": "2",
                      "label": "Best friend"});
    let error = world.err("hubspot_create_association", args).await;
    assert_eq!(places(&error), ["/label"]);
    for known in ["Primary", "Decision maker"] {
        assert!(error.message().contains(known), "{error}");
    }
}

#[tokio::test]
async fn a_parent_company_is_named_as_people_name_it() {
    let world = world().await;
    let (parent, child) = (
        company(&world, "Parent").await,
        company(&world, "Child").await,
    );
    let args = json!({"object_type": "companies", "id": child, "to_object_type": "companies", "to_id": parent,
                      "label": "parent company"});
    let linked = world.ok("hubspot_create_association", args).await;
    assert!(
        linked["labels"]
            .as_array()
            .unwrap()
            .contains(&json!("Parent Company")),
        "{linked}"
    );
    let paths: Vec<_> = world
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert!(paths.contains(&"/crm/associations/2026-09/companies/companies/labels".to_owned()));
}

#[tokio::test]
async fn a_number_is_no_name_and_nothing_is_linked_to_itself() {
    let world = world().await;
    let args = json!({"object_type": "contacts", "id": "1", "to_object_type": "companies", "to_id": "2", "label": "279"});
    assert_eq!(
        places(&world.err("hubspot_create_association", args).await),
        ["/label"]
    );
    let args =
        json!({"object_type": "contacts", "id": "1", "to_object_type": "contact", "to_id": "1"});
    assert_eq!(
        places(&world.err("hubspot_create_association", args).await),
        ["/to_id"]
    );
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn links_of_several_records_are_listed_and_none_is_no_error() {
    let world = world().await;
    let (ada, bob) = (
        contact(&world, "ada@example.com").await,
        contact(&world, "bob@example.com").await,
    );
    let acme = company(&world, "Acme").await;
    link(&world, &ada, &acme, None).await;
    let list = links(&world, &[&bob, &ada]).await;
    let items = list["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["from_id"]), (1, &json!(ada)));
    assert!(list.get("failed").is_none(), "{list}");
    assert_eq!(
        body(&last(&world)),
        json!({"inputs": [{"id": bob}, {"id": ada}]})
    );
    let none = links(&world, &[NOBODY]).await;
    assert_eq!(none["items"], json!([]));
}

#[tokio::test]
async fn links_are_followed_page_by_page_each_record_at_its_own_place() {
    use business_tools_sandbox::axum::body::Bytes;
    use business_tools_sandbox::axum::{Router, routing::post};
    use business_tools_sandbox::{Simulator, json as answer};
    // Record 1 has three pages of one link, record 2 has one.
    let page = |body: Bytes| async move {
        let asked: Value = serde_json::from_slice(&body).unwrap();
        let results: Vec<_> = asked["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|input| {
                let id = input["id"].as_str().unwrap();
                let at: u32 = input["after"]
                    .as_str()
                    .map_or(0, |after| after.parse().unwrap());
                let mut result = json!({"from": {"id": id}, "to": [
                    {"toObjectId": format!("{id}{at}"), "associationTypes": []}]});
                if id == "1" && at < 2 {
                    result["paging"] = json!({"next": {"after": (at + 1).to_string()}});
                }
                result
            })
            .collect();
        answer::ok(&json!({"status": "COMPLETE", "results": results}))
    };
    let router = Router::new().route(
        "/crm/associations/2026-09/contacts/companies/batch/read",
        post(page),
    );
    let world = World::of(
        Simulator::http("hubspot", router),
        business_tools_hubspot::sandbox_config,
    )
    .fields(json!({"access_token": crate::support::TOKEN}))
    .start::<business_tools_hubspot::HubSpot>()
    .await;
    let mut args =
        json!({"object_type": "contacts", "ids": ["1", "2"], "to_object_type": "companies"});
    let mut seen = Vec::new();
    loop {
        let list = world.ok("hubspot_list_associations", args.clone()).await;
        let items = list["items"].as_array().unwrap().iter();
        seen.extend(items.map(|item| item["id"].as_str().unwrap().to_owned()));
        match list.get("next_cursor") {
            Some(cursor) => args["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(seen, ["10", "20", "11", "12"]);
    assert_eq!(
        body(&last(&world)),
        json!({"inputs": [{"id": "1", "after": "2"}]})
    );
}

#[tokio::test]
async fn an_error_about_one_record_is_told_beside_the_links_of_the_others() {
    let world = host(207, json!({"status": "COMPLETE", "numErrors": 1,
        "results": [{"from": {"id": "1"}, "to": [{"toObjectId": "7", "associationTypes": []}]}],
        "errors": [{"status": "error", "category": "VALIDATION_ERROR", "message": "no", "context": {"fromObjectId": ["2"]}}]}))
    .await;
    let list = links(&world, &["1", "2"]).await;
    assert_eq!(list["items"][0]["id"], "7");
    assert_eq!(
        list["failed"],
        json!([{"code": "INVALID_REQUEST", "message": "no", "from_id": "2"}])
    );
}

#[tokio::test]
async fn a_link_to_nobody_is_told() {
    let world = world().await;
    let ada = contact(&world, "ada@example.com").await;
    let args = json!({"object_type": "contacts", "id": ada, "to_object_type": "companies", "to_id": NOBODY});
    let error = world.err("hubspot_create_association", args).await;
    assert!(
        matches!(error.kind(), Kind::NotFound | Kind::InvalidRequest),
        "{error:?}"
    );
}
