//! A configuration that changed while the process runs: taken whole, or not at all.

use std::sync::Arc;

use business_tools_core::config::{Change, Config, Report};
use business_tools_core::secret::seal::Keyring;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::connect::{Plugins, connect};
use super::load::{known, load_seen};
use super::{App, Running, http_options, mcp_options, rules};
use crate::http::Http;
use crate::mcp::Handler;
use crate::signals::HangUps;
use crate::telemetry;

/// What has settings of its own beside the registry.
pub(crate) struct Surface {
    pub(crate) handler: Handler,
    pub(crate) http: Option<Http>,
    /// Others can reach the address, and nobody said that they may do so without a key.
    pub(crate) needs_keys: bool,
}

/// Settings that a running process cannot change, by the beginning of their path.
const NEXT_START: &[&str] = &[
    "server.listen",
    "cache.max_bytes",
    "content.output_folder",
    "content.max_bytes",
    "state.",
    "telemetry.",
    "secrets.refresh",
];

/// Looks at files that are being written, before they are read as they are.
const LOOKS: usize = 20;
/// The time between two of them.
const MOMENT: std::time::Duration = std::time::Duration::from_millis(100);

impl App {
    /// Takes every change of the configuration, until `stop`.
    pub(crate) async fn keep_configured(
        self: Arc<Self>,
        surface: Surface,
        stop: CancellationToken,
    ) {
        let mut hang_ups = HangUps::new();
        let mut secrets = self.secrets.changes();
        let refresh = self.config().secrets.refresh.0;
        let kept = self.secrets.clone().keep_fresh(refresh, stop.clone());
        let _kept = AbortOnDropHandle::new(tokio::spawn(kept));
        loop {
            let settings = self.config().reload.clone();
            let interval = settings.interval.0.max(MOMENT);
            let why = tokio::select! {
                () = hang_ups.next() => "SIGHUP",
                Ok(()) = secrets.changed() => "a secret",
                () = tokio::time::sleep(interval), if settings.watch => {
                    if !self.files_changed().await {
                        continue;
                    }
                    "a file"
                }
                () = stop.cancelled() => return,
            };
            if why == "SIGHUP" {
                // Whoever asks for the configuration asks for its secrets too.
                self.secrets.refresh().await;
                secrets.mark_unchanged();
            }
            self.reload(&surface, why).await;
        }
    }

    /// Whether the files of the configuration are others than those that were read, and nobody writes to them.
    async fn files_changed(&self) -> bool {
        let seen = self.running().seen.clone();
        let look = move || {
            let mut last = seen.again();
            if last == seen {
                return false;
            }
            for _ in 0..LOOKS {
                std::thread::sleep(MOMENT);
                let now = last.again();
                if now == last {
                    break;
                }
                last = now;
            }
            true
        };
        tokio::task::spawn_blocking(look).await.unwrap_or(false)
    }

    /// Loads the configuration again. Whatever is wrong with it, the one in force stays then.
    pub(crate) async fn reload(&self, surface: &Surface, why: &str) {
        let (loaded, seen) = load_seen(&self.flags, &self.secrets).await;
        self.running().seen = seen;
        let taken = loaded.and_then(|config| {
            let keys = config.keys.clone()?;
            let changes = self.take(config, surface)?;
            self.take_keys(keys);
            Ok(changes)
        });
        match taken {
            Ok(changes) => self.taken(&changes, why),
            Err(report) => self.rejected(report, why),
        }
    }

    /// Puts a configuration in the place of the one in force.
    fn take(&self, config: Config, surface: &Surface) -> Result<Vec<Change>, Report> {
        if surface.needs_keys
            && config.server.auth.keys.is_empty()
            && !config.server.allow_unauthenticated
        {
            let mut report = Report::default();
            report.add(
                "server.auth.keys",
                "is empty, and others can reach this server",
                "keep a key, or listen on 127.0.0.1 and restart",
            );
            return Err(report);
        }
        let mut running = self.running();
        let changes = running.config.changes(&config, &known());
        let env = rules(&running.env, &config, self.seat, Some(&running.config))?;
        // What plugins know of the content that callers may bring, they were told when they were connected.
        let none = Plugins::new();
        let same = running.config.content == config.content;
        let before = if same { &running.plugins } else { &none };
        let plugins = connect(
            &config,
            before,
            &env,
            #[cfg(feature = "sandbox")]
            self.sandbox.as_ref(),
        )?;
        let replaced = self
            .registry
            .replace(
                plugins.values().cloned(),
                config.selection.clone(),
                env.clone(),
            )
            .map_err(|error| {
                let mut report = Report::default();
                report.add(
                    "providers",
                    error.message(),
                    error.hint_text().unwrap_or(""),
                );
                report
            })?;
        surface.handler.configure(mcp_options(&config));
        if let Some(http) = &surface.http {
            http.configure(http_options(&config));
        }
        telemetry::set(&config.log);
        self.health.configure(config.health.clone());
        if replaced.list_changed || running.config.catalog != config.catalog {
            let handler = surface.handler.clone();
            tokio::spawn(async move { handler.tools_changed().await });
        }
        for warning in &config.warnings {
            if !running.config.warnings.contains(warning) {
                tracing::warn!("{warning}");
            }
        }
        let seen = running.seen.clone();
        *running = Running {
            config: Arc::new(config),
            plugins,
            env,
            seen,
        };
        Ok(changes)
    }

    /// Seals with the newest key from now on. What older keys of the ring sealed is opened still.
    fn take_keys(&self, keys: Option<Keyring>) {
        match (&self.keys, keys) {
            (Some(ring), Some(keys)) => {
                if ring.replace(&keys) {
                    tracing::info!(keys = ?ring, "the keys of the project were replaced");
                }
            }
            (None, Some(_)) => {
                tracing::warn!("a key of the project was set; it takes effect with the next start");
            }
            (Some(_), None) => {
                tracing::warn!(
                    "the key of the project is gone; this process uses it until it ends"
                );
            }
            (None, None) => {}
        }
    }

    fn taken(&self, changes: &[Change], why: &str) {
        self.health.configuration(None);
        if changes.is_empty() {
            tracing::debug!(why, "the configuration was loaded again and is the same");
            return;
        }
        tracing::info!(
            why,
            changes = changes.len(),
            "the configuration was replaced"
        );
        for change in changes {
            let waits = NEXT_START.iter().any(|path| change.path.starts_with(path));
            if waits {
                tracing::warn!("{change}; it takes effect with the next start");
            } else {
                tracing::info!("{change}");
            }
        }
        let changes: Vec<_> = changes
            .iter()
            .map(|change| json!({"setting": change.path, "from": change.from, "to": change.to}))
            .collect();
        self.record(why, "ok", json!({"changes": changes}));
    }

    fn rejected(&self, report: Report, why: &str) {
        tracing::error!(
            why,
            "the new configuration is not taken, the old one stays: {report}"
        );
        let faults: Vec<_> = report.faults().iter().map(ToString::to_string).collect();
        self.record(why, "CONFIG_REJECTED", json!({"faults": faults}));
        self.health.configuration(Some(report));
    }

    fn record(&self, why: &str, outcome: &str, more: serde_json::Value) {
        let Some(sink) = self.running().env.audit.clone() else {
            return;
        };
        let mut line = json!({"event": "configuration", "by": why, "outcome": outcome,
                              "timestamp": business_tools_core::call::audit::now()});
        if let (Some(line), serde_json::Value::Object(more)) = (line.as_object_mut(), more) {
            line.extend(more);
        }
        sink.record(&line);
    }
}
