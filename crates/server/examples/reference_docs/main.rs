//! Writes the reference pages: one for each provider, and the list of error codes.
//!
//! `cargo xtask docs` runs it, and `cargo xtask tidy` fails when a page is stale.

mod arguments;
mod failures;
mod settings;
mod tool;

use std::fmt::Write as _;
use std::path::Path;

use business_tools_core::{Env, Kind, ProviderSettings};
use business_tools_mcp::providers::{ALL, Row};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let root = std::env::args().nth(1).unwrap_or_else(|| "docs".to_owned());
    let root = Path::new(&root);
    std::fs::create_dir_all(root.join("providers"))?;
    std::fs::write(root.join("errors.md"), errors())?;
    for row in ALL {
        let page = root.join("providers").join(format!("{}.md", row.info.id));
        std::fs::write(page, provider(row)?)?;
    }
    Ok(())
}

const STAMP: &str =
    "<!-- Written by `cargo xtask docs` from the declarations in the code. Do not edit. -->\n\n";

fn errors() -> String {
    let mut page = format!(
        "{STAMP}# Error codes\n\nEvery error, on every transport, in the log and in the audit, is the same object: `code`, `message`, \
         `details`, `hint`. The code of a provider's error has the provider before it, `TWILIO_AUTH_FAILED`.\n\n\
         | code | with provider | meaning |\n|---|---|---|\n"
    );
    for kind in Kind::ALL {
        let prefixed = if kind.is_ours() { "" } else { "yes" };
        let _ = writeln!(
            page,
            "| `{}` | {prefixed} | {} |",
            kind.code(),
            kind.meaning().trim()
        );
    }
    page
}

fn provider(row: &Row) -> Result<String, Failure> {
    let info = row.info;
    // Connecting opens no connection; the address leads nowhere.
    let fields = ProviderSettings::single((row.sandbox_config)("http://127.0.0.1:9"));
    let plugin = (row.connect)(None, &fields, &Env::alone())?;
    let mut page = format!(
        "{STAMP}# {}\n\n{}\n\nAPI: <{}>. {}.\n",
        info.title,
        info.summary,
        info.docs,
        info.setup_hint.trim_end_matches('.')
    );
    page.push_str(&settings::section(row));
    page.push_str(&limits(row));
    page.push_str(&failures::section(row)?);
    page.push_str("\n## Tools\n\n| tool | effect | |\n|---|---|---|\n");
    for tool in plugin.tools() {
        let _ = writeln!(
            page,
            "| [`{0}`](#{0}) | {1} | {2} |",
            tool.spec.name,
            tool::effect(tool.spec),
            tool.description
        );
    }
    let examples = (row.examples)();
    for tool in plugin.tools() {
        page.push_str(&tool::section(tool, examples.of(tool.spec.name)));
    }
    Ok(page)
}

fn limits(row: &Row) -> String {
    let policy = &row.info.policy;
    let mut text = format!(
        "\n## Limits\n\nEach number can be changed in the provider's block of the configuration \
         (`timeouts`, `retry`, `circuit_breaker`, `rate_limits`).\n\n\
         | limit | |\n|---|---|\n\
         | time of a call | {:?} |\n\
         | time of one attempt | {:?} |\n\
         | attempts | {}, waiting up to {:?} at first and {:?} at last |\n\
         | requests in flight | {} per account |\n\
         | circuit | opens after {} failures in a row, for {:?} |\n\
         | largest answer | {} MB |\n",
        policy.deadline,
        policy.attempt_timeout,
        policy.retry.attempts,
        policy.retry.base,
        policy.retry.max,
        policy.in_flight,
        policy.breaker.failures,
        policy.breaker.recovery,
        policy.max_answer >> 20,
    );
    for quota in policy.quotas {
        let name = match quota.name {
            "" => "all requests".to_owned(),
            name => format!("requests of quota `{name}`"),
        };
        let _ = writeln!(
            text,
            "| {name} | {} in {:?} |",
            quota.requests, quota.window
        );
    }
    text
}
