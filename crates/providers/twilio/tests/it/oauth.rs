//! OAuth: tokens of client credentials, and accounts that authenticate with one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use business_tools_core::token::TokenSource;
use business_tools_core::{Cx, Kind, Result, Secret};
use business_tools_sandbox::async_trait;
use business_tools_testkit::{Contract, World};
use business_tools_twilio::Twilio;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{ACCOUNT, OTHER, assert_error, client, hello, path, twilio, world};

const CLIENT: &str = "OQ00000000000000000000000000000001";
const SECRET: &str = "s3cret-of-the-app";

async fn ask(world: &World, query: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let url = format!("{}/v2/token{query}", world.sandbox.base_url("twilio"));
    let answer = client().post(url).form(form).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

fn app(secret: &str) -> [(&'static str, &str); 3] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", secret),
    ]
}

async fn use_it(world: &World, path: &str, token: &str) -> StatusCode {
    let url = format!("{}{path}", world.sandbox.base_url("twilio"));
    let request = client().get(url).bearer_auth(token);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn client_credentials_give_a_token_that_opens_an_account_until_it_expires() {
    let world = world().await;
    let (status, answer) = ask(&world, "", &app(SECRET)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (
            &answer["token_type"],
            &answer["expires_in"],
            &answer["refresh_token"]
        ),
        (&json!("Bearer"), &json!(3600), &Value::Null)
    );
    let token = answer["access_token"].as_str().unwrap();
    // Libraries look into it for the time to renew it.
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims);
    let claims: Value = serde_json::from_slice(&claims.unwrap()).unwrap();
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!((life, &claims["sub"]), (3600, &json!(CLIENT)));

    let messages = path("Messages.json");
    assert_eq!(use_it(&world, &messages, token).await, StatusCode::OK);
    let lookup = "/v2/PhoneNumbers/%2B14159929960";
    assert_eq!(use_it(&world, lookup, token).await, StatusCode::OK);

    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(59)).await;
    tokio::time::resume();
    assert_eq!(use_it(&world, &messages, token).await, StatusCode::OK);
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(2)).await;
    tokio::time::resume();
    for path in [messages.as_str(), lookup] {
        assert_eq!(use_it(&world, path, token).await, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn what_a_token_request_lacks_is_told() {
    let world = world().await;
    for (query, form, what) in [
        ("", app("wrong").to_vec(), "invalid_client"),
        ("", app("").to_vec(), "invalid_client"),
        ("", app(SECRET)[1..].to_vec(), "grant_type"),
        (
            "",
            vec![("grant_type", "authorization_code")],
            "unsupported",
        ),
        (
            "",
            vec![
                ("grant_type", "client_credentials"),
                ("client_id", "OQ1"),
                ("client_secret", SECRET),
            ],
            "invalid_client",
        ),
        ("?account_sid=AC1", app(SECRET).to_vec(), "account_sid"),
    ] {
        let (status, answer) = ask(&world, query, &form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{form:?}");
        let told = answer["message"].as_str().unwrap();
        assert!(told.contains(what), "{form:?}: {told}");
    }
    let seen = world.requests();
    assert!(seen.iter().all(|seen| !seen.body.contains(SECRET)));
}

#[tokio::test]
async fn the_token_endpoint_is_as_described() {
    let Some(contract) = Contract::of("twilio") else {
        return;
    };
    let world = world().await;
    ask(&world, "", &app(SECRET)).await;
    ask(&world, &format!("?account_sid={OTHER}"), &app(SECRET)).await;
    ask(&world, "", &app("wrong")).await;
    let exchanges = world.exchanges();
    assert_eq!(exchanges.len(), 3);
    contract.check_all("twilio oauth", &exchanges);
}

#[tokio::test]
async fn an_account_may_have_an_access_token_in_place_of_key_and_token() {
    let fields = |token: &str| json!({"auth_token": null, "access_token": token});
    let world = twilio()
        .fields(fields("a-token-of-oauth"))
        .start::<Twilio>()
        .await;
    world.ok("twilio_send_message", hello()).await;
    let request = world.last_request();
    assert!(request.path.contains(ACCOUNT));
    let shown = ("authorization".to_owned(), "Bearer ***".to_owned());
    assert!(request.headers.contains(&shown), "{request:?}");

    let world = twilio()
        .fields(fields("expired-token-of-oauth"))
        .start::<Twilio>()
        .await;
    let error = world.err("twilio_send_message", hello()).await;
    assert_error(&error, Kind::AuthFailed, Some(20003), "TWILIO_ACCESS_TOKEN");
}

/// A source that has one bad token, and a good one when that was refused.
#[derive(Default)]
struct Renewing {
    renewed: AtomicBool,
}

#[async_trait]
impl TokenSource for Renewing {
    async fn token(&self, _: &'static str, _: &Cx) -> Result<Secret> {
        let renewed = self.renewed.load(Ordering::SeqCst);
        let token = if renewed {
            "fresh-token"
        } else {
            "expired-token"
        };
        Ok(Secret::new(token.to_owned()))
    }

    async fn refused(&self, _: &'static str, _: &Cx, _: &Secret) -> bool {
        !self.renewed.swap(true, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_token_that_ran_out_is_renewed_and_even_a_message_is_sent_once_more() {
    let world = twilio()
        .fields(json!({"auth_token": null}))
        .env(|mut env| {
            env.tokens = Some(Arc::new(Renewing::default()));
            env
        })
        .start::<Twilio>()
        .await;
    world.ok("twilio_send_message", hello()).await;
    let statuses: Vec<_> = world.exchanges().iter().map(|seen| seen.status).collect();
    assert_eq!(statuses, [401, 201]);
}
