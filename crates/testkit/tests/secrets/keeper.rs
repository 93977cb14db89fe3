//! What is kept between loads, and who hears of changes.

use std::time::Duration;

use business_tools_sandbox::{CancellationToken, FaultKind, FaultRule};
use business_tools_testkit::secrets::{Connect, SecretsManager, Vault};
use serde_json::json;

use super::{World, later, token};

const READ: &str = "/v1/secret/data/app";

async fn world() -> (Vault, World) {
    let vault = Vault::default();
    vault
        .token("root", None, false)
        .put("secret", "app", json!({"a": "first", "b": "second"}));
    let mut world = World::new(vault.simulator()).await;
    let url = world.url("vault");
    world.set("VAULT_ADDR", url);
    world.set("VAULT_TOKEN", "root");
    (vault, world)
}

#[tokio::test]
async fn a_document_is_fetched_once_for_all_its_keys_and_for_loads_that_follow_closely() {
    let (_, world) = world().await;
    world.write("vault:secret/app#a", Some("vault:secret/app#b"));
    for _ in 0..100 {
        world.load().await.unwrap();
    }
    assert_eq!(world.count("vault", READ), 1);
    later(Duration::from_secs(11)).await;
    world.load().await.unwrap();
    assert_eq!(world.count("vault", READ), 2);
    world.secrets.refresh().await;
    assert_eq!(world.count("vault", READ), 3);
}

#[tokio::test]
async fn a_changed_value_is_told_and_is_there_at_the_next_load() {
    let (vault, world) = world().await;
    assert_eq!(world.find("vault:secret/app#a").await, "first");
    let mut changes = world.secrets.changes();
    assert!(!world.secrets.refresh().await);
    assert!(!changes.has_changed().unwrap(), "nothing changed");
    vault.put("secret", "app", json!({"a": "first", "b": "another"}));
    assert!(!world.secrets.refresh().await, "a key that nobody uses");
    vault.put("secret", "app", json!({"a": "new"}));
    assert!(world.secrets.refresh().await);
    changes.changed().await.unwrap();
    assert_eq!(token(&world.load().await.unwrap()), "new");
}

#[tokio::test]
async fn the_last_good_value_stays_while_the_service_is_down() {
    let (vault, world) = world().await;
    assert_eq!(world.find("vault:secret/app#a").await, "first");
    assert!(world.is_well());
    vault.seal(true);
    assert!(!world.secrets.refresh().await);
    let config = world.load().await.unwrap();
    assert_eq!(token(&config), "first");
    let [warning] = &config.warnings[..] else {
        panic!("{:?}", config.warnings);
    };
    assert_eq!(warning.path, "providers.acme.credentials.token");
    assert_eq!(warning.what, "keeps its last good value: Vault is sealed");
    assert!(!world.is_well());
    let health = world.secrets.health();
    let error = health["secrets_vault"].error.clone().unwrap();
    assert_eq!(error.code(), "SECRETS_VAULT_UNAVAILABLE");
    assert!(world.log.text().contains("the last good values are used"));
    // What was never had cannot be kept.
    world
        .refused("vault:secret/app#b", "Vault is sealed", "unseal it")
        .await;
    vault.seal(false);
    world.write("vault:secret/app#a", None);
    world.secrets.refresh().await;
    assert!(world.load().await.unwrap().warnings.is_empty());
    assert!(world.is_well());
}

#[tokio::test]
async fn a_secret_that_is_gone_is_kept_until_nobody_refers_to_it() {
    let (vault, world) = world().await;
    world.find("vault:secret/app#a").await;
    vault.delete("secret", "app");
    world.secrets.refresh().await;
    assert!(!world.is_well());
    world.write("given in the file", None);
    world.load().await.unwrap();
    assert!(world.secrets.health().is_empty(), "no service is in use");
    let before = world.count("vault", READ);
    world.secrets.refresh().await;
    assert_eq!(world.count("vault", READ), before);
}

#[tokio::test]
async fn a_load_that_fails_forgets_nothing_of_the_one_before() {
    let (vault, world) = world().await;
    world.find("vault:secret/app#a").await;
    world.write("vault:secret/nothing#x", None);
    world.load().await.unwrap_err();
    assert!(world.is_well(), "what is in use is well");
    vault.put("secret", "app", json!({"a": "new"}));
    assert!(world.secrets.refresh().await, "and is still kept fresh");
}

#[tokio::test]
async fn another_account_of_a_service_starts_anew() {
    let (vault, mut world) = world().await;
    assert_eq!(world.find("vault:secret/app#a").await, "first");
    vault.seal(true);
    world.set("VAULT_TOKEN", "another");
    world
        .refused("vault:secret/app#a", "Vault is sealed", "unseal")
        .await;
}

#[tokio::test]
async fn the_faults_of_all_services_are_told_together() {
    let vault = Vault::default();
    vault.token("root", None, false);
    let manager = SecretsManager::new("AKIAIOSFODNN7EXAMPLE", "key", None);
    let connect = Connect::new("token");
    let simulators = vec![vault.simulator(), manager.simulator(), connect.simulator()];
    let mut world = World::of(simulators).await;
    let (vault, manager, connect) = (
        world.url("vault"),
        world.url("secretsmanager"),
        world.url("connect"),
    );
    world.set("VAULT_ADDR", vault);
    world.set("VAULT_TOKEN", "root");
    world.set("AWS_ENDPOINT_URL", manager);
    world.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    world.set("AWS_SECRET_ACCESS_KEY", "key");
    world.set("AWS_REGION", "eu-west-1");
    world.set("OP_CONNECT_HOST", connect);
    world.set("OP_CONNECT_TOKEN", "token");
    let yaml = "
        providers:
          acme:
            credentials: {token: 'vault:secret/x#y', key: 'aws-sm:x'}
            accounts:
              a: {token: 'op://Vault/Item/field', key: 'op:Vault/Item/field'}
              b: {token: 'file:/does/not/exist', key: 'enc:v1.0123456789ab.AAAA'}
        log: {levle: x}
        ";
    std::fs::write(world.dir.join("config.yaml"), yaml).unwrap();
    let report = world.load().await.unwrap_err();
    let paths: Vec<&str> = report
        .faults()
        .iter()
        .map(|fault| fault.path.as_str())
        .collect();
    for path in [
        "providers.acme.credentials.token",
        "providers.acme.credentials.key",
        "providers.acme.accounts.a.token",
        "providers.acme.accounts.a.key",
        "providers.acme.accounts.b.token",
        "providers.acme.accounts.b.key",
        "log.levle",
    ] {
        assert_eq!(
            paths.iter().filter(|one| **one == path).count(),
            1,
            "{path}: {report}"
        );
    }
    assert_eq!(paths.len(), 7, "{report}");
}

#[tokio::test]
async fn what_runs_in_the_background_refreshes_renews_and_stops() {
    let (vault, world) = world().await;
    vault.token("root", Some(Duration::from_hours(1)), true);
    world.find("vault:secret/app#a").await;
    vault.put("secret", "app", json!({"a": "new"}));
    let mut changes = world.secrets.changes();
    let stop = CancellationToken::new();
    let interval = Duration::from_millis(1);
    let task = tokio::spawn(world.secrets.clone().keep_fresh(interval, stop.clone()));
    changes.changed().await.unwrap();
    assert_eq!(token(&world.load().await.unwrap()), "new");
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_service_that_is_down_is_asked_for_one_document_alone() {
    let (vault, world) = world().await;
    vault.put("secret", "other", json!({"x": "y"}));
    world.breaks(FaultRule::new("vault", FaultKind::Reset).path("/v1/secret"));
    world.write("vault:secret/app#a", Some("vault:secret/other#x"));
    let report = world.load().await.unwrap_err();
    assert_eq!(report.faults().len(), 2, "{report}");
    assert_eq!(world.count("vault", "/v1/secret/data/other"), 0);
}

#[tokio::test]
async fn a_connection_that_others_can_read_is_a_warning() {
    let (_, mut world) = world().await;
    // A name that leads to this machine and does not say so.
    let url = world.url("vault").replace("127.0.0.1", "0.0.0.0");
    world.set("VAULT_ADDR", url);
    world.set("VAULT_CACERT", "/etc/vault.pem");
    world.write("vault:secret/app#a", None);
    let words = |config: business_tools_core::config::Config| config.warnings[0].to_string();
    let warning = words(world.load().await.unwrap());
    assert!(warning.contains("VAULT_CACERT"), "{warning}");
    world.unset("VAULT_CACERT");
    let warning = words(world.load().await.unwrap());
    assert!(
        warning.contains("others can read; use https in VAULT_ADDR"),
        "{warning}"
    );
}
