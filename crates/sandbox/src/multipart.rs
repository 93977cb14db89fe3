//! `multipart/form-data`: forms with files in them.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart as Reader};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, header};

/// One field or file of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The field, `file` or `image[]`.
    pub name: String,
    /// What the file is called; a field has none.
    pub file_name: Option<String>,
    /// The content type, if one was sent.
    pub content_type: Option<String>,
    /// The value.
    pub bytes: Bytes,
}

impl Part {
    /// The value as text; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// A form that was read whole: parts in the order they were sent, repeated names kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Multipart {
    parts: Vec<Part>,
}

/// Why a form could not be read, in the words of the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl Multipart {
    /// Read a body of this content type.
    ///
    /// # Errors
    /// [`Malformed`] for another content type, without a boundary, or for a body that breaks off.
    pub fn parse(content_type: &str, body: Bytes) -> Result<Self, Malformed> {
        let mut request = Request::post("/")
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body))
            .map_err(|error| Malformed(error.to_string()))?;
        // It was let in, so it is not too large.
        DefaultBodyLimit::disable().apply(&mut request);
        // The body is all there, so reading it never waits.
        read(request)
            .now_or_never()
            .unwrap_or_else(|| Err(Malformed("the body did not come whole".to_owned())))
    }

    /// The first part of this name.
    pub fn get(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// Every part, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter()
    }
}

async fn read(request: Request<Body>) -> Result<Multipart, Malformed> {
    let told = |error: &dyn std::fmt::Display| Malformed(error.to_string());
    let mut reader = Reader::from_request(request, &())
        .await
        .map_err(|rejection| Malformed(rejection.body_text()))?;
    let mut parts = Vec::new();
    while let Some(field) = reader
        .next_field()
        .await
        .map_err(|e| told(&e.body_text()))?
    {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|e| told(&e.body_text()))?;
        parts.push(Part {
            name,
            file_name,
            content_type,
            bytes,
        });
    }
    Ok(Multipart { parts })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=XX";

    fn parse(body: &'static [u8]) -> Result<Multipart, Malformed> {
        Multipart::parse(KIND, Bytes::from_static(body))
    }

    #[test]
    fn fields_and_files_are_read_in_order() {
        let form = parse(
            b"--XX\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nvision\r\n\
              --XX\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\n\
              Content-Type: image/png\r\n\r\n\x89PNG\r\n\xff\r\n\
              --XX\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"b.png\"\r\n\r\n\r\n\
              --XX--\r\n",
        )
        .unwrap();
        assert_eq!(form.get("purpose").unwrap().text(), "vision");
        let images: Vec<_> = form.iter().filter(|part| part.name == "image[]").collect();
        assert_eq!(images.len(), 2);
        assert_eq!(images[0].file_name.as_deref(), Some("a.png"));
        assert_eq!(images[0].content_type.as_deref(), Some("image/png"));
        assert_eq!(&images[0].bytes[..], b"\x89PNG\r\n\xff");
        assert!(images[1].bytes.is_empty());
    }

    #[test]
    fn large_files_are_read() {
        let head = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
        let body = [head.as_bytes(), &vec![b'x'; 5 << 20], b"\r\n--XX--\r\n"].concat();
        let form = Multipart::parse(KIND, body.into()).unwrap();
        assert_eq!(form.get("file").unwrap().bytes.len(), 5 << 20);
    }

    #[test]
    fn what_is_no_form_is_malformed() {
        for body in [
            &b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhalf"[..],
            b"x",
        ] {
            assert!(parse(body).is_err());
        }
        for kind in ["application/json", "multipart/form-data", "\n"] {
            assert!(Multipart::parse(kind, Bytes::new()).is_err(), "{kind}");
        }
    }
}
