//! Looking at images.

use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{COSTS, MODEL, WRITE, put};
use crate::OpenAi;
use crate::answer::{Answer, Shape, unless_failed};
use crate::models::Work;
use crate::source::{self, Source};

const CLOSENESS: &str = "^(low|high|auto|original)$";

/// How closely an image is looked at.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Closeness {
    Low,
    High,
    Auto,
    Original,
}

/// Answer a question about an image. Paid.
///
/// # Source
/// <https://developers.openai.com/api/docs/guides/images-vision> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeImage {
    /// Question.
    #[schemars(length(min = 1, max = 100_000))]
    prompt: String,
    /// Path, URL, data URL or file id.
    #[schemars(length(min = 1, max = 20_971_520))]
    image: String,
    /// low, high, auto, original.
    #[schemars(with = "Option<String>", regex(pattern = CLOSENESS))]
    detail: Option<Closeness>,
    /// Model.
    #[schemars(regex(pattern = MODEL))]
    model: Option<String>,
}

impl Tool for AnalyzeImage {
    type Provider = OpenAi;
    type Output = Answer;
    const SPEC: Spec = Spec::write("openai_analyze_image")
        .repeatable()
        .scopes(WRITE)
        .untrusted(&["text"])
        .find_out(COSTS);

    fn check(&self, faults: &mut Faults) {
        match Image::of(&self.image) {
            Image::Data => check_data(&self.image, faults),
            Image::Source(Source::Url(url)) => source::check_url("/image", url, faults),
            Image::Id | Image::Web | Image::Source(Source::Path(_)) => {}
        }
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Answer> {
        let service = &openai.service;
        let model = service.model(self.model, Work::Vision);
        let (member, value) = match Image::of(&self.image) {
            Image::Id => ("file_id", self.image),
            Image::Data if cx.is_dry_run() => ("image_url", source::shown(&self.image)),
            Image::Data | Image::Web => ("image_url", self.image),
            Image::Source(source) => ("image_url", service.data_url(cx, "/image", source).await?),
        };
        let detail = self.detail.unwrap_or(Closeness::Auto);
        let image = json!({"type": "input_image", member: value, "detail": detail});
        let content = json!([{"type": "input_text", "text": self.prompt}, image]);
        let mut body = Map::new();
        put(&mut body, "model", Some(&model));
        put(
            &mut body,
            "input",
            Some(json!([{"role": "user", "content": content}])),
        );
        put(&mut body, "store", Some(false));
        let request = service.client.post(&["responses"], Value::Object(body));
        let response = service.ask_json(cx, Work::Vision, &model, request).await?;
        let shape = Shape {
            asked: &model,
            structured: false,
            count: true,
        };
        service.answer(cx, unless_failed(response)?, shape).await
    }
}

/// How an image is named.
enum Image<'a> {
    /// By the id of an uploaded file.
    Id,
    /// Not at all: the text holds it.
    Data,
    /// By an address that OpenAI fetches itself.
    Web,
    /// By what is read here and sent along.
    Source(Source<'a>),
}

impl<'a> Image<'a> {
    fn of(text: &'a str) -> Self {
        if source::is_file_id(text) {
            Self::Id
        } else if text.starts_with("data:") {
            Self::Data
        } else if text.starts_with("https://") {
            Self::Web
        } else {
            Self::Source(Source::named(text))
        }
    }
}

fn check_data(url: &str, faults: &mut Faults) {
    const KINDS: [&str; 4] = ["png", "jpeg", "webp", "gif"];
    let fits = url
        .strip_prefix("data:image/")
        .and_then(|rest| rest.split_once(";base64,"))
        .is_some_and(|(kind, text)| {
            let base64 =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
            KINDS.contains(&kind) && !text.is_empty() && text.bytes().all(base64)
        });
    if !fits {
        faults.add(
            "/image",
            "must be data:image/png;base64,… (or jpeg, webp, gif) as a data URL",
        );
    }
}
