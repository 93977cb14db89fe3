//! What is no provider. A part that can fail by itself has a function here, and stands in [`findings`].

use std::time::Duration;

use business_tools_core::health::{Part, check_part};

use super::finding::{Finding, Verdict};
use crate::app::App;

/// Everything that is no provider.
pub(super) async fn findings(app: &App, patience: Duration) -> Vec<Finding> {
    let mut all = configuration(app);
    all.push(state(app, patience).await);
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

async fn state(app: &App, patience: Duration) -> Finding {
    let state = &app.registry.env().state;
    let tried = format!("store {}", state.store().name());
    let health = check_part(state, patience).await.health;
    match health.error {
        None => Finding::new("state", "store", Verdict::Ok, tried, "can be used"),
        Some(error) => {
            // The error itself is for everybody who sees the page, and may not tell where a file is.
            let why = state.store().trouble();
            let why = why.map_or_else(|| error.message().to_owned(), |why| why.to_string());
            Finding::new("state", "store", Verdict::Failed, tried, why)
                .remedy("Check `state` in the configuration, and the disk")
        }
    }
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
    let state = Part::name(&app.registry.env().state);
    let others = app.health.parts().into_iter();
    for part in others.filter(|part| part.name() != state) {
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
