//! `telemetry`: where traces and metrics are sent.

use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::Report;
use super::state::Masked;
use crate::policy::{Span, secs};

/// `telemetry`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryBlock {
    /// A collector that speaks OTLP over HTTP (`http/protobuf`).
    pub otlp: OtlpBlock,
}

/// `telemetry.otlp`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OtlpBlock {
    /// The collector: `http://localhost:4318`. Nothing is sent without it.
    pub endpoint: Option<String>,
    /// Headers of every export, as `name=value,name=value` with the values percent-encoded: `api-key=abc`.
    pub headers: Option<Masked>,
    /// Whether traces are sent.
    pub traces: bool,
    /// Whether metrics are sent, those of `/metrics` under the same names.
    pub metrics: bool,
    /// How often metrics are sent.
    pub interval: Span,
    /// The part of the traces that is kept, from 0 to 1; a caller who says whether a trace is kept decides instead.
    #[schemars(range(min = 0, max = 1))]
    pub sample_ratio: f64,
    /// The name of this service in traces and metrics.
    #[schemars(length(min = 1))]
    pub service_name: String,
    /// What else is told of this service, as `name=value,name=value` with the values percent-encoded.
    pub resource: String,
}

impl Default for OtlpBlock {
    fn default() -> Self {
        Self {
            endpoint: None,
            headers: None,
            traces: true,
            metrics: true,
            interval: Span(secs(60)),
            sample_ratio: 1.0,
            service_name: "business-tools-mcp".to_owned(),
            resource: String::new(),
        }
    }
}

impl OtlpBlock {
    /// The address of one signal, `traces` or `metrics`; `None` when there is no collector.
    pub fn url(&self, signal: &str) -> Option<Url> {
        let mut url = Url::parse(self.endpoint.as_deref()?).ok()?;
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(["v1", signal]);
        Some(url)
    }

    /// The headers of every export.
    ///
    /// # Errors
    /// What is wrong with them, without their text.
    pub fn header_pairs(&self) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
        let Some(headers) = &self.headers else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for (name, value) in pairs(headers.0.expose())? {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| "has a name that no header can have".to_owned())?;
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| "has a value that no header can carry".to_owned())?;
            value.set_sensitive(true);
            all.push((name, value));
        }
        Ok(all)
    }

    /// What else is told of this service.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn resource_pairs(&self) -> Result<Vec<(String, String)>, String> {
        pairs(&self.resource)
    }

    /// Tells what cannot be used.
    pub(super) fn check(&self, report: &mut Report) {
        let usable = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let parsed = self.endpoint.as_deref().map(Url::parse);
        if !parsed.is_none_or(|url| url.as_ref().is_ok_and(usable)) {
            report.add(
                "telemetry.otlp.endpoint",
                "is not an http or https URL",
                "write the address of a collector's OTLP/HTTP port, such as http://localhost:4318",
            );
        }
        let form = "write name=value,name=value with the values percent-encoded";
        if let Err(what) = self.header_pairs() {
            report.add("telemetry.otlp.headers", what, form);
        }
        if let Err(what) = self.resource_pairs() {
            report.add("telemetry.otlp.resource", what, form);
        }
    }
}

/// `name=value,name=value`, as the customary variables have it.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair
                .split_once('=')
                .ok_or("has a part without an equals sign")?;
            let (name, value) = (name.trim(), decoded(value.trim())?);
            if name.is_empty() {
                return Err("has a part without a name".to_owned());
            }
            Ok((name.to_owned(), value))
        })
        .collect()
}

/// Percent-decoded, as a header and not as a form: a plus is a plus.
fn decoded(text: &str) -> Result<String, String> {
    let wrong = || "has a value that is not percent-encoded".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(wrong());
        };
        bytes.push(u8::try_from(high << 4 | low).map_err(|_| wrong())?);
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn block(endpoint: &str, headers: &str) -> OtlpBlock {
        OtlpBlock {
            endpoint: Some(endpoint.to_owned()),
            headers: Some(Masked(Secret::new(headers))),
            ..OtlpBlock::default()
        }
    }

    #[test]
    fn a_signal_is_sent_below_the_collectors_address() {
        for endpoint in ["http://localhost:4318", "http://localhost:4318/"] {
            let url = block(endpoint, "").url("traces").unwrap();
            assert_eq!(url.as_str(), "http://localhost:4318/v1/traces");
        }
        let url = block("https://otel.example.com/otlp/", "").url("metrics");
        assert_eq!(
            url.unwrap().as_str(),
            "https://otel.example.com/otlp/v1/metrics"
        );
        assert_eq!(OtlpBlock::default().url("traces"), None);
    }

    #[test]
    fn headers_are_percent_encoded_and_secret() {
        let block = block("http://c", "Authorization=Basic%20YT+i, api-key = abc ,");
        let pairs = block.header_pairs().unwrap();
        let texts: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(texts, [("authorization", "Basic YT+i"), ("api-key", "abc")]);
        assert!(!format!("{pairs:?}{block:?}").contains("abc"));
        assert!(!serde_json::to_string(&block).unwrap().contains("abc"));
    }

    #[test]
    fn what_cannot_be_used_is_told_without_its_text() {
        for (endpoint, headers) in [
            ("localhost:4318", ""),
            ("ftp://c", ""),
            ("http://c", "CANARY"),
            ("http://c", "=CANARY"),
            ("http://c", "a=CANARY%4"),
            ("http://c", "a b=CANARY"),
            ("http://c", "a=CANARY%0A"),
        ] {
            let mut report = Report::default();
            block(endpoint, headers).check(&mut report);
            let faults = report.faults();
            assert_eq!(faults.len(), 1, "{endpoint} {headers}");
            assert!(!faults[0].to_string().contains("CANARY"));
        }
    }
}
