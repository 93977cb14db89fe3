//! The settings as a configuration gives them: every fault is told when it is read.

use std::collections::BTreeMap;

use business_tools_core::Kind;
use business_tools_core::config::{KnownProvider, Loader};
use business_tools_openai::OpenAi;
use serde_json::json;

use crate::support::openai;

const KEY: &str = "sk-proj-abcdefghijklmnopqrstuvwx";

/// The names of the accounts, or what is wrong.
fn load(yaml: &str, variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default().replace("::", "-");
    let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.yaml"), yaml).unwrap();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: BTreeMap<_, _> = variables.iter().map(owned).collect();
    let loader = Loader::new(variables)
        .dir(&folder)
        .providers([KnownProvider::of::<OpenAi>()]);
    let outcome = loader.load();
    std::fs::remove_dir_all(&folder).unwrap();
    match outcome {
        Ok(config) => {
            let accounts = &config.providers["openai"].settings.accounts;
            Ok(accounts.keys().cloned().collect())
        }
        Err(report) => Err(report.to_string()),
    }
}

#[test]
fn a_key_in_the_environment_needs_no_file() {
    assert_eq!(load("{}", &[("OPENAI_API_KEY", KEY)]).unwrap(), ["default"]);
    let all = [
        ("OPENAI_API_KEY", "any-form"),
        ("OPENAI_ORG_ID", "org-1"),
        ("OPENAI_PROJECT_ID", "proj_1"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1"),
    ];
    assert_eq!(load("{}", &all).unwrap(), ["default"]);
}

#[test]
fn models_prices_and_accounts_stand_in_the_file() {
    let yaml = format!(
        "providers: {{ openai: {{ credentials: {{ api_key: {KEY} }}, models: {{ text: gpt-x }}, \
         prices: {{ gpt-x: {{ input_per_million: 1.5 }} }}, \
         accounts: {{ marketing: {{ api_key: {KEY}, project: proj_2 }} }} }} }}"
    );
    assert_eq!(load(&yaml, &[]).unwrap(), ["default", "marketing"]);
}

#[test]
fn every_fault_is_told_with_its_place_and_no_value() {
    for (block, told) in [
        ("credentials: { api_key: CANARY }", "sk-"),
        (
            "credentials: { api_key: \"sk-CANARY CANARY\" }",
            "white space",
        ),
        ("credentials: { organization: org-1 }", "OPENAI_API_KEY"),
        (
            "models: { picture: CANARY }, credentials: { api_key: sk-a }",
            "picture",
        ),
        (
            "models: { text: \"CANARY CANARY\" }, credentials: { api_key: sk-a }",
            "models.text",
        ),
        (
            "prices: { m: { input_per_million: -1 } }, credentials: { api_key: sk-a }",
            "prices",
        ),
        (
            "prices: { m: { per_hour: 1 } }, credentials: { api_key: sk-a }",
            "per_hour",
        ),
        (
            "base_url: \"https://u:CANARY@host/v1\", credentials: { api_key: sk-a }",
            "base_url",
        ),
    ] {
        let yaml = format!("providers: {{ openai: {{ {block} }} }}");
        let report = load(&yaml, &[]).unwrap_err();
        assert!(report.contains(told), "{block}: {report}");
        assert!(!report.contains("CANARY"), "{report}");
    }
}

#[tokio::test]
async fn an_embedder_is_told_the_same() {
    let bad = json!({"api_key": "sk-a b"});
    let error = openai()
        .fields(bad)
        .try_start::<OpenAi>()
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::NotConfigured);
    assert!(error.hint_text().unwrap().contains("OPENAI_API_KEY"));
}
