//! What a person sees before something is done.

use business_tools_core::{Cx, Effect, Kind, Principal};
use serde_json::Value;

use super::Suite;
use super::report::Report;
use super::stage::Stage;
use crate::Person;

/// The request is shown, and nothing leaves.
pub async fn a_dry_run_shows_the_request_and_sends_nothing(suite: &Suite) {
    let report = Report::new(suite);
    let writes = suite.specs.iter().filter(|spec| spec.writes());
    report
        .each(writes, async |spec| {
            let stage = match suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            let mut args = stage.args.clone();
            args["dry_run"] = true.into();
            let nobody = Person::who_says_no();
            match stage.world.call_with(&nobody, spec.name, args).await {
                Err(error) => report.fault(spec.name, "a preview", format!("{error:?}")),
                Ok(shown) => {
                    let request = &shown["request"];
                    report.need(
                        shown["dry_run"] == true
                            && (request.is_object() || suite.leaves_out(spec.name, "dry_run")),
                        spec.name,
                        "`dry_run: true` and the `request` that would go out",
                        &shown,
                    );
                    let url = request["url"].as_str();
                    let base = stage.world.sandbox.base_url(suite.info.id);
                    report.need(
                        url.is_none_or(|url| url.starts_with(&base)),
                        spec.name,
                        "a request to the provider's host",
                        format!("{url:?}"),
                    );
                    if spec.effect == Effect::Destructive
                        && !suite.leaves_out(spec.name, "confirmation")
                    {
                        report.need(
                            shown["confirmation"].is_string(),
                            spec.name,
                            "the question that a person will be asked",
                            &shown["confirmation"],
                        );
                    }
                }
            }
            report.need(
                nobody.asked().is_empty(),
                spec.name,
                "no question",
                nobody.asked().join("; "),
            );
            let sent = stage.world.requests().len();
            report.need(sent == 0, spec.name, "no request", sent);
            report.keep(&stage);
        })
        .await;
    report.finish("dry runs");
}

/// No is no; nobody there is a token that works once; and what destroys nothing asks nobody.
pub async fn what_destroys_asks_a_person_first(suite: &Suite) {
    let report = Report::new(suite);
    report
        .each(suite.specs.iter(), async |spec| {
            if suite.leaves_out(spec.name, "confirmation") {
                return;
            }
            let stage = match suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            if spec.effect == Effect::Destructive {
                destroys(&report, &stage).await;
            } else {
                let no = Person::who_says_no();
                let outcome = stage
                    .world
                    .call_with(&no, spec.name, stage.args.clone())
                    .await;
                report.need(
                    outcome.is_ok() && no.asked().is_empty(),
                    spec.name,
                    "an answer without a question: it destroys nothing",
                    format!("{outcome:?}, asked: {}", no.asked().join("; ")),
                );
            }
            report.keep(&stage);
        })
        .await;
    report.finish("confirmations");
}

async fn destroys(report: &Report<'_>, stage: &Stage) {
    let (name, world) = (stage.spec.name, &stage.world);
    let untouched = |when: &str| {
        let sent = world.requests().len();
        report.need(sent == 0, format!("{name}, {when}"), "no request", sent);
    };
    let no = Person::who_says_no();
    let declined = world.call_with(&no, name, stage.args.clone()).await;
    let kind = declined
        .as_ref()
        .map_err(business_tools_core::Error::kind)
        .err();
    report.need(
        kind == Some(Kind::ConfirmationDeclined),
        format!("{name}, a person says no"),
        "CONFIRMATION_DECLINED",
        format!("{declined:?}"),
    );
    let asked = no.asked();
    report.need(
        asked.len() == 1 && asked[0].contains('?'),
        format!("{name}, the question"),
        "one question",
        asked.join("; "),
    );
    untouched("a person says no");

    let nobody = Person::nobody();
    let error = match world.call_with(&nobody, name, stage.args.clone()).await {
        Err(error) if error.kind() == Kind::ConfirmationRequired => error,
        other => {
            let at = format!("{name}, nobody can be asked");
            return report.fault(at, "CONFIRMATION_REQUIRED", format!("{other:?}"));
        }
    };
    untouched("nobody can be asked");
    let mut args = stage.args.clone();
    args["confirm_token"] = error.details()["confirm_token"].clone();
    let agreed = with_token(stage, &args).await;
    report.need(
        agreed.is_ok(),
        format!("{name}, with the confirm_token"),
        "an answer",
        format!("{agreed:?}"),
    );
    let sent = world.requests().len();
    let again = with_token(stage, &args).await;
    let kind = again
        .as_ref()
        .map_err(business_tools_core::Error::kind)
        .err();
    report.need(
        kind == Some(Kind::ConfirmationRequired) && world.requests().len() == sent,
        format!("{name}, the same confirm_token again"),
        "CONFIRMATION_REQUIRED and no request",
        format!("{again:?}"),
    );
}

async fn with_token(stage: &Stage, args: &Value) -> Result<Value, business_tools_core::Error> {
    let cx = Cx::builder(Principal::local())
        .asker(Person::nobody())
        .build();
    let reply = stage.world.call_in(stage.spec.name, args.clone(), cx).await;
    reply.map(|reply| reply.value)
}
