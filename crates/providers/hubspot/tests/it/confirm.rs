//! A person agrees before a record is deleted.

use business_tools_core::Kind;
use business_tools_testkit::Person;
use serde_json::json;

use crate::dry_run::writes;
use crate::support::{NOBODY, contact, world};

#[tokio::test]
async fn a_delete_asks_and_names_the_record_and_nothing_else_asks() {
    let world = world().await;
    let no = Person::who_says_no();
    for (tool, args) in writes() {
        let outcome = world.call_with(&no, tool, args).await;
        if tool == "hubspot_delete_record" {
            assert_eq!(outcome.unwrap_err().kind(), Kind::ConfirmationDeclined);
        }
    }
    let [question] = &no.asked()[..] else {
        panic!("one question, not {:?}", no.asked())
    };
    assert!(
        question.contains(NOBODY) && question.contains("contacts") && question.ends_with('?'),
        "{question}"
    );
    assert!(
        world
            .requests()
            .iter()
            .all(|request| request.method != "DELETE"),
        "no is no"
    );
}

#[tokio::test]
async fn where_nobody_can_be_asked_a_token_lets_the_same_call_through_once() {
    let world = world().await;
    let (ada, bob) = (
        contact(&world, "ada@example.com").await,
        contact(&world, "bob@example.com").await,
    );
    world.forget_requests();
    let args = json!({"object_type": "contacts", "id": ada});
    let error = world
        .call_with(&Person::nobody(), "hubspot_delete_record", args)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::ConfirmationRequired);
    let token = error.details()["confirm_token"].clone();
    for other in [
        json!({"object_type": "contacts", "id": bob, "confirm_token": token}),
        json!({"object_type": "deals", "id": ada, "confirm_token": token}),
        json!({"object_type": "contacts", "id": ada, "confirm_token": "AAAA"}),
    ] {
        let error = world.err("hubspot_delete_record", other).await;
        assert_eq!(error.kind(), Kind::ConfirmationRequired);
    }
    assert!(world.requests().is_empty());
    let agreed = json!({"object_type": "contacts", "id": ada, "confirm_token": token});
    assert_eq!(
        world.ok("hubspot_delete_record", agreed.clone()).await["deleted"],
        true
    );
    let spent = world.err("hubspot_delete_record", agreed).await;
    assert_eq!(spent.kind(), Kind::ConfirmationRequired);
    assert_eq!(world.requests().len(), 1);
}
