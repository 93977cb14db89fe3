//! Bytes to a collector of this process's own telemetry: no provider, no plane, no second try.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use url::Url;

use super::unsent::unsent;
use crate::policy::Connections;
use crate::Env;
use crate::error::{Error, Kind, Result};

/// Posts `body` and gives the status. The answer is not read.
///
/// # Errors
/// `UNAVAILABLE` or `TIMEOUT` when there is no answer.
pub async fn deliver(
    env: &Env,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    patience: Duration,
) -> Result<StatusCode> {
    let pool = env
        .pools
        .http_pool("otlp", Connections::DEFAULT, &env.metrics);
    let client = pool.client()?;
    let sent = client.post(url).headers(headers).body(body).send();
    match tokio::time::timeout(patience, sent).await {
        Ok(answer) => Ok(answer.map_err(unsent)?.status()),
        Err(_) => Err(Error::new(
            Kind::Timeout,
            format!("No answer within {:.1} s", patience.as_secs_f64()),
        )),
    }
}
