//! One provider: its credentials first, as a call uses them, and then the way that the requests took.

use std::time::Duration;

use business_tools_core::health::{Checked, check_provider};
use business_tools_core::{Error, ToolPlugin};
use serde_json::Value;

use super::finding::{Finding, Verdict};
use super::network::{self, Target};
use crate::app::App;

/// Checks every account of a provider.
pub(super) async fn findings(
    app: &App,
    plugin: &dyn ToolPlugin,
    patience: Duration,
) -> Vec<Finding> {
    let id = plugin.info().id;
    let slow = app.config().health.slow.0;
    super::progress(&format!("{id}: asking …"));
    let checks = check_provider(plugin, patience).await;
    let mut found = Vec::new();
    let mut looked_at: Vec<Target> = Vec::new();
    for checked in &checks {
        let mut way = Vec::new();
        for target in targets(app, id, checked) {
            // Accounts mostly share their host, and once is enough.
            if looked_at.contains(&target) {
                continue;
            }
            super::progress(&format!("{id}: looking at the way there …"));
            way.extend(network::findings(id, &target, app.registry.env(), patience).await);
            looked_at.push(target);
        }
        way.push(credentials(id, checked, slow));
        found.extend(
            way.into_iter()
                .map(|finding| finding.account(&checked.account)),
        );
    }
    found
}

/// Where the requests of a check went.
fn targets(app: &App, id: &str, checked: &Checked) -> Vec<Target> {
    let mut targets = Vec::new();
    let web = checked.tried.iter().filter_map(|tried| {
        let mut url = url::Url::parse(tried.request["url"].as_str()?).ok()?;
        url.set_path("/");
        url.set_query(None);
        Some(Target::Web(url))
    });
    for target in web {
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    if targets.is_empty() {
        let hosts = app.with_account(id, &checked.account, |fields| {
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            let place = text("base_url").or_else(|| text("uri"));
            place.map(Target::of_connection_string)
        });
        targets.extend(hosts.flatten().unwrap_or_default());
    }
    targets
}

fn credentials(id: &str, checked: &Checked, slow: Duration) -> Finding {
    let tried = checked
        .tried
        .last()
        .map_or_else(String::new, |tried| asked(&tried.request));
    let several = match checked.tried.len() {
        0 | 1 => String::new(),
        n => format!(", tried {n} times"),
    };
    let finding = |verdict, answer: String| {
        Finding::new(id, "credentials", verdict, tried, answer).took(checked.health.latency)
    };
    match &checked.health.error {
        None if checked.health.latency > slow => {
            finding(Verdict::Odd, format!("are good, and the answer was slow{several}")).remedy(
                "See `mcp_provider_latency_seconds` and the provider's status page; `timeouts` bounds a call",
            )
        }
        None => finding(Verdict::Ok, "are good".to_owned()),
        Some(error) => finding(Verdict::Failed, format!("{}{several}", told(error)))
            .remedy(error.hint_text().unwrap_or_default()),
    }
}

fn told(error: &Error) -> String {
    let status = error
        .details()
        .get("upstream_status")
        .and_then(Value::as_u64);
    let status = status.map_or_else(String::new, |status| format!(" [status {status}]"));
    format!("{}: {}{status}", error.code(), error.message())
}

/// `GET https://api.example.com/v1/me` of a masked request; the query is left out.
fn asked(request: &Value) -> String {
    if let (Some(method), Some(url)) = (request["method"].as_str(), request["url"].as_str()) {
        let url = url.split('?').next().unwrap_or_default();
        return format!("{method} {url}");
    }
    let command = request["command"].as_object();
    let command = command.and_then(|command| command.keys().next());
    command.map_or_else(String::new, |command| format!("command {command}"))
}
