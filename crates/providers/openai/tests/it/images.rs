//! Making and editing images.

use business_tools_core::{Cx, Kind, Principal};
use serde_json::{Value, json};

use crate::support::{PNG, assert_error, behind, file, places, sent, sent_text, stand_in, world};

#[tokio::test]
async fn images_are_kept_and_linked_and_never_in_the_answer() {
    let world = world().await;
    let args = json!({"prompt": "A red bicycle", "n": 2, "size": "1024x1024", "quality": "low",
        "background": "opaque", "output_format": "png", "moderation": "low"});
    let made = world.ok("openai_generate_image", args).await;
    let links = made["images"].as_array().unwrap();
    assert_eq!(links.len(), 2);
    for link in links {
        let kept = behind(&world, link).await;
        assert!(kept.bytes.starts_with(&PNG[..8]), "it is a PNG");
        assert_eq!(
            (kept.media_type.as_str(), json!(kept.bytes.len())),
            ("image/png", link["size"].clone())
        );
    }
    assert!(made.to_string().len() < 2000, "{made}");
    assert_eq!(
        sent(&world),
        json!({"model": "gpt-image-2", "prompt": "A red bicycle", "n": 2, "size": "1024x1024",
               "quality": "low", "background": "opaque", "output_format": "png", "moderation": "low"})
    );
}

#[tokio::test]
async fn what_was_kept_is_there_for_its_tenant_alone() {
    let world = world().await;
    let made = world
        .ok("openai_generate_image", json!({"prompt": "A bicycle"}))
        .await;
    let link = made["images"][0]["uri"].clone();
    let other = Principal {
        tenant: "other".into(),
        ..Principal::local()
    };
    let cx = Cx::builder(other).build();
    let args = json!({"prompt": "Bluer", "images": [link]});
    let error = world
        .call_in("openai_edit_image", args, cx)
        .await
        .unwrap_err();
    assert_eq!(places(&error), ["/images/0"]);
}

#[tokio::test]
async fn an_image_that_was_made_can_be_edited_and_looked_at() {
    let world = world().await;
    let made = world
        .ok("openai_generate_image", json!({"prompt": "A red bicycle"}))
        .await;
    let link = made["images"][0]["uri"].clone();
    let edited = world
        .ok(
            "openai_edit_image",
            json!({"prompt": "Make it blue", "images": [link]}),
        )
        .await;
    behind(&world, &edited["images"][0]).await;
    let form = sent_text(&world);
    for part in [
        "name=\"image[]\"; filename=\"image-1.png\"",
        "name=\"prompt\"",
        "name=\"model\"",
        "gpt-image-2",
    ] {
        assert!(form.contains(part), "{part}");
    }
    let link = edited["images"][0]["uri"].clone();
    world
        .ok(
            "openai_analyze_image",
            json!({"prompt": "What is it?", "image": link}),
        )
        .await;
}

#[tokio::test]
async fn files_are_combined_with_a_mask() {
    let world = world().await;
    let (one, two, mask) = (
        file("one.png", PNG),
        file("two.png", PNG),
        file("mask.png", PNG),
    );
    let args = json!({"prompt": "Join them", "images": [one, two], "mask": mask, "size": "1536x1024",
        "quality": "high", "n": 2, "background": "transparent", "output_format": "webp"});
    world.ok("openai_edit_image", args).await;
    let form = sent_text(&world);
    assert_eq!(form.matches("name=\"image[]\"").count(), 2);
    assert_eq!(form.matches("name=\"mask\"").count(), 1);
    for (name, value) in [
        ("size", "1536x1024"),
        ("quality", "high"),
        ("n", "2"),
        ("background", "transparent"),
        ("output_format", "webp"),
    ] {
        let part = format!("name=\"{name}\"\r\n\r\n{value}\r\n");
        assert!(form.contains(&part), "{part}: {form}");
    }
}

#[tokio::test]
async fn uploaded_files_are_named_by_their_ids() {
    let world = world().await;
    let path = file("to-edit.png", PNG);
    let uploaded = world
        .ok(
            "openai_upload_file",
            json!({"path": path, "purpose": "vision"}),
        )
        .await;
    let args = json!({"prompt": "Bluer", "images": [uploaded["id"]]});
    world.ok("openai_edit_image", args).await;
    assert_eq!(sent(&world)["images"], json!([{"file_id": uploaded["id"]}]));
}

#[tokio::test]
async fn a_prompt_that_is_refused_says_what_to_do() {
    let blocked = json!({"error": {"message": "Your request was rejected by the safety system.",
        "type": "image_generation_user_error", "param": null, "code": "moderation_blocked"}});
    let world = stand_in(400, &[("x-request-id", "req_1")], blocked).await;
    let error = world
        .err("openai_generate_image", json!({"prompt": "x"}))
        .await;
    assert_error(
        &error,
        Kind::InvalidRequest,
        Some("moderation_blocked"),
        "other words",
    );
    assert_eq!(error.details()["upstream_request_id"], "req_1");
    assert!(!error.is_retryable());
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn what_no_model_makes_is_refused_before_anything_is_sent() {
    let world = world().await;
    let png = file("fine.png", PNG);
    for (tool, args, at) in [
        (
            "openai_generate_image",
            json!({"prompt": "x", "size": "1000x1000"}),
            "/size",
        ),
        (
            "openai_generate_image",
            json!({"prompt": "x", "size": "3840x512"}),
            "/size",
        ),
        (
            "openai_generate_image",
            json!({"prompt": "x", "size": "4096x4096"}),
            "/size",
        ),
        (
            "openai_generate_image",
            json!({"prompt": "x", "size": "large"}),
            "/size",
        ),
        (
            "openai_generate_image",
            json!({"prompt": "x", "n": 11}),
            "/n",
        ),
        (
            "openai_generate_image",
            json!({"prompt": "x", "quality": "hd"}),
            "/quality",
        ),
        ("openai_generate_image", json!({"prompt": ""}), "/prompt"),
        (
            "openai_generate_image",
            json!({"prompt": "x", "background": "transparent", "output_format": "jpeg"}),
            "/background",
        ),
        (
            "openai_generate_image",
            json!({"prompt": "x", "output_compression": 50, "output_format": "png"}),
            "/output_compression",
        ),
        (
            "openai_edit_image",
            json!({"prompt": "x", "images": []}),
            "/images",
        ),
        (
            "openai_edit_image",
            json!({"prompt": "x", "images": ["file-1", png]}),
            "/images",
        ),
        (
            "openai_edit_image",
            json!({"prompt": "x", "images": ["file-1"], "mask": png}),
            "/mask",
        ),
        (
            "openai_edit_image",
            json!({"prompt": "x", "images": [file("a.gif", b"GIF89a")]}),
            "/images/0",
        ),
        (
            "openai_edit_image",
            json!({"prompt": "x", "images": ["/etc/hostname"]}),
            "/images/0",
        ),
    ] {
        let error = world.err(tool, args.clone()).await;
        assert_eq!(places(&error), [at], "{args}");
    }
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn an_answer_without_an_image_is_told_as_such() {
    for body in [
        json!({"created": 1}),
        json!({"data": []}),
        json!({"data": [{"b64_json": "no base64!"}]}),
    ] {
        let world = stand_in(200, &[], body).await;
        let error = world
            .err("openai_generate_image", json!({"prompt": "x"}))
            .await;
        assert_eq!(error.kind(), Kind::BadUpstreamResponse);
    }
    // The file is what its bytes say, whatever was asked for.
    let webp = "UklGRgAAAABXRUJQVlA4IA==";
    let world = stand_in(
        200,
        &[],
        json!({"created": 1, "data": [{"b64_json": webp, "revised_prompt": "Y"}]}),
    )
    .await;
    let made: Value = world
        .ok("openai_generate_image", json!({"prompt": "x"}))
        .await;
    assert_eq!(made["images"][0]["mime_type"], "image/webp");
    assert_eq!(made["revised_prompts"], json!(["Y"]));
}
