//! A request: address, headers, credentials and body, and how a person reads it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use tokio_util::io::ReaderStream;
use url::Url;

use crate::cx::Cx;
use crate::egress::{Label, Request};
use crate::error::{Error, Fate, Kind, Result};
use crate::files::LocalFile;
use crate::secret::Secret;
use crate::token::TokenSource;
use crate::trace::TraceContext;

/// The body of a request.
#[derive(Clone, Debug)]
pub enum Body {
    /// None.
    Empty,
    /// `application/x-www-form-urlencoded`; a repeated key is an array.
    Form(Vec<(String, String)>),
    /// `application/json`.
    Json(Value),
    /// Bytes of any type.
    Bytes(Bytes, HeaderValue),
    /// `multipart/form-data`. Files are read while they are sent, and anew for each attempt.
    Multipart(Vec<Part>),
}

/// One part of a form with files.
#[derive(Clone, Debug)]
pub struct Part {
    name: String,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Text(String),
    Bytes {
        file_name: String,
        media_type: HeaderValue,
        bytes: Bytes,
    },
    File(LocalFile),
}

impl Part {
    /// A field.
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            content: Content::Text(value.into()),
        }
    }

    /// A file whose bytes are at hand.
    pub fn bytes(
        name: impl Into<String>,
        file_name: impl Into<String>,
        media_type: HeaderValue,
        bytes: Bytes,
    ) -> Self {
        Self {
            name: name.into(),
            content: Content::Bytes {
                file_name: file_name.into(),
                media_type,
                bytes,
            },
        }
    }

    /// A file on this machine.
    pub fn file(name: impl Into<String>, file: LocalFile) -> Self {
        Self {
            name: name.into(),
            content: Content::File(file),
        }
    }

    async fn build(&self) -> Result<reqwest::multipart::Part> {
        let (part, media_type) = match &self.content {
            Content::Text(text) => return Ok(reqwest::multipart::Part::text(text.clone())),
            Content::Bytes {
                file_name,
                media_type,
                bytes,
            } => {
                let part =
                    reqwest::multipart::Part::stream_with_length(bytes.clone(), bytes.len() as u64);
                (part.file_name(file_name.clone()), media_type)
            }
            Content::File(file) => {
                let opened = file.open().await?;
                let body =
                    reqwest::Body::wrap_stream(ReaderStream::with_capacity(opened, 64 << 10));
                let part = reqwest::multipart::Part::stream_with_length(body, file.len);
                (part.file_name(file.name.clone()), &file.media_type)
            }
        };
        let media_type = media_type.to_str().unwrap_or("application/octet-stream");
        part.mime_str(media_type).map_err(Error::internal)
    }

    fn preview(&self) -> Value {
        match &self.content {
            Content::Text(text) => json!({"name": self.name, "text": text}),
            Content::Bytes {
                file_name,
                media_type,
                bytes,
            } => json!({
                "name": self.name,
                "file_name": file_name,
                "media_type": String::from_utf8_lossy(media_type.as_bytes()),
                "bytes": bytes.len(),
            }),
            Content::File(file) => json!({
                "name": self.name,
                "file_name": file.name,
                "media_type": String::from_utf8_lossy(file.media_type.as_bytes()),
                "bytes": file.len,
            }),
        }
    }
}

/// The bearer token of one request and its attempts.
#[derive(Clone)]
struct Bearer {
    source: Arc<dyn TokenSource>,
    /// Whether a fresh token was asked for already: one refusal may be an old token, two are an answer.
    renewed: Arc<AtomicBool>,
}

/// A request to a provider.
#[derive(Clone)]
pub struct HttpRequest {
    method: Method,
    url: Url,
    headers: HeaderMap,
    credentials: Vec<(HeaderName, Secret)>,
    bearer: Option<Bearer>,
    body: Body,
}

impl HttpRequest {
    /// A request without body or credentials.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            credentials: Vec::new(),
            bearer: None,
            body: Body::Empty,
        }
    }

    /// Adds query parameters.
    pub fn query<K: AsRef<str>, V: AsRef<str>>(
        mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        for (key, value) in pairs {
            self.url
                .query_pairs_mut()
                .append_pair(key.as_ref(), value.as_ref());
        }
        self
    }

    /// Adds a header that is no secret.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Adds a header that is a secret: it never shows in a preview or in `Debug`.
    pub fn credential(mut self, name: HeaderName, value: Secret) -> Self {
        self.credentials.push((name, value));
        self
    }

    /// Authenticates with a bearer token, asked for before each attempt.
    pub fn bearer(mut self, source: &Arc<dyn TokenSource>) -> Self {
        self.bearer = Some(Bearer {
            source: Arc::clone(source),
            renewed: Arc::default(),
        });
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Where it goes.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The token of the next attempt.
    pub(super) async fn token(&self, provider: &'static str, cx: &Cx) -> Result<Option<Secret>> {
        match &self.bearer {
            Some(bearer) => bearer.source.token(provider, cx).await.map(Some),
            None => Ok(None),
        }
    }

    /// Whether another attempt would carry another token than the one that was refused.
    pub(super) async fn has_another(
        &self,
        provider: &'static str,
        cx: &Cx,
        refused: &Secret,
    ) -> bool {
        match &self.bearer {
            Some(bearer) if !bearer.renewed.swap(true, Ordering::Relaxed) => {
                bearer.source.refused(provider, cx, refused).await
            }
            _ => false,
        }
    }

    pub(super) async fn build(
        &self,
        client: &reqwest::Client,
        token: Option<&Secret>,
        trace: Option<&TraceContext>,
    ) -> Result<reqwest::RequestBuilder> {
        let mut request = client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone());
        for (name, secret) in &self.credentials {
            request = request.header(name, sensitive(secret.expose())?);
        }
        if let Some(token) = token {
            let value = Secret::new(format!("Bearer {}", token.expose()));
            request = request.header(AUTHORIZATION, sensitive(value.expose())?);
        }
        if let Some(trace) = trace {
            request = request.header("traceparent", trace.traceparent());
            if let Some(state) = trace.tracestate() {
                request = request.header("tracestate", state);
            }
        }
        Ok(match &self.body {
            Body::Empty => request,
            Body::Form(pairs) => request.form(pairs),
            Body::Json(value) => request.json(value),
            Body::Bytes(bytes, kind) => request
                .header(http::header::CONTENT_TYPE, kind)
                .body(bytes.clone()),
            Body::Multipart(parts) => {
                let mut form = reqwest::multipart::Form::new();
                for part in parts {
                    form = form.part(part.name.clone(), part.build().await?);
                }
                request.multipart(form)
            }
        })
    }
}

/// A path without what it names: of its segments only plain words and versions are kept.
fn route(path: &str) -> String {
    let mut route = String::with_capacity(path.len());
    for segment in path.split('/').skip(1) {
        route.push('/');
        let plain = segment.len() <= 32
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b'.'));
        let version = segment
            .strip_prefix('v')
            .is_some_and(|n| n.len() <= 2 && n.bytes().all(|b| b.is_ascii_digit()));
        let dated = matches!(segment.len(), 7 | 10)
            && segment.starts_with("20")
            && segment.bytes().enumerate().all(|(at, b)| match at {
                4 | 7 => b == b'-',
                _ => b.is_ascii_digit(),
            });
        route.push_str(if plain || version || dated {
            segment
        } else {
            "{}"
        });
    }
    route
}

/// A header that HTTP libraries keep out of their logs and tables.
fn sensitive(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new(
            Kind::NotConfigured,
            "A credential holds characters that no header can carry",
        )
        .fate(Fate::NotSent)
        .hint("Check the credential for line breaks and stray characters")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("path", &self.url.path())
            .finish_non_exhaustive()
    }
}

impl Request for HttpRequest {
    fn label(&self) -> Label {
        Label {
            method: Cow::Owned(self.method.as_str().to_owned()),
            route: route(self.url.path()),
        }
    }

    fn preview(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            headers.insert(
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into(),
            );
        }
        for (name, _) in &self.credentials {
            headers.insert(name.to_string(), "***".into());
        }
        if self.bearer.is_some() {
            headers.insert(AUTHORIZATION.to_string(), "***".into());
        }
        let mut preview =
            json!({"method": self.method.as_str(), "url": self.url.as_str(), "headers": headers});
        let body = match &self.body {
            Body::Empty => None,
            Body::Form(pairs) => {
                let mut form = Map::<String, Value>::new();
                for (key, value) in pairs {
                    match form.get_mut(key) {
                        Some(Value::Array(values)) => values.push(value.as_str().into()),
                        Some(first) => *first = json!([first.clone(), value]),
                        None => {
                            form.insert(key.clone(), value.as_str().into());
                        }
                    }
                }
                Some(("form", Value::Object(form)))
            }
            Body::Json(value) => Some(("json", value.clone())),
            Body::Bytes(bytes, _) => Some(("bytes", bytes.len().into())),
            Body::Multipart(parts) => {
                Some(("multipart", parts.iter().map(Part::preview).collect()))
            }
        };
        if let (Some((name, body)), Some(preview)) = (body, preview.as_object_mut()) {
            preview.insert(name.to_owned(), body);
        }
        preview
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_names_neither_ids_nor_people() {
        for (path, want) in [
            ("/", "/"),
            (
                "/2010-04-01/Accounts/AC0123456789abcdef/Messages.json",
                "/2010-04-01/Accounts/{}/Messages.json",
            ),
            (
                "/crm/v3/objects/contacts/ada@example.com",
                "/crm/v3/objects/contacts/{}",
            ),
            ("/crm/2026-03/lists/12", "/crm/2026-03/lists/{}"),
            ("/v1/files/file-abc123/content", "/v1/files/{}/content"),
            ("/v2/PhoneNumbers/+14155550100", "/v2/PhoneNumbers/{}"),
            ("/a/Ada%20Lovelace", "/a/{}"),
            ("/hooks/aVeryLongWordThatCouldWellBeSomeSecret", "/hooks/{}"),
        ] {
            assert_eq!(route(path), want);
        }
    }
}
