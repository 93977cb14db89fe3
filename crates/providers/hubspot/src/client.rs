//! The HTTP client: addresses, authentication, and what a write that cannot be repeated is told about.

use std::sync::Arc;

use business_tools_core::egress::transport::{Body, Http, HttpRequest};
use business_tools_core::http::header::CONTENT_LENGTH;
use business_tools_core::http::{HeaderValue, Method};
use business_tools_core::token::TokenSource;
use business_tools_core::{Cx, Error, Fate, Kind, Repeat, Result, Upstream};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::config::HubSpotConfig;
use crate::{fault, policy};

/// A resource as the API gives it.
pub(crate) type Resource = Map<String, Value>;

/// The parameters of a query.
pub(crate) type Pairs = Vec<(&'static str, String)>;

pub(crate) struct Client {
    http: Http,
    base: Url,
    version: String,
    tokens: Arc<dyn TokenSource>,
}

impl Client {
    pub(crate) fn new(config: &HubSpotConfig, upstream: &Upstream) -> Result<Self> {
        let base = config.check()?;
        Ok(Self {
            http: Http::new(upstream, fault::explain).paced_by(policy::pace),
            base,
            version: config.api_version.clone(),
            tokens: upstream.tokens(config.token().cloned())?,
        })
    }

    /// A resource of one of the CRM's APIs, which have their version after their name.
    ///
    /// No segment may be `.` or `..`: those vanish from URLs. The rules of the tools see to that.
    pub(crate) fn crm(&self, api: &str, path: &[&str]) -> Url {
        self.at(&[&["crm", api, &self.version], path].concat())
    }

    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn request(&self, method: Method, url: Url) -> HttpRequest {
        HttpRequest::new(method, url).bearer(&self.tokens)
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        cx: &Cx,
        url: Url,
        query: Pairs,
    ) -> Result<T> {
        let mut request = self.request(Method::GET, url);
        // An empty list would leave a question mark behind.
        if !query.is_empty() {
            request = request.query(query);
        }
        self.http.json(cx, request).await
    }

    /// Looks at something before a write is made of it.
    pub(crate) async fn look<T: DeserializeOwned>(&self, cx: &Cx, url: Url) -> Result<T> {
        let request = self.request(Method::GET, url);
        let answer = self.http.send_as(cx, Repeat::Safe, request).await?;
        answer.json()
    }

    /// Sends a body to what only looks, or does no harm twice.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        cx: &Cx,
        method: Method,
        url: Url,
        query: Pairs,
        body: Value,
    ) -> Result<T> {
        let mut request = self.request(method, url).body(Body::Json(body));
        if !query.is_empty() {
            request = request.query(query);
        }
        self.http.json(cx, request).await
    }

    /// Makes something new. HubSpot knows no idempotency key.
    pub(crate) async fn create(&self, cx: &Cx, url: Url, body: Value) -> Result<Resource> {
        let request = self.request(Method::POST, url).body(Body::Json(body));
        let made = self.http.json(cx, request).await;
        made.map_err(fault::nothing_was_created)
    }

    /// A `PUT` that says everything in its path.
    pub(crate) async fn put(&self, cx: &Cx, url: Url) -> Result<Value> {
        let request = self
            .request(Method::PUT, url)
            .header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        self.http.json(cx, request).await
    }

    /// Deletes. That it is gone after a lost answer is what was wanted.
    pub(crate) async fn delete(&self, cx: &Cx, url: Url) -> Result<()> {
        match self.http.send(cx, self.request(Method::DELETE, url)).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == Kind::NotFound && was_repeated(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The cheapest request that proves the token: every one may ask for the account.
    pub(crate) async fn account(&self, cx: &Cx) -> Result<()> {
        let url = self.at(&["account-info", &self.version, "details"]);
        let account: Resource = self.look(cx, url).await?;
        if account.contains_key("portalId") {
            return Ok(());
        }
        Err(Error::new(
            Kind::BadUpstreamResponse,
            "What answers is not HubSpot: the account has no portalId",
        )
        .fate(Fate::Refused)
        .hint("Check `base_url`"))
    }
}

fn was_repeated(error: &Error) -> bool {
    let attempts = error.details().get("attempts").and_then(Value::as_u64);
    attempts.is_some_and(|attempts| attempts > 1)
}
