//! Providers and plugins: a provider is written against [`Provider`], the registry sees [`ToolPlugin`].

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::cx::Cx;
use crate::egress::Upstream;
use crate::error::{Error, Kind, Result};
use crate::policy::Policy;
use crate::schema::ArgumentsSchema;
use crate::tool::{Spec, ToolDef};

/// The name of the account that a call goes to when it names none.
pub const DEFAULT_ACCOUNT: &str = "default";

/// An environment variable that fills a field of a provider's configuration.
#[derive(Debug, Clone, Copy)]
pub struct EnvVar {
    /// The provider's own customary name, `TWILIO_ACCOUNT_SID`.
    pub name: &'static str,
    /// The field of the provider's configuration.
    pub field: &'static str,
}

/// What a provider is, apart from its tools.
#[derive(Debug)]
pub struct Info {
    /// `twilio`: crate, feature, configuration block and metric label.
    pub id: &'static str,
    /// As people write it.
    pub title: &'static str,
    /// One sentence for lists.
    pub summary: &'static str,
    /// The provider's documentation.
    pub docs: &'static str,
    /// Its limits.
    pub policy: Policy,
    /// The environment variables that fill its configuration, strongest last.
    pub env: &'static [EnvVar],
    /// Fields of the configuration that are credentials; `accounts.NAME` holds the same.
    pub credentials: &'static [&'static str],
    /// What to say when the credentials are refused: names the settings.
    pub auth_hint: &'static str,
    /// What to say when nothing is configured: names the settings.
    pub setup_hint: &'static str,
}

impl Info {
    /// `mongodb`: its name in health and in the label `service` of the metrics.
    pub fn service(&self) -> String {
        service_of(self.title)
    }
}

pub(crate) fn service_of(title: &str) -> String {
    title.to_lowercase().replace(' ', "_")
}

/// What a health check found.
#[derive(Debug, Clone)]
pub struct Health {
    /// Whether the provider can be used.
    pub ok: bool,
    /// What is wrong, when it cannot.
    pub error: Option<Error>,
    /// How long the check took.
    pub latency: Duration,
}

/// One provider, connected as one account.
pub trait Provider: Sized + Send + Sync + 'static {
    /// Its configuration: credentials and settings of one account, `deny_unknown_fields`.
    type Config: DeserializeOwned + schemars::JsonSchema + Send;
    /// Who it is and what it bears.
    const INFO: Info;
    /// Its tools, in listing order.
    const TOOLS: &'static [ToolDef<Self>];

    /// Rules of the settings that their schema cannot say, told when a configuration is read. They hold in
    /// [`Provider::connect`] as well, for those who bring settings of their own.
    fn check(config: &Self::Config) -> Result<()> {
        let _ = config;
        Ok(())
    }

    /// Builds the client. Opens no connection: that happens with the first call.
    fn connect(config: Self::Config, upstream: Upstream) -> Result<Self>;

    /// The cheapest request that proves the credentials.
    fn health(&self, cx: &Cx) -> impl Future<Output = Result<()>> + Send;
}

/// A tool as the registry and the transports see it.
#[derive(Debug, PartialEq)]
pub struct ToolInfo {
    /// Name, effect and policy.
    pub spec: &'static Spec,
    /// What the model reads.
    pub description: String,
    /// The JSON Schema of the arguments, the common ones (`account`, `dry_run`, …) included.
    pub schema: ArgumentsSchema,
}

/// The object-safe face of everything that has tools.
#[async_trait]
pub trait ToolPlugin: Any + Send + Sync {
    /// `twilio`.
    fn name(&self) -> &str;

    /// The version of the plugin.
    fn version(&self) -> &str;

    /// Who the provider is.
    fn info(&self) -> &'static Info;

    /// The policy in force: the provider's, with the operator's numbers.
    fn policy(&self) -> &Policy;

    /// How long a cached read is served.
    fn cache_ttl(&self, spec: &Spec) -> Duration {
        Duration::from_secs(spec.cache_secs)
    }

    /// Tells results of one account's settings from those of others, in every process alike. It is made of secrets:
    /// for hashes, and for nobody to see.
    fn settings_mark<'a>(&'a self, account: &str) -> &'a str {
        let _ = account;
        ""
    }

    /// The tools, made at the first call and kept.
    fn tools(&self) -> &[Arc<ToolInfo>];

    /// The names of the accounts; never empty.
    fn accounts(&self) -> Vec<&str>;

    /// Checks the rules across fields, and gives the question a person must answer first, if any.
    fn check(&self, tool: &str, args: &Value) -> Result<Option<String>>;

    /// Runs a tool with valid arguments.
    async fn call(&self, tool: &str, args: Value, cx: Cx) -> Result<Value>;

    /// The cheapest request that proves an account's credentials.
    async fn health(&self, cx: &Cx) -> Health;
}

/// A compiled provider as a plugin, with its accounts.
pub struct Plugin<P: Provider> {
    accounts: BTreeMap<String, Account<P>>,
    policy: Policy,
    cache_ttl: BTreeMap<String, Duration>,
    tools: OnceLock<Vec<Arc<ToolInfo>>>,
}

struct Account<P> {
    provider: Arc<P>,
    /// Of the settings it was connected with.
    mark: Arc<str>,
}

impl<P> Clone for Account<P> {
    fn clone(&self) -> Self {
        Self {
            provider: Arc::clone(&self.provider),
            mark: Arc::clone(&self.mark),
        }
    }
}

impl<P: Provider> Plugin<P> {
    /// Connects every account of a provider.
    ///
    /// # Errors
    /// `INVALID_ARGUMENTS` naming the field of the configuration that is wrong.
    pub fn connect(settings: &ProviderSettings, env: &crate::Env) -> Result<Self> {
        Self::connect_after(None, settings, env)
    }

    /// The plugin for new settings: the very same when they did not change, and one that shares the accounts that
    /// did not. With an account its pools, limits and circuit keep their state.
    ///
    /// # Errors
    /// As [`Plugin::connect`]; the old plugin is as good as before then.
    pub fn reconnect(
        self: &Arc<Self>,
        settings: &ProviderSettings,
        env: &crate::Env,
    ) -> Result<Arc<Self>> {
        let next = Self::connect_after(Some(self), settings, env)?;
        let kept = |(name, account): (&String, &Account<P>)| {
            let next = next.accounts.get(name);
            next.is_some_and(|next| Arc::ptr_eq(&next.provider, &account.provider))
        };
        let same = self.accounts.len() == next.accounts.len()
            && self.accounts.iter().all(kept)
            && self.cache_ttl == next.cache_ttl;
        Ok(if same {
            Arc::clone(self)
        } else {
            Arc::new(next)
        })
    }

    fn connect_after(
        before: Option<&Self>,
        settings: &ProviderSettings,
        env: &crate::Env,
    ) -> Result<Self> {
        let policy = P::INFO.policy.clone().with(&settings.overrides);
        // Limits and circuits follow the policy, so that another one needs new ones.
        let before = before.filter(|before| before.policy == policy);
        let mut accounts = BTreeMap::new();
        for (name, fields) in &settings.accounts {
            let mark = mark(fields);
            if let Some(same) = before
                .and_then(|before| before.accounts.get(name))
                .filter(|account| account.mark == mark)
            {
                accounts.insert(name.clone(), same.clone());
                continue;
            }
            let at = |error: Error| error.provider(P::INFO.id).detail("account", name.as_str());
            let config = serde_path_to_error::deserialize(Value::Object(fields.clone())).map_err(
                |error| {
                    // The setting itself: what is inside may have names that are values, in the wrong place.
                    let path = error.path().to_string();
                    let path = path.split(['.', '[']).next().unwrap_or_default();
                    let what = crate::error::without_values(&error.into_inner().to_string());
                    at(Error::new(
                        Kind::NotConfigured,
                        format!("providers.{}: {path}: {what}", P::INFO.id),
                    )
                    .hint(P::INFO.setup_hint))
                },
            )?;
            let upstream = Upstream::new(&P::INFO, policy.clone(), env.clone());
            let provider = Arc::new(P::connect(config, upstream).map_err(at)?);
            let account = Account { provider, mark };
            accounts.insert(name.clone(), account);
        }
        if accounts.is_empty() {
            return Err(Error::new(
                Kind::NotConfigured,
                format!("{} is not configured", P::INFO.title),
            )
            .provider(P::INFO.id)
            .hint(P::INFO.setup_hint));
        }
        let cache_ttl = settings.cache_ttl.clone();
        Ok(Self {
            accounts,
            policy,
            cache_ttl,
            tools: OnceLock::new(),
        })
    }

    fn find(&self, name: &str) -> Option<&Account<P>> {
        // A provider that has named accounts only, and just one, needs no name in the call.
        match self.accounts.get(name) {
            None if name == DEFAULT_ACCOUNT && self.accounts.len() == 1 => {
                self.accounts.values().next()
            }
            found => found,
        }
    }

    fn account(&self, name: &str) -> Result<&Arc<P>> {
        let found = self.find(name);
        found.map(|account| &account.provider).ok_or_else(|| {
            let known = self
                .accounts
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            Error::argument(
                "/account",
                format!("there is no account `{name}`; there is: {known}"),
            )
        })
    }

    fn def(tool: &str) -> Result<&'static ToolDef<P>> {
        P::TOOLS
            .iter()
            .find(|def| def.spec.name == tool)
            .ok_or_else(|| Error::new(Kind::ToolNotFound, format!("There is no tool `{tool}`")))
    }
}

#[async_trait]
impl<P: Provider> ToolPlugin for Plugin<P> {
    fn name(&self) -> &str {
        P::INFO.id
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn info(&self) -> &'static Info {
        const { &P::INFO }
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn cache_ttl(&self, spec: &Spec) -> Duration {
        let set = self
            .cache_ttl
            .get(spec.name)
            .or_else(|| self.cache_ttl.get(spec.cache_class));
        set.copied().unwrap_or(Duration::from_secs(spec.cache_secs))
    }

    fn settings_mark<'a>(&'a self, account: &str) -> &'a str {
        self.find(account).map_or("", |account| &account.mark)
    }

    fn tools(&self) -> &[Arc<ToolInfo>] {
        self.tools.get_or_init(|| {
            let accounts = self.accounts();
            P::TOOLS
                .iter()
                .map(|def| {
                    Arc::new(crate::schema::tool_info(
                        def.spec,
                        (def.schema)(),
                        &accounts,
                    ))
                })
                .collect()
        })
    }

    fn accounts(&self) -> Vec<&str> {
        self.accounts.keys().map(String::as_str).collect()
    }

    fn check(&self, tool: &str, args: &Value) -> Result<Option<String>> {
        (Self::def(tool)?.check)(args)
    }

    async fn call(&self, tool: &str, args: Value, cx: Cx) -> Result<Value> {
        let provider = Arc::clone(self.account(cx.account())?);
        (Self::def(tool)?.run)(provider, args, cx)
            .await
            .map_err(|error| error.provider(P::INFO.id))
    }

    async fn health(&self, cx: &Cx) -> Health {
        let started = tokio::time::Instant::now();
        let outcome = match self.account(cx.account()) {
            Ok(provider) => provider.health(cx).await,
            Err(error) => Err(error),
        };
        let error = outcome.err().map(|error| error.provider(P::INFO.id));
        Health {
            ok: error.is_none(),
            error,
            latency: started.elapsed(),
        }
    }
}

/// Tells settings apart without keeping them: they hold secrets. The same settings have the same mark in every process
/// and at any time.
fn mark(fields: &Map<String, Value>) -> Arc<str> {
    use base64::Engine as _;
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(b"results of reads");
    let mut names: Vec<_> = fields.keys().collect();
    names.sort();
    for name in names {
        let value = fields[name].to_string();
        for part in [name, &value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    let mark = base64::engine::general_purpose::STANDARD_NO_PAD.encode(hash.finalize());
    mark.into()
}

/// A provider block of the configuration, sorted out: what is common, and the fields of each account.
#[derive(Clone, Default)]
pub struct ProviderSettings {
    /// The operator's numbers.
    pub overrides: crate::policy::Overrides,
    /// Cache times by class, in place of the tools' own.
    pub cache_ttl: BTreeMap<String, Duration>,
    /// The fields of [`Provider::Config`], by account name.
    pub accounts: BTreeMap<String, Map<String, Value>>,
}

impl fmt::Debug for ProviderSettings {
    /// Names the fields and shows no value: any of them may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts: BTreeMap<_, Vec<_>> = self
            .accounts
            .iter()
            .map(|(name, fields)| (name, fields.keys().collect()))
            .collect();
        f.debug_struct("ProviderSettings")
            .field("overrides", &self.overrides)
            .field("cache_ttl", &self.cache_ttl)
            .field("accounts", &accounts)
            .finish()
    }
}

impl ProviderSettings {
    /// One account called `default`, everything else as the provider has it.
    pub fn single(fields: Map<String, Value>) -> Self {
        Self {
            accounts: BTreeMap::from([(DEFAULT_ACCOUNT.to_owned(), fields)]),
            ..Self::default()
        }
    }
}
