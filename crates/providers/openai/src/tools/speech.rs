//! Text to speech.

use business_tools_core::artifact::ResourceLink;
use business_tools_core::{Cx, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{COSTS, MODEL, WRITE, put, word};
use crate::OpenAi;
use crate::client::bad_answer;
use crate::models::Work;
use crate::price::Usage;

const FORMAT: &str = "^(mp3|opus|aac|flac|wav|pcm)$";

/// A format of speech.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Format {
    Mp3,
    Opus,
    Aac,
    Flac,
    Wav,
    Pcm,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Mp3 => "audio/mpeg",
            Self::Opus => "audio/ogg",
            Self::Aac => "audio/aac",
            Self::Flac => "audio/flac",
            Self::Wav => "audio/wav",
            // Samples without a header: 24 kHz, 16 bits, one channel.
            Self::Pcm => "audio/L16;rate=24000;channels=1",
        }
    }
}

/// Speak a text, as a link. Ends 2027-01-06. Paid.
///
/// Every model of this endpoint ends on that day, and its replacement is reached over the Realtime API alone.
///
/// # Source
/// <https://developers.openai.com/api/docs/guides/text-to-speech> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateSpeech {
    /// Text.
    #[schemars(length(min = 1, max = 4096))]
    input: String,
    /// Such as marin.
    #[schemars(regex(pattern = "^[a-zA-Z0-9_-]{1,64}$"))]
    voice: Option<String>,
    /// Tone.
    #[schemars(length(min = 1, max = 4096))]
    instructions: Option<String>,
    /// mp3, wav, opus…
    #[schemars(with = "Option<String>", regex(pattern = FORMAT))]
    response_format: Option<Format>,
    /// 0.25 to 4.
    #[schemars(range(min = 0.25, max = 4.0))]
    speed: Option<f64>,
    /// Model.
    #[schemars(regex(pattern = MODEL))]
    model: Option<String>,
}

/// Where the speech is.
#[derive(Debug, Serialize)]
pub struct Speech {
    audio: ResourceLink,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

impl Tool for GenerateSpeech {
    type Provider = OpenAi;
    type Output = Speech;
    const SPEC: Spec = Spec::write("openai_generate_speech")
        .repeatable()
        .scopes(WRITE)
        .find_out(COSTS);

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Speech> {
        let service = &openai.service;
        let model = service.model(self.model, Work::Speech);
        let format = self.response_format.unwrap_or(Format::Mp3);
        let characters = u64::try_from(self.input.chars().count()).unwrap_or(u64::MAX);
        let voice = self.voice.unwrap_or_else(|| "alloy".to_owned());
        let mut body = Map::new();
        put(&mut body, "model", Some(&model));
        put(&mut body, "input", Some(self.input));
        // A voice of one's own has an id.
        let voice = if voice.starts_with("voice_") {
            json!({ "id": voice })
        } else {
            voice.into()
        };
        put(&mut body, "voice", Some(voice));
        put(&mut body, "instructions", self.instructions);
        put(&mut body, "response_format", Some(format));
        put(&mut body, "speed", self.speed);
        let request = service
            .client
            .post(&["audio", "speech"], Value::Object(body));
        let answer = service.ask(cx, Work::Speech, &model, request).await?;
        let kind = answer.header("content-type").unwrap_or_default();
        if answer.body.is_empty() || kind.contains("html") || kind.contains("json") {
            return Err(bad_answer("OpenAI sent something that is no audio"));
        }
        let name = format!("speech.{}", word(&format));
        let audio = service
            .keep(cx, &name, format.media_type(), answer.body.clone())
            .await?;
        let usage = Usage {
            characters,
            ..Usage::default()
        };
        let usage = service.pay(cx, &model, None, &usage);
        Ok(Speech {
            audio,
            model,
            usage,
        })
    }
}
