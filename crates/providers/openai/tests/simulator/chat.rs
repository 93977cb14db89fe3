//! `/chat/completions`.

use serde_json::{Value, json};

use crate::lab::Lab;

fn ask(text: &str, more: Value) -> Value {
    let mut ask = json!({"model": "gpt-6-luna", "messages": [{"role": "user", "content": text}]});
    for (name, value) in more.as_object().unwrap() {
        ask[name] = value.clone();
    }
    ask
}

async fn choice(lab: &Lab, ask: Value) -> (String, String) {
    let done = lab.post("/chat/completions", ask).await.ok();
    let choice = &done["choices"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&choice["message"]["content"]),
        text(&choice["finish_reason"]),
    )
}

#[tokio::test]
async fn an_answer_is_whole_stopped_or_cut() {
    let lab = Lab::new().await;
    let say = async |text: &str, more: Value| choice(&lab, ask(text, more)).await;
    assert_eq!(
        say("Hello", json!({})).await,
        ("You said: Hello.".into(), "stop".into())
    );
    let stopped = say("sandbox:say one two three", json!({"stop": " two"})).await;
    assert_eq!(stopped, ("one".into(), "stop".into()));
    let stopped = say(
        "sandbox:say one two three",
        json!({"stop": ["three", "two"]}),
    )
    .await;
    assert_eq!(stopped, ("one ".into(), "stop".into()));
    let cut = say(
        "sandbox:say one two three",
        json!({"max_completion_tokens": 2}),
    )
    .await;
    assert_eq!(cut, ("one two".into(), "length".into()));
    let filtered = say("sandbox:filter", json!({})).await;
    assert_eq!(filtered.1, "content_filter");
    let json = say(
        "JSON please",
        json!({"response_format": {"type": "json_object"}}),
    )
    .await;
    assert!(serde_json::from_str::<Value>(&json.0).unwrap().is_object());
    let schema = json!({"type": "object", "properties": {"ok": {"type": "boolean"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    let filled = say("x", json!({"response_format": format})).await;
    assert_eq!(filled.0, "{\"ok\":true}");
}

#[tokio::test]
async fn choices_are_counted_together() {
    let lab = Lab::new().await;
    let more = json!({"n": 3, "logprobs": true, "seed": 7, "metadata": {"a": "b"}});
    let done = lab.post("/chat/completions", ask("Hello", more)).await.ok();
    let choices = done["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 3);
    assert_eq!(
        choices[2]["message"]["content"],
        "You said: Hello. (choice 3)"
    );
    let tokens = |choice: &Value| choice["logprobs"]["content"].as_array().unwrap().len();
    let written: usize = choices.iter().map(tokens).sum();
    assert_eq!(done["usage"]["completion_tokens"], written);
    let refusal = lab
        .post("/chat/completions", ask("sandbox:refuse", json!({})))
        .await
        .ok();
    assert!(refusal["choices"][0]["message"]["refusal"].is_string());
    let failed = lab
        .post("/chat/completions", ask("sandbox:fail", json!({})))
        .await;
    failed.refused(500, "", "");
}

#[tokio::test]
async fn tools_are_called_and_their_answers_are_told() {
    let lab = Lab::new().await;
    let tool = json!({"type": "function", "function": {"name": "get_weather", "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}}}}});
    let more = json!({"tools": [tool]});
    let called = lab
        .post("/chat/completions", ask("The weather?", more.clone()))
        .await
        .ok();
    let message = &called["choices"][0]["message"];
    assert_eq!(called["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(message["content"], Value::Null);
    let call = &message["tool_calls"][0];
    assert_eq!(
        call["function"]["arguments"],
        "{\"city\":\"simulated city\"}"
    );

    let asked = json!({"role": "user", "content": "The weather?"});
    let spoken = json!({"role": "assistant", "content": null, "tool_calls": message["tool_calls"]});
    let told = json!({"role": "tool", "tool_call_id": call["id"], "content": "Sunny"});
    let with =
        |messages: Value| json!({"model": "gpt-6-luna", "messages": messages, "tools": [tool]});
    let (text, _) = choice(&lab, with(json!([asked, spoken, told]))).await;
    assert_eq!(text, "The tool said: Sunny.");
    let unasked = lab
        .post("/chat/completions", with(json!([asked, told])))
        .await;
    unasked.refused(400, "messages[1].role", "");
    let unanswered = lab
        .post("/chat/completions", with(json!([asked, spoken])))
        .await;
    unanswered.refused(400, "messages", "");

    let must = json!({"tools": [tool], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}});
    assert_eq!(choice(&lab, ask("Hello", must)).await.1, "tool_calls");
    let never = json!({"tools": [tool], "tool_choice": "none"});
    assert_eq!(choice(&lab, ask("The weather?", never)).await.1, "stop");
}

#[tokio::test]
async fn pictures_and_what_was_said_before_are_seen() {
    let lab = Lab::new().await;
    let messages = json!([
        {"role": "developer", "content": "Be brief"},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": [
            {"type": "text", "text": "Two"},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}]},
    ]);
    let (text, _) = choice(&lab, json!({"model": "gpt-4o", "messages": messages})).await;
    assert_eq!(
        text,
        "The picture is at https://example.com/a.png. You said: Two. You have spoken 2 times. My instructions are: \
         Be brief."
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_with_its_place() {
    let lab = Lab::new().await;
    for (more, status, param, code) in [
        (
            json!({"messages": null}),
            400,
            "messages",
            "missing_required_parameter",
        ),
        (json!({"messages": []}), 400, "messages", "empty_array"),
        (
            json!({"messages": [{"role": "king", "content": "x"}]}),
            400,
            "messages[0].role",
            "invalid_value",
        ),
        (json!({"model": "o1"}), 404, "", "model_not_found"),
        (json!({"model": "whisper-1"}), 404, "model", ""),
        (
            json!({"max_tokens": 9}),
            400,
            "max_tokens",
            "unsupported_parameter",
        ),
        (json!({"n": 129}), 400, "n", "integer_above_max_value"),
        (
            json!({"stop": ["a", "b", "c", "d", "e"]}),
            400,
            "stop",
            "array_above_max_length",
        ),
        (
            json!({"presence_penalty": -3}),
            400,
            "presence_penalty",
            "decimal_below_min_value",
        ),
        (
            json!({"modalities": ["audio"]}),
            400,
            "modalities",
            "invalid_value",
        ),
        (
            json!({"functions": []}),
            400,
            "functions",
            "unsupported_parameter",
        ),
        (json!({"input": "x"}), 400, "input", "unknown_parameter"),
        (json!({"tool_choice": "auto"}), 400, "tool_choice", ""),
        (json!({"stream_options": {}}), 400, "stream_options", ""),
        (
            json!({"response_format": {"type": "xml"}}),
            400,
            "response_format.type",
            "invalid_value",
        ),
    ] {
        let answer = lab.post("/chat/completions", ask("Hello", more)).await;
        answer.refused(status, param, code);
    }
    let old = json!({"model": "gpt-4o", "max_tokens": 2});
    assert_eq!(choice(&lab, ask("Hello", old)).await.1, "length");
}
