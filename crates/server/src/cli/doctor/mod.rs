//! `doctor`: every check in the foreground, with what was tried, what answered and what to do.

mod finding;
mod general;
mod network;
mod provider;

use std::time::Duration;

use business_tools_core::policy::Span;
use clap::Args;
use serde_json::{Value, json};

use super::{Common, Done, Failure, print, say};
use crate::app::{App, Seat};
use finding::{Finding, Verdict};

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Only these providers
    #[arg(value_name = "PROVIDER")]
    providers: Vec<String>,
    #[command(flatten)]
    common: Common,
    /// For machines
    #[arg(long)]
    json: bool,
    /// How long one check may take [default: health.timeout]
    #[arg(long, value_name = "TIME")]
    timeout: Option<Span>,
}

pub(super) async fn run(flags: &Flags) -> Done {
    progress("reading the configuration …");
    let app = match App::start(&flags.common, Seat::Desk).await {
        Ok(app) => app,
        Err(Failure::Usage(what)) if flags.json => {
            // What is wrong with the configuration is the finding.
            print(&format!(
                "{:#}",
                json!({"status": "unusable", "error": what})
            ));
            return Err(Failure::Usage(what));
        }
        Err(failure) => return Err(failure),
    };
    let patience = flags
        .timeout
        .map_or(app.config().health.timeout.0, |span| span.0);
    let findings = look(&app, &flags.providers, patience).await?;
    app.stop().await;
    let failed = findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Failed);
    if flags.json {
        let status = if failed { "failed" } else { "ok" };
        let findings: Vec<Value> = findings.iter().map(Finding::json).collect();
        print(&format!(
            "{:#}",
            json!({"status": status, "findings": findings})
        ));
    } else {
        print(&finding::text(&findings));
        print(&summary(&findings));
    }
    if failed { Err(Failure::Call) } else { Ok(()) }
}

async fn look(app: &App, only: &[String], patience: Duration) -> Result<Vec<Finding>, Failure> {
    let plugins = app.registry.plugins();
    for name in only {
        if !plugins.iter().any(|plugin| plugin.name() == name) {
            return Err(Failure::Usage(format!(
                "`{name}` is not a provider that is configured"
            )));
        }
    }
    let mut findings = general::findings(app, patience).await;
    for plugin in plugins {
        if only.is_empty() || only.iter().any(|name| name == plugin.name()) {
            findings.extend(provider::findings(app, &*plugin, patience).await);
        }
    }
    Ok(findings)
}

fn summary(findings: &[Finding]) -> String {
    let count = |verdict| {
        findings
            .iter()
            .filter(|found| found.verdict == verdict)
            .count()
    };
    match (count(Verdict::Failed), count(Verdict::Odd)) {
        (0, 0) => "\neverything is well".to_owned(),
        (0, odd) => format!("\nnothing failed, {odd} odd"),
        (failed, odd) => format!("\n{failed} failed, {odd} odd"),
    }
}

/// How far it is, for whoever waits.
fn progress(what: &str) {
    say(what);
}
