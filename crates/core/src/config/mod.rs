//! The configuration: built-in defaults, `config.yaml`, `.env.<environment>`, `.env.local`, the process
//! environment, each stronger than the one before. Flags are applied by whoever has a command line.
//!
//! This is the one place that reads the environment of the process. Everything is checked at load, and every
//! fault is told at once: where, what, and what would be right. A fault never quotes a value, because any
//! value may be a secret.

mod auth;
mod content;
mod fit;
mod load;
mod places;
mod provider;
mod refer;
mod report;
mod schema;
mod seen;
mod shown;
mod state;
mod telemetry;
mod text;
mod unsafe_settings;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use auth::{ApiKey, AuthBlock, KeyBlock};
pub use content::ContentBlock;
pub use load::Loader;
pub use provider::{KnownProvider, ProviderBlock};
pub use report::{Fault, Place, Report};
pub use schema::schema;
pub use seen::Seen;
pub use shown::Change;
pub use state::{Masked, RedisBlock, StateBlock, StoreKind, TopologyKind};
pub use telemetry::{OtlpBlock, TelemetryBlock};
pub use unsafe_settings::{Circumstances, Unsafe};

use crate::policy::{ConnectionRules, Span, secs};
use crate::registry::Selection;
use crate::secret::seal::Keyring;

/// The configuration of one process, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// `development`, `staging`, `production` or a name of the operator's own.
    pub environment: String,
    /// The keys of the project, which seal what the process keeps, if the operator gave any. What is wrong with them
    /// matters to whoever needs them.
    pub keys: Result<Option<Keyring>, Report>,
    /// The provider blocks, by provider: one for each that the file or the environment mentions.
    pub providers: BTreeMap<String, ProviderBlock>,
    /// The HTTP server.
    pub server: ServerBlock,
    /// Which tools there are.
    pub selection: Selection,
    /// Whether three constant tools stand for the whole list.
    pub catalog: bool,
    /// Whether a person is asked before something is destroyed.
    pub confirm: Confirmation,
    /// The record of calls.
    pub audit: AuditBlock,
    /// The log.
    pub log: LogBlock,
    /// The metrics.
    pub metrics: MetricsBlock,
    /// Where traces and metrics are sent.
    pub telemetry: TelemetryBlock,
    /// The results of cached reads.
    pub cache: CacheBlock,
    /// The connections to providers whose block says nothing else.
    pub connections: ConnectionRules,
    /// The results of calls.
    pub results: ResultsBlock,
    /// What callers may bring along, and where goes what tools make.
    pub content: ContentBlock,
    /// The folder for the data of this program and this user.
    pub data_dir: Option<PathBuf>,
    /// The background checks of the providers.
    pub health: HealthBlock,
    /// What outlives a call.
    pub state: StateBlock,
    /// The secrets that the file refers to.
    pub secrets: SecretsBlock,
    /// Where every value came from that is not the built-in one, by its path: `config.yaml line 7`,
    /// `BUSINESS_TOOLS_LISTEN (.env.local line 3)`, `TWILIO_AUTH_TOKEN: vault:secret/x#y`, `file:/run/secrets/x`.
    pub origins: BTreeMap<String, String>,
    /// How a changed configuration is noticed.
    pub reload: ReloadBlock,
    /// What may be unsafe although the environment is `production`.
    pub allow_unsafe: Vec<Unsafe>,
    /// What is odd and not wrong, for the log.
    pub warnings: Vec<Fault>,
}

/// The file itself, without the provider blocks.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct File {
    /// Chooses `.env.<environment>`: development, staging, production, or a name of your own.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,31}$"))]
    environment: Option<String>,
    /// One block for each provider.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    #[serde(rename = "providers")]
    _providers: serde::de::IgnoredAny,
    /// The HTTP server.
    server: ServerBlock,
    /// Only the tools of these providers; empty means all.
    toolsets: Vec<String>,
    /// Only these tools, beside those of the toolsets.
    tools: Vec<String>,
    /// Providers and tools that are left out, whatever selects them.
    exclude: Vec<String>,
    /// Only tools that read.
    read_only: bool,
    /// List three constant tools (search, describe, call) in place of all.
    catalog: bool,
    /// Whether a person is asked before something is destroyed.
    confirm: Confirmation,
    /// The record of calls.
    audit: AuditBlock,
    /// The log.
    log: LogBlock,
    /// The metrics.
    metrics: MetricsBlock,
    /// Where traces and metrics are sent.
    telemetry: TelemetryBlock,
    /// The results of cached reads.
    cache: CacheBlock,
    /// The connections to providers whose block says nothing else.
    connections: ConnectionRules,
    /// The results of calls.
    results: ResultsBlock,
    /// What callers may bring along, and where goes what tools make.
    content: ContentBlock,
    /// The background checks of the providers.
    health: HealthBlock,
    /// What outlives a call.
    state: StateBlock,
    /// The secrets that this file refers to.
    secrets: SecretsBlock,
    /// How a changed configuration is noticed while the server runs.
    reload: ReloadBlock,
    /// What may be unsafe although the environment is `production`.
    allow_unsafe: Vec<Unsafe>,
}

/// `server`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerBlock {
    /// Address and port, `127.0.0.1:8080`; port 0 takes any free one.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "listen_address")]
    pub listen: SocketAddr,
    /// Names that a `Host` header may have beside those of the loopback interface.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call, `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// Who may come in.
    pub auth: AuthBlock,
    /// Serve an address that others can reach although nobody has to authenticate.
    pub allow_unauthenticated: bool,
    /// Sessions for clients of protocol generations up to 2025-11-25.
    pub legacy_sessions: bool,
    /// The largest request body, in bytes.
    #[schemars(range(min = 1024))]
    pub max_body_bytes: usize,
    /// Calls that run at once; more are refused.
    #[schemars(range(min = 1))]
    pub max_concurrent_calls: usize,
    /// How long running calls may go on after the signal to stop.
    pub shutdown_grace: Span,
}

impl Default for ServerBlock {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            auth: AuthBlock::default(),
            allow_unauthenticated: false,
            legacy_sessions: true,
            max_body_bytes: 4 << 20,
            max_concurrent_calls: 16_384,
            shutdown_grace: Span(secs(20)),
        }
    }
}

fn listen_address<'de, D: serde::Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(from)?;
    let plain = text.replacen("localhost:", "127.0.0.1:", 1);
    plain.parse().map_err(|_| {
        serde::de::Error::custom("must be an address and a port, such as 127.0.0.1:8080")
    })
}

/// `confirm`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// A person is asked before something is destroyed.
    #[default]
    Ask,
    /// Nobody is asked: for trusted automation only.
    Auto,
}

/// `audit`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditBlock {
    /// Where one JSON line an event is appended; without it the log alone tells.
    #[schemars(with = "Option<String>")]
    pub file: Option<PathBuf>,
    /// The size at which the file is put aside as `file.1` and a new one begun; 0 lets it grow.
    pub max_bytes: u64,
    /// How many files that were put aside are kept.
    #[schemars(range(max = 1000))]
    pub keep: u32,
    /// Whether the lines go to stdout, for containers whose output is collected. Not for `stdio`.
    pub stdout: bool,
}

impl Default for AuditBlock {
    fn default() -> Self {
        Self {
            file: None,
            max_bytes: 100 << 20,
            keep: 10,
            stdout: false,
        }
    }
}

/// `log`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogBlock {
    /// error, warn, info, debug, trace or off; also for single parts: `info,business_tools_core=debug`.
    #[schemars(length(min = 1))]
    pub level: String,
    /// For people, or one JSON object a line.
    pub format: LogFormat,
}

impl Default for LogBlock {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Pretty,
        }
    }
}

/// `log.format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line.
    Json,
}

/// `metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsBlock {
    /// Whether `/metrics` is served.
    pub enabled: bool,
}

impl Default for MetricsBlock {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// `cache`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheBlock {
    /// The most that cached results take, in bytes of JSON; 0 caches nothing.
    pub max_bytes: u64,
}

impl Default for CacheBlock {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
        }
    }
}

/// `results`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResultsBlock {
    /// The largest result of a call, in bytes of JSON.
    #[schemars(range(min = 4096))]
    pub max_bytes: usize,
}

impl Default for ResultsBlock {
    fn default() -> Self {
        Self {
            max_bytes: crate::page::MAX_RESULT,
        }
    }
}

/// `health`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HealthBlock {
    /// About how often every provider is checked.
    pub interval: Span,
    /// How long one check may take.
    pub timeout: Span,
    /// A check that takes longer is told as slow.
    pub slow: Span,
}

impl Default for HealthBlock {
    fn default() -> Self {
        Self {
            interval: Span(secs(30)),
            timeout: Span(secs(10)),
            slow: Span(secs(2)),
        }
    }
}

/// `reload`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReloadBlock {
    /// Whether the files are looked at for changes; SIGHUP loads them again in any case.
    pub watch: bool,
    /// How often they are looked at.
    pub interval: Span,
}

impl Default for ReloadBlock {
    fn default() -> Self {
        Self {
            watch: true,
            interval: Span(secs(2)),
        }
    }
}

/// `secrets`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecretsBlock {
    /// About how often secrets in Vault, AWS Secrets Manager and 1Password are fetched again; 0 never.
    pub refresh: Span,
}

impl Default for SecretsBlock {
    fn default() -> Self {
        Self {
            refresh: Span(Duration::from_mins(5)),
        }
    }
}

/// An environment variable of the project's own and the setting it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// `BUSINESS_TOOLS_LISTEN`.
    pub name: &'static str,
    /// `server.listen`.
    pub setting: &'static str,
}

/// The prefix of the project's own variables.
pub const PREFIX: &str = "BUSINESS_TOOLS_";

/// Every setting that has an environment variable. Lists are separated by commas.
pub const VARIABLES: &[Variable] = {
    const fn var(name: &'static str, setting: &'static str) -> Variable {
        Variable { name, setting }
    }
    &[
        var("BUSINESS_TOOLS_LISTEN", "server.listen"),
        var("BUSINESS_TOOLS_ALLOWED_HOSTS", "server.allowed_hosts"),
        var("BUSINESS_TOOLS_ALLOWED_ORIGINS", "server.allowed_origins"),
        var("BUSINESS_TOOLS_API_KEY", "server.auth.keys.default.key"),
        var(
            "BUSINESS_TOOLS_ALLOW_UNAUTHENTICATED",
            "server.allow_unauthenticated",
        ),
        var("BUSINESS_TOOLS_LEGACY_SESSIONS", "server.legacy_sessions"),
        var("BUSINESS_TOOLS_MAX_BODY_BYTES", "server.max_body_bytes"),
        var(
            "BUSINESS_TOOLS_MAX_CONCURRENT_CALLS",
            "server.max_concurrent_calls",
        ),
        var("BUSINESS_TOOLS_SHUTDOWN_GRACE", "server.shutdown_grace"),
        var("BUSINESS_TOOLS_TOOLSETS", "toolsets"),
        var("BUSINESS_TOOLS_TOOLS", "tools"),
        var("BUSINESS_TOOLS_EXCLUDE", "exclude"),
        var("BUSINESS_TOOLS_READ_ONLY", "read_only"),
        var("BUSINESS_TOOLS_CATALOG", "catalog"),
        var("BUSINESS_TOOLS_CONFIRM", "confirm"),
        var("BUSINESS_TOOLS_AUDIT_FILE", "audit.file"),
        var("BUSINESS_TOOLS_AUDIT_STDOUT", "audit.stdout"),
        var("BUSINESS_TOOLS_LOG_LEVEL", "log.level"),
        var("BUSINESS_TOOLS_LOG_FORMAT", "log.format"),
        var("BUSINESS_TOOLS_METRICS", "metrics.enabled"),
        // The customary names first: ours are stronger.
        var("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp.endpoint"),
        var("BUSINESS_TOOLS_OTLP_ENDPOINT", "telemetry.otlp.endpoint"),
        var("OTEL_EXPORTER_OTLP_HEADERS", "telemetry.otlp.headers"),
        var("BUSINESS_TOOLS_OTLP_HEADERS", "telemetry.otlp.headers"),
        var("OTEL_SERVICE_NAME", "telemetry.otlp.service_name"),
        var("OTEL_RESOURCE_ATTRIBUTES", "telemetry.otlp.resource"),
        var("BUSINESS_TOOLS_CACHE_MAX_BYTES", "cache.max_bytes"),
        var("BUSINESS_TOOLS_RESULTS_MAX_BYTES", "results.max_bytes"),
        var("BUSINESS_TOOLS_READ_FOLDERS", "content.read_folders"),
        var("BUSINESS_TOOLS_PRIVATE_HOSTS", "content.private_hosts"),
        var("BUSINESS_TOOLS_OUTPUT_FOLDER", "content.output_folder"),
        var("BUSINESS_TOOLS_HEALTH_INTERVAL", "health.interval"),
        var("BUSINESS_TOOLS_STATE_STORE", "state.store"),
        var("BUSINESS_TOOLS_STATE_PATH", "state.path"),
        // The customary name first: ours is stronger.
        var("REDIS_URL", "state.redis.url"),
        var("BUSINESS_TOOLS_REDIS_URL", "state.redis.url"),
        var("BUSINESS_TOOLS_REDIS_USERNAME", "state.redis.username"),
        var("BUSINESS_TOOLS_REDIS_PASSWORD", "state.redis.password"),
        var("BUSINESS_TOOLS_SECRETS_REFRESH", "secrets.refresh"),
        var("BUSINESS_TOOLS_HEALTH_TIMEOUT", "health.timeout"),
        var("BUSINESS_TOOLS_RELOAD_WATCH", "reload.watch"),
        var("BUSINESS_TOOLS_ALLOW_UNSAFE", "allow_unsafe"),
    ]
};

/// The variable that names the configuration file.
pub const CONFIG_FILE: &str = "BUSINESS_TOOLS_CONFIG";

/// Variables of the prefix that are no settings.
const OTHERS: &[&str] = &[CONFIG_FILE, crate::secrets::KEY, crate::secrets::KEY_FILE];
