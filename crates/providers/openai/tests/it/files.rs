//! Uploaded files.

use business_tools_core::Kind;
use business_tools_openai::OpenAi;
use business_tools_testkit::{Person, World};
use serde_json::{Value, json};

use crate::support::{file, openai, places, reading_loopback, sent_text, stand_in, world};
use crate::web::Web;

async fn upload(world: &World, count: usize) {
    let path = file("listed.txt", b"Some text");
    for _ in 0..count {
        world
            .ok(
                "openai_upload_file",
                json!({"path": path, "purpose": "user_data"}),
            )
            .await;
    }
    world.forget_requests();
}

#[tokio::test]
async fn a_file_is_uploaded_listed_and_deleted() {
    let world = world().await;
    let path = file("report.txt", b"Dear shareholders");
    let args = json!({"path": path, "purpose": "user_data", "expires_after": 3600});
    let uploaded = world.ok("openai_upload_file", args).await;
    assert_eq!(
        (&uploaded["filename"], &uploaded["bytes"]),
        (&json!("report.txt"), &json!(17))
    );
    assert!(
        uploaded["created_at"].as_str().unwrap().ends_with('Z'),
        "{uploaded}"
    );
    assert!(
        uploaded["expires_at"].as_str().unwrap().ends_with('Z'),
        "{uploaded}"
    );
    let form = sent_text(&world);
    for part in [
        "name=\"expires_after[anchor]\"",
        "created_at",
        "name=\"expires_after[seconds]\"",
        "filename=\"report.txt\"",
        "Dear shareholders",
    ] {
        assert!(form.contains(part), "{part}");
    }
    let list = world
        .ok("openai_list_files", json!({"purpose": "user_data"}))
        .await;
    assert_eq!(list["items"][0]["id"], uploaded["id"]);

    let args = json!({"file_id": uploaded["id"]});
    let yes = Person::who_says_yes();
    let deleted = world
        .call_with(&yes, "openai_delete_file", args.clone())
        .await
        .unwrap();
    assert_eq!(deleted, json!({"id": uploaded["id"], "deleted": true}));
    assert!(yes.asked()[0].contains(uploaded["id"].as_str().unwrap()));
    // The list was forgotten with the file.
    let list = world
        .ok("openai_list_files", json!({"purpose": "user_data"}))
        .await;
    assert_eq!(list["items"], json!([]));
    let never = world
        .call_with(&yes, "openai_delete_file", args)
        .await
        .unwrap_err();
    assert_eq!(never.kind(), Kind::NotFound);
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_is_done() {
    let world = world().await;
    upload(&world, 1).await;
    let list = world.ok("openai_list_files", json!({})).await;
    world.fault(json!({"kind": "reset_after_write", "times": 1, "method": "DELETE"}));
    let args = json!({"file_id": list["items"][0]["id"]});
    let deleted = world
        .call_with(&Person::who_says_yes(), "openai_delete_file", args)
        .await
        .unwrap();
    assert_eq!(deleted["deleted"], true);
}

#[tokio::test]
async fn a_list_goes_on_at_its_cursor_until_the_end() {
    let world = world().await;
    upload(&world, 5).await;
    let (mut seen, mut args) = (Vec::new(), json!({"limit": 2}));
    loop {
        let list = world.ok("openai_list_files", args.clone()).await;
        let ids = list["items"].as_array().unwrap().iter();
        seen.extend(ids.map(|item| item["id"].as_str().unwrap().to_owned()));
        match list.get("next_cursor") {
            Some(cursor) => args["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(world.requests().len(), 3);
    let last = world.last_request();
    assert!(
        last.query.contains(&format!("after={}", seen[3])),
        "{}",
        last.query
    );
    let oldest = world
        .ok("openai_list_files", json!({"limit": 1, "order": "asc"}))
        .await;
    assert_eq!(oldest["items"][0]["id"], seen[4].as_str());
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5, "each once");
    for limit in [0, 1001] {
        let error = world
            .err("openai_list_files", json!({"limit": limit}))
            .await;
        assert_eq!(places(&error), ["/limit"]);
    }
    let error = world
        .err(
            "openai_list_files",
            json!({"limit": 2, "cursor": "rubbish"}),
        )
        .await;
    assert_eq!(places(&error), ["/cursor"]);
}

#[tokio::test]
async fn a_list_that_never_ends_is_not_followed_for_ever() {
    let page = json!({"object": "list", "data": [{"id": "file-1"}], "first_id": "file-1", "last_id": "file-1",
                      "has_more": true});
    let world = stand_in(200, &[], page).await;
    let error = world.err("openai_list_files", json!({"limit": 5})).await;
    assert_eq!(error.kind(), Kind::BadUpstreamResponse);
    assert_eq!(world.requests().len(), 2);
    let empty = json!({"object": "list", "data": [], "has_more": true});
    let world = stand_in(200, &[], empty).await;
    assert_eq!(
        world.ok("openai_list_files", json!({})).await["items"],
        json!([])
    );
}

#[tokio::test]
async fn what_is_behind_a_url_is_uploaded_under_its_name() {
    let web = Web::start().await;
    let world = openai().env(reading_loopback).start::<OpenAi>().await;
    let args = json!({"url": web.url("/pixel.png"), "purpose": "vision"});
    let uploaded: Value = world.ok("openai_upload_file", args).await;
    assert_eq!(uploaded["filename"], "pixel.png");
    assert!(sent_text(&world).contains("Content-Type: image/png"));
}

#[tokio::test]
async fn what_cannot_be_uploaded_is_refused_before_anything_is_sent() {
    let world = world().await;
    let path = file("fine.txt", b"x");
    for (args, at) in [
        (json!({"purpose": "user_data"}), "/path"),
        (
            json!({"path": path, "url": "https://example.com", "purpose": "user_data"}),
            "/path",
        ),
        (json!({"path": path, "purpose": "fun"}), "/purpose"),
        (
            json!({"path": path, "purpose": "user_data", "expires_after": 60}),
            "/expires_after",
        ),
        (
            json!({"path": "/etc/passwd", "purpose": "user_data"}),
            "/path",
        ),
        (json!({"url": "nowhere", "purpose": "user_data"}), "/url"),
    ] {
        assert_eq!(places(&world.err("openai_upload_file", args).await), [at]);
    }
    assert!(world.requests().is_empty());
}
