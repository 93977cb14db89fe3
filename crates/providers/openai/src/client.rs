//! The HTTP client: address, credentials, and one request at a time. Knows nothing of tools.

use business_tools_core::egress::transport::{Body, Http, HttpRequest, HttpResponse};
use business_tools_core::http::Method;
use business_tools_core::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use business_tools_core::{Cx, Error, Fate, Kind, Page, Repeat, Result, Secret, Upstream};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::config::OpenAiConfig;
use crate::fault;
use crate::models::Listed;
use crate::pace;

/// The parameters of a query.
pub(crate) type Pairs = Vec<(&'static str, String)>;

/// An object as the API gives it.
pub(crate) type Resource = Map<String, Value>;

pub(crate) struct Client {
    http: Http,
    base_url: Url,
    bearer: Secret,
    /// Who pays, where the key leaves that open.
    payer: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Deserialize)]
struct ListPage {
    data: Vec<Resource>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    last_id: Option<String>,
}

impl Client {
    pub(crate) fn new(config: &OpenAiConfig, upstream: &Upstream) -> Result<Self> {
        config.check()?;
        let payer = [
            ("openai-organization", &config.organization),
            ("openai-project", &config.project),
        ];
        let payer = payer.into_iter().filter_map(|(name, value)| {
            let value = HeaderValue::from_str(value.as_deref()?).ok()?;
            Some((HeaderName::from_static(name), value))
        });
        Ok(Self {
            http: Http::new(upstream, fault::explain).paced_by(pace::pace),
            base_url: config.base_url.clone(),
            bearer: Secret::new(format!("Bearer {}", config.api_key.expose())),
            payer: payer.collect(),
        })
    }

    /// A request to the path made of `segments`, with the credentials.
    pub(crate) fn request(&self, method: Method, segments: &[&str]) -> HttpRequest {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let request = HttpRequest::new(method, url).credential(AUTHORIZATION, self.bearer.clone());
        self.payer.iter().fold(request, |request, (name, value)| {
            request.header(name.clone(), value.clone())
        })
    }

    pub(crate) fn post(&self, segments: &[&str], body: Value) -> HttpRequest {
        self.request(Method::POST, segments).body(Body::Json(body))
    }

    pub(crate) async fn send(&self, cx: &Cx, request: HttpRequest) -> Result<HttpResponse> {
        self.http.send(cx, request).await
    }

    pub(crate) async fn json(&self, cx: &Cx, request: HttpRequest) -> Result<Resource> {
        self.http.json(cx, request).await
    }

    /// Every model of the project, the newest first.
    pub(crate) async fn models(&self, cx: &Cx) -> Result<Vec<Listed>> {
        #[derive(Deserialize)]
        struct Models {
            data: Vec<Listed>,
        }
        let request = self.request(Method::GET, &["models"]);
        // Also asked for on behalf of a write that failed.
        let answer = self.http.send_as(cx, Repeat::Safe, request).await?;
        let Models { mut data } = answer.json()?;
        data.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        Ok(data)
    }

    /// Proves the key by the cheapest request. Its answer is not read: nothing of it is used.
    pub(crate) async fn ping(&self, cx: &Cx) -> Result<()> {
        let request = self.request(Method::GET, &["models"]);
        self.http.send_as(cx, Repeat::Safe, request).await.map(drop)
    }

    /// At least one and at most `limit` things of a list, over as many pages as that takes.
    pub(crate) async fn list(
        &self,
        cx: &Cx,
        path: &[&str],
        query: Pairs,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<Page<Resource>> {
        let mut items: Vec<Resource> = Vec::new();
        let mut after = cursor;
        cx.progress(0, Some(u64::from(limit)), "listing");
        loop {
            let have = u32::try_from(items.len()).unwrap_or(u32::MAX);
            let mut pairs = query.clone();
            pairs.push(("limit", limit.saturating_sub(have).to_string()));
            if let Some(after) = &after {
                pairs.push(("after", after.clone()));
            }
            let request = self.request(Method::GET, path).query(pairs);
            let page: ListPage = self.http.json(cx, request).await?;
            let last = page.last_id.or_else(|| {
                let id = page.data.last()?.get("id")?.as_str()?;
                Some(id.to_owned())
            });
            let empty = page.data.is_empty();
            items.extend(page.data);
            let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
            cx.progress(count, Some(u64::from(limit)), "listed");
            if !page.has_more || empty {
                return Ok(Page::new(items, None));
            }
            if last.is_none() || last == after {
                return Err(Error::new(
                    Kind::BadUpstreamResponse,
                    "OpenAI says that there is more, and not where it begins",
                )
                .hint("Try again; if it stays, check `base_url` and https://status.openai.com"));
            }
            if count >= u64::from(limit) {
                return Ok(Page::new(items, last));
            }
            after = last;
        }
    }

    /// Deletes. That it is gone after a lost answer is what was wanted.
    pub(crate) async fn delete(&self, cx: &Cx, path: &[&str]) -> Result<()> {
        let request = self.request(Method::DELETE, path);
        match self.json(cx, request).await {
            Ok(answer) if answer.get("deleted") == Some(&Value::Bool(true)) => Ok(()),
            Ok(_) => Err(bad_answer("OpenAI did not say that it was deleted")),
            Err(error) if error.kind() == Kind::NotFound && was_repeated(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn was_repeated(error: &Error) -> bool {
    let attempts = error.details().get("attempts").and_then(Value::as_u64);
    attempts.is_some_and(|attempts| attempts > 1)
}

/// An answer that is not what was asked for. It was made and paid for, so it may have been done.
pub(crate) fn bad_answer(what: &'static str) -> Error {
    Error::new(Kind::BadUpstreamResponse, what)
        .fate(Fate::Unknown)
        .hint("Try again; if it stays, check `base_url` and https://status.openai.com")
}
