//! The log: to stderr, as lines for people or as JSON.

use std::sync::OnceLock;

use business_tools_core::config::{LogBlock, LogFormat};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

/// How the level is changed while the process runs: the log is the one thing that a process has once.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging as configured. A second start changes nothing.
pub(crate) fn start(log: &LogBlock) {
    let (filter, level) = reload::Layer::new(filter(&log.level));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_span_events(FmtSpan::NONE);
    let lines = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Pretty => lines.boxed(),
    };
    let started = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init();
    if started.is_ok() {
        let _ = LEVEL.set(level);
    }
}

/// Changes the level of a log that was started.
pub(crate) fn set_level(level: &str) {
    if let Some(handle) = LEVEL.get()
        && let Err(error) = handle.reload(filter(level))
    {
        tracing::warn!(%error, "the log level could not be changed");
    }
}

fn filter(level: &str) -> EnvFilter {
    // At lower levels rmcp writes whole messages to the log, with whatever they carry.
    EnvFilter::try_new(format!("{level},rmcp=error"))
        .unwrap_or_else(|_| EnvFilter::new("info,rmcp=error"))
}
