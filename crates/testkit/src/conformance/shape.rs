//! What a model reads: names, descriptions, schemas, and what follows from a tool's declaration.

use business_tools_core::{Effect, Repeat, Spec, ToolInfo};
use serde_json::{Map, Value, json};

use super::Suite;
use super::report::Report;

/// The verbs that mean the same at every provider, and whether they write.
const VERBS: &[(&str, Option<Effect>)] = &[
    ("list", Some(Effect::Read)),
    ("search", Some(Effect::Read)),
    ("get", Some(Effect::Read)),
    ("find", Some(Effect::Read)),
    ("count", Some(Effect::Read)),
    ("lookup", Some(Effect::Read)),
    ("describe", Some(Effect::Read)),
    ("explain", Some(Effect::Read)),
    ("download", Some(Effect::Read)),
    ("create", Some(Effect::Write)),
    ("add", Some(Effect::Write)),
    ("send", Some(Effect::Write)),
    ("insert", Some(Effect::Write)),
    ("upload", Some(Effect::Write)),
    ("delete", Some(Effect::Destructive)),
    ("drop", Some(Effect::Destructive)),
    ("cancel", Some(Effect::Destructive)),
    ("redact", Some(Effect::Destructive)),
    ("update", None),
    ("set", None),
    ("remove", None),
    ("replace", None),
    ("start", None),
    ("check", None),
    ("end", None),
];

/// The most tokens of one tool in a list, in the encoding o200k.
const TOKENS: usize = 450;

/// The longest name of a tool.
const NAME: usize = 40;

/// The longest description of a tool, in characters.
const DESCRIPTION: usize = 300;

/// The longest description of an argument.
const ARGUMENT: usize = 120;

fn verb(spec: &Spec, id: &str) -> Option<String> {
    let rest = spec.name.strip_prefix(id)?.strip_prefix('_')?;
    rest.split('_').next().map(str::to_owned)
}

fn arguments(tool: &ToolInfo) -> Map<String, Value> {
    let properties = tool.schema.value()["properties"].as_object();
    properties.cloned().unwrap_or_default()
}

/// `shop_list_orders`: the provider, what is done, to what; at most 40 characters.
pub fn names_begin_with_the_provider_and_a_known_verb(suite: &Suite) {
    let report = Report::new(suite);
    let id = suite.info.id;
    for spec in &suite.specs {
        let name = spec.name;
        let shape = name.len() <= NAME
            && name
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
            && name.split('_').all(|word| !word.is_empty());
        report.need(
            shape,
            name,
            format!("a-z, 0-9 and single underscores, at most {NAME} characters"),
            format!("{} characters", name.len()),
        );
        let Some(verb) = verb(spec, id) else {
            report.fault(name, format!("a name that begins with `{id}_`"), name);
            continue;
        };
        let known = VERBS.iter().any(|(known, _)| *known == verb);
        if !known && !suite.leaves_out(name, "verb") {
            let all: Vec<_> = VERBS.iter().map(|(verb, _)| *verb).collect();
            report.fault(
                name,
                format!(
                    "a verb that means the same everywhere ({}), or `leave_out_for(\"{name}\", \"verb\", …)` with \
                     the reason for the provider's own",
                    all.join(", ")
                ),
                format!("`{verb}`"),
            );
        }
    }
    report.finish("names");
}

/// One or two sentences, at most 300 characters.
pub fn descriptions_are_there_and_short(suite: &Suite) {
    let report = Report::new(suite);
    for tool in suite.plugin().tools() {
        let length = tool.description.chars().count();
        report.need(
            (10..=DESCRIPTION).contains(&length),
            tool.spec.name,
            format!(
                "a description of 10 to {DESCRIPTION} characters, from the struct's doc comment"
            ),
            format!("{length}: {}", tool.description),
        );
    }
    report.finish("descriptions");
}

/// Arguments, and members of arguments, say what they are.
pub fn every_argument_is_described(suite: &Suite) {
    let report = Report::new(suite);
    for tool in suite.plugin().tools() {
        for (name, schema) in arguments(tool) {
            described(&report, tool.spec.name, &format!("/{name}"), &schema);
        }
    }
    report.finish("descriptions of arguments");
}

fn described(report: &Report<'_>, tool: &str, at: &str, schema: &Value) {
    let text = schema["description"].as_str().unwrap_or_default();
    let length = text.chars().count();
    report.need(
        (1..=ARGUMENT).contains(&length),
        format!("{tool} {at}"),
        format!("a description of 1 to {ARGUMENT} characters, from the field's doc comment"),
        format!("{length}: {text}"),
    );
    for inside in [&schema["properties"], &schema["items"]["properties"]] {
        for (name, inner) in inside.as_object().into_iter().flatten() {
            described(report, tool, &format!("{at}/{name}"), inner);
        }
    }
}

/// Closed objects, one type each, nothing that a client may trip over.
pub fn schemas_are_flat_and_closed(suite: &Suite) {
    let report = Report::new(suite);
    for tool in suite.plugin().tools() {
        let (name, schema) = (tool.spec.name, tool.schema.value());
        report.need(
            schema["type"] == "object",
            name,
            "a schema of type `object`",
            &schema["type"],
        );
        report.need(
            schema["additionalProperties"] == false,
            name,
            "`additionalProperties: false`",
            &schema["additionalProperties"],
        );
        for word in ["anyOf", "oneOf", "allOf", "not", "if", "enum"] {
            report.need(
                schema.get(word).is_none(),
                name,
                format!("no `{word}` on top: some clients refuse the whole list over it"),
                word,
            );
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for name_of in required {
            let there = name_of
                .as_str()
                .is_some_and(|n| schema["properties"].get(n).is_some());
            report.need(there, name, "that what is required is there", &name_of);
        }
        flat(&report, name, "", schema);
        let validator = tool.schema.validator();
        report.need(
            validator.is_ok(),
            name,
            "a schema that can be compiled",
            format!("{:?}", validator.err()),
        );
    }
    report.finish("schemas");
}

fn flat(report: &Report<'_>, tool: &str, at: &str, schema: &Value) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                let place = format!("{at}/{key}");
                // A property may have any name.
                let name = at.ends_with("/properties");
                let wrong = match key.as_str() {
                    _ if name => false,
                    "$ref" | "$defs" | "definitions" => true,
                    "type" => value.is_array(),
                    _ => false,
                };
                report.need(
                    !wrong,
                    format!("{tool} {place}"),
                    "sub-schemas in line and one type each: no `$ref`, no `$defs`, no list of types",
                    value,
                );
                if !name && matches!(key.as_str(), "enum" | "const" | "default" | "examples") {
                    continue;
                }
                flat(report, tool, &place, value);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                flat(report, tool, &format!("{at}/{n}"), item);
            }
        }
        _ => {}
    }
}

/// Nothing that comes in is endless.
pub fn every_text_list_and_number_has_a_bound(suite: &Suite) {
    let report = Report::new(suite);
    for tool in suite.plugin().tools() {
        if suite.leaves_out(tool.spec.name, "bounds") {
            continue;
        }
        for (name, schema) in arguments(tool) {
            bounded(&report, tool.spec.name, &format!("/{name}"), &schema);
        }
    }
    report.finish("bounds");
}

fn bounded(report: &Report<'_>, tool: &str, at: &str, schema: &Value) {
    let has = |words: &[&str]| words.iter().any(|word| schema.get(*word).is_some());
    let (bound, wanted) = match schema["type"].as_str() {
        Some("string") => (
            has(&["maxLength", "pattern", "enum", "const", "format"]),
            "`maxLength`, a pattern or a closed set",
        ),
        Some("array") => (has(&["maxItems"]), "`maxItems`"),
        Some("integer" | "number") => (has(&["maximum", "enum"]), "`maximum`"),
        _ => (true, ""),
    };
    report.need(bound, format!("{tool} {at}"), wanted, schema);
    if schema["items"].is_object() {
        bounded(report, tool, &format!("{at}/items"), &schema["items"]);
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        bounded(report, tool, &format!("{at}/{name}"), inner);
    }
}

/// What a client sends its model for one tool.
fn listed(tool: &ToolInfo) -> Value {
    let spec = tool.spec;
    json!({"name": spec.name, "description": tool.description, "inputSchema": tool.schema.value(),
           "annotations": {"readOnlyHint": !spec.writes(), "destructiveHint": spec.effect == Effect::Destructive,
                           "idempotentHint": spec.idempotent, "openWorldHint": true}})
}

/// A list of tools must leave room to think.
pub fn no_tool_takes_more_than_450_tokens(suite: &Suite) {
    let report = Report::new(suite);
    let encoding = tiktoken_rs::o200k_base_singleton();
    let mut total = 0;
    for tool in suite.plugin().tools() {
        let tokens = encoding.encode_ordinary(&listed(tool).to_string()).len();
        println!("{tokens:5} {}", tool.spec.name);
        total += tokens;
        report.need(
            tokens <= TOKENS || suite.leaves_out(tool.spec.name, "tokens"),
            tool.spec.name,
            format!("at most {TOKENS} tokens"),
            tokens,
        );
    }
    println!("{total:5} in all, {} tools", suite.specs.len());
    report.finish("tokens");
}

/// Reads take no arguments of writes, and every write can be tried dry.
pub fn the_verb_the_effect_and_the_common_arguments_agree(suite: &Suite) {
    let report = Report::new(suite);
    for tool in suite.plugin().tools() {
        let spec = tool.spec;
        let verb = verb(spec, suite.info.id).unwrap_or_default();
        let usual = VERBS.iter().find(|(known, _)| *known == verb);
        if let Some((_, Some(effect))) = usual
            && !suite.leaves_out(spec.name, "verb")
        {
            // What adds may still need a person's consent; what looks or destroys may be nothing else.
            let agrees = match effect {
                Effect::Write => spec.writes(),
                other => spec.effect == *other,
            };
            report.need(
                agrees,
                spec.name,
                format!("the effect {effect:?}, as `{verb}` means"),
                format!("{:?}", spec.effect),
            );
        }
        report.need(
            spec.writes() || spec.idempotent,
            spec.name,
            "a read that may be repeated",
            "one that may not",
        );
        let arguments = arguments(tool);
        for (argument, wanted) in [
            ("dry_run", spec.writes()),
            ("idempotency_key", spec.writes() && !spec.idempotent),
            (
                "confirm_token",
                spec.effect == Effect::Destructive || spec.asks,
            ),
        ] {
            report.need(
                arguments.contains_key(argument) == wanted,
                spec.name,
                format!("`{argument}`: {wanted}"),
                !wanted,
            );
        }
    }
    report.finish("effects");
}

/// `shop:read` and `shop:write`, and no scope of another provider.
pub fn scopes_follow_from_the_effect(suite: &Suite) {
    let report = Report::new(suite);
    let id = suite.info.id;
    for spec in &suite.specs {
        let own = spec
            .scopes
            .iter()
            .all(|scope| scope.starts_with(&format!("{id}:")));
        let reads = [format!("{id}:read")];
        let wanted = if spec.writes() {
            // A write may need more than the plain right to write.
            spec.scopes.iter().any(|scope| !scope.ends_with(":read"))
        } else {
            spec.scopes == reads
        };
        report.need(
            own && wanted || suite.leaves_out(spec.name, "scopes"),
            spec.name,
            if spec.writes() {
                format!("`{id}:write`, or another scope of the provider that is not for reading")
            } else {
                format!("`{id}:read` alone")
            },
            spec.scopes.join(", "),
        );
    }
    report.finish("scopes");
}

/// A cached read that a write makes stale is there, and is one.
pub fn what_a_write_forgets_is_a_cached_read(suite: &Suite) {
    let report = Report::new(suite);
    for spec in &suite.specs {
        for forgotten in spec.forgets {
            let read = suite.specs.iter().find(|other| other.name == *forgotten);
            let got = match read {
                None => "no such tool",
                Some(other) if other.writes() => "a tool that writes",
                Some(other) if other.cache_secs == 0 => "a read that is never cached",
                Some(_) => continue,
            };
            report.fault(
                spec.name,
                format!("that `{forgotten}` is a cached read"),
                got,
            );
        }
    }
    report.finish("forgets");
}

/// `OUTCOME_UNKNOWN` says how to find out.
pub fn a_write_that_cannot_be_repeated_says_how_to_find_out(suite: &Suite) {
    let report = Report::new(suite);
    let unsafe_ones = suite.specs.iter();
    let unsafe_ones = unsafe_ones.filter(|spec| spec.repeat() == Repeat::IfUnprocessed);
    for spec in unsafe_ones {
        report.need(
            !spec.find_out.is_empty(),
            spec.name,
            "`.find_out(…)`: a sentence that says how to see whether it was done",
            "none",
        );
    }
    report.finish("find_out");
}

/// One example for each tool, and no other.
pub fn every_tool_has_one_example(suite: &Suite) {
    let report = Report::new(suite);
    for spec in &suite.specs {
        let calls = suite.examples.calls.iter();
        let count = calls.filter(|example| example.tool == spec.name).count();
        report.need(
            count == 1,
            spec.name,
            "one example in `examples()`, so that the suite can call it",
            count,
        );
    }
    let known = |name: &str| suite.specs.iter().any(|spec| spec.name == name);
    for example in &suite.examples.calls {
        report.need(
            known(example.tool),
            example.tool,
            "a tool of the provider",
            "none",
        );
        for step in &example.steps {
            report.need(
                known(step.tool),
                example.tool,
                "steps that call tools of the provider",
                step.tool,
            );
        }
    }
    report.need(
        !suite.examples.credentials.is_empty(),
        suite.info.id,
        "`.credentials(…)` in `examples()`, one for each way to authenticate",
        "none",
    );
    report.finish("examples");
}
