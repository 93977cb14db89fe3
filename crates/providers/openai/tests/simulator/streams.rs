//! Answers in pieces.

use business_tools_sandbox::sse;
use serde_json::{Value, json};

use crate::lab::Lab;

async fn events(lab: &Lab, path: &str, ask: Value) -> Vec<Value> {
    let answer = lab.post(path, ask).await;
    assert_eq!(
        answer.header("content-type"),
        "text/event-stream; charset=utf-8"
    );
    let events = sse::read(&answer.text());
    let events = events.iter().filter(|data| *data != "[DONE]");
    events
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    kinds.dedup();
    kinds
}

#[tokio::test]
async fn a_response_comes_in_numbered_events_that_are_the_whole() {
    let lab = Lab::new().await;
    let ask = json!({"model": "gpt-6-luna", "input": "Hello", "stream": true});
    let events = events(&lab, "/responses", ask).await;
    assert_eq!(
        kinds(&events),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let deltas = events
        .iter()
        .filter(|event| event["type"] == "response.output_text.delta");
    let text: String = deltas
        .map(|event| event["delta"].as_str().unwrap())
        .collect();
    let last = &events[events.len() - 1]["response"];
    assert_eq!(last["output"][0]["content"][0]["text"], text);
    let kept = lab
        .get(&format!("/responses/{}", last["id"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(kept, *last);
}

#[tokio::test]
async fn refusals_calls_cuts_and_failures_come_in_pieces_too() {
    let lab = Lab::new().await;
    let ask = |input: &str, more: Value| {
        let mut ask = json!({"model": "gpt-6-luna", "input": input, "stream": true});
        ask.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        ask
    };
    let refusal = events(&lab, "/responses", ask("sandbox:refuse", json!({}))).await;
    assert!(kinds(&refusal).contains(&"response.refusal.delta"));
    let tools = json!({"reasoning": {"effort": "low"}, "tools": [{"type": "function", "name": "get_weather",
        "strict": false, "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]});
    let call = events(&lab, "/responses", ask("weather", tools)).await;
    let pieces = call
        .iter()
        .filter(|e| e["type"] == "response.function_call_arguments.delta");
    let pieces: String = pieces
        .map(|event| event["delta"].as_str().unwrap())
        .collect();
    assert_eq!(pieces, "{\"city\":\"simulated city\"}");
    let cut = events(
        &lab,
        "/responses",
        ask("sandbox:long", json!({"max_output_tokens": 20})),
    )
    .await;
    assert_eq!(kinds(&cut).last(), Some(&"response.incomplete"));
    let failed = events(&lab, "/responses", ask("sandbox:fail", json!({}))).await;
    assert_eq!(kinds(&failed).last(), Some(&"response.failed"));
    let background = events(
        &lab,
        "/responses",
        ask("Hello", json!({"background": true})),
    )
    .await;
    assert!(kinds(&background).contains(&"response.queued"));
}

#[tokio::test]
async fn a_completion_comes_in_chunks_with_the_count_last() {
    let lab = Lab::new().await;
    let ask = json!({"model": "gpt-6-luna", "messages": [{"role": "user", "content": "Hello"}], "n": 2,
                     "stream": true, "stream_options": {"include_usage": true}});
    let chunks = events(&lab, "/chat/completions", ask).await;
    let of = |index: u64| -> String {
        let choices = chunks.iter().map(|chunk| &chunk["choices"][0]);
        let mine = choices.filter(|choice| choice["index"] == index);
        mine.filter_map(|choice| choice["delta"]["content"].as_str())
            .collect()
    };
    assert_eq!(
        (of(0).as_str(), of(1).as_str()),
        ("You said: Hello.", "You said: Hello. (choice 2)")
    );
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let last = &chunks[chunks.len() - 1];
    assert_eq!(last["choices"], json!([]));
    assert!(last["usage"]["total_tokens"].as_u64().unwrap() > 0);
}
