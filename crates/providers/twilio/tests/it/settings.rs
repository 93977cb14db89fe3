//! The settings as a configuration gives them: every fault is told when it is read.

use std::collections::BTreeMap;

use business_tools_core::config::{KnownProvider, Loader};
use business_tools_twilio::Twilio;

use crate::support::{ACCOUNT, OTHER};

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
        .providers([KnownProvider::of::<Twilio>()]);
    let outcome = loader.load();
    std::fs::remove_dir_all(&folder).unwrap();
    match outcome {
        Ok(config) => Ok(config.providers["twilio"]
            .settings
            .accounts
            .keys()
            .cloned()
            .collect()),
        Err(report) => Err(report.to_string()),
    }
}

#[test]
fn account_and_token_in_the_environment_need_no_file() {
    let variables = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", "t")];
    assert_eq!(load("{}", &variables).unwrap(), ["default"]);
}

#[test]
fn an_api_key_in_the_environment_does_as_well() {
    let variables = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_API_KEY", "SK00000000000000000000000000000001"),
        ("TWILIO_API_SECRET", "s"),
        ("TWILIO_REGION", "ie1"),
        ("TWILIO_EDGE", "dublin"),
        ("TWILIO_BASE_URL", "http://127.0.0.1:1/twilio"),
    ];
    assert_eq!(load("{}", &variables).unwrap(), ["default"]);
}

#[test]
fn several_accounts_stand_in_the_file() {
    let yaml = format!(
        "providers: {{ twilio: {{ credentials: {{ account_sid: {ACCOUNT}, auth_token: t }}, \
         accounts: {{ marketing: {{ account_sid: {OTHER}, auth_token: u }} }} }} }}"
    );
    assert_eq!(load(&yaml, &[]).unwrap(), ["default", "marketing"]);
}

#[test]
fn what_cannot_work_is_told_with_its_place_and_without_its_value() {
    for (credentials, place, what) in [
        (
            "account_sid: CANARY, auth_token: t",
            "credentials.account_sid",
            "AC",
        ),
        (
            "account_sid: AC5a4db0c0de5a4db0c0de5a4db0c0de00, api_key: CANARY, api_secret: s",
            "credentials.api_key",
            "SK",
        ),
        (
            "account_sid: AC5a4db0c0de5a4db0c0de5a4db0c0de00",
            "credentials",
            "neither auth_token nor api_key",
        ),
        (
            "account_sid: AC5a4db0c0de5a4db0c0de5a4db0c0de00, api_secret: CANARY",
            "credentials",
            "no api_key",
        ),
        (
            "auth_token: CANARY",
            "credentials.account_sid",
            "is missing",
        ),
    ] {
        let yaml = format!("providers: {{ twilio: {{ credentials: {{ {credentials} }} }} }}");
        let told = load(&yaml, &[]).unwrap_err();
        assert!(
            told.contains(&format!("providers.twilio.{place}")),
            "{credentials}: {told}"
        );
        assert!(told.contains(what), "{credentials}: {told}");
        assert!(!told.contains("CANARY"), "{told}");
    }
    let variables = [
        ("TWILIO_ACCOUNT_SID", "CANARY"),
        ("TWILIO_AUTH_TOKEN", "t"),
        ("TWILIO_REGION", "CAN ARY"),
    ];
    let told = load("{}", &variables).unwrap_err();
    assert!(
        told.contains("TWILIO_ACCOUNT_SID") && told.contains("TWILIO_REGION"),
        "{told}"
    );
    assert!(!told.contains("CANARY"), "{told}");
    let base_url = "providers: { twilio: { base_url: 'ftp://CANARY', credentials: { account_sid: \
                    AC5a4db0c0de5a4db0c0de5a4db0c0de00, auth_token: t } } }";
    let told = load(base_url, &[]).unwrap_err();
    assert!(
        told.contains("base_url") && !told.contains("CANARY"),
        "{told}"
    );
}
