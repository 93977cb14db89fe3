//! Speech to text.

use business_tools_core::artifact::ResourceLink;
use business_tools_core::egress::transport::{Body, HttpResponse, Part};
use business_tools_core::http::Method;
use business_tools_core::{Cx, Fate, Faults, Result, Spec, Tool};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{COSTS, MODEL, WRITE, word};
use crate::OpenAi;
use crate::client::bad_answer;
use crate::models::Work;
use crate::price::Usage;
use crate::service::Service;
use crate::source::{self, Source};

const FORMAT: &str = "^(json|text|srt|vtt|verbose_json|diarized_json)$";

/// The form of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Format {
    Json,
    Text,
    Srt,
    Vtt,
    VerboseJson,
    DiarizedJson,
}

/// What a model of transcription can do, told by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ear {
    /// whisper-1: times and subtitles.
    Whisper,
    /// gpt-4o-transcribe-diarize: who speaks.
    Diarizing,
    /// gpt-4o-transcribe and its like.
    Plain,
    /// gpt-transcribe: several languages and keywords.
    Modern,
    /// Unknown here; it may do anything.
    Other,
}

impl Ear {
    fn of(model: &str) -> Self {
        match model {
            _ if model.contains("diarize") => Self::Diarizing,
            _ if model.starts_with("whisper") => Self::Whisper,
            _ if model.starts_with("gpt-4o") && model.contains("transcribe") => Self::Plain,
            _ if model.starts_with("gpt-transcribe") => Self::Modern,
            _ => Self::Other,
        }
    }

    /// The formats besides `text`, which every model can give as `json`.
    fn formats(self) -> &'static [Format] {
        match self {
            Self::Whisper => &[Format::Json, Format::Srt, Format::Vtt, Format::VerboseJson],
            Self::Diarizing => &[Format::Json, Format::DiarizedJson],
            Self::Plain | Self::Modern => &[Format::Json],
            Self::Other => &[
                Format::Json,
                Format::Srt,
                Format::Vtt,
                Format::VerboseJson,
                Format::DiarizedJson,
            ],
        }
    }
}

/// Transcribe a recording. Paid.
///
/// # Errors
/// `INVALID_ARGUMENTS` before anything is sent when the file is too large, is no recording, or the model does not
/// give the format.
///
/// # Source
/// <https://developers.openai.com/api/docs/guides/speech-to-text> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TranscribeAudio {
    /// Local file.
    #[schemars(length(min = 1, max = 4096))]
    path: Option<String>,
    /// URL or result link.
    #[schemars(length(min = 1, max = 4096))]
    url: Option<String>,
    /// ISO 639-1.
    #[schemars(regex(pattern = "^[a-z]{2,3}(-[A-Za-z]{2,4})?$"))]
    language: Option<String>,
    /// Names in it.
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 200)))]
    keywords: Option<Vec<String>>,
    /// Context.
    #[schemars(length(min = 1, max = 10_000))]
    prompt: Option<String>,
    /// json, srt, vtt, verbose_json…
    #[schemars(with = "Option<String>", regex(pattern = FORMAT))]
    response_format: Option<Format>,
    /// Model.
    #[schemars(regex(pattern = MODEL))]
    model: Option<String>,
}

impl Tool for TranscribeAudio {
    type Provider = OpenAi;
    type Output = Transcript;
    const SPEC: Spec = Spec::write("openai_transcribe_audio")
        .repeatable()
        .scopes(WRITE)
        .untrusted(&["text", "segments", "words"])
        .find_out(COSTS);

    fn check(&self, faults: &mut Faults) {
        source::check_one(self.path.as_deref(), self.url.as_deref(), faults);
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Transcript> {
        let service = &openai.service;
        let model = service.model(self.model.clone(), Work::Transcription);
        let (parts, format) = self.fields(&model)?;
        let source = Source::of(self.path.as_deref(), self.url.as_deref())?;
        let path = &["audio", "transcriptions"];
        service
            .hear(
                cx,
                Work::Transcription,
                &model,
                path,
                (parts, format),
                source,
            )
            .await
    }
}

impl TranscribeAudio {
    /// The fields of the form but the file, and the format that is really asked for.
    ///
    /// # Errors
    /// `INVALID_ARGUMENTS` for what the model cannot do.
    fn fields(&self, model: &str) -> Result<(Vec<Part>, Format)> {
        let ear = Ear::of(model);
        let mut faults = Faults::default();
        let format = match self.response_format {
            None | Some(Format::Text) => Format::Json,
            Some(format) => format,
        };
        if !ear.formats().contains(&format) {
            let known: Vec<String> = ear.formats().iter().map(word).collect();
            faults.add(
                "/response_format",
                format!(
                    "{model} gives {} only; whisper-1 gives srt, vtt and verbose_json, \
                     gpt-4o-transcribe-diarize gives diarized_json",
                    known.join(" and ")
                ),
            );
        }
        let modern = matches!(ear, Ear::Modern | Ear::Other);
        if self.keywords.is_some() && !modern {
            faults.add(
                "/keywords",
                format!("{model} takes none; use `prompt`, or gpt-transcribe"),
            );
        }
        if self.prompt.is_some() && ear == Ear::Diarizing {
            faults.add("/prompt", format!("{model} takes none"));
        }
        faults
            .into_result()
            .map_err(|error| error.fate(Fate::NotSent))?;

        let mut parts = vec![
            Part::text("model", model),
            Part::text("response_format", word(&format)),
        ];
        if let Some(language) = &self.language {
            // Newer models take several, which a speaker may switch between.
            let field = match ear {
                Ear::Modern => "languages[]",
                _ => "language",
            };
            parts.push(Part::text(field, language));
        }
        let keywords = self.keywords.iter().flatten();
        parts.extend(keywords.map(|keyword| Part::text("keywords[]", keyword)));
        parts.extend(
            self.prompt
                .as_ref()
                .map(|prompt| Part::text("prompt", prompt)),
        );
        if format == Format::VerboseJson {
            // Both, since whoever asks for times wants them.
            for one in ["segment", "word"] {
                parts.push(Part::text("timestamp_granularities[]", one));
            }
        }
        if ear == Ear::Diarizing {
            // Without it this model takes half a minute at most.
            parts.push(Part::text("chunking_strategy", "auto"));
        }
        Ok((parts, format))
    }
}

/// Turn speech into English text. Ends 2027-02-26: rather transcribe, then translate. Paid.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/audio/createTranslation> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TranslateAudio {
    /// Local file.
    #[schemars(length(min = 1, max = 4096))]
    path: Option<String>,
    /// URL or result link.
    #[schemars(length(min = 1, max = 4096))]
    url: Option<String>,
}

impl Tool for TranslateAudio {
    type Provider = OpenAi;
    type Output = Transcript;
    const SPEC: Spec = Spec::write("openai_translate_audio")
        .repeatable()
        .scopes(WRITE)
        .untrusted(&["text", "segments"])
        .find_out(COSTS);

    fn check(&self, faults: &mut Faults) {
        source::check_one(self.path.as_deref(), self.url.as_deref(), faults);
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Transcript> {
        let service = &openai.service;
        let model = service.model(None, Work::Translation);
        let parts = vec![
            Part::text("model", &model),
            // The form that tells how long it was, which is what it costs by.
            Part::text("response_format", word(&Format::VerboseJson)),
        ];
        let source = Source::of(self.path.as_deref(), self.url.as_deref())?;
        let path = &["audio", "translations"];
        service
            .hear(
                cx,
                Work::Translation,
                &model,
                path,
                (parts, Format::VerboseJson),
                source,
            )
            .await
    }
}

/// What was said.
#[derive(Debug, Default, Serialize)]
pub struct Transcript {
    /// The text, or the subtitles.
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    languages: Option<Value>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    /// Who said what from when to when, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<Value>,
    /// Everything, when it is too long for this.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<ResourceLink>,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

impl Service {
    /// Sends a recording and reads what was said.
    async fn hear(
        &self,
        cx: &Cx,
        work: Work,
        model: &str,
        path: &[&str],
        (mut parts, format): (Vec<Part>, Format),
        source: Source<'_>,
    ) -> Result<Transcript> {
        parts.push(self.audio(cx, source).await?);
        let request = self
            .client
            .request(Method::POST, path)
            .body(Body::Multipart(parts));
        let answer = self.ask(cx, work, model, request).await?;
        let mut transcript = read(&answer, format)?;
        let usage = Usage {
            // Models that are paid by the minute say how long it was in one place or the other.
            seconds: match transcript.usage.as_ref().map(Usage::read) {
                Some(usage) if usage.seconds > 0.0 => usage.seconds,
                _ => transcript.duration.unwrap_or_default(),
            },
            ..transcript
                .usage
                .as_ref()
                .map(Usage::read)
                .unwrap_or_default()
        };
        transcript.usage = self.pay(cx, model, None, &usage);
        model.clone_into(&mut transcript.model);
        let detailed = [&transcript.segments, &transcript.words];
        if detailed.into_iter().flatten().any(Self::is_long) {
            let file = self
                .keep(
                    cx,
                    "transcript.json",
                    "application/json",
                    answer.body.clone(),
                )
                .await?;
            transcript.file = Some(file);
            (transcript.segments, transcript.words) = (None, None);
        }
        let name = match format {
            Format::Srt => "transcript.srt",
            Format::Vtt => "transcript.vtt",
            _ => "transcript.txt",
        };
        let text = self.shorten(cx, &mut transcript.text, name).await?;
        transcript.file = transcript.file.or(text);
        Ok(transcript)
    }
}

/// Reads an answer in the format that was asked for.
fn read(answer: &HttpResponse, format: Format) -> Result<Transcript> {
    if matches!(format, Format::Srt | Format::Vtt) {
        let html = answer
            .header("content-type")
            .is_some_and(|kind| kind.contains("html"));
        let text = std::str::from_utf8(&answer.body).ok().filter(|_| !html);
        let text = text.ok_or_else(|| bad_answer("OpenAI sent something that is no transcript"))?;
        return Ok(Transcript {
            text: text.to_owned(),
            ..Transcript::default()
        });
    }
    let mut given: Map<String, Value> = answer.json()?;
    let Some(Value::String(text)) = given.remove("text") else {
        return Err(bad_answer("OpenAI sent an answer without a transcript"));
    };
    let language = given
        .remove("language")
        .map(|language| Value::from(vec![language]));
    let languages = given.remove("languages").map(|languages| {
        let codes = languages.as_array().into_iter().flatten();
        codes
            .map(|language| language.get("code").unwrap_or(language).clone())
            .collect()
    });
    Ok(Transcript {
        text,
        languages: languages.or(language),
        duration: given.get("duration").and_then(seconds),
        segments: given
            .remove("segments")
            .map(|list| only(&list, &["speaker", "start", "end", "text"])),
        words: given
            .remove("words")
            .map(|list| only(&list, &["word", "start", "end"])),
        usage: given.remove("usage"),
        ..Transcript::default()
    })
}

/// A number, or a text of one.
fn seconds(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// The members of each thing that people use.
fn only(list: &Value, members: &[&str]) -> Value {
    let things = list.as_array().into_iter().flatten();
    things
        .map(|thing| {
            let shown: Map<String, Value> = members
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), thing.get(*name)?.clone())))
                .collect();
            Value::Object(shown)
        })
        .collect()
}
