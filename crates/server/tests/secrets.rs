//! Secrets with the real binary: keys, encrypted values, and references of every kind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use business_tools_sandbox::{Running, Sandbox};
use business_tools_testkit::secrets::{Connect, SecretsManager, Vault};
use serde_json::{Value, json};

const BIN: &str = env!("CARGO_BIN_EXE_business-tools-mcp");
const SID: &str = "AC0000000000000000000000000000000a";

/// A folder, and the environment of the commands that run in it.
struct World {
    dir: PathBuf,
    variables: BTreeMap<String, String>,
}

struct Done {
    code: i32,
    out: String,
    err: String,
}

impl World {
    fn new() -> Self {
        let name = format!("business-tools-binary-{}", uuid::Uuid::new_v4());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).unwrap();
        Self {
            dir,
            variables: BTreeMap::new(),
        }
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.insert(name.to_owned(), value.into());
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap()
    }

    /// Runs a command with this on its stdin.
    fn run_with(&self, args: &[&str], stdin: &str) -> Done {
        use std::io::Write as _;
        let mut child = Command::new(BIN)
            .args(args)
            .current_dir(&self.dir)
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let _ = input.write_all(stdin.as_bytes());
        drop(input);
        let output = child.wait_with_output().unwrap();
        Done {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "")
    }

    /// The one line of a command that has to succeed.
    fn line(&self, args: &[&str], stdin: &str) -> String {
        let done = self.run_with(args, stdin);
        assert_eq!(done.code, 0, "{args:?}: {}", done.err);
        assert_eq!(done.out.lines().count(), 1, "{}", done.out);
        done.out.trim_end().to_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn twilio(token: &str) -> String {
    format!(
        "providers:\n  twilio:\n    credentials: {{account_sid: {SID}, auth_token: '{token}'}}\n"
    )
}

#[test]
fn a_value_is_encrypted_and_used() {
    let mut world = World::new();
    let id = world.line(&["secrets", "keygen", "--file", "key"], "");
    assert_eq!(id.len(), 12);
    let refused = world.run(&["secrets", "keygen", "--file", "key"]);
    assert_eq!(refused.code, 2, "a key is not overwritten");

    let none = world.run_with(&["secrets", "encrypt"], "secret");
    assert_eq!(none.code, 2);
    assert!(none.err.contains("BUSINESS_TOOLS_KEY_FILE"), "{}", none.err);

    // The environment files beside the configuration count.
    world.write(".env.local", "BUSINESS_TOOLS_KEY_FILE=key\n");
    let text = world.line(
        &["secrets", "encrypt"],
        "0123456789abcdef0123456789abcdef\n",
    );
    assert!(text.starts_with(&format!("enc:v1.{id}.")), "{text}");
    assert!(
        world
            .run(&["secrets", "encrypt"])
            .err
            .contains("nothing to encrypt")
    );

    world.write("config.yaml", &twilio(&text));
    let check = world.run(&["config", "check"]);
    assert_eq!(check.code, 0, "{}", check.err);
    assert!(check.out.contains("twilio (1 account)"));

    fs::remove_file(world.dir.join(".env.local")).unwrap();
    let key = world.line(&["secrets", "keygen"], "");
    world.set("BUSINESS_TOOLS_KEY", &key);
    let check = world.run(&["config", "check"]);
    assert_eq!(check.code, 2);
    let words = format!("providers.twilio.credentials.auth_token: was encrypted with the key {id}");
    assert!(check.err.contains(&words), "{}", check.err);
    assert!(!check.err.contains(&key[5..]));
}

#[cfg(unix)]
#[test]
fn a_rotation_keeps_comments_permissions_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mut world = World::new();
    let old = world.line(&["secrets", "keygen"], "");
    let new = world.line(&["secrets", "keygen"], "");
    world.set("BUSINESS_TOOLS_KEY", &old);
    let text = world.line(&["secrets", "encrypt"], "0123456789abcdef0123456789abcdef");
    let yaml = format!("# ours, since May\n{}  # the end\n", twilio(&text));
    fs::create_dir(world.dir.join("real")).unwrap();
    world.write("real/config.yaml", &yaml);
    let file = world.dir.join("real/config.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real/config.yaml", world.dir.join("config.yaml")).unwrap();
    world.write(".env.local", &format!("# x\nOTHER={text}\n"));
    world.write("notes.txt", "nothing\n");

    world.set("BUSINESS_TOOLS_KEY", format!("{new},{old}"));
    let files = ["config.yaml", ".env.local", "notes.txt"];
    let done = world.run(&[&["secrets", "rotate"], &files[..]].concat());
    assert_eq!(done.code, 0, "{}", done.err);
    let lines: Vec<&str> = done.out.lines().collect();
    assert!(
        lines[0].starts_with("config.yaml: 1 of 1 values encrypted again"),
        "{}",
        done.out
    );
    assert!(lines[1].starts_with(".env.local: 1 of 1"), "{}", done.out);
    assert_eq!(lines[2], "notes.txt: nothing is encrypted there");

    let rotated = world.read("config.yaml");
    let value = rotated.split('\'').nth(1).unwrap();
    assert_ne!(value, text);
    assert_eq!(rotated.replace(value, &text), yaml, "nothing else changed");
    let meta = fs::symlink_metadata(world.dir.join("config.yaml")).unwrap();
    assert!(meta.is_symlink());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert_eq!(
        fs::read_dir(world.dir.join("real")).unwrap().count(),
        1,
        "no draft is left"
    );

    world.set("BUSINESS_TOOLS_KEY", &new);
    assert_eq!(
        world.run(&["config", "check"]).code,
        0,
        "the old key can go"
    );
    let again = world.line(&["secrets", "rotate"], "");
    assert!(again.contains("0 of 1 values"), "{again}");
}

#[test]
fn a_value_that_does_not_open_stops_a_rotation_of_all_files() {
    let mut world = World::new();
    let (old, new) = (
        world.line(&["secrets", "keygen"], ""),
        world.line(&["secrets", "keygen"], ""),
    );
    world.set("BUSINESS_TOOLS_KEY", &old);
    let text = world.line(&["secrets", "encrypt"], "x");
    let lost = world.line(&["secrets", "keygen"], "");
    world.set("BUSINESS_TOOLS_KEY", &lost);
    let stuck = world.line(&["secrets", "encrypt"], "x");
    world.write("good", &format!("a: {text}\n"));
    world.write("bad", &format!("a: {text}\n\nb: {stuck}\n"));
    world.set("BUSINESS_TOOLS_KEY", format!("{new},{old}"));
    let done = world.run(&["secrets", "rotate", "good", "bad", "absent"]);
    assert_eq!(done.code, 2);
    for words in [
        "nothing was changed",
        "bad line 3: was encrypted with the key",
        "absent: ",
    ] {
        assert!(done.err.contains(words), "{}", done.err);
    }
    assert_eq!(world.read("good"), format!("a: {text}\n"));
}

/// The services, with a secret each, and a configuration that refers to all of them.
async fn services(world: &mut World) -> (Vault, Running) {
    let vault = Vault::default();
    vault
        .role(
            "the-role",
            "CANARY-secret-id",
            std::time::Duration::from_hours(1),
            true,
            Some(1),
        )
        .put("secret", "twilio", json!({"token": "CANARY-vault"}));
    let manager = SecretsManager::new("AKIAIOSFODNN7EXAMPLE", "CANARY-aws-key", None);
    manager.put("prod/twilio", json!({"token": "CANARY-aws"}).to_string());
    let connect = Connect::new("CANARY.connect.token");
    let op = connect.vault("Ops");
    let fields = json!([{"id": "f", "type": "CONCEALED", "label": "token", "value": "CANARY-op"}]);
    connect.item(&op, "Twilio", json!([]), fields);
    let simulators = vec![vault.simulator(), manager.simulator(), connect.simulator()];
    let sandbox = Sandbox::new(simulators)
        .start(([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    for (name, value) in [
        ("VAULT_ADDR", sandbox.base_url("vault")),
        ("VAULT_ROLE_ID", "the-role".to_owned()),
        ("VAULT_SECRET_ID", "file:secret-id".to_owned()),
        ("AWS_ENDPOINT_URL", sandbox.base_url("secretsmanager")),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "CANARY-aws-key".to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("OP_CONNECT_HOST", sandbox.base_url("connect")),
        ("OP_CONNECT_TOKEN", "CANARY.connect.token".to_owned()),
        ("OTHER_TOKEN", "CANARY-env".to_owned()),
        ("TWILIO_ACCOUNT_SID", SID.to_owned()),
        ("TWILIO_AUTH_TOKEN", "vault:secret/twilio#token".to_owned()),
    ] {
        world.set(name, value);
    }
    let key = world.line(&["secrets", "keygen"], "");
    world.set("BUSINESS_TOOLS_KEY", key);
    let enc = world.line(&["secrets", "encrypt"], "CANARY-enc");
    world.write("secret-id", "CANARY-secret-id\n");
    world.write("token", "CANARY-file\n");
    let account = |name: &str, token: &str| {
        format!("      {name}: {{account_sid: {SID}, auth_token: '{token}'}}\n")
    };
    let accounts = [
        account("aws", "aws-sm:prod/twilio#token"),
        account("enc", &enc),
        account("env", "env:OTHER_TOKEN"),
        account("file", "file:token"),
        account("op", "op://Ops/Twilio/token"),
    ];
    let yaml = format!(
        "providers:\n  twilio:\n    accounts:\n{}",
        accounts.concat()
    );
    world.write("config.yaml", &yaml);
    (vault, sandbox)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_of_every_kind_is_followed_shown_and_hidden() {
    let mut world = World::new();
    let (_vault, sandbox) = services(&mut world).await;
    let shown = world.run(&["config", "show"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(!shown.out.contains("CANARY"), "{}", shown.out);
    assert!(!shown.err.contains("CANARY"), "{}", shown.err);
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    let accounts = shown["providers"]["twilio"]["accounts"]
        .as_object()
        .unwrap();
    assert_eq!(accounts.len(), 6, "{shown}");
    assert!(
        accounts
            .values()
            .all(|account| account["auth_token"] == "***"),
        "{shown}"
    );
    let origins = &shown["origins"];
    for (path, origin) in [
        ("credentials.account_sid", "TWILIO_ACCOUNT_SID"),
        (
            "credentials.auth_token",
            "TWILIO_AUTH_TOKEN: vault:secret/twilio#token",
        ),
        ("accounts.aws.auth_token", "aws-sm:prod/twilio#token"),
        ("accounts.env.auth_token", "env:OTHER_TOKEN"),
        ("accounts.file.auth_token", "file:token"),
        ("accounts.op.auth_token", "op://Ops/Twilio/token"),
    ] {
        assert_eq!(
            origins[format!("providers.twilio.{path}")],
            origin,
            "{origins}"
        );
    }
    let enc = origins["providers.twilio.accounts.enc.auth_token"]
        .as_str()
        .unwrap();
    assert!(enc.starts_with("enc:v1.") && enc.ends_with(".…"), "{enc}");
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_tells_every_fault_of_every_service() {
    let mut world = World::new();
    let (vault, sandbox) = services(&mut world).await;
    vault.seal(true);
    world.set("AWS_SECRET_ACCESS_KEY", "CANARY-another");
    world.set("OP_CONNECT_TOKEN", "CANARY.another.token");
    world.set("OTHER_TOKEN", "");
    world.set("BUSINESS_TOOLS_KEY", "CANARY");
    fs::remove_file(world.dir.join("token")).unwrap();
    let check = world.run(&["config", "check"]);
    assert_eq!(check.code, 2, "{}", check.out);
    assert!(
        check.err.contains("the configuration has 6 faults"),
        "{}",
        check.err
    );
    for line in [
        "TWILIO_AUTH_TOKEN: Vault is sealed; unseal it",
        "providers.twilio.accounts.aws.auth_token: AWS refused the credentials; check AWS_ACCESS_KEY_ID",
        "providers.twilio.accounts.enc.auth_token: needs BUSINESS_TOOLS_KEY, which is not a key",
        "providers.twilio.accounts.env.auth_token: refers to a variable that is not set",
        "providers.twilio.accounts.file.auth_token: refers to a file that cannot be read",
        "providers.twilio.accounts.op.auth_token: 1Password Connect refused the token; check OP_CONNECT_TOKEN",
    ] {
        assert!(check.err.contains(line), "{line}\n{}", check.err);
    }
    assert!(!check.err.contains("CANARY"), "{}", check.err);
    sandbox.shutdown().await;
}

/// A server that does not outlive its test, and where it listens.
struct Server(std::process::Child, String);

impl Server {
    fn start(world: &World) -> Self {
        use std::io::{BufRead as _, BufReader};
        let mut child = Command::new(BIN)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(&world.dir)
            .env_clear()
            .envs(&world.variables)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.starts_with("listening on"))
            .expect("the server says where it listens");
        let url = listening
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        let url = url.unwrap().to_owned();
        // The pipe is read to the end, so that a full one never blocks the server.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child, url)
    }

    fn hang_up(&self) {
        let done = Command::new("kill")
            .args(["-HUP", &self.0.id().to_string()])
            .status();
        assert!(done.unwrap().success());
    }

    /// The health page, as soon as its check of secrets says so.
    async fn check(&self, status: &str) -> Value {
        #[allow(clippy::disallowed_methods, reason = "a test is a client of its own")]
        let http = reqwest::Client::new();
        let mut page = Value::Null;
        for _ in 0..200 {
            let answer = http.get(format!("{}/health", self.1)).send().await.unwrap();
            page = answer.json().await.unwrap();
            if page["checks"]["secrets"]["status"] == status {
                return page;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("never {status}: {page}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_goes_down_makes_the_server_degraded_and_takes_nothing_away() {
    let mut world = World::new();
    let (vault, sandbox) = services(&mut world).await;
    // Nothing leaves this machine.
    world.set("TWILIO_BASE_URL", "http://127.0.0.1:1");
    world.set("BUSINESS_TOOLS_HEALTH_INTERVAL", "1s");
    let server = Server::start(&world);
    server.check("healthy").await;
    vault.seal(true);
    server.hang_up();
    let page = server.check("unhealthy").await;
    assert_eq!(page["status"], "degraded", "{page}");
    let row = &page["checks"]["secrets"];
    assert_eq!(row["error"]["message"], "Vault is sealed", "{page}");
    assert!(!page.to_string().contains("CANARY"), "{page}");
    vault.seal(false);
    server.hang_up();
    server.check("healthy").await;
    sandbox.shutdown().await;
}
