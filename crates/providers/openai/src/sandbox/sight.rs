//! What a model sees of a picture: how it is coded and how large it is, or where it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use business_tools_sandbox::picture;

use super::Account;
use super::answer::{Refusal, Taken};

/// A sentence about the picture at a URL: data is looked at, an address is named.
pub(super) fn url(at: &str, url: &str) -> Taken<String> {
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(format!("The picture is at {url}."));
    }
    data(at, url).and_then(|bytes| known(at, &bytes))
}

/// The bytes of a data URL.
pub(super) fn data(at: &str, url: &str) -> Taken<Vec<u8>> {
    let Some((kind, text)) = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(','))
    else {
        let message = format!(
            "Invalid '{at}'. Expected a valid URL, but got a value with an invalid format."
        );
        return Err(Refusal::at(at, "invalid_value", message));
    };
    let bytes = kind.ends_with(";base64").then(|| STANDARD.decode(text));
    if let Some(Ok(bytes)) = bytes {
        return Ok(bytes);
    }
    let message = format!(
        "Invalid '{at}'. Expected a base64-encoded data URL (e.g. \
         'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got an invalid base64-encoded value."
    );
    Err(Refusal::at(at, "invalid_base64", message))
}

/// A sentence about the picture in a file.
pub(super) fn file(at: &str, account: &Account, id: &str) -> Taken<String> {
    let file = account.file(id).map_err(|refusal| refusal.param(at))?;
    let sentence = known(at, &file.bytes)?;
    Ok(format!("{sentence} Its name is {}.", file.name))
}

/// A sentence about a picture's bytes.
fn known(at: &str, bytes: &[u8]) -> Taken<String> {
    let Some(picture) = picture::read(bytes) else {
        let message = "You uploaded an unsupported image. Please make sure your image is valid and has of one the \
                       following formats: ['png', 'jpeg', 'gif', 'webp']."
            .to_owned();
        return Err(Refusal::at(at, "invalid_image_format", message));
    };
    Ok(format!(
        "The picture is a {} of {} x {} pixels.",
        picture.format.as_str().to_ascii_uppercase(),
        picture.width,
        picture.height
    ))
}
