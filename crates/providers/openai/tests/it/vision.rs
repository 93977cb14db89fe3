//! Looking at images, however they are given.

use base64::Engine as _;
use business_tools_openai::OpenAi;
use serde_json::{Value, json};

use crate::support::{PNG, file, openai, places, reading_loopback, sent, world};
use crate::web::Web;

fn data_url() -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(PNG);
    format!("data:image/png;base64,{text}")
}

fn image(world: &business_tools_testkit::World) -> Value {
    sent(world)["input"][0]["content"][1].clone()
}

#[tokio::test]
async fn an_https_address_is_passed_on_and_not_fetched_here() {
    let world = world().await;
    let args =
        json!({"prompt": "What is it?", "image": "https://example.com/cat.png", "detail": "low"});
    let answer = world.ok("openai_analyze_image", args).await;
    assert!(!answer["text"].as_str().unwrap().is_empty(), "{answer}");
    let sent = sent(&world);
    assert_eq!(
        sent["input"],
        json!([{"role": "user", "content": [{"type": "input_text", "text": "What is it?"},
            {"type": "input_image", "image_url": "https://example.com/cat.png", "detail": "low"}]}])
    );
    assert_eq!(
        (&sent["model"], &sent["store"]),
        (&json!("gpt-6-luna"), &json!(false))
    );
}

#[tokio::test]
async fn a_file_and_a_data_url_are_sent_along() {
    let world = world().await;
    let path = file("pixel.png", PNG);
    for given in [path, data_url()] {
        let args = json!({"prompt": "What is it?", "image": given});
        world.ok("openai_analyze_image", args).await;
        assert_eq!(image(&world)["image_url"], data_url());
        assert_eq!(image(&world)["detail"], "auto");
    }
}

#[tokio::test]
async fn an_uploaded_file_is_named_by_its_id() {
    let world = world().await;
    let path = file("uploaded.png", PNG);
    let uploaded = world
        .ok(
            "openai_upload_file",
            json!({"path": path, "purpose": "vision"}),
        )
        .await;
    let args = json!({"prompt": "What is it?", "image": uploaded["id"]});
    world.ok("openai_analyze_image", args).await;
    assert_eq!(image(&world)["file_id"], uploaded["id"]);
    assert!(image(&world).get("image_url").is_none());
}

#[tokio::test]
async fn an_open_address_is_fetched_here_and_sent_along() {
    let web = Web::start().await;
    let world = openai().env(reading_loopback).start::<OpenAi>().await;
    let args = json!({"prompt": "What is it?", "image": web.url("/pixel.png")});
    world.ok("openai_analyze_image", args).await;
    assert_eq!(image(&world)["image_url"], data_url());
}

#[tokio::test]
async fn what_is_no_image_is_refused_before_anything_is_sent() {
    let world = world().await;
    let text = file("not-an-image.png", b"Dear diary");
    let empty = file("empty.png", b"");
    let large = file("large.png", &[PNG, &vec![0; 15 << 20][..]].concat());
    for bad in [
        text.as_str(),
        &empty,
        &large,
        "/etc/passwd",
        "no-such-file.png",
        "data:image/svg+xml;base64,AAAA",
        "data:image/png;base64,not base64",
        "data:image/png,AAAA",
        "ftp://example.com/cat.png",
        "bt://artifacts/none/image.png",
    ] {
        let args = json!({"prompt": "What is it?", "image": bad});
        let error = world.err("openai_analyze_image", args).await;
        assert_eq!(places(&error), ["/image"], "{bad}");
    }
    assert!(world.requests().is_empty());
}
