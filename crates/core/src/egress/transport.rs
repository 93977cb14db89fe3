//! HTTP: the only file that knows reqwest.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tower::Service;
use url::Url;

use crate::cx::Cx;
use crate::egress::{Attempt, Egress, Pace, Request, Response, Upstream};
use crate::error::{Error, Fate, Kind, Result, Status};
use crate::secret::Secret;
use crate::tool::Repeat;

/// The shared connection pool. The TLS set-up is made at the first request, not at start.
#[derive(Clone, Default)]
pub struct HttpPool(Arc<OnceLock<Result<reqwest::Client, String>>>);

impl HttpPool {
    fn client(&self) -> Result<reqwest::Client> {
        self.0
            .get_or_init(|| {
                reqwest::Client::builder()
                    .user_agent(concat!("business-tools/", env!("CARGO_PKG_VERSION")))
                    .connect_timeout(Duration::from_secs(10))
                    .pool_idle_timeout(Duration::from_mins(1))
                    // A redirect would carry credentials and bodies to a host nobody configured.
                    .redirect(reqwest::redirect::Policy::none())
                    .retry(reqwest::retry::never())
                    .build()
                    .map_err(|error| error.to_string())
            })
            .clone()
            .map_err(Error::internal)
    }
}

/// No answer makes anybody wait longer.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

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
}

/// A request to a provider.
#[derive(Clone)]
pub struct HttpRequest {
    method: Method,
    url: Url,
    headers: HeaderMap,
    credentials: Vec<(HeaderName, Secret)>,
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

    /// Sets the body.
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    fn build(
        &self,
        client: &reqwest::Client,
        traceparent: Option<&str>,
    ) -> Result<reqwest::RequestBuilder> {
        let mut request = client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone());
        for (name, secret) in &self.credentials {
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| {
                Error::new(
                    Kind::NotConfigured,
                    "A credential holds characters that no header can carry",
                )
                .hint("Check the credential for line breaks and stray characters")
            })?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        if let Some(trace) = traceparent {
            request = request.header("traceparent", trace);
        }
        Ok(match &self.body {
            Body::Empty => request,
            Body::Form(pairs) => request.form(pairs),
            Body::Json(value) => request.json(value),
            Body::Bytes(bytes, kind) => request
                .header(http::header::CONTENT_TYPE, kind)
                .body(bytes.clone()),
        })
    }
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
        };
        if let (Some((name, body)), Some(preview)) = (body, preview.as_object_mut()) {
            preview.insert(name.to_owned(), body);
        }
        preview
    }
}

/// An answer of a provider, read whole and bounded.
#[derive(Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`Policy::max_answer`](crate::Policy::max_answer) bytes.
    pub body: Bytes,
}

impl HttpResponse {
    /// The body as JSON of a type.
    ///
    /// # Errors
    /// `BAD_UPSTREAM_RESPONSE` when it is not. The request was processed, so its fate is unknown.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let what = match self.content_type() {
                Some(kind) if kind.contains("html") => "an HTML page in place of JSON".to_owned(),
                _ => format!("an answer that cannot be read at `{}`", error.path()),
            };
            bad_answer(&what)
                .source(error.into_inner())
                .detail("upstream_status", self.status.as_u16())
        })
    }

    /// The body as JSON of no particular type; `None` when it is not JSON.
    pub fn value(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn content_type(&self) -> Option<&str> {
        self.header("content-type")
    }

    /// `Retry-After`, in seconds or as a date.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(secs) = text.parse::<f64>() {
            return Duration::try_from_secs_f64(secs)
                .ok()
                .map(|d| d.min(LONGEST_WAIT));
        }
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        let left = at.duration_since(jiff::Timestamp::now());
        Duration::try_from(left).ok().map(|d| d.min(LONGEST_WAIT))
    }

    /// What the status alone says, for providers to refine: kind, fate, Retry-After, `upstream_status`.
    pub fn error(&self, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
        let kind = Kind::of(self.status);
        // A gateway that lost its upstream knows nothing of what became of the request.
        let fate = if self.status.is_server_error() || self.status == StatusCode::REQUEST_TIMEOUT {
            Fate::Unknown
        } else {
            Fate::Refused
        };
        Error::new(kind, message)
            .fate(fate)
            .retry_after(self.retry_after())
            .detail("upstream_status", self.status.as_u16())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "HttpResponse({}, {} bytes)",
            self.status,
            self.body.len()
        )
    }
}

impl Response for HttpResponse {
    fn pace(&self) -> Pace {
        // The IETF draft's names, and the older ones: nothing left means silence until the reset.
        let number = |names: [&str; 2]| {
            names
                .iter()
                .find_map(|n| self.header(n)?.trim().parse::<u64>().ok())
        };
        let left = number(["ratelimit-remaining", "x-ratelimit-remaining"]);
        let reset = number(["ratelimit-reset", "x-ratelimit-reset"]);
        match (left, reset) {
            // A large number is a point in time, not a wait; it is left to the 429 that follows.
            (Some(0), Some(secs)) if secs <= 3600 => Pace {
                pause: Some(Duration::from_secs(secs)),
            },
            _ => Pace::default(),
        }
    }
}

fn bad_answer(what: &str) -> Error {
    Error::new(
        Kind::BadUpstreamResponse,
        format!("The provider sent {what}"),
    )
    .fate(Fate::Unknown)
    .hint("Try again; if it stays, check `base_url` and the provider's status page")
}

/// Turns an answer outside 200..300 into an error.
pub type MapError = fn(&HttpResponse) -> Error;

/// The client of a provider that speaks HTTP, behind the attempt plane.
#[derive(Clone)]
pub struct Http {
    egress: Egress<HttpRequest, HttpResponse>,
}

impl Http {
    /// A client whose failures are explained by `map_error`.
    pub fn new(upstream: &Upstream, map_error: MapError) -> Self {
        let transport = Transport {
            pool: upstream.pool().clone(),
            map_error,
            max_answer: upstream.policy().max_answer,
        };
        Self {
            egress: upstream.around(transport),
        }
    }

    /// Sends a request under the rules of the tool that is being called.
    ///
    /// # Errors
    /// As [`Egress::send`].
    pub async fn send(&self, cx: &Cx, request: HttpRequest) -> Result<HttpResponse> {
        self.egress.send(cx, request).await
    }

    /// Sends a request whose repeatability is not that of the tool.
    ///
    /// # Errors
    /// As [`Egress::send`].
    pub async fn send_as(
        &self,
        cx: &Cx,
        repeat: Repeat,
        request: HttpRequest,
    ) -> Result<HttpResponse> {
        self.egress.send_as(cx, repeat, request).await
    }

    /// Sends a request and reads the answer as JSON.
    ///
    /// An answer that cannot be read counts as lost: the write may have been done.
    ///
    /// # Errors
    /// As [`Egress::send`].
    pub async fn json<T: DeserializeOwned>(&self, cx: &Cx, request: HttpRequest) -> Result<T> {
        let answer = self.send(cx, request).await?;
        answer
            .json()
            .map_err(|error| match cx.tool().map(crate::Spec::repeat) {
                Some(Repeat::IfUnprocessed) => super::lost_answer(error, cx),
                _ => error,
            })
    }
}

#[derive(Clone)]
struct Transport {
    pool: HttpPool,
    map_error: MapError,
    max_answer: usize,
}

impl Transport {
    async fn exchange(self, attempt: Attempt<HttpRequest>) -> Result<HttpResponse> {
        let client = self.pool.client()?;
        let request = attempt.request.build(&client, attempt.cx.traceparent())?;
        let mut answer = request.send().await.map_err(unsent)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| {
            bad_answer("an answer that broke off half-way")
                .status(Status::Temporary)
                .source(error.without_url())
        })? {
            if body.len() + chunk.len() > self.max_answer {
                return Err(
                    bad_answer(&format!("more than {} MB", self.max_answer >> 20))
                        .hint("Ask for less: a smaller `limit` or fewer fields"),
                );
            }
            body.extend_from_slice(&chunk);
        }
        let answer = HttpResponse {
            status,
            headers,
            body: body.freeze(),
        };
        if status.is_success() {
            Ok(answer)
        } else {
            Err((self.map_error)(&answer))
        }
    }
}

/// Why a request got no answer at all.
fn unsent(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let chain = {
        let mut text = String::new();
        let mut next: Option<&dyn std::error::Error> = Some(&error);
        while let Some(e) = next {
            text.push_str(&e.to_string().to_ascii_lowercase());
            text.push('\n');
            next = e.source();
        }
        text
    };
    let (message, hint, fate, status) = if error.is_builder() {
        (
            "The request could not be built",
            "Check `base_url` and the arguments",
            Fate::NotSent,
            Status::Permanent,
        )
    } else if error.is_connect() && (is_tls(&error) || chain.contains("certificate")) {
        (
            "No trusted TLS connection to the provider",
            "Check `base_url`, the system's certificates and the clock",
            Fate::NotSent,
            Status::Permanent,
        )
    } else if error.is_connect() && chain.contains("dns") {
        (
            "The provider's host name cannot be resolved",
            "Check `base_url` and the DNS of this machine",
            Fate::NotSent,
            Status::Temporary,
        )
    } else if error.is_connect() {
        (
            "The provider cannot be reached",
            "Check the network, the proxy and `base_url`",
            Fate::NotSent,
            Status::Temporary,
        )
    } else {
        (
            "The connection to the provider broke before an answer came",
            "Try again in a moment",
            Fate::Unknown,
            Status::Temporary,
        )
    };
    Error::new(Kind::Unavailable, message)
        .hint(hint)
        .fate(fate)
        .status(status)
        .source(error)
}

/// Whether a handshake failed: the TLS library reports that as invalid data, below errors of others.
fn is_tls(error: &reqwest::Error) -> bool {
    use std::io;
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        let mut inner = error.downcast_ref::<io::Error>();
        while let Some(error) = inner {
            if error.kind() == io::ErrorKind::InvalidData {
                return true;
            }
            // The source of an I/O error is that of the error inside it, not that error itself.
            inner = error.get_ref().and_then(|error| error.downcast_ref());
        }
        next = error.source();
    }
    false
}

impl Service<Attempt<HttpRequest>> for Transport {
    type Response = HttpResponse;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt<HttpRequest>) -> Self::Future {
        Box::pin(self.clone().exchange(attempt))
    }
}
