//! The simulator: the part of Twilio's API that the tools use, with state for each account.

mod answer;
mod callbacks;
mod calls;
mod demo;
mod examples;
mod lookups;
mod messages;
mod oauth;
mod resources;
mod state;
mod verify;

use std::sync::Arc;

use business_tools_sandbox::auth::{Credentials, credentials};
use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::extract::{FromRequestParts, RawPathParams};
use business_tools_sandbox::axum::http::request::Parts;
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::axum::routing::get;
use business_tools_sandbox::{Accounts, Seed, Simulator, ids};
use serde_json::{Map, Value, json};

pub use examples::examples;
use state::Account;

/// Everything the simulator remembers.
type World = Arc<Memory>;

#[derive(Default)]
struct Memory {
    accounts: Accounts<Account>,
    grants: oauth::Grants,
}

impl Memory {
    fn with<R>(&self, account: &str, f: impl FnOnce(&mut Account) -> R) -> R {
        self.accounts.with(account, f)
    }
}

/// The account that `--sandbox` uses when none is configured.
const SID: &str = "AC5a4db0c0de5a4db0c0de5a4db0c0de00";

/// Its token, and that of every account that was only ever called with a key.
const TOKEN: &str = "5a4db0c05a4db0c05a4db0c05a4db0c0";

/// Twilio, simulated.
pub fn simulator() -> Simulator {
    let world: World = Arc::default();
    let (forgotten, shown, filled) = (Arc::clone(&world), Arc::clone(&world), Arc::clone(&world));
    Simulator::http("twilio", router(world))
        .on_reset(move || {
            forgotten.accounts.clear();
            forgotten.grants.clear();
        })
        .on_seed(move |seed| {
            if seed == Seed::Demo {
                filled.with(SID, demo::fill);
            }
        })
        .on_describe(move || json!({"accounts": shown.accounts.map(Account::describe)}))
        .on_fault_status(|status| answer::fault_body(status.as_u16()))
}

/// The settings of an account of the simulator.
pub fn sandbox_config(base_url: &str) -> Map<String, Value> {
    let settings = [
        ("account_sid", SID.to_owned()),
        ("auth_token", TOKEN.to_owned()),
        ("base_url", base_url.to_owned()),
    ];
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

fn router(world: World) -> Router {
    let account = Router::new()
        .route("/Messages.json", get(messages::list).post(messages::create))
        .route(
            "/Messages/{file}",
            get(messages::fetch)
                .post(messages::update)
                .delete(messages::delete),
        )
        .route("/Calls.json", get(calls::list).post(calls::create))
        .route("/Calls/{file}", get(calls::fetch).post(calls::update))
        .route("/Recordings.json", get(resources::recordings))
        .route("/Recordings/{file}", get(resources::recording))
        .route("/IncomingPhoneNumbers.json", get(resources::numbers))
        .route("/Usage/Records.json", get(resources::usage))
        .route("/Balance.json", get(resources::balance));
    Router::new()
        .nest("/2010-04-01/Accounts/{account}", account)
        .route("/v2/PhoneNumbers/{number}", get(lookups::fetch))
        .route(
            "/v2/Services/{service}/Verifications",
            business_tools_sandbox::axum::routing::post(verify::create),
        )
        .route(
            "/v2/Services/{service}/Verifications/{sid}",
            get(verify::fetch),
        )
        .route(
            "/v2/Services/{service}/VerificationCheck",
            business_tools_sandbox::axum::routing::post(verify::check),
        )
        .route(
            "/v2/token",
            business_tools_sandbox::axum::routing::post(oauth::token),
        )
        .fallback(answer::no_such_resource)
        .layer(business_tools_sandbox::axum::middleware::map_response(
            answer::stamp,
        ))
        .with_state(world)
}

/// Who calls: the account of the path or of the credentials. Anything else is Twilio's own refusal.
struct Caller {
    sid: String,
}

impl FromRequestParts<World> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, world: &World) -> Result<Self, Response> {
        let refused = || answer::error(401, 20003, "Authenticate");
        let credentials = credentials(&parts.headers).map_err(|_| refused())?;
        if credentials.look_wrong() {
            return Err(refused());
        }
        let params = RawPathParams::from_request_parts(parts, world)
            .await
            .map_err(|_| refused())?;
        let named = params
            .iter()
            .find(|(name, _)| *name == "account")
            .map(|(_, sid)| sid.to_owned());
        let (user, password) = match credentials {
            Credentials::Basic { user, password } if !password.is_empty() => (user, password),
            Credentials::Basic { .. } => return Err(refused()),
            Credentials::Bearer(token) => {
                let of_token = world.grants.account(&token).ok_or_else(refused)?;
                // As with an API key, the path tells whose things are meant.
                let sid = named.unwrap_or(of_token);
                return ids::is_hex32("AC", &sid)
                    .then_some(Self { sid })
                    .ok_or_else(refused);
            }
        };
        let sid = match (
            ids::is_hex32("AC", &user),
            ids::is_hex32("SK", &user),
            named,
        ) {
            // An account's own credentials see that account alone.
            (true, _, Some(named)) if named == user => named,
            (true, _, None) => user.clone(),
            // An API key belongs to an account that only the path tells.
            (_, true, Some(named)) if ids::is_hex32("AC", &named) => named,
            (_, true, None) => format!("AC{}", &user[2..]),
            _ => return Err(refused()),
        };
        if sid == user {
            // Callbacks are signed with it.
            world.with(&sid, |account| account.auth_token = Some(password));
        }
        Ok(Self { sid })
    }
}
