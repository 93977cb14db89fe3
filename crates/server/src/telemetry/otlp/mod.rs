//! Traces and metrics to an OpenTelemetry collector, as OTLP over HTTP.

mod collector;
mod metrics;
mod spans;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use business_tools_core::config::{Config, OtlpBlock};
use business_tools_core::{Env, Traces, prometheus};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use prost::Message as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;

use super::Listener;
use collector::Collector;

/// What is exported, until it is stopped.
pub(crate) struct Otlp {
    spans: Option<SdkTracerProvider>,
    metrics: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

/// What the beginning of an export gives.
pub(crate) struct Started {
    pub(crate) otlp: Otlp,
    /// Takes the spans of this process.
    pub(crate) listener: Option<Listener>,
    /// Ties them to the traces of callers and providers.
    pub(crate) traces: Option<Arc<dyn Traces>>,
}

/// Begins to export, if there is a collector.
pub(crate) fn start(config: &Config, env: &Env) -> Result<Option<Started>, prometheus::Error> {
    let block = &config.telemetry.otlp;
    let resource = resource(block, &config.environment);
    let stop = CancellationToken::new();
    let exports = prometheus::IntCounterVec::new(
        prometheus::Opts::new("mcp_otlp_exports_total", "Exports to the collector"),
        &["signal", "status"],
    )?;
    let collector = |signal| Collector::new(block, signal, env, exports.clone()).map(Arc::new);
    let (mut listener, mut traces, mut spans, mut metrics) = (None, None, None, None);
    if let Some(to) = block.traces.then(|| collector("traces")).flatten() {
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                block.sample_ratio,
            ))))
            .with_batch_exporter(spans::Exporter::new(to))
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false);
        // Spans alone: what is logged within them may say more than a trace should.
        let ours = filter_fn(|meta| meta.is_span() && meta.target().starts_with("business_tools"));
        let layer = layer.with_filter(ours.with_max_level_hint(LevelFilter::DEBUG));
        listener = Some(layer.boxed() as Listener);
        traces = Some(Arc::new(spans::Kept) as Arc<dyn Traces>);
        spans = Some(provider);
    }
    if let Some(to) = block.metrics.then(|| collector("metrics")).flatten() {
        let registry = env.metrics.registry().clone();
        let source = Source {
            registry,
            attributes: (&resource).into(),
            began: SystemTime::now(),
        };
        let every = block.interval.0.max(Duration::from_millis(100));
        metrics = Some(tokio::spawn(source.keep_sending(to, every, stop.clone())));
    }
    if spans.is_none() && metrics.is_none() {
        return Ok(None);
    }
    env.metrics.registry().register(Box::new(exports))?;
    Ok(Some(Started {
        otlp: Otlp {
            spans,
            metrics,
            stop,
        },
        listener,
        traces,
    }))
}

impl Otlp {
    /// Sends what is left, for at most `patience`.
    pub(crate) async fn stop(&self, patience: Duration) {
        self.stop.cancel();
        let spans = self.spans.clone();
        let flushed = tokio::task::spawn_blocking(move || {
            if let Some(spans) = spans {
                // Whatever could not be sent was told when it was tried.
                let _ = spans.shutdown_with_timeout(patience);
            }
        });
        let last = async {
            while self.metrics.as_ref().is_some_and(|it| !it.is_finished()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let both = async { tokio::join!(flushed, last) };
        let _ = tokio::time::timeout(patience, both).await;
    }
}

/// Where metrics come from.
struct Source {
    registry: prometheus::Registry,
    attributes: ResourceAttributesWithSchema,
    began: SystemTime,
}

impl Source {
    async fn keep_sending(self, to: Arc<Collector>, every: Duration, stop: CancellationToken) {
        loop {
            let last = tokio::select! {
                () = tokio::time::sleep(every) => false,
                () = stop.cancelled() => true,
            };
            let request = metrics::request(&self.registry.gather(), &self.attributes, self.began);
            to.send(request.encode_to_vec()).await;
            if last {
                return;
            }
        }
    }
}

/// What is told of this process. What the operator says about it holds.
fn resource(block: &OtlpBlock, environment: &str) -> Resource {
    let known = [
        ("service.name", block.service_name.clone()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", uuid::Uuid::new_v4().to_string()),
        ("deployment.environment.name", environment.to_owned()),
    ];
    let known = known
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    // The configuration was refused if these could not be read.
    let said = block.resource_pairs().unwrap_or_default();
    let said = said.into_iter().filter(|(name, _)| name != "service.name");
    Resource::builder_empty()
        .with_attributes(
            known
                .chain(said)
                .map(|(name, value)| KeyValue::new(name, value)),
        )
        .build()
}
