//! `/responses`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use business_tools_sandbox::picture;
use serde_json::{Value, json};

use crate::lab::Lab;

/// The text of a response, all parts together.
fn text(response: &Value) -> String {
    let output = response["output"].as_array().unwrap().iter();
    let parts = output
        .filter_map(|item| item["content"].as_array())
        .flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}

async fn say(lab: &Lab, input: Value) -> Value {
    let ask = json!({"model": "gpt-6-luna", "input": input});
    lab.post("/responses", ask).await.ok()
}

#[tokio::test]
async fn an_answer_follows_from_the_question_and_is_counted() {
    let lab = Lab::new().await;
    let ask = json!({"model": "gpt-6-luna", "input": "Hello there", "instructions": "Be kind.",
                     "temperature": 0.5, "metadata": {"order": "7"}, "user": "u1"});
    let first = lab.post("/responses", ask.clone()).await.ok();
    assert_eq!(
        text(&first),
        "You said: Hello there. My instructions are: Be kind."
    );
    assert_eq!(
        (&first["status"], &first["object"]),
        (&"completed".into(), &"response".into())
    );
    assert!(first["id"].as_str().unwrap().starts_with("resp_"));
    assert_eq!(first["output"][0]["content"][0]["annotations"], json!([]));
    // Three for each message, and the pieces of its text.
    assert_eq!(first["usage"]["input_tokens"], 3 + 4 + 3 + 3);
    let total = first["usage"]["input_tokens"].as_u64().unwrap()
        + first["usage"]["output_tokens"].as_u64().unwrap();
    assert_eq!(first["usage"]["total_tokens"], total);
    assert_eq!(first["metadata"]["order"], "7");
    let again = lab.post("/responses", ask.clone()).await.ok();
    assert_eq!(text(&again), text(&first));

    let mut count = ask;
    for name in ["temperature", "metadata", "user"] {
        count.as_object_mut().unwrap().remove(name);
    }
    let counted = lab.post("/responses/input_tokens", count).await.ok();
    assert_eq!(counted["input_tokens"], first["usage"]["input_tokens"]);
}

#[tokio::test]
async fn a_schema_is_satisfied() {
    let lab = Lab::new().await;
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["city", "days"],
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 3}}});
    let format = |schema: &Value| json!({"format": {"type": "json_schema", "name": "trip", "strict": true, "schema": schema}});
    let ask =
        |schema: &Value| json!({"model": "gpt-6-luna", "input": "Plan", "text": format(schema)});
    let answer = lab.post("/responses", ask(&schema)).await.ok();
    let document: Value = serde_json::from_str(&text(&answer)).unwrap();
    assert_eq!(document, json!({"city": "simulated city", "days": 3}));

    let mut loose = schema.clone();
    loose["required"] = json!(["city"]);
    let answer = lab.post("/responses", ask(&loose)).await;
    let message = answer.refused(400, "text.format.schema", "invalid_json_schema");
    assert!(message.contains("Missing 'days'"), "{message}");

    let any = json!({"format": {"type": "json_object"}});
    let ask = |input: &str| json!({"model": "gpt-6-luna", "input": input, "text": any});
    let answer = lab.post("/responses", ask("Answer in JSON")).await.ok();
    assert!(
        serde_json::from_str::<Value>(&text(&answer))
            .unwrap()
            .is_object()
    );
    lab.post("/responses", ask("Answer"))
        .await
        .refused(400, "input", "");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_incomplete() {
    let lab = Lab::new().await;
    let ask = json!({"model": "gpt-6-luna", "input": "sandbox:long", "max_output_tokens": 16});
    let cut = lab.post("/responses", ask).await.ok();
    assert_eq!(cut["status"], "incomplete");
    assert_eq!(cut["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(cut["usage"]["output_tokens"], 16);
    assert!(text(&cut).starts_with("This is sentence 1"));

    // Thought is written too, and can leave nothing.
    let ask = json!({"model": "gpt-6-luna", "input": "Hello", "max_output_tokens": 16,
                     "reasoning": {"effort": "high"}});
    let nothing = lab.post("/responses", ask).await.ok();
    assert_eq!(
        (&nothing["status"], text(&nothing).as_str()),
        (&"incomplete".into(), "")
    );
    assert_eq!(nothing["output"][0]["type"], "reasoning");
    assert_eq!(
        nothing["usage"]["output_tokens_details"]["reasoning_tokens"],
        16
    );

    let filtered = say(&lab, "sandbox:filter".into()).await;
    assert_eq!(filtered["incomplete_details"]["reason"], "content_filter");
}

#[tokio::test]
async fn words_of_the_sandbox_decide_what_comes() {
    let lab = Lab::new().await;
    assert_eq!(text(&say(&lab, "sandbox:say 42".into()).await), "42");
    let refusal = say(&lab, "sandbox:refuse".into()).await;
    assert_eq!(refusal["output"][0]["content"][0]["type"], "refusal");
    assert_eq!(refusal["status"], "completed");
    let failed = say(&lab, "sandbox:fail".into()).await;
    assert_eq!(
        (&failed["status"], &failed["error"]["code"]),
        (&"failed".into(), &"server_error".into())
    );
}

#[tokio::test]
async fn pictures_are_described() {
    let lab = Lab::new().await;
    let png = picture::png(64, 48, [1, 2, 3], false);
    let url = format!("data:image/png;base64,{}", STANDARD.encode(&png));
    let parts: [crate::lab::Part<'_>; 2] = [
        ("purpose", None, b"vision"),
        ("file", Some("cat.png"), &png),
    ];
    let file = lab.form("/files", &parts).await.ok()["id"].clone();
    let look = |part: Value| json!([{"role": "user", "content": [{"type": "input_text", "text": "What is it?"}, part]}]);
    let image = |name: &str, value: &Value| {
        look(json!({"type": "input_image", name: value, "detail": "auto"}))
    };
    let seen = text(&say(&lab, image("image_url", &url.into())).await);
    assert_eq!(
        seen,
        "The picture is a PNG of 64 x 48 pixels. You said: What is it?"
    );
    let seen = text(
        &say(
            &lab,
            image("image_url", &"https://example.com/a.png".into()),
        )
        .await,
    );
    assert!(
        seen.starts_with("The picture is at https://example.com/a.png."),
        "{seen}"
    );
    let seen = text(&say(&lab, image("file_id", &file)).await);
    assert!(
        seen.starts_with("The picture is a PNG of 64 x 48 pixels. Its name is cat.png."),
        "{seen}"
    );

    let place = |name: &str| format!("input[0].content[1].{name}");
    for (name, value, status, code) in [
        ("file_id", "file-none", 404, ""),
        (
            "image_url",
            "data:image/png;base64,iVBORw0KGgo=",
            400,
            "invalid_image_format",
        ),
        (
            "image_url",
            "data:image/png;base64,*",
            400,
            "invalid_base64",
        ),
        ("image_url", "cat.png", 400, "invalid_value"),
    ] {
        let ask = json!({"model": "gpt-6-luna", "input": image(name, &value.into())});
        lab.post("/responses", ask)
            .await
            .refused(status, &place(name), code);
    }
}

#[tokio::test]
async fn a_conversation_goes_on_by_the_id_of_what_was_kept() {
    let lab = Lab::new().await;
    let first = say(&lab, "One".into()).await;
    let id = first["id"].as_str().unwrap();
    let ask = json!({"model": "gpt-6-luna", "input": "Two", "previous_response_id": id});
    let second = lab.post("/responses", ask.clone()).await.ok();
    assert_eq!(text(&second), "You said: Two. You have spoken 2 times.");
    assert_eq!(second["previous_response_id"], id);
    assert!(second["usage"]["input_tokens"].as_u64() > first["usage"]["total_tokens"].as_u64());

    let path = format!("/responses/{id}");
    assert_eq!(lab.get(&path).await.ok(), first);
    assert_eq!(lab.delete(&path).await.ok()["deleted"], true);
    lab.get(&path).await.refused(404, "", "");
    lab.delete(&path).await.refused(404, "", "");
    let answer = lab.post("/responses", ask).await;
    answer.refused(400, "previous_response_id", "previous_response_not_found");

    let ask = json!({"model": "gpt-6-luna", "input": "x", "store": false});
    let forgotten = lab.post("/responses", ask).await.ok();
    let path = format!("/responses/{}", forgotten["id"].as_str().unwrap());
    lab.get(&path).await.refused(404, "", "");
}

#[tokio::test]
async fn work_in_the_background_moves_on_with_each_look_until_it_is_cancelled() {
    let lab = Lab::new().await;
    let ask = json!({"model": "gpt-6-luna", "input": "Hello", "background": true});
    let start = async || {
        let queued = lab.post("/responses", ask.clone()).await.ok();
        assert_eq!(
            (&queued["status"], &queued["output"]),
            (&"queued".into(), &json!([]))
        );
        format!("/responses/{}", queued["id"].as_str().unwrap())
    };
    let path = start().await;
    assert_eq!(lab.get(&path).await.ok()["status"], "in_progress");
    let done = lab.get(&path).await.ok();
    assert_eq!(
        (&done["status"], text(&done).as_str()),
        (&"completed".into(), "You said: Hello.")
    );
    let late = lab.post(&format!("{path}/cancel"), Value::Null).await;
    assert_eq!(late.ok()["status"], "completed");

    let path = start().await;
    for _ in 0..2 {
        let cancelled = lab.post(&format!("{path}/cancel"), Value::Null).await.ok();
        assert_eq!(cancelled["status"], "cancelled");
    }
    assert_eq!(lab.get(&path).await.ok()["status"], "cancelled");

    let here = say(&lab, "x".into()).await;
    let path = format!("/responses/{}/cancel", here["id"].as_str().unwrap());
    lab.post(&path, Value::Null).await.refused(400, "", "");
    lab.post("/responses/resp_none/cancel", Value::Null)
        .await
        .refused(404, "", "");
    let unkept = json!({"model": "gpt-6-luna", "input": "x", "background": true, "store": false});
    lab.post("/responses", unkept)
        .await
        .refused(400, "store", "invalid_value");
}

#[tokio::test]
async fn a_function_is_called_when_it_is_spoken_of_and_its_answer_is_told() {
    let lab = Lab::new().await;
    let tool = json!({"type": "function", "name": "get_weather", "strict": true, "description": "x",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                       "required": ["city"], "additionalProperties": false}});
    let ask = |input: Value, choice: &str| json!({"model": "gpt-6-luna", "input": input, "tools": [tool], "tool_choice": choice});
    let called = lab
        .post("/responses", ask("How is the weather?".into(), "auto"))
        .await
        .ok();
    let call = &called["output"][0];
    assert_eq!(
        (&call["type"], &call["name"]),
        (&"function_call".into(), &"get_weather".into())
    );
    let arguments: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({"city": "simulated city"}));

    let output =
        json!({"type": "function_call_output", "call_id": call["call_id"], "output": "Sunny"});
    let input = json!([{"role": "user", "content": "How is the weather?"}, call, output]);
    let told = lab.post("/responses", ask(input, "auto")).await.ok();
    assert_eq!(text(&told), "The tool said: Sunny.");
    let lost = lab.post("/responses", ask(json!([output]), "auto")).await;
    lost.refused(400, "input", "");

    for (choice, kind) in [
        ("auto", "message"),
        ("required", "function_call"),
        ("none", "message"),
    ] {
        let answer = lab
            .post("/responses", ask("Hello".into(), choice))
            .await
            .ok();
        assert_eq!(answer["output"][0]["type"], kind, "{choice}");
    }
    let search = json!({"model": "gpt-6-luna", "input": "x", "tools": [{"type": "web_search"}]});
    lab.post("/responses", search)
        .await
        .refused(400, "tools[0].type", "unsupported_value");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_with_its_place() {
    let lab = Lab::new().await;
    for (change, status, param, code) in [
        (
            json!({"model": null}),
            400,
            "model",
            "missing_required_parameter",
        ),
        (json!({"model": "gpt-4"}), 404, "", "model_not_found"),
        (json!({"model": "gpt-9"}), 404, "", "model_not_found"),
        (json!({"model": "tts-1"}), 400, "model", "invalid_value"),
        (
            json!({"input": null}),
            400,
            "input",
            "missing_required_parameter",
        ),
        (json!({"input": 7}), 400, "input", "invalid_type"),
        (
            json!({"input": [{"role": "boss", "content": "x"}]}),
            400,
            "input[0].role",
            "invalid_value",
        ),
        (
            json!({"input": [{"type": "dance"}]}),
            400,
            "input[0].type",
            "invalid_value",
        ),
        (
            json!({"input": [{"role": "user"}]}),
            400,
            "input[0].content",
            "missing_required_parameter",
        ),
        (
            json!({"temperature": 3}),
            400,
            "temperature",
            "decimal_above_max_value",
        ),
        (
            json!({"temperature": "hot"}),
            400,
            "temperature",
            "invalid_type",
        ),
        (
            json!({"max_output_tokens": 5}),
            400,
            "max_output_tokens",
            "integer_below_min_value",
        ),
        (
            json!({"truncation": "some"}),
            400,
            "truncation",
            "invalid_value",
        ),
        (
            json!({"reasoning": {"effort": "huge"}}),
            400,
            "reasoning.effort",
            "invalid_value",
        ),
        (
            json!({"model": "gpt-4o", "reasoning": {"effort": "low"}}),
            400,
            "reasoning.effort",
            "unsupported_parameter",
        ),
        (
            json!({"metadata": {"a": 1}}),
            400,
            "metadata.a",
            "invalid_type",
        ),
        (json!({"include": ["all"]}), 400, "include", "invalid_value"),
        (json!({"colour": "red"}), 400, "colour", "unknown_parameter"),
        (
            json!({"max_tokens": 9}),
            400,
            "max_tokens",
            "unknown_parameter",
        ),
        (
            json!({"conversation": "conv_1"}),
            400,
            "conversation",
            "unsupported_parameter",
        ),
        (json!({"tool_choice": "required"}), 400, "tool_choice", ""),
        (
            json!({"input": "x ".repeat(500_000)}),
            400,
            "input",
            "context_length_exceeded",
        ),
    ] {
        let mut ask = json!({"model": "gpt-6-luna", "input": "Hello"});
        for (name, value) in change.as_object().unwrap() {
            ask[name] = value.clone();
        }
        lab.post("/responses", ask)
            .await
            .refused(status, param, code);
    }
    let broken = ("application/json", b"{".to_vec());
    let broken = lab.send(
        reqwest::Method::POST,
        "/responses",
        Some(crate::lab::KEY),
        Some(broken),
    );
    broken.await.refused(400, "", "");
}

#[tokio::test]
async fn work_is_told_with_the_limits_of_the_account() {
    let lab = Lab::new().await;
    let answer = lab
        .post(
            "/responses",
            json!({"model": "gpt-6-luna", "input": "Hello"}),
        )
        .await;
    assert_eq!(answer.header("x-ratelimit-limit-requests"), "10000");
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), "9999");
    assert_eq!(answer.header("x-ratelimit-reset-requests"), "6ms");
    assert!(answer.header("x-ratelimit-reset-tokens").ends_with("ms"));
}
