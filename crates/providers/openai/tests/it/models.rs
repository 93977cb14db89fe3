//! The models there are, and what is said when one is not there.

use business_tools_core::Kind;
use business_tools_openai::OpenAi;
use serde_json::{Value, json};

use crate::support::{assert_error, file, hello, openai, wav, world};

#[tokio::test]
async fn models_are_listed_with_their_ends_and_what_they_are_defaults_for() {
    let world = world().await;
    let list = world.ok("openai_list_models", json!({})).await;
    let items = list["items"].as_array().unwrap();
    let find = |id: &str| {
        items
            .iter()
            .find(|item| item["id"] == id)
            .unwrap_or(&Value::Null)
    };
    assert_eq!(
        find("gpt-6.1-terra")["default_for"],
        json!(["text"]),
        "{list}"
    );
    assert!(find("gpt-6.1-terra").get("shutdown_date").is_none());
    assert_eq!(find("gpt-4o-mini-tts")["shutdown_date"], "2027-01-06");
    let warnings = list["warnings"].to_string();
    for part in [
        "models.speech",
        "2027-01-06",
        "models.translation",
        "2027-02-26",
    ] {
        assert!(warnings.contains(part), "{warnings}");
    }
    let created: Vec<&str> = items
        .iter()
        .filter_map(|item| item["created"].as_str())
        .collect();
    assert!(
        created.windows(2).all(|pair| pair[0] >= pair[1]),
        "the newest first"
    );

    let found = world
        .ok("openai_list_models", json!({"search": "EMBEDDING"}))
        .await;
    let found = found["items"].as_array().unwrap();
    assert!(!found.is_empty());
    assert!(
        found
            .iter()
            .all(|item| item["id"].as_str().unwrap().contains("embedding"))
    );
}

#[tokio::test]
async fn a_model_that_is_gone_is_told_with_one_that_is_there() {
    let world = world().await;
    let path = file("gone.wav", &wav());
    for (tool, mut args, gone, instead) in [
        ("openai_generate_text", hello(), "gpt-4", "gpt-6.1-terra"),
        (
            "openai_create_chat_completion",
            json!({"messages": [{"role": "user", "content": "x"}]}),
            "o1",
            "gpt-6.1-terra",
        ),
        (
            "openai_analyze_image",
            json!({"prompt": "x", "image": "https://example.com/a.png"}),
            "gpt-4-turbo",
            "gpt-6-luna",
        ),
        (
            "openai_generate_image",
            json!({"prompt": "x"}),
            "dall-e-3",
            "gpt-image-2",
        ),
        (
            "openai_generate_speech",
            json!({"input": "x"}),
            "tts-none",
            "gpt-4o-mini-tts",
        ),
        (
            "openai_transcribe_audio",
            json!({"path": path}),
            "no-ear",
            "gpt-transcribe",
        ),
        (
            "openai_create_embedding",
            json!({"input": ["x"]}),
            "text-embedding-0",
            "text-embedding-3-small",
        ),
        (
            "openai_moderate_content",
            json!({"input": ["x"]}),
            "moderation-0",
            "omni-moderation-latest",
        ),
    ] {
        world.forget_requests();
        args["model"] = gone.into();
        let error = world.err(tool, args).await;
        assert_error(&error, Kind::NotFound, Some("model_not_found"), instead);
        assert!(
            !error.details()["models"].as_array().unwrap().is_empty(),
            "{error:?}"
        );
        let paths: Vec<_> = world
            .requests()
            .into_iter()
            .map(|request| request.path)
            .collect();
        assert_eq!(paths.len(), 2, "one request and one look: {paths:?}");
        assert!(paths[1].ends_with("/models"), "{paths:?}");
        assert!(!error.is_retryable());
    }
    // The day on which what is named ends too.
    let args = json!({"input": "x", "model": "tts-none"});
    let error = world.err("openai_generate_speech", args).await;
    assert!(
        error.hint_text().unwrap().contains("2027-01-06"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_key_that_may_not_list_models_gets_the_plain_hint() {
    let world = openai()
        .fields(json!({"api_key": "sk-restricted-0000000000000000"}))
        .start::<OpenAi>()
        .await;
    let error = world
        .err(
            "openai_generate_text",
            json!({"input": "x", "model": "gpt-4"}),
        )
        .await;
    assert_error(
        &error,
        Kind::NotFound,
        Some("model_not_found"),
        "openai_list_models",
    );
}

#[tokio::test]
async fn every_kind_of_work_has_a_default_of_its_own() {
    let models = json!({"text": "m-text", "vision": "m-vision", "image": "m-image", "transcription": "m-ear",
        "translation": "m-english", "speech": "m-voice", "embedding": "m-vector", "moderation": "m-judge"});
    let world = openai()
        .fields(json!({"models": models}))
        .start::<OpenAi>()
        .await;
    let path = file("defaults.wav", &wav());
    for (tool, args, model) in [
        ("openai_generate_text", hello(), "m-text"),
        (
            "openai_create_chat_completion",
            json!({"messages": [{"role": "user", "content": "x"}]}),
            "m-text",
        ),
        (
            "openai_analyze_image",
            json!({"prompt": "x", "image": "https://example.com/a.png"}),
            "m-vision",
        ),
        ("openai_generate_image", json!({"prompt": "x"}), "m-image"),
        ("openai_transcribe_audio", json!({"path": path}), "m-ear"),
        ("openai_translate_audio", json!({"path": path}), "m-english"),
        ("openai_generate_speech", json!({"input": "x"}), "m-voice"),
    ] {
        let mut args = args;
        args["dry_run"] = true.into();
        let shown = world.ok(tool, args).await;
        assert!(
            shown["request"].to_string().contains(model),
            "{tool}: {shown}"
        );
    }
    for (tool, args, model) in [
        (
            "openai_create_embedding",
            json!({"input": ["x"]}),
            "m-vector",
        ),
        (
            "openai_moderate_content",
            json!({"input": ["x"]}),
            "m-judge",
        ),
    ] {
        let error = world.err(tool, args).await;
        assert_eq!(error.kind(), Kind::NotFound, "{error:?}");
        let bodies = world.exchanges();
        let asked = bodies
            .iter()
            .any(|exchange| String::from_utf8_lossy(&exchange.body).contains(model));
        assert!(asked, "{tool} asked for {model}");
    }
}
