//! Secrets appear nowhere.

use std::fmt::Write as _;

use business_tools_core::{Cx, Env, Error, Plugin, ProviderSettings};
use business_tools_hubspot::{HubSpot, HubSpotConfig};
use business_tools_testkit::Person;
use serde_json::{Value, json};

use crate::dry_run::writes;
use crate::support::hubspot;

const TOKEN: &str = "pat-na1-CANARYt0kenCANARYt0kenCANARYt0ken";

#[tokio::test]
async fn no_secret_is_in_any_output() {
    let world = hubspot()
        .overrides(json!({"timeouts": {"call": "20s", "attempt": "1s"}}))
        .fields(json!({"access_token": TOKEN}))
        .account("refused", json!({"access_token": format!("{TOKEN}wrong")}))
        .start::<HubSpot>()
        .await;
    let yes = Person::who_says_yes();
    let mut seen = String::new();
    let mut keep = |outcome: Result<Value, Error>| match outcome {
        Ok(value) => seen.push_str(&value.to_string()),
        Err(error) => {
            let _ = write!(seen, "{error} {error:?} {}", error.wire(&Cx::local()));
            seen.push_str(&error.cause().unwrap_or_default());
        }
    };
    for account in ["default", "refused"] {
        for (tool, args) in writes() {
            for dry_run in [false, true] {
                let mut args = args.clone();
                args["account"] = account.into();
                args["dry_run"] = dry_run.into();
                keep(world.call_with(&yes, tool, args).await);
            }
        }
        let args = json!({"object_type": "contacts", "account": account});
        keep(world.call("hubspot_search_records", args).await);
        for kind in ["reset", "truncate", "garbage", "html", "status"] {
            world.fault(json!({"kind": kind, "times": 5}));
            let args = json!({"object_type": "contacts", "query": kind, "account": account});
            keep(world.call("hubspot_search_records", args).await);
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
    assert!(log.contains("hubspot_create_contact"), "the log was kept");
    seen.push_str(&log);
    if let Some(at) = seen.find("CANARY") {
        let near: String = seen[at.saturating_sub(300)..].chars().take(400).collect();
        panic!("the token is in the output: {near}");
    }
}

#[test]
fn no_secret_is_in_debug_or_in_an_error_of_the_settings() {
    let fields = json!({ "access_token": TOKEN });
    let config: HubSpotConfig = serde_json::from_value(fields.clone()).unwrap();
    let Value::Object(fields) = fields else {
        unreachable!()
    };
    let settings = ProviderSettings::single(fields);
    let shown = format!("{config:?} {config:#?} {settings:?}");
    assert!(!shown.contains("CANARY"), "{shown}");
    for bad in [
        json!({"access_token": format!("{TOKEN} x")}),
        json!({"access_token": [TOKEN]}),
        json!({"access_token": TOKEN, "api_version": TOKEN}),
        json!({"access_token": TOKEN, "base_url": format!("https://u:{TOKEN}@host")}),
        json!({"access_token": TOKEN, "base_url": TOKEN}),
    ] {
        let Value::Object(fields) = bad else {
            unreachable!()
        };
        let settings = ProviderSettings::single(fields);
        let error = Plugin::<HubSpot>::connect(&settings, &Env::alone())
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
