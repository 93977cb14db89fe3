//! Text: responses at once and in the background, forms, refusals, texts that end early.

use std::time::Duration;

use business_tools_core::Kind;
use business_tools_testkit::Person;
use serde_json::{Value, json};

use crate::support::{assert_error, behind, hello, places, sent, stand_in, world};

/// A schema with one text and one number in it.
fn form() -> Value {
    json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
           "required": ["name", "age"], "additionalProperties": false})
}

#[tokio::test]
async fn a_prompt_is_answered_and_not_stored() {
    let world = world().await;
    let answer = world.ok("openai_generate_text", hello()).await;
    assert_eq!(answer["status"], "completed", "{answer}");
    assert!(
        answer["text"].as_str().unwrap().contains("Hello"),
        "{answer}"
    );
    assert!(
        answer["usage"]["output_tokens"].as_u64().unwrap() > 0,
        "{answer}"
    );
    assert_eq!(answer["untrusted"], json!(["text", "json"]));
    let body = sent(&world);
    assert_eq!(
        body,
        json!({"model": "gpt-6.1-terra", "input": "Hello", "store": false})
    );
    let request = world.last_request();
    assert_eq!(
        (
            request.method.as_str(),
            request.path.ends_with("/responses")
        ),
        ("POST", true)
    );
}

#[tokio::test]
async fn every_argument_goes_to_its_place() {
    let world = world().await;
    let args = json!({"input": "Hello", "instructions": "Be brief", "model": "gpt-6-luna",
        "max_output_tokens": 200, "temperature": 0.5, "reasoning_effort": "low", "store": true});
    let first = world.ok("openai_generate_text", args).await;
    let body = sent(&world);
    for (member, value) in [
        ("model", json!("gpt-6-luna")),
        ("instructions", json!("Be brief")),
        ("max_output_tokens", json!(200)),
        ("temperature", json!(0.5)),
        ("reasoning", json!({"effort": "low"})),
        ("store", json!(true)),
    ] {
        assert_eq!(body[member], value, "{member}");
    }
    let args = json!({"input": "And again", "previous_response_id": first["id"]});
    world.ok("openai_generate_text", args).await;
    assert_eq!(sent(&world)["previous_response_id"], first["id"]);
}

#[tokio::test]
async fn a_form_makes_the_answer_data() {
    let world = world().await;
    let args = json!({"input": "Ada is 36", "json_schema": form()});
    let answer = world.ok("openai_generate_text", args).await;
    assert!(
        answer["json"]["name"].is_string() && answer["json"]["age"].is_i64(),
        "{answer}"
    );
    assert!(answer.get("text").is_none(), "data is given once: {answer}");
    let format = &sent(&world)["text"]["format"];
    assert_eq!(
        (&format["type"], &format["strict"]),
        (&json!("json_schema"), &json!(true))
    );
    assert_eq!(format["schema"], form());

    let error = world
        .err(
            "openai_generate_text",
            json!({"input": "x", "json_schema": {"type": "array"}}),
        )
        .await;
    assert_eq!(places(&error), ["/json_schema"]);
}

#[tokio::test]
async fn a_refusal_and_a_text_that_ends_early_are_told() {
    let world = world().await;
    let answer = world
        .ok("openai_generate_text", json!({"input": "sandbox:refuse"}))
        .await;
    assert!(
        answer["refusal"]
            .as_str()
            .is_some_and(|words| !words.is_empty()),
        "{answer}"
    );
    assert!(answer.get("text").is_none(), "{answer}");

    let args = json!({"input": "sandbox:long", "max_output_tokens": 16});
    let answer = world.ok("openai_generate_text", args).await;
    assert_eq!(answer["status"], "incomplete", "{answer}");
    assert!(
        answer["note"]
            .as_str()
            .unwrap()
            .contains("max_output_tokens"),
        "{answer}"
    );

    let answer = world
        .ok("openai_generate_text", json!({"input": "sandbox:filter"}))
        .await;
    assert!(
        answer["note"].as_str().unwrap().contains("content filter"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_response_that_fails_is_an_error() {
    let failed = json!({"id": "resp_1", "object": "response", "status": "failed", "model": "m", "output": [],
        "error": {"code": "server_error", "message": "It broke"}});
    let world = stand_in(200, &[], failed).await;
    let error = world.err("openai_generate_text", hello()).await;
    assert_error(
        &error,
        Kind::UpstreamError,
        Some("server_error"),
        "status.openai.com",
    );
    let failed = json!({"id": "resp_1", "status": "failed", "output": [],
        "error": {"code": "invalid_prompt", "message": "Not this"}});
    let world = stand_in(200, &[], failed).await;
    let error = world.err("openai_generate_text", hello()).await;
    assert_error(&error, Kind::InvalidRequest, Some("invalid_prompt"), "Mend");
}

#[tokio::test]
async fn the_text_is_all_parts_of_all_messages() {
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let response = json!({"id": "resp_1", "status": "completed", "model": "m", "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "content": [part("One "), part("two ")]},
        {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
        {"type": "message", "content": [part("three")]},
    ]});
    let world = stand_in(200, &[], response).await;
    let answer = world.ok("openai_generate_text", hello()).await;
    assert_eq!(answer["text"], "One two three");
    assert_eq!(answer["items"][0]["name"], "f");
    assert_eq!(answer["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_text_too_long_for_an_answer_is_kept_whole_as_a_file() {
    let long = "ä word ".repeat(20_000);
    let response = json!({"id": "resp_1", "status": "completed", "model": "m", "output": [
        {"type": "message", "content": [{"type": "output_text", "text": long}]}]});
    let world = stand_in(200, &[], response).await;
    let answer = world.ok("openai_generate_text", hello()).await;
    let start = answer["text"].as_str().unwrap();
    assert!(
        start.len() <= 10_000 && long.starts_with(start),
        "{}",
        start.len()
    );
    let kept = behind(&world, &answer["file"]).await;
    assert_eq!(kept.bytes.as_ref(), long.as_bytes());
    assert_eq!(kept.media_type, "text/plain");
}

#[tokio::test]
async fn work_in_the_background_is_polled_until_it_is_done() {
    let world = world().await;
    let args = json!({"input": "Take your time", "background": true});
    let begun = world.ok("openai_generate_text", args).await;
    assert!(
        ["queued", "in_progress"].contains(&begun["status"].as_str().unwrap()),
        "{begun}"
    );
    assert!(
        begun["note"]
            .as_str()
            .unwrap()
            .contains("openai_get_response"),
        "{begun}"
    );
    let body = sent(&world);
    assert_eq!(
        (&body["background"], &body["store"]),
        (&json!(true), &json!(true))
    );
    let args = json!({"response_id": begun["id"]});
    for _ in 0..100 {
        let now = world.ok("openai_get_response", args.clone()).await;
        if now["status"] == "completed" {
            assert!(
                now["text"].as_str().unwrap().contains("Take your time"),
                "{now}"
            );
            return;
        }
        // The clock of the simulator is the real one.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("it never ended");
}

#[tokio::test]
async fn work_in_the_background_is_cancelled_after_a_question() {
    let world = world().await;
    let args = json!({"input": "Take your time", "background": true});
    let begun = world.ok("openai_generate_text", args).await;
    let args = json!({"response_id": begun["id"]});
    let no = Person::who_says_no();
    let declined = world
        .call_with(&no, "openai_cancel_response", args.clone())
        .await;
    assert_eq!(declined.unwrap_err().kind(), Kind::ConfirmationDeclined);
    assert!(no.asked()[0].contains(begun["id"].as_str().unwrap()));
    let yes = Person::who_says_yes();
    for _ in 0..2 {
        let now = world
            .call_with(&yes, "openai_cancel_response", args.clone())
            .await
            .unwrap();
        assert_eq!(now["status"], "cancelled", "{now}");
    }
    assert_eq!(
        world.ok("openai_get_response", args).await["status"],
        "cancelled"
    );
}

#[tokio::test]
async fn what_cannot_be_polled_is_refused_before_it_is_begun() {
    let world = world().await;
    let args = json!({"input": "x", "background": true, "store": false});
    assert_eq!(
        places(&world.err("openai_generate_text", args).await),
        ["/store"]
    );
    assert!(world.requests().is_empty());
    let error = world
        .err("openai_get_response", json!({"response_id": "resp_none"}))
        .await;
    assert_eq!(error.kind(), Kind::NotFound, "{error:?}");
}

#[tokio::test]
async fn a_chat_is_completed() {
    let world = world().await;
    let messages =
        json!([{"role": "system", "content": "Be kind"}, {"role": "user", "content": "Hello"}]);
    let args =
        json!({"messages": messages, "max_completion_tokens": 100, "temperature": 0.5, "n": 2});
    let answer = world.ok("openai_create_chat_completion", args).await;
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "stop", "{answer}");
    assert!(
        choice["text"].as_str().unwrap().contains("Hello"),
        "{answer}"
    );
    assert!(
        answer["usage"]["input_tokens"].as_u64().unwrap() > 0,
        "{answer}"
    );
    let body = sent(&world);
    assert_eq!(
        (&body["messages"], &body["store"]),
        (&messages, &json!(false))
    );
    assert_eq!(body["max_completion_tokens"], 100);
    assert_eq!((&body["temperature"], &body["n"]), (&json!(0.5), &json!(2)));
    assert_eq!(answer["choices"].as_array().unwrap().len(), 2, "{answer}");
}

#[tokio::test]
async fn a_chat_calls_functions_refuses_and_takes_a_form() {
    let world = world().await;
    let tools = json!([{"type": "function", "function": {"name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]);
    let ask = |text: &str| json!([{"role": "user", "content": text}]);
    let args = json!({"messages": ask("How is the weather in Paris?"), "tools": tools});
    let answer = world.ok("openai_create_chat_completion", args).await;
    let call = &answer["choices"][0]["tool_calls"][0]["function"];
    assert_eq!(call["name"], "get_weather", "{answer}");

    let answer = world
        .ok(
            "openai_create_chat_completion",
            json!({"messages": ask("sandbox:refuse")}),
        )
        .await;
    assert!(answer["choices"][0]["refusal"].is_string(), "{answer}");

    let args = json!({"messages": ask("Ada is 36"), "json_schema": form()});
    let answer = world.ok("openai_create_chat_completion", args).await;
    assert!(answer["choices"][0]["json"]["age"].is_i64(), "{answer}");
    assert_eq!(
        sent(&world)["response_format"]["json_schema"]["schema"],
        form()
    );

    let args = json!({"messages": ask("sandbox:long"), "max_completion_tokens": 16});
    let answer = world.ok("openai_create_chat_completion", args).await;
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert!(
        answer["choices"][0]["note"]
            .as_str()
            .unwrap()
            .contains("max_completion_tokens")
    );

    let bad = json!({"messages": [{"role": "user", "content": "x"}, {"role": "boss"}, {}]});
    let error = world.err("openai_create_chat_completion", bad).await;
    assert_eq!(places(&error), ["/messages/1/role", "/messages/2/role"]);
}
