//! `config.example.yaml` against the settings there are and the providers of this build.

#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(feature = "all")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use business_tools_core::config::{Config, KnownProvider, Loader, ProviderBlock, schema};
use business_tools_mcp::providers::ALL;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn known() -> Vec<KnownProvider> {
    ALL.iter().map(|row| (row.known)()).collect()
}

fn example(variables: &[(&str, &str)]) -> Config {
    let variables = variables.iter().map(|(k, v)| ((*k).into(), (*v).into()));
    Loader::new(variables.collect())
        // Another folder than that of the file, where no environment file is.
        .dir(root().join("docs"))
        .file(Some(root().join("config.example.yaml")))
        .providers(known())
        .load()
        .unwrap()
}

#[test]
fn the_example_is_what_there_is_without_it() {
    let mut config = example(&[]);
    let configured = config.providers.values().any(ProviderBlock::is_configured);
    assert!(!configured, "the example alone configures nothing");
    config.providers.clear();
    config.warnings.clear();
    config.origins.clear();
    let plain = Loader::new(BTreeMap::new())
        .dir(root().join("docs"))
        .providers(known())
        .load()
        .unwrap();
    assert_eq!(format!("{config:?}"), format!("{plain:?}"));
}

#[test]
fn the_example_takes_the_customary_variables() {
    let config = example(&[
        ("TWILIO_ACCOUNT_SID", &format!("AC{}", "0".repeat(32))),
        ("TWILIO_AUTH_TOKEN", &"0".repeat(32)),
        ("MONGODB_URI", "mongodb://db.example.com/shop"),
    ]);
    for provider in ["twilio", "mongo"] {
        assert!(config.providers[provider].is_configured(), "{provider}");
    }
}

/// The names of the settings, blocks of providers left out.
fn names(schema: &Value, into: &mut Vec<String>) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if name != "providers" {
            into.push(name.clone());
            names(member, into);
        }
    }
}

#[test]
fn every_setting_and_every_provider_stands_in_the_example() {
    let text = std::fs::read_to_string(root().join("config.example.yaml")).unwrap();
    let known = known();
    let schema = schema(&known);
    // What is optional may stand there as a comment, and counts all the same.
    let stands = |name: &str| {
        text.lines().any(|line| {
            line.trim_start_matches([' ', '#', '-'])
                .split(['{', ','])
                .any(|part| part.trim().starts_with(&format!("{name}:")))
        })
    };
    let mut wanted = Vec::new();
    names(&schema, &mut wanted);
    wanted.extend(known.iter().map(|known| known.id.to_owned()));
    let missing: Vec<_> = wanted.iter().filter(|name| !stands(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
