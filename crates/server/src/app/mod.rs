//! From configuration to a running registry: what every subcommand with tools starts with.

mod connect;
mod load;
mod reload;
#[cfg(feature = "sandbox")]
pub(crate) mod sandbox;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use business_tools_core::artifact::Artifacts;
use business_tools_core::call::cache::CacheStore;
use business_tools_core::call::confirm::Seal;
use business_tools_core::config::{Config, Confirmation, Report, Seen};
use business_tools_core::egress::hints::Hints;
use business_tools_core::egress::transport::PrivateHosts;
use business_tools_core::files::Files;
use business_tools_core::health::HealthBoard;
use business_tools_core::secret::seal::Keyring;
use business_tools_core::secrets::Secrets;
use business_tools_core::state::{State, StateMetrics};
use business_tools_core::{Env, Registry, prometheus};
use serde_json::{Map, Value};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use load::{known, load};
pub(crate) use reload::Surface;

use crate::cli::{Common, Failure};
use crate::providers::ALL;
use crate::{audit, http, mcp, state, telemetry};
use connect::Plugins;

/// How long the end of the process waits for a collector.
#[cfg(feature = "otlp")]
const LAST_EXPORT: Duration = Duration::from_secs(3);

/// A registry with its configuration, and the sandbox behind it if there is one.
pub(crate) struct App {
    pub(crate) registry: Registry,
    pub(crate) health: HealthBoard,
    flags: Common,
    seat: Seat,
    /// Keeps the last good values of what the configuration refers to.
    secrets: Secrets,
    /// Seals what the process keeps, and the tokens of confirmations, if the operator gave keys.
    keys: Option<Keyring>,
    running: Mutex<Running>,
    #[cfg(feature = "otlp")]
    otlp: Option<telemetry::otlp::Otlp>,
    #[cfg(feature = "sandbox")]
    sandbox: Option<business_tools_sandbox::Running>,
}

/// What is replaced when the configuration is.
struct Running {
    config: Arc<Config>,
    plugins: Plugins,
    /// The rules of the calls.
    env: Env,
    /// The files that the last look took, whatever came of it.
    seen: Seen,
}

impl App {
    pub(crate) async fn start(flags: &Common, seat: Seat) -> Result<Self, Failure> {
        let env = Env::new(prometheus::Registry::new())?;
        let secrets = Secrets::new(env.clone());
        let (config, seen) = load::load_seen(flags, &secrets).await;
        let config = config?;
        #[cfg(feature = "otlp")]
        let (env, otlp, listener) = match telemetry::otlp::start(&config, &env)? {
            Some(started) => {
                let traces = started.traces;
                (Env { traces, ..env }, Some(started.otlp), started.listener)
            }
            None => (env, None, None),
        };
        #[cfg(not(feature = "otlp"))]
        let listener = None;
        telemetry::start(&config.log, listener);
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let keys = config.keys.clone()?;
        let state = state::open(&config.state, keys.clone(), flags.sandboxed())?;
        let mut env = world(env, &config, seat, state)?;
        env.seal = seal(keys.as_ref(), &env, seat, flags.sandboxed());
        let env = rules(&env, &config, seat, None)?;
        let registry = Registry::new(env.clone());
        #[cfg(feature = "sandbox")]
        let sandbox = if flags.sandbox {
            let running = sandbox::start(flags.sandbox_listen, flags.sandbox_seed)
                .await
                .map_err(Failure::Usage)?;
            sandbox::tell(&running);
            Some(running)
        } else {
            None
        };
        let plugins = connect::connect(
            &config,
            &Plugins::new(),
            &env,
            #[cfg(feature = "sandbox")]
            sandbox.as_ref(),
        )?;
        let all = plugins.values().cloned();
        // Nobody has a list yet that could have changed.
        let _ = registry.replace(all, config.selection.clone(), env.clone())?;
        let health = HealthBoard::default();
        health.configure(config.health.clone());
        // A process that keeps its secrets itself has no row about them.
        if !secrets.health().is_empty() {
            health.watch(Arc::new(secrets.clone()));
        }
        if let Some(pool) = env.state.pooled() {
            env.pools.register(&pool);
        }
        health.watch(Arc::new(env.state.clone()));
        Ok(Self {
            registry,
            health,
            flags: flags.clone(),
            seat,
            secrets,
            keys,
            running: Mutex::new(Running {
                config: Arc::new(config),
                plugins,
                env,
                seen,
            }),
            #[cfg(feature = "otlp")]
            otlp,
            #[cfg(feature = "sandbox")]
            sandbox,
        })
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.running().config)
    }

    /// The secrets that the configuration refers to.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The files that the configuration was made of.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let running = self.running();
        let files = running.seen.files().filter(|file| file.is_file());
        files.map(Path::to_path_buf).collect()
    }

    /// Looks at the settings that an account was connected with. They hold secrets, and stay here.
    pub(crate) fn with_account<T>(
        &self,
        provider: &str,
        account: &str,
        look: impl FnOnce(&Map<String, Value>) -> T,
    ) -> Option<T> {
        let row = ALL.iter().find(|row| row.info.id == provider)?;
        let block = connect::block(
            &self.config(),
            row,
            #[cfg(feature = "sandbox")]
            self.sandbox.as_ref(),
        );
        block.settings.accounts.get(account).map(look)
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.config().server.listen
    }

    pub(crate) fn grace(&self) -> Duration {
        self.config().server.shutdown_grace.0
    }

    /// Checks the providers in the background, until `stop`.
    pub(crate) fn keep_checking(&self, stop: CancellationToken) -> JoinHandle<()> {
        let board = self.health.clone();
        tokio::spawn(board.keep_checking(self.registry.clone(), stop))
    }

    /// After the last call: sends what is left to tell, and gives up the connections, those behind which state is
    /// kept last.
    pub(crate) async fn stop(&self) {
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &self.otlp {
            otlp.stop(self.grace().min(LAST_EXPORT)).await;
        }
        self.registry.env().pools.close().await;
        #[cfg(feature = "sandbox")]
        if let Some(running) = &self.sandbox {
            running.shutdown().await;
        }
    }
}

/// How the handler behaves under a configuration.
pub(crate) fn mcp_options(config: &Config) -> mcp::Options {
    mcp::Options {
        catalog: config.catalog,
        max_calls: config.server.max_concurrent_calls,
        ..mcp::Options::default()
    }
}

/// How the HTTP side behaves under a configuration.
pub(crate) fn http_options(config: &Config) -> http::Options {
    let server = &config.server;
    http::Options {
        allowed_hosts: server.allowed_hosts.clone(),
        allowed_origins: server.allowed_origins.clone(),
        sessions: server.legacy_sessions,
        max_body: server.max_body_bytes,
        grace: server.shutdown_grace.0,
        metrics: config.metrics.enabled,
        auth: http::Keys::of(&server.auth).map_or(http::Authenticator::Open, |keys| {
            http::Authenticator::Keys(Arc::new(keys))
        }),
    }
}

/// Where the callers sit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    /// At this machine, as its user.
    Desk,
    /// Anywhere.
    Network,
}

impl Seat {
    /// The folder at a desk for what tools make.
    fn folder(self, config: &Config) -> Option<PathBuf> {
        let output = config.content.output_folder.clone();
        match self {
            Self::Desk => output.or_else(|| Some(config.data_dir.as_ref()?.join("files"))),
            Self::Network => None,
        }
    }
}

/// What the process has for good: metrics, stores, keys.
fn world(mut env: Env, config: &Config, seat: Seat, state: State) -> Result<Env, Failure> {
    let metrics = StateMetrics::new(state.clone())?;
    env.metrics.registry().register(Box::new(metrics))?;
    env.state = state;
    env.cache = CacheStore::in_memory(config.cache.max_bytes);
    if config.cache.max_bytes > 0
        && let Some(results) = env.state.results()
    {
        env.cache = env.cache.in_front_of(results, &env.state);
    }
    env.hints = Hints::over(&env.state);
    let content = &config.content;
    env.artifacts = match (seat.folder(config), &content.output_folder) {
        (Some(folder), _) => Artifacts::at_desk(folder),
        (None, Some(folder)) => Artifacts::in_shared_folder(folder.clone()),
        (None, None) => Artifacts::in_memory(content.max_bytes),
    };
    Ok(env)
}

/// What seals the tokens of confirmations.
fn seal(keys: Option<&Keyring>, env: &Env, seat: Seat, sandboxed: bool) -> Seal {
    if let Some(keys) = keys {
        return Seal::shared(keys.clone(), env.state.clone());
    }
    // What a sandbox asks about is gone with the process anyway.
    if seat == Seat::Network && !sandboxed {
        tracing::info!(
            "confirmations are sealed with a key of this process: after a restart, or on another replica, people \
             are asked again; with BUSINESS_TOOLS_KEY all replicas share one"
        );
    }
    env.seal.clone()
}

/// The same world under the rules of a configuration. An audit that is set as before goes on.
fn rules(world: &Env, config: &Config, seat: Seat, before: Option<&Config>) -> Result<Env, Report> {
    let mut env = world.clone();
    env.auto_confirm = config.confirm == Confirmation::Auto;
    env.max_result = config.results.max_bytes;
    let content = &config.content;
    // At a desk, what one tool made may be given to the next.
    let folders = content.read_folders.iter().cloned();
    env.files = Files::of(folders.chain(seat.folder(config)));
    env.private_hosts = PrivateHosts::Named(content.private_hosts.as_slice().into());
    if before.is_none_or(|before| before.audit != config.audit) {
        env.audit = audit::sink(&config.audit).map_err(|error| {
            let mut report = Report::default();
            report.add(
                "audit.file",
                format!("cannot be opened ({})", error.kind()),
                "name a file in a folder that this process may write to",
            );
            report
        })?;
    }
    Ok(env)
}
