//! The way to a provider: its name, the connection, its clock.

use std::time::Duration;

use business_tools_core::Env;
use business_tools_core::egress::transport::{Probed, probe};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use super::finding::{Finding, Verdict};

/// Somewhere that requests go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Scheme, host and port of a web service.
    Web(url::Url),
    /// Host and port of anything else.
    Socket(String, u16),
    /// A name that the driver looks up in its own way.
    Service(String),
}

/// How far two clocks may be apart before signed requests and tokens are at risk, in seconds.
const APART: i64 = 30;

impl Target {
    fn host(&self) -> (String, u16) {
        match self {
            Self::Web(url) => (
                url.host_str().unwrap_or_default().to_owned(),
                url.port_or_known_default().unwrap_or(443),
            ),
            Self::Socket(host, port) => (host.clone(), *port),
            Self::Service(name) => (name.clone(), 0),
        }
    }

    /// The hosts of a connection string, whatever its scheme: `scheme://user:password@a:1,b:2/path`.
    pub(super) fn of_connection_string(text: &str) -> Vec<Self> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Vec::new();
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let hosts = authority.rsplit('@').next().unwrap_or_default();
        if scheme.ends_with("+srv") {
            return vec![Self::Service(hosts.to_owned())];
        }
        hosts
            .split(',')
            .filter(|host| !host.is_empty())
            .map(|host| match host.rsplit_once(':') {
                Some((name, port)) if !name.is_empty() => {
                    Self::Socket(name.to_owned(), port.parse().unwrap_or(27017))
                }
                _ => Self::Socket(host.to_owned(), 27017),
            })
            .collect()
    }
}

/// Looks a target up and connects to it.
pub(super) async fn findings(
    subject: &str,
    target: &Target,
    env: &Env,
    patience: Duration,
) -> Vec<Finding> {
    let (host, port) = target.host();
    if let Target::Service(name) = target {
        let answer = "is a service record, which the driver looks up";
        return vec![Finding::new(subject, "dns", Verdict::Ok, name, answer)];
    }
    let mut found = Vec::new();
    let bare = host.trim_matches(['[', ']']);
    if bare.parse::<std::net::IpAddr>().is_err() {
        found.push(dns(subject, &host, port, patience).await);
    }
    let resolved = found.iter().all(|finding| finding.verdict == Verdict::Ok);
    match target {
        Target::Web(url) => match probe(env, url.clone(), patience).await {
            Ok(probed) => {
                // A proxy looks names up for us.
                for finding in &mut found {
                    if finding.verdict == Verdict::Failed {
                        finding.verdict = Verdict::Odd;
                    }
                }
                found.extend(reached(subject, url, &probed));
            }
            Err(error) => found.push(
                Finding::new(
                    subject,
                    "connection",
                    Verdict::Failed,
                    url.as_str(),
                    error.message(),
                )
                .remedy(error.hint_text().unwrap_or_default()),
            ),
        },
        _ if !resolved => {}
        _ => found.push(connection(subject, bare, port, patience).await),
    }
    found
}

fn reached(subject: &str, url: &url::Url, probed: &Probed) -> Vec<Finding> {
    let answer = format!("answered with status {}", probed.status.as_u16());
    let mut found = vec![
        Finding::new(subject, "connection", Verdict::Ok, url.as_str(), answer).took(probed.took),
    ];
    if let Some(apart) = probed.clock.filter(|apart| apart.abs() > APART) {
        let answer = format!("the provider's clock and ours are {} s apart", apart.abs());
        found.push(
            Finding::new(subject, "clock", Verdict::Odd, "", answer)
                .remedy("Set the clock of this machine: tokens and signatures depend on it"),
        );
    }
    found
}

async fn dns(subject: &str, host: &str, port: u16, patience: Duration) -> Finding {
    let started = Instant::now();
    let found = timeout(patience, lookup_host((host, port))).await;
    let finding = |verdict, answer: String| {
        Finding::new(subject, "dns", verdict, host, answer).took(started.elapsed())
    };
    let remedy = "Check the name in `base_url`, and the DNS of this machine";
    match found {
        Ok(Ok(addresses)) => match addresses
            .map(|address| address.ip())
            .collect::<Vec<_>>()
            .as_slice()
        {
            [] => finding(Verdict::Failed, "has no address".to_owned()).remedy(remedy),
            [first] => finding(Verdict::Ok, format!("is {first}")),
            [first, others @ ..] => {
                finding(Verdict::Ok, format!("is {first} and {} more", others.len()))
            }
        },
        Ok(Err(error)) => finding(Verdict::Failed, error.to_string()).remedy(remedy),
        Err(_) => finding(Verdict::Failed, "no name server answered".to_owned()).remedy(remedy),
    }
}

async fn connection(subject: &str, host: &str, port: u16, patience: Duration) -> Finding {
    let started = Instant::now();
    let connected = timeout(patience, TcpStream::connect((host, port))).await;
    let tried = format!("{host}:{port}");
    let finding = |verdict, answer: String| {
        Finding::new(subject, "connection", verdict, tried, answer).took(started.elapsed())
    };
    let remedy = "Check that it runs, the port, and the firewalls in between";
    match connected {
        Ok(Ok(_)) => finding(Verdict::Ok, "takes connections".to_owned()),
        Ok(Err(error)) => finding(Verdict::Failed, error.to_string()).remedy(remedy),
        Err(_) => finding(Verdict::Failed, "does not answer".to_owned()).remedy(remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_strings_give_their_hosts_and_no_password() {
        let socket = |host: &str, port| Target::Socket(host.to_owned(), port);
        for (text, want) in [
            ("mongodb://a", vec![socket("a", 27017)]),
            (
                "mongodb://me:p%40ss@a:1,b:2/shop?x=y",
                vec![socket("a", 1), socket("b", 2)],
            ),
            (
                "mongodb+srv://me:pass@cluster.example.com/shop",
                vec![Target::Service("cluster.example.com".to_owned())],
            ),
            ("nothing", vec![]),
        ] {
            assert_eq!(Target::of_connection_string(text), want, "{text}");
        }
    }
}
