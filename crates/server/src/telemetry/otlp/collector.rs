//! The collector: one request an export, no second try. What it does not take is lost, and calls go on.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use business_tools_core::Env;
use business_tools_core::config::OtlpBlock;
use business_tools_core::egress::transport::Courier;
use business_tools_core::prometheus::IntCounterVec;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use url::Url;

/// How long an export may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where one signal goes.
pub(super) struct Collector {
    signal: &'static str,
    url: Url,
    headers: HeaderMap,
    courier: Courier,
    exports: IntCounterVec,
    away: AtomicBool,
}

impl Collector {
    /// `None` when the configuration names none.
    pub(super) fn new(
        block: &OtlpBlock,
        signal: &'static str,
        env: &Env,
        exports: IntCounterVec,
    ) -> Option<Self> {
        let url = block.url(signal)?;
        // The configuration was refused if these could not be read.
        let mut headers: HeaderMap = block.header_pairs().ok()?.into_iter().collect();
        let kind = HeaderValue::from_static("application/x-protobuf");
        headers.insert(CONTENT_TYPE, kind);
        Some(Self {
            signal,
            url,
            headers,
            courier: Courier::new("otlp", env),
            exports,
            away: AtomicBool::new(false),
        })
    }

    /// Sends one export, and tells once when the collector takes none any more, and once when it does again.
    pub(super) async fn send(&self, body: Vec<u8>) -> bool {
        let (url, headers) = (self.url.clone(), self.headers.clone());
        let failure = match self.courier.post(url, headers, body.into(), PATIENCE).await {
            Ok(status) if status.is_success() => None,
            Ok(status) => Some(format!("HTTP {}", status.as_u16())),
            Err(error) => Some(error.message().to_owned()),
        };
        let status = if failure.is_none() { "ok" } else { "lost" };
        self.exports.with_label_values(&[self.signal, status]).inc();
        let was_away = self.away.swap(failure.is_some(), Ordering::Relaxed);
        match &failure {
            Some(why) if !was_away => tracing::warn!(
                signal = self.signal,
                why,
                "the collector takes nothing, calls go on; check telemetry.otlp: the endpoint is its OTLP/HTTP \
                 port, usually 4318"
            ),
            None if was_away => {
                tracing::info!(signal = self.signal, "the collector is there again");
            }
            _ => {}
        }
        failure.is_none()
    }
}

impl fmt::Debug for Collector {
    /// Its headers are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("signal", &self.signal)
            .finish_non_exhaustive()
    }
}
