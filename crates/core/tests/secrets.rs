//! References that need no network: variables, files, encrypted texts, and their keys.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use business_tools_core::Secret;
use business_tools_core::config::{Config, Fault, KnownProvider, Loader, Report};
use business_tools_core::secret::key::MasterKey;
use business_tools_core::secret::seal::Keyring;
use common::Acme;

/// A folder with a configuration, and an environment.
struct World {
    dir: PathBuf,
    variables: BTreeMap<String, String>,
}

impl World {
    fn new() -> Self {
        let name = format!("business-tools-secrets-{}", uuid::Uuid::new_v4());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).unwrap();
        Self {
            dir,
            variables: BTreeMap::new(),
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.join(name), text).unwrap();
    }

    fn loader(&self) -> Loader {
        Loader::new(self.variables.clone())
            .dir(&self.dir)
            .providers([KnownProvider::of::<Acme>()])
    }

    fn load(&self, token: &str) -> Result<Config, Report> {
        let yaml =
            format!("providers: {{acme: {{credentials: {{account_id: a, token: '{token}'}}}}}}");
        self.write("config.yaml", &yaml);
        self.loader().load()
    }

    fn find(&self, token: &str) -> String {
        let config = self.load(token).unwrap();
        let account = &config.providers["acme"].settings.accounts["default"];
        account["token"].as_str().unwrap().to_owned()
    }

    fn fault(&self, token: &str) -> Fault {
        let report = self.load(token).unwrap_err();
        let [fault] = report.faults() else {
            panic!("{report}");
        };
        fault.clone()
    }

    fn warnings(&self, token: &str) -> Vec<String> {
        let config = self.load(token).unwrap();
        config.warnings.iter().map(ToString::to_string).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn the_line_break_at_the_end_of_a_file_is_not_the_secrets() {
    let world = World::new();
    for (text, secret) in [
        ("plain", "plain"),
        ("unix\n", "unix"),
        ("windows\r\n", "windows"),
        (" with spaces \n", " with spaces "),
        ("two\nlines\n", "two\nlines"),
    ] {
        world.write("secret", text);
        assert_eq!(world.find("file:secret"), secret);
    }
    for empty in ["", "\n", "\r\n"] {
        world.write("secret", empty);
        assert!(world.fault("file:secret").what.contains("is empty"));
    }
    world.write("secret", &"x".repeat((64 << 10) + 1));
    assert!(world.fault("file:secret").what.contains("too large"));
    assert!(world.fault("file:.").what.contains("cannot be read"));
}

#[cfg(unix)]
#[test]
fn a_file_that_is_open_to_others_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.write("secret", "s");
    for (mode, words) in [
        (0o600, None),
        (0o400, None),
        (0o640, None),
        (0o644, Some("every user may read")),
        (0o660, Some("others may change")),
        (0o602, Some("others may change")),
    ] {
        let mode_of = fs::Permissions::from_mode(mode);
        fs::set_permissions(world.dir.join("secret"), mode_of).unwrap();
        let warnings = world.warnings("file:secret");
        let shown = warnings.join("\n");
        assert_eq!(
            warnings.len(),
            usize::from(words.is_some()),
            "{mode:o} {shown}"
        );
        if let Some(words) = words {
            assert!(
                shown.contains("providers.acme.credentials.token: "),
                "{shown}"
            );
            assert!(shown.contains(words), "{mode:o} {shown}");
        }
    }
}

#[test]
fn what_a_reference_leads_to_is_followed_no_further() {
    let mut world = World::new();
    world.set("ONE", "env:TWO");
    world.write("secret", "vault:secret/x#y\n");
    assert_eq!(world.find("env:ONE"), "env:TWO");
    assert_eq!(world.find("file:secret"), "vault:secret/x#y");
}

#[test]
fn an_encrypted_value_opens_with_a_key_from_the_variable_a_file_or_an_environment_file() {
    let mut world = World::new();
    let (key, newer) = (
        MasterKey::generate().unwrap(),
        MasterKey::generate().unwrap(),
    );
    let ring = Keyring::new(&key, []);
    let text = ring.seal_text(&Secret::new("hidden")).unwrap();
    let key_text = key.text();

    let fault = world.fault(&text);
    assert_eq!(fault.what, "is encrypted, and there is no key");
    assert!(fault.remedy.contains("BUSINESS_TOOLS_KEY_FILE"), "{fault}");

    world.write(
        ".env.local",
        &format!("BUSINESS_TOOLS_KEY={}", key_text.expose()),
    );
    assert_eq!(world.find(&text), "hidden");
    assert_eq!(
        world.loader().keyring().unwrap().unwrap().newest(),
        key.id()
    );

    // The process is stronger.
    world.set("BUSINESS_TOOLS_KEY", newer.text().expose());
    let fault = world.fault(&text);
    assert!(fault.what.contains(&key.id().to_string()), "{fault}");
    assert!(fault.remedy.contains("after the newest one"), "{fault}");
    fs::remove_file(world.dir.join(".env.local")).unwrap();

    let both = format!(
        "# new\n{}\n# old\n{}\n",
        newer.text().expose(),
        key_text.expose()
    );
    world.write("keys", &both);
    world.set("BUSINESS_TOOLS_KEY", "");
    world.set("BUSINESS_TOOLS_KEY_FILE", "keys");
    assert_eq!(world.find(&text), "hidden");
    assert_eq!(
        world.loader().keyring().unwrap().unwrap().newest(),
        newer.id()
    );
    let config = world.load(&text).unwrap();
    let origin = &config.origins["providers.acme.credentials.token"];
    assert_eq!(*origin, format!("enc:v1.{}.…", key.id()));
}

#[test]
fn a_key_that_is_none_is_told_and_not_shown() {
    let mut world = World::new();
    let text = Keyring::new(&MasterKey::generate().unwrap(), [])
        .seal_text(&Secret::new("x"))
        .unwrap();
    world.set("BUSINESS_TOOLS_KEY", "CANARY");
    let fault = world.fault(&text);
    assert!(
        fault
            .what
            .contains("BUSINESS_TOOLS_KEY, which is not a key"),
        "{fault}"
    );
    assert!(fault.remedy.contains("secrets keygen"), "{fault}");
    assert!(!fault.to_string().contains("CANARY"));
    assert!(world.loader().keyring().is_err());
    world.set("BUSINESS_TOOLS_KEY", "");
    world.set("BUSINESS_TOOLS_KEY_FILE", "/does/not/exist");
    let fault = world.fault(&text);
    assert!(
        fault
            .what
            .contains("the file of BUSINESS_TOOLS_KEY_FILE, which cannot be read"),
        "{fault}"
    );
    // Without an encrypted value nobody asks for the key.
    world.find("plain");
}

#[test]
fn every_file_of_a_secret_is_one_whose_change_is_seen() {
    let mut world = World::new();
    let key = MasterKey::generate().unwrap();
    let text = Keyring::new(&key, []).seal_text(&Secret::new("x")).unwrap();
    key.write_new(&world.dir.join("keys")).unwrap();
    world.set("BUSINESS_TOOLS_KEY_FILE", "keys");
    world.write("secret", "s");
    for (reference, name) in [("file:secret", "secret"), (text.as_str(), "keys")] {
        world.load(reference).unwrap();
        let (_, seen) = world.loader().load_seen();
        assert!(seen.files().any(|file| file.ends_with(name)), "{name}");
    }
}
