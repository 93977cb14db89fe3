//! Webhooks: what a provider sends to its customer.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::{Form, mask};

/// As long as most providers wait.
const PATIENCE: Duration = Duration::from_secs(15);
const ANSWER: usize = 1024 * 1024;

/// A request from a simulator to the application under test.
///
/// Only `http` and only loopback: a sandbox must not reach anyone else's server, whatever address
/// a test or an agent gives it. It goes out once; retrying is the provider's own habit, and so is
/// signing.
#[derive(Clone, Debug)]
pub struct Callback {
    method: Method,
    url: Result<Url, Failed>,
    headers: HeaderMap,
    body: Bytes,
}

/// What the application answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most 1 MB.
    pub body: Bytes,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// No URL, or one that is not `http`.
    Url,
    /// A URL that leads away from this machine.
    NotLoopback,
    /// A header name or value that cannot be sent.
    Header,
    /// Nobody listens there.
    Connect,
    /// The connection broke, or the answer was none, or too large.
    Broken,
    /// No answer in 15 seconds.
    Timeout,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "not an http URL",
            Self::NotLoopback => "the sandbox calls back to loopback only",
            Self::Header => "a header cannot be sent",
            Self::Connect => "nobody listens there",
            Self::Broken => "the answer cannot be read",
            Self::Timeout => "no answer in time",
        })
    }
}

impl std::error::Error for Failed {}

impl Callback {
    /// A request with any method. A bad URL shows when it is [sent](Self::send).
    pub fn new(method: Method, url: &str) -> Self {
        let url = url.parse().map_err(|_| Failed::Url);
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// A POST.
    pub fn post(url: &str) -> Self {
        Self::new(Method::POST, url)
    }

    /// Add a header: the signature, usually. One that cannot be sent shows when it is sent.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            _ => self.url = self.url.and(Err(Failed::Header)),
        }
        self
    }

    /// Send a form.
    pub fn form(self, form: &Form) -> Self {
        self.header(
            header::CONTENT_TYPE.as_str(),
            "application/x-www-form-urlencoded",
        )
        .body(form.encode())
    }

    /// Send JSON that is already text, since it is what was signed.
    pub fn json(self, text: impl Into<Bytes>) -> Self {
        self.header(header::CONTENT_TYPE.as_str(), "application/json")
            .body(text)
    }

    /// Send a body without a content type.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.body
    }

    /// The URL, without the secrets that stand in it.
    pub(crate) fn target(&self) -> String {
        let Ok(url) = &self.url else {
            return "?".to_owned();
        };
        let mut shown = url.clone();
        if !shown.username().is_empty() || shown.password().is_some() {
            // Of no use to a URL that has no host, which has no user either.
            let _ = shown
                .set_username("***")
                .and_then(|()| shown.set_password(None));
        }
        let query = shown.query().map(mask::pairs);
        shown.set_query(query.as_deref());
        shown.into()
    }

    /// Send it, and wait for the answer.
    ///
    /// # Errors
    /// [`Failed`]; an error status is an answer.
    pub async fn send(self) -> Result<Answered, Failed> {
        tokio::time::timeout(PATIENCE, self.exchange())
            .await
            .unwrap_or(Err(Failed::Timeout))
    }

    async fn exchange(self) -> Result<Answered, Failed> {
        let url = self.url?;
        if url.scheme() != "http" {
            return Err(Failed::Url);
        }
        let stream = connect(&url).await?;
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = target.parse().map_err(|_| Failed::Url)?;
        *request.headers_mut() = self.headers;
        let host = HeaderValue::from_str(authority).map_err(|_| Failed::Url)?;
        request.headers_mut().insert(header::HOST, host);

        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Failed::Broken)?;
        let exchange = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|_| Failed::Broken)?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, ANSWER)
                .collect()
                .await
                .map_err(|_| Failed::Broken)?;
            Ok(Answered {
                status: parts.status,
                headers: parts.headers,
                body: body.to_bytes(),
            })
        };
        // Both on this task: a callback that is dropped leaves no connection behind.
        let mut exchange = std::pin::pin!(exchange);
        tokio::select! {
            answered = &mut exchange => answered,
            // The connection may end first, with the whole answer in hand.
            _ = connection => exchange.await,
        }
    }
}

async fn connect(url: &Url) -> Result<TcpStream, Failed> {
    let port = url.port_or_known_default().ok_or(Failed::Url)?;
    let ip: Option<IpAddr> = match url.host().ok_or(Failed::Url)? {
        Host::Ipv4(ip) => Some(ip.into()),
        Host::Ipv6(ip) => Some(ip.into()),
        Host::Domain(name) if name == "localhost" || name.ends_with(".localhost") => None,
        Host::Domain(_) => return Err(Failed::NotLoopback),
    };
    let stream = match ip {
        Some(ip) if !ip.is_loopback() => return Err(Failed::NotLoopback),
        Some(ip) => TcpStream::connect((ip, port)).await,
        // Asked of nobody: a resolver could say anything about the name.
        None => match TcpStream::connect(("127.0.0.1", port)).await {
            Err(_) => TcpStream::connect(("::1", port)).await,
            stream => stream,
        },
    };
    stream.map_err(|_| Failed::Connect)
}
