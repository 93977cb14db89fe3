//! The log: to stderr, as lines for people or as JSON.

use business_tools_core::config::{LogBlock, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Starts logging as configured. A second start changes nothing.
pub(crate) fn start(log: &LogBlock) {
    // At lower levels rmcp writes whole messages to the log, with whatever they carry.
    let filter = EnvFilter::try_new(format!("{},rmcp=error", log.level))
        .unwrap_or_else(|_| EnvFilter::new("info,rmcp=error"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_span_events(FmtSpan::NONE);
    let _ = match log.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Pretty => builder.try_init(),
    };
}
