//! Associations.

use reqwest::Method;
use serde_json::{Value, json};

use crate::hub::{Hub, hub, objects};

async fn put(hub: &Hub, path: &str, body: Option<Value>) -> (u16, Value) {
    let seen = hub.send(Method::PUT, &objects(path), body.as_ref()).await;
    (seen.status.as_u16(), seen.body)
}

async fn read(hub: &Hub, from: &str, to: &str, ids: &[&str]) -> (u16, Value) {
    let inputs: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    let path = format!("/crm/associations/2026-09/{from}/{to}/batch/read");
    let seen = hub.post(&path, json!({ "inputs": inputs })).await;
    (seen.status.as_u16(), seen.body)
}

fn hubspot(id: u32) -> Value {
    json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id}])
}

#[tokio::test]
async fn a_plain_association_is_seen_from_both_ends() {
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let deal = hub
        .create(
            "deals",
            json!({"dealname": "x", "dealstage": "contractsent"}),
        )
        .await;
    let (status, made) = put(
        &hub,
        &format!("deals/{deal}/associations/default/contacts/{ada}"),
        None,
    )
    .await;
    assert_eq!(status, 200);
    let [there, back] = made["results"].as_array().unwrap().as_slice() else {
        panic!("two directions: {made}");
    };
    assert_eq!(
        (&there["from"]["id"], &there["to"]["id"]),
        (&json!(deal), &json!(ada))
    );
    assert_eq!(
        (
            &there["associationSpec"]["associationTypeId"],
            &back["associationSpec"]["associationTypeId"]
        ),
        (&json!(3), &json!(4))
    );
    let (status, seen) = read(&hub, "contacts", "deals", &[&ada]).await;
    assert_eq!(status, 200);
    assert_eq!(
        seen["results"],
        json!([{"from": {"id": ada}, "to": [{"toObjectId": deal, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 4}]}]}])
    );
    let shown = hub
        .get(&format!(
            "{}?associations=contacts,companies",
            objects(&format!("deals/{deal}"))
        ))
        .await;
    assert_eq!(
        shown["associations"],
        json!({"contacts": {"results": [{"id": ada, "type": "deal_to_contact"}]}})
    );
}

#[tokio::test]
async fn the_primary_company_is_one_and_is_noted_on_the_contact() {
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let one = hub.create("companies", json!({"name": "One"})).await;
    let two = hub.create("companies", json!({"name": "Two"})).await;
    put(
        &hub,
        &format!("contacts/{ada}/associations/default/companies/{one}"),
        None,
    )
    .await;
    let (status, made) = put(
        &hub,
        &format!("contacts/{ada}/associations/companies/{two}"),
        Some(hubspot(1)),
    )
    .await;
    assert_eq!(status, 201);
    assert_eq!(
        made,
        json!({"fromObjectTypeId": "0-1", "fromObjectId": ada, "toObjectTypeId": "0-2", "toObjectId": two, "labels": ["Primary"]})
    );
    let (_, seen) = read(&hub, "contacts", "companies", &[&ada]).await;
    let types = |at: usize| seen["results"][0]["to"][at]["associationTypes"].clone();
    assert_eq!(
        types(0),
        json!([{"category": "HUBSPOT_DEFINED", "typeId": 279}])
    );
    assert_eq!(
        types(1)[0],
        json!({"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"})
    );
    let shown = hub
        .get(&format!(
            "{}?properties=associatedcompanyid&associations=company",
            objects(&format!("contacts/{ada}"))
        ))
        .await;
    assert_eq!(shown["properties"]["associatedcompanyid"], two.as_str());
    let names: Vec<_> = shown["associations"]["companies"]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| link["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "contact_to_company_unlabeled",
            "contact_to_company",
            "contact_to_company_unlabeled"
        ]
    );
}

#[tokio::test]
async fn labels_of_the_account_are_shown_where_they_are_used() {
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let company = hub.create("companies", json!({"name": "One"})).await;
    let own = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": 37}]);
    let (status, made) = put(
        &hub,
        &format!("contacts/{ada}/associations/companies/{company}"),
        Some(own),
    )
    .await;
    assert_eq!((status, &made["labels"]), (201, &json!(["Label 37"])));
    let labels = hub
        .get("/crm/associations/2026-09/contacts/companies/labels")
        .await;
    let found: Vec<_> = labels["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|label| (label["typeId"].as_u64().unwrap(), label["label"].as_str()))
        .collect();
    assert_eq!(
        found,
        [(1, Some("Primary")), (279, None), (37, Some("Label 37"))]
    );
}

#[tokio::test]
async fn an_association_is_taken_apart_once_and_again() {
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let company = hub.create("companies", json!({"name": "One"})).await;
    put(
        &hub,
        &format!("contacts/{ada}/associations/default/companies/{company}"),
        None,
    )
    .await;
    for _ in 0..2 {
        let path = objects(&format!("companies/{company}/associations/contacts/{ada}"));
        assert_eq!(hub.send(Method::DELETE, &path, None).await.status, 204);
    }
    let (status, seen) = read(&hub, "contacts", "companies", &[&ada]).await;
    assert_eq!(
        (status, &seen["results"], &seen["numErrors"]),
        (207, &json!([]), &json!(1))
    );
    let error = &seen["errors"][0];
    assert_eq!(
        error["message"],
        format!("No company is associated with contact {ada}.")
    );
    assert_eq!(
        error["subCategory"],
        "crm.associations.NO_ASSOCIATIONS_FOUND"
    );
    assert_eq!(error["context"]["fromObjectId"], json!([ada]));
    let shown = hub
        .get(&format!(
            "{}?properties=associatedcompanyid",
            objects(&format!("contacts/{ada}"))
        ))
        .await;
    assert_eq!(shown["properties"]["associatedcompanyid"], Value::Null);
}

#[tokio::test]
async fn an_archived_object_has_no_associations() {
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let note = json!({"hs_timestamp": "2026-11-01T10:00:00Z", "hs_note_body": "Called"});
    let link = json!([{"to": {"id": ada}, "types": hubspot(202)}]);
    let note = hub.create_linked("notes", note, link).await;
    assert_eq!(read(&hub, "contacts", "notes", &[&ada]).await.0, 200);
    hub.send(Method::DELETE, &objects(&format!("notes/{note}")), None)
        .await;
    assert_eq!(read(&hub, "contacts", "notes", &[&ada]).await.0, 207);
}

#[tokio::test]
async fn each_object_of_a_batch_has_pages_of_its_own() {
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let bob = hub
        .create("contacts", json!({"email": "bob@example.com"}))
        .await;
    let note = |to: &str| json!({"properties": {"hs_timestamp": "2026-11-01T10:00:00Z"}, "associations": [{"to": {"id": to}, "types": hubspot(202)}]});
    for _ in 0..6 {
        let inputs = json!({"inputs": vec![note(&ada); 100]});
        let seen = hub
            .post(&format!("{}/batch/create", objects("notes")), inputs)
            .await;
        assert_eq!(seen.status, 201);
    }
    hub.post(&objects("notes"), note(&bob)).await;
    let (status, first) = read(&hub, "contacts", "notes", &[&ada, &bob]).await;
    assert_eq!(status, 200);
    let (of_ada, of_bob) = (&first["results"][0], &first["results"][1]);
    assert_eq!(
        (
            of_ada["to"].as_array().unwrap().len(),
            of_bob["to"].as_array().unwrap().len()
        ),
        (500, 1)
    );
    assert!(of_bob.get("paging").is_none());
    let after = of_ada["paging"]["next"]["after"].as_str().unwrap();
    let inputs = json!({"inputs": [{"id": ada, "after": after}]});
    let rest = hub
        .post(
            "/crm/associations/2026-09/contacts/notes/batch/read",
            inputs,
        )
        .await
        .body;
    assert_eq!(rest["results"][0]["to"].as_array().unwrap().len(), 100);
    assert!(rest["results"][0].get("paging").is_none());
}

#[tokio::test]
async fn what_cannot_be_associated_is_refused() {
    let hub = hub().await;
    let ada = hub
        .create("contacts", json!({"email": "ada@example.com"}))
        .await;
    let company = hub.create("companies", json!({"name": "One"})).await;
    let plain = format!("contacts/{ada}/associations/default/companies/99");
    assert_eq!(
        hub.refused(Method::PUT, &objects(&plain), None).await.1,
        "OBJECT_NOT_FOUND"
    );
    let own = format!("contacts/{ada}/associations/default/contacts/{ada}");
    assert_eq!(hub.refused(Method::PUT, &objects(&own), None).await.0, 400);
    let path = objects(&format!("contacts/{ada}/associations/companies/{company}"));
    for wrong in [
        json!([]),
        hubspot(202),
        json!({}),
        json!([{"associationCategory": "MINE", "associationTypeId": 1}]),
    ] {
        assert_eq!(
            hub.refused(Method::PUT, &path, Some(&wrong)).await.0,
            400,
            "{wrong}"
        );
    }
    for (link, status) in [
        (json!({"to": {"id": "99"}, "types": hubspot(202)}), 404),
        (json!({"to": {"id": ada}, "types": hubspot(190)}), 404),
        (json!({"to": {"id": ada}, "types": hubspot(3)}), 400),
        (json!({"to": {"id": ada}, "types": []}), 400),
    ] {
        let note =
            json!({"properties": {"hs_timestamp": "2026-11-01T10:00:00Z"}, "associations": [link]});
        assert_eq!(
            hub.refused(Method::POST, &objects("notes"), Some(&note))
                .await
                .0,
            status,
            "{note}"
        );
    }
    assert!(
        hub.get(&objects("notes")).await["results"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}
