//! What a response is asked for.

use serde_json::{Value, json};

use super::super::answer::{Refusal, Taken};
use super::super::args::{Args, missing, unsupported, wrong_type};
use super::super::mind::{Choice, Format, Talk, Tool};
use super::super::models::{Job, Model};
use super::super::{Account, format, tokens};
use super::items;

const KNOWN: &[&str] = &[
    "background",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];
const NOT_HERE: &[&str] = &["context_management", "conversation", "moderation", "prompt"];

pub(super) const COUNTED: &[&str] = &[
    "input",
    "instructions",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "text",
    "tool_choice",
    "tools",
    "truncation",
];
pub(super) const NOT_COUNTED: &[&str] = &["conversation", "personality"];

pub(super) const INCLUDE: &[&str] = &[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
];

/// How much is thought before the answer.
const EFFORTS: &[(&str, usize)] = &[
    ("none", 0),
    ("minimal", 8),
    ("low", 16),
    ("medium", 32),
    ("high", 64),
    ("xhigh", 128),
    ("max", 256),
];

/// A request that was read.
pub(super) struct Ask {
    pub(super) model: &'static str,
    pub(super) talk: Talk,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Choice,
    pub(super) format: Format,
    /// The most tokens of thought and answer.
    pub(super) most: Option<usize>,
    /// Tokens of thought.
    pub(super) thought: usize,
    pub(super) background: bool,
    pub(super) store: bool,
    pub(super) stream: bool,
}

impl Ask {
    pub(super) fn read(args: &Args, model: &Model, account: &Account) -> Taken<Self> {
        args.only(KNOWN, NOT_HERE)?;
        check(args)?;
        let talk = talk(args, account)?;
        let format = format::read(
            "text.format",
            args.value("text").map(|text| &text["format"]),
            None,
        )?;
        if matches!(format, Format::Object) && !talk.of_json {
            let message = "Response input messages must contain the word 'json' in some form to use 'text.format' \
                           of type 'json_object'.";
            return Err(Refusal::new(400, message).param("input"));
        }
        let most = args.integer("max_output_tokens", 16..=i64::MAX)?;
        let background = args.flag("background")?.unwrap_or(false);
        let store = args.flag("store")?.unwrap_or(true);
        if background && !store {
            let message = "Background responses require 'store' to be true.";
            return Err(Refusal::at("store", "invalid_value", message.to_owned()));
        }
        let tools = tools(args)?;
        Ok(Self {
            model: model.id,
            talk,
            choice: choice(args, &tools)?,
            tools,
            format,
            most: most.and_then(|most| usize::try_from(most).ok()),
            thought: thought(args, model)?,
            background,
            store,
            stream: args.flag("stream")?.unwrap_or(false),
        })
    }
}

/// Everything that has a form but no effect here.
fn check(args: &Args) -> Taken<()> {
    args.number("temperature", 0.0..=2.0)?;
    args.number("top_p", 0.0..=1.0)?;
    args.integer("top_logprobs", 0..=20)?;
    args.integer("max_tool_calls", 1..=i64::MAX)?;
    args.flag("parallel_tool_calls")?;
    args.object("stream_options")?;
    args.one_of("truncation", &["auto", "disabled"])?;
    for name in ["user", "prompt_cache_key"] {
        args.text(name)?;
    }
    args.bounded("safety_identifier", 64)?;
    let tiers = [
        "auto",
        "default",
        "flex",
        "scale",
        "priority",
        "fast",
        "ultrafast",
    ];
    args.one_of("service_tier", &tiers)?;
    args.one_of("prompt_cache_retention", &["in_memory", "24h"])?;
    for include in args.list("include")?.unwrap_or_default() {
        let include = include.as_str().unwrap_or_default();
        if !INCLUDE.contains(&include) {
            return Err(unsupported("include", include, INCLUDE));
        }
    }
    if let Some(text) = args.object("text")?
        && let Some(verbosity) = text.get("verbosity").and_then(Value::as_str)
        && !["low", "medium", "high"].contains(&verbosity)
    {
        return Err(unsupported(
            "text.verbosity",
            verbosity,
            &["low", "medium", "high"],
        ));
    }
    metadata(args)
}

/// Sixteen pairs of short texts.
pub(in super::super) fn metadata(args: &Args) -> Taken<()> {
    let Some(metadata) = args.object("metadata")? else {
        return Ok(());
    };
    if metadata.len() > 16 {
        let message = format!(
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an \
             object with {} properties instead.",
            metadata.len()
        );
        return Err(Refusal::at(
            "metadata",
            "object_above_max_properties",
            message,
        ));
    }
    for (name, value) in metadata {
        let at = format!("metadata.{name}");
        let text = value
            .as_str()
            .ok_or_else(|| wrong_type(&at, "a string", value))?;
        if name.chars().count() > 64 || text.chars().count() > 512 {
            let message = format!("Invalid '{at}': string too long.");
            return Err(Refusal::at(at, "string_above_max_length", message));
        }
    }
    Ok(())
}

/// What the model is told, and what was said before.
pub(super) fn talk(args: &Args, account: &Account) -> Taken<Talk> {
    let mut talk = Talk::default();
    let before = args.text("previous_response_id")?;
    if let Some(id) = before {
        let kept = account.responses.0.get(id).ok_or_else(|| {
            let message = format!("Previous response with id '{id}' not found.");
            Refusal::at(
                "previous_response_id",
                "previous_response_not_found",
                message,
            )
        })?;
        talk.turns = kept.turns;
        talk.tokens = kept.tokens;
    }
    if let Some(text) = args.text("instructions")? {
        talk.say("system", text);
    }
    match args.value("input") {
        None if before.is_some() => {}
        None => return Err(missing("input")),
        Some(Value::String(text)) => talk.say("user", text),
        Some(Value::Array(items)) => items::read(items, account, &mut talk)?,
        Some(other) => return Err(wrong_type("input", "a string or an array", other)),
    }
    for name in ["tools", "text"] {
        talk.tokens += args
            .value(name)
            .map_or(0, |value| tokens::count(&value.to_string()));
    }
    Ok(talk)
}

/// Functions; what runs at the provider is not simulated.
fn tools(args: &Args) -> Taken<Vec<Tool>> {
    let mut tools = Vec::new();
    for (at, tool) in args
        .list("tools")?
        .unwrap_or_default()
        .into_iter()
        .enumerate()
    {
        let place = |name: &str| format!("tools[{at}].{name}");
        match tool["type"].as_str() {
            Some("function") => {}
            Some(kind) => {
                let message = format!("Unsupported value: the tool '{kind}' is not simulated.");
                return Err(Refusal::at(place("type"), "unsupported_value", message));
            }
            None => return Err(missing(&place("type"))),
        }
        let name = tool["name"]
            .as_str()
            .ok_or_else(|| missing(&place("name")))?;
        let none = json!({"type": "object", "properties": {}});
        let parameters = tool.get("parameters").filter(|p| p.is_object());
        tools.push(Tool {
            name: name.to_owned(),
            parameters: parameters.cloned().unwrap_or(none),
        });
    }
    Ok(tools)
}

fn choice(args: &Args, tools: &[Tool]) -> Taken<Choice> {
    let choice = match args.value("tool_choice") {
        None => Choice::Auto,
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Choice::Auto,
            "none" => Choice::Never,
            "required" => Choice::Some,
            other => {
                return Err(unsupported(
                    "tool_choice",
                    other,
                    &["none", "auto", "required"],
                ));
            }
        },
        Some(named) => {
            let name = named["name"].as_str().unwrap_or_default();
            if !tools.iter().any(|tool| tool.name == name) {
                let message = format!("Tool choice '{name}' not found in 'tools' parameter.");
                return Err(Refusal::new(400, message).param("tool_choice"));
            }
            Choice::This(name.to_owned())
        }
    };
    if choice == Choice::Some && tools.is_empty() {
        let message = "Tool choice 'required' must be specified with 'tools' parameter.";
        return Err(Refusal::new(400, message).param("tool_choice"));
    }
    Ok(choice)
}

fn thought(args: &Args, model: &Model) -> Taken<usize> {
    let Some(effort) = args.object("reasoning")?.and_then(|r| r.get("effort")) else {
        return Ok(0);
    };
    let word = effort.as_str().unwrap_or_default();
    if model.job != Job::Reasoning {
        let message = "Unsupported parameter: 'reasoning.effort' is not supported with this model.";
        return Err(Refusal::at(
            "reasoning.effort",
            "unsupported_parameter",
            message.to_owned(),
        ));
    }
    match EFFORTS.iter().find(|(name, _)| *name == word) {
        Some((_, tokens)) => Ok(*tokens),
        None if effort.is_null() => Ok(0),
        None => {
            let names: Vec<_> = EFFORTS.iter().map(|(name, _)| *name).collect();
            Err(unsupported("reasoning.effort", word, &names))
        }
    }
}
