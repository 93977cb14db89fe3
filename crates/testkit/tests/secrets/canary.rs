//! No value, no token and no key shows anywhere: in faults, warnings, logs, health, `Debug`.

use std::fmt::Write as _;

use business_tools_core::Secret;
use business_tools_core::config::Loader;
use business_tools_core::secret::key::MasterKey;
use business_tools_core::secret::seal::Keyring;
use business_tools_sandbox::{FaultKind, FaultRule};
use business_tools_testkit::secrets::{Connect, SecretsManager, Vault};
use serde_json::json;

use super::World;

const CANARY: &str = "CANARY";

/// A world in which every secret is a canary.
async fn world() -> (Vault, SecretsManager, Connect, String, World) {
    let vault = Vault::default();
    vault
        .token("hvs.CANARY-token", None, false)
        .role(
            "CANARY-role",
            "CANARY-secret-id",
            std::time::Duration::from_mins(1),
            true,
            None,
        )
        .put(
            "secret",
            "app",
            json!({"a": "CANARY-vault", "object": {"CANARY-inside": "CANARY-value"}}),
        );
    let manager = SecretsManager::new("AKIACANARY", "CANARY-key", Some("CANARY-session"));
    manager
        .put("app", "CANARY-aws {\"CANARY")
        .put_binary("bytes", "Q0FOQVJZ/w==");
    let connect = Connect::new("CANARY.connect.token");
    let op = connect.vault("Ops");
    let field = json!([{"id": "f", "type": "CONCEALED", "label": "token", "value": "CANARY-op"}]);
    connect.item(&op, "App", json!([]), field);
    let simulators = vec![vault.simulator(), manager.simulator(), connect.simulator()];
    let mut world = World::of(simulators).await;
    for (name, value) in [
        ("VAULT_ADDR", world.url("vault")),
        ("VAULT_TOKEN", "hvs.CANARY-token".to_owned()),
        ("AWS_ENDPOINT_URL", world.url("secretsmanager")),
        ("AWS_ACCESS_KEY_ID", "AKIACANARY".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "CANARY-key".to_owned()),
        ("AWS_SESSION_TOKEN", "CANARY-session".to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("OP_CONNECT_HOST", world.url("connect")),
        ("OP_CONNECT_TOKEN", "CANARY.connect.token".to_owned()),
    ] {
        world.set(name, value);
    }
    (vault, manager, connect, op, world)
}

/// Loads, and keeps all that there is to see of it.
async fn see(world: &World, seen: &mut String) -> bool {
    let loaded = world.load().await;
    match &loaded {
        Ok(config) => {
            let _ = write!(seen, "{config:?} {:?}", config.warnings);
        }
        Err(report) => {
            let _ = write!(seen, "{report} {report:?}");
        }
    }
    for (name, health) in world.secrets.health() {
        let error = health.error.as_ref();
        let _ = write!(
            seen,
            "{name} {health:?} {error:?} {:?}",
            error.map(ToString::to_string)
        );
    }
    let _ = write!(seen, "{:?}", world.secrets);
    loaded.is_ok()
}

#[tokio::test]
async fn nothing_shows_when_all_is_well_and_when_it_is_not() {
    let (vault, manager, connect, op, mut world) = world().await;
    let mut seen = String::new();
    let good = [
        ("vault:secret/app#a", "aws-sm:app"),
        ("op://Ops/App/token", "vault:secret/app#a"),
    ];
    for (token, key) in good {
        world.write(token, Some(key));
        assert!(see(&world, &mut seen).await, "{seen}");
    }
    // What the services hold is not what is asked for.
    for reference in [
        "vault:secret/app#object",
        "vault:secret/app#missing",
        "aws-sm:app#key",
        "aws-sm:bytes",
        "op://Ops/App/missing",
    ] {
        world.write(reference, None);
        assert!(!see(&world, &mut seen).await, "{reference}");
    }
    // Answers that are broken, late or refused, at a first load and while values are held.
    for kind in FaultKind::ALL {
        if matches!(
            kind,
            FaultKind::Hang | FaultKind::SlowBody | FaultKind::Latency
        ) {
            continue;
        }
        for held in [false, true] {
            for (reference, service) in [
                ("vault:secret/app#a", "vault"),
                ("aws-sm:app", "secretsmanager"),
                ("op://Ops/App/token", "connect"),
            ] {
                world.secrets =
                    business_tools_core::secrets::Secrets::new(business_tools_core::Env::alone());
                world.write(reference, None);
                if held {
                    assert!(see(&world, &mut seen).await);
                }
                world.breaks(FaultRule::new(service, kind));
                world.secrets.refresh().await;
                assert_eq!(see(&world, &mut seen).await, held, "{kind} {service}");
                world.heal();
            }
        }
    }
    // Refused credentials.
    vault.revoke_all();
    manager.expire();
    connect.take_token("another");
    for reference in ["vault:secret/app#a", "aws-sm:app", "op://Ops/App/token"] {
        world.secrets =
            business_tools_core::secrets::Secrets::new(business_tools_core::Env::alone());
        world.write(reference, None);
        assert!(!see(&world, &mut seen).await, "{reference}");
    }
    world.set("VAULT_ROLE_ID", "CANARY-role");
    world.set("VAULT_SECRET_ID", "CANARY-secret-id");
    world.write("vault:secret/app#a", None);
    assert!(see(&world, &mut seen).await);
    world.set("VAULT_SECRET_ID", "CANARY-other");
    assert!(!see(&world, &mut seen).await);
    drop(op);
    assert!(!seen.contains(CANARY), "{}", around(&seen));
    let log = world.log.text();
    assert!(log.contains("last good values"));
    assert!(!log.contains(CANARY), "{}", around(&log));
}

#[tokio::test]
async fn nothing_shows_of_encrypted_values_and_their_keys() {
    let (.., mut world) = world().await;
    let (key, other) = (
        MasterKey::generate().unwrap(),
        MasterKey::generate().unwrap(),
    );
    let text = Keyring::new(&key, [])
        .seal_text(&Secret::new("CANARY-enc"))
        .unwrap();
    let mut seen = String::new();
    world.write(&text, None);
    let keys = [
        (key.text().expose().to_owned(), true),
        (
            format!("{},{}", other.text().expose(), key.text().expose()),
            true,
        ),
        (other.text().expose().to_owned(), false),
        ("btk1_CANARY".to_owned(), false),
        ("CANARY, CANARY".to_owned(), false),
        (String::new(), false),
    ];
    for (ring, good) in &keys {
        world.set("BUSINESS_TOOLS_KEY", ring);
        assert_eq!(see(&world, &mut seen).await, *good, "{seen}");
        let _ = write!(seen, "{:?}", Loader::new(world.variables.clone()).keyring());
    }
    world.set("BUSINESS_TOOLS_KEY", key.text().expose());
    for wrong in [
        &text[..text.len() - 2],
        "enc:CANARY",
        "enc:v9.CANARY.CANARY",
    ] {
        world.write(wrong, None);
        assert!(!see(&world, &mut seen).await);
    }
    for (ring, _) in &keys[..4] {
        for one in ring.split(',') {
            assert!(!seen.contains(&one[5..]), "a key shows");
        }
    }
    assert!(!seen.contains(CANARY), "{}", around(&seen));
    assert!(!world.log.text().contains(CANARY));
}

fn around(text: &str) -> &str {
    let at = text.find(CANARY).unwrap_or_default();
    let from = (0..=at.saturating_sub(300))
        .rev()
        .find(|&n| text.is_char_boundary(n));
    &text[from.unwrap_or_default()..(at + CANARY.len()).min(text.len())]
}
