//! One tool: what it does, what it takes, what may come of it.

use std::fmt::Write as _;

use business_tools_core::{Effect, Repeat, Spec, ToolInfo, Untrusted};
use business_tools_sandbox::Example;

use crate::arguments;

pub(crate) fn effect(spec: &Spec) -> String {
    let word = match spec.effect {
        Effect::Read => return "read".to_owned(),
        Effect::Write => "write",
        Effect::Destructive => "destructive",
    };
    if spec.idempotent {
        format!("{word}, idempotent")
    } else {
        word.to_owned()
    }
}

pub(crate) fn section(tool: &ToolInfo, example: Option<&Example>) -> String {
    let spec = tool.spec;
    let mut text = format!("\n### {}\n\n{}\n\n", spec.name, tool.description);
    for (name, value) in facts(spec) {
        let _ = writeln!(text, "- {name}: {value}");
    }
    text.push('\n');
    let schema = tool.schema.value();
    if schema["properties"].is_object() {
        text.push_str(&arguments::table(schema));
    } else {
        text.push_str("No arguments.\n");
    }
    if let Some(example) = example {
        let args = example.args.to_string();
        let _ = write!(text, "\n```json\n{args}\n```\n");
        if args.contains("${file/") {
            text.push_str("\n`${file/NAME}` is the path of a file.\n");
        } else if args.contains("${") {
            let steps: Vec<_> = example.steps.iter().map(|step| step.tool).collect();
            let _ = writeln!(
                text,
                "\n`${{NAME/MEMBER}}` is a member of an earlier result: here of {}.",
                list(&steps)
            );
        }
    }
    text
}

fn list(names: &[&str]) -> String {
    format!("`{}`", names.join("`, `"))
}

/// Everything that its declaration says, in words.
fn facts(spec: &Spec) -> Vec<(&'static str, String)> {
    let mut facts = vec![("effect", effect(spec))];
    if !spec.scopes.is_empty() {
        facts.push(("scopes", list(spec.scopes)));
    }
    if !spec.cache_class.is_empty() {
        let cached = format!("{} s, as `{}`", spec.cache_secs, spec.cache_class);
        facts.push(("cached", cached));
    }
    if !spec.forgets.is_empty() {
        facts.push(("makes stale", list(spec.forgets)));
    }
    if !spec.quota.is_empty() {
        facts.push((
            "quota",
            format!("`{}`, beside those of all requests", spec.quota),
        ));
    }
    match spec.effect {
        Effect::Destructive => facts.push((
            "asks first",
            "a person, or `CONFIRMATION_REQUIRED` with a `confirm_token` where nobody can be asked; \
             `dry_run` shows the request"
                .to_owned(),
        )),
        _ if spec.asks => facts.push((
            "asks first",
            "for some arguments a person, or `CONFIRMATION_REQUIRED` where nobody can be asked".to_owned(),
        )),
        _ => {}
    }
    let lost = match spec.repeat() {
        Repeat::Safe if spec.repeatable => {
            "the request is sent again: a repetition costs money and does no other harm".to_owned()
        }
        Repeat::Safe => "the request is sent again".to_owned(),
        Repeat::IfUnprocessed => format!("`OUTCOME_UNKNOWN`. {}", spec.how_to_find_out()),
    };
    facts.push(("a lost answer", lost));
    if spec.dedup_secs > 0 {
        facts.push((
            "an equal call",
            format!("within {} s gets the first one's outcome", spec.dedup_secs),
        ));
    }
    match spec.untrusted {
        Untrusted::None => {}
        Untrusted::Strip(members) => facts.push((
            "text of outsiders",
            format!("{}, without characters that nobody sees", list(members)),
        )),
        Untrusted::Mark(members) => {
            facts.push(("data of outsiders", format!("{}, as it is", list(members))));
        }
    }
    facts
}
