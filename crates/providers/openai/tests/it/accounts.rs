//! Several accounts, the organization and project that pay, and health.

use business_tools_core::Kind;
use business_tools_openai::OpenAi;
use serde_json::json;

use crate::support::{file, hello, openai, places, world};

#[tokio::test]
async fn every_account_has_its_own_key_files_and_settings() {
    let world = openai()
        .account(
            "marketing",
            json!({"api_key": "sk-marketing-00000000000000", "models": {"text": "gpt-6-luna"}}),
        )
        .start::<OpenAi>()
        .await;
    let path = file("account.txt", b"x");
    world
        .ok(
            "openai_upload_file",
            json!({"path": path, "purpose": "user_data", "account": "default"}),
        )
        .await;
    for (account, files, model) in [
        ("default", 1, "gpt-6.1-terra"),
        ("marketing", 0, "gpt-6-luna"),
    ] {
        let list = world
            .ok("openai_list_files", json!({"account": account}))
            .await;
        assert_eq!(list["items"].as_array().unwrap().len(), files, "{account}");
        let mut args = hello();
        args["account"] = account.into();
        let answer = world.ok("openai_generate_text", args).await;
        assert!(
            answer["model"].as_str().unwrap().starts_with(model),
            "{answer}"
        );
    }
    let error = world
        .err("openai_list_files", json!({"account": "sales"}))
        .await;
    assert_eq!(places(&error), ["/account"]);
}

#[tokio::test]
async fn who_pays_is_told_in_headers_when_it_is_set() {
    let world = openai()
        .fields(json!({"organization": "org-1", "project": "proj_2"}))
        .start::<OpenAi>()
        .await;
    world.ok("openai_generate_text", hello()).await;
    let headers = world.last_request().headers;
    let find = |name: &str| {
        headers
            .iter()
            .find(|(known, _)| known.as_str() == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(find("openai-organization").as_deref(), Some("org-1"));
    assert_eq!(find("openai-project").as_deref(), Some("proj_2"));
    let plain = crate::support::world().await;
    plain.ok("openai_generate_text", hello()).await;
    let headers = plain.last_request().headers;
    assert!(
        !headers
            .iter()
            .any(|(name, _)| name.as_str().starts_with("openai-"))
    );
}

#[tokio::test]
async fn the_list_of_models_proves_the_key() {
    let world = world().await;
    let health = world.health().await;
    assert!(health.ok, "{health:?}");
    let [request] = &world.requests()[..] else {
        panic!("one request")
    };
    assert!(request.path.ends_with("/models"), "{}", request.path);
}

#[tokio::test]
async fn a_restricted_key_is_recognised_and_healthy() {
    let world = openai()
        .fields(json!({"api_key": "sk-restricted-0000000000000000"}))
        .start::<OpenAi>()
        .await;
    let health = world.health().await;
    assert!(health.ok, "{health:?}");
    let error = world.err("openai_list_models", json!({})).await;
    assert_eq!(error.kind(), Kind::PermissionDenied);
}

#[tokio::test]
async fn a_wrong_key_is_unhealthy_after_one_request() {
    let world = openai()
        .fields(json!({"api_key": "sk-wrong-000000000000"}))
        .start::<OpenAi>()
        .await;
    let health = world.health().await;
    assert!(!health.ok);
    assert_eq!(health.error.unwrap().kind(), Kind::AuthFailed);
    assert_eq!(world.requests().len(), 1);
}
