//! `/audio/speech`: a tone, as high as the voice and as long as the text.
//!
//! WAV and PCM are sound; of the other codings there are a few bytes that begin as theirs do.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use business_tools_sandbox::axum::extract::State;
use business_tools_sandbox::axum::http::header::CONTENT_TYPE;
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use business_tools_sandbox::sse::{self, Event};
use business_tools_sandbox::wav;
use serde_json::{Value, json};

use super::super::answer::{Refusal, Taken};
use super::super::args::{Args, Json, missing, unsupported};
use super::super::models::{self, Job};
use super::super::{Caller, World, tokens};

const KNOWN: &[&str] = &[
    "input",
    "instructions",
    "model",
    "response_format",
    "speed",
    "stream_format",
    "voice",
];

/// The voices and how high they are.
const VOICES: &[(&str, u32)] = &[
    ("alloy", 220),
    ("ash", 165),
    ("ballad", 185),
    ("coral", 262),
    ("echo", 147),
    ("sage", 247),
    ("shimmer", 294),
    ("verse", 196),
    ("marin", 277),
    ("cedar", 131),
];

/// Those that the older models do not have.
const NEW: &[&str] = &["ballad", "verse", "marin", "cedar"];

const RATE: u32 = 24_000;
/// Longer ones would be large and tell nothing more.
const LONGEST: Duration = Duration::from_secs(10);

pub(in super::super) async fn create(
    State(_): State<Arc<World>>,
    _: Caller,
    Json(args): Json,
) -> Taken<Response> {
    args.only(KNOWN, &[])?;
    let model = models::find_for(args.need_text("model")?, |job| job == Job::Speech)?;
    args.need("input")?;
    let input = args.bounded("input", 4_096)?.unwrap_or_default();
    if input.is_empty() {
        let message = "Invalid 'input': string too short. Expected a string with minimum length 1, but got an empty \
                       string instead.";
        return Err(Refusal::at(
            "input",
            "string_below_min_length",
            message.to_owned(),
        ));
    }
    args.bounded("instructions", 4_096)?;
    let older = model.id != "gpt-4o-mini-tts";
    for name in ["instructions", "stream_format"] {
        if older && args.value(name).is_some_and(|value| value != "audio") {
            let message =
                format!("Unsupported parameter: '{name}' is not supported with this model.");
            return Err(Refusal::at(name, "unsupported_parameter", message));
        }
    }
    let height = voice(&args, older)?;
    let speed = args.number("speed", 0.25..=4.0)?.unwrap_or(1.0);
    let formats = ["mp3", "opus", "aac", "flac", "wav", "pcm"];
    let format = args.one_of("response_format", &formats)?.unwrap_or("mp3");
    let in_pieces = args.one_of("stream_format", &["sse", "audio"])? == Some("sse");
    let (kind, bytes) = sound(format, input, height, speed);
    Ok(if in_pieces {
        stream(&bytes, input)
    } else {
        ([(CONTENT_TYPE, kind)], bytes).into_response()
    })
}

fn voice(args: &Args, older: bool) -> Taken<u32> {
    // One's own voice is an object with an id.
    if let Some(Value::Object(own)) = args.value("voice") {
        let id = own.get("id").and_then(Value::as_str);
        return id.map(|_| 200).ok_or_else(|| missing("voice.id"));
    }
    let name = args.need_text("voice")?;
    let there = VOICES
        .iter()
        .filter(|(voice, _)| !older || !NEW.contains(voice));
    let found = there.clone().find(|(voice, _)| *voice == name);
    let names: Vec<_> = there.map(|(voice, _)| *voice).collect();
    found
        .map(|(_, height)| *height)
        .ok_or_else(|| unsupported("voice", name, &names))
}

/// The sound and its content type: a second for each fifteen letters.
fn sound(format: &str, input: &str, height: u32, speed: f64) -> (&'static str, Vec<u8>) {
    let letters = u32::try_from(input.chars().count()).unwrap_or(u32::MAX);
    let seconds = f64::from(letters) / 15.0 / speed;
    let duration = Duration::from_secs_f64(seconds.clamp(0.2, LONGEST.as_secs_f64()));
    match format {
        "wav" => (
            "audio/wav",
            wav::file(RATE, &wav::tone(RATE, height, duration)),
        ),
        "pcm" => {
            let samples = wav::tone(RATE, height, duration);
            (
                "audio/pcm",
                samples
                    .iter()
                    .flat_map(|sample| sample.to_le_bytes())
                    .collect(),
            )
        }
        "opus" => ("audio/opus", marked(b"OggS\0\x02", input)),
        "aac" => ("audio/aac", marked(b"\xff\xf1\x5c\x40", input)),
        "flac" => ("audio/flac", marked(b"fLaC\0\0\0\x22", input)),
        _ => ("audio/mpeg", marked(b"\xff\xf3\x64\xc4", input)),
    }
}

/// Bytes that begin as a coding does, and are the same for the same text.
fn marked(mark: &[u8], input: &str) -> Vec<u8> {
    let text = input.bytes().cycle().take(512);
    mark.iter()
        .copied()
        .chain(text.map(|byte| byte & 0x7f))
        .collect()
}

fn stream(bytes: &[u8], input: &str) -> Response {
    let delta =
        |piece: &[u8]| json!({"type": "speech.audio.delta", "audio": STANDARD.encode(piece)});
    let asked = tokens::count(input);
    let made = bytes.len() / 2_400;
    let done = json!({"type": "speech.audio.done", "usage":
        {"input_tokens": asked, "output_tokens": made, "total_tokens": asked + made}});
    let events = bytes.chunks(24_000).map(delta).chain([done]);
    sse::answer(events.map(Event::data).collect())
}
