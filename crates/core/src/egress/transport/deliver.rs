//! Bytes to a collector of this process's own telemetry: no provider, no plane, no second try.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use url::Url;

use super::HttpPool;
use super::unsent::unsent;
use crate::Env;
use crate::error::{Error, Kind, Result};
use crate::policy::Connections;

/// Brings bytes somewhere, over connections of its own.
pub struct Courier(Arc<HttpPool>);

impl Courier {
    /// One whose connections are counted as those of `service`.
    pub fn new(service: &str, env: &Env) -> Self {
        let rules = Connections::DEFAULT;
        Self(env.pools.http_pool(service, rules, &env.metrics))
    }

    /// Posts `body` and gives the status. The answer is not read.
    ///
    /// # Errors
    /// `UNAVAILABLE` or `TIMEOUT` when there is no answer.
    pub async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
        patience: Duration,
    ) -> Result<StatusCode> {
        let client = self.0.client()?;
        let sent = client.post(url).headers(headers).body(body).send();
        match tokio::time::timeout(patience, sent).await {
            Ok(answer) => Ok(answer.map_err(unsent)?.status()),
            Err(_) => Err(Error::new(
                Kind::Timeout,
                format!("No answer within {:.1} s", patience.as_secs_f64()),
            )),
        }
    }
}
