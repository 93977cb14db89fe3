//! A completion in pieces.

use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::sse::{self, Event};
use serde_json::{Map, Value, json};

use super::super::tokens;

/// The chunks that together are this completion; the count of tokens, if wanted, comes last.
pub(super) fn answer(done: &Value, counted: bool) -> Response {
    let mut events = Vec::new();
    let mut add = |choices: Value, usage: Option<&Value>| {
        let mut chunk = Map::new();
        for name in [
            "id",
            "object",
            "created",
            "model",
            "service_tier",
            "system_fingerprint",
        ] {
            chunk.insert(name.to_owned(), done[name].clone());
        }
        chunk.insert("object".to_owned(), "chat.completion.chunk".into());
        chunk.insert("choices".to_owned(), choices);
        if let Some(usage) = usage {
            chunk.insert("usage".to_owned(), usage.clone());
        }
        events.push(Event::data(Value::Object(chunk)));
    };
    let choices = done["choices"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for choice in choices {
        let index = &choice["index"];
        for delta in deltas(&choice["message"]) {
            add(
                json!([{"index": index, "delta": delta, "finish_reason": null}]),
                None,
            );
        }
        let reason = &choice["finish_reason"];
        add(
            json!([{"index": index, "delta": {}, "finish_reason": reason}]),
            None,
        );
    }
    if counted {
        add(json!([]), Some(&done["usage"]));
    }
    events.push(Event::data("[DONE]"));
    sse::answer(events)
}

fn deltas(message: &Value) -> Vec<Value> {
    let mut deltas = vec![json!({"role": "assistant", "content": "", "refusal": null})];
    for name in ["content", "refusal"] {
        let text = message[name].as_str().unwrap_or_default();
        deltas.extend(tokens::pieces(text).map(|piece| json!({name: piece})));
    }
    let calls = message["tool_calls"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate();
    for (index, call) in calls {
        let name = &call["function"]["name"];
        let begun = json!({"index": index, "id": call["id"], "type": "function",
                           "function": {"name": name, "arguments": ""}});
        deltas.push(json!({"tool_calls": [begun]}));
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        let more = tokens::pieces(arguments).map(
            |piece| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}),
        );
        deltas.extend(more);
    }
    deltas
}
