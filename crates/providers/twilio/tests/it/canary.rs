//! Secrets appear nowhere.

use std::fmt::Write as _;

use business_tools_core::{Cx, ProviderSettings};
use business_tools_testkit::Person;
use business_tools_twilio::{Twilio, TwilioConfig};
use serde_json::json;

use crate::dry_run::writes;
use crate::support::{ACCOUNT, twilio};

const TOKEN: &str = "CANARYt0kenCANARYt0kenCANARYt0ken";
const SECRET: &str = "CANARYs3cretCANARYs3cret";
const KEY: &str = "SK00000000000000000000000000000c01";

/// The secrets, as they are and as basic authentication encodes them.
fn secrets() -> Vec<String> {
    use base64::Engine as _;
    let basic = |user: &str, password: &str| {
        base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
    };
    let pairs = [basic(ACCOUNT, TOKEN), basic(KEY, SECRET)];
    pairs
        .into_iter()
        .chain([TOKEN.to_owned(), SECRET.to_owned(), "CANARY".to_owned()])
        .collect()
}

#[tokio::test]
async fn no_secret_is_in_any_output() {
    let world = twilio()
        .fields(json!({"auth_token": TOKEN}))
        .account("keyed", json!({"api_key": KEY, "api_secret": SECRET}))
        .account("refused", json!({"auth_token": format!("{TOKEN}wrong")}))
        .start::<Twilio>()
        .await;
    let yes = Person::who_says_yes();
    let mut seen = String::new();
    let mut keep = |outcome: Result<serde_json::Value, business_tools_core::Error>| match outcome {
        Ok(value) => seen.push_str(&value.to_string()),
        Err(error) => {
            let _ = write!(seen, "{error} {error:?} {}", error.wire(&Cx::local()));
            seen.push_str(&error.cause().unwrap_or_default());
        }
    };
    for account in ["default", "keyed", "refused"] {
        for (tool, args) in writes() {
            for dry_run in [false, true] {
                let mut args = args.clone();
                args["account"] = account.into();
                args["dry_run"] = dry_run.into();
                keep(world.call_with(&yes, tool, args).await);
            }
        }
        keep(
            world
                .call("twilio_list_messages", json!({"account": account}))
                .await,
        );
        for kind in ["reset", "truncate", "garbage", "html", "status"] {
            world.fault(json!({"kind": kind, "times": 5}));
            keep(
                world
                    .call("twilio_list_calls", json!({"account": account, "to": kind}))
                    .await,
            );
            world.heal();
        }
    }
    let health = world.health().await;
    let _ = write!(seen, "{health:?}");
    for line in world.audit() {
        seen.push_str(&line.to_string());
    }
    for request in world.requests() {
        let _ = write!(seen, "{request:?}");
    }
    seen.push_str(&world.metrics());
    let log = world.log();
    assert!(log.contains("twilio_send_message"), "the log was kept");
    seen.push_str(&log);
    for secret in secrets() {
        assert!(
            !seen.contains(&secret),
            "{secret} is in the output: {}",
            around(&seen, &secret)
        );
    }
}

fn around(text: &str, part: &str) -> String {
    let at = text.find(part).unwrap_or_default();
    text.chars()
        .skip(at.saturating_sub(200))
        .take(400)
        .collect()
}

#[test]
fn no_secret_is_in_debug_or_in_an_error_of_the_settings() {
    let fields =
        json!({"account_sid": ACCOUNT, "auth_token": TOKEN, "api_key": KEY, "api_secret": SECRET});
    let config: TwilioConfig = serde_json::from_value(fields.clone()).unwrap();
    let serde_json::Value::Object(fields) = fields else {
        unreachable!()
    };
    let settings = ProviderSettings::single(fields);
    let shown = format!("{config:?} {config:#?} {settings:?}");
    for secret in secrets() {
        assert!(!shown.contains(&secret), "{shown}");
    }
    for bad in [
        json!({"account_sid": TOKEN, "auth_token": TOKEN}),
        json!({"account_sid": ACCOUNT, "api_key": SECRET, "api_secret": SECRET}),
        json!({"account_sid": ACCOUNT, "auth_token": [TOKEN]}),
        json!({"account_sid": ACCOUNT, "auth_token": TOKEN, "base_url": format!("https://u:{SECRET}@host")}),
        json!({"account_sid": ACCOUNT, "auth_token": TOKEN, "base_url": format!("{SECRET}")}),
    ] {
        let serde_json::Value::Object(fields) = bad else {
            unreachable!()
        };
        let settings = ProviderSettings::single(fields);
        let env = business_tools_core::Env::alone();
        let error = business_tools_core::Plugin::<Twilio>::connect(&settings, &env)
            .err()
            .unwrap();
        let shown = format!(
            "{error} {error:?} {:?} {}",
            error.cause(),
            error.wire(&Cx::local())
        );
        assert!(!shown.contains("CANARY"), "{shown}");
    }
}
