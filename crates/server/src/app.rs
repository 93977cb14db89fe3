//! From configuration to a running registry: what every subcommand with tools starts with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use business_tools_core::artifact::Artifacts;
use business_tools_core::call::audit::Lines;
use business_tools_core::call::cache::CacheStore;
use business_tools_core::config::{Config, Confirmation, Loader};
use business_tools_core::egress::transport::PrivateHosts;
use business_tools_core::files::Files;
use business_tools_core::health::HealthBoard;
use business_tools_core::secrets::Secrets;
use business_tools_core::{Env, Registry, Selection, prometheus};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cli::{Common, Failure};
use crate::providers::ALL;
use crate::{http, mcp, state, telemetry};

/// A registry with its configuration, and the sandbox behind it if there is one.
pub(crate) struct App {
    pub(crate) registry: Registry,
    pub(crate) health: HealthBoard,
    config: Config,
    #[cfg(feature = "sandbox")]
    sandbox: Option<business_tools_sandbox::Running>,
}

/// Reads the configuration that the flags name.
pub(crate) fn loader(flags: &Common) -> Loader {
    Loader::from_process()
        .file(flags.config.as_ref())
        .environment(flags.environment.as_deref())
        .providers(ALL.iter().map(|row| (row.known)()))
}

/// Loads the configuration and lays the flags over it.
pub(crate) async fn load(flags: &Common, secrets: &Secrets) -> Result<Config, Failure> {
    let (loaded, _) = loader(flags).load_with(secrets).await;
    let mut config = loaded.map_err(|report| Failure::Usage(report.to_string()))?;
    let selection = &mut config.selection;
    if !flags.toolsets.is_empty() || !flags.tools.is_empty() {
        selection.toolsets.clone_from(&flags.toolsets);
        selection.tools.clone_from(&flags.tools);
    }
    // Exclusions and read-only only ever remove, so a flag adds to what the file says.
    selection.exclude.extend(flags.exclude.iter().cloned());
    selection.read_only |= flags.read_only;
    config.catalog |= flags.catalog;
    Ok(config)
}

impl App {
    pub(crate) async fn start(flags: &Common, seat: Seat) -> Result<Self, Failure> {
        let env = Env::new(prometheus::Registry::new())?;
        let config = load(flags, &Secrets::new(env.clone())).await?;
        telemetry::start(&config.log);
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let registry = Registry::new(ruled(env, &config, seat, flags.sandboxed())?);
        #[cfg(feature = "sandbox")]
        let sandbox = if flags.sandbox {
            let running = start_sandbox(flags.sandbox_listen, flags.sandbox_seed)
                .await
                .map_err(Failure::Usage)?;
            tell_sandbox(&running);
            Some(running)
        } else {
            None
        };
        for row in ALL {
            let block = config
                .providers
                .get(row.info.id)
                .cloned()
                .unwrap_or_default();
            #[cfg(feature = "sandbox")]
            let block = match &sandbox {
                Some(running) => {
                    sandboxed(block, (row.sandbox_config)(&running.base_url(row.info.id)))
                }
                None => block,
            };
            if !block.is_configured() {
                continue;
            }
            let plugin = (row.connect)(&block.settings, registry.env())?;
            registry.add(plugin)?;
        }
        check_selection(&config.selection, &registry)?;
        registry.select(config.selection.clone());
        Ok(Self {
            registry,
            health: HealthBoard::default(),
            config,
            #[cfg(feature = "sandbox")]
            sandbox,
        })
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.config.server.listen
    }

    pub(crate) fn grace(&self) -> Duration {
        self.config.server.shutdown_grace.0
    }

    pub(crate) fn may_be_public(&self) -> bool {
        self.config.server.allow_unauthenticated
    }

    pub(crate) fn mcp_options(&self) -> mcp::Options {
        mcp::Options {
            catalog: self.config.catalog,
            max_calls: self.config.server.max_concurrent_calls,
            ..mcp::Options::default()
        }
    }

    pub(crate) fn http_options(&self) -> http::Options {
        let server = &self.config.server;
        http::Options {
            allowed_hosts: server.allowed_hosts.clone(),
            allowed_origins: server.allowed_origins.clone(),
            sessions: server.legacy_sessions,
            max_body: server.max_body_bytes,
            grace: server.shutdown_grace.0,
            metrics: self.config.metrics.enabled,
        }
    }

    /// Checks the providers in the background, until `stop`.
    pub(crate) fn keep_checking(&self, stop: CancellationToken) -> JoinHandle<()> {
        let interval = self.config.health.interval.0;
        tokio::spawn(
            self.health
                .clone()
                .keep_checking(self.registry.clone(), interval, stop),
        )
    }

    #[cfg_attr(
        not(feature = "sandbox"),
        expect(clippy::unused_async, reason = "only the sandbox is waited for")
    )]
    pub(crate) async fn stop(self) {
        #[cfg(feature = "sandbox")]
        if let Some(running) = self.sandbox {
            running.shutdown().await;
        }
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

/// The world of the process, with the rules of the configuration.
fn ruled(mut env: Env, config: &Config, seat: Seat, sandboxed: bool) -> Result<Env, Failure> {
    env.auto_confirm = config.confirm == Confirmation::Auto;
    env.max_result = config.results.max_bytes;
    env.cache = CacheStore::in_memory(config.cache.max_bytes);
    env.state = state::open(&config.state, None, sandboxed)?;
    let content = &config.content;
    let output = content.output_folder.clone();
    let desk = match seat {
        Seat::Desk => output
            .clone()
            .or_else(|| Some(config.data_dir.as_ref()?.join("files"))),
        Seat::Network => None,
    };
    // At a desk, what one tool made may be given to the next.
    env.files = Files::of(content.read_folders.iter().chain(&desk).cloned());
    env.artifacts = match (desk, output) {
        (Some(folder), _) => Artifacts::at_desk(folder),
        (None, Some(folder)) => Artifacts::in_shared_folder(folder),
        (None, None) => Artifacts::in_memory(content.max_bytes),
    };
    env.private_hosts = PrivateHosts::Named(content.private_hosts.as_slice().into());
    if let Some(path) = &config.audit.file {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| Failure::Usage(format!("audit.file {}: {error}", path.display())))?;
        env = env.audit(Arc::new(Lines::new(file)));
    }
    Ok(env)
}

/// A name that selects nothing is a slip of the pen, and is said at once.
fn check_selection(selection: &Selection, registry: &Registry) -> Result<(), Failure> {
    let plugins: Vec<&str> = ALL.iter().map(|row| row.info.id).collect();
    let tools: Vec<&str> = registry
        .tools(None)
        .iter()
        .map(|entry| entry.tool.spec.name)
        .collect();
    let check = |setting: &str, names: &[String], known: &[&str]| {
        let Some(wrong) = names.iter().find(|name| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let near = business_tools_core::call::validate::nearest(wrong, known).map_or_else(
            || format!("there is: {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        Err(Failure::Usage(format!(
            "{setting}: `{wrong}` is unknown; {near}"
        )))
    };
    let both: Vec<&str> = plugins.iter().chain(&tools).copied().collect();
    check("toolsets", &selection.toolsets, &plugins)?;
    // Without any provider configured there are no tools yet to check the names of.
    if !tools.is_empty() {
        check("tools", &selection.tools, &tools)?;
        check("exclude", &selection.exclude, &both)?;
    }
    Ok(())
}

/// A provider's block with its simulator in place of the real thing.
///
/// Accounts that are configured keep their names and credentials; without any, one is made up.
#[cfg(feature = "sandbox")]
fn sandboxed(
    mut block: business_tools_core::config::ProviderBlock,
    made_up: serde_json::Map<String, serde_json::Value>,
) -> business_tools_core::config::ProviderBlock {
    if block.is_configured() {
        for fields in block.settings.accounts.values_mut() {
            for place in ["base_url", "uri"] {
                if let Some(value) = made_up.get(place) {
                    fields.insert(place.to_owned(), value.clone());
                }
            }
        }
        return block;
    }
    let mut fields = block.fields.clone();
    fields.extend(made_up);
    block.enabled = true;
    block
        .settings
        .accounts
        .insert(business_tools_core::DEFAULT_ACCOUNT.to_owned(), fields);
    block
}

/// Starts the simulators of every provider of this build on a loopback port.
#[cfg(feature = "sandbox")]
pub(crate) async fn start_sandbox(
    listen: SocketAddr,
    seed: business_tools_sandbox::Seed,
) -> Result<business_tools_sandbox::Running, String> {
    let simulators = ALL.iter().map(|row| (row.simulator)()).collect();
    business_tools_sandbox::Sandbox::new(simulators)
        .seed(seed)
        .start(listen)
        .await
        .map_err(|error| format!("the sandbox cannot start on {listen}: {error}"))
}

/// Says where the sandbox and its switchboard are.
#[cfg(feature = "sandbox")]
pub(crate) fn tell_sandbox(running: &business_tools_sandbox::Running) {
    crate::cli::say(&format!("sandbox: http://{}", running.http));
}
