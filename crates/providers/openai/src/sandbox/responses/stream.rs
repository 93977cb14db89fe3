//! A response in pieces.

use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::sse::{self, Event};
use serde_json::{Value, json};

use super::super::tokens;
use super::show;

/// The events that lead to this response.
pub(super) fn answer(done: &Value) -> Response {
    let mut events = Events::default();
    let works = show::unfinished(done, "in_progress");
    events.add("response.created", json!({"response": works}));
    if done["background"] == true {
        let queued = show::unfinished(done, "queued");
        events.add("response.queued", json!({"response": queued}));
    }
    events.add("response.in_progress", json!({"response": works}));
    let output = done["output"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for (index, item) in output.iter().enumerate() {
        events.item(index, item);
    }
    let last = match done["status"].as_str() {
        Some("incomplete") => "response.incomplete",
        Some("failed") => "response.failed",
        _ => "response.completed",
    };
    events.add(last, json!({"response": done}));
    sse::answer(events.0)
}

#[derive(Default)]
struct Events(Vec<Event>);

impl Events {
    /// Adds an event, numbered.
    fn add(&mut self, kind: &str, mut body: Value) {
        body["type"] = kind.into();
        body["sequence_number"] = self.0.len().into();
        self.0.push(Event::named(kind, body));
    }

    fn item(&mut self, index: usize, item: &Value) {
        let mut begun = item.clone();
        match item["type"].as_str() {
            Some("message") => {
                begun["status"] = "in_progress".into();
                begun["content"] = json!([]);
            }
            Some("function_call") => {
                begun["status"] = "in_progress".into();
                begun["arguments"] = "".into();
            }
            _ => {}
        }
        self.add(
            "response.output_item.added",
            json!({"output_index": index, "item": begun}),
        );
        let parts = item["content"].as_array().into_iter().flatten().enumerate();
        for (at, part) in parts {
            let place = json!({"item_id": item["id"], "output_index": index, "content_index": at});
            self.part(&place, part);
        }
        if let Some(arguments) = item["arguments"].as_str() {
            let place = json!({"item_id": item["id"], "output_index": index});
            for piece in tokens::pieces(arguments) {
                let event = with(&place, json!({"delta": piece}));
                self.add("response.function_call_arguments.delta", event);
            }
            let event = with(
                &place,
                json!({"name": item["name"], "arguments": arguments}),
            );
            self.add("response.function_call_arguments.done", event);
        }
        self.add(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
        );
    }

    /// A part of a message: its text, or why there is none.
    fn part(&mut self, place: &Value, part: &Value) {
        let is_text = part["type"] == "output_text";
        let member = if is_text { "text" } else { "refusal" };
        let name = if is_text {
            "response.output_text"
        } else {
            "response.refusal"
        };
        let mut empty = part.clone();
        empty[member] = "".into();
        self.add(
            "response.content_part.added",
            with(place, json!({"part": empty})),
        );
        let words = part[member].as_str().unwrap_or_default();
        let logprobs = |mut event: Value| {
            if is_text {
                event["logprobs"] = json!([]);
            }
            event
        };
        for piece in tokens::pieces(words) {
            let event = logprobs(with(place, json!({"delta": piece})));
            self.add(&format!("{name}.delta"), event);
        }
        let event = logprobs(with(place, json!({member: words})));
        self.add(&format!("{name}.done"), event);
        self.add(
            "response.content_part.done",
            with(place, json!({"part": part})),
        );
    }
}

/// Two objects as one.
fn with(place: &Value, more: Value) -> Value {
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let mut all = members(place);
    all.extend(members(&more));
    all.into()
}
