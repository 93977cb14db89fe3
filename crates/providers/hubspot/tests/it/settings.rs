//! The settings as a configuration gives them: every fault is told when it is read.

use std::collections::BTreeMap;

use business_tools_core::config::{KnownProvider, Loader, ProviderBlock};
use business_tools_hubspot::HubSpot;

use crate::support::{OTHER, TOKEN};

/// HubSpot's block, or what is wrong.
fn load(yaml: &str, variables: &[(&str, &str)]) -> Result<ProviderBlock, String> {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default().replace("::", "-");
    let folder = std::env::temp_dir().join(format!("hubspot-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.yaml"), yaml).unwrap();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: BTreeMap<_, _> = variables.iter().map(owned).collect();
    let loader = Loader::new(variables)
        .dir(&folder)
        .providers([KnownProvider::of::<HubSpot>()]);
    let outcome = loader.load();
    std::fs::remove_dir_all(&folder).unwrap();
    match outcome {
        Ok(config) => Ok(config.providers["hubspot"].clone()),
        Err(report) => Err(report.to_string()),
    }
}

fn accounts(block: &ProviderBlock) -> Vec<&str> {
    block.settings.accounts.keys().map(String::as_str).collect()
}

#[test]
fn a_token_in_the_environment_needs_no_file() {
    for name in ["HUBSPOT_ACCESS_TOKEN", "PRIVATE_APP_ACCESS_TOKEN"] {
        let block = load("{}", &[(name, TOKEN)]).unwrap();
        assert_eq!(accounts(&block), ["default"], "{name}");
    }
    // HubSpot's own name wins.
    let both = [
        ("PRIVATE_APP_ACCESS_TOKEN", TOKEN),
        ("HUBSPOT_ACCESS_TOKEN", OTHER),
    ];
    let block = load("{}", &both).unwrap();
    assert_eq!(block.settings.accounts["default"]["access_token"], OTHER);
}

#[test]
fn version_and_address_come_from_the_environment_as_well() {
    let variables = [
        ("HUBSPOT_ACCESS_TOKEN", TOKEN),
        ("HUBSPOT_API_VERSION", "2026-03"),
        ("HUBSPOT_BASE_URL", "http://127.0.0.1:1/hubspot"),
    ];
    let block = load("{}", &variables).unwrap();
    let account = &block.settings.accounts["default"];
    assert_eq!(
        (&account["api_version"], &account["base_url"]),
        (&"2026-03".into(), &"http://127.0.0.1:1/hubspot".into())
    );
}

#[test]
fn several_accounts_and_cache_times_stand_in_the_file() {
    let yaml = format!(
        "providers: {{ hubspot: {{ credentials: {{ access_token: {TOKEN} }}, \
         accounts: {{ europe: {{ access_token: {OTHER} }} }}, \
         cache: {{ ttl: {{ crm_contacts: 5s, search_results: 1m, hubspot_list_owners: 0 }} }} }} }}"
    );
    let block = load(&yaml, &[]).unwrap();
    assert_eq!(accounts(&block), ["default", "europe"]);
    assert_eq!(block.settings.cache_ttl["crm_contacts"].as_secs(), 5);
}

#[test]
fn what_cannot_work_is_told_with_its_place_and_without_its_value() {
    for (credentials, what) in [
        ("access_token: 'CANARY CANARY'", "white space"),
        ("access_token: 'Bearer CANARY'", "Bearer"),
        ("access_token: 'pat-'", "cut short"),
        (
            "access_token: 0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f",
            "API key",
        ),
    ] {
        let yaml = format!("providers: {{ hubspot: {{ credentials: {{ {credentials} }} }} }}");
        let told = load(&yaml, &[]).err().unwrap();
        assert!(
            told.contains("providers.hubspot.credentials"),
            "{credentials}: {told}"
        );
        assert!(told.contains(what), "{credentials}: {told}");
        assert!(!told.contains("CANARY"), "{told}");
    }
    let variables = [
        ("HUBSPOT_ACCESS_TOKEN", TOKEN),
        ("HUBSPOT_API_VERSION", "CANARY"),
    ];
    let told = load("{}", &variables).err().unwrap();
    assert!(
        told.contains("HUBSPOT_API_VERSION") && !told.contains("CANARY"),
        "{told}"
    );
    let yaml = format!(
        "providers: {{ hubspot: {{ base_url: 'ftp://CANARY', credentials: {{ access_token: {TOKEN} }} }} }}"
    );
    let told = load(&yaml, &[]).err().unwrap();
    assert!(
        told.contains("base_url") && !told.contains("CANARY"),
        "{told}"
    );
    let yaml = "providers: { hubspot: { credentials: { api_key: CANARY } } }";
    let told = load(yaml, &[]).err().unwrap();
    assert!(
        told.contains("api_key") && !told.contains("CANARY"),
        "{told}"
    );
}
