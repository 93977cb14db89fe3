//! What is no provider. A part that can fail by itself has a function here, and stands in [`findings`].

use std::time::Duration;

use business_tools_core::health::check_part;

use super::finding::{Finding, Verdict};
use crate::app::App;

/// Everything that is no provider.
pub(super) async fn findings(app: &App, patience: Duration) -> Vec<Finding> {
    let mut all = configuration(app);
    all.extend(state(app));
    all.extend(secrets(app));
    all.extend(parts(app, patience).await);
    all
}

fn configuration(app: &App) -> Vec<Finding> {
    const SUBJECT: &str = "configuration";
    let config = app.config();
    let files: Vec<String> = app
        .files()
        .into_iter()
        .map(|file| {
            file.strip_prefix(".")
                .unwrap_or(&file)
                .display()
                .to_string()
        })
        .collect();
    let files = match files.as_slice() {
        [] => "no file; the environment of the process alone".to_owned(),
        files => files.join(", "),
    };
    let tried = format!("environment {}", config.environment);
    let mut found = vec![Finding::new(SUBJECT, "settings", Verdict::Ok, tried, files)];
    found.extend(config.warnings.iter().map(|warning| {
        Finding::new(
            SUBJECT,
            "warning",
            Verdict::Odd,
            &warning.path,
            &warning.what,
        )
        .remedy(&warning.remedy)
    }));
    if app.registry.plugins().is_empty() {
        found.push(
            Finding::new(
                SUBJECT,
                "providers",
                Verdict::Failed,
                "",
                "no provider is configured",
            )
            .remedy("`business-tools-mcp providers` tells what each needs"),
        );
    }
    found
}

fn state(app: &App) -> Vec<Finding> {
    let state = &app.registry.env().state;
    state.open_now();
    let Some((store, trouble)) = state.look() else {
        return Vec::new();
    };
    let tried = format!("store {store}");
    vec![match trouble {
        None => Finding::new("state", "store", Verdict::Ok, tried, "can be used"),
        Some(trouble) => Finding::new(
            "state",
            "store",
            Verdict::Failed,
            tried,
            trouble.to_string(),
        )
        .remedy("Check `state` in the configuration, and the disk"),
    }]
}

fn secrets(app: &App) -> Vec<Finding> {
    let services = app.secrets().health();
    let found = services.into_iter().map(|(service, health)| {
        let finding = |verdict, answer: &str| {
            let tried = "the secrets that the configuration refers to";
            Finding::new(&service, "secrets", verdict, tried, answer).took(health.latency)
        };
        match &health.error {
            None => finding(Verdict::Ok, "were all had"),
            Some(error) => finding(Verdict::Failed, error.message())
                .remedy(error.hint_text().unwrap_or_default()),
        }
    });
    found.collect()
}

async fn parts(app: &App, patience: Duration) -> Vec<Finding> {
    let mut found = Vec::new();
    for part in app.health.parts() {
        super::progress(&format!("{}: asking …", part.name()));
        let health = check_part(&*part, patience).await.health;
        let finding = |verdict, answer: &str| {
            Finding::new(part.name(), "check", verdict, "", answer).took(health.latency)
        };
        found.push(match &health.error {
            None => finding(Verdict::Ok, "works"),
            Some(error) => finding(Verdict::Failed, error.message())
                .remedy(error.hint_text().unwrap_or_default()),
        });
    }
    found
}
