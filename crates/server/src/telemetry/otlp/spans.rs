//! Spans: from our names to the conventional ones, and on to the collector.

use std::borrow::Cow;
use std::sync::Arc;

use business_tools_core::{TraceContext, Traces};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message as _;
use tokio::runtime::Handle;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::collector::Collector;

/// The traces that OpenTelemetry keeps.
pub(super) struct Kept;

impl Traces for Kept {
    fn continues(&self, span: &tracing::Span, parent: &TraceContext) {
        let (Ok(trace), Ok(id)) = (
            TraceId::from_hex(parent.trace_id()),
            SpanId::from_hex(parent.span_id()),
        ) else {
            return;
        };
        let flags = if parent.sampled() {
            TraceFlags::SAMPLED
        } else {
            TraceFlags::default()
        };
        // A state that cannot be read is not passed on, which is what its makers expect.
        let state = parent.tracestate().and_then(|state| state.parse().ok());
        let remote = SpanContext::new(trace, id, flags, true, state.unwrap_or(TraceState::NONE));
        // It fails where nobody listens to the span, and then there is nothing to tie.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote));
    }

    fn place(&self, span: &tracing::Span) -> Option<TraceContext> {
        let context = span.context();
        let place = context.span().span_context().clone();
        place.is_valid().then(|| {
            TraceContext::new(
                u128::from_be_bytes(place.trace_id().to_bytes()),
                u64::from_be_bytes(place.span_id().to_bytes()),
                place.trace_flags().to_u8(),
                Some(place.trace_state().header()),
            )
        })
    }

    fn ends(&self, span: &tracing::Span, outcome: &'static str, origin: &'static str) {
        span.set_attribute("outcome", outcome);
        span.set_attribute("origin", origin);
    }
}

/// Sends batches of spans. The SDK calls it from a thread of its own, with a bounded queue before it.
#[derive(Debug)]
pub(super) struct Exporter {
    to: Arc<Collector>,
    runtime: Handle,
    resource: ResourceAttributesWithSchema,
}

impl Exporter {
    /// Must be called on the runtime that sends.
    pub(super) fn new(to: Arc<Collector>) -> Self {
        Self {
            to,
            runtime: Handle::current(),
            resource: ResourceAttributesWithSchema::default(),
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.into_iter().map(conventional).collect();
        let request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(spans, &self.resource),
        };
        let (to, body) = (Arc::clone(&self.to), request.encode_to_vec());
        // The thread of the SDK is none of the runtime's.
        match self.runtime.spawn(async move { to.send(body).await }).await {
            Ok(true) => Ok(()),
            _ => Err(OTelSdkError::InternalFailure("not taken".to_owned())),
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

/// The span under the names of the semantic conventions, and ours where they have none.
fn conventional(mut span: SpanData) -> SpanData {
    let given = std::mem::take(&mut span.attributes);
    let text = |name: &str| {
        let found = given.iter().find(|it| it.key.as_str() == name);
        found.map_or(Cow::Borrowed(""), |it| it.value.as_str())
    };
    let outcome = text("outcome").into_owned();
    let names: fn(&str) -> Option<&'static str> = match &*span.name {
        "call" => {
            let name = format!("tools/call {}", text("tool"));
            span.name = name.into();
            span.span_kind = SpanKind::Server;
            span.attributes = vec![
                KeyValue::new("mcp.method.name", "tools/call"),
                KeyValue::new("gen_ai.operation.name", "execute_tool"),
            ];
            call_name
        }
        "attempt" => {
            let route = text("route");
            let name = format!("{} {route}", text("method"));
            span.name = name.trim_end().to_owned().into();
            span.span_kind = SpanKind::Client;
            if route.is_empty() {
                command_name
            } else {
                http_name
            }
        }
        _ => |_| None,
    };
    for KeyValue { key, value, .. } in given {
        if key.as_str() == "attempt"
            && let Value::I64(n @ 2..) = value
        {
            span.attributes
                .push(KeyValue::new("http.request.resend_count", n - 1));
        }
        if let Some(name) = names(key.as_str()) {
            span.attributes.push(KeyValue::new(name, value));
        }
    }
    if !matches!(outcome.as_str(), "" | "ok") {
        span.attributes
            .push(KeyValue::new("error.type", outcome.clone()));
        span.status = Status::error(outcome);
    }
    span
}

fn call_name(ours: &str) -> Option<&'static str> {
    Some(match ours {
        "tool" => "gen_ai.tool.name",
        "operation" => "business_tools.operation",
        "tenant" => "business_tools.tenant",
        "request_id" => "business_tools.request_id",
        "origin" => "business_tools.origin",
        _ => return common_name(ours),
    })
}

fn http_name(ours: &str) -> Option<&'static str> {
    Some(match ours {
        "method" => "http.request.method",
        "route" => "url.template",
        "status" => "http.response.status_code",
        _ => return attempt_name(ours),
    })
}

fn command_name(ours: &str) -> Option<&'static str> {
    match ours {
        "method" => Some("db.operation.name"),
        _ => attempt_name(ours),
    }
}

fn attempt_name(ours: &str) -> Option<&'static str> {
    match ours {
        "attempt" => Some("business_tools.attempt"),
        _ => common_name(ours),
    }
}

fn common_name(ours: &str) -> Option<&'static str> {
    Some(match ours {
        "provider" => "business_tools.provider",
        "account" => "business_tools.account",
        "outcome" => "business_tools.outcome",
        _ => return None,
    })
}
