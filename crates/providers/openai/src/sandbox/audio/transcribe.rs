//! `/audio/transcriptions` and `/audio/translations`.

use std::sync::Arc;

use business_tools_sandbox::axum::extract::State;
use business_tools_sandbox::axum::http::header::CONTENT_TYPE;
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use business_tools_sandbox::json;
use business_tools_sandbox::sse::{self, Event};
use serde_json::{Value, json};

use super::super::answer::{Refusal, Taken};
use super::super::args::{Args, Form, missing, unsupported};
use super::super::models::{self, Job, Model};
use super::super::{Caller, World, tokens};
use super::heard::{Heard, Segment};
use super::subtitles;

const KNOWN: &[&str] = &[
    "chunking_strategy",
    "file",
    "include",
    "keywords",
    "known_speaker_names",
    "known_speaker_references",
    "language",
    "languages",
    "model",
    "prompt",
    "response_format",
    "stream",
    "temperature",
    "timestamp_granularities",
];

/// What each kind of model can write.
fn formats(job: Job) -> &'static [&'static str] {
    match job {
        Job::Whisper => &["json", "text", "srt", "verbose_json", "vtt"],
        Job::Diarize => &["json", "text", "diarized_json"],
        _ => &["json"],
    }
}

pub(in super::super) async fn transcribe(
    State(_): State<Arc<World>>,
    _: Caller,
    Form(args): Form,
) -> Taken<Response> {
    args.only(KNOWN, &[])?;
    let able = |job| matches!(job, Job::Whisper | Job::Transcribe | Job::Diarize);
    let model = models::find_for(args.need_text("model")?, able)?;
    let format = format(&args, model)?;
    check(&args, model, format)?;
    let heard = hear(&args)?;
    if args.flag("stream")?.unwrap_or(false) && model.job != Job::Whisper {
        return Ok(stream(&heard));
    }
    Ok(match format {
        "verbose_json" => {
            let language = args.text("language")?.map_or("english", name_of);
            let wanted = args.list("timestamp_granularities")?.unwrap_or_default();
            let mut shown = verbose(&heard, language, &wanted);
            shown["task"] = "transcribe".into();
            shown["usage"] = usage(model, &heard);
            json::ok(&shown)
        }
        "diarized_json" => json::ok(&diarized(&heard, &args)?),
        "json" => json::ok(&json!({"text": heard.text, "usage": usage(model, &heard)})),
        other => plain(other, &heard),
    })
}

/// The words are English, whatever was said.
pub(in super::super) async fn translate(
    State(_): State<Arc<World>>,
    _: Caller,
    Form(args): Form,
) -> Taken<Response> {
    args.only(
        &["file", "model", "prompt", "response_format", "temperature"],
        &[],
    )?;
    let model = models::find_for(args.need_text("model")?, |job| job == Job::Whisper)?;
    let format = format(&args, model)?;
    args.number("temperature", 0.0..=1.0)?;
    let heard = hear(&args)?;
    Ok(match format {
        "verbose_json" => json::ok(&verbose(&heard, "english", &[])),
        "json" => json::ok(&json!({"text": heard.text})),
        other => plain(other, &heard),
    })
}

fn hear(args: &Args) -> Taken<Heard> {
    let files = args.files("file");
    Heard::listen(files.first().copied().ok_or_else(|| missing("file"))?)
}

fn format<'a>(args: &'a Args, model: &Model) -> Taken<&'a str> {
    let format = args.text("response_format")?.unwrap_or("json");
    let known = formats(model.job);
    if known.contains(&format) {
        return Ok(format);
    }
    let every = [
        "json",
        "text",
        "srt",
        "verbose_json",
        "vtt",
        "diarized_json",
    ];
    if !every.contains(&format) {
        return Err(unsupported("response_format", format, &every));
    }
    let able: Vec<_> = known.iter().map(|format| format!("'{format}'")).collect();
    let message = format!(
        "response_format '{format}' is not compatible with model '{}'. Use {} instead.",
        model.id,
        able.join(" or ")
    );
    Err(Refusal::at("response_format", "unsupported_value", message))
}

/// What only some of the models can do.
fn check(args: &Args, model: &Model, format: &str) -> Taken<()> {
    args.number("temperature", 0.0..=1.0)?;
    if let Some(code) = args.text("language")?
        && !(2..=3).contains(&code.len())
    {
        let message = format!(
            "Invalid language '{code}'. Language parameter must be specified in ISO-639-1 format."
        );
        return Err(Refusal::at("language", "invalid_language_format", message));
    }
    let only = |name: &str, able: bool, whose: &str| {
        if args.value(name).is_none() || able {
            return Ok(());
        }
        let message = format!("Unsupported parameter: '{name}' is only supported with {whose}.");
        Err(Refusal::at(name, "unsupported_parameter", message))
    };
    let newest = model.id == "gpt-transcribe";
    only("languages", newest, "gpt-transcribe")?;
    only("keywords", newest, "gpt-transcribe")?;
    let diarizes = model.job == Job::Diarize;
    only("known_speaker_names", diarizes, "gpt-4o-transcribe-diarize")?;
    only(
        "known_speaker_references",
        diarizes,
        "gpt-4o-transcribe-diarize",
    )?;
    only(
        "prompt",
        !diarizes,
        "models that do not tell speakers apart",
    )?;
    let timed = model.job == Job::Whisper && format == "verbose_json";
    only(
        "timestamp_granularities",
        timed,
        "whisper-1 and response_format 'verbose_json'",
    )?;
    for wish in args.list("timestamp_granularities")?.unwrap_or_default() {
        let wish = wish.as_str().unwrap_or_default();
        if !["word", "segment"].contains(&wish) {
            return Err(unsupported(
                "timestamp_granularities",
                wish,
                &["word", "segment"],
            ));
        }
    }
    for wish in args.list("include")?.unwrap_or_default() {
        if wish != "logprobs" {
            return Err(unsupported(
                "include",
                wish.as_str().unwrap_or_default(),
                &["logprobs"],
            ));
        }
        only(
            "include",
            model.job == Job::Transcribe && !newest,
            "gpt-4o-transcribe and gpt-4o-mini-transcribe",
        )?;
    }
    Ok(())
}

/// Time for the oldest model, tokens for the others: ten for each second of sound.
fn usage(model: &Model, heard: &Heard) -> Value {
    if model.job == Job::Whisper {
        return json!({"type": "duration", "seconds": heard.seconds.ceil()});
    }
    token_usage(heard)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "recordings are short"
)]
fn token_usage(heard: &Heard) -> Value {
    let sound = (heard.seconds * 10.0).ceil() as u64;
    let written = tokens::count(&heard.text) as u64;
    json!({"type": "tokens", "input_tokens": sound,
           "input_token_details": {"text_tokens": 0, "audio_tokens": sound},
           "output_tokens": written, "total_tokens": sound + written})
}

fn verbose(heard: &Heard, language: &str, wanted: &[&Value]) -> Value {
    let mut shown = json!({"language": language, "duration": heard.seconds, "text": heard.text});
    let wants = |kind: &str| wanted.iter().any(|wish| *wish == kind);
    if wanted.is_empty() || wants("segment") {
        let segments = heard.segments();
        let segments = segments.iter().enumerate().map(|(id, Segment { text, start, end })| {
            json!({"id": id, "seek": 0, "start": start, "end": end, "text": format!(" {text}"),
                   "tokens": tokens::pieces(text).map(str::len).collect::<Vec<_>>(), "temperature": 0.0,
                   "avg_logprob": -0.25, "compression_ratio": 1.0, "no_speech_prob": 0.01})
        });
        shown["segments"] = segments.collect();
    }
    if wants("word") {
        let words = heard.words();
        let words = words.iter().map(|Segment { text, start, end }| {
            let word = text.trim_matches(|letter: char| !letter.is_alphanumeric());
            json!({"word": word, "start": start, "end": end})
        });
        shown["words"] = words.collect();
    }
    shown
}

/// The speakers take turns.
fn diarized(heard: &Heard, args: &Args) -> Taken<Value> {
    let names = args.list("known_speaker_names")?.unwrap_or_default();
    let speaker = |index: usize| match names.get(index % 2) {
        Some(name) => (*name).clone(),
        None => ["A", "B"][index % 2].into(),
    };
    let segments = heard.segments();
    let segments = segments.iter().enumerate().map(|(index, Segment { text, start, end })| {
        json!({"type": "transcript.text.segment", "id": format!("seg_{index}"), "start": start, "end": end,
               "text": text, "speaker": speaker(index)})
    });
    Ok(
        json!({"task": "transcribe", "duration": heard.seconds, "text": heard.text,
              "segments": segments.collect::<Vec<_>>(), "usage": token_usage(heard)}),
    )
}

fn plain(format: &str, heard: &Heard) -> Response {
    let text = match format {
        "srt" => subtitles::srt(&heard.segments()),
        "vtt" => subtitles::vtt(&heard.segments()),
        _ => format!("{}\n", heard.text),
    };
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn stream(heard: &Heard) -> Response {
    let delta = |piece| json!({"type": "transcript.text.delta", "delta": piece});
    let done =
        json!({"type": "transcript.text.done", "text": heard.text, "usage": token_usage(heard)});
    let events = tokens::pieces(&heard.text).map(delta).chain([done]);
    sse::answer(events.map(Event::data).collect())
}

/// The name of a language, as the oldest model writes it.
fn name_of(code: &str) -> &str {
    match code {
        "en" => "english",
        "de" => "german",
        "fr" => "french",
        "es" => "spanish",
        "it" => "italian",
        "pl" => "polish",
        other => other,
    }
}
