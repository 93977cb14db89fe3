//! `providers`: what this build has, and what each needs.

use clap::Args;
use serde_json::{Value, json};

use super::{Done, print};
use crate::providers::ALL;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every subcommand ends the same way"
)]
pub(super) fn run(flags: &Flags) -> Done {
    if flags.json {
        let rows: Vec<Value> = ALL
            .iter()
            .map(|row| {
                let env: Vec<&str> = row.info.env.iter().map(|var| var.name).collect();
                json!({"id": row.info.id, "title": row.info.title, "summary": row.info.summary,
                       "tools": row.tools, "env": env, "docs": row.info.docs})
            })
            .collect();
        print(&format!("{:#}", Value::Array(rows)));
        return Ok(());
    }
    for row in ALL {
        print(&format!(
            "{:10} {:2} tools  {}",
            row.info.id, row.tools, row.info.summary
        ));
        print(&format!("{:20} {}", "", row.info.setup_hint));
    }
    Ok(())
}
