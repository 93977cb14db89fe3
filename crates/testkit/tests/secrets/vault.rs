//! Vault.

use std::time::Duration;

use business_tools_sandbox::{FaultKind, FaultRule};
use business_tools_testkit::secrets::Vault;
use serde_json::json;

use super::{World, later};

const TOKEN: &str = "hvs.CAESIthetokenofatest0000";
const HOUR: Duration = Duration::from_hours(1);

async fn world() -> (Vault, World) {
    let vault = Vault::default();
    vault.token(TOKEN, None, false).put(
        "secret",
        "app/db",
        json!({"password": "s3cr3t", "port": 5432, "tls": true, "hosts": ["a"]}),
    );
    let mut world = World::new(vault.simulator()).await;
    let url = world.url("vault");
    world.set("VAULT_ADDR", url);
    world.set("VAULT_TOKEN", TOKEN);
    (vault, world)
}

async fn with_role(lease: Duration, renewable: bool, uses: Option<u32>) -> (Vault, World) {
    let (vault, mut world) = world().await;
    vault.role("the-role", "the-secret-id", lease, renewable, uses);
    world.unset("VAULT_TOKEN");
    world.set("VAULT_ROLE_ID", "the-role");
    world.set("VAULT_SECRET_ID", "the-secret-id");
    (vault, world)
}

#[tokio::test]
async fn a_key_of_a_secret_is_found() {
    let (vault, world) = world().await;
    vault.put("team/kv", "a b/ü", json!({"x": "deep"}));
    assert_eq!(world.find("vault:secret/app/db#password").await, "s3cr3t");
    assert_eq!(world.find("vault:secret/app/db#port").await, "5432");
    assert_eq!(world.find("vault:secret/app/db#tls").await, "true");
    assert_eq!(world.find("vault:team/kv//a b/ü#x").await, "deep");
    vault.put("secret", "app/db", json!({"password": "the newest"}));
    assert!(world.secrets.refresh().await || world.is_well());
    assert_eq!(
        world.find("vault:secret/app/db#password").await,
        "the newest"
    );
}

#[tokio::test]
async fn a_reference_in_a_variable_and_a_token_in_a_file_are_followed() {
    let (_, mut world) = world().await;
    std::fs::write(world.dir.join("vault-token"), format!("{TOKEN}\n")).unwrap();
    world.set("VAULT_TOKEN", "file:vault-token");
    world.set("ACME_TOKEN", "vault:secret/app/db#password");
    let config = world.load().await.unwrap();
    assert_eq!(super::token(&config), "s3cr3t");
    let origin = &config.origins["providers.acme.credentials.token"];
    assert_eq!(origin, "ACME_TOKEN: vault:secret/app/db#password");
}

#[tokio::test]
async fn the_namespace_goes_along() {
    let (vault, mut world) = world().await;
    vault.namespace("team-a");
    world
        .refused(
            "vault:secret/app/db#password",
            "refused the token",
            "VAULT_TOKEN",
        )
        .await;
    world.set("VAULT_NAMESPACE", "team-a/");
    assert_eq!(world.find("vault:secret/app/db#password").await, "s3cr3t");
}

#[tokio::test]
async fn openbaos_names_stand_in_for_those_of_vault() {
    let (_, mut world) = world().await;
    for name in ["ADDR", "TOKEN"] {
        let value = world.variables.remove(&format!("VAULT_{name}")).unwrap();
        world.set(&format!("BAO_{name}"), value);
    }
    assert_eq!(world.find("vault:secret/app/db#password").await, "s3cr3t");
}

#[tokio::test]
async fn what_vault_does_not_have_is_told_with_what_would_be_right() {
    let (vault, world) = world().await;
    vault.put("secret", "empty", json!({"x": ""}));
    vault
        .put("secret", "gone", json!({"x": "y"}))
        .delete("secret", "gone");
    for (reference, what, remedy) in [
        (
            "vault:secret/nothing#x",
            "no secret at this path",
            "without `data/`",
        ),
        (
            "vault:secret/data/app/db#password",
            "no secret at this path",
            "without `data/`",
        ),
        ("vault:secret/app/db#user", "no such key", "after `#`"),
        (
            "vault:secret/app/db#hosts",
            "no text under this key",
            "as a text",
        ),
        ("vault:secret/empty#x", "is empty", "fill it in"),
        ("vault:secret/gone#x", "newest version", "restore it"),
    ] {
        world.refused(reference, what, remedy).await;
    }
    vault.deny("secret", "app/db");
    world
        .refused(
            "vault:secret/app/db#password",
            "may not read this path",
            "`read` on MOUNT/data/PATH",
        )
        .await;
    vault.seal(true);
    world
        .refused("vault:secret/app/db#port", "Vault is sealed", "unseal it")
        .await;
}

#[tokio::test]
async fn what_is_missing_to_ask_vault_is_named() {
    let (_, mut world) = world().await;
    let reference = "vault:secret/app/db#password";
    world.set("VAULT_TOKEN", "hvs.another");
    world
        .refused(reference, "refused the token", "VAULT_TOKEN")
        .await;
    world.unset("VAULT_TOKEN");
    world
        .refused(
            reference,
            "needs VAULT_TOKEN, which is not set",
            "VAULT_ROLE_ID",
        )
        .await;
    world.set("VAULT_TOKEN", "vault:secret/vault#token");
    world
        .refused(reference, "not on this machine", "env:, file: or enc:")
        .await;
    world.set("VAULT_TOKEN", "file:/does/not/exist");
    world
        .refused(
            reference,
            "needs VAULT_TOKEN, which refers to a file",
            "readable file",
        )
        .await;
    for (address, what) in [
        ("", "needs VAULT_ADDR, which is not set"),
        ("vault.example.com:8200", "not the address of a server"),
        (
            "https://me:CANARY@vault.example.com",
            "not the address of a server",
        ),
        ("ftp://vault.example.com", "not the address of a server"),
    ] {
        world.set("VAULT_TOKEN", TOKEN);
        world.set("VAULT_ADDR", address);
        world
            .refused(reference, what, "such as https://vault.example.com:8200")
            .await;
    }
}

#[tokio::test]
async fn a_vault_that_fails_is_tried_again_and_then_told() {
    let (_, world) = world().await;
    let reference = "vault:secret/app/db#password";
    let fault = |kind| FaultRule::new("vault", kind).path("/v1/secret");
    for kind in [FaultKind::Reset, FaultKind::Truncate] {
        world.breaks(fault(kind).times(2));
        assert_eq!(
            world.find(reference).await,
            "s3cr3t",
            "{kind}: the third attempt"
        );
        world.secrets.refresh().await;
        world.write("x", None);
        world.load().await.unwrap();
    }
    for (rule, what, remedy) in [
        (
            fault(FaultKind::Status).status(500),
            "answered with status 500",
            "log of Vault",
        ),
        (
            fault(FaultKind::Status).status(307),
            "another address",
            "answers itself",
        ),
        (
            fault(FaultKind::Html),
            "answered with status 502",
            "log of Vault",
        ),
        (fault(FaultKind::Garbage), "cannot be read", "the address"),
        (fault(FaultKind::Truncate), "broke off", "VAULT_ADDR"),
        (fault(FaultKind::Huge), "more than 1 MB", "VAULT_ADDR"),
        (
            fault(FaultKind::Reset),
            "connection to Vault broke",
            "again",
        ),
    ] {
        world.heal();
        world.breaks(rule);
        world.refused(reference, what, remedy).await;
    }
}

#[tokio::test]
async fn a_vault_that_hangs_or_is_not_there_is_given_up() {
    let (_, mut world) = world().await;
    let reference = "vault:secret/app/db#password";
    world.breaks(FaultRule::new("vault", FaultKind::Hang));
    tokio::time::pause();
    world
        .refused(reference, "Vault did not answer", "VAULT_ADDR")
        .await;
    tokio::time::resume();
    world.set("VAULT_ADDR", "http://127.0.0.1:1");
    world
        .refused(reference, "Vault cannot be reached", "VAULT_ADDR")
        .await;
}

#[tokio::test]
async fn a_token_is_renewed_at_two_thirds_of_its_time() {
    let (vault, world) = world().await;
    vault.token(TOKEN, Some(HOUR), true);
    world.find("vault:secret/app/db#password").await;
    let renewals = || world.count("vault", "/v1/auth/token/renew-self");
    let due = world.secrets.renew().await.unwrap();
    let in_time = due.saturating_duration_since(tokio::time::Instant::now());
    assert!(in_time > HOUR / 2 && in_time <= HOUR * 2 / 3, "{in_time:?}");
    assert_eq!(renewals(), 0);
    for n in 1..=3 {
        later(HOUR * 2 / 3 + Duration::from_secs(1)).await;
        world.secrets.renew().await.unwrap();
        assert_eq!(renewals(), n);
    }
    world.secrets.refresh().await;
    assert!(world.is_well(), "long after its first hour");
}

#[tokio::test]
async fn a_token_that_does_not_end_or_cannot_be_renewed_is_left_alone() {
    let (vault, world) = world().await;
    world.find("vault:secret/app/db#password").await;
    assert!(world.secrets.renew().await.is_none());
    vault.token(TOKEN, Some(HOUR), false);
    world.find("vault:secret/app/db#port").await;
    assert!(world.secrets.renew().await.is_none());
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_before_the_end() {
    let (vault, world) = world().await;
    vault.token(TOKEN, Some(HOUR), true);
    world.find("vault:secret/app/db#password").await;
    later(HOUR * 2 / 3).await;
    world.breaks(FaultRule::new("vault", FaultKind::Status).status(500));
    let next = world.secrets.renew().await.unwrap();
    let wait = next.saturating_duration_since(tokio::time::Instant::now());
    assert!(wait < HOUR / 6, "{wait:?}");
    assert!(world.log.text().contains("not renewed"));
    world.heal();
    later(wait).await;
    world.secrets.renew().await.unwrap();
    later(HOUR / 2).await;
    world.secrets.refresh().await;
    assert!(world.is_well());
}

#[tokio::test]
async fn when_a_token_has_ended_the_last_good_value_stays() {
    let (vault, world) = world().await;
    vault.token(TOKEN, Some(HOUR), false);
    world.find("vault:secret/app/db#password").await;
    later(HOUR * 2).await;
    assert!(!world.secrets.refresh().await);
    assert!(!world.is_well());
    assert_eq!(world.find("vault:secret/app/db#password").await, "s3cr3t");
    vault.token(TOKEN, Some(HOUR), false);
    world.secrets.refresh().await;
    assert!(world.is_well());
}

#[tokio::test]
async fn a_role_logs_in_once_even_if_its_id_may_be_used_once() {
    let (vault, world) = with_role(HOUR, true, Some(1)).await;
    vault.put("secret", "other", json!({"x": "y"}));
    world.write("vault:secret/app/db#password", Some("vault:secret/other#x"));
    world.load().await.unwrap();
    world.secrets.refresh().await;
    for _ in 0..3 {
        later(HOUR * 2 / 3 + Duration::from_secs(1)).await;
        world.secrets.renew().await.unwrap();
        world.secrets.refresh().await;
    }
    assert!(world.is_well());
    assert_eq!(world.count("vault", "/v1/auth/approle/login"), 1);
}

#[tokio::test]
async fn a_role_logs_in_again_when_its_token_was_revoked_or_has_ended() {
    let (vault, world) = with_role(HOUR, false, None).await;
    world.find("vault:secret/app/db#password").await;
    let logins = || world.count("vault", "/v1/auth/approle/login");
    vault.revoke_all();
    world.secrets.refresh().await;
    assert!(world.is_well());
    assert_eq!(logins(), 2);
    later(HOUR).await;
    world.secrets.refresh().await;
    assert!(world.is_well());
    assert_eq!(logins(), 3);
}

#[tokio::test]
async fn a_path_that_a_role_may_not_read_costs_no_login() {
    let (vault, world) = with_role(HOUR, true, Some(1)).await;
    world.find("vault:secret/app/db#password").await;
    vault.deny("secret", "app/db");
    world.secrets.refresh().await;
    assert!(!world.is_well());
    assert_eq!(world.count("vault", "/v1/auth/approle/login"), 1);
}

#[tokio::test]
async fn a_refused_role_is_told_with_its_variables() {
    let (_, mut world) = with_role(HOUR, true, None).await;
    world.set("VAULT_SECRET_ID", "another");
    let remedy = "VAULT_ROLE_ID, VAULT_SECRET_ID and VAULT_APPROLE_MOUNT";
    world
        .refused(
            "vault:secret/app/db#password",
            "refused the login of the AppRole",
            remedy,
        )
        .await;
    world.set("VAULT_SECRET_ID", "the-secret-id");
    world.set("VAULT_APPROLE_MOUNT", "elsewhere");
    world
        .refused(
            "vault:secret/app/db#password",
            "refused the login of the AppRole",
            remedy,
        )
        .await;
}
