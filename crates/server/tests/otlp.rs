//! Traces and metrics as a collector gets them, from the real binary.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![cfg(all(feature = "otlp", feature = "all", feature = "sandbox"))]

mod binary;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::routing::any;
use binary::{Folder, Server, Stdio};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Is;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const CANARY: &str = "CANARY-of-the-collector";
const ASKED: &str = "canary-person@example.com";

type Exports = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

/// A collector that keeps what it gets.
struct Collector {
    url: String,
    got: Exports,
}

impl Collector {
    async fn start() -> Self {
        async fn keep(State(got): State<Exports>, uri: Uri, headers: HeaderMap, body: Bytes) {
            got.lock()
                .unwrap()
                .push((uri.path().to_owned(), headers, body));
        }
        let got = Exports::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new()
            .fallback(any(keep))
            .with_state(got.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, got }
    }

    fn bodies(&self, path: &str) -> Vec<Bytes> {
        let got = self.got.lock().unwrap();
        let of = got.iter().filter(|(at, ..)| at == path);
        of.map(|(.., body)| body.clone()).collect()
    }

    fn spans(&self) -> Vec<Span> {
        self.bodies("/v1/traces")
            .into_iter()
            .flat_map(|body| {
                ExportTraceServiceRequest::decode(body)
                    .unwrap()
                    .resource_spans
            })
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }

    async fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is(self) {
            assert!(started.elapsed() < Duration::from_secs(20), "{what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn plain(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Is::StringValue(text)) => json!(text),
        Some(Is::IntValue(n)) => json!(n),
        Some(Is::BoolValue(is)) => json!(is),
        other => panic!("{other:?} is no attribute of ours"),
    }
}

fn attributes(all: &[KeyValue]) -> Value {
    all.iter()
        .map(|it| (it.key.clone(), plain(it.value.as_ref())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn hex(bytes: &[u8]) -> String {
    let pairs = bytes.iter().map(|byte| format!("{byte:02x}"));
    pairs.collect::<Vec<_>>().concat()
}

fn calls(spans: &[Span]) -> Vec<&Span> {
    let call = |span: &&Span| span.name.starts_with("tools/call");
    spans.iter().filter(call).collect()
}

fn below<'a>(spans: &'a [Span], parent: &Span) -> Vec<&'a Span> {
    let mut all: Vec<_> = spans
        .iter()
        .filter(|span| span.parent_span_id == parent.span_id)
        .collect();
    all.sort_by_key(|span| span.start_time_unix_nano);
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_one_span_of_the_callers_trace_with_a_span_for_each_attempt() {
    let collector = Collector::start().await;
    let folder = Folder::new(&[(
        "config.yaml",
        "providers: { hubspot: { trace_propagation: true } }\n\
         telemetry: { otlp: { interval: 200ms } }\n",
    )]);
    let headers = format!("api-key={CANARY}");
    let mut server = Server::start_with(
        &folder.0,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
            ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
            ("OTEL_SERVICE_NAME", "agents"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=crm%20people"),
        ],
        &["--sandbox"],
    );
    server
        .fault(json!({"provider": "hubspot", "kind": "status", "status": 503, "times": 2, "path": "/crm/"}))
        .await;
    let answer = server
        .http
        .post(format!("{}/v1/tools/hubspot_list_owners", server.base))
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .header("tracestate", "rojo=1")
        .json(&json!({"email": ASKED}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    collector
        .until("metrics arrive", |it| !it.bodies("/v1/metrics").is_empty())
        .await;
    server.process.signal("TERM");
    assert_eq!(server.process.exit_within(Duration::from_secs(10)), Some(0));

    // What was not sent yet is sent at the end.
    let spans = collector.spans();
    let calls = calls(&spans);
    assert_eq!(calls.len(), 1, "{spans:#?}");
    let call = calls[0];
    assert_eq!(call.name, "tools/call hubspot_list_owners");
    assert_eq!(hex(&call.trace_id), TRACE);
    assert_eq!(hex(&call.parent_span_id), PARENT);
    let told = attributes(&call.attributes);
    for (name, value) in [
        ("gen_ai.tool.name", "hubspot_list_owners"),
        ("mcp.method.name", "tools/call"),
        ("business_tools.operation", "list_owners"),
        ("business_tools.provider", "hubspot"),
        ("business_tools.account", "default"),
        ("business_tools.tenant", "default"),
        ("business_tools.outcome", "ok"),
        ("business_tools.origin", "fresh"),
    ] {
        assert_eq!(told[name], value, "{told}");
    }

    let attempts = below(&spans, call);
    let told: Vec<_> = attempts
        .iter()
        .map(|span| attributes(&span.attributes))
        .collect();
    let each = |name: &str| told.iter().map(|it| it[name].clone()).collect::<Vec<_>>();
    assert_eq!(each("business_tools.attempt"), [1, 2, 3]);
    assert_eq!(each("http.response.status_code"), [503, 503, 200]);
    assert_eq!(
        each("http.request.resend_count"),
        [Value::Null, json!(1), json!(2)]
    );
    assert_eq!(
        each("error.type"),
        [json!("UNAVAILABLE"), json!("UNAVAILABLE"), Value::Null]
    );
    for (span, told) in attempts.iter().zip(&told) {
        assert_eq!(hex(&span.trace_id), TRACE);
        assert_eq!(told["http.request.method"], "GET");
        assert_eq!(told["url.template"], "/hubspot/crm/owners/2026-09");
        assert_eq!(span.name, "GET /hubspot/crm/owners/2026-09");
    }

    // The collector's key is where it belongs, and nowhere else; nor is what the caller said.
    let got = collector.got.lock().unwrap();
    for (_, headers, body) in got.iter() {
        assert_eq!(headers["api-key"], CANARY);
        assert_eq!(headers["content-type"], "application/x-protobuf");
        let text = String::from_utf8_lossy(body);
        assert!(!text.contains(CANARY) && !text.contains("canary-person"));
    }
    let log = server.log.lock().unwrap().join("\n");
    assert!(log.contains(TRACE), "{log}");
    assert!(!log.contains(CANARY) && !log.contains("canary-person"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_may_know_it_gets_the_trace_and_the_span_of_its_attempt() {
    let collector = Collector::start().await;
    let folder = Folder::new(&[(
        "config.yaml",
        "providers: { hubspot: { trace_propagation: true } }\n",
    )]);
    let env = [("BUSINESS_TOOLS_OTLP_ENDPOINT", collector.url.as_str())];
    let mut server = Server::start_with(&folder.0, &env, &["--sandbox"]);
    let parent = format!("00-{TRACE}-{PARENT}-01");
    for tool in ["hubspot_list_owners", "twilio_list_messages"] {
        let url = format!("{}/v1/tools/{tool}", server.base);
        let request = server.http.post(url).header("traceparent", &parent);
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    let header = |request: &Value| {
        let headers = request["headers"].as_array().unwrap();
        let found = headers.iter().find(|it| it[0] == "traceparent")?;
        Some(found[1].as_str().unwrap().to_owned())
    };
    let sent = server.arrived("hubspot").await;
    let sent: Vec<_> = sent.iter().filter_map(header).collect();
    let kept_from = server.arrived("twilio").await;
    assert!(!kept_from.is_empty());
    assert_eq!(kept_from.iter().find_map(header), None);
    server.process.signal("TERM");
    assert_eq!(server.process.exit_within(Duration::from_secs(10)), Some(0));
    let spans = collector.spans();
    let calls = calls(&spans);
    let call = calls.iter().find(|span| span.name.contains("hubspot"));
    let attempt = below(&spans, call.unwrap())[0];
    assert_eq!(sent, [format!("00-{TRACE}-{}-01", hex(&attempt.span_id))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_arrive_under_the_names_of_the_page() {
    let collector = Collector::start().await;
    let folder = Folder::new(&[(
        "config.yaml",
        &format!(
            "telemetry: {{ otlp: {{ endpoint: '{}', interval: 200ms, traces: false }} }}\n",
            collector.url
        ),
    )]);
    let server = Server::start_in(&folder.0, &[]);
    server.call("hubspot_list_owners", json!({})).await;
    let named = |it: &Collector| {
        let bodies = it.bodies("/v1/metrics").into_iter();
        bodies
            .flat_map(|body| {
                ExportMetricsServiceRequest::decode(body)
                    .unwrap()
                    .resource_metrics
            })
            .flat_map(|resource| resource.scope_metrics)
            .flat_map(|scope| scope.metrics)
            .map(|metric| (metric.name, metric.data.unwrap()))
            .collect::<Vec<_>>()
    };
    let counted = |data: &Data| match data {
        Data::Sum(sum) => sum.data_points.iter().any(|point| {
            let told = attributes(&point.attributes);
            told["tool"] == "hubspot_list_owners"
                && told["status"] == "ok"
                && point.value == Some(Number::AsDouble(1.0))
        }),
        _ => false,
    };
    collector
        .until("the call is counted", |it| {
            named(it)
                .iter()
                .any(|(name, data)| name == "mcp_api_calls_total" && counted(data))
        })
        .await;
    let all = named(&collector);
    let (_, latency) = all
        .iter()
        .rfind(|(name, _)| name == "mcp_api_latency_seconds")
        .unwrap();
    let Data::Histogram(latency) = latency else {
        panic!("{latency:?}");
    };
    let point = &latency.data_points[0];
    assert_eq!(point.count, 1);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), 1);
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    let page = server.get("/metrics").await.1;
    for (name, _) in &all {
        assert!(page.contains(name.as_str()), "{name}");
    }
    assert!(collector.spans().is_empty(), "traces are turned off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_stdio_the_trace_comes_in_the_metadata_and_stdout_carries_messages_alone() {
    let collector = Collector::start().await;
    let folder = Folder::new(&[(
        "config.yaml",
        &format!(
            "log: {{ level: 'off' }}\ntelemetry: {{ otlp: {{ endpoint: '{}' }} }}\n",
            collector.url
        ),
    )]);
    let mut stdio = Stdio::start_in(&folder.0, &["--sandbox"]);
    stdio.initialize();
    let answer = stdio.request(
        "tools/call",
        json!({"name": "hubspot_list_owners", "arguments": {},
               "_meta": {"traceparent": format!("00-{TRACE}-{PARENT}-01")}}),
    );
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    stdio.close_stdin();
    assert_eq!(stdio.read(), None);
    assert_eq!(stdio.process.exit_within(Duration::from_secs(10)), Some(0));
    // What is logged does not decide what is traced.
    let spans = collector.spans();
    let calls = calls(&spans);
    assert_eq!(calls.len(), 1, "{spans:#?}");
    assert_eq!(hex(&calls[0].parent_span_id), PARENT);
    assert_eq!(below(&spans, calls[0]).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_hurts_no_call_and_is_told_once() {
    // A port that nobody listens at.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let folder = Folder::new(&[(
        "config.yaml",
        &format!("telemetry: {{ otlp: {{ endpoint: '{url}', interval: 100ms }} }}\n"),
    )]);
    let mut server = Server::start_in(&folder.0, &[]);
    let lost = r#"mcp_otlp_exports_total{signal="metrics",status="lost"} "#;
    let started = Instant::now();
    loop {
        assert_eq!(server.rest("hubspot_list_owners", json!({})).await.0, 200);
        let page = server.get("/metrics").await.1;
        let line = page.lines().find_map(|line| line.strip_prefix(lost));
        if line.is_some_and(|n| n.parse::<u64>().unwrap() >= 3) {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{page}");
    }
    server.process.signal("TERM");
    assert_eq!(server.process.exit_within(Duration::from_secs(10)), Some(0));
    let log = server.log.lock().unwrap();
    for signal in ["metrics", "traces"] {
        let of = format!("signal=\"{signal}\"");
        let told =
            |line: &&String| line.contains("the collector takes nothing") && line.contains(&of);
        assert_eq!(log.iter().filter(told).count(), 1, "{log:#?}");
    }
}
