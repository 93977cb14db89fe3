//! Secrets that a configuration refers to, over HTTP against the simulators of the services that keep them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "this is test code"
)]

mod aws;
mod canary;
mod connect;
mod keeper;
mod vault;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use business_tools_core::config::{Config, Fault, KnownProvider, Loader, Report};
use business_tools_core::secrets::Secrets;
use business_tools_core::{
    Cx, Env, EnvVar, Info, Policy, Provider, Result, Secret, ToolDef, Upstream,
};
use business_tools_sandbox::{FaultRule, Running, Sandbox, Simulator};
use business_tools_testkit::capture::{self, Buffer};
use schemars::JsonSchema;
use serde::Deserialize;
use tracing::subscriber::DefaultGuard;

/// A provider with two credentials.
struct Acme;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AcmeConfig {
    #[serde(rename = "token")]
    _token: Secret,
    #[serde(rename = "key")]
    _key: Option<Secret>,
}

impl Provider for Acme {
    type Config = AcmeConfig;
    const INFO: Info = Info {
        id: "acme",
        title: "Acme",
        summary: "Nothing.",
        docs: "",
        policy: Policy::DEFAULT,
        env: &[EnvVar {
            name: "ACME_TOKEN",
            field: "token",
        }],
        credentials: &["token", "key"],
        auth_hint: "Check ACME_TOKEN",
        setup_hint: "Set ACME_TOKEN",
    };
    const TOOLS: &'static [ToolDef<Self>] = &[];

    fn connect(_: AcmeConfig, _: Upstream) -> Result<Self> {
        Ok(Self)
    }

    async fn health(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}

/// A process with its environment, beside the services that it asks.
struct World {
    secrets: Secrets,
    variables: BTreeMap<String, String>,
    dir: PathBuf,
    sandbox: Running,
    log: Buffer,
    _guard: DefaultGuard,
}

impl World {
    async fn new(simulator: Simulator) -> Self {
        Self::of(vec![simulator]).await
    }

    async fn of(simulators: Vec<Simulator>) -> Self {
        let log = Buffer::default();
        let guard = capture::log(&log);
        let dir = std::env::temp_dir().join(format!("secrets-{:016x}", rand()));
        std::fs::create_dir(&dir).unwrap();
        let sandbox = Sandbox::new(simulators).start(([127, 0, 0, 1], 0).into());
        Self {
            secrets: Secrets::new(Env::alone()),
            variables: BTreeMap::new(),
            dir,
            sandbox: sandbox.await.unwrap(),
            log,
            _guard: guard,
        }
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.insert(name.to_owned(), value.into());
    }

    fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    fn url(&self, service: &str) -> String {
        self.sandbox.base_url(service)
    }

    /// Writes the configuration: the two credentials of the default account.
    fn write(&self, token: &str, key: Option<&str>) {
        let key = key.map_or_else(String::new, |key| format!(", key: '{key}'"));
        let yaml = format!("providers: {{acme: {{credentials: {{token: '{token}'{key}}}}}}}");
        std::fs::write(self.dir.join("config.yaml"), yaml).unwrap();
    }

    async fn load(&self) -> Result<Config, Report> {
        let (loaded, _) = Loader::new(self.variables.clone())
            .dir(&self.dir)
            .providers([KnownProvider::of::<Acme>()])
            .load_with(&self.secrets)
            .await;
        loaded
    }

    /// The secret that a reference leads to.
    async fn find(&self, reference: &str) -> String {
        self.write(reference, None);
        let config = self.load().await;
        token(&config.unwrap_or_else(|report| panic!("{reference}: {report}")))
    }

    /// The one fault of a reference.
    async fn fault(&self, reference: &str) -> Fault {
        self.write(reference, None);
        let report = self.load().await.unwrap_err();
        let [fault] = report.faults() else {
            panic!("{reference}: {report}");
        };
        assert_eq!(fault.path, "providers.acme.credentials.token");
        fault.clone()
    }

    /// That a fault has these words in what is wrong and in what would be right.
    async fn refused(&self, reference: &str, what: &str, remedy: &str) {
        let fault = self.fault(reference).await;
        assert!(fault.what.contains(what), "{reference}: {fault:?}");
        assert!(fault.remedy.contains(remedy), "{reference}: {fault:?}");
    }

    /// How often a path of a service was asked for.
    fn count(&self, service: &str, path: &str) -> usize {
        let requests = self.sandbox.switchboard().requests(Some(service));
        requests.iter().filter(|one| one.path == path).count()
    }

    fn breaks(&self, rule: FaultRule) {
        self.sandbox.switchboard().inject(rule);
    }

    fn heal(&self) {
        self.sandbox.switchboard().clear(None);
    }

    /// Whether the one service in use is well.
    fn is_well(&self) -> bool {
        let health = self.secrets.health();
        let [health] = health.values().collect::<Vec<_>>()[..] else {
            panic!("{health:?}");
        };
        assert_eq!(health.ok, health.error.is_none());
        health.ok
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn rand() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

fn token(config: &Config) -> String {
    let account = &config.providers["acme"].settings.accounts["default"];
    account["token"].as_str().unwrap().to_owned()
}

/// Lets time pass at once.
async fn later(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}
