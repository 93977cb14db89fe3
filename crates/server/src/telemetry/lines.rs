//! Lines of the log: for people, or one flat JSON object each. The form may change while the process runs.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use business_tools_core::config::LogFormat;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// The form in force.
#[derive(Clone)]
pub(super) struct Form(Arc<AtomicBool>);

impl Form {
    pub(super) fn new(format: LogFormat) -> Self {
        Self(Arc::new(AtomicBool::new(format == LogFormat::Json)))
    }

    pub(super) fn set(&self, format: LogFormat) {
        self.0.store(format == LogFormat::Json, Ordering::Relaxed);
    }

    fn is_json(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Keeps the fields of spans as JSON in their own order, whatever the form of the lines.
pub(super) struct Kept;

impl<'w> FormatFields<'w> for Kept {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut own = Own(Map::new());
        fields.record(&mut own);
        write!(writer, "{}", Value::Object(own.0))
    }

    fn add_fields(&self, kept: &'w mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        let mut own = Own(serde_json::from_str(&kept.fields).unwrap_or_default());
        fields.record(&mut own);
        kept.fields = Value::Object(own.0).to_string();
        Ok(())
    }
}

/// Writes lines.
pub(super) struct Lines(Form);

impl Lines {
    pub(super) fn new(form: Form) -> Self {
        Self(form)
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let spans = spans(context);
        if self.0.is_json() {
            return json(&mut writer, spans, event);
        }
        SystemTime.format_time(&mut writer)?;
        write!(writer, " {:>5} ", event.metadata().level().as_str())?;
        let none = spans.is_empty();
        for (name, fields) in spans {
            writer.write_str(name)?;
            let mut before = '{';
            for (name, value) in &fields {
                write!(writer, "{before}{name}={value}")?;
                before = ' ';
            }
            writer.write_str(if fields.is_empty() { ":" } else { "}:" })?;
        }
        if !none {
            writer.write_char(' ')?;
        }
        DefaultFields::new().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The spans around an event, outermost first.
fn spans<S, N>(context: &FmtContext<'_, S, N>) -> Vec<(&'static str, Map<String, Value>)>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    let scope = context.event_scope().into_iter();
    let spans = scope.flat_map(tracing_subscriber::registry::Scope::from_root);
    spans
        .map(|span| {
            let kept = span.extensions();
            let kept = kept.get::<FormattedFields<N>>();
            let fields = kept.and_then(|kept| serde_json::from_str(&kept.fields).ok());
            (span.name(), fields.unwrap_or_default())
        })
        .collect()
}

fn json(
    writer: &mut Writer<'_>,
    spans: Vec<(&'static str, Map<String, Value>)>,
    event: &Event<'_>,
) -> fmt::Result {
    let mut time = String::new();
    SystemTime.format_time(&mut Writer::new(&mut time))?;
    let mut line = Map::new();
    line.insert("timestamp".to_owned(), time.into());
    let level = event.metadata().level().as_str();
    line.insert("level".to_owned(), level.into());
    // What stands nearer to the event is said last, and holds.
    let mut own = Own(Map::new());
    event.record(&mut own);
    if let Some(message) = own.0.shift_remove("message") {
        line.insert("message".to_owned(), message);
    }
    for (_, fields) in spans {
        line.extend(fields);
    }
    line.extend(own.0);
    writeln!(writer, "{}", Value::Object(line))
}

/// The fields of an event.
struct Own(Map<String, Value>);

impl Own {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        let name = name.strip_prefix("r#").unwrap_or(name);
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Own {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
