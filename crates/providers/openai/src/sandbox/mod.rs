//! The simulator: the part of OpenAI's API that the tools use, with state for each key.
//!
//! It stands at a fixed day, [`models::TODAY`], so that the same models are there in every run. What it says follows
//! from what it is asked, by the rules that [`mind`], [`audio`], [`images`], [`embeddings`] and [`moderations`] tell;
//! tokens are counted by the rule in [`tokens`]. Paths work with and without `/v1`.
//!
//! A prompt with `sandbox:blocked` makes no picture, and a key with `restricted` may not list the models.

mod answer;
mod args;
mod audio;
mod chat;
mod demo;
mod embeddings;
mod files;
mod fill;
mod format;
mod images;
mod mind;
mod models;
mod moderations;
mod responses;
mod sight;
mod tokens;

use std::sync::Arc;

use business_tools_sandbox::auth::{Credentials, Denied, credentials};
use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::extract::FromRequestParts;
use business_tools_sandbox::axum::http::request::Parts;
use business_tools_sandbox::axum::middleware;
use business_tools_sandbox::axum::routing::{any, get, post};
use business_tools_sandbox::ids::{self, Sequence};
use business_tools_sandbox::{Accounts, Seed, Shelf, Simulator};
use serde_json::{Map, Value, json};

use answer::Refusal;
use files::File;
use responses::Responses;

/// The key that `--sandbox` uses when none is configured.
const KEY: &str = "sk-sandbox-5a4db0c05a4db0c05a4db0c0";

/// Larger than the largest recording the API takes, so that the API's own refusal is met.
const BODY_LIMIT: usize = 64 << 20;

/// Everything the simulator remembers.
#[derive(Default)]
struct World {
    accounts: Accounts<Account>,
    ids: Sequence,
}

/// What one key has.
#[derive(Default)]
struct Account {
    files: Files,
    responses: Responses,
}

/// Uploads can be large, so few are kept.
struct Files(Shelf<File>);

impl Default for Files {
    fn default() -> Self {
        Self(Shelf::bounded(1_000))
    }
}

impl Account {
    fn describe(&self) -> Value {
        json!({"files": self.files.0.len(), "responses": self.responses.len()})
    }
}

/// OpenAI, simulated.
pub fn simulator() -> Simulator {
    let world: Arc<World> = Arc::default();
    let (forgotten, shown, filled) = (Arc::clone(&world), Arc::clone(&world), Arc::clone(&world));
    Simulator::http("openai", router(world))
        .body_limit(BODY_LIMIT)
        .on_reset(move || {
            forgotten.accounts.clear();
            forgotten.ids.reset();
        })
        .on_seed(move |seed| {
            if seed == Seed::Demo {
                let World { accounts, ids } = &*filled;
                accounts.with(&organization(KEY), |account| demo::fill(account, ids));
            }
        })
        .on_describe(move || json!({"accounts": shown.accounts.map(Account::describe)}))
        .on_fault_answer(|status, code| answer::fault_answer(status.as_u16(), code))
}

/// The settings of an account of the simulator.
pub fn sandbox_config(base_url: &str) -> Map<String, Value> {
    let settings = [("api_key", KEY), ("base_url", base_url)];
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

fn router(world: Arc<World>) -> Router {
    let api = Router::new()
        .route("/models", get(models::list))
        .route("/models/{model}", get(models::fetch))
        .route("/files", get(files::list).post(files::upload))
        .route("/files/{file}", get(files::fetch).delete(files::delete))
        .route("/files/{file}/content", get(files::content))
        .route("/responses", post(responses::create))
        .route("/responses/input_tokens", post(responses::input_tokens))
        .route(
            "/responses/{response}",
            get(responses::fetch).delete(responses::delete),
        )
        .route("/responses/{response}/cancel", post(responses::cancel))
        .route("/chat/completions", post(chat::create))
        .route("/embeddings", post(embeddings::create))
        .route("/moderations", post(moderations::create))
        .route("/images/generations", post(images::generate))
        .route("/images/edits", post(images::edit))
        .route("/audio/transcriptions", post(audio::transcribe))
        .route("/audio/translations", post(audio::translate))
        .route("/audio/speech", post(audio::speak))
        .method_not_allowed_fallback(answer::no_such_method);
    Router::new()
        .nest("/v1", api.clone())
        .merge(api)
        .fallback(any(answer::no_such_url))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&world),
            answer::stamp,
        ))
        .with_state(world)
}

/// The organization of a key. Keys themselves are shown nowhere.
fn organization(key: &str) -> String {
    ids::hex32_of("org-", key)
}

/// Who calls: every key that could be one has a state of its own.
struct Caller {
    account: String,
}

impl FromRequestParts<Arc<World>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<World>) -> Result<Self, Refusal> {
        let key = match credentials(&parts.headers) {
            Ok(Credentials::Bearer(key)) => key,
            Err(Denied::Missing) => return Err(answer::no_key()),
            Ok(Credentials::Basic { .. }) | Err(Denied::Malformed) => {
                return Err(answer::bad_key(""));
            }
        };
        let wrong = business_tools_sandbox::auth::looks_wrong(&key);
        let good = key.strip_prefix("sk-").is_some_and(|rest| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            !rest.is_empty() && rest.bytes().all(plain)
        });
        if wrong || !good {
            return Err(answer::bad_key(&key));
        }
        // A restricted key that lacks a right is told so by the right's own name.
        if key.contains("restricted") && parts.uri.path().ends_with("/models") {
            return Err(answer::missing_scope("api.model.read"));
        }
        Ok(Self {
            account: organization(&key),
        })
    }
}
