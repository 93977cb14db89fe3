//! What a picture is asked for.

use super::super::answer::{Refusal, Taken};
use super::super::args::{Args, missing, unsupported};
use super::super::models::{self, Job};
use super::super::tokens;

const SIZES: &[&str] = &["auto", "1024x1024", "1536x1024", "1024x1536"];

/// A request that was read.
pub(super) struct Ask {
    pub(super) prompt: String,
    pub(super) count: usize,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) quality: &'static str,
    pub(super) format: &'static str,
    pub(super) transparent: bool,
    pub(super) stream: bool,
    pub(super) partial: usize,
    /// Pictures that were given.
    pub(super) sources: usize,
}

impl Ask {
    pub(super) fn read(args: &Args, sources: usize) -> Taken<Self> {
        args.need("prompt")?;
        let prompt = args.bounded("prompt", 32_000)?.unwrap_or_default();
        if prompt.is_empty() {
            return Err(missing("prompt"));
        }
        // Without a model, one is meant that is gone.
        let model = args.text("model")?.unwrap_or("dall-e-2");
        let model = models::find_for(model, |job| job == Job::Image)?;
        if prompt.contains(super::BLOCKED) {
            let message = "Your request was rejected by the safety system. If you believe this is an error, contact \
                           us at help.openai.com and include the request ID.";
            let blocked = Refusal::new(400, message).code("moderation_blocked");
            return Err(blocked.kind("image_generation_user_error"));
        }
        let count = args.integer("n", 1..=10)?.unwrap_or(1);
        let (width, height) = size(args, model.id)?;
        let quality = match args.one_of("quality", &["low", "medium", "high", "auto"])? {
            Some("low") => "low",
            Some("medium") => "medium",
            _ => "high",
        };
        let format = match args.one_of("output_format", &["png", "jpeg", "webp"])? {
            Some("jpeg") => "jpeg",
            Some("webp") => "webp",
            _ => "png",
        };
        let transparent =
            args.one_of("background", &["transparent", "opaque", "auto"])? == Some("transparent");
        if transparent && format == "jpeg" {
            let message = "Transparent background is not supported for output_format 'jpeg'. Use 'png' or 'webp'.";
            return Err(Refusal::at(
                "background",
                "invalid_value",
                message.to_owned(),
            ));
        }
        let compression = args.integer("output_compression", 0..=100)?;
        if compression.is_some_and(|compression| compression != 100) && format == "png" {
            let message = "Compression less than 100 is not supported for PNG output format.";
            return Err(Refusal::at(
                "output_compression",
                "invalid_png_output_compression",
                message.to_owned(),
            ));
        }
        args.one_of("moderation", &["low", "auto"])?;
        args.text("user")?;
        let partial = args.integer("partial_images", 0..=3)?.unwrap_or(0);
        Ok(Self {
            prompt: prompt.to_owned(),
            count: usize::try_from(count).unwrap_or(1),
            width,
            height,
            quality,
            format,
            transparent,
            stream: args.flag("stream")?.unwrap_or(false),
            partial: usize::try_from(partial).unwrap_or(0),
            sources,
        })
    }

    /// A text costs its tokens, a picture 200.
    pub(super) fn input(&self) -> (usize, usize) {
        (tokens::count(&self.prompt), self.sources * 200)
    }

    /// What one picture costs to make: by its quality, and by its area.
    pub(super) fn output(&self) -> usize {
        let each = match self.quality {
            "low" => 272,
            "medium" => 1_056,
            _ => 4_160,
        };
        each * usize::from(self.width) * usize::from(self.height) / (1_024 * 1_024)
    }
}

/// The sizes of the older models, and those that `gpt-image-2` and later make.
fn size(args: &Args, model: &str) -> Taken<(u16, u16)> {
    let Some(size) = args.text("size")? else {
        return Ok((1_024, 1_024));
    };
    if size == "auto" {
        return Ok((1_024, 1_024));
    }
    let parsed = size
        .split_once('x')
        .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let free = model.starts_with("gpt-image-2");
    let Some((width, height)) = parsed.filter(|_| free || SIZES.contains(&size)) else {
        return Err(unsupported("size", size, SIZES));
    };
    let fits = |width: u16, height: u16| {
        let (long, short) = (width.max(height), width.min(height));
        let whole = width.is_multiple_of(16) && height.is_multiple_of(16);
        let shape = short > 0 && u32::from(long) <= 3 * u32::from(short);
        whole && shape && long <= 3_840 && short <= 2_160
    };
    if fits(width, height) {
        return Ok((width, height));
    }
    let message = format!(
        "Invalid size '{size}'. Width and height must be multiples of 16, their ratio between 1:3 and 3:1, and the \
         picture at most 3840x2160."
    );
    Err(Refusal::at("size", "invalid_value", message))
}
