//! Files and URLs that callers name: what they are, whether they are small enough, and how they are sent.

use base64::Engine as _;
use business_tools_core::egress::transport::Part;
use business_tools_core::files::{LocalFile, media_type};
use business_tools_core::{Cx, Error, Fate, Faults, Result};
use bytes::Bytes;
use url::Url;

use crate::media::{self, Picture};
use crate::service::Service;

/// The largest recording that the API takes.
pub(crate) const MAX_AUDIO: u64 = 25 << 20;
/// The largest image that is edited.
pub(crate) const MAX_IMAGE: u64 = 50 << 20;
/// The largest mask.
pub(crate) const MAX_MASK: u64 = 4 << 20;
/// The largest image that is sent inside a request: its base64 has 20 MB.
pub(crate) const MAX_INLINE: u64 = 15 << 20;
/// The largest file that is uploaded from this machine.
pub(crate) const MAX_UPLOAD: u64 = 512 << 20;
/// The most that a call fetches from URLs: it passes through memory.
pub(crate) const MAX_FETCHED: u64 = 64 << 20;

/// Where the content of an argument is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A file of this machine.
    Path(&'a str),
    /// A web address, or the link of an earlier result.
    Url(&'a str),
}

impl<'a> Source<'a> {
    /// What one text names: an address has a scheme, a path has none.
    pub(crate) fn named(text: &'a str) -> Self {
        if text.contains("://") {
            Self::Url(text)
        } else {
            Self::Path(text)
        }
    }

    /// The one that was given. Arguments that give both or none were refused before.
    pub(crate) fn of(path: Option<&'a str>, url: Option<&'a str>) -> Result<Self> {
        match (path, url) {
            (Some(path), None) => Ok(Self::Path(path)),
            (None, Some(url)) => Ok(Self::Url(url)),
            _ => Err(Error::argument("/path", ONE)),
        }
    }
}

const ONE: &str = "give exactly one of `path` and `url`";
const NO_URL: &str = "must be an http or https URL, or the `uri` of an earlier result";

/// Tells when not exactly one of `path` and `url` was given, or the URL is none.
pub(crate) fn check_one(path: Option<&str>, url: Option<&str>, faults: &mut Faults) {
    if path.is_some() == url.is_some() {
        faults.add("/path", ONE);
    }
    if let Some(url) = url {
        check_url("/url", url, faults);
    }
}

/// Tells when nothing can be behind a URL.
pub(crate) fn check_url(at: &str, url: &str, faults: &mut Faults) {
    if parse(url).is_none() {
        faults.add(at, NO_URL);
    }
}

fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    (web || is_link(&url)).then_some(url)
}

/// Whether a URL is of a form that results of tools have.
fn is_link(url: &Url) -> bool {
    matches!(url.scheme(), "bt" | "file")
}

/// What was behind a URL.
struct Got {
    name: String,
    media_type: Option<String>,
    bytes: Bytes,
}

impl Service {
    /// Gets what is behind a URL: from the web, or what an earlier call of this tenant made.
    async fn get(&self, cx: &Cx, pointer: &str, text: &str, max: u64) -> Result<Got> {
        let url = parse(text).ok_or_else(|| Error::argument(pointer, NO_URL))?;
        let got = if is_link(&url) {
            let kept = self.artifacts.get(text, cx.principal()).await;
            let kept = kept.ok_or_else(|| {
                Error::argument(
                    pointer,
                    "is not the link of a result, or its content is forgotten",
                )
                .fate(Fate::NotSent)
                .hint("Give a URL or a path, or make the content again")
            })?;
            if kept.bytes.len() as u64 > max {
                let what = format!("holds more than the {} MB that are the most", max >> 20);
                return Err(Error::argument(pointer, what).fate(Fate::NotSent));
            }
            Got {
                name: kept.name,
                media_type: Some(kept.media_type),
                bytes: kept.bytes,
            }
        } else {
            let fetched = self.fetcher.get(cx, pointer, &url, max).await?;
            Got {
                name: fetched.name.unwrap_or_else(|| "file".to_owned()),
                media_type: fetched.media_type,
                bytes: fetched.bytes,
            }
        };
        if got.bytes.is_empty() && !cx.is_dry_run() {
            return Err(Error::argument(pointer, "leads to nothing").fate(Fate::NotSent));
        }
        Ok(got)
    }

    /// A file of this machine. An empty one is a mistake, and one that costs nothing here.
    async fn open(&self, pointer: &str, path: &str, max: u64) -> Result<LocalFile> {
        let file = self.files.open(pointer, path, max).await?;
        if file.len == 0 {
            return Err(Error::argument(pointer, "is an empty file").fate(Fate::NotSent));
        }
        Ok(file)
    }

    /// A recording as a part of a form. A local one is read while it is sent.
    pub(crate) async fn audio(&self, cx: &Cx, source: Source<'_>) -> Result<Part> {
        let refused = |pointer: &str| {
            let formats = media::AUDIO.join(", ");
            Error::argument(
                pointer,
                format!("is not a recording in one of the formats {formats}"),
            )
            .fate(Fate::NotSent)
            .hint("Convert it, and let its name end in the format, such as call.mp3")
        };
        match source {
            Source::Path(path) => {
                let mut file = self.open("/path", path, MAX_AUDIO).await?;
                let kind = media::audio(&file.name, None, b"").ok_or_else(|| refused("/path"))?;
                file.media_type = media_type(&format!("x.{kind}"));
                Ok(Part::file("file", file))
            }
            Source::Url(url) => {
                let got = self.get(cx, "/url", url, MAX_AUDIO).await?;
                let kind = media::audio(&got.name, got.media_type.as_deref(), &got.bytes);
                // In a dry run nothing was fetched that could tell.
                let kind = kind.or(cx.is_dry_run().then_some("mp3"));
                let name = named(&got.name, kind.ok_or_else(|| refused("/url"))?);
                Ok(Part::bytes("file", &name, media_type(&name), got.bytes))
            }
        }
    }

    /// Any file as a part of a form.
    pub(crate) async fn file(&self, cx: &Cx, source: Source<'_>) -> Result<Part> {
        match source {
            Source::Path(path) => {
                let file = self.open("/path", path, MAX_UPLOAD).await?;
                Ok(Part::file("file", file))
            }
            Source::Url(url) => {
                let got = self.get(cx, "/url", url, MAX_FETCHED).await?;
                Ok(Part::bytes(
                    "file",
                    &got.name,
                    media_type(&got.name),
                    got.bytes,
                ))
            }
        }
    }

    /// An image as a part of a form, and how many bytes of memory it takes. A local one takes none: it is read
    /// while it is sent.
    pub(crate) async fn image(
        &self,
        cx: &Cx,
        (pointer, field): (&str, &str),
        source: Source<'_>,
        max: u64,
    ) -> Result<(Part, u64)> {
        match source {
            Source::Path(path) => {
                let file = self.open(pointer, path, max).await?;
                let kind = media::extension(&file.name);
                match kind.as_deref() {
                    Some("png" | "jpg" | "jpeg" | "webp") => Ok((Part::file(field, file), 0)),
                    _ => Err(not_an_image(pointer, EDITED)),
                }
            }
            Source::Url(url) => {
                let got = self.get(cx, pointer, url, max).await?;
                let picture = match Picture::of(&got.bytes) {
                    None if cx.is_dry_run() => Picture::Png,
                    Some(picture @ (Picture::Png | Picture::Jpeg | Picture::Webp)) => picture,
                    _ => return Err(not_an_image(pointer, EDITED)),
                };
                let name = named(&got.name, picture.extension());
                let size = got.bytes.len() as u64;
                let media_type = media_type(&name);
                Ok((Part::bytes(field, name, media_type, got.bytes), size))
            }
        }
    }

    /// An image as a data URL.
    pub(crate) async fn data_url(
        &self,
        cx: &Cx,
        pointer: &str,
        source: Source<'_>,
    ) -> Result<String> {
        let bytes = match source {
            Source::Path(path) => self.open(pointer, path, MAX_INLINE).await?.read().await?,
            Source::Url(url) => self.get(cx, pointer, url, MAX_INLINE).await?.bytes,
        };
        let picture = match Picture::of(&bytes) {
            None if cx.is_dry_run() && bytes.is_empty() => Picture::Png,
            Some(picture) => picture,
            None => return Err(not_an_image(pointer, "png, jpeg, webp or gif")),
        };
        let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let url = format!("data:{};base64,{text}", picture.media_type());
        Ok(if cx.is_dry_run() { shown(&url) } else { url })
    }
}

/// A data URL for whoever only wants to see the request, and not all of that.
pub(crate) fn shown(url: &str) -> String {
    let (head, data) = url.split_once(',').unwrap_or((url, ""));
    format!("{head},…{} characters…", data.len())
}

/// Whether a text is the id of an uploaded file.
pub(crate) fn is_file_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.starts_with("file-") && text.bytes().all(plain)
}

const EDITED: &str = "png, jpeg or webp";

fn not_an_image(pointer: &str, formats: &str) -> Error {
    Error::argument(pointer, format!("is not an image in the format {formats}"))
        .fate(Fate::NotSent)
        .hint("Convert it to png, and let its name end in .png")
}

/// A file name that ends in what the file is.
fn named(name: &str, kind: &str) -> String {
    let own = |extension: &str| media_type(&format!("x.{extension}"));
    match media::extension(name) {
        Some(extension) if extension == kind || own(&extension) == own(kind) => name.to_owned(),
        _ => format!("{name}.{kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_in_what_the_file_is() {
        for (name, kind, want) in [
            ("call.mp3", "mp3", "call.mp3"),
            ("photo.jpeg", "jpg", "photo.jpeg"),
            ("photo.png", "jpg", "photo.png.jpg"),
            ("download", "wav", "download.wav"),
            ("get.php", "ogg", "get.php.ogg"),
        ] {
            assert_eq!(named(name, kind), want);
        }
    }
}
