//! The HTTP client: authentication, forms, both paging styles, both error bodies.

use base64::Engine as _;
use business_tools_core::egress::transport::{Body, Http, HttpRequest, HttpResponse};
use business_tools_core::http::{Method, StatusCode, header};
use business_tools_core::{Cx, Error, Kind, Page, Repeat, Result, Secret, Status, Upstream};
use serde_json::{Map, Value};
use url::Url;

use crate::config::{Hosts, TwilioConfig};

/// The parameters of a form or a query.
pub(crate) type Pairs = Vec<(&'static str, String)>;

/// A resource as the API gives it.
pub(crate) type Resource = Map<String, Value>;

/// How many things are asked for at once, so that a long list shows progress and stays cancellable.
const PAGE: u32 = 100;

pub(crate) struct Client {
    http: Http,
    hosts: Hosts,
    account_sid: String,
    authorization: Secret,
}

impl Client {
    pub(crate) fn new(config: &TwilioConfig, upstream: &Upstream) -> Result<Self> {
        let (user, password) = config.credentials()?;
        let pair = format!("{user}:{}", password.expose());
        let basic = base64::engine::general_purpose::STANDARD.encode(pair);
        Ok(Self {
            http: Http::new(upstream, explain),
            hosts: config.hosts()?,
            account_sid: config.account_sid.clone(),
            authorization: Secret::new(format!("Basic {basic}")),
        })
    }

    /// A resource of the account, `["Messages", "SM….json"]`.
    pub(crate) fn of_account(&self, path: &[&str]) -> Url {
        at(
            &self.hosts.api,
            &[&["2010-04-01", "Accounts", &self.account_sid], path].concat(),
        )
    }

    pub(crate) fn of_lookups(&self, path: &[&str]) -> Url {
        at(&self.hosts.lookups, &[&["v2"], path].concat())
    }

    pub(crate) fn of_verify(&self, path: &[&str]) -> Url {
        at(&self.hosts.verify, &[&["v2"], path].concat())
    }

    fn request(&self, method: Method, url: Url) -> HttpRequest {
        HttpRequest::new(method, url).credential(header::AUTHORIZATION, self.authorization.clone())
    }

    pub(crate) async fn get(&self, cx: &Cx, url: Url, query: Pairs) -> Result<Resource> {
        self.http
            .json(cx, self.request(Method::GET, url).query(query))
            .await
    }

    pub(crate) async fn post(&self, cx: &Cx, url: Url, form: Pairs) -> Result<Resource> {
        let form = form
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        self.http
            .json(cx, self.request(Method::POST, url).body(Body::Form(form)))
            .await
    }

    pub(crate) async fn delete(&self, cx: &Cx, url: Url) -> Result<()> {
        self.http
            .send(cx, self.request(Method::DELETE, url))
            .await
            .map(drop)
    }

    pub(crate) async fn balance(&self, cx: &Cx) -> Result<()> {
        let request = self.request(Method::GET, self.of_account(&["Balance.json"]));
        self.http.send_as(cx, Repeat::Safe, request).await.map(drop)
    }

    pub(crate) async fn one_message(&self, cx: &Cx) -> Result<()> {
        let request = self
            .request(Method::GET, self.of_account(&["Messages.json"]))
            .query([("PageSize", "1")]);
        self.http.send_as(cx, Repeat::Safe, request).await.map(drop)
    }

    /// `limit` things of a list, from the place that `cursor` tells, over as many pages as that takes.
    pub(crate) async fn list(
        &self,
        cx: &Cx,
        url: Url,
        mut query: Pairs,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<Resource>> {
        let limit = limit.unwrap_or(20);
        query.push(("PageSize", page_size(limit).to_string()));
        let mut next = Some(if let Some(cursor) = cursor {
            follow(&url, cursor)?
        } else {
            let mut first = url.clone();
            first.query_pairs_mut().extend_pairs(&query);
            first
        });
        let mut items = Vec::new();
        while let Some(place) = next.take() {
            let page: Resource = self.http.json(cx, self.request(Method::GET, place)).await?;
            let (found, after) = read_page(page)?;
            let empty = found.is_empty();
            items.extend(found);
            let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
            cx.progress(count, Some(u64::from(limit)), "listed");
            match after {
                Some(after) if count < u64::from(limit) && !empty => {
                    next = Some(follow(&url, &after)?);
                }
                // What is left is told as a path alone: the host is ours to choose.
                Some(after) => return Ok(Page::new(items, Some(path_of(&follow(&url, &after)?)))),
                None => {}
            }
        }
        Ok(Page::new(items, None))
    }
}

/// A URL below a base that may have a path of its own.
fn at(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// Pages that add up to `limit` exactly, so that no thing is fetched and then thrown away.
fn page_size(limit: u32) -> u32 {
    (PAGE / 2..=PAGE)
        .rev()
        .find(|size| limit.is_multiple_of(*size))
        .filter(|_| limit > PAGE)
        .unwrap_or(limit)
}

/// Both paging styles: `next_page_uri` beside the things, or `meta.next_page_url` and the key of the things.
fn read_page(mut page: Resource) -> Result<(Vec<Resource>, Option<String>)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let (key, next) = if let Some(meta) = page.get("meta") {
        (text(meta.get("key")), text(meta.get("next_page_url")))
    } else {
        let list = page.iter().find(|(_, value)| value.is_array());
        (
            list.map(|(key, _)| key.clone()),
            text(page.get("next_page_uri")),
        )
    };
    let items = key
        .and_then(|key| page.remove(&key))
        .and_then(|items| serde_json::from_value(items).ok());
    let items = items.ok_or_else(|| {
        Error::new(
            Kind::BadUpstreamResponse,
            "Twilio sent a page without a list",
        )
    })?;
    Ok((items, next))
}

/// The page that Twilio names, on the host that we were talking to.
fn follow(url: &Url, next: &str) -> Result<Url> {
    let named = url
        .join(next)
        .ok()
        .filter(|named| named.origin() == url.origin());
    named.ok_or_else(|| {
        Error::new(
            Kind::BadUpstreamResponse,
            "Twilio named a next page on another host",
        )
    })
}

fn path_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Twilio's words for a failure, in either of its two error bodies.
fn explain(answer: &HttpResponse) -> Error {
    let body = answer.value();
    let member = |name: &str| body.as_ref().and_then(|body| body.get(name));
    let code = member("code").and_then(Value::as_i64);
    // RFC 9457 has `title` and `detail`; the older body has `message`.
    let words = ["message", "detail", "title"]
        .iter()
        .find_map(|name| member(name)?.as_str());
    let message = match words {
        Some(words) => format!("Twilio: {}", words.chars().take(300).collect::<String>()),
        None => format!("Twilio answered with status {}", answer.status.as_u16()),
    };
    let mut error = answer.error(message);
    if let Some(code) = code {
        error = error.detail("upstream_code", code);
    }
    if let Some(id) = answer.header("twilio-request-id") {
        error = error.detail("upstream_request_id", id);
    }
    refine(error, answer.status, code)
}

/// Kinds and next steps that the status alone does not tell.
fn refine(error: Error, status: StatusCode, code: Option<i64>) -> Error {
    match (code, status.as_u16()) {
        (Some(20003), _) | (_, 401) => error
            .with_kind(Kind::AuthFailed)
            .with_message("Authentication failed for Twilio API")
            .hint(crate::AUTH_HINT),
        // Attempts are used up: waiting a moment does not help.
        (Some(60202), _) => error
            .with_kind(Kind::QuotaExceeded)
            .status(Status::Permanent)
            .hint("The code was tried too often; start a new verification after ten minutes"),
        (Some(60203), _) => error
            .with_kind(Kind::QuotaExceeded)
            .status(Status::Permanent)
            .hint("Codes were sent too often; wait ten minutes before the next"),
        (Some(20429), _) | (_, 429) => error
            .with_kind(Kind::RateLimited)
            .hint("Wait a moment, then try again; make fewer calls at once"),
        (_, 403) => error.hint(
            "The key may not do this; check its permissions, and that they are no test credentials",
        ),
        (Some(20404), _) | (_, 404) => {
            error.hint("Check the id, and that it belongs to this account; list to find it")
        }
        (Some(21211 | 21614 | 21217), _) => error.hint("Give `to` as E.164, such as +14155552345"),
        (Some(21212 | 21606 | 21659), _) => error.hint(
            "`from` must be a number of this account that can do this: twilio_list_phone_numbers",
        ),
        (Some(21610), _) => {
            error.hint("The recipient has opted out; do not write again unless they opt in")
        }
        (Some(63016), _) => error
            .hint("Outside the 24-hour window WhatsApp takes approved templates only: content_sid"),
        (_, 400) => error.hint("Mend what the message names and call again; nothing was done"),
        _ => error,
    }
}
