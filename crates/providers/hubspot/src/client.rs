//! Requests and answers of the API: address, credentials, errors. Knows nothing of tools.

use business_tools_core::egress::transport::{Http, HttpRequest, HttpResponse};
use business_tools_core::http::Method;
use business_tools_core::http::header::AUTHORIZATION;
use business_tools_core::{Cx, Error, Kind, Result, Secret, Upstream};
use serde::Deserialize;
use url::Url;

use crate::config::HubSpotConfig;

pub(crate) struct Client {
    http: Http,
    base_url: Url,
    bearer: Secret,
}

/// The account as the API tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Client {
    pub(crate) fn new(config: HubSpotConfig, upstream: &Upstream) -> Self {
        Self {
            http: Http::new(upstream, explain),
            base_url: config.base_url,
            bearer: Secret::new(format!("Bearer {}", config.api_key.expose())),
        }
    }

    pub(crate) async fn account(&self, cx: &Cx) -> Result<Account> {
        self.http
            .json(cx, self.request(Method::GET, &["account"]))
            .await
    }

    /// A request to the path made of `segments`, with the credentials.
    fn request(&self, method: Method, segments: &[&str]) -> HttpRequest {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        HttpRequest::new(method, url).credential(AUTHORIZATION, self.bearer.clone())
    }
}

/// The API's own errors in our words: `{"error": "…"}`.
fn explain(answer: &HttpResponse) -> Error {
    let body = answer.value().unwrap_or_default();
    let said = body["error"]
        .as_str()
        .unwrap_or("no reason given")
        .to_owned();
    let error = answer.error(format!("HubSpot refused the request: {said}"));
    match error.kind() {
        Kind::AuthFailed => error
            .with_message("Authentication failed for the HubSpot API")
            .hint("Check HUBSPOT_API_KEY"),
        _ => error,
    }
}
