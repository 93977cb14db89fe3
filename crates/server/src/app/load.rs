//! The configuration of this process: what the loader gives, with the flags over it.

use business_tools_core::config::{Circumstances, Config, KnownProvider, Loader, Report, Seen};
use business_tools_core::secrets::Secrets;

use crate::cli::Common;
use crate::providers::ALL;

/// What the loader knows of the providers of this build.
pub(crate) fn known() -> Vec<KnownProvider> {
    ALL.iter().map(|row| (row.known)()).collect()
}

/// Reads the configuration that the flags name.
fn loader(flags: &Common) -> Loader {
    Loader::from_process()
        .file(flags.config.as_ref())
        .environment(flags.environment.as_deref())
        .providers(known())
}

/// Loads the configuration and lays the flags over it.
pub(crate) async fn load(flags: &Common, secrets: &Secrets) -> Result<Config, Report> {
    load_seen(flags, secrets).await.0
}

/// As [`load`], with the files that it took.
pub(crate) async fn load_seen(flags: &Common, secrets: &Secrets) -> (Result<Config, Report>, Seen) {
    let (config, seen) = loader(flags).load_with(secrets).await;
    (config.and_then(|config| with_flags(config, flags)), seen)
}

fn with_flags(mut config: Config, flags: &Common) -> Result<Config, Report> {
    let selection = &mut config.selection;
    if !flags.toolsets.is_empty() || !flags.tools.is_empty() {
        selection.toolsets.clone_from(&flags.toolsets);
        selection.tools.clone_from(&flags.tools);
    }
    // Exclusions and read-only only ever remove, so a flag adds to what the file says.
    selection.exclude.extend(flags.exclude.iter().cloned());
    selection.read_only |= flags.read_only;
    config.catalog |= flags.catalog;
    if config.telemetry.otlp.endpoint.is_some() && !cfg!(feature = "otlp") {
        let mut report = Report::default();
        report.add(
            "telemetry.otlp.endpoint",
            "is set, and this build exports nothing",
            "take a build with the feature `otlp`, or take the setting away",
        );
        config.warnings.extend_from_slice(report.faults());
    }
    let report = config.unsafe_settings(Circumstances {
        sandbox: flags.sandboxed(),
        ..Circumstances::default()
    });
    if report.is_empty() {
        Ok(config)
    } else {
        Err(report)
    }
}
