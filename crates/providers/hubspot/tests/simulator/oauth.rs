//! Tokens for apps that users connect.

use reqwest::Method;
use serde_json::Value;

use crate::hub::{Hub, Seen, hub, objects};

const CLIENT: [(&str, &str); 2] = [
    ("client_id", "11111111-2222"),
    ("client_secret", "33333333-4444"),
];

async fn post(hub: &Hub, path: &str, more: &[(&str, &str)]) -> Seen {
    let form = [&CLIENT[..], more].concat();
    hub.finish(hub.request(Method::POST, path).form(&form))
        .await
}

const REFRESH: [(&str, &str); 2] = [
    ("grant_type", "refresh_token"),
    ("refresh_token", "na1-0123456789abcdef"),
];

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_refresh_token_gives_access_to_its_account() {
    let hub = hub().await;
    let mut tokens = Vec::new();
    for path in [
        "/oauth/2026-03/token",
        "/oauth/2026-09/token",
        "/oauth/v3/token",
        "/oauth/v1/token",
    ] {
        let seen = post(&hub, path, &REFRESH).await;
        assert_eq!(seen.status, 200, "{path}: {}", seen.body);
        assert_eq!(
            (&seen.body["expires_in"], &seen.body["token_type"]),
            (&1800.into(), &"bearer".into())
        );
        // It does not change.
        assert_eq!(seen.body["refresh_token"], REFRESH[1].1);
        tokens.push(text(&seen.body["access_token"]).to_owned());
    }
    assert_ne!(tokens[0], tokens[1]);
    let hub = hub.with_token(&tokens[0]);
    hub.create("contacts", serde_json::json!({"email": "a@example.com"}))
        .await;
    let hub = hub.with_token(&tokens[1]);
    let seen = hub.send(Method::GET, &objects("contacts"), None).await;
    assert_eq!(seen.body["results"].as_array().unwrap().len(), 1);
    // Connected apps have no limit of the day.
    assert!(seen.headers.contains_key("x-hubspot-ratelimit-max"));
    assert!(!seen.headers.contains_key("x-hubspot-ratelimit-daily"));
}

#[tokio::test]
async fn a_code_is_exchanged_and_an_app_can_speak_for_itself() {
    let hub = hub().await;
    let code = [
        ("grant_type", "authorization_code"),
        ("code", "0123456789"),
        ("redirect_uri", "https://example.com/back"),
    ];
    let first = post(&hub, "/oauth/2026-03/token", &code).await;
    assert_eq!(first.status, 200);
    let refresh = text(&first.body["refresh_token"]).to_owned();
    let again = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    let second = post(&hub, "/oauth/2026-03/token", &again).await;
    assert_eq!(second.body["hub_id"], first.body["hub_id"]);
    let own = post(
        &hub,
        "/oauth/2026-03/token",
        &[("grant_type", "client_credentials")],
    )
    .await;
    assert_eq!(own.body["token_use"], "client_credentials");
    assert!(own.body.get("refresh_token").is_none());
}

#[tokio::test]
async fn tokens_tell_of_themselves_and_can_be_taken_back() {
    let hub = hub().await;
    let made = post(&hub, "/oauth/2026-03/token", &REFRESH).await.body;
    let access = text(&made["access_token"]);
    let seen = post(
        &hub,
        "/oauth/2026-03/token/introspect",
        &[("token", access)],
    )
    .await
    .body;
    assert_eq!(
        (&seen["active"], &seen["hub_id"]),
        (&true.into(), &made["hub_id"])
    );
    assert!((1700..=1800).contains(&seen["expires_in"].as_u64().unwrap()));
    let refresh = [
        ("token", REFRESH[1].1),
        ("token_type_hint", "refresh_token"),
    ];
    let seen = post(&hub, "/oauth/2026-03/token/introspect", &refresh)
        .await
        .body;
    assert_eq!(
        (&seen["active"], &seen["token_use"]),
        (&true.into(), &"refresh_token".into())
    );
    let older = hub.request(Method::GET, &format!("/oauth/v1/access-tokens/{access}"));
    assert_eq!(hub.finish(older).await.body["hub_id"], made["hub_id"]);

    assert_eq!(
        post(&hub, "/oauth/2026-03/token/revoke", &refresh)
            .await
            .status,
        204
    );
    let seen = post(&hub, "/oauth/2026-03/token", &REFRESH).await;
    assert_eq!(
        (seen.status.as_u16(), &seen.body["subCategory"]),
        (400, &"BAD_REFRESH_TOKEN".into())
    );
    let access = access.to_owned();
    let hub = hub.with_token(&access);
    let refused = hub.refused(Method::GET, &objects("contacts"), None).await;
    assert_eq!(
        (refused.0, refused.1.as_str()),
        (401, "INVALID_AUTHENTICATION")
    );
}

#[tokio::test]
async fn what_is_no_grant_is_refused() {
    let hub = hub().await;
    for wrong in [
        vec![],
        vec![("grant_type", "password")],
        vec![("grant_type", "refresh_token")],
        vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", "wrong-refresh-token"),
        ],
        vec![("grant_type", "refresh_token"), ("refresh_token", "short")],
        vec![("grant_type", "authorization_code"), ("code", "0123456789")],
    ] {
        let seen = post(&hub, "/oauth/2026-03/token", &wrong).await;
        assert_eq!(seen.status, 400, "{wrong:?}");
        assert!(seen.body["correlationId"].is_string());
    }
    let secret = [
        ("client_id", "11111111-2222"),
        ("client_secret", "wrong"),
        REFRESH[0],
        REFRESH[1],
    ];
    let seen = hub
        .finish(
            hub.request(Method::POST, "/oauth/2026-03/token")
                .form(&secret),
        )
        .await;
    assert_eq!(seen.body["subCategory"], "BAD_CLIENT_SECRET");
    // In the address they would end up in logs.
    let address = "/oauth/2026-03/token?refresh_token=na1-0123456789abcdef";
    let seen = post(&hub, address, &REFRESH).await;
    assert!(text(&seen.body["message"]).contains("query string"));
}
