//! Secrets appear nowhere.

use std::fmt::Write as _;

use business_tools_core::{Cx, ProviderSettings};
use business_tools_openai::{OpenAi, OpenAiConfig};
use business_tools_testkit::Person;
use serde_json::{Value, json};

use crate::dry_run::writes;
use crate::support::openai;

const KEY: &str = "sk-proj-CANARYk3yCANARYk3yCANARYk3y";

#[tokio::test]
async fn no_secret_is_in_any_output() {
    let world = openai()
        .fields(json!({"api_key": KEY}))
        .account("refused", json!({"api_key": format!("{KEY}wrong")}))
        .start::<OpenAi>()
        .await;
    let yes = Person::who_says_yes();
    let mut seen = String::new();
    let mut keep = |outcome: Result<Value, business_tools_core::Error>| match outcome {
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
        keep(
            world
                .call("openai_list_models", json!({"account": account}))
                .await,
        );
        for kind in ["reset", "truncate", "garbage", "html", "status"] {
            world.fault(json!({"kind": kind, "times": 5}));
            keep(
                world
                    .call(
                        "openai_create_embedding",
                        json!({"account": account, "input": [kind]}),
                    )
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
    assert!(log.contains("openai_generate_text"), "the log was kept");
    seen.push_str(&log);
    let at = seen.find("CANARY");
    let around: String = seen
        .chars()
        .skip(at.unwrap_or_default().saturating_sub(200))
        .take(400)
        .collect();
    assert!(at.is_none(), "a secret is in the output: {around}");
}

#[test]
fn no_secret_is_in_debug_or_in_an_error_of_the_settings() {
    let fields = json!({"api_key": KEY});
    let config: OpenAiConfig = serde_json::from_value(fields.clone()).unwrap();
    let shown = format!("{config:?} {config:#?}");
    assert!(!shown.contains("CANARY"), "{shown}");
    for bad in [
        json!({"api_key": "CANARY CANARY"}),
        json!({"api_key": [KEY]}),
        json!({"api_key": "CANARY"}),
        json!({"api_key": KEY, "base_url": format!("https://u:{KEY}@host")}),
        json!({"api_key": KEY, "base_url": KEY}),
        json!({"api_key": KEY, "organization": "CANARY CANARY"}),
        json!({"api_key": KEY, "models": {"text": "CANARY CANARY"}}),
    ] {
        let Value::Object(fields) = bad else {
            unreachable!()
        };
        let settings = ProviderSettings::single(fields);
        let env = business_tools_core::Env::alone();
        let error = business_tools_core::Plugin::<OpenAi>::connect(&settings, &env)
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
