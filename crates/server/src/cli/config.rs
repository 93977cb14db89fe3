//! `config check|show|schema`.

use business_tools_core::Env;
use business_tools_core::config::{Config, KnownProvider};
use business_tools_core::secrets::Secrets;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{Common, Done, print};
use crate::providers::ALL;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Check the configuration and say every fault
    Check(Common),
    /// Show the configuration in force, secrets masked
    Show(Common),
    /// Print the JSON Schema of the configuration file
    Schema,
}

pub(super) async fn run(flags: &Flags) -> Done {
    let secrets = Secrets::new(Env::alone());
    match &flags.what {
        What::Check(common) => {
            let config = crate::app::load(common, &secrets).await?;
            for warning in &config.warnings {
                super::say(&format!("warning: {warning}"));
            }
            let ready: Vec<_> = config
                .providers
                .iter()
                .filter(|(_, block)| block.is_configured())
                .map(|(id, block)| {
                    format!(
                        "{id} ({} account{})",
                        block.settings.accounts.len(),
                        if block.settings.accounts.len() == 1 {
                            ""
                        } else {
                            "s"
                        }
                    )
                })
                .collect();
            let ready = if ready.is_empty() {
                "no provider is configured".to_owned()
            } else {
                ready.join(", ")
            };
            print(&format!(
                "the configuration is good: environment {}, {ready}",
                config.environment
            ));
        }
        What::Show(common) => {
            let config = crate::app::load(common, &secrets).await?;
            print(&format!("{:#}", show(&config)));
        }
        What::Schema => {
            let known: Vec<KnownProvider> = ALL.iter().map(|row| (row.known)()).collect();
            print(&format!(
                "{:#}",
                business_tools_core::config::schema(&known)
            ));
        }
    }
    Ok(())
}

fn show(config: &Config) -> Value {
    let mut providers = Map::new();
    for row in ALL {
        let Some(block) = config.providers.get(row.info.id) else {
            continue;
        };
        let accounts: Map<String, Value> = block
            .settings
            .accounts
            .iter()
            .map(|(name, fields)| (name.clone(), masked(fields, row.info.credentials)))
            .collect();
        providers.insert(
            row.info.id.to_owned(),
            json!({"enabled": block.enabled, "configured": block.is_configured(), "accounts": accounts}),
        );
    }
    let server = &config.server;
    json!({
        "environment": config.environment,
        "server": {
            "listen": server.listen.to_string(), "allowed_hosts": server.allowed_hosts,
            "allowed_origins": server.allowed_origins, "allow_unauthenticated": server.allow_unauthenticated,
            "legacy_sessions": server.legacy_sessions, "max_body_bytes": server.max_body_bytes,
            "max_concurrent_calls": server.max_concurrent_calls,
            "shutdown_grace_secs": server.shutdown_grace.0.as_secs_f64(),
        },
        "toolsets": config.selection.toolsets, "tools": config.selection.tools,
        "exclude": config.selection.exclude, "read_only": config.selection.read_only,
        "catalog": config.catalog,
        "confirm": format!("{:?}", config.confirm).to_lowercase(),
        "audit": {"file": config.audit.file},
        "log": {"level": config.log.level, "format": format!("{:?}", config.log.format).to_lowercase()},
        "cache": {"max_bytes": config.cache.max_bytes},
        "results": {"max_bytes": config.results.max_bytes},
        "providers": providers,
    })
}

/// A field is shown only when it is known to be no credential.
fn masked(fields: &Map<String, Value>, credentials: &[&str]) -> Value {
    let mask = |(name, value): (&String, &Value)| {
        let value = if credentials.contains(&name.as_str()) {
            "***".into()
        } else {
            value.clone()
        };
        (name.clone(), value)
    };
    fields.iter().map(mask).collect::<Map<_, _>>().into()
}
