//! Accounts, and the two kinds of credentials.

use business_tools_core::{Kind, Plugin, ProviderSettings, ToolPlugin};
use business_tools_testkit::World;
use business_tools_twilio::Twilio;
use serde_json::{Value, json};

use crate::support::{ACCOUNT, OTHER, assert_error, hello, places, twilio};

const KEY: &str = "SK00000000000000000000000000000001";

fn key() -> Value {
    json!({"auth_token": null, "api_key": KEY, "api_secret": "s3cret"})
}

/// Who the simulator takes the caller for.
fn basic(world: &World) -> String {
    let request = world.last_request();
    request
        .path
        .split('/')
        .nth(3)
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn a_key_works_in_place_of_the_token_and_names_the_account_in_the_path() {
    let world = twilio().fields(key()).start::<Twilio>().await;
    world.ok("twilio_send_message", hello()).await;
    assert_eq!(basic(&world), ACCOUNT);
    // Lookup and Verify have no account in their paths.
    world
        .ok(
            "twilio_lookup_phone_number",
            json!({"phone_number": "+14159929960"}),
        )
        .await;
}

#[tokio::test]
async fn refused_credentials_name_the_settings_that_are_in_use() {
    let token = twilio()
        .fields(json!({"auth_token": "wrong"}))
        .start::<Twilio>()
        .await;
    let error = token.err("twilio_list_messages", json!({})).await;
    assert_error(&error, Kind::AuthFailed, Some(20003), "TWILIO_AUTH_TOKEN");
    assert_eq!(
        (error.code().as_str(), error.message()),
        ("TWILIO_AUTH_FAILED", "Authentication failed for Twilio API")
    );
    assert_eq!(
        token.requests().len(),
        1,
        "wrong credentials are not tried again"
    );

    let mut wrong = key();
    wrong["api_secret"] = "wrong".into();
    let world = twilio().fields(wrong).start::<Twilio>().await;
    let error = world.err("twilio_send_message", hello()).await;
    assert_error(&error, Kind::AuthFailed, Some(20003), "TWILIO_API_KEY");
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn each_account_sees_its_own() {
    let world = twilio()
        .account("marketing", json!({"account_sid": OTHER}))
        .start::<Twilio>()
        .await;
    world.ok("twilio_send_message", hello()).await;
    assert_eq!(basic(&world), ACCOUNT);
    let mut other = hello();
    other["account"] = "marketing".into();
    world.ok("twilio_send_message", other).await;
    assert_eq!(basic(&world), OTHER);
    for (args, count) in [
        (json!({"account": "marketing"}), 1),
        (json!({}), 1),
        (json!({"account": "default"}), 1),
    ] {
        let list = world.ok("twilio_list_messages", args).await;
        assert_eq!(list["items"].as_array().unwrap().len(), count);
    }
    let schema = world.registry.get("twilio_send_message").unwrap();
    assert_eq!(
        schema.tool.schema.value()["properties"]["account"]["enum"],
        json!(["default", "marketing"])
    );
}

#[tokio::test]
async fn an_unknown_account_is_an_argument_that_is_wrong() {
    let world = twilio()
        .account("marketing", json!({"account_sid": OTHER}))
        .start::<Twilio>()
        .await;
    let mut args = hello();
    args["account"] = "sales".into();
    let error = world.err("twilio_send_message", args).await;
    assert_eq!(places(&error), ["/account"]);
    assert!(error.message().contains("marketing"), "{error}");
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_the_start() {
    for (fields, what) in [
        (
            json!({"auth_token": null}),
            "neither auth_token nor api_key",
        ),
        (json!({"account_sid": "AC1"}), "account_sid"),
        (json!({"account_sid": null}), "account_sid"),
        (json!({"api_key": KEY}), "api_secret"),
        (json!({"base_url": "ftp://x"}), "base_url"),
        (json!({"colour": "red"}), "colour"),
    ] {
        let error = twilio()
            .fields(fields)
            .try_start::<Twilio>()
            .await
            .err()
            .unwrap();
        assert_eq!(error.code(), "TWILIO_NOT_CONFIGURED");
        assert!(error.message().contains(what), "{what}: {error}");
        assert!(error.hint_text().is_some(), "{error}");
    }
}

#[test]
fn no_account_at_all_says_what_to_set() {
    let settings = ProviderSettings::default();
    let error = Plugin::<Twilio>::connect(&settings, &business_tools_core::Env::alone())
        .err()
        .unwrap();
    assert_eq!(error.code(), "TWILIO_NOT_CONFIGURED");
    assert!(error.hint_text().unwrap().contains("TWILIO_ACCOUNT_SID"));
}

#[tokio::test]
async fn an_account_of_ones_own_name_alone_needs_no_name_in_the_call() {
    let mut fields = business_tools_twilio::sandbox_config("http://127.0.0.1:9");
    fields.insert("base_url".into(), "http://127.0.0.1:9".into());
    let mut settings = ProviderSettings::default();
    settings.accounts.insert("only".into(), fields);
    let plugin = Plugin::<Twilio>::connect(&settings, &business_tools_core::Env::alone()).unwrap();
    assert_eq!(plugin.accounts(), ["only"]);
}
