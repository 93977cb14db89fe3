//! The settings of an account: good, wrong and missing.

use std::sync::Arc;

use business_tools_core::{Cx, Env, Error, Kind, ProviderSettings};
use business_tools_sandbox::examples::fill;
use serde_json::{Map, Value, json};

use super::Suite;
use super::report::Report;
use super::stage::CANARY;
use crate::world::{merge, places};

/// Whether a text names a setting: one of the provider's environment variables, or a field.
fn names_a_setting(suite: &Suite, text: &str) -> bool {
    let variables = suite.info.env.iter().map(|var| var.name);
    let fields = suite.info.credentials.iter().copied();
    variables.chain(fields).any(|name| text.contains(name))
}

/// Every field says what it is; the environment and the credentials name fields that are there.
pub fn the_settings_are_described_and_hold_what_the_environment_fills(suite: &Suite) {
    let report = Report::new(suite);
    let fields = suite.config["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    for (name, schema) in &fields {
        let described = schema["description"].as_str().unwrap_or_default();
        report.need(
            !described.is_empty(),
            format!("settings, {name}"),
            "a description, from the field's doc comment",
            "none",
        );
    }
    report.need(
        suite.config["additionalProperties"] == false,
        "settings",
        "`deny_unknown_fields`, so that a misspelt setting is told",
        &suite.config["additionalProperties"],
    );
    for var in suite.info.env {
        report.need(
            fields.contains_key(var.field),
            format!("settings, {}", var.name),
            format!("a field `{}` that it fills", var.field),
            fields.keys().cloned().collect::<Vec<_>>().join(", "),
        );
    }
    for name in suite.info.credentials {
        report.need(
            fields.contains_key(*name),
            "INFO.credentials",
            format!("a field `{name}`"),
            "none",
        );
    }
    report.need(
        fields.contains_key("base_url"),
        "settings",
        "`base_url`: every provider can be pointed at another host",
        fields.keys().cloned().collect::<Vec<_>>().join(", "),
    );
    for (what, hint) in [
        ("auth_hint", suite.info.auth_hint),
        ("setup_hint", suite.info.setup_hint),
    ] {
        report.need(
            names_a_setting(suite, hint),
            format!("INFO.{what}"),
            "a hint that names the settings",
            hint,
        );
    }
    report.finish("settings");
}

/// Nothing configured is `NOT_CONFIGURED`, when it is connected or at the first call, and says what to set.
pub fn without_credentials_the_error_names_the_settings(suite: &Suite) {
    let report = Report::new(suite);
    let mut fields = (suite.sandbox_config)("http://127.0.0.1:9");
    for name in suite.info.credentials {
        fields.remove(*name);
    }
    let settings = ProviderSettings::single(fields);
    let error = match (suite.connect)(&settings, &Env::alone()) {
        Err(error) => Some(error),
        Ok(plugin) => {
            let health = async { plugin.health(&Cx::local()).await };
            let mut error = None;
            super::run(async { error = health.await.error });
            error
        }
    };
    refused(
        &report,
        "no credentials",
        Kind::NotConfigured,
        error.as_ref(),
    );
    let none = ProviderSettings::default();
    let error = (suite.connect)(&none, &Env::alone()).err();
    refused(&report, "no account", Kind::NotConfigured, error.as_ref());
    report.finish("not configured");
}

/// The error is of this kind, and its hint names what to set.
fn refused(report: &Report<'_>, subject: &str, kind: Kind, error: Option<&Error>) {
    report.need(
        error.map(Error::kind) == Some(kind),
        subject,
        kind.code(),
        format!("{error:?}"),
    );
    let hint = error.and_then(Error::hint_text).unwrap_or_default();
    report.need(
        names_a_setting(report.suite, hint),
        subject,
        "a hint that names the settings",
        format!("{error:?}"),
    );
}

/// A value in the wrong place may be a secret.
pub fn no_error_of_the_settings_quotes_a_value(suite: &Suite) {
    let report = Report::new(suite);
    let good = (suite.sandbox_config)("http://127.0.0.1:9");
    let names = suite.config["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let mut refused = 0;
    for name in names.keys() {
        for value in [
            json!(CANARY),
            json!([CANARY]),
            json!({CANARY: CANARY}),
            json!(format!("https://u:{CANARY}@host/?k={CANARY}")),
        ] {
            let mut fields: Map<String, Value> = good.clone();
            fields.insert(name.clone(), value);
            let settings = ProviderSettings::single(fields);
            let shown = format!("{settings:?}");
            report.need(
                !shown.contains(CANARY),
                format!("settings, {name}"),
                "a Debug without values",
                shown,
            );
            let Err(error) = (suite.connect)(&settings, &Env::alone()) else {
                continue;
            };
            refused += 1;
            let shown = told(&error);
            report.need(
                !shown.contains(CANARY),
                format!("settings, {name}"),
                "an error that quotes no value",
                shown,
            );
        }
    }
    report.need(
        refused > 0,
        "settings",
        "that something is refused",
        refused,
    );
    for fields in &suite.examples.credentials {
        let mut known = places("http://127.0.0.1:9");
        known.insert("secret".into(), CANARY.into());
        let filled = fill(fields, &known).expect("credentials have known places");
        let mut account = Value::Object(good.clone());
        merge(&mut account, &filled);
        match (suite.show_config)(account) {
            None => report.fault("settings", "settings that can be read", &filled),
            Some(shown) => report.need(
                !shown.contains(CANARY),
                "settings",
                "a Debug without secrets: give them the type Secret",
                shown,
            ),
        }
    }
    report.finish("values in errors");
}

/// Everything that an error may show anywhere.
pub(crate) fn told(error: &Error) -> String {
    let cause = error.cause().unwrap_or_default();
    format!("{error} {error:?} {cause} {}", error.wire(&Cx::local()))
}

/// Good credentials are healthy; wrong ones are an authentication failure with a hint.
pub async fn health_tells_good_credentials_from_wrong_ones(suite: &Suite) {
    let report = Report::new(suite);
    for (n, fields) in suite.examples.credentials.iter().enumerate() {
        let subject = format!("health, credentials {}", n + 1);
        let start = |secret: &'static str| {
            let builder = suite.builder().fields(fields.clone()).secret(secret);
            builder.try_start_with(Arc::clone(&suite.connect))
        };
        match start(CANARY).await {
            Err(error) => report.fault(&subject, "a connection", format!("{error:?}")),
            Ok(world) => {
                let health = world.health().await;
                report.need(health.ok, &subject, "good health", format!("{health:?}"));
                report.need(
                    !world.requests().is_empty() || world.exchanges().is_empty(),
                    &subject,
                    "a request",
                    "",
                );
            }
        }
        match start("wrong").await {
            // A format that is wrong may be told before anything is sent.
            Err(error) => report.need(
                error.kind() == Kind::NotConfigured,
                &subject,
                "a connection, or NOT_CONFIGURED",
                format!("{error:?}"),
            ),
            Ok(world) => {
                let health = world.health().await;
                report.need(
                    !health.ok,
                    &subject,
                    "bad health with wrong credentials",
                    "good health",
                );
                refused(&report, &subject, Kind::AuthFailed, health.error.as_ref());
            }
        }
    }
    report.finish("health");
}

/// No tool takes wrong credentials for something else.
pub async fn wrong_credentials_fail_every_tool_with_the_hint(suite: &Suite) {
    let report = Report::new(suite);
    let cases = suite.specs.iter().flat_map(|spec| {
        let ways = suite.examples.credentials.iter();
        ways.map(move |fields| (*spec, fields))
    });
    report
        .each(cases, async |(spec, fields)| {
            if suite.leaves_out(spec.name, "wrong_credentials") {
                return;
            }
            // The arguments are made where the credentials are good.
            let good = match suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            let builder = suite.builder().fields(fields.clone()).secret("wrong");
            let Ok(world) = builder.try_start_with(Arc::clone(&suite.connect)).await else {
                return;
            };
            let yes = crate::Person::who_says_yes();
            let outcome = world.call_with(&yes, spec.name, good.args.clone()).await;
            let subject = format!("{}, wrong credentials", spec.name);
            refused(&report, &subject, Kind::AuthFailed, outcome.as_ref().err());
            let sent = world.requests().len();
            report.need(sent <= 1, &subject, "one request at most", sent);
        })
        .await;
    report.finish("wrong credentials");
}
