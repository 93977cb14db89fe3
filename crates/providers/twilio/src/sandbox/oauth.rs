//! Access tokens for OAuth apps: client credentials.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use business_tools_sandbox::auth::looks_wrong;
use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::{RawQuery, State};
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::{Form, clock, ids};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{World, answer};

/// How long a token is good.
const LIFETIME: Duration = Duration::from_hours(1);

/// How many tokens are remembered, so that a load test cannot fill the memory.
const MOST_TOKENS: usize = 100_000;

/// The tokens that were given out.
#[derive(Default)]
pub(super) struct Grants {
    tokens: Mutex<HashMap<String, Grant>>,
}

#[derive(Clone)]
struct Grant {
    account: String,
    expires: Instant,
}

impl Grants {
    fn book(&self) -> MutexGuard<'_, HashMap<String, Grant>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clear(&self) {
        self.book().clear();
    }

    fn give(&self, token: String, grant: Grant) {
        let mut book = self.book();
        if book.len() >= MOST_TOKENS {
            let now = Instant::now();
            book.retain(|_, grant| grant.expires > now);
        }
        // Those that are forgotten are tokens of an account of their own, as any other.
        if book.len() >= MOST_TOKENS {
            book.clear();
        }
        book.insert(token, grant);
    }

    /// The account of a token where the path names none; `None` when the token is not good.
    ///
    /// Any token that could be one is good, unless it was given out here and has expired, or says `expired`.
    pub(super) fn account(&self, token: &str) -> Option<String> {
        let could_be = token.len() >= 8
            && !token.contains("expired")
            && token.bytes().all(|b| b.is_ascii_graphic());
        match self.book().get(token) {
            Some(grant) => (grant.expires > Instant::now()).then(|| grant.account.clone()),
            None => could_be.then(|| ids::hex32_of("AC", token)),
        }
    }
}

pub(super) async fn token(
    State(world): State<World>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let query = Form::parse(query.unwrap_or_default());
    let form = Form::parse(&body);
    match issue(&world.grants, &query, &form) {
        Ok(answer) => answer::ok(&answer),
        Err(message) => answer::error(400, 20001, &message),
    }
}

fn issue(grants: &Grants, query: &Form, form: &Form) -> Result<Value, String> {
    match form.given("grant_type") {
        Some("client_credentials") => {}
        // A user would have to log in: there is none here.
        Some(other) => return Err(format!("unsupported_grant_type: {other}")),
        None => return Err("invalid_request: grant_type is required".to_owned()),
    }
    let client = form.given("client_id").unwrap_or_default();
    let secret = form.given("client_secret").unwrap_or_default();
    let known = ids::is_hex32("OQ", client) && !secret.is_empty();
    if !known || looks_wrong(client) || looks_wrong(secret) {
        return Err("invalid_client: the client_id or the client_secret is wrong".to_owned());
    }
    let account = match query.given("account_sid") {
        Some(named) if ids::is_hex32("AC", named) => named.to_owned(),
        Some(_) => return Err("invalid_request: account_sid is not valid".to_owned()),
        None => format!("AC{}", &client[2..]),
    };
    let seconds = clock::now().as_second();
    let lifetime = i64::try_from(LIFETIME.as_secs()).unwrap_or(i64::MAX);
    // Libraries read from it when to ask for another.
    let claims = json!({"iss": "https://oauth.twilio.com", "sub": client, "aid": account, "iat": seconds,
                        "exp": seconds + lifetime, "jti": ids::hex32("")});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = json!({"alg": "HS256", "typ": "JWT"});
    let access = [part(&head), part(&claims), ids::alphanumeric("", 43)].join(".");
    let grant = Grant {
        account,
        expires: Instant::now() + LIFETIME,
    };
    grants.give(access.clone(), grant);
    Ok(
        json!({"access_token": access, "token_type": "Bearer", "expires_in": lifetime,
              "refresh_token": null, "id_token": null}),
    )
}
