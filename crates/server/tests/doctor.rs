//! `doctor`, against simulators in trouble.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![cfg(all(feature = "all", feature = "sandbox"))]

mod binary;

use std::process::Output;

use binary::{Folder, Server, command_in};
use serde_json::{Value, json};

/// What `doctor` says about Twilio when its requests go to `base_url`.
fn doctor(base_url: &str, token: &str, args: &[&str]) -> (Output, Value) {
    let folder = Folder::new(&[]);
    let all = [&["doctor", "--json", "--timeout", "3s", "twilio"], args].concat();
    let output = command_in(&folder.0, &all)
        .env("TWILIO_ACCOUNT_SID", format!("AC{}", "0".repeat(32)))
        .env("TWILIO_AUTH_TOKEN", token)
        .env("TWILIO_BASE_URL", base_url)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output, report)
}

fn step<'a>(report: &'a Value, step: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .find(|finding| finding["subject"] == "twilio" && finding["step"] == step)
        .unwrap_or_else(|| panic!("no {step} in {report:#}"))
}

fn told(finding: &Value) -> String {
    format!("{} {}", finding["answer"], finding["remedy"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trouble_is_told_from_the_others() {
    let server = Server::start(&[]);
    let twilio = format!("{}/twilio", server.sandbox);
    let good = "0".repeat(32);

    let (output, well) = doctor(&twilio, &good, &[]);
    assert_eq!(output.status.code(), Some(0), "{well:#}");
    assert_eq!(well["status"], "ok");
    assert_eq!(step(&well, "connection")["verdict"], "ok");
    let tried = step(&well, "credentials")["tried"].as_str().unwrap();
    assert!(tried.starts_with("GET http://127.0.0.1:"), "{tried}");
    let progress = String::from_utf8(output.stderr).unwrap();
    assert!(progress.contains("twilio: asking"), "{progress}");

    let wrong = format!("wrong{}", "0".repeat(27));
    let (output, report) = doctor(&twilio, &wrong, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(step(&report, "connection")["verdict"], "ok");
    let words = told(step(&report, "credentials"));
    assert!(
        words.contains("TWILIO_AUTH_FAILED") && words.contains("TWILIO_AUTH_TOKEN"),
        "{words}"
    );
    let all = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!all.contains(&wrong), "{all}");

    server
        .fault(json!({"provider": "twilio", "kind": "status", "status": 503, "for_ms": 60_000, "path": "/2010-04-01/"}))
        .await;
    let (_, report) = doctor(&twilio, &good, &[]);
    assert_eq!(
        step(&report, "connection")["verdict"],
        "ok",
        "it is there, and it fails"
    );
    let words = told(step(&report, "credentials"));
    assert!(
        words.contains("503") && words.contains("tried 3 times"),
        "{words}"
    );

    let answer = server
        .http
        .delete(format!(
            "{}/_sandbox/faults?provider=twilio",
            server.sandbox
        ))
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success());
    server
        .fault(json!({"provider": "twilio", "kind": "latency", "delay_ms": 2500, "for_ms": 60_000}))
        .await;
    let (output, report) = doctor(&twilio, &good, &[]);
    assert_eq!(output.status.code(), Some(0), "slow is not down");
    let slow = step(&report, "credentials");
    assert_eq!(slow["verdict"], "odd");
    assert!(told(slow).contains("slow"), "{slow}");

    let (output, report) = doctor("http://127.0.0.1:9/twilio", &good, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(told(step(&report, "connection")).contains("cannot be reached"));

    let (_, report) = doctor("https://api.twilio.invalid", &good, &[]);
    assert_eq!(step(&report, "dns")["verdict"], "failed");
    assert!(told(step(&report, "dns")).contains("DNS"));
}

#[test]
fn a_configuration_with_faults_is_the_finding() {
    let folder = Folder::new(&[("config.yaml", "read_onyl: true\n")]);
    let output = command_in(&folder.0, &["doctor", "--json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["status"], "unusable");
    let error = report["error"].as_str().unwrap();
    assert!(
        error
            .contains("config.yaml line 1: read_onyl: is not a setting; did you mean `read_only`?")
    );
}

#[test]
fn a_newcomer_with_two_variables_gets_the_tools_of_twilio_alone() {
    let folder = Folder::new(&[]);
    let output = command_in(&folder.0, &["tools", "--json"])
        .env("TWILIO_ACCOUNT_SID", format!("AC{}", "0".repeat(32)))
        .env("TWILIO_AUTH_TOKEN", "0".repeat(32))
        .output()
        .unwrap();
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let items = list["items"].as_array().unwrap();
    assert!(!items.is_empty());
    for tool in items {
        assert!(
            tool["name"].as_str().unwrap().starts_with("twilio_"),
            "{tool}"
        );
    }
    let nothing = command_in(&folder.0, &["doctor"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(1));
    let text = String::from_utf8(nothing.stdout).unwrap();
    assert!(text.contains("no provider is configured"), "{text}");
}
