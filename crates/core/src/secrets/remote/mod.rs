//! The services that keep secrets, behind the attempt plane like every provider.

mod aws;
mod onepassword;
mod vault;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tokio::time::Instant;
use url::Url;

use super::{Local, Remote, Service, Wrong};
use crate::Env;
use crate::cx::Cx;
use crate::egress::Upstream;
use crate::egress::transport::{Http, HttpResponse, MapError};
use crate::error::{Error, Kind, Result};
use crate::plugin::Info;
use crate::policy::{Backoff, Policy, Trip, millis, secs};
use crate::secret::Secret;

/// A few small requests now and then: a service that hangs is given up soon, since a start waits for it.
const POLICY: Policy = Policy {
    in_flight: 4,
    deadline: secs(20),
    attempt_timeout: secs(5),
    retry: Backoff {
        attempts: 3,
        base: millis(200),
        multiplier: 2.0,
        max: secs(2),
    },
    breaker: Trip {
        failures: 20,
        recovery: secs(5),
    },
    max_answer: 1 << 20,
    ..Policy::DEFAULT
};

/// What it is to the attempt plane and to the metrics.
const fn info(id: &'static str, service: Service) -> Info {
    Info {
        id,
        title: service.title(),
        summary: "Keeps secrets that the configuration refers to.",
        docs: "",
        policy: POLICY,
        env: &[],
        credentials: &[],
        auth_hint: "",
        setup_hint: "",
    }
}

/// A service, with the credentials for it.
#[async_trait]
pub(super) trait Source: Send + Sync {
    /// The secrets, each for itself, in the order in which they are wanted.
    async fn fetch(&self, cx: &Cx, wanted: &[Remote]) -> Vec<Result<Secret>>;

    /// Keeps alive what it fetches with, and says when that is due again.
    async fn keep(&self, cx: &Cx) -> Option<Instant>;
}

/// A service whose secrets lie in documents of several.
#[async_trait]
trait Library: Send + Sync {
    type Document: Send + Sync;

    /// Fetches the document that has a secret.
    async fn read(&self, cx: &Cx, wanted: &Remote) -> Result<Self::Document>;

    /// The secret in its document.
    fn pick(&self, document: &Self::Document, wanted: &Remote) -> Result<Secret>;

    /// As [`Source::keep`].
    async fn keep_alive(&self, cx: &Cx) -> Option<Instant> {
        let _ = cx;
        None
    }
}

#[async_trait]
impl<L: Library> Source for L {
    /// Reads each document once. A service that is found to be down is not asked for the others.
    async fn fetch(&self, cx: &Cx, wanted: &[Remote]) -> Vec<Result<Secret>> {
        let mut documents = BTreeMap::new();
        let mut down: Option<Error> = None;
        for remote in wanted {
            if let Entry::Vacant(place) = documents.entry(remote.document()) {
                let document = match &down {
                    Some(error) => Err(error.clone()),
                    None => self.read(cx, remote).await,
                };
                down = document
                    .as_ref()
                    .err()
                    .filter(|error| is_down(error))
                    .cloned();
                place.insert(document);
            }
        }
        wanted
            .iter()
            .map(|remote| match &documents[&remote.document()] {
                Ok(document) => self.pick(document, remote),
                Err(error) => Err(error.clone()),
            })
            .collect()
    }

    async fn keep(&self, cx: &Cx) -> Option<Instant> {
        self.keep_alive(cx).await
    }
}

/// Where a service is and who asks it.
#[derive(Clone, PartialEq)]
pub(super) struct Account(Kinds);

#[derive(Clone, PartialEq)]
enum Kinds {
    Vault(vault::Settings),
    SecretsManager(aws::Settings),
    OnePassword(onepassword::Settings),
}

impl Account {
    /// Reads the settings of a service, which are its customary variables.
    pub(super) fn of(service: Service, local: &Local<'_>) -> Result<Self, Wrong> {
        Ok(Self(match service {
            Service::Vault => Kinds::Vault(vault::Settings::read(local)?),
            Service::SecretsManager => Kinds::SecretsManager(aws::Settings::read(local)?),
            Service::OnePassword => Kinds::OnePassword(onepassword::Settings::read(local)?),
        }))
    }

    pub(super) fn open(&self, env: &Env) -> Arc<dyn Source> {
        match self.0.clone() {
            Kinds::Vault(settings) => Arc::new(vault::Vault::new(settings, env)),
            Kinds::SecretsManager(settings) => Arc::new(aws::SecretsManager::new(settings, env)),
            Kinds::OnePassword(settings) => Arc::new(onepassword::Connect::new(settings, env)),
        }
    }

    /// What is odd about the settings.
    pub(super) fn warning(&self) -> Option<Wrong> {
        let (url, name) = match &self.0 {
            Kinds::Vault(settings) => {
                if let Some(warning) = settings.warning() {
                    return Some(warning);
                }
                (Some(&settings.address), "VAULT_ADDR")
            }
            Kinds::SecretsManager(settings) => (settings.endpoint.as_ref(), "AWS_ENDPOINT_URL"),
            Kinds::OnePassword(settings) => (Some(&settings.host), "OP_CONNECT_HOST"),
        };
        url.filter(|url| url.scheme() == "http" && !is_loopback(url))
            .map(|_| {
                Wrong::new(
                    "is fetched over a connection that others can read",
                    format!("use https in {name}"),
                )
            })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A client whose failures are told in the words of the service.
fn client(info: &'static Info, env: &Env, map_error: MapError) -> Http {
    Http::new(&Upstream::new(info, POLICY, env.clone()), map_error)
}

/// The address of a service.
fn address(local: &Local<'_>, names: &[&str], example: &str) -> Result<Option<Url>, Wrong> {
    let Some((name, text)) = first(local, names) else {
        return Ok(None);
    };
    let good = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    match Url::parse(text) {
        Ok(url) if good(&url) => Ok(Some(url)),
        _ => Err(Wrong::new(
            format!("needs {name}, which is not the address of a server"),
            format!("write scheme, host and port, such as {example}"),
        )),
    }
}

/// The first of these variables that is set.
fn first<'a, 'n>(local: &'a Local<'_>, names: &[&'n str]) -> Option<(&'n str, &'a str)> {
    names
        .iter()
        .find_map(|name| local.variable(name).map(|value| (*name, value)))
}

/// The URL of `segments` below `base`.
fn below<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    // An address with a host can always be extended.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// Failures of the way there, told about the service and its setting.
fn explained(error: Error, service: Service, setting: &'static str) -> Error {
    if error.details().contains_key("upstream_status") {
        return error;
    }
    let title = service.title();
    let told = error
        .message()
        .replace("The provider", title)
        .replace("the provider", title);
    let hint = match error.kind() {
        Kind::Unavailable => error
            .hint_text()
            .unwrap_or_default()
            .replace("`base_url`", setting),
        Kind::Timeout | Kind::CircuitOpen | Kind::BadUpstreamResponse => {
            format!("Check {setting}, the network and the state of {title}")
        }
        _ => return error,
    };
    error.with_message(told).hint(hint)
}

/// Whether everything else that is asked would fail like this.
fn is_down(error: &Error) -> bool {
    matches!(
        error.kind(),
        Kind::Unavailable
            | Kind::Timeout
            | Kind::CircuitOpen
            | Kind::RateLimited
            | Kind::AuthFailed
            | Kind::NotConfigured
    )
}

/// What the status alone says.
fn by_status(answer: &HttpResponse, title: &str) -> Error {
    let status = answer.status;
    if status.is_redirection() {
        return answer
            .error(format!(
                "{title} leads to another address, which is not followed"
            ))
            .hint("Give the address that answers itself");
    }
    answer
        .error(format!("{title} answered with status {}", status.as_u16()))
        .hint(format!("Look at the log of {title}"))
}

/// Reads an answer and wipes it: it holds secrets.
///
/// The parser's own words are dropped, since they may quote a value.
fn read<T: DeserializeOwned>(answer: HttpResponse, title: &str) -> Result<T> {
    let parsed = serde_json::from_slice(&answer.body);
    if let Ok(mut body) = answer.body.try_into_mut() {
        secrecy::zeroize::Zeroize::zeroize(&mut body[..]);
    }
    parsed.map_err(|_| {
        Error::new(
            Kind::BadUpstreamResponse,
            format!("{title} sent an answer that cannot be read"),
        )
        .detail("upstream_status", answer.status.as_u16())
        .hint("Check that the address is that of the service itself and not of a page before it")
    })
}

/// A member of a secret that is an object: a text, or a number or a truth value as text, or neither.
struct Text(Option<Secret>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Some(Secret::new(text))))
            }
            fn visit_string<E>(self, text: String) -> Result<Text, E> {
                Ok(Text(Some(Secret::new(text))))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
                Ok(Text(Some(Secret::new(number.to_string()))))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
                Ok(Text(Some(Secret::new(number.to_string()))))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
                Ok(Text(Some(Secret::new(value.to_string()))))
            }
            // A fraction has no one text.
            fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
                Ok(Text(None))
            }
            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// The value of a key.
fn member(members: &BTreeMap<String, Text>, key: &str, title: &str) -> Result<Secret> {
    let not_there = |what: &str, hint: &str| {
        Err(
            Error::new(Kind::NotFound, format!("the secret in {title} {what}"))
                .hint(hint.to_owned()),
        )
    };
    match members.get(key) {
        None => not_there("has no such key", "Name one of its keys after `#`"),
        Some(Text(None)) => not_there(
            "holds no text under this key",
            "Keep the value there as a text",
        ),
        Some(Text(Some(secret))) => filled(secret.clone(), title),
    }
}

/// A reference that came to the wrong service.
fn not_asked() -> Error {
    Error::internal("a reference to another service")
}

/// An empty secret is none.
fn filled(secret: Secret, title: &str) -> Result<Secret> {
    if secret.expose().is_empty() {
        return Err(
            Error::new(Kind::NotFound, format!("the secret in {title} is empty"))
                .hint("Fill it in there"),
        );
    }
    Ok(secret)
}
