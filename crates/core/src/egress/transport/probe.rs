//! A bare question to a host, without credentials: whether it can be reached, and what time it has.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::unsent::unsent;
use crate::Env;
use crate::error::{Error, Kind, Result};
use crate::policy::Connections;

/// What a host answered.
#[derive(Debug, Clone)]
pub struct Probed {
    /// The status: any proves that the host is there.
    pub status: http::StatusCode,
    /// How long it took, the connection included.
    pub took: Duration,
    /// By how much its clock is ahead of ours, in seconds; `None` when it does not say.
    pub clock: Option<i64>,
}

/// Asks for the head of a URL.
///
/// # Errors
/// `UNAVAILABLE` or `TIMEOUT` in the words of a call.
pub async fn probe(env: &Env, url: Url, patience: Duration) -> Result<Probed> {
    let pool = env
        .pools
        .http_pool("probe", Connections::DEFAULT, &env.metrics);
    let client = pool.client()?;
    let started = Instant::now();
    let sent = tokio::time::timeout(patience, client.head(url).send()).await;
    let answer = match sent {
        Ok(answer) => answer.map_err(unsent)?,
        Err(_) => {
            return Err(Error::new(
                Kind::Timeout,
                format!("No answer within {:.1} s", patience.as_secs_f64()),
            )
            .hint("Check the network, the proxy and the provider's status page"));
        }
    };
    let date = answer.headers().get(http::header::DATE);
    let clock = date
        .and_then(|date| date.to_str().ok())
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .map(|date| date.timestamp().as_second() - jiff::Timestamp::now().as_second());
    Ok(Probed {
        status: answer.status(),
        took: started.elapsed(),
        clock,
    })
}
