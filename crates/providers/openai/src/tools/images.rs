//! Making and editing images.

use base64::Engine as _;
use business_tools_core::artifact::ResourceLink;
use business_tools_core::egress::transport::{Body, Part};
use business_tools_core::http::Method;
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{COSTS, MODEL, WRITE, put};
use crate::OpenAi;
use crate::client::{Resource, bad_answer};
use crate::media::Picture;
use crate::models::Work;
use crate::price::Usage;
use crate::source::{self, MAX_FETCHED, MAX_IMAGE, MAX_MASK, Source};

const QUALITY: &str = "^(low|medium|high|auto)$";
const BACKGROUND: &str = "^(transparent|opaque|auto)$";
const FORMAT: &str = "^(png|jpeg|webp)$";
const MODERATION: &str = "^(low|auto)$";

/// How much work goes into an image.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Quality {
    Low,
    Medium,
    High,
    Auto,
}

/// What is behind what an image shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Background {
    Transparent,
    Opaque,
    Auto,
}

/// A file format of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Format {
    Png,
    Jpeg,
    Webp,
}

/// How strictly prompts are judged.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Strictness {
    Low,
    Auto,
}

/// Generate images, as links. Paid.
///
/// # Errors
/// `INVALID_REQUEST` with `upstream_code` `moderation_blocked` when the safety system refuses the prompt.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/images/create> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateImage {
    /// Prompt.
    #[schemars(length(min = 1, max = 32000))]
    prompt: String,
    /// Default 1.
    #[schemars(range(min = 1, max = 10))]
    n: Option<u32>,
    /// WxH.
    #[schemars(regex(pattern = SIZE))]
    size: Option<String>,
    /// low, medium, high.
    #[schemars(with = "Option<String>", regex(pattern = QUALITY))]
    quality: Option<Quality>,
    /// opaque, transparent.
    #[schemars(with = "Option<String>", regex(pattern = BACKGROUND))]
    background: Option<Background>,
    /// png, webp…
    #[schemars(with = "Option<String>", regex(pattern = FORMAT))]
    output_format: Option<Format>,
    /// 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    output_compression: Option<u32>,
    /// low, auto.
    #[schemars(with = "Option<String>", regex(pattern = MODERATION))]
    moderation: Option<Strictness>,
    /// Model.
    #[schemars(regex(pattern = MODEL))]
    model: Option<String>,
}

/// `auto`, or width and height.
const SIZE: &str = "^(auto|[1-9][0-9]{1,3}x[1-9][0-9]{1,3})$";

/// Where the images are.
#[derive(Debug, Serialize)]
pub struct Images {
    #[serde(rename = "images")]
    links: Vec<ResourceLink>,
    /// The prompts as the model read them, where it changed them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revised_prompts: Vec<String>,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

impl Tool for GenerateImage {
    type Provider = OpenAi;
    type Output = Images;
    const SPEC: Spec = Spec::write("openai_generate_image")
        .repeatable()
        .scopes(WRITE)
        .untrusted(&["revised_prompts"])
        .find_out(COSTS);

    fn check(&self, faults: &mut Faults) {
        check_size(self.size.as_deref(), faults);
        check_format(self.background, self.output_format, faults);
        let lossy = matches!(self.output_format, Some(Format::Jpeg | Format::Webp));
        if self.output_compression.is_some() && !lossy {
            faults.add("/output_compression", "needs `output_format` jpeg or webp");
        }
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Images> {
        let service = &openai.service;
        let model = service.model(self.model, Work::Image);
        let mut body = Map::new();
        // Always sent: the API's own default is a model that is gone.
        put(&mut body, "model", Some(&model));
        put(&mut body, "prompt", Some(self.prompt));
        put(&mut body, "n", self.n);
        put(&mut body, "size", self.size);
        put(&mut body, "quality", self.quality);
        put(&mut body, "background", self.background);
        put(&mut body, "output_format", self.output_format);
        put(&mut body, "output_compression", self.output_compression);
        put(&mut body, "moderation", self.moderation);
        let request = service
            .client
            .post(&["images", "generations"], Value::Object(body));
        let made = service.ask_json(cx, Work::Image, &model, request).await?;
        kept(openai, cx, made, model).await
    }
}

/// Edit or combine images, as links. Paid.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/images/createEdit> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditImage {
    /// Prompt.
    #[schemars(length(min = 1, max = 32000))]
    prompt: String,
    /// Paths, URLs or file ids.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 4096)))]
    images: Vec<String>,
    /// Png, transparent where to edit.
    #[schemars(length(min = 1, max = 4096))]
    mask: Option<String>,
    /// WxH.
    #[schemars(regex(pattern = SIZE))]
    size: Option<String>,
    /// low, medium, high.
    #[schemars(with = "Option<String>", regex(pattern = QUALITY))]
    quality: Option<Quality>,
    /// opaque, transparent.
    #[schemars(with = "Option<String>", regex(pattern = BACKGROUND))]
    background: Option<Background>,
    /// png, webp…
    #[schemars(with = "Option<String>", regex(pattern = FORMAT))]
    output_format: Option<Format>,
    /// Default 1.
    #[schemars(range(min = 1, max = 10))]
    n: Option<u32>,
    /// Model.
    #[schemars(regex(pattern = MODEL))]
    model: Option<String>,
}

impl Tool for EditImage {
    type Provider = OpenAi;
    type Output = Images;
    const SPEC: Spec = Spec::write("openai_edit_image")
        .repeatable()
        .scopes(WRITE)
        .untrusted(&["revised_prompts"])
        .find_out(COSTS);

    fn check(&self, faults: &mut Faults) {
        let ids = self
            .images
            .iter()
            .filter(|image| source::is_file_id(image))
            .count();
        if ids > 0 && ids < self.images.len() {
            faults.add("/images", "must all be file ids, or none of them");
        }
        let mask = self.mask.as_ref();
        if mask.is_some_and(|mask| source::is_file_id(mask) != (ids > 0)) {
            faults.add(
                "/mask",
                "must be a file id if `images` are, and none if they are not",
            );
        }
        for (n, image) in self.images.iter().enumerate() {
            if let Source::Url(url) = Source::named(image) {
                source::check_url(&format!("/images/{n}"), url, faults);
            }
        }
        check_size(self.size.as_deref(), faults);
        check_format(self.background, self.output_format, faults);
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Images> {
        let service = &openai.service;
        let model = service.model(self.model.clone(), Work::Image);
        let mut fields = Map::new();
        put(&mut fields, "model", Some(&model));
        put(&mut fields, "prompt", Some(&self.prompt));
        put(&mut fields, "size", self.size.as_ref());
        put(&mut fields, "quality", self.quality);
        put(&mut fields, "background", self.background);
        put(&mut fields, "output_format", self.output_format);
        put(&mut fields, "n", self.n);
        let body = if self.images.iter().all(|image| source::is_file_id(image)) {
            let by_id = |id: &String| json!({ "file_id": id });
            let images: Vec<Value> = self.images.iter().map(by_id).collect();
            put(&mut fields, "images", Some(images));
            put(&mut fields, "mask", self.mask.as_ref().map(by_id));
            Body::Json(Value::Object(fields))
        } else {
            Body::Multipart(self.parts(openai, cx, fields).await?)
        };
        let request = service.client.request(Method::POST, &["images", "edits"]);
        let made = service
            .ask_json(cx, Work::Image, &model, request.body(body))
            .await?;
        kept(openai, cx, made, model).await
    }
}

impl EditImage {
    /// The form: fields first, then the images, then the mask.
    async fn parts(
        &self,
        openai: &OpenAi,
        cx: &Cx,
        fields: Map<String, Value>,
    ) -> Result<Vec<Part>> {
        let mut parts: Vec<Part> = fields
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(text) => Part::text(name, text),
                number => Part::text(name, number.to_string()),
            })
            .collect();
        let images = self.images.iter().enumerate();
        let images = images.map(|(n, image)| (format!("/images/{n}"), "image[]", image, MAX_IMAGE));
        let mask = self.mask.iter();
        let mask = mask.map(|mask| ("/mask".to_owned(), "mask", mask, MAX_MASK));
        let mut room = MAX_FETCHED;
        for (pointer, field, named, max) in images.chain(mask) {
            let source = Source::named(named);
            let max = match source {
                Source::Path(_) => max,
                Source::Url(_) => room.min(max),
            };
            let at = (pointer.as_str(), field);
            let (part, taken) = openai.service.image(cx, at, source, max).await?;
            room = room.saturating_sub(taken);
            parts.push(part);
        }
        Ok(parts)
    }
}

/// Keeps every image of an answer.
async fn kept(openai: &OpenAi, cx: &Cx, mut made: Resource, model: String) -> Result<Images> {
    let service = &openai.service;
    let data = match made.remove("data") {
        Some(Value::Array(data)) if !data.is_empty() => data,
        _ => return Err(bad_answer("OpenAI sent an answer without an image")),
    };
    let count = u64::try_from(data.len()).unwrap_or(u64::MAX);
    let (mut links, mut revised_prompts) = (Vec::new(), Vec::new());
    for (n, image) in data.into_iter().enumerate() {
        let bytes = image["b64_json"]
            .as_str()
            .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        let Some(bytes) = bytes else {
            return Err(bad_answer("OpenAI sent an image that is no base64"));
        };
        let picture = Picture::of(&bytes).unwrap_or(Picture::Png);
        let name = format!("image-{}.{}", n + 1, picture.extension());
        links.push(
            service
                .keep(cx, &name, picture.media_type(), bytes.into())
                .await?,
        );
        if let Some(prompt) = image["revised_prompt"].as_str() {
            revised_prompts.push(prompt.to_owned());
        }
    }
    let usage = Usage {
        images: count,
        ..made.get("usage").map(Usage::read).unwrap_or_default()
    };
    Ok(Images {
        links,
        revised_prompts,
        size: made.remove("size"),
        quality: made.remove("quality"),
        usage: service.pay(cx, &model, None, &usage),
        model,
    })
}

/// What every size must be; what a model takes of those, it says itself.
fn check_size(size: Option<&str>, faults: &mut Faults) {
    let Some((width, height)) = size.and_then(|size| size.split_once('x')) else {
        return;
    };
    let (Ok(width), Ok(height)) = (width.parse::<u32>(), height.parse::<u32>()) else {
        return;
    };
    let (long, short) = (width.max(height), width.min(height));
    if width % 16 != 0 || height % 16 != 0 {
        faults.add("/size", "must be multiples of 16, such as 1536x1024");
    } else if long > 3 * short {
        faults.add(
            "/size",
            "must not be longer than three times its other side",
        );
    } else if long > 3840 || short > 2160 {
        faults.add("/size", "must be 3840x2160 at most");
    }
}

fn check_format(background: Option<Background>, format: Option<Format>, faults: &mut Faults) {
    if background == Some(Background::Transparent) && format == Some(Format::Jpeg) {
        faults.add(
            "/background",
            "transparent needs `output_format` png or webp",
        );
    }
}
