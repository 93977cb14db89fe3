//! The log, to stderr, and what is told to a collector.

mod lines;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;

use std::sync::OnceLock;

use business_tools_core::config::LogBlock;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use lines::{Form, Lines};

/// How the log is changed while the process runs: it is the one thing that a process has once.
static LOG: OnceLock<(reload::Handle<EnvFilter, Registry>, Form)> = OnceLock::new();

/// What beside the log listens to spans.
pub(crate) type Listener = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging as configured. A second start changes nothing.
pub(crate) fn start(log: &LogBlock, more: Option<Listener>) {
    let (filter, level) = reload::Layer::new(filter(&log.level));
    let form = Form::new(log.format);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .fmt_fields(lines::Kept)
        .event_format(Lines::new(form.clone()))
        // Of its own, so that what is traced does not depend on what is logged.
        .with_filter(filter)
        .boxed();
    let started = match more {
        Some(more) => tracing_subscriber::registry()
            .with(vec![lines, more])
            .try_init(),
        None => tracing_subscriber::registry().with(lines).try_init(),
    };
    if started.is_ok() {
        let _ = LOG.set((level, form));
    }
}

/// Changes level and format of a log that was started.
pub(crate) fn set(log: &LogBlock) {
    if let Some((level, form)) = LOG.get() {
        form.set(log.format);
        if let Err(error) = level.reload(filter(&log.level)) {
            tracing::warn!(%error, "the log level could not be changed");
        }
    }
}

fn filter(level: &str) -> EnvFilter {
    // At lower levels rmcp writes whole messages to the log, with whatever they carry.
    EnvFilter::try_new(format!("{level},rmcp=error"))
        .unwrap_or_else(|_| EnvFilter::new("info,rmcp=error"))
}
