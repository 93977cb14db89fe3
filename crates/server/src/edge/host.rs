//! `Host` and `Origin`: a web page that the user happens to have open must not reach a server on their machine.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::response::Response;
use futures_util::future::Either;
use http::{HeaderMap, HeaderName, Request, StatusCode, Uri, header};
use tower::{Layer, Service};

use super::names::{Authority, Origin, OriginRule};
use super::refusal::{closing, refuse};

/// The layer: which `Host` and which `Origin` may call.
#[derive(Debug, Clone)]
pub struct HostOrigin {
    rules: Arc<Rules>,
}

#[derive(Debug)]
struct Rules {
    any_host: bool,
    hosts: Vec<String>,
    origins: Vec<OriginRule>,
}

impl HostOrigin {
    /// The loopback names and origins may always call. `*` among the hosts allows every well-formed one.
    pub fn new(allowed_hosts: Vec<String>, allowed_origins: Vec<String>) -> Self {
        let mut rules = Rules {
            any_host: false,
            hosts: Vec::new(),
            origins: Vec::new(),
        };
        for entry in allowed_hosts {
            match (entry.trim(), Authority::parse(entry.trim())) {
                ("*", _) => rules.any_host = true,
                (_, Some(authority)) => rules.hosts.push(authority.host),
                (_, None) => tracing::warn!(
                    entry,
                    "an allowed host is not a host name and allows nothing"
                ),
            }
        }
        for entry in allowed_origins {
            let rule = OriginRule::parse(entry.trim());
            if rule.is_none() {
                tracing::warn!(
                    entry,
                    "an allowed origin is not an origin and allows nothing"
                );
            }
            rules.origins.extend(rule);
        }
        Self {
            rules: Arc::new(rules),
        }
    }
}

impl Rules {
    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let host = match only(headers, &header::HOST) {
            Ok(Some(value)) => Authority::parse(value),
            Ok(None) | Err(()) => None,
        };
        let Some(host) = host else {
            return Err(broken("exactly one well-formed Host header is needed"));
        };
        if let Some(target) = uri.authority() {
            // The request target overrides Host in some parsers: both must say the same.
            let port = |authority: &Authority| authority.port.unwrap_or(80);
            let same = Authority::parse(target.as_str())
                .is_some_and(|target| target.host == host.host && port(&target) == port(&host));
            let plain = uri
                .scheme_str()
                .is_none_or(|scheme| scheme == "http" || scheme == "https");
            if !same || !plain {
                return Err(broken("the request target and the Host header differ"));
            }
        }
        if !(self.any_host || host.is_loopback() || self.hosts.contains(&host.host)) {
            return Err(denied(
                "this Host may not be used",
                "Call the server as localhost, or add the name to the allowed hosts.",
            ));
        }
        let allowed = match only(headers, &header::ORIGIN) {
            Ok(None) => true,
            Ok(Some(value)) => Origin::parse(value).is_some_and(|origin| {
                origin.authority.is_loopback()
                    || self.origins.iter().any(|rule| rule.allows(&origin))
            }),
            Err(()) => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(denied(
                "this Origin may not call",
                "Add the origin to the allowed origins.",
            ))
        }
    }
}

/// The value of a header that may be there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// Why a request may not pass.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
    hint: &'static str,
}

impl Refused {
    fn response(&self) -> Response {
        closing(refuse(self.status, self.code, self.message, self.hint))
    }
}

fn broken(message: &'static str) -> Refused {
    Refused {
        status: StatusCode::BAD_REQUEST,
        code: "INVALID_REQUEST",
        message,
        hint: "Send the name and port that the request goes to as the only Host header.",
    }
}

fn denied(message: &'static str, hint: &'static str) -> Refused {
    Refused {
        status: StatusCode::FORBIDDEN,
        code: "PERMISSION_DENIED",
        message,
        hint,
    }
}

impl<S> Layer<S> for HostOrigin {
    type Service = HostOriginService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HostOriginService {
            inner,
            rules: self.rules.clone(),
        }
    }
}

/// A service behind [`HostOrigin`].
#[derive(Debug, Clone)]
pub struct HostOriginService<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S, B> Service<Request<B>> for HostOriginService<S>
where
    S: Service<Request<B>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response, S::Error>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.rules.check(request.uri(), request.headers()) {
            Ok(()) => Either::Right(self.inner.call(request)),
            Err(refused) => Either::Left(ready(Ok(refused.response()))),
        }
    }
}
