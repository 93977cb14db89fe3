//! What comes of a call when the provider or the network fails.

use std::collections::BTreeMap;
use std::time::Duration;

use business_tools_core::{Cx, Error, Kind, Repeat, Reply, Spec};
use business_tools_sandbox::Recorded;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Suite;
use super::circumstances::{Circumstance, Fate};
use super::report::Report;
use super::stage::Stage;

/// A write or a read as it goes when nothing is wrong.
struct Clean {
    /// The requests, in their order.
    requests: Vec<Recorded>,
    /// Whether the answer to the last request was empty.
    empty: bool,
}

/// Each tool with each circumstance that applies to it.
fn cases(suite: &Suite, fates: &[Fate]) -> Vec<(&'static Spec, Circumstance)> {
    let mut circumstances = Circumstance::all();
    for one in &mut circumstances {
        one.kind = suite.kind_of(one.name).unwrap_or(one.kind);
        if suite.gives_up_on(one.name) {
            one.fate = one.fate.for_good();
        }
    }
    circumstances.retain(|one| fates.contains(&one.fate));
    let of = |spec: &'static Spec| {
        let all = circumstances.iter().cloned();
        all.filter(|one| !suite.leaves_out(spec.name, one.name))
            .map(move |one| (spec, one))
    };
    suite.specs.iter().copied().flat_map(of).collect()
}

/// The requests of each tool's example.
async fn clean(report: &Report<'_>) -> BTreeMap<&'static str, Clean> {
    let seen = std::cell::RefCell::new(BTreeMap::new());
    report
        .each(report.suite.specs.iter(), async |spec| {
            let stage = match report.suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            if let Err(error) = stage.call().await {
                return report.fault(
                    spec.name,
                    "an example that is answered",
                    format!("{error:?}"),
                );
            }
            let exchanges = stage.world.exchanges();
            let clean = Clean {
                requests: stage.world.requests(),
                empty: exchanges.last().is_some_and(|last| last.answer.is_empty()),
            };
            if !clean.requests.is_empty() {
                seen.borrow_mut().insert(spec.name, clean);
            }
        })
        .await;
    seen.into_inner()
}

impl Clean {
    /// The request that a circumstance is to meet, with the number of those before it: the write itself, not a
    /// look before it; the first request of what may be repeated.
    fn target(&self, spec: &Spec) -> (usize, &Recorded) {
        let at = if is_safe(spec) {
            0
        } else {
            let writes = |request: &Recorded| !matches!(request.method.as_str(), "GET" | "HEAD");
            self.requests.iter().rposition(writes).unwrap_or(0)
        };
        (at, &self.requests[at])
    }
}

/// A stage where the circumstance meets the call, `times` times or for ever.
async fn meet(
    report: &Report<'_>,
    spec: &Spec,
    rule: &Value,
    skip: usize,
    times: Option<u32>,
) -> Option<Stage> {
    // What hangs once must be got over in time by a machine that has much to do.
    let builder = match (rule["kind"] == "hang", times) {
        (true, None) => report.suite.impatient(),
        (true, Some(_)) => {
            let attempt = json!({"timeouts": {"attempt": "3s"}});
            report.suite.builder().overrides(attempt)
        }
        (false, _) => report.suite.builder(),
    };
    let stage = match report.suite.stage_in(spec.name, builder).await {
        Ok(stage) => stage,
        Err(fault) => {
            report.fault(spec.name, "an example that can be prepared", fault);
            return None;
        }
    };
    let mut rule = rule.clone();
    rule["skip"] = skip.into();
    if let Some(times) = times {
        rule["times"] = times.into();
    }
    stage.world.fault(rule);
    Some(stage)
}

/// Whether requests of this tool may be repeated when an answer was lost.
fn is_safe(spec: &Spec) -> bool {
    spec.repeat() == Repeat::Safe
}

/// How often the target went out. Ids differ from stage to stage, so it is told by its place.
fn sent(stage: &Stage, skip: usize) -> usize {
    let requests = stage.world.requests();
    requests.get(skip).map_or(0, |target| stage.like(target))
}

fn attempts(stage: &Stage) -> usize {
    let plugins = stage.world.registry.plugins();
    plugins[0].policy().retry.attempts as usize
}

/// One call in one circumstance.
struct Met<'a> {
    report: &'a Report<'a>,
    subject: String,
    stage: Stage,
    skip: usize,
    hangs: bool,
    outcome: Result<Reply, Error>,
}

impl<'a> Met<'a> {
    async fn call(
        report: &'a Report<'a>,
        spec: &Spec,
        one: &Circumstance,
        clean: &Clean,
    ) -> Option<Met<'a>> {
        let (skip, _) = clean.target(spec);
        let stage = meet(report, spec, &one.rule, skip, None).await?;
        let outcome = stage.call().await;
        Some(Met {
            report,
            subject: format!("{}, {}", spec.name, one.name),
            stage,
            skip,
            hangs: one.rule["kind"] == "hang",
            outcome,
        })
    }

    fn need(&self, so: bool, expected: impl std::fmt::Display, got: impl std::fmt::Display) {
        self.report.need(so, &self.subject, expected, got);
    }

    /// The error, if it is one of these kinds and has a next step.
    fn error(&self, kinds: &[Kind]) -> Option<&Error> {
        let wanted: Vec<_> = kinds.iter().map(|kind| kind.code()).collect();
        match &self.outcome {
            Ok(reply) => {
                self.need(
                    false,
                    wanted.join(" or "),
                    format!("success: {}", reply.value),
                );
                None
            }
            Err(error) => {
                self.need(
                    kinds.contains(&error.kind()),
                    wanted.join(" or "),
                    format!("{error:?}"),
                );
                let hint = error.hint_text().unwrap_or_default();
                self.need(
                    error.what_became() != business_tools_core::Fate::Unknown
                        || !hint.contains("nothing was done"),
                    "a hint that promises nothing: it may have been done",
                    format!("{error:?}"),
                );
                self.need(
                    !hint.is_empty(),
                    "a hint: what to do next",
                    format!("{error:?}"),
                );
                let code = error.code();
                let prefix = self.report.suite.info.id.to_ascii_uppercase();
                let own = error.kind().is_ours() || code.starts_with(&prefix);
                self.need(own, format!("a code that begins with {prefix}"), code);
                Some(error)
            }
        }
    }

    fn sent(&self, wanted: usize) {
        let sent = sent(&self.stage, self.skip);
        let all = self.stage.world.requests();
        let all: Vec<_> = all
            .iter()
            .map(|r| format!("{} {}", r.method, r.path))
            .collect();
        // Where nothing answers, a busy machine may run out of time before it has sent the request.
        let patient = self.hangs && sent < wanted;
        self.need(
            sent == wanted || patient,
            format!("the request to arrive {wanted} time(s)"),
            format!("{sent}, of: {}", all.join(", ")),
        );
    }
}

/// Statuses that refuse: the right kind, a hint, one request.
pub async fn a_refusal_is_told_as_what_it_is_and_not_repeated(suite: &Suite) {
    let report = Report::new(suite);
    let clean = clean(&report).await;
    report
        .each(cases(suite, &[Fate::Refused]), async |(spec, one)| {
            let Some(clean) = clean.get(spec.name) else {
                return;
            };
            let Some(met) = Met::call(&report, spec, &one, clean).await else {
                return;
            };
            if let Some(error) = met.error(&[one.kind]) {
                met.need(
                    !error.is_retryable(),
                    "an error that is not retryable",
                    format!("{error:?}"),
                );
                let status = &one.rule["status"];
                let told = error.details().get("upstream_status");
                let over_http = !met.stage.world.exchanges().is_empty() || told.is_some();
                met.need(
                    !over_http || told == Some(status),
                    format!("`upstream_status` {status}"),
                    format!("{told:?}"),
                );
            }
            met.sent(1);
        })
        .await;
    report.finish("refusals");
}

/// Failures that may pass: tried again where that is safe, and nowhere else.
pub async fn what_passes_is_tried_again_and_no_write_goes_out_twice(suite: &Suite) {
    let report = Report::new(suite);
    let clean = clean(&report).await;
    let fates = [Fate::TooSoon, Fate::Failed, Fate::Broken, Fate::Lost];
    report
        .each(cases(suite, &fates), async |(spec, one)| {
            let repeats = one.fate != Fate::Broken && (is_safe(spec) || one.fate == Fate::TooSoon);
            // The other writes are the next check's.
            if !repeats && one.fate == Fate::Lost {
                return;
            }
            let Some(clean) = clean.get(spec.name) else {
                return;
            };
            let Some(met) = Met::call(&report, spec, &one, clean).await else {
                return;
            };
            // An answer without a body has nothing to cut off but its head.
            let kinds = match one.name {
                "truncate" => vec![one.kind, Kind::Unavailable],
                _ => vec![one.kind],
            };
            if let Some(error) = met.error(&kinds) {
                met.need(
                    error.is_retryable() == repeats,
                    format!("retryable: {repeats}"),
                    format!("{error:?}"),
                );
                if !is_safe(spec) && !repeats {
                    met.need(
                        error.hint_text() == Some(spec.how_to_find_out()),
                        format!("the hint `{}`", spec.how_to_find_out()),
                        format!("{error:?}"),
                    );
                }
            }
            met.sent(if repeats { attempts(&met.stage) } else { 1 });
        })
        .await;
    report.finish("what passes");
}

/// A write of unknown fate is sent once, and the caller learns how to find out.
pub async fn a_lost_answer_to_a_write_is_an_unknown_outcome(suite: &Suite) {
    let report = Report::new(suite);
    let clean = clean(&report).await;
    report
        .each(
            cases(suite, &[Fate::Lost, Fate::Unreadable]),
            async |(spec, one)| {
                let unreadable = one.fate == Fate::Unreadable;
                if is_safe(spec) && !unreadable {
                    return;
                }
                let Some(clean) = clean.get(spec.name) else {
                    return;
                };
                let Some(met) = Met::call(&report, spec, &one, clean).await else {
                    return;
                };
                // Nobody reads an answer that has nothing to say.
                if unreadable && spec.writes() && clean.empty && met.outcome.is_ok() {
                    return met.sent(1);
                }
                let kind = if is_safe(spec) {
                    one.kind
                } else {
                    Kind::OutcomeUnknown
                };
                if let Some(error) = met.error(&[kind]) {
                    met.need(
                        !error.is_retryable(),
                        "an error that is not retryable",
                        format!("{error:?}"),
                    );
                    if !is_safe(spec) {
                        met.need(
                            error.hint_text() == Some(spec.how_to_find_out()),
                            format!("the hint `{}`", spec.how_to_find_out()),
                            format!("{error:?}"),
                        );
                    }
                }
                met.sent(1);
            },
        )
        .await;
    report.finish("lost answers");
}

/// What happens once is not worth an error where the request may be repeated.
pub async fn one_fault_is_got_over_where_that_is_safe(suite: &Suite) {
    let report = Report::new(suite);
    let clean = clean(&report).await;
    let fates = [Fate::TooSoon, Fate::Failed, Fate::Lost];
    report
        .each(cases(suite, &fates), async |(spec, one)| {
            if !(is_safe(spec) || one.fate == Fate::TooSoon) {
                return;
            }
            let Some(clean) = clean.get(spec.name) else {
                return;
            };
            let (skip, _) = clean.target(spec);
            let stage = meet(&report, spec, &one.rule, skip, Some(1)).await;
            let Some(stage) = stage else { return };
            let subject = format!("{}, {} once", spec.name, one.name);
            if let Err(error) = stage.call().await {
                report.fault(
                    &subject,
                    "success at the second attempt",
                    format!("{error:?}"),
                );
            }
            let requests = stage.world.requests();
            let retried = requests.len() > clean.requests.len();
            report.need(
                retried,
                &subject,
                format!(
                    "more than the {} request(s) of a clean call",
                    clean.requests.len()
                ),
                requests.len(),
            );
            let metrics = stage.world.metrics();
            let line = format!("mcp_retries_total{{provider=\"{}\"}} 1", suite.info.id);
            report.need(
                metrics.contains(&line),
                &subject,
                line,
                "another count of retries",
            );
            report.keep(&stage);
        })
        .await;
    report.finish("one fault");
}

/// A wait that the provider asks for is kept, or told when it is longer than the call.
pub async fn retry_after_is_waited_for_and_a_long_one_is_told(suite: &Suite) {
    let report = Report::new(suite);
    let clean = clean(&report).await;
    let specs = suite.specs.iter();
    let specs = specs.filter(|spec| !suite.leaves_out(spec.name, "retry_after"));
    report
        .each(specs, async |spec| {
            let Some(clean) = clean.get(spec.name) else {
                return;
            };
            let (skip, _) = clean.target(spec);
            let rule = json!({"kind": "status", "status": 429, "retry_after": 1});
            let Some(stage) = meet(&report, spec, &rule, skip, Some(1)).await else {
                return;
            };
            let subject = format!("{}, 429 with Retry-After: 1", spec.name);
            let started = Instant::now();
            if let Err(error) = stage.call().await {
                report.fault(&subject, "success after a second", format!("{error:?}"));
            }
            let took = started.elapsed();
            report.need(
                took >= Duration::from_millis(990),
                &subject,
                "a wait of a second",
                format!("{took:?}"),
            );
            report.keep(&stage);

            let rule = json!({"kind": "status", "status": 429, "retry_after": 3000});
            let Some(stage) = meet(&report, spec, &rule, skip, None).await else {
                return;
            };
            let subject = format!("{}, 429 with Retry-After: 3000", spec.name);
            let wait = match stage.call().await {
                Ok(reply) => reply.value,
                Err(error) => error.wire(&Cx::local())["error"]["details"]["retry_after_ms"].take(),
            };
            report.need(
                wait == 3_000_000,
                &subject,
                "`retry_after_ms` 3000000",
                wait,
            );
            let sent = sent(&stage, skip);
            report.need(
                sent == 1,
                &subject,
                "1 request: the wait is longer than the call",
                sent,
            );
        })
        .await;
    report.finish("Retry-After");
}
