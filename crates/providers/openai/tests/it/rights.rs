//! Who may do what.

use business_tools_core::{Cx, Kind, Principal, Selection};
use business_tools_testkit::Person;
use serde_json::json;

use crate::dry_run::writes;
use crate::support::{hello, world};

fn with_scope(scope: &str) -> Cx {
    let scopes: std::sync::Arc<[String]> = [scope.to_owned()].into();
    let principal = Principal {
        scopes: Some(scopes),
        ..Principal::local()
    };
    Cx::builder(principal).build()
}

#[tokio::test]
async fn reading_and_writing_are_rights_of_their_own() {
    let world = world().await;
    world
        .call_in("openai_list_models", json!({}), with_scope("openai:read"))
        .await
        .unwrap();
    for (tool, args) in writes() {
        let refused = world.call_in(tool, args, with_scope("openai:read")).await;
        assert_eq!(
            refused.unwrap_err().kind(),
            Kind::PermissionDenied,
            "{tool}"
        );
    }
    let refused = world
        .call_in("openai_list_files", json!({}), with_scope("openai:write"))
        .await;
    assert_eq!(refused.unwrap_err().kind(), Kind::PermissionDenied);
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn read_only_refuses_every_write() {
    let world = world().await;
    world.registry.select(Selection {
        read_only: true,
        ..Selection::default()
    });
    for (tool, args) in writes() {
        assert_eq!(world.err(tool, args).await.kind(), Kind::ReadOnly, "{tool}");
    }
    assert!(world.requests().is_empty());
    assert_eq!(world.registry.tools(None).len(), 5);
}

#[tokio::test]
async fn a_person_is_asked_before_something_is_destroyed_and_for_nothing_else() {
    let world = world().await;
    let no = Person::who_says_no();
    for (tool, args) in [
        ("openai_cancel_response", json!({"response_id": "resp_1"})),
        ("openai_delete_file", json!({"file_id": "file-1"})),
    ] {
        let error = world.call_with(&no, tool, args.clone()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::ConfirmationDeclined, "{tool}");
        let error = world.call(tool, args).await.unwrap_err();
        assert_eq!(error.kind(), Kind::ConfirmationRequired, "{tool}");
        assert!(error.details()["confirm_token"].is_string());
    }
    assert!(world.requests().is_empty(), "no is no");
    world
        .call_with(&no, "openai_generate_text", hello())
        .await
        .unwrap();
    assert_eq!(no.asked().len(), 2);
}

#[tokio::test]
async fn a_token_lets_the_same_call_through_once() {
    let world = world().await;
    let path = crate::support::file("token.txt", b"x");
    let file = world
        .ok(
            "openai_upload_file",
            json!({"path": path, "purpose": "user_data"}),
        )
        .await;
    let asked = world
        .err("openai_delete_file", json!({"file_id": file["id"]}))
        .await;
    let token = asked.details()["confirm_token"].clone();
    let other = json!({"file_id": "file-other", "confirm_token": token});
    assert_eq!(
        world.err("openai_delete_file", other).await.kind(),
        Kind::ConfirmationRequired
    );
    let agreed = json!({"file_id": file["id"], "confirm_token": token});
    assert_eq!(
        world.ok("openai_delete_file", agreed.clone()).await["deleted"],
        true
    );
    assert_eq!(
        world.err("openai_delete_file", agreed).await.kind(),
        Kind::ConfirmationRequired
    );
}
