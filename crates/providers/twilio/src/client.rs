//! The HTTP client: authentication, forms and both paging styles.

use std::sync::Arc;

use base64::Engine as _;
use business_tools_core::egress::transport::{Body, Http, HttpRequest};
use business_tools_core::http::{Method, header};
use business_tools_core::token::TokenSource;
use business_tools_core::{Cx, Error, Fate, Kind, Page, Repeat, Result, Secret, Upstream};
use serde_json::{Map, Value};
use url::Url;

use crate::config::{Hosts, Identity, TwilioConfig};
use crate::fault;

/// The parameters of a form or a query.
pub(crate) type Pairs = Vec<(&'static str, String)>;

/// A resource as the API gives it.
pub(crate) type Resource = Map<String, Value>;

/// How many things are asked for at once, so that a long list shows progress and stays cancellable.
const PAGE: u32 = 100;

/// What is asked for where the caller says nothing.
const DEFAULT_LIMIT: u32 = 20;

pub(crate) struct Client {
    http: Http,
    hosts: Hosts,
    account_sid: String,
    auth: Auth,
    auth_hint: &'static str,
}

enum Auth {
    Basic(Secret),
    /// Asked before each attempt.
    Bearer(Arc<dyn TokenSource>),
}

impl Client {
    pub(crate) fn new(config: &TwilioConfig, upstream: &Upstream) -> Result<Self> {
        let (identity, hosts) = config.parts()?;
        let basic = |user: &str, password: &Secret| {
            let pair = format!("{user}:{}", password.expose());
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            Auth::Basic(Secret::new(format!("Basic {pair}")))
        };
        let (auth, auth_hint) = match identity {
            Some(Identity::Account(user, token)) => (basic(&user, &token), fault::TOKEN_HINT),
            Some(Identity::Key(key, secret)) => (basic(&key, &secret), fault::KEY_HINT),
            Some(Identity::Bearer(token)) => (
                Auth::Bearer(upstream.tokens(Some(token))?),
                fault::BEARER_HINT,
            ),
            // The world may have a source of tokens.
            None => match upstream.tokens(None) {
                Ok(source) => (Auth::Bearer(source), fault::BEARER_HINT),
                Err(none) => return config.check().and(Err(none)),
            },
        };
        Ok(Self {
            http: Http::new(upstream, fault::explain),
            hosts,
            account_sid: config.account_sid.clone(),
            auth,
            auth_hint,
        })
    }

    /// A resource of the account, `["Messages", "SM….json"]`.
    pub(crate) fn of_account(&self, path: &[&str]) -> Url {
        let account = ["2010-04-01", "Accounts", &self.account_sid];
        at(&self.hosts.api, &[&account, path].concat())
    }

    /// A number to look up, which Twilio writes `%2B…` in a path.
    pub(crate) fn of_number(&self, number: &str) -> Url {
        let mut url = at(&self.hosts.lookups, &["v2", "PhoneNumbers"]);
        let number: String = url::form_urlencoded::byte_serialize(number.as_bytes()).collect();
        let path = format!("{}/{}", url.path(), number.replace('+', "%20"));
        url.set_path(&path);
        url
    }

    pub(crate) fn of_verify(&self, path: &[&str]) -> Url {
        at(&self.hosts.verify, &[&["v2"], path].concat())
    }

    fn request(&self, method: Method, url: Url) -> HttpRequest {
        let request = HttpRequest::new(method, url);
        match &self.auth {
            Auth::Basic(pair) => request.credential(header::AUTHORIZATION, pair.clone()),
            Auth::Bearer(source) => request.bearer(source),
        }
    }

    pub(crate) async fn get(&self, cx: &Cx, url: Url, query: Pairs) -> Result<Resource> {
        let request = self.request(Method::GET, url).query(query);
        self.http.json(cx, request).await.map_err(self.hint())
    }

    pub(crate) async fn post(&self, cx: &Cx, url: Url, form: Pairs) -> Result<Resource> {
        let form = form
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let request = self.request(Method::POST, url).body(Body::Form(form));
        self.http.json(cx, request).await.map_err(self.hint())
    }

    /// Changes a thing to a state. That it is in that state after a lost answer is what was wanted, though
    /// Twilio refuses to change it again.
    pub(crate) async fn bring(
        &self,
        cx: &Cx,
        url: Url,
        form: Pairs,
        is_done: fn(&Resource) -> bool,
    ) -> Result<Resource> {
        match self.post(cx, url.clone(), form).await {
            Err(error) if was_repeated(&error) && error.what_became() == Fate::Refused => {
                let now = self.get(cx, url, Pairs::new()).await;
                now.ok().filter(is_done).ok_or(error)
            }
            outcome => outcome,
        }
    }

    /// Deletes. That it is gone after a lost answer is what was wanted.
    pub(crate) async fn delete(&self, cx: &Cx, url: Url) -> Result<()> {
        match self.http.send(cx, self.request(Method::DELETE, url)).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == Kind::NotFound && was_repeated(&error) => Ok(()),
            Err(error) => Err(self.hint()(error)),
        }
    }

    /// The cheapest requests that prove the credentials.
    pub(crate) async fn balance(&self, cx: &Cx) -> Result<()> {
        self.ping(cx, self.of_account(&["Balance.json"])).await
    }

    pub(crate) async fn one_message(&self, cx: &Cx) -> Result<()> {
        let mut url = self.of_account(&["Messages.json"]);
        url.set_query(Some("PageSize=1"));
        self.ping(cx, url).await
    }

    async fn ping(&self, cx: &Cx, url: Url) -> Result<()> {
        let request = self.request(Method::GET, url);
        let answer = self.http.send_as(cx, Repeat::Safe, request).await;
        answer
            .and_then(|answer| answer.json::<Resource>())
            .map(drop)
            .map_err(self.hint())
    }

    /// `limit` things of a list, from the place that `cursor` tells, over as many pages as that takes.
    ///
    /// A cursor is the query of the page that Twilio named. Host and path stay the list's own, whatever
    /// an answer or a caller puts there: the credentials go nowhere else.
    pub(crate) async fn list(
        &self,
        cx: &Cx,
        mut url: Url,
        mut query: Pairs,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<Resource>> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        query.push(("PageSize", page_size(limit).to_string()));
        match cursor {
            Some(cursor) => url.set_query(Some(cursor)),
            None => {
                url.query_pairs_mut().extend_pairs(&query);
            }
        }
        let mut items = Vec::new();
        // Told before the first page: some clients lose a report that comes together with the result.
        cx.progress(0, Some(u64::from(limit)), "listing");
        loop {
            let request = self.request(Method::GET, url.clone());
            let page: Resource = self.http.json(cx, request).await.map_err(self.hint())?;
            let (found, after) = read_page(page)?;
            let empty = found.is_empty();
            items.extend(found);
            let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
            cx.progress(count, Some(u64::from(limit)), "listed");
            let next = match after {
                Some(after) if !empty => next_query(&url, &after)?,
                _ => return Ok(Page::new(items, None)),
            };
            if count >= u64::from(limit) {
                return Ok(Page::new(items, Some(next)));
            }
            url.set_query(Some(&next));
        }
    }

    /// Names the settings that are really in use.
    fn hint(&self) -> impl Fn(Error) -> Error {
        let hint = self.auth_hint;
        move |error| match error.kind() {
            Kind::AuthFailed => error.hint(hint),
            _ => error,
        }
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

fn was_repeated(error: &Error) -> bool {
    let attempts = error.details().get("attempts").and_then(Value::as_u64);
    attempts.is_some_and(|attempts| attempts > 1)
}

/// Pages that add up to `limit` exactly, so that no thing is fetched and then thrown away.
fn page_size(limit: u32) -> u32 {
    if limit <= PAGE {
        return limit;
    }
    let divides = |size: &u32| limit.is_multiple_of(*size);
    (PAGE / 2..=PAGE).rev().find(divides).unwrap_or(limit)
}

/// Both paging styles: `next_page_uri` beside the things, or `meta.next_page_url` and the key of the things.
fn read_page(mut page: Resource) -> Result<(Vec<Resource>, Option<String>)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let (key, next) = if let Some(meta) = page.get("meta") {
        (text(meta.get("key")), text(meta.get("next_page_url")))
    } else {
        let list = page.iter().find(|(_, value)| value.is_array());
        let key = list.map(|(key, _)| key.clone());
        (key, text(page.get("next_page_uri")))
    };
    let items = key
        .and_then(|key| page.remove(&key))
        .and_then(|items| serde_json::from_value(items).ok());
    let items = items.ok_or_else(|| bad_page("Twilio sent a page without a list"))?;
    Ok((items, next.filter(|next| !next.is_empty())))
}

/// The query of the page that Twilio names, if it is on the host that we are talking to.
fn next_query(now: &Url, next: &str) -> Result<String> {
    let named = now.join(next).ok();
    let query = named
        .filter(|named| named.origin() == now.origin())
        .and_then(|named| named.query().map(str::to_owned))
        .ok_or_else(|| bad_page("Twilio named a next page on another host, or none"))?;
    if now.query() == Some(query.as_str()) {
        return Err(bad_page("Twilio named the same page as the next one"));
    }
    Ok(query)
}

fn bad_page(what: &'static str) -> Error {
    Error::new(Kind::BadUpstreamResponse, what)
        .hint("Try again; if it stays, check `base_url` and Twilio's status page")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(page: Value) -> Result<(Vec<Resource>, Option<String>)> {
        read_page(serde_json::from_value(page).unwrap())
    }

    #[test]
    fn pages_add_up_to_the_limit() {
        for (limit, size) in [(1, 1), (20, 20), (100, 100), (150, 75), (1000, 100)] {
            assert_eq!(page_size(limit), size, "{limit}");
        }
        // A prime has no divisor: one page of all.
        assert_eq!(page_size(997), 997);
    }

    #[test]
    fn both_paging_styles_are_read() {
        let old = json!({"messages": [{"sid": "a"}], "next_page_uri": "/x.json?Page=1"});
        let new = json!({"meta": {"key": "services", "next_page_url": "https://h/x?Page=1"},
                         "services": [{"sid": "a"}]});
        for (page, next) in [(old, "/x.json?Page=1"), (new, "https://h/x?Page=1")] {
            let (items, after) = read(page).unwrap();
            assert_eq!((items.len(), after.as_deref()), (1, Some(next)));
        }
        let last = json!({"meta": {"key": "services", "next_page_url": null}, "services": []});
        assert_eq!(read(last).unwrap().1, None);
        assert!(read(json!({"next_page_uri": "/x"})).is_err());
        assert!(read(json!({"messages": ["text"]})).is_err());
    }

    #[test]
    fn the_next_page_is_followed_on_the_same_host_only() {
        let now = Url::parse("https://api.twilio.com/2010-04-01/x.json?Page=0").unwrap();
        assert_eq!(
            next_query(&now, "/x.json?Page=1&A=b").unwrap(),
            "Page=1&A=b"
        );
        let same = "https://api.twilio.com:443/x.json?Page=1";
        assert_eq!(next_query(&now, same).unwrap(), "Page=1");
        for bad in [
            "https://evil.example/x.json?Page=1",
            "//evil.example/x.json?Page=1",
            "http://api.twilio.com/x.json?Page=1",
            "https://api.twilio.com:444/x.json?Page=1",
            "/x.json",
            "/x.json?Page=0",
        ] {
            let error = next_query(&now, bad).unwrap_err();
            assert_eq!(error.kind(), Kind::BadUpstreamResponse, "{bad}");
        }
    }
}
