//! `config check|show|schema`.

use business_tools_core::Env;
use business_tools_core::secrets::Secrets;
use clap::{Args, Subcommand};

use super::{Common, Done, print};
use crate::app;

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
            let config = app::load(common, &secrets).await?;
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
            let config = app::load(common, &secrets).await?;
            let mut shown = config.shown(&app::known());
            // Where values came from that are not the built-in ones.
            shown["origins"] = serde_json::json!(config.origins);
            print(&format!("{shown:#}"));
        }
        What::Schema => {
            let schema = business_tools_core::config::schema(&app::known());
            print(&format!("{schema:#}"));
        }
    }
    Ok(())
}
