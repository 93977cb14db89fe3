//! The configuration: which layer wins, what is refused, and that no fault quotes a value.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use business_tools_core::config::{
    Circumstances, Config, Confirmation, Fault, KnownProvider, Loader, LogFormat, Report,
    VARIABLES, schema,
};
use common::Acme;
use serde_json::json;

/// A directory of its own that goes away with it.
struct Dir(PathBuf);

impl Dir {
    fn new(files: &[(&str, &str)]) -> Self {
        let name = format!("business-tools-config-{}", uuid::Uuid::new_v4());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        for (name, text) in files {
            fs::write(path.join(name), text).unwrap();
        }
        Self(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn load_in(dir: &Path, env: &[(&str, &str)]) -> Result<Config, Report> {
    Loader::new(environment(env))
        .dir(dir)
        .providers([KnownProvider::of::<Acme>()])
        .load()
}

fn load(files: &[(&str, &str)], env: &[(&str, &str)]) -> Result<Config, Report> {
    load_in(&Dir::new(files).0, env)
}

fn faults(yaml: &str, env: &[(&str, &str)]) -> Vec<Fault> {
    load(&[("config.yaml", yaml)], env)
        .unwrap_err()
        .faults()
        .to_vec()
}

fn account(config: &Config, name: &str) -> serde_json::Value {
    json!(config.providers["acme"].settings.accounts[name])
}

#[test]
fn without_a_file_and_without_variables_there_are_defaults() {
    let config = load(&[], &[]).unwrap();
    assert_eq!(config.environment, "development");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.log.format, LogFormat::Pretty);
    assert_eq!(config.confirm, Confirmation::Ask);
    assert!(config.server.legacy_sessions && config.metrics.enabled);
    assert!(config.providers.is_empty());
    assert!(config.warnings.is_empty());
}

type Case<'a> = (&'a [(&'a str, &'a str)], Vec<(&'a str, &'a str)>, &'a str);

#[test]
fn each_layer_is_stronger_than_the_one_before() {
    let yaml = ("config.yaml", "log: {level: from-yaml}");
    let staging = (".env.staging", "BUSINESS_TOOLS_LOG_LEVEL=from-env-file");
    let local = (".env.local", "BUSINESS_TOOLS_LOG_LEVEL=from-local");
    let process = [("BUSINESS_TOOLS_LOG_LEVEL", "from-process")];
    let staged = [("ENVIRONMENT", "staging")];
    let cases: &[Case<'_>] = &[
        (&[], vec![], "info"),
        (&[yaml], vec![], "from-yaml"),
        (&[yaml, staging], vec![], "from-yaml"),
        (&[yaml, staging], staged.to_vec(), "from-env-file"),
        (&[yaml, staging, local], staged.to_vec(), "from-local"),
        (
            &[yaml, staging, local],
            [staged, process].concat(),
            "from-process",
        ),
        (&[yaml], process.to_vec(), "from-process"),
        (&[yaml], vec![("BUSINESS_TOOLS_LOG_LEVEL", "")], "from-yaml"),
    ];
    for (files, env, want) in cases {
        let config = load(files, env).unwrap();
        assert_eq!(config.log.level, *want, "{files:?} {env:?}");
    }
}

#[test]
fn an_empty_variable_hides_nothing() {
    let files = [
        (".env.development", "BUSINESS_TOOLS_LOG_LEVEL=warn"),
        (".env.local", "BUSINESS_TOOLS_LOG_LEVEL="),
    ];
    let config = load(&files, &[("BUSINESS_TOOLS_LOG_LEVEL", "")]).unwrap();
    assert_eq!(config.log.level, "warn");
}

#[test]
fn the_environment_is_named_by_flag_then_variable_then_file() {
    let dir = Dir::new(&[
        ("config.yaml", "environment: staging"),
        (".env.staging", "BUSINESS_TOOLS_LOG_LEVEL=s"),
        (".env.production", "BUSINESS_TOOLS_LOG_LEVEL=p"),
    ]);
    let loader = |env: &[(&str, &str)]| Loader::new(environment(env)).dir(&dir.0);
    let level = |loader: Loader| loader.load().unwrap().log.level;
    assert_eq!(level(loader(&[])), "s");
    assert_eq!(level(loader(&[("ENVIRONMENT", "production")])), "p");
    let flagged = loader(&[("ENVIRONMENT", "production")]).environment(Some("staging"));
    assert_eq!(level(flagged), "s");
    fs::write(dir.0.join(".env.local"), "ENVIRONMENT=production").unwrap();
    assert_eq!(loader(&[]).load().unwrap().environment, "production");
}

#[test]
fn the_name_of_an_environment_leads_out_of_no_folder() {
    let report = load(&[], &[("ENVIRONMENT", "../../etc/x")]).unwrap_err();
    assert_eq!(report.faults()[0].path, "ENVIRONMENT");
}

#[test]
fn customary_variables_alone_configure_a_provider() {
    let config = load(
        &[],
        &[
            ("ACME_ACCOUNT", "a1"),
            ("ACME_TOKEN", "t1"),
            ("ACME_SIZE", "7"),
            ("ACME_ALLOWED", "x, y"),
        ],
    )
    .unwrap();
    assert!(config.providers["acme"].is_configured());
    let want = json!({"account_id": "a1", "token": "t1", "size": 7, "allowed": ["x", "y"]});
    assert_eq!(account(&config, "default"), want);
}

#[test]
fn variables_are_stronger_than_the_file_and_the_last_name_of_a_field_wins() {
    let yaml = "providers: {acme: {region: eu, credentials: {account_id: a, token: file-token}}}";
    let env = [
        ("ACME_KEY", "weaker"),
        ("ACME_TOKEN", "stronger"),
        ("ACME_REGION", "us"),
    ];
    let config = load(&[("config.yaml", yaml)], &env).unwrap();
    assert_eq!(
        account(&config, "default"),
        json!({"region": "us", "account_id": "a", "token": "stronger"})
    );
}

#[test]
fn accounts_share_the_settings_of_the_block_and_have_credentials_of_their_own() {
    let yaml = r"
providers:
  acme:
    region: eu
    base_url: https://one.example
    credentials: {account_id: a, token: t}
    accounts:
      sales: {account_id: b, token: u}
      far: {account_id: c, token: v, region: us, base_url: https://two.example}
    retry: {max_attempts: 5}
    cache: {ttl: {things: 2m}}
";
    let config = load(&[("config.yaml", yaml)], &[]).unwrap();
    let settings = &config.providers["acme"].settings;
    assert_eq!(
        account(&config, "sales"),
        json!({"region": "eu", "base_url": "https://one.example", "account_id": "b", "token": "u"})
    );
    assert_eq!(account(&config, "far")["region"], "us");
    assert_eq!(account(&config, "far")["base_url"], "https://two.example");
    assert_eq!(settings.overrides.retry.max_attempts, Some(5));
    assert_eq!(settings.cache_ttl["things"], Duration::from_mins(2));
    let config = load(
        &[("config.yaml", yaml)],
        &[("ACME_BASE_URL", "http://127.0.0.1:9")],
    )
    .unwrap();
    for name in ["default", "sales", "far"] {
        assert_eq!(
            account(&config, name)["base_url"],
            "http://127.0.0.1:9",
            "{name}"
        );
    }
}

#[test]
fn a_provider_that_is_switched_off_stays_off_and_needs_nothing() {
    let yaml = r"
providers:
  acme: {enabled: false, credentials: {account_id: '${NOT_SET}', token: 'file:/does/not/exist'}}
  another: {enabled: false, anything: 1}
";
    let config = load(&[("config.yaml", yaml)], &[("ACME_TOKEN", "t")]).unwrap();
    assert!(!config.providers["acme"].is_configured());
    assert!(config.providers["acme"].settings.accounts.is_empty());
    let config = load(
        &[(
            "config.yaml",
            "providers: {acme: {enabled: '${ACME_ON:-false}'}}",
        )],
        &[("ACME_TOKEN", "t"), ("ACME_ACCOUNT", "a")],
    )
    .unwrap();
    assert!(!config.providers["acme"].is_configured());
}

#[test]
fn a_provider_without_credentials_is_left_out_with_a_warning() {
    let yaml =
        "providers: {acme: {enabled: true, credentials: {account_id: '${A:-}', token: '${B:-}'}}}";
    let config = load(&[("config.yaml", yaml)], &[]).unwrap();
    assert!(!config.providers["acme"].is_configured());
    assert_eq!(config.warnings[0].path, "providers.acme");
}

#[test]
fn every_fault_is_told_at_once() {
    let yaml = r"
tool_sets: [acme]
toolsets: [acmee]
log: {level: 3, format: xml}
server: {listen: nowhere, max_body_bytes: 1, allowed_hosts: '${MISSING}'}
health: {interval: soon}
providers:
  acme:
    token: t
    regoin: eu
    credentials: {account_id: x, region: eu}
    retry: {max_attempt: 3, max_attempts: 0}
    rate_limits: {requests_per_second: fast}
    cache: {ttl: {thing: 60s, things: -1}}
  acne: {}
";
    let found = faults(yaml, &[("BUSINESS_TOOLS_READ_ONLY", "maybe")]);
    let all: Vec<String> = found.iter().map(ToString::to_string).collect();
    let expected = [
        ("tool_sets", "did you mean `toolsets`?"),
        ("toolsets", "did you mean `acme`?"),
        ("log.level", "must be of type string"),
        ("log.format", "must be one of"),
        ("server.listen", "must be an address and a port"),
        ("server.max_body_bytes", "must be at least 1024"),
        ("server.allowed_hosts", "needs the variable MISSING"),
        ("health.interval", "is not a length of time"),
        ("BUSINESS_TOOLS_READ_ONLY", "must be of type boolean"),
        ("providers.acme.token", "write it under `credentials`"),
        ("providers.acme.regoin", "did you mean `region`?"),
        (
            "providers.acme.credentials.region",
            "write it beside `credentials`",
        ),
        (
            "providers.acme.retry.max_attempt",
            "did you mean `max_attempts`?",
        ),
        ("providers.acme.retry.max_attempts", "must be at least 1"),
        (
            "providers.acme.rate_limits.requests_per_second",
            "must be of type integer",
        ),
        ("providers.acme.cache.ttl.thing", "did you mean `things`?"),
        ("providers.acme.cache.ttl.things", "must be at least 0"),
        ("providers.acne", "did you mean `acme`?"),
    ];
    for (path, words) in expected {
        assert!(
            all.iter()
                .any(|line| line.contains(&format!("{path}:")) && line.contains(words)),
            "{path}: {words} is not in\n{}",
            all.join("\n")
        );
    }
    assert_eq!(all.len(), expected.len(), "{}", all.join("\n"));
}

#[test]
fn a_fault_tells_its_file_and_line() {
    let config = "read_only: true\nserver:\n  listn: 1\nproviders:\n  acme:\n    credentials: { account_id: a }\n";
    let local = "# mine\nBUSINESS_TOOLS_CATALOG=maybe\nBUSINESS_TOOLS_LISTN=1\n";
    let files = [("config.yaml", config), (".env.local", local)];
    let report = load(&files, &[]).unwrap_err();
    let places: Vec<_> = report
        .faults()
        .iter()
        .map(|fault| {
            let place = fault.place.as_ref().unwrap();
            let file = place.file.rsplit('/').next().unwrap();
            (file, place.line, fault.path.as_str())
        })
        .collect();
    assert_eq!(
        places,
        [
            (".env.local", 2, "BUSINESS_TOOLS_CATALOG"),
            (".env.local", 3, "BUSINESS_TOOLS_LISTN"),
            ("config.yaml", 3, "server.listn"),
            ("config.yaml", 6, "providers.acme.credentials.token"),
        ]
    );
}

#[test]
fn every_value_that_was_set_tells_where() {
    let files = [
        (
            "config.yaml",
            "read_only: true\nresults:\n  max_bytes: 9999\n",
        ),
        (
            ".env.local",
            "\nBUSINESS_TOOLS_CATALOG=true\nACME_TOKEN=CANARY\n",
        ),
    ];
    let config = load(&files, &[("ACME_ACCOUNT", "a")]).unwrap();
    let from = |path: &str| {
        let place = config.origins[path].as_str();
        place.rsplit('/').next().unwrap().to_owned()
    };
    assert_eq!(from("read_only"), "config.yaml line 1");
    assert_eq!(from("results.max_bytes"), "config.yaml line 3");
    assert_eq!(
        from("catalog"),
        "BUSINESS_TOOLS_CATALOG (.env.local line 2)"
    );
    assert_eq!(
        from("providers.acme.credentials.token"),
        "ACME_TOKEN (.env.local line 3)"
    );
    assert_eq!(
        from("providers.acme.credentials.account_id"),
        "ACME_ACCOUNT"
    );
    assert_eq!(config.origins.len(), 5);
}

#[test]
fn what_an_account_lacks_is_named_with_its_variable() {
    let yaml = "providers: {acme: {credentials: {account_id: a}, accounts: {sales: {token: t}}}}";
    let found = faults(yaml, &[]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].path, "providers.acme.credentials.token");
    assert!(
        found[0].remedy.contains("ACME_KEY or ACME_TOKEN"),
        "{found:?}"
    );
    assert_eq!(found[1].path, "providers.acme.accounts.sales.account_id");
}

#[test]
fn variables_are_filled_in_and_texts_become_what_the_setting_wants() {
    let yaml = r#"
read_only: ${RO}
toolsets: "${SETS}"
server: {max_concurrent_calls: ${CALLS:-7}, listen: "localhost:${PORT:-99}"}
log: {level: "$${kept} ${LEVEL:-a}-${LEVEL:-b}"}
providers:
  acme:
    credentials: { account_id: ${ID}, token: ${TOKEN} }
    size: ${SIZE:-3}
"#;
    let env = [
        ("RO", "yes"),
        ("SETS", "acme"),
        ("ID", "a"),
        ("TOKEN", "t${ID}: #{}"),
    ];
    let config = load(&[("config.yaml", yaml)], &env).unwrap();
    assert!(config.selection.read_only);
    assert_eq!(config.selection.toolsets, ["acme"]);
    assert_eq!(config.server.max_concurrent_calls, 7);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:99");
    assert_eq!(config.log.level, "${kept} a-b");
    // What a variable holds is a value, never more of the file.
    assert_eq!(
        account(&config, "default"),
        json!({"size": 3, "account_id": "a", "token": "t${ID}: #{}"})
    );
}

#[test]
fn broken_variables_are_faults_in_their_place() {
    for (text, words) in [
        ("${", "never closed"),
        ("${}", "names no variable"),
        ("${1A}", "names no variable"),
        ("${A B}", "names no variable"),
        ("a ${NOT_SET} b", "NOT_SET"),
    ] {
        let found = faults(&format!("log: {{level: '{text}'}}"), &[]);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].path, "log.level");
        assert!(found[0].what.contains(words), "{found:?}");
    }
}

#[test]
fn secrets_come_from_variables_and_files() {
    let dir = Dir::new(&[("secret.txt", "from-file\n")]);
    let yaml =
        "providers: {acme: {credentials: {account_id: 'env:WHO', token: 'file:secret.txt'}}}";
    fs::write(dir.0.join("config.yaml"), yaml).unwrap();
    let config = load_in(&dir.0, &[("WHO", "me")]).unwrap();
    assert_eq!(
        account(&config, "default"),
        json!({"account_id": "me", "token": "from-file"})
    );
    // A reference may stand in a variable too, and is followed once.
    let path = format!("file:{}", dir.0.join("secret.txt").display());
    let config = load_in(&dir.0, &[("WHO", "env:WHO"), ("ACME_TOKEN", &path)]).unwrap();
    assert_eq!(
        account(&config, "default"),
        json!({"account_id": "env:WHO", "token": "from-file"})
    );
}

#[test]
fn references_that_lead_nowhere_are_faults() {
    for (reference, words) in [
        ("env:NOT_SET", "not set"),
        ("file:/does/not/exist", "cannot be read"),
        ("vault:secret/x", "`vault:` reference that cannot be read"),
        // Services are asked by `Loader::load_with` alone.
        ("vault:secret/x#y", "refers to Vault"),
        ("aws-sm:x#y", "refers to AWS Secrets Manager"),
        ("op://vault/item/field", "refers to 1Password Connect"),
        ("enc:abc", "`enc:` reference that cannot be read"),
    ] {
        let yaml = format!(
            "providers: {{acme: {{credentials: {{account_id: a, token: '{reference}'}}}}}}"
        );
        let found = faults(&yaml, &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, "providers.acme.credentials.token");
        assert!(found[0].what.contains(words), "{found:?}");
    }
}

#[test]
fn no_report_and_no_debug_text_quotes_a_value() {
    let canary = "CANARY-7f3a";
    let broken = [
        format!("log: {{level: [{canary}]}}"),
        format!("log: {{format: {canary}}}"),
        format!("confirm: {canary}"),
        format!("server: {{listen: {canary}, shutdown_grace: {canary}}}"),
        format!("server: {{allowed_origins: [{canary}], allowed_hosts: ['{canary}/']}}"),
        format!("read_only: {canary}"),
        format!("providers: {{acme: {{credentials: {{account_id: a, token: [{canary}]}}}}}}"),
        format!("providers: {{acme: {{credentials: {{account_id: {{x: {canary}}}, token: 7}}}}}}"),
        format!("providers: {{acme: {{credentials: {canary}}}}}"),
        format!("providers: {{acme: {{credentials: {{account_id: a, token: 'vault:{canary}'}}}}}}"),
        format!("providers: {{acme: {{credentials: {{account_id: a, token: 'file:/{canary}'}}}}}}"),
        format!(
            "providers: {{acme: {{credentials: {{account_id: a, token: t}}, size: {canary}}}}}"
        ),
        format!("key: \"{canary}\n  {canary}: ["),
        canary.to_owned(),
        format!("- {canary}"),
    ];
    for yaml in &broken {
        let report = load(&[("config.yaml", yaml)], &[]).unwrap_err();
        assert!(
            !format!("{report} {report:?}").contains(canary),
            "{yaml}\n{report}"
        );
    }
    let report = load(&[(".env.local", &format!("A=1\nB='{canary}\n"))], &[]).unwrap_err();
    assert!(!report.to_string().contains(canary), "{report}");
    assert_eq!(report.faults()[0].path, ".env.local line 2");
    let report = load(&[], &[("BUSINESS_TOOLS_LISTEN", canary)]).unwrap_err();
    assert!(!report.to_string().contains(canary), "{report}");
    assert_eq!(report.faults()[0].path, "BUSINESS_TOOLS_LISTEN");

    let config = load(&[], &[("ACME_ACCOUNT", canary), ("ACME_TOKEN", canary)]).unwrap();
    assert!(!format!("{config:?}").contains(canary));
}

#[test]
fn a_fault_of_the_provider_itself_is_told_at_load() {
    let env = [
        ("ACME_ACCOUNT", "a"),
        ("ACME_TOKEN", "t"),
        ("ACME_SIZE", "4294967296"),
    ];
    let report = load(&[], &env).unwrap_err();
    assert_eq!(report.faults().len(), 1, "{report}");
}

#[test]
fn a_file_that_was_named_must_exist() {
    let dir = Dir::new(&[]);
    let gone = dir.0.join("gone.yaml");
    let report = Loader::new(BTreeMap::new())
        .file(Some(&gone))
        .load()
        .unwrap_err();
    assert!(report.faults()[0].path.ends_with("gone.yaml"));
    let env = environment(&[("BUSINESS_TOOLS_CONFIG", gone.to_str().unwrap())]);
    assert!(Loader::new(env).load().is_err());
    fs::write(&gone, "log: {level: here}").unwrap();
    fs::write(dir.0.join(".env.local"), "BUSINESS_TOOLS_LOG_FORMAT=json").unwrap();
    // The environment files lie beside the file.
    let config = Loader::new(BTreeMap::new())
        .file(Some(&gone))
        .load()
        .unwrap();
    assert_eq!(
        (config.log.level.as_str(), config.log.format),
        ("here", LogFormat::Json)
    );
}

#[test]
fn an_empty_file_and_an_empty_block_are_no_faults() {
    for yaml in [
        "",
        "# nothing\n",
        "providers:\n",
        "providers:\n  acme:\n",
        "---\n",
    ] {
        assert!(load(&[("config.yaml", yaml)], &[]).is_ok(), "{yaml:?}");
    }
}

#[test]
fn a_key_that_stands_twice_is_a_fault_with_its_line() {
    let found = faults("read_only: true\nread_only: false\n", &[]);
    assert!(found[0].path.contains("line 2"), "{found:?}");
}

#[test]
fn an_unknown_variable_of_ours_is_a_fault_in_a_file_and_a_warning_in_the_process() {
    let report = load(&[(".env.local", "BUSINESS_TOOLS_LISTNE=x")], &[]).unwrap_err();
    assert!(
        report
            .to_string()
            .contains("did you mean `BUSINESS_TOOLS_LISTEN`?"),
        "{report}"
    );
    let config = load(&[], &[("BUSINESS_TOOLS_SERVICE_HOST", "10.0.0.1")]).unwrap();
    assert_eq!(config.warnings[0].path, "BUSINESS_TOOLS_SERVICE_HOST");
}

#[test]
fn every_variable_leads_to_a_setting_of_the_schema() {
    let schema = schema(&[]);
    for variable in VARIABLES {
        // Where names are the operator's own, one of any name is meant.
        let setting = variable.setting.split('.').try_fold(&schema, |at, name| {
            let named = at["properties"].get(name);
            named.or_else(|| at.get("additionalProperties").filter(|any| any.is_object()))
        });
        assert!(setting.is_some(), "{variable:?}");
    }
}

#[test]
fn every_setting_is_described() {
    fn walk(path: &str, schema: &serde_json::Value) {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            assert!(member["description"].is_string(), "{path}");
            walk(&path, member);
        }
    }
    walk("", &schema(&[]));
}

/// Every layer that can say something, and what comes of it: the strongest that does wins, whatever the others say.
#[test]
fn of_two_layers_the_stronger_one_wins() {
    const ENVIRONMENTS: &[&str] = &["development", "staging", "production"];
    const PROCESS: (&str, &str) = ("BUSINESS_TOOLS_RESULTS_MAX_BYTES", "10004");
    for (environment, layers) in ENVIRONMENTS
        .iter()
        .flat_map(|name| (0..16_u32).map(move |layers| (*name, layers)))
    {
        let says = |n: u32| layers & (1 << n) != 0;
        let own = format!(".env.{environment}");
        let all = [
            ("config.yaml", "results: { max_bytes: 10001 }"),
            (own.as_str(), "BUSINESS_TOOLS_RESULTS_MAX_BYTES=10002"),
            (".env.local", "BUSINESS_TOOLS_RESULTS_MAX_BYTES=10003"),
        ];
        let mut files: Vec<_> = (0..3)
            .filter(|n| says(*n))
            .map(|n| all[n as usize])
            .collect();
        // Those of the other environments are there, and say nothing.
        let others = ENVIRONMENTS.iter().filter(|name| **name != environment);
        let others: Vec<_> = others.map(|name| format!(".env.{name}")).collect();
        files.extend(
            others
                .iter()
                .map(|name| (name.as_str(), "BUSINESS_TOOLS_RESULTS_MAX_BYTES=66666")),
        );
        let mut env = vec![("ENVIRONMENT", environment)];
        if says(3) {
            env.push(PROCESS);
        }
        let want = match (0..4).rev().find(|n| says(*n)) {
            Some(n) => 10_001 + n as usize,
            None => 64 << 10,
        };
        let config = load(&files, &env).unwrap();
        let found = (config.environment.as_str(), config.results.max_bytes);
        assert_eq!(found, (environment, want), "layers {layers:04b}");
    }
}

/// Which environment file is read, by who names the environment.
#[test]
fn the_environment_picks_its_own_file_and_no_other() {
    let names = ["development", "staging", "production", "local-test"];
    let texts: Vec<_> = (0..names.len())
        .map(|n| {
            let name = format!(".env.{}", names[n]);
            (
                name,
                format!("BUSINESS_TOOLS_RESULTS_MAX_BYTES={}", 20_000 + n),
            )
        })
        .collect();
    let files: Vec<_> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let in_file = |name: &str| {
        let yaml = format!("environment: {name}");
        let all = [files.as_slice(), &[("config.yaml", yaml.as_str())]].concat();
        load(&all, &[]).unwrap()
    };
    for (n, name) in names.into_iter().enumerate() {
        let by_variable = load(&files, &[("ENVIRONMENT", name)]).unwrap();
        for config in [by_variable, in_file(name)] {
            assert_eq!(config.environment, name);
            assert_eq!(config.results.max_bytes, 20_000 + n, "{name}");
        }
    }
    assert_eq!(
        load(&files, &[]).unwrap().results.max_bytes,
        20_000,
        "development is the default"
    );
}

#[test]
fn production_refuses_what_is_unsafe_unless_it_is_named() {
    const UNSAFE: &[(&str, &str, &str)] = &[
        ("confirm: auto", "auto_confirm", "confirm"),
        ("log: { level: debug }", "debug_logs", "log.level"),
        (
            "log: { level: 'info,hyper=trace' }",
            "debug_logs",
            "log.level",
        ),
        (
            "server: { listen: 0.0.0.0:80, allow_unauthenticated: true }",
            "unauthenticated",
            "server.allow_unauthenticated",
        ),
    ];
    let faults = |yaml: &str, sandbox: bool| {
        let config = load(&[("config.yaml", yaml)], &[]).unwrap();
        let circumstances = Circumstances {
            sandbox,
            ..Circumstances::default()
        };
        config.unsafe_settings(circumstances).faults().to_vec()
    };
    for (setting, name, path) in UNSAFE {
        let found = faults(&format!("environment: production\n{setting}"), false);
        assert_eq!(found.len(), 1, "{setting}");
        assert_eq!(found[0].path, *path);
        assert!(found[0].remedy.contains(name), "{}", found[0]);
        let named = format!("environment: production\n{setting}\nallow_unsafe: [{name}]");
        assert!(faults(&named, false).is_empty(), "{name}");
        assert!(faults(&format!("environment: staging\n{setting}"), true).is_empty());
    }
    let sandbox = faults("environment: production", true);
    assert!(sandbox[0].path == "--sandbox" && sandbox.len() == 1);
    assert!(faults("environment: production\nallow_unsafe: [sandbox]", true).is_empty());
    assert!(load(&[("config.yaml", "allow_unsafe: [everything]")], &[]).is_err());
}

#[test]
fn what_changed_is_told_and_secrets_are_masked() {
    let known = [KnownProvider::of::<Acme>()];
    let of = |yaml: &str| load(&[("config.yaml", yaml)], &[]).unwrap();
    let block = |token: &str, more: &str| {
        of(&format!(
            "providers: {{ acme: {{ credentials: {{ account_id: a, token: {token} }}, {more} }} }}"
        ))
    };
    let (old, new) = (
        block("CANARY-1", "retry: { max_attempts: 2 }"),
        block("CANARY-2", "timeouts: { call: 90s }"),
    );
    let changes = old.changes(&new, &known);
    let told: Vec<_> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "providers.acme.accounts.default.token is another one now",
            "providers.acme.retry.max_attempts is gone",
            "providers.acme.timeouts.call is \"90s\" now",
        ]
    );
    assert!(!format!("{changes:?} {}", new.shown(&known)).contains("CANARY"));
    assert!(old.changes(&old.clone(), &known).is_empty());
    let shown = of("").shown(&known);
    for name in schema(&known)["properties"].as_object().unwrap().keys() {
        assert!(shown.get(name).is_some(), "{name} is not shown");
    }
}

#[test]
fn the_environment_files_load() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for name in ["development", "staging", "production"] {
        let file = fs::read_to_string(root.join(format!(".env.{name}"))).unwrap();
        let dir = Dir::new(&[(&format!(".env.{name}"), &file)]);
        let config = load_in(&dir.0, &[("ENVIRONMENT", name)]).unwrap();
        assert_eq!(config.environment, name);
        assert_eq!(config.log.format == LogFormat::Json, name != "development");
    }
}

#[test]
fn the_page_about_the_configuration_has_every_variable() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = fs::read_to_string(page).unwrap();
    for variable in VARIABLES {
        let row = format!("| `{}` | `{}` |", variable.name, variable.setting);
        assert!(page.contains(&row), "{row}");
    }
}
