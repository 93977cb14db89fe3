//! Accounts, and tokens that are refused.

use std::sync::Arc;

use async_trait::async_trait;
use business_tools_core::token::TokenSource;
use business_tools_core::{Cx, Kind, Plugin, ProviderSettings, Result, Secret, ToolPlugin};
use business_tools_hubspot::HubSpot;
use serde_json::{Value, json};

use crate::support::{OTHER, TOKEN, assert_error, contact, hubspot, places};

#[tokio::test]
async fn each_account_sees_its_own() {
    let world = hubspot()
        .account("europe", json!({"access_token": OTHER}))
        .start::<HubSpot>()
        .await;
    contact(&world, "ada@example.com").await;
    let args = json!({"email": "ada@example.com", "account": "europe"});
    world.ok("hubspot_create_contact", args).await;
    for args in [
        json!({"object_type": "contacts", "account": "europe"}),
        json!({"object_type": "contacts"}),
        json!({"object_type": "contacts", "account": "default"}),
    ] {
        let found = world.ok("hubspot_search_records", args).await;
        assert_eq!(found["total"], 1);
    }
    let args = json!({"object_type": "contacts", "account": "asia"});
    let error = world.err("hubspot_search_records", args).await;
    assert_eq!(places(&error), ["/account"]);
}

#[tokio::test]
async fn a_refused_token_names_the_setting_and_is_not_tried_again() {
    for (token, code, hint) in [
        (
            "pat-na1-wrong-0a1b-4a1b-8a1b-0a1b2c3d4e5f",
            "INVALID_AUTHENTICATION",
            "HUBSPOT_ACCESS_TOKEN",
        ),
        (
            "expired-0a1b2c3d4e5f0a1b2c3d4e5f",
            "EXPIRED_AUTHENTICATION",
            "expired",
        ),
    ] {
        let world = hubspot()
            .fields(json!({"access_token": token}))
            .start::<HubSpot>()
            .await;
        let error = world.err("hubspot_list_owners", json!({})).await;
        assert_error(&error, Kind::AuthFailed, Some(code), hint);
        assert_eq!(error.code(), "HUBSPOT_AUTH_FAILED");
        assert_eq!(world.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let world = hubspot()
        .fields(json!({"access_token": "unscoped-0a1b2c3d4e5f0a1b2c3d4e5f"}))
        .start::<HubSpot>()
        .await;
    let error = world.err("hubspot_list_owners", json!({})).await;
    assert_error(
        &error,
        Kind::PermissionDenied,
        Some("MISSING_SCOPES"),
        "crm.objects.contacts.read",
    );
    assert_eq!(
        error.details()["scopes"],
        json!(["crm.objects.contacts.read"])
    );
}

/// A source that has one bad token, and a good one when that was refused.
struct Renewing;

#[async_trait]
impl TokenSource for Renewing {
    async fn token(&self, _: &'static str, _: &Cx) -> Result<Secret> {
        let renewed = RENEWED.load(std::sync::atomic::Ordering::SeqCst);
        let token = if renewed {
            TOKEN
        } else {
            "expired-0a1b2c3d4e5f0a1b2c3d4e5f"
        };
        Ok(Secret::new(token.to_owned()))
    }

    async fn refused(&self, _: &'static str, _: &Cx, _: &Secret) -> bool {
        !RENEWED.swap(true, std::sync::atomic::Ordering::SeqCst)
    }
}

static RENEWED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[tokio::test]
async fn an_oauth_token_that_ran_out_is_renewed_and_even_a_create_is_sent_once_more() {
    let world = hubspot()
        .fields(json!({"access_token": null}))
        .env(|mut env| {
            env.tokens = Some(Arc::new(Renewing));
            env
        })
        .start::<HubSpot>()
        .await;
    contact(&world, "ada@example.com").await;
    let statuses: Vec<_> = world
        .exchanges()
        .iter()
        .map(|exchange| exchange.status)
        .collect();
    assert_eq!(statuses, [401, 201]);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_the_start() {
    for (fields, what) in [
        (json!({"access_token": null}), "credentials"),
        (json!({"access_token": ""}), "credentials"),
        (json!({"access_token": "a b"}), "white space"),
        (json!({"api_version": "v3"}), "api_version"),
        (json!({"base_url": "ftp://x"}), "base_url"),
        (json!({"colour": "red"}), "colour"),
    ] {
        let error = hubspot()
            .fields(fields)
            .try_start::<HubSpot>()
            .await
            .err()
            .unwrap();
        assert_eq!(error.code(), "HUBSPOT_NOT_CONFIGURED");
        assert!(error.message().contains(what), "{what}: {error}");
        assert!(error.hint_text().is_some(), "{error}");
    }
}

#[test]
fn no_account_at_all_says_what_to_set() {
    let settings = ProviderSettings::default();
    let error = Plugin::<HubSpot>::connect(&settings, &business_tools_core::Env::alone())
        .err()
        .unwrap();
    assert_eq!(error.code(), "HUBSPOT_NOT_CONFIGURED");
    assert!(error.hint_text().unwrap().contains("HUBSPOT_ACCESS_TOKEN"));
}

#[tokio::test]
async fn an_account_of_ones_own_name_alone_needs_no_name_in_the_call() {
    let mut settings = ProviderSettings::default();
    let Value::Object(fields) = json!({"access_token": TOKEN, "base_url": "http://127.0.0.1:9"})
    else {
        unreachable!()
    };
    settings.accounts.insert("only".into(), fields);
    let plugin = Plugin::<HubSpot>::connect(&settings, &business_tools_core::Env::alone()).unwrap();
    assert_eq!(plugin.accounts(), ["only"]);
}
