//! Dry runs: every write shows its request and sends nothing, fetches nothing and keeps nothing.

use business_tools_core::Effect;
use serde_json::{Value, json};

use crate::support::{PNG, file, hello, places, wav, world};

/// Every write with arguments that are good.
pub(crate) fn writes() -> Vec<(&'static str, Value)> {
    let recording = file("dry.wav", &wav());
    let picture = file("dry.png", PNG);
    vec![
        ("openai_generate_text", hello()),
        (
            "openai_cancel_response",
            json!({"response_id": "resp_0000000000000001"}),
        ),
        (
            "openai_create_chat_completion",
            json!({"messages": [{"role": "user", "content": "Hello"}]}),
        ),
        (
            "openai_analyze_image",
            json!({"prompt": "What is it?", "image": picture}),
        ),
        ("openai_generate_image", json!({"prompt": "A bicycle"})),
        (
            "openai_edit_image",
            json!({"prompt": "Bluer", "images": [picture]}),
        ),
        ("openai_transcribe_audio", json!({"path": recording})),
        ("openai_translate_audio", json!({"path": recording})),
        ("openai_generate_speech", json!({"input": "Good morning"})),
        (
            "openai_upload_file",
            json!({"path": recording, "purpose": "user_data"}),
        ),
        (
            "openai_delete_file",
            json!({"file_id": "file-0000000000000001"}),
        ),
    ]
}

#[tokio::test]
async fn every_write_shows_its_request_masked_and_sends_nothing() {
    let world = world().await;
    let all = world.registry.tools(None);
    let all = all.iter().filter(|entry| entry.tool.spec.writes()).count();
    assert_eq!(writes().len(), all, "every write is tried");
    for (tool, mut args) in writes() {
        args["dry_run"] = true.into();
        let shown = world.ok(tool, args).await;
        assert_eq!(shown["dry_run"], true, "{tool}");
        assert!(
            shown.get("note").is_none(),
            "{tool} shows the write itself: {shown}"
        );
        let request = &shown["request"];
        let method = if tool == "openai_delete_file" {
            "DELETE"
        } else {
            "POST"
        };
        assert_eq!(request["method"], method, "{tool}");
        assert_eq!(request["headers"]["authorization"], "***", "{tool}");
        let spec = world.registry.get(tool).unwrap().tool.spec;
        let destructive = spec.effect == Effect::Destructive;
        assert_eq!(shown["confirmation"].is_string(), destructive, "{tool}");
    }
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn a_form_shows_its_fields_and_its_files_by_name_and_size() {
    let world = world().await;
    let path = file("shown.wav", &wav());
    let args = json!({"path": path, "language": "en", "dry_run": true});
    let shown = world.ok("openai_transcribe_audio", args).await;
    assert_eq!(
        shown["request"]["multipart"],
        json!([
            {"name": "model", "text": "gpt-transcribe"},
            {"name": "response_format", "text": "json"},
            {"name": "languages[]", "text": "en"},
            {"name": "file", "file_name": "shown.wav", "media_type": "audio/wav", "bytes": wav().len()},
        ])
    );
}

#[tokio::test]
async fn nothing_is_fetched_and_large_things_are_not_shown_whole() {
    let world = world().await;
    for (tool, args, shows) in [
        (
            "openai_transcribe_audio",
            json!({"url": "https://example.invalid/call.mp3"}),
            "call.mp3",
        ),
        (
            "openai_upload_file",
            json!({"url": "https://example.invalid/report.pdf", "purpose": "user_data"}),
            "report.pdf",
        ),
        (
            "openai_edit_image",
            json!({"prompt": "x", "images": ["https://example.invalid/cat.png"]}),
            "cat.png",
        ),
        (
            "openai_analyze_image",
            json!({"prompt": "x", "image": "http://example.invalid/cat.png"}),
            "characters",
        ),
        (
            "openai_analyze_image",
            json!({"prompt": "x", "image": format!("data:image/png;base64,{}", "A".repeat(100_000))}),
            "100000 characters",
        ),
    ] {
        let mut args = args;
        args["dry_run"] = true.into();
        let shown = world.ok(tool, args).await.to_string();
        assert!(
            shown.contains(shows) && shown.len() < 2000,
            "{tool}: {shown}"
        );
    }
}

#[tokio::test]
async fn a_dry_run_checks_the_arguments_as_the_call_would() {
    let world = world().await;
    let error = world
        .err(
            "openai_generate_image",
            json!({"prompt": "", "dry_run": true}),
        )
        .await;
    assert_eq!(places(&error), ["/prompt"]);
    let error = world
        .err(
            "openai_transcribe_audio",
            json!({"path": "/etc/hostname", "dry_run": true}),
        )
        .await;
    assert_eq!(places(&error), ["/path"]);
    let error = world
        .err("openai_list_files", json!({"dry_run": true}))
        .await;
    assert_eq!(places(&error), ["/dry_run"]);
}
