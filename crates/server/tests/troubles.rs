//! `docs/troubleshooting.md`: what it shows of five troubles is what the binary really says about them.
//!
//! With `UPDATE_DOCS=1` in the environment the page is written anew instead.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]
#![cfg(all(feature = "all", feature = "sandbox"))]

mod binary;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use binary::{Folder, Server, command_in};
use regex::Regex;
use serde_json::{Value, json};

const PAGE: &str = "docs/troubleshooting.md";
/// The metrics that tell the troubles apart.
const METRICS: &[&str] = &[
    "mcp_api_calls_total",
    "mcp_provider_requests_total",
    "mcp_provider_latency_seconds_sum",
    "mcp_provider_latency_seconds_count",
    "mcp_retries_total",
    "mcp_circuit_state",
];

/// One thing that is wrong, and what the operator's four sources say about it.
struct Trouble {
    name: &'static str,
    token: &'static str,
    base_url: Option<&'static str>,
    fault: Option<Value>,
    /// What `doctor` ends with.
    code: i32,
}

fn troubles() -> Vec<Trouble> {
    let good = "pat-na1-0000";
    let trouble = |name, token| Trouble {
        name,
        token,
        base_url: None,
        fault: None,
        code: 1,
    };
    vec![
        trouble("wrong token", "pat-na1-wrong"),
        trouble("expired token", "pat-na1-expired"),
        Trouble {
            fault: Some(
                json!({"provider": "hubspot", "kind": "status", "status": 503, "for_ms": 300_000}),
            ),
            ..trouble("provider down", good)
        },
        Trouble {
            fault: Some(
                json!({"provider": "hubspot", "kind": "latency", "delay_ms": 2_200, "for_ms": 300_000}),
            ),
            code: 0,
            ..trouble("provider slow", good)
        },
        Trouble {
            base_url: Some("https://api.hubapi.invalid"),
            ..trouble("DNS broken", good)
        },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_page_shows_is_what_is_said() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(PAGE);
    let mut text = std::fs::read_to_string(&page).unwrap();
    let rewrite = std::env::var_os("UPDATE_DOCS").is_some();
    let mut signs = BTreeSet::new();
    let troubles = troubles();
    let all = futures_util::future::join_all(troubles.iter().map(said)).await;
    for (trouble, said) in troubles.iter().zip(all) {
        let (begin, end) = (
            format!("<!-- {}: begin -->\n", trouble.name),
            format!("<!-- {}: end -->", trouble.name),
        );
        let (before, rest) = text.split_once(&begin).unwrap();
        let (shown, after) = rest.split_once(&end).unwrap();
        assert!(
            rewrite || steady(shown) == steady(&said),
            "{PAGE} shows other words for `{}` than are said now; UPDATE_DOCS=1 writes it anew:\n{said}",
            trouble.name
        );
        text = format!("{before}{begin}{said}{end}{after}");
        signs.insert(steady(&said));
    }
    assert_eq!(signs.len(), troubles.len(), "each has its own signs");
    if rewrite {
        std::fs::write(page, text).unwrap();
    }
}

/// What the four sources say, as the page shows it.
async fn said(trouble: &Trouble) -> String {
    let simulators = Server::start(&[]);
    let hubspot = format!("{}/hubspot", simulators.sandbox);
    if let Some(fault) = &trouble.fault {
        simulators.fault(fault.clone()).await;
    }
    let base_url = trouble.base_url.unwrap_or(&hubspot);
    let env = [
        ("HUBSPOT_ACCESS_TOKEN", trouble.token),
        ("HUBSPOT_BASE_URL", base_url),
        ("BUSINESS_TOOLS_STATE_STORE", "memory"),
        // One check and one call, so that the counts say something.
        ("BUSINESS_TOOLS_HEALTH_INTERVAL", "1h"),
        // Long enough for every attempt of a check.
        ("BUSINESS_TOOLS_HEALTH_TIMEOUT", "1m"),
    ];
    let folder = Folder::new(&[]);
    let server = Server::start_with(&folder.0, &env, &[]);
    let health = checked(&server).await;
    let args = json!({"limit": 1});
    let (_, answer) = server.rest("hubspot_list_owners", args).await;
    if trouble.code != 0 {
        assert!(answer["error"]["code"].is_string(), "{answer}");
    }
    server.logged(&["hubspot_list_owners"]).await;
    let (_, metrics) = server.get("/metrics").await;
    let doctor = command_in(&folder.0, &["doctor", "hubspot"])
        .envs(env)
        .output()
        .unwrap();
    assert_eq!(doctor.status.code(), Some(trouble.code), "{}", trouble.name);

    let mut said = String::new();
    let mut block = |title: &str, kind: &str, text: &str| {
        // The address of the simulators stands for that of the provider.
        let text = text
            .replace(&hubspot, "https://api.hubapi.com")
            .replace(&simulators.sandbox, "https://api.hubapi.com");
        assert!(!text.contains(trouble.token), "{text}");
        write!(said, "\n{title}\n\n```{kind}\n{}\n```\n", text.trim()).unwrap();
    };
    block(
        "`business-tools-mcp doctor hubspot`",
        "text",
        &String::from_utf8(doctor.stdout).unwrap(),
    );
    block("`/health`", "json", &format!("{health:#}"));
    block("`/metrics`", "text", &lines(&metrics, METRICS));
    let log = server.log.lock().unwrap().join("\n");
    block("The log", "text", &lines(&log, &["hubspot"]));
    said.push('\n');
    said
}

/// The row of `/health`, once the check has been made.
async fn checked(server: &Server) -> Value {
    loop {
        let (_, page) = server.get("/health").await;
        let page: Value = serde_json::from_str(&page).unwrap();
        let row = &page["checks"]["hubspot"];
        if row["checked_at"].is_string() {
            return json!({"status": page["status"], "checks": {"hubspot": row}});
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn lines(text: &str, beginnings: &[&str]) -> String {
    let wanted = |line: &&str| {
        !line.starts_with('#') && beginnings.iter().any(|beginning| line.contains(beginning))
    };
    text.lines().filter(wanted).collect::<Vec<_>>().join("\n")
}

/// The same text without what is new each time: times, ids, durations, and the resolver's own words.
fn steady(text: &str) -> String {
    static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
            (r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID"),
            (r"\b[0-9a-f]{32}\b", "ID"),
            (r"\d+ ms\b", "MS"),
            (r#"(_ms"?[=:] ?)[\d.]+"#, "${1}MS"),
            (r"(seconds_sum\{[^}]*\}) [\d.e-]+", "$1 S"),
            (
                "Temporary failure in name resolution|Name or service not known|No address associated with hostname",
                "DNS",
            ),
        ]
        .map(|(pattern, instead)| (Regex::new(pattern).unwrap(), instead))
        .into()
    });
    RULES.iter().fold(text.to_owned(), |text, (rule, instead)| {
        rule.replace_all(&text, *instead).into_owned()
    })
}
