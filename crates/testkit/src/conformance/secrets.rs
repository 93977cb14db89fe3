//! Secrets appear nowhere.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use business_tools_core::{Cx, Error, Principal};
use serde_json::Value;

use super::Suite;
use super::circumstances::Circumstance;
use super::report::Report;
use super::settings::told;
use super::stage::CANARY;
use crate::capture::{self, Buffer};
use crate::{Person, World};

/// The canary as it is, and as it looks inside of something that is encoded.
fn shapes() -> Vec<String> {
    let mut shapes = vec![CANARY.to_owned(), "CANARY".to_owned()];
    // Base64 depends on the place of the secret in what is encoded; its middle does not.
    for pad in 0..3 {
        let encoded = STANDARD.encode("x".repeat(pad) + CANARY);
        shapes.push(encoded[4..encoded.len() - 4].to_owned());
    }
    let hex: String = CANARY.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    shapes.push(hex);
    shapes
}

/// Results, errors, audit, metrics, log, health and what the sandbox shows, in success and in every failure.
pub async fn a_secret_is_in_nothing_that_leaves(suite: &Suite) {
    let report = Report::new(suite);
    // One log for all the worlds of this thread.
    let log = Buffer::default();
    let _guard = capture::log(&log);
    let ways = suite.examples.credentials.iter().enumerate();
    let cases = ways.flat_map(|(n, fields)| suite.specs.iter().map(move |spec| (n, fields, *spec)));
    report
        .each(cases, async |(n, fields, spec)| {
            let start = |secret: String| {
                let builder = suite.builder().fields(fields.clone()).secret(secret);
                suite.stage_in(spec.name, builder)
            };
            let subject = format!("{}, credentials {}", spec.name, n + 1);
            let stage = match start(CANARY.to_owned()).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(
                        &subject,
                        "an example that can be prepared",
                        scrubbed(&fault),
                    );
                }
            };
            let seen = everything(suite, &stage.world, spec.name, &stage.args).await;
            check(&report, &subject, &seen);
            let builder = suite.builder().fields(fields.clone());
            let refused = builder.secret(format!("{CANARY}wrong"));
            match refused.try_start_with(Arc::clone(&suite.connect)).await {
                Err(error) => check(&report, &subject, &told(&error)),
                Ok(world) => {
                    let yes = Person::who_says_yes();
                    let outcome = world.call_with(&yes, spec.name, stage.args.clone()).await;
                    let mut seen = shown(outcome);
                    let _ = write!(seen, "{:?}", world.health().await);
                    left_behind(&world, &mut seen);
                    check(&report, &subject, &seen);
                }
            }
        })
        .await;
    let log = log.text();
    for spec in &suite.specs {
        report.need(
            log.contains(spec.name),
            "the log",
            format!("a word of {}", spec.name),
            "none",
        );
    }
    check(&report, "the log", &log);
    report.finish("secrets");
}

fn scrubbed(text: &str) -> String {
    text.replace(CANARY, "***")
}

fn shown(outcome: Result<Value, Error>) -> String {
    match outcome {
        Ok(value) => value.to_string(),
        Err(error) => told(&error),
    }
}

/// All that a tool says in every circumstance.
async fn everything(suite: &Suite, world: &World, tool: &str, args: &Value) -> String {
    let mut seen = String::new();
    let yes = Person::who_says_yes();
    if suite.spec(tool).writes() {
        let mut dry = args.clone();
        dry["dry_run"] = true.into();
        seen += &shown(world.call_with(&yes, tool, dry).await);
    }
    seen += &shown(world.call_with(&yes, tool, args.clone()).await);
    for one in Circumstance::all() {
        // Hanging takes time and says what the other lost answers say.
        if one.name == "hang" || suite.leaves_out(tool, one.name) {
            continue;
        }
        world.fault(one.rule);
        let cx = Cx::builder(Principal::local()).asker(yes.clone()).build();
        let outcome = world.call_in(tool, args.clone(), cx).await;
        seen += &shown(outcome.map(|reply| reply.value));
        let _ = write!(seen, "{:?}", world.health().await);
        world.heal();
    }
    left_behind(world, &mut seen);
    seen
}

fn left_behind(world: &World, seen: &mut String) {
    for line in world.audit() {
        seen.push_str(&line.to_string());
    }
    for request in world.requests() {
        let _ = write!(seen, "{request:?}");
    }
    seen.push_str(&world.metrics());
}

fn check(report: &Report<'_>, subject: &str, seen: &str) {
    let shapes = shapes();
    let found = shapes
        .iter()
        .find_map(|shape| Some((shape, seen.find(shape)?)));
    if let Some((shape, at)) = found {
        let start = seen.floor_char_boundary(at.saturating_sub(200));
        let end = seen.floor_char_boundary(at + shape.len() + 100);
        report.fault(subject, "no secret", scrubbed(&seen[start..end]));
    }
}
