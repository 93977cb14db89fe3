//! `tools`: what there is.

use clap::Args;
use serde_json::{Value, json};

use super::{Common, Done, print};
use crate::app::{App, Seat};
use crate::mcp::describe;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    common: Common,
    /// As JSON, with the schemas
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(flags: &Flags) -> Done {
    let app = App::start(&flags.common, Seat::Desk).await?;
    let tools = app.registry.tools(None);
    if flags.json {
        let items: Vec<Value> = tools.iter().map(|entry| describe(&entry.tool)).collect();
        print(&format!(
            "{:#}",
            json!({"items": items, "total": items.len()})
        ));
    } else {
        let width = tools
            .iter()
            .map(|entry| entry.tool.spec.name.len())
            .max()
            .unwrap_or(0);
        for entry in &tools {
            print(&format!(
                "{:width$}  {}",
                entry.tool.spec.name, entry.tool.description
            ));
        }
        if tools.is_empty() {
            super::say(
                "no tools: no provider is configured; try --sandbox, or `business-tools-mcp providers`",
            );
        }
    }
    app.stop().await;
    Ok(())
}
