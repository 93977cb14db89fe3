//! `/chat/completions`.

mod ask;
mod messages;
mod stream;

use std::sync::Arc;

use business_tools_sandbox::axum::extract::State;
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::ids::{self, Sequence};
use business_tools_sandbox::json;
use serde_json::{Value, json};

use super::answer::{Refusal, Taken};
use super::args::{Args, Json};
use super::files::now;
use super::mind::{Format, Said, Talk};
use super::{Caller, World, models, tokens};
use ask::Ask;

pub(super) async fn create(
    State(world): State<Arc<World>>,
    caller: Caller,
    Json(args): Json,
) -> Taken<Response> {
    let model = models::find(args.need_text("model")?)?;
    if !model.job.talks() {
        let message = "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did \
                       you mean to use v1/completions?";
        return Err(Refusal::new(404, message).param("model"));
    }
    args.only(ask::KNOWN, ask::NOT_HERE)?;
    ask::check(&args)?;
    let talk = world.accounts.with(&caller.account, |account| {
        let mut talk = Talk::default();
        messages::read(args.need("messages")?, account, &mut talk)?;
        Ok::<_, Refusal>(talk)
    })?;
    let ask = Ask::read(&args, model, talk)?;
    let choices = ask.choices(&world.ids)?;
    let done = ask.show(&args, &choices, &world.ids);
    if args.flag("stream")?.unwrap_or(false) {
        let options = args.object("stream_options")?;
        let counted = options.and_then(|options| options.get("include_usage"));
        return Ok(stream::answer(&done, counted == Some(&true.into())));
    }
    Ok(json::ok(&done))
}

impl Ask {
    /// The choices with what each costs.
    fn choices(&self, ids: &Sequence) -> Taken<Vec<(Value, usize)>> {
        let said = self.talk.answer(&self.tools, &self.choice, &self.format);
        (0..self.count)
            .map(|index| self.one(index, &said, ids))
            .collect()
    }

    fn one(&self, index: usize, said: &Said, ids: &Sequence) -> Taken<(Value, usize)> {
        let mut message =
            json!({"role": "assistant", "content": null, "refusal": null, "annotations": []});
        let mut logprobs = Value::Null;
        let (reason, cost) = match said {
            Said::Failure => {
                let message =
                    "The server had an error while processing your request. Sorry about that!";
                return Err(Refusal::new(500, message).kind("server_error"));
            }
            Said::Text(text) => {
                let mut text = text.clone();
                // Another choice is another text, but a document stays one.
                if index > 0 && matches!(self.format, Format::Text) {
                    text = format!("{text} (choice {})", index + 1);
                }
                let ends = self.stop.iter().filter_map(|stop| text.find(stop.as_str()));
                text.truncate(ends.min().unwrap_or(text.len()));
                let cut = tokens::cut(&text, self.most.unwrap_or(usize::MAX));
                if self.logprobs {
                    logprobs = json!({"content": tokens::pieces(cut).map(logprob).collect::<Vec<_>>(),
                                      "refusal": null});
                }
                message["content"] = cut.into();
                let reason = if cut.len() < text.len() {
                    "length"
                } else {
                    "stop"
                };
                (reason, tokens::count(cut))
            }
            Said::Filtered(start) => {
                message["content"] = start.as_str().into();
                ("content_filter", tokens::count(start))
            }
            Said::Refusal(words) => {
                message["refusal"] = words.as_str().into();
                ("stop", tokens::count(words))
            }
            Said::Call { name, arguments } => {
                message["tool_calls"] = json!([{"id": ids.hex32("call_"), "type": "function",
                    "function": {"name": name, "arguments": arguments}}]);
                ("tool_calls", tokens::count(name) + tokens::count(arguments))
            }
        };
        let choice = json!({"index": index, "message": message, "logprobs": logprobs, "finish_reason": reason});
        Ok((choice, cost))
    }

    fn show(&self, args: &Args, choices: &[(Value, usize)], ids: &Sequence) -> Value {
        let written: usize = choices.iter().map(|(_, cost)| cost).sum();
        let asked = self.talk.tokens;
        let tier = match args.value("service_tier").and_then(Value::as_str) {
            None | Some("auto") => "default",
            Some(tier) => tier,
        };
        json!({
            "id": ids.hex32("chatcmpl-"), "object": "chat.completion", "created": now(), "model": self.model,
            "choices": choices.iter().map(|(choice, _)| choice).collect::<Vec<_>>(),
            "usage": {
                "prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
                    "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
            },
            "service_tier": tier,
            "system_fingerprint": &ids::hex32_of("fp_", self.model)[..13],
        })
    }
}

fn logprob(token: &str) -> Value {
    json!({"token": token, "logprob": -0.1, "bytes": token.as_bytes(), "top_logprobs": []})
}
