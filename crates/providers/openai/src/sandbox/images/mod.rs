//! `/images`: a picture of one colour, which the prompt decides, in the size that was asked for.

mod ask;
mod show;

use std::sync::Arc;

use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::State;
use business_tools_sandbox::axum::http::HeaderMap;
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::picture;
use serde_json::Value;

use super::answer::{Refusal, Taken};
use super::args::{Args, Json, missing, wrong_type};
use super::{Account, Caller, World, sight};
use ask::Ask;

/// What a prompt must not have.
pub(super) const BLOCKED: &str = "sandbox:blocked";

/// The most pictures to edit at once.
const SOURCES: usize = 16;

const GENERATE: &[&str] = &[
    "background",
    "model",
    "moderation",
    "n",
    "output_compression",
    "output_format",
    "partial_images",
    "prompt",
    "quality",
    "size",
    "stream",
    "user",
];
const EDIT_FORM: &[&str] = &["image", "mask", "input_fidelity"];
const EDIT_JSON: &[&str] = &["images", "mask", "input_fidelity"];

/// Of models that are gone.
const RETIRED: &[&str] = &["response_format", "style"];

pub(super) async fn generate(
    State(_): State<Arc<World>>,
    _: Caller,
    Json(args): Json,
) -> Taken<Response> {
    args.only(GENERATE, RETIRED)?;
    let ask = Ask::read(&args, 0)?;
    Ok(show::answer(&ask, "image_generation"))
}

pub(super) async fn edit(
    State(world): State<Arc<World>>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Taken<Response> {
    let kind = headers
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    let as_form = kind.is_some_and(|kind| kind.starts_with("multipart/form-data"));
    let (args, sources) = if as_form {
        let args = Args::form(&headers, body)?;
        args.only(&[GENERATE, EDIT_FORM].concat(), RETIRED)?;
        let sources = uploads(&args)?;
        (args, sources)
    } else {
        let args = Args::json(&body)?;
        args.only(&[GENERATE, EDIT_JSON].concat(), RETIRED)?;
        let sources = world
            .accounts
            .with(&caller.account, |account| references(&args, account))?;
        (args, sources)
    };
    if sources > SOURCES {
        let message = format!(
            "Invalid 'image': array too long. Expected an array with maximum length {SOURCES}, but got an array with \
             length {sources} instead."
        );
        return Err(Refusal::at("image", "array_above_max_length", message));
    }
    args.one_of("input_fidelity", &["high", "low"])?;
    let ask = Ask::read(&args, sources)?;
    Ok(show::answer(&ask, "image_edit"))
}

/// The pictures of a form, each looked at.
fn uploads(args: &Args) -> Taken<usize> {
    let images = args.files("image");
    if images.is_empty() {
        return Err(missing("image"));
    }
    for (name, part) in images
        .iter()
        .map(|part| ("image", part))
        .chain(args.files("mask").iter().map(|part| ("mask", part)))
    {
        let known = picture::read(&part.bytes).map(|picture| picture.format);
        if !matches!(
            known,
            Some(picture::Format::Png | picture::Format::Jpeg | picture::Format::Webp)
        ) {
            let message = format!(
                "Invalid file '{name}': unsupported mimetype ('application/octet-stream'). Supported file formats are \
                 'image/jpeg', 'image/png', and 'image/webp'."
            );
            return Err(Refusal::at(name, "unsupported_file_mimetype", message));
        }
    }
    Ok(images.len())
}

/// The pictures that a JSON body refers to, each looked at.
fn references(args: &Args, account: &Account) -> Taken<usize> {
    args.need("images")?;
    let images = args.list("images")?.unwrap_or_default();
    if images.is_empty() {
        return Err(missing("images"));
    }
    let mask = args.value("mask").map(|mask| ("mask".to_owned(), mask));
    let all = images
        .iter()
        .enumerate()
        .map(|(at, image)| (format!("images[{at}]"), *image))
        .chain(mask);
    for (at, image) in all {
        let text = |name: &str| image.get(name).and_then(Value::as_str);
        if !image.is_object() {
            return Err(wrong_type(&at, "an object", image));
        }
        match (text("image_url"), text("file_id")) {
            (Some(url), None) => sight::url(&format!("{at}.image_url"), url)?,
            (None, Some(id)) => sight::file(&format!("{at}.file_id"), account, id)?,
            _ => {
                let message = format!(
                    "Invalid '{at}': exactly one of 'image_url' and 'file_id' is required."
                );
                return Err(Refusal::at(at, "invalid_value", message));
            }
        };
    }
    Ok(images.len())
}
