//! A world of its own for each test: simulators on loopback, a registry, and everything they say.

use std::sync::Arc;

use business_tools_core::call::cache::CacheStore;
use business_tools_core::policy::Overrides;
use business_tools_core::prometheus::TextEncoder;
use business_tools_core::{
    Cx, DEFAULT_ACCOUNT, Env, Error, Health, Plugin, Principal, Provider, ProviderSettings,
    Registry, Reply, Result, ToolPlugin,
};
use business_tools_sandbox::examples::fill;
use business_tools_sandbox::{FaultRule, Recorded, Running, Sandbox, Simulator};
use serde_json::{Map, Value, json};
use tracing::subscriber::DefaultGuard;

use crate::capture::{self, AuditLines, Buffer};
use crate::{Exchange, Person, Tap};

/// Makes the settings of a simulated account, given the simulator's base URL.
pub type SandboxConfig = fn(&str) -> Map<String, Value>;

/// Connects a provider: [`Plugin::connect`] of one, without its type.
pub type Connect =
    Arc<dyn Fn(&ProviderSettings, &Env) -> Result<Arc<dyn ToolPlugin>> + Send + Sync>;

/// [`Plugin::connect`] of a provider.
pub(crate) fn connect<P: Provider>(
    settings: &ProviderSettings,
    env: &Env,
) -> Result<Arc<dyn ToolPlugin>> {
    Ok(Arc::new(Plugin::<P>::connect(settings, env)?))
}

/// Numbers that let a test of a failure end soon.
fn impatient() -> Value {
    json!({
        "retry": {"base_delay": "1ms", "max_delay": "5ms"},
        // A test of retries must not meet an open circuit.
        "circuit_breaker": {"failure_threshold": 1000},
        "timeouts": {"call": "3s", "attempt": "1s"},
    })
}

/// How a [`World`] is to be.
pub struct WorldBuilder {
    id: &'static str,
    simulator: Simulator,
    config: SandboxConfig,
    fields: Value,
    accounts: Vec<(String, Value)>,
    overrides: Value,
    env: fn(Env) -> Env,
    listens: bool,
    secret: String,
    client: Option<Env>,
}

impl WorldBuilder {
    /// Replaces fields of the default account; `null` takes one away. Texts may have the places `${base_url}`,
    /// `${address}` and `${secret}`.
    pub fn fields(mut self, fields: Value) -> Self {
        self.fields = fields;
        self
    }

    /// Adds an account that differs from the default one in these fields.
    pub fn account(mut self, name: &str, fields: Value) -> Self {
        self.accounts.push((name.to_owned(), fields));
        self
    }

    /// Replaces operator's numbers, as they stand in a provider block of the configuration.
    pub fn overrides(mut self, overrides: Value) -> Self {
        merge(&mut self.overrides, &overrides);
        self
    }

    /// Changes the world before it begins.
    pub fn env(mut self, change: fn(Env) -> Env) -> Self {
        self.env = change;
        self
    }

    /// What stands in the place `${secret}` of fields.
    pub fn secret(mut self, text: impl Into<String>) -> Self {
        self.secret = text.into();
        self
    }

    /// Uses the HTTP client of another world that lives on the same runtime.
    pub fn client_of(mut self, other: &Env) -> Self {
        self.client = Some(other.clone());
        self
    }

    /// Does not keep the log: several worlds of one thread would fight for it.
    pub fn quiet(mut self) -> Self {
        self.listens = false;
        self
    }

    /// Begins it.
    pub async fn start<P: Provider>(self) -> World {
        self.try_start::<P>()
            .await
            .expect("the provider connects to its simulator")
    }

    /// Begins it, with an error if the provider refuses its settings.
    ///
    /// # Errors
    /// That of the provider.
    pub async fn try_start<P: Provider>(self) -> Result<World> {
        self.try_start_with(Arc::new(connect::<P>)).await
    }

    /// Begins it with a provider whose type is not known here.
    ///
    /// # Errors
    /// That of the provider.
    pub async fn try_start_with(self, connect: Connect) -> Result<World> {
        let log = Buffer::default();
        let guard = self.listens.then(|| capture::log(&log));
        let tap = Tap::default();
        let sandbox = Sandbox::new(vec![tap.on(self.simulator)])
            .start(([127, 0, 0, 1], 0).into())
            .await
            .expect("loopback has a free port");
        let base_url = sandbox.base_url(self.id);
        let mut known = places(&base_url);
        known.insert("secret".into(), self.secret.into());
        let filled = |fields: &Value| fill(fields, &known).expect("the fields have known places");
        let account = |fields: &Value| {
            let mut account = Value::Object((self.config)(&base_url));
            merge(&mut account, &filled(&self.fields));
            merge(&mut account, &filled(fields));
            match account {
                Value::Object(account) => account,
                _ => Map::new(),
            }
        };
        let default = (DEFAULT_ACCOUNT.to_owned(), account(&json!({})));
        let named = self.accounts.iter();
        let named = named.map(|(name, fields)| (name.clone(), account(fields)));
        let settings = ProviderSettings {
            overrides: serde_json::from_value::<Overrides>(self.overrides)
                .expect("the overrides are those of a provider block"),
            accounts: std::iter::once(default).chain(named).collect(),
            ..ProviderSettings::default()
        };
        let audit = AuditLines::default();
        let mut env = (self.env)(Env::alone().audit(Arc::new(audit.clone())));
        if let Some(other) = &self.client {
            env = env.client_of(other);
        }
        let registry = Registry::new(env);
        registry.add(connect(&settings, registry.env())?)?;
        Ok(World {
            registry,
            sandbox,
            settings,
            connect,
            id: self.id,
            tap,
            audit,
            log,
            _guard: guard,
        })
    }
}

/// What texts may name of a simulator.
pub(crate) fn places(base_url: &str) -> Map<String, Value> {
    let address = base_url.rsplit("://").next().unwrap_or(base_url);
    let places = [("base_url", base_url), ("address", address)];
    let places = places.into_iter();
    places
        .map(|(name, text)| (name.to_owned(), text.into()))
        .collect()
}

/// Puts the members of `from` over those of `into`, in depth; `null` takes a member away.
pub(crate) fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                if value.is_null() {
                    into.remove(key);
                } else {
                    merge(into.entry(key.as_str()).or_insert(Value::Null), value);
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// A sandbox, a registry with one provider, and all that they say. Ends when it is dropped.
///
/// It listens to what its own thread logs, so a test with a world runs on a runtime of one thread, as
/// `#[tokio::test]` does.
pub struct World {
    /// The registry.
    pub registry: Registry,
    /// The sandbox.
    pub sandbox: Running,
    id: &'static str,
    settings: ProviderSettings,
    connect: Connect,
    tap: Tap,
    audit: AuditLines,
    log: Buffer,
    _guard: Option<DefaultGuard>,
}

impl World {
    /// A world with the provider that this simulator is of.
    pub fn of(simulator: Simulator, config: SandboxConfig) -> WorldBuilder {
        WorldBuilder {
            id: simulator.id(),
            simulator,
            config,
            fields: json!({}),
            accounts: Vec::new(),
            overrides: impatient(),
            env: |env| env,
            listens: true,
            secret: String::new(),
            client: None,
        }
    }

    /// Another registry for the same accounts, which caches nothing, asks nobody and has the provider's own time. What is prepared with it
    /// leaves no trace in this world's own metrics, audit, cache and circuits.
    ///
    /// # Errors
    /// That of the provider.
    pub fn backstage(&self) -> Result<Registry> {
        let mut env = Env::alone().client_of(self.registry.env());
        env.cache = CacheStore::in_memory(0);
        env.files = self.registry.env().files.clone();
        env.artifacts = self.registry.env().artifacts.clone();
        env.auto_confirm = true;
        let mut settings = self.settings.clone();
        settings.overrides = Overrides::default();
        let registry = Registry::new(env);
        registry.add((self.connect)(&settings, registry.env())?)?;
        Ok(registry)
    }

    /// Calls a tool as the local user, with nobody to ask.
    ///
    /// # Errors
    /// That of the call.
    pub async fn call(&self, tool: &str, args: Value) -> Result<Value> {
        self.call_in(tool, args, Cx::local())
            .await
            .map(|reply| reply.value)
    }

    /// Calls a tool with this person behind the client.
    ///
    /// # Errors
    /// That of the call.
    pub async fn call_with(&self, person: &Person, tool: &str, args: Value) -> Result<Value> {
        let cx = Cx::builder(Principal::local())
            .asker(person.clone())
            .build();
        self.call_in(tool, args, cx).await.map(|reply| reply.value)
    }

    /// Calls a tool in a context.
    ///
    /// # Errors
    /// That of the call.
    pub async fn call_in(&self, tool: &str, args: Value, cx: Cx) -> Result<Reply> {
        let Value::Object(args) = args else {
            panic!("arguments are an object, not {args}");
        };
        self.registry.call(tool, args, cx).await
    }

    /// The result of a call that must work.
    pub async fn ok(&self, tool: &str, args: Value) -> Value {
        match self.call(tool, args).await {
            Ok(value) => value,
            Err(error) => panic!("{tool} failed: {error:?}"),
        }
    }

    /// The error of a call that must fail.
    pub async fn err(&self, tool: &str, args: Value) -> Error {
        match self.call(tool, args).await {
            Ok(value) => panic!("{tool} worked: {value}"),
            Err(error) => error,
        }
    }

    /// Arms a fault, as `POST /_sandbox/faults` takes it; `provider` is filled in.
    pub fn fault(&self, mut rule: Value) {
        rule["provider"] = self.id.into();
        let rule: FaultRule =
            serde_json::from_value(rule).expect("a fault as the sandbox takes it");
        self.sandbox.switchboard().inject(rule);
    }

    /// Takes every fault away.
    pub fn heal(&self) {
        self.sandbox.switchboard().clear(None);
    }

    /// What arrived, secrets masked, as `GET /_sandbox/requests` shows it.
    pub fn requests(&self) -> Vec<Recorded> {
        let board = self.sandbox.switchboard();
        board.requests(Some(self.id))
    }

    /// What arrived last.
    pub fn last_request(&self) -> Recorded {
        self.requests().pop().expect("a request arrived")
    }

    /// Forgets what arrived.
    pub fn forget_requests(&self) {
        self.sandbox.switchboard().clear_requests();
    }

    /// Requests with their answers, where no fault kept the simulator from answering.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.tap.exchanges()
    }

    /// The audit lines.
    pub fn audit(&self) -> Vec<Value> {
        self.audit.lines()
    }

    /// The log of this thread.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The metrics page.
    pub fn metrics(&self) -> String {
        let families = self.registry.env().metrics.registry().gather();
        TextEncoder::new()
            .encode_to_string(&families)
            .expect("metrics are text")
    }

    /// The health of the provider's default account.
    pub async fn health(&self) -> Health {
        let plugins = self.registry.plugins();
        let plugin = plugins.first().expect("a world has a provider");
        plugin.health(&Cx::local()).await
    }
}
