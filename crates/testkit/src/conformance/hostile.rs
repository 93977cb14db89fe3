//! Arguments as a confused or hostile caller gives them.

use business_tools_core::{Error, Kind};
use serde_json::{Value, json};

use super::Suite;
use super::report::Report;
use super::stage::Stage;

/// Values that are of the wrong type somewhere, too long, or strange.
fn values() -> Vec<Value> {
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    vec![
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("\r\nX-Injected: 1"),
        json!("../../../x?y#z"),
        json!("%2e%2e%2f"),
        json!("\u{202e}\u{feff}🙂"),
        json!("x".repeat(100_000)),
        json!([]),
        json!([null]),
        json!([""]),
        json!({}),
        json!({"$ne": 1}),
        deep,
    ]
}

/// What the schema does not allow is refused with its place; what it allows does no harm.
pub async fn strange_arguments_are_refused_with_their_place_or_harmless(suite: &Suite) {
    let report = Report::new(suite);
    report
        .each(suite.specs.iter(), async |spec| {
            if suite.leaves_out(spec.name, "hostile") {
                return;
            }
            let stage = match suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            strange(&report, &stage).await;
            unknown(&report, &stage).await;
            missing(&report, &stage).await;
            harmless(&report, &stage);
            report.keep(&stage);
        })
        .await;
    report.finish("strange arguments");
}

/// The call with one argument in place of the example's; writes are only shown.
async fn call(stage: &Stage, name: &str, value: Option<&Value>) -> Result<Value, Error> {
    let mut args = stage.args.clone();
    if stage.spec.writes() {
        args["dry_run"] = true.into();
    }
    match value {
        Some(value) => args[name] = value.clone(),
        None => {
            if let Some(members) = args.as_object_mut() {
                members.remove(name);
            }
        }
    }
    stage.call_with(args).await.map(|reply| reply.value)
}

/// The places that an error of arguments names.
fn places(error: &Error) -> Vec<String> {
    let faults = error.details().get("faults").and_then(Value::as_array);
    let at = |fault: &Value| fault["at"].as_str().unwrap_or_default().to_owned();
    faults.into_iter().flatten().map(at).collect()
}

fn refused_at(report: &Report<'_>, subject: &str, name: &str, outcome: &Result<Value, Error>) {
    let place = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    match outcome {
        Err(error) if error.kind() == Kind::InvalidArguments => {
            let places = places(error);
            let named = places
                .iter()
                .any(|at| *at == place || at.starts_with(&format!("{place}/")));
            report.need(
                named,
                subject,
                format!("`{place}` among `details.faults`"),
                places.join(", "),
            );
            report.need(error.hint_text().is_some(), subject, "a hint", "none");
        }
        other => report.fault(subject, "INVALID_ARGUMENTS", format!("{other:?}")),
    }
}

async fn strange(report: &Report<'_>, stage: &Stage) {
    let entry = stage.world.registry.get(stage.spec.name);
    let entry = entry.expect("the tool is in the registry");
    let properties = entry.tool.schema.value()["properties"].as_object().cloned();
    for (name, schema) in properties.unwrap_or_default() {
        // A dry run that is none would be sent.
        if name == "dry_run" {
            continue;
        }
        let fits = jsonschema::validator_for(&schema).expect("a schema of an argument");
        for value in values() {
            let mut text = value.to_string();
            text.truncate(text.floor_char_boundary(60));
            let subject = format!("{}, {name}: {text}", stage.spec.name);
            let outcome = call(stage, &name, Some(&value)).await;
            if !fits.is_valid(&value) {
                refused_at(report, &subject, &name, &outcome);
            }
            if let Err(error) = outcome {
                report.need(
                    error.kind() != Kind::Internal,
                    &subject,
                    "no fault of the server",
                    format!("{error:?}"),
                );
                report.need(
                    error.message().len() < 5_000,
                    &subject,
                    "a message that fits on a page",
                    format!("{} bytes", error.message().len()),
                );
            }
        }
    }
}

async fn unknown(report: &Report<'_>, stage: &Stage) {
    for name in ["colour", "__proto__", "", "a/b~c"] {
        let outcome = call(stage, name, Some(&json!(1))).await;
        let subject = format!("{}, an argument `{name}`", stage.spec.name);
        refused_at(report, &subject, name, &outcome);
    }
}

async fn missing(report: &Report<'_>, stage: &Stage) {
    let entry = stage.world.registry.get(stage.spec.name);
    let entry = entry.expect("the tool is in the registry");
    let required = entry.tool.schema.value()["required"].as_array().cloned();
    for name in required.unwrap_or_default() {
        let name = name.as_str().unwrap_or_default();
        for value in [None, Some(Value::Null)] {
            let outcome = call(stage, name, value.as_ref()).await;
            let subject = format!("{}, without `{name}`", stage.spec.name);
            refused_at(report, &subject, name, &outcome);
        }
    }
}

/// Whatever got through stayed inside its place in the request.
fn harmless(report: &Report<'_>, stage: &Stage) {
    let name = stage.spec.name;
    for request in stage.world.requests() {
        let injected = request
            .headers
            .iter()
            .any(|(name, _)| name.contains("x-injected"));
        report.need(!injected, name, "no header from an argument", &request.path);
        let climbs = request
            .path
            .split('/')
            .any(|part| matches!(part, ".." | "."));
        report.need(
            !climbs,
            name,
            "a path that stays where it is",
            &request.path,
        );
        if stage.spec.writes() {
            report.fault(
                name,
                "no request in a dry run",
                format!("{} {}", request.method, request.path),
            );
        }
    }
}
