//! The metrics of `/metrics`, as OTLP has them.

use std::time::{SystemTime, UNIX_EPOCH};

use business_tools_core::prometheus::proto::{self as from, MetricFamily, MetricType};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;

/// One export of everything that is counted.
pub(super) fn request(
    families: &[MetricFamily],
    resource: &ResourceAttributesWithSchema,
    began: SystemTime,
) -> ExportMetricsServiceRequest {
    let times = Times {
        began: nanos(began),
        now: nanos(SystemTime::now()),
    };
    let metrics = families.iter().filter_map(|family| metric(family, &times));
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes: resource.attributes.0.clone(),
                ..Resource::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: env!("CARGO_PKG_NAME").to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..InstrumentationScope::default()
                }),
                metrics: metrics.collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

/// When counting began, and now.
struct Times {
    began: u64,
    now: u64,
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// `None` for kinds that this program has none of.
fn metric(family: &MetricFamily, times: &Times) -> Option<Metric> {
    let all = family.get_metric().iter();
    let number = |metric: &from::Metric, value| NumberDataPoint {
        attributes: labels(metric),
        start_time_unix_nano: times.began,
        time_unix_nano: times.now,
        value: Some(Number::AsDouble(value)),
        ..NumberDataPoint::default()
    };
    let cumulative = AggregationTemporality::Cumulative.into();
    let data = match family.get_field_type() {
        MetricType::COUNTER => Data::Sum(Sum {
            data_points: all
                .map(|metric| number(metric, metric.get_counter().get_value()))
                .collect(),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        MetricType::GAUGE => Data::Gauge(Gauge {
            data_points: all
                .map(|metric| number(metric, metric.get_gauge().get_value()))
                .collect(),
        }),
        MetricType::HISTOGRAM => Data::Histogram(Histogram {
            data_points: all.map(|metric| histogram(metric, times)).collect(),
            aggregation_temporality: cumulative,
        }),
        _ => return None,
    };
    Some(Metric {
        name: family.name().to_owned(),
        description: family.help().to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

fn histogram(metric: &from::Metric, times: &Times) -> HistogramDataPoint {
    let histogram = metric.get_histogram();
    let count = histogram.get_sample_count();
    let mut below = 0;
    let mut bounds = Vec::new();
    let mut counts = Vec::new();
    for bucket in histogram.get_bucket() {
        if bucket.upper_bound().is_finite() {
            bounds.push(bucket.upper_bound());
            counts.push(bucket.cumulative_count().saturating_sub(below));
            below = bucket.cumulative_count();
        }
    }
    counts.push(count.saturating_sub(below));
    HistogramDataPoint {
        attributes: labels(metric),
        start_time_unix_nano: times.began,
        time_unix_nano: times.now,
        count,
        sum: Some(histogram.get_sample_sum()),
        bucket_counts: counts,
        explicit_bounds: bounds,
        ..HistogramDataPoint::default()
    }
}

fn labels(metric: &from::Metric) -> Vec<KeyValue> {
    let labels = metric.get_label().iter();
    labels
        .map(|label| KeyValue {
            key: label.name().to_owned(),
            value: Some(AnyValue {
                value: Some(Value::StringValue(label.value().to_owned())),
            }),
            ..KeyValue::default()
        })
        .collect()
}
