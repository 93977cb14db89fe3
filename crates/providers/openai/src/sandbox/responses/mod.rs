//! `/responses`.

mod ask;
mod items;
mod show;
mod stream;

use std::sync::Arc;

use business_tools_sandbox::axum::extract::{Path, RawQuery, State};
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::{Form as Query, Shelf, json};
use serde_json::{Value, json};

use super::answer::{Refusal, Taken};
use super::args::{Json, unsupported};
pub(super) use ask::metadata;

use super::{Caller, World, models, tokens};
use ask::Ask;

/// A response that is kept.
pub(super) struct Kept {
    /// As it is when it is done.
    done: Value,
    /// How often the user spoke and what it cost, for what follows.
    turns: usize,
    tokens: usize,
    /// Where it is on its way.
    stage: Stage,
    background: bool,
}

/// A response in the background moves on each time it is looked at, so that every state is seen in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Queued,
    Works,
    Done,
    Cancelled,
}

/// The responses of an account.
pub(super) struct Responses(Shelf<Kept>);

impl Default for Responses {
    fn default() -> Self {
        Self(Shelf::bounded(10_000))
    }
}

impl Responses {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Kept {
    fn shown(&self) -> Value {
        match self.stage {
            Stage::Queued => show::unfinished(&self.done, "queued"),
            Stage::Works => show::unfinished(&self.done, "in_progress"),
            Stage::Done => self.done.clone(),
            Stage::Cancelled => show::unfinished(&self.done, "cancelled"),
        }
    }
}

pub(super) async fn create(
    State(world): State<Arc<World>>,
    caller: Caller,
    Json(args): Json,
) -> Taken<Response> {
    let model = models::find_for(args.need_text("model")?, models::Job::talks)?;
    world.accounts.with(&caller.account, |account| {
        let ask = Ask::read(&args, model, account)?;
        if ask.talk.tokens > tokens::WINDOW {
            let message = "Your input exceeds the context window of this model. Please adjust your input and \
                           try again.";
            return Err(Refusal::at("input", "context_length_exceeded", message.to_owned()));
        }
        let done = show::done(&ask, &args, &world.ids);
        let id = done["id"].as_str().unwrap_or_default().to_owned();
        let kept = Kept {
            turns: ask.talk.turns,
            tokens: ask.talk.tokens + show::written(&done),
            // Whoever listens to the stream sees it through.
            stage: if ask.background && !ask.stream { Stage::Queued } else { Stage::Done },
            background: ask.background,
            done,
        };
        let answer = if ask.stream { stream::answer(&kept.done) } else { json::ok(&kept.shown()) };
        if ask.store {
            account.responses.0.insert(id, kept);
        }
        Ok(answer)
    })
}

pub(super) async fn fetch(
    State(world): State<Arc<World>>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Taken<Response> {
    let query = Query::parse(query.unwrap_or_default());
    for include in query.all("include").chain(query.all("include[]")) {
        if !ask::INCLUDE.contains(&include) {
            return Err(unsupported("include", include, ask::INCLUDE));
        }
    }
    world.accounts.with(&caller.account, |account| {
        let kept = account
            .responses
            .0
            .get_mut(&id)
            .ok_or_else(|| not_found(&id))?;
        if query.get("stream") == Some("true") {
            let message = "Streaming a response again is not simulated: get it without `stream`.";
            return Err(Refusal::at(
                "stream",
                "unsupported_parameter",
                message.to_owned(),
            ));
        }
        kept.stage = match kept.stage {
            Stage::Queued => Stage::Works,
            Stage::Works => Stage::Done,
            last => last,
        };
        Ok(json::ok(&kept.shown()))
    })
}

pub(super) async fn delete(
    State(world): State<Arc<World>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Taken<Response> {
    world.accounts.with(&caller.account, |account| {
        account
            .responses
            .0
            .remove(&id)
            .ok_or_else(|| not_found(&id))?;
        Ok(json::ok(
            &json!({"id": id, "object": "response", "deleted": true}),
        ))
    })
}

/// Cancelling again, or too late, answers with the response as it is.
pub(super) async fn cancel(
    State(world): State<Arc<World>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Taken<Response> {
    world.accounts.with(&caller.account, |account| {
        let kept = account
            .responses
            .0
            .get_mut(&id)
            .ok_or_else(|| not_found(&id))?;
        if !kept.background {
            return Err(Refusal::new(400, "Cannot cancel a synchronous response."));
        }
        if matches!(kept.stage, Stage::Queued | Stage::Works) {
            kept.stage = Stage::Cancelled;
        }
        Ok(json::ok(&kept.shown()))
    })
}

pub(super) async fn input_tokens(
    State(world): State<Arc<World>>,
    caller: Caller,
    Json(args): Json,
) -> Taken<Response> {
    args.only(ask::COUNTED, ask::NOT_COUNTED)?;
    if let Some(model) = args.text("model")? {
        models::find_for(model, models::Job::talks)?;
    }
    world.accounts.with(&caller.account, |account| {
        let talk = ask::talk(&args, account)?;
        let tokens = talk.tokens;
        Ok(json::ok(
            &json!({"object": "response.input_tokens", "input_tokens": tokens}),
        ))
    })
}

fn not_found(id: &str) -> Refusal {
    Refusal::new(404, format!("Response with id '{id}' not found."))
}
