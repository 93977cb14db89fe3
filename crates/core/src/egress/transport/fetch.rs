//! URLs that callers name: fetched only from public addresses, with a bound on size and time.
//!
//! The addresses are checked where the connection takes them from, so that a name cannot show one address
//! to the check and another to the connection. Redirects are followed here, each checked like the first.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, LOCATION};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::unsent::unsent;
use crate::Env;
use crate::cx::Cx;
use crate::error::{Error, Fate, Kind, Result};

/// The most redirects that are followed.
const REDIRECTS: usize = 5;

/// The time for everything: look-up, redirects, the whole body.
const PATIENCE: Duration = Duration::from_mins(1);

/// Which hosts may have private addresses.
#[derive(Debug, Clone, Default)]
pub enum PrivateHosts {
    /// None.
    #[default]
    None,
    /// These names, which the operator trusts.
    Named(Arc<[String]>),
    /// All, for tests on loopback.
    All,
}

impl PrivateHosts {
    fn allow(&self, host: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.iter().any(|name| name.eq_ignore_ascii_case(host)),
            Self::All => true,
        }
    }
}

/// What was behind a URL.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The bytes; none in a dry run, which fetches nothing.
    pub bytes: Bytes,
    /// What the server says that it is, parameters left out.
    pub media_type: Option<String>,
    /// The last part of the path, if there is one.
    pub name: Option<String>,
}

/// Gets what is behind URLs that callers name.
#[derive(Clone)]
pub struct Fetcher {
    private: PrivateHosts,
    client: Arc<OnceLock<Result<reqwest::Client, String>>>,
}

impl Fetcher {
    pub(crate) fn new(env: &Env) -> Self {
        Self {
            private: env.private_hosts.clone(),
            client: Arc::default(),
        }
    }

    /// Fetches `url`, which the argument at `pointer` names.
    ///
    /// # Errors
    /// `INVALID_ARGUMENTS` at `pointer` when the URL is not HTTP, leads to a private address (directly, by name
    /// or by a redirect), answers with an error, or holds more than `max_bytes`. `TIMEOUT` and `UNAVAILABLE` when
    /// it cannot be had.
    pub async fn get(&self, cx: &Cx, pointer: &str, url: &Url, max_bytes: u64) -> Result<Fetched> {
        let fetched = async {
            let mut url = url.clone();
            for _ in 0..=REDIRECTS {
                match self.once(cx, pointer, &url, max_bytes).await? {
                    Step::Done(fetched) => return Ok(fetched),
                    Step::Moved(next) => url = next,
                }
            }
            Err(refused(pointer, "redirects too often"))
        };
        let patience = cx.remaining().map_or(PATIENCE, |left| left.min(PATIENCE));
        tokio::select! {
            fetched = fetched => fetched,
            () = tokio::time::sleep(patience) => Err(Error::new(
                Kind::Timeout,
                "The URL gave no complete answer in time",
            )
            .fate(Fate::NotSent)
            .hint("Try again, or give the content in another way")),
            () = cx.cancel().cancelled() => {
                Err(Error::new(Kind::Cancelled, "The caller gave up").fate(Fate::NotSent))
            }
        }
    }

    async fn once(&self, cx: &Cx, pointer: &str, url: &Url, max_bytes: u64) -> Result<Step> {
        self.check(pointer, url)?;
        let name = url
            .path_segments()
            .and_then(|mut parts| parts.next_back())
            .filter(|name| !name.is_empty())
            .map(str::to_owned);
        if cx.is_dry_run() {
            return Ok(Step::Done(Fetched {
                bytes: Bytes::new(),
                media_type: None,
                name,
            }));
        }
        let mut answer = self
            .client()?
            .get(url.clone())
            .send()
            .await
            .map_err(|error| not_had(pointer, error))?;
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers().get(LOCATION);
            let to = to.and_then(|to| to.to_str().ok());
            let next = to
                .and_then(|to| url.join(to).ok())
                .ok_or_else(|| refused(pointer, "redirects to nowhere"))?;
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(refused(
                    pointer,
                    "redirects from https to an open connection",
                ));
            }
            return Ok(Step::Moved(next));
        }
        if !status.is_success() {
            return Err(refused(
                pointer,
                &format!("answers with status {}", status.as_u16()),
            ));
        }
        if let Some(len) = answer.content_length().filter(|&len| len > max_bytes) {
            return Err(crate::files::too_large(pointer, len, max_bytes));
        }
        let media_type = answer
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .and_then(|kind| kind.split(';').next())
            .map(|kind| kind.trim().to_ascii_lowercase());
        let mut bytes = BytesMut::new();
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|error| not_had(pointer, error))?
        {
            let len = (bytes.len() + chunk.len()) as u64;
            if len > max_bytes {
                return Err(crate::files::too_large(pointer, len, max_bytes));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Step::Done(Fetched {
            bytes: bytes.freeze(),
            media_type,
            name,
        }))
    }

    /// What can be told before anything is looked up.
    fn check(&self, pointer: &str, url: &Url) -> Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(pointer, "must be an http or https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(pointer, "must hold no user name and no password"));
        }
        let Some(host) = url.host() else {
            return Err(refused(pointer, "must name a host"));
        };
        // An address in the URL never passes the resolver.
        let address = match host {
            Host::Domain(_) => return Ok(()),
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
        };
        if is_public(address) || self.private.allow(&host.to_string()) {
            Ok(())
        } else {
            Err(private(pointer))
        }
    }

    fn client(&self) -> Result<reqwest::Client> {
        self.client
            .get_or_init(|| {
                reqwest::Client::builder()
                    .user_agent(concat!("business-tools/", env!("CARGO_PKG_VERSION")))
                    .connect_timeout(Duration::from_secs(10))
                    .redirect(reqwest::redirect::Policy::none())
                    .referer(false)
                    // A proxy would look the name up itself, out of reach of the check.
                    .no_proxy()
                    .pool_max_idle_per_host(0)
                    .dns_resolver(Arc::new(Guard(self.private.clone())))
                    .build()
                    .map_err(|error| error.to_string())
            })
            .clone()
            .map_err(Error::internal)
    }
}

enum Step {
    Done(Fetched),
    Moved(Url),
}

fn refused(pointer: &str, what: &str) -> Error {
    Error::argument(pointer, what.to_owned())
        .fate(Fate::NotSent)
        .hint("Give a public https URL that answers with the content itself")
}

fn private(pointer: &str) -> Error {
    Error::argument(pointer, "leads to an address that is not public".to_owned())
        .fate(Fate::NotSent)
        .hint("Give a public URL; an operator may name a host of the private network in `content.private_hosts`")
}

fn not_had(pointer: &str, error: reqwest::Error) -> Error {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(cause) = next {
        if cause.is::<NotPublic>() {
            return private(pointer);
        }
        next = cause.source();
    }
    // The words of the transport, which speak of a provider, are about the caller's host here.
    let known = unsent(error);
    Error::new(known.kind(), "The URL cannot be fetched")
        .fate(Fate::NotSent)
        .hint("Check that the URL is right and that its host answers")
        .source(known)
}

/// A name all of whose addresses are private.
#[derive(Debug)]
struct NotPublic;

impl std::fmt::Display for NotPublic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name has no public address")
    }
}

impl std::error::Error for NotPublic {}

/// Resolves names to their public addresses, which are all that a connection may use.
struct Guard(PrivateHosts);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let any = self.0.allow(name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found
                .filter(|address| any || is_public(address.ip()))
                .collect();
            if public.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        // "This network", private, loopback, multicast and reserved.
        (0 | 10 | 127 | 224.., ..)
        // Shared between a provider and its customers.
        | (100, 64..=127, _)
        // Link-local, where clouds keep their metadata.
        | (169, 254, _)
        | (172, 16..=31, _)
        | (192, 168, _)
        // Protocol assignments, documentation, the old 6to4 relay, benchmarks.
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18..=19, _)
        | (198, 51, 100)
        | (203, 0, 113)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // IPv4 in the clothes of IPv6: mapped, translated, 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments with Teredo, documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // All that is given out to the public.
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.9.9",
            "198.51.100.7",
            "203.0.113.5",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860::8888",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
