//! The control routes: `/_sandbox`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::uri::Authority;
use http::{StatusCode, Uri, header};
use serde_json::{Value, json};

use crate::dispatch::Shared;
use crate::simulator::Kind;
use crate::switchboard::{FaultKind, FaultRule};
use crate::{Form, json};

/// The first segment of their paths, which no simulator can have.
pub(crate) const NAME: &str = "_sandbox";

const ROUTES: [&str; 10] = [
    "GET /_sandbox",
    "GET /_sandbox/faults",
    "POST /_sandbox/faults",
    "DELETE /_sandbox/faults?provider=",
    "GET /_sandbox/requests?provider=&after=&limit=",
    "DELETE /_sandbox/requests",
    "GET /_sandbox/callbacks?provider=&after=&limit=",
    "DELETE /_sandbox/callbacks",
    "POST /_sandbox/reset",
    "ANY /{provider}/…",
];

/// The longest delay: a fault is there to be waited out by a test.
const LONGEST_DELAY: u64 = 600_000;

type Hub = State<Arc<Shared>>;
type Answer = Result<Response, Refused>;

pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    let unknown = |State(shared): Hub, uri: Uri| async move { not_found(&shared, uri.path()) };
    Router::new()
        .route("/_sandbox", get(describe))
        .route(
            "/_sandbox/faults",
            get(list_faults).post(inject).delete(clear_faults),
        )
        .route(
            "/_sandbox/requests",
            get(list_requests).delete(clear_requests),
        )
        .route(
            "/_sandbox/callbacks",
            get(list_callbacks).delete(clear_callbacks),
        )
        .route("/_sandbox/reset", post(reset))
        .fallback(unknown)
        .method_not_allowed_fallback(|uri: Uri| async move {
            let body = json!({ "error": {
                "message": format!("{} does not take this method", uri.path()),
                "routes": ROUTES,
            }});
            json::answer(StatusCode::METHOD_NOT_ALLOWED, &body)
        })
        .layer(middleware::from_fn(from_here))
        .with_state(shared)
}

pub(crate) fn not_found(shared: &Shared, path: &str) -> Response {
    let body = json!({ "error": {
        "message": format!("the sandbox has nothing at {path}"),
        "routes": ROUTES,
        "providers": providers(shared),
    }});
    json::answer(StatusCode::NOT_FOUND, &body)
}

/// Keeps web pages out, whose scripts reach loopback under a name of their own (DNS rebinding) or
/// from an origin of their own.
async fn from_here(request: Request, next: Next) -> Response {
    match stranger(&request) {
        None => next.run(request).await,
        Some(name) => {
            let message = format!("the control routes answer to loopback only, not to `{name}`");
            json::error(StatusCode::FORBIDDEN, message)
        }
    }
}

/// The name in the request that is not of this machine.
fn stranger(request: &Request) -> Option<String> {
    let text = |name| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or("?"))
    };
    let host = text(header::HOST);
    let target = request.uri().authority().map(Authority::as_str);
    let origin = text(header::ORIGIN).map(|o| o.split_once("://").map_or(o, |(_, host)| host));
    [host, target, origin]
        .into_iter()
        .flatten()
        .find(|name| !is_loopback(name))
        .map(str::to_owned)
}

fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn describe(State(shared): Hub) -> Response {
    let simulators: Vec<Value> = shared
        .simulators
        .values()
        .map(|simulator| {
            json!({
                "id": simulator.id,
                "kind": match simulator.kind { Kind::Http(_) => "http", Kind::Tcp { .. } => "tcp" },
                "base_url": shared.base_url(simulator.id),
                "requests": shared.switchboard.count(simulator.id),
                "state": simulator.describe.as_ref().map(|describe| describe()),
            })
        })
        .collect();
    json::ok(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "simulators": simulators,
        "faults": shared.switchboard.active(),
        "fault_kinds": FaultKind::ALL,
        "fault_keys": FaultRule::KEYS,
        "routes": ROUTES,
    }))
}

async fn list_faults(State(shared): Hub, uri: Uri) -> Answer {
    query(&uri, &[])?;
    Ok(json::ok(&json!({ "faults": shared.switchboard.active() })))
}

async fn inject(State(shared): Hub, body: Bytes) -> Answer {
    // From bytes, not through an extractor: curl's default content type is welcome.
    let rule = serde_json::from_slice::<FaultRule>(&body).map_err(|error| error.to_string());
    match rule.and_then(|rule| check(&shared, rule)) {
        Ok(rule) => Ok(json::answer(
            StatusCode::CREATED,
            &shared.switchboard.inject(rule),
        )),
        Err(message) => Err(Refused(json!({ "error": {
            "message": message,
            "known": {
                "keys": FaultRule::KEYS,
                "kinds": FaultKind::ALL,
                "providers": providers(&shared),
            },
        }}))),
    }
}

fn check(shared: &Shared, rule: FaultRule) -> Result<FaultRule, String> {
    let Some(simulator) = shared.simulators.get(rule.provider.as_str()) else {
        return Err(format!("unknown provider `{}`", rule.provider));
    };
    if rule.times == Some(0) || rule.for_ms == Some(0) {
        return Err("`times` and `for_ms` must be at least 1".into());
    }
    if rule.rate.is_some_and(|rate| !(rate > 0.0 && rate <= 1.0)) {
        return Err("`rate` must be above 0 and at most 1".into());
    }
    if rule.delay_ms.is_some_and(|delay| delay > LONGEST_DELAY) {
        return Err(format!("`delay_ms` must be at most {LONGEST_DELAY}"));
    }
    if matches!(simulator.kind, Kind::Http(_)) {
        // Protocols of their own have other codes and other paths.
        if rule
            .status
            .is_some_and(|status| !(200..600).contains(&status))
        {
            return Err("`status` must be from 200 to 599".into());
        }
        if rule
            .path
            .as_ref()
            .is_some_and(|path| !path.starts_with('/'))
        {
            return Err("`path` must begin with `/`".into());
        }
    }
    Ok(rule)
}

async fn clear_faults(State(shared): Hub, uri: Uri) -> Answer {
    let query = query(&uri, &["provider"])?;
    let provider = known_provider(&shared, &query)?;
    Ok(json::ok(
        &json!({ "cleared": shared.switchboard.clear(provider) }),
    ))
}

async fn list_requests(State(shared): Hub, uri: Uri) -> Answer {
    let (query, after, limit) = excerpt(&uri)?;
    let provider = known_provider(&shared, &query)?;
    let requests = shared.switchboard.recorder().list(provider, after, limit);
    Ok(json::ok(&json!({ "requests": requests })))
}

/// Which of many: the query, the number to begin after, and how many.
fn excerpt(uri: &Uri) -> Result<(Form, u64, usize), Refused> {
    let query = query(uri, &["provider", "after", "limit"])?;
    let after = number(&query, "after")?.unwrap_or(0);
    let limit = number(&query, "limit")?.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    Ok((query, after, limit))
}

async fn list_callbacks(State(shared): Hub, uri: Uri) -> Answer {
    let (query, after, limit) = excerpt(&uri)?;
    let provider = known_provider(&shared, &query)?;
    let callbacks = shared.outgoing.list(provider, after, limit);
    let not_followed = shared.outgoing.not_followed();
    Ok(json::ok(
        &json!({ "callbacks": callbacks, "not_followed": not_followed }),
    ))
}

async fn clear_callbacks(State(shared): Hub, uri: Uri) -> Answer {
    query(&uri, &[])?;
    Ok(json::ok(&json!({ "cleared": shared.outgoing.clear() })))
}

async fn clear_requests(State(shared): Hub, uri: Uri) -> Answer {
    query(&uri, &[])?;
    Ok(json::ok(
        &json!({ "cleared": shared.switchboard.clear_requests() }),
    ))
}

async fn reset(State(shared): Hub) -> Response {
    shared.reset().await;
    json::ok(&json!({ "reset": providers(&shared) }))
}

fn providers(shared: &Shared) -> Vec<&'static str> {
    shared.simulators.keys().copied().collect()
}

/// The query, if it has no other keys than these: a filter with a typo would otherwise clear all.
fn query(uri: &Uri, known: &[&str]) -> Result<Form, Refused> {
    let query = Form::parse(uri.query().unwrap_or_default());
    if let Some((name, _)) = query.iter().find(|(name, _)| !known.contains(name)) {
        return Err(Refused(json!({ "error": {
            "message": format!("unknown parameter `{name}`"),
            "known": known,
        }})));
    }
    Ok(query)
}

fn known_provider<'a>(shared: &Shared, query: &'a Form) -> Result<Option<&'a str>, Refused> {
    match query.given("provider") {
        Some(id) if !shared.simulators.contains_key(id) => Err(Refused(json!({ "error": {
            "message": format!("unknown provider `{id}`"),
            "known": providers(shared),
        }}))),
        given => Ok(given),
    }
}

fn number(query: &Form, name: &str) -> Result<Option<u64>, Refused> {
    let parse = |text: &str| {
        let message = || format!("`{name}` must be a whole number");
        text.parse()
            .map_err(|_| Refused(json::error_body(message())))
    };
    query.given(name).map(parse).transpose()
}

/// A 400 with this body.
struct Refused(Value);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        json::answer(StatusCode::BAD_REQUEST, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for here in [
            "127.0.0.1:1",
            "localhost",
            "[::1]:80",
            "::1",
            "a.localhost:8",
            "127.9.9.9",
        ] {
            assert_eq!(is_loopback(here), here != "::1", "{here}");
        }
        for there in [
            "evil.example",
            "localhost.evil.example:80",
            "10.0.0.1",
            "null",
            "",
        ] {
            assert!(!is_loopback(there), "{there}");
        }
    }
}
