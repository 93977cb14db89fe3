//! What a completion is asked for.

use serde_json::{Value, json};

use super::super::answer::{Refusal, Taken};
use super::super::args::{Args, missing, unsupported, wrong_type};
use super::super::mind::{Choice, Format, Talk, Tool};
use super::super::models::{Job, Model};
use super::super::responses::metadata;
use super::super::{format, tokens};

pub(super) const KNOWN: &[&str] = &[
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];
pub(super) const NOT_HERE: &[&str] = &[
    "audio",
    "function_call",
    "functions",
    "moderation",
    "prediction",
    "web_search_options",
];

/// Everything that has a form but no effect here.
pub(super) fn check(args: &Args) -> Taken<()> {
    args.number("temperature", 0.0..=2.0)?;
    args.number("top_p", 0.0..=1.0)?;
    args.number("frequency_penalty", -2.0..=2.0)?;
    args.number("presence_penalty", -2.0..=2.0)?;
    args.integer("seed", i64::MIN..=i64::MAX)?;
    args.object("logit_bias")?;
    for name in ["store", "parallel_tool_calls"] {
        args.flag(name)?;
    }
    for name in ["user", "prompt_cache_key"] {
        args.text(name)?;
    }
    args.bounded("safety_identifier", 64)?;
    args.one_of("verbosity", &["low", "medium", "high"])?;
    let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
    args.one_of("reasoning_effort", &efforts)?;
    args.one_of(
        "service_tier",
        &["auto", "default", "flex", "scale", "priority", "fast"],
    )?;
    args.one_of("prompt_cache_retention", &["in_memory", "24h"])?;
    for modality in args.list("modalities")?.unwrap_or_default() {
        if modality != "text" {
            return Err(unsupported(
                "modalities",
                modality.as_str().unwrap_or_default(),
                &["text"],
            ));
        }
    }
    if args.value("stream_options").is_some() && args.flag("stream")? != Some(true) {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Refusal::new(400, message).param("stream_options"));
    }
    if args.integer("top_logprobs", 0..=20)?.is_some() && args.flag("logprobs")? != Some(true) {
        let message = "Invalid value for 'top_logprobs': 'logprobs' must be set to true.";
        return Err(Refusal::new(400, message).param("top_logprobs"));
    }
    metadata(args)
}

/// A request that was read.
pub(super) struct Ask {
    pub(super) model: &'static str,
    pub(super) talk: Talk,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Choice,
    pub(super) format: Format,
    pub(super) most: Option<usize>,
    pub(super) stop: Vec<String>,
    pub(super) count: usize,
    pub(super) logprobs: bool,
}

impl Ask {
    pub(super) fn read(args: &Args, model: &Model, mut talk: Talk) -> Taken<Self> {
        let format = args.value("response_format");
        let format = format::read("response_format", format, Some("json_schema"))?;
        if matches!(format, Format::Object) && !talk.of_json {
            let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type \
                           'json_object'.";
            return Err(Refusal::new(400, message).param("messages"));
        }
        for name in ["tools", "response_format"] {
            talk.tokens += args
                .value(name)
                .map_or(0, |value| tokens::count(&value.to_string()));
        }
        if talk.tokens > tokens::WINDOW {
            let message = format!(
                "This model's maximum context length is {} tokens. However, your messages resulted in {} tokens. \
                 Please reduce the length of the messages.",
                tokens::WINDOW,
                talk.tokens
            );
            return Err(Refusal::at("messages", "context_length_exceeded", message));
        }
        let old = args.integer("max_tokens", 1..=i64::MAX)?;
        if old.is_some() && model.job == Job::Reasoning {
            let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                           'max_completion_tokens' instead.";
            return Err(Refusal::at(
                "max_tokens",
                "unsupported_parameter",
                message.to_owned(),
            ));
        }
        let most = args.integer("max_completion_tokens", 1..=i64::MAX)?.or(old);
        let count = args.integer("n", 1..=128)?.unwrap_or(1);
        let tools = tools(args)?;
        Ok(Self {
            model: model.id,
            talk,
            choice: choice(args, &tools)?,
            tools,
            format,
            most: most.and_then(|most| usize::try_from(most).ok()),
            stop: stop(args)?,
            count: usize::try_from(count).unwrap_or(1),
            logprobs: args.flag("logprobs")?.unwrap_or(false),
        })
    }
}

fn stop(args: &Args) -> Taken<Vec<String>> {
    let texts = match args.value("stop") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => {
            let texts = many.iter().map(|text| {
                let text = text
                    .as_str()
                    .ok_or_else(|| wrong_type("stop", "a string", text));
                text.map(str::to_owned)
            });
            texts.collect::<Taken<Vec<_>>>()?
        }
        Some(other) => return Err(wrong_type("stop", "a string or an array", other)),
    };
    if texts.len() > 4 {
        let message = format!(
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length \
             {} instead.",
            texts.len()
        );
        return Err(Refusal::at("stop", "array_above_max_length", message));
    }
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

fn tools(args: &Args) -> Taken<Vec<Tool>> {
    let mut tools = Vec::new();
    for (at, tool) in args
        .list("tools")?
        .unwrap_or_default()
        .into_iter()
        .enumerate()
    {
        match tool["type"].as_str() {
            Some("function") => {}
            Some(other) => {
                return Err(unsupported(
                    &format!("tools[{at}].type"),
                    other,
                    &["function"],
                ));
            }
            None => return Err(missing(&format!("tools[{at}].type"))),
        }
        let function = &tool["function"];
        let name = function["name"].as_str();
        let name = name.ok_or_else(|| missing(&format!("tools[{at}].function.name")))?;
        let none = json!({"type": "object", "properties": {}});
        let parameters = function.get("parameters").filter(|p| p.is_object());
        tools.push(Tool {
            name: name.to_owned(),
            parameters: parameters.cloned().unwrap_or(none),
        });
    }
    Ok(tools)
}

fn choice(args: &Args, tools: &[Tool]) -> Taken<Choice> {
    let Some(choice) = args.value("tool_choice") else {
        return Ok(Choice::Auto);
    };
    if tools.is_empty() {
        let message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
        return Err(Refusal::new(400, message).param("tool_choice"));
    }
    match choice.as_str() {
        Some("auto") => Ok(Choice::Auto),
        Some("none") => Ok(Choice::Never),
        Some("required") => Ok(Choice::Some),
        Some(other) => Err(unsupported(
            "tool_choice",
            other,
            &["none", "auto", "required"],
        )),
        None => {
            let name = choice["function"]["name"].as_str().unwrap_or_default();
            if tools.iter().any(|tool| tool.name == name) {
                return Ok(Choice::This(name.to_owned()));
            }
            let message = format!(
                "Invalid value for 'tool_choice': the function '{name}' is not in 'tools'."
            );
            Err(Refusal::new(400, message).param("tool_choice"))
        }
    }
}
