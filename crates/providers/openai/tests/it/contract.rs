//! Requests and the simulator's answers against OpenAI's own description, where it is at hand.

use business_tools_testkit::{Contract, Person};
use serde_json::{Value, json};

use crate::support::{PNG, file, wav, world};

#[tokio::test]
async fn every_tools_exchanges_are_as_described() {
    let Some(contract) = Contract::of("openai") else {
        return;
    };
    let world = world().await;
    let yes = Person::who_says_yes();
    let (recording, picture) = (file("contract.wav", &wav()), file("contract.png", PNG));
    let form = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
                      "additionalProperties": false});
    let image = world
        .ok(
            "openai_upload_file",
            json!({"path": picture, "purpose": "vision", "expires_after": 7200}),
        )
        .await["id"]
        .clone();
    let stored = world
        .ok(
            "openai_generate_text",
            json!({"input": "Hello", "store": true}),
        )
        .await["id"]
        .clone();
    let begun = world
        .ok(
            "openai_generate_text",
            json!({"input": "Hello", "background": true}),
        )
        .await["id"]
        .clone();
    let mut user: Vec<(&str, Value)> = vec![
        (
            "openai_generate_text",
            json!({"input": "Hello", "instructions": "Be kind", "max_output_tokens": 100, "temperature": 1,
                   "reasoning_effort": "low", "json_schema": form, "previous_response_id": stored}),
        ),
        ("openai_get_response", json!({"response_id": stored})),
        ("openai_get_response", json!({"response_id": begun})),
        ("openai_cancel_response", json!({"response_id": begun})),
        (
            "openai_create_chat_completion",
            json!({"messages": [{"role": "user", "content": "How is the weather?"}], "max_completion_tokens": 50,
                   "tools": [{"type": "function", "function": {"name": "get_weather",
                              "parameters": {"type": "object", "properties": {}}}}]}),
        ),
        (
            "openai_create_chat_completion",
            json!({"messages": [{"role": "user", "content": "Hello"}], "json_schema": form}),
        ),
        (
            "openai_analyze_image",
            json!({"prompt": "What?", "image": picture, "detail": "high"}),
        ),
        (
            "openai_analyze_image",
            json!({"prompt": "What?", "image": image}),
        ),
        (
            "openai_generate_image",
            json!({"prompt": "A bicycle", "n": 2, "size": "1024x1024", "quality": "low",
                   "background": "transparent", "output_format": "webp", "output_compression": 80,
                   "moderation": "auto"}),
        ),
        (
            "openai_edit_image",
            json!({"prompt": "Bluer", "images": [picture, picture], "mask": picture, "n": 2, "background": "opaque", "output_format": "png"}),
        ),
        (
            "openai_edit_image",
            json!({"prompt": "Bluer", "images": [image], "quality": "high", "size": "auto"}),
        ),
        (
            "openai_transcribe_audio",
            json!({"path": recording, "language": "en", "keywords": ["Ada"]}),
        ),
        ("openai_translate_audio", json!({"path": recording})),
        (
            "openai_generate_speech",
            json!({"input": "Good morning", "voice": "marin", "instructions": "Slowly"}),
        ),
        (
            "openai_create_embedding",
            json!({"input": ["one", "two"], "query": "one", "dimensions": 16}),
        ),
        (
            "openai_moderate_content",
            json!({"input": ["Good morning", "I will kill you"]}),
        ),
        (
            "openai_moderate_content",
            json!({"input": ["A cat", "https://example.com/cat.png"]}),
        ),
        ("openai_list_models", json!({})),
        (
            "openai_list_files",
            json!({"purpose": "vision", "limit": 1}),
        ),
        ("openai_delete_file", json!({"file_id": image})),
    ];
    for (model, format) in [
        ("whisper-1", "verbose_json"),
        ("gpt-4o-transcribe", "json"),
        ("gpt-4o-transcribe-diarize", "diarized_json"),
    ] {
        let args = json!({"path": recording, "model": model, "response_format": format});
        user.push(("openai_transcribe_audio", args));
    }
    for text in ["sandbox:refuse", "sandbox:filter", "sandbox:long"] {
        let args = json!({"input": text, "max_output_tokens": 50});
        user.push(("openai_generate_text", args));
    }
    for (tool, args) in user {
        if let Err(error) = world.call_with(&yes, tool, args.clone()).await {
            panic!("{tool} {args}: {error:?}");
        }
    }
    // Refusals have a described form too.
    for (tool, args) in [
        (
            "openai_generate_text",
            json!({"input": "x", "model": "gpt-4"}),
        ),
        ("openai_get_response", json!({"response_id": "resp_none"})),
    ] {
        world.err(tool, args).await;
    }
    assert!(world.health().await.ok);
    contract.check_all("openai", &world.exchanges());
}
