//! A response as it is shown.

use business_tools_sandbox::ids::Sequence;
use serde_json::{Value, json};

use super::super::args::Args;
use super::super::files::now;
use super::super::mind::Said;
use super::super::tokens;
use super::ask::Ask;

/// The response when all is said.
pub(super) fn done(ask: &Ask, args: &Args, ids: &Sequence) -> Value {
    let said = ask.talk.answer(&ask.tools, &ask.choice, &ask.format);
    // Thought counts as written, and may leave nothing for the answer.
    let thought = ask.thought.min(ask.most.unwrap_or(usize::MAX));
    let left = ask.most.map(|most| most - thought);
    let (item, ending) = message(said, left, ids);
    let written = thought + item.as_ref().map_or(0, |(_, tokens)| *tokens);

    let thoughts = (ask.thought > 0)
        .then(|| json!({"id": ids.hex32("rs_"), "type": "reasoning", "summary": []}));
    let output: Vec<Value> = thoughts
        .into_iter()
        .chain(item.map(|(item, _)| item))
        .collect();
    let at = now();
    let (status, incomplete, error) = match ending {
        Ending::Whole => ("completed", Value::Null, Value::Null),
        Ending::Cut(reason) => ("incomplete", json!({"reason": reason}), Value::Null),
        Ending::Failed => {
            let message =
                "An error occurred while processing your request. You can retry your request.";
            (
                "failed",
                Value::Null,
                json!({"code": "server_error", "message": message}),
            )
        }
    };
    let given = |name: &str, default: Value| args.value(name).cloned().unwrap_or(default);
    let input = ask.talk.tokens;
    let mut format = args
        .value("text")
        .map(|text| text["format"].clone())
        .unwrap_or_default();
    if format.is_null() {
        format = json!({"type": "text"});
    }
    let verbosity = args
        .value("text")
        .and_then(|text| text.get("verbosity"))
        .cloned();
    let tier = match args.value("service_tier").and_then(Value::as_str) {
        None | Some("auto") => "default",
        Some(tier) => tier,
    };
    let effort = args
        .value("reasoning")
        .map(|r| r["effort"].clone())
        .unwrap_or_default();
    let mut shown = json!({
        "id": ids.hex32("resp_"), "object": "response", "created_at": at, "status": status,
        "background": ask.background,
        "completed_at": (status == "completed").then_some(at),
        "error": error, "incomplete_details": incomplete,
        "instructions": given("instructions", Value::Null),
        "max_output_tokens": ask.most, "max_tool_calls": given("max_tool_calls", Value::Null),
        "model": ask.model, "output": output,
        "parallel_tool_calls": given("parallel_tool_calls", true.into()),
        "previous_response_id": given("previous_response_id", Value::Null),
        "prompt_cache_key": given("prompt_cache_key", Value::Null),
        "reasoning": {"effort": effort, "summary": null},
        "safety_identifier": given("safety_identifier", Value::Null),
        "service_tier": tier, "store": ask.store,
        "temperature": given("temperature", json!(1.0)),
        "text": {"format": format, "verbosity": verbosity.unwrap_or_else(|| "medium".into())},
        "tool_choice": given("tool_choice", "auto".into()), "tools": given("tools", json!([])),
        "top_logprobs": given("top_logprobs", 0.into()), "top_p": given("top_p", json!(1.0)),
        "truncation": given("truncation", "disabled".into()),
        "usage": {
            "input_tokens": input, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": written, "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": input + written,
        },
        "metadata": given("metadata", json!({})),
    });
    if let Some(user) = args.value("user") {
        shown["user"] = user.clone();
    }
    shown
}

/// How much was written.
pub(super) fn written(done: &Value) -> usize {
    let tokens = done["usage"]["output_tokens"].as_u64();
    tokens
        .and_then(|tokens| usize::try_from(tokens).ok())
        .unwrap_or(0)
}

/// The same response before all is said, or when it will never be.
pub(super) fn unfinished(done: &Value, status: &str) -> Value {
    let mut shown = done.clone();
    shown["status"] = status.into();
    shown["output"] = json!([]);
    for name in ["completed_at", "error", "incomplete_details"] {
        shown[name] = Value::Null;
    }
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("usage");
    }
    shown
}

enum Ending {
    Whole,
    Cut(&'static str),
    Failed,
}

/// The item that answers, with what it costs, and how it ends.
fn message(said: Said, left: Option<usize>, ids: &Sequence) -> (Option<(Value, usize)>, Ending) {
    let left = left.unwrap_or(usize::MAX);
    let wrap = |part: Value, status: &str| {
        json!({"id": ids.hex32("msg_"), "type": "message", "status": status, "role": "assistant",
               "content": [part]})
    };
    let text = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    match said {
        Said::Failure => (None, Ending::Failed),
        _ if left == 0 => (None, Ending::Cut("max_output_tokens")),
        Said::Text(whole) => {
            let cut = tokens::cut(&whole, left);
            let (status, ending) = if cut.len() < whole.len() {
                ("incomplete", Ending::Cut("max_output_tokens"))
            } else {
                ("completed", Ending::Whole)
            };
            (Some((wrap(text(cut), status), tokens::count(cut))), ending)
        }
        Said::Filtered(start) => {
            let cost = tokens::count(&start);
            (
                Some((wrap(text(&start), "incomplete"), cost)),
                Ending::Cut("content_filter"),
            )
        }
        Said::Refusal(words) => {
            let part = json!({"type": "refusal", "refusal": words});
            (
                Some((wrap(part, "completed"), tokens::count(&words))),
                Ending::Whole,
            )
        }
        Said::Call { name, arguments } => {
            let cost = tokens::count(&name) + tokens::count(&arguments);
            let item = json!({"id": ids.hex32("fc_"), "type": "function_call", "status": "completed",
                              "call_id": ids.hex32("call_"), "name": name, "arguments": arguments});
            (Some((item, cost)), Ending::Whole)
        }
    }
}
