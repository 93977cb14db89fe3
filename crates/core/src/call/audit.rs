//! Who called what, and what came of it: one JSON line a call, refusals, panics and lost callers included.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::call::{Call, Outcome, Reply};
use crate::cx::Cx;
use crate::error::{Kind, Result};
use crate::plugin::DEFAULT_ACCOUNT;
use crate::trace::{TraceContext, Traces};

/// Where audit lines go.
pub trait AuditSink: Send + Sync {
    /// Keeps one line. Must not block for long and must not fail the call.
    fn record(&self, line: &Value);
}

/// Audit lines to a writer, one flushed line a call.
pub struct Lines<W>(Mutex<W>);

impl<W: Write + Send> Lines<W> {
    /// Writes to `writer`.
    pub fn new(writer: W) -> Self {
        Self(Mutex::new(writer))
    }
}

impl<W: Write + Send> AuditSink for Lines<W> {
    fn record(&self, line: &Value) {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(writer, "{line}").and_then(|()| writer.flush()) {
            tracing::error!(%error, "the audit line could not be written");
        }
    }
}

/// Opens the span of a call, logs its end, and records it.
#[derive(Clone)]
pub struct Audit {
    sink: Option<Arc<dyn AuditSink>>,
    traces: Option<Arc<dyn Traces>>,
}

impl Audit {
    /// Records with the sink of `env`; without one, the log alone tells.
    pub fn new(env: &Env) -> Self {
        Self {
            sink: env.audit.clone(),
            traces: env.traces.clone(),
        }
    }

    /// The span that everything of a call is logged in.
    fn span(&self, call: &Call, account: Option<&str>) -> Span {
        let (tool, provider) = (call.spec().name, call.plugin.name());
        let asked = call.cx.trace();
        let span = tracing::info_span!(
            "call",
            tool,
            operation = operation(tool, provider),
            provider,
            account,
            tenant = &*call.cx.principal().tenant,
            request_id = call.cx.request_id(),
            trace_id = asked.map(TraceContext::trace_id),
        );
        if let Some(traces) = &self.traces {
            match asked {
                Some(parent) => traces.continues(&span, parent),
                None => {
                    if let Some(place) = traces.place(&span) {
                        span.record("trace_id", place.trace_id());
                    }
                }
            }
        }
        span
    }
}

/// `send_message` of `twilio_send_message`.
fn operation<'a>(tool: &'a str, provider: &str) -> &'a str {
    tool.strip_prefix(provider)
        .and_then(|rest| rest.strip_prefix('_'))
        .unwrap_or(tool)
}

impl Around<Call, Reply> for Audit {
    async fn around<S>(&self, call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        let account = account(&call);
        let span = self.span(&call, account);
        let mut open = Open {
            sink: self.sink.clone(),
            traces: self.traces.clone(),
            line: self.sink.is_some().then(|| begin(&call, account)),
            started: Instant::now(),
            span: span.clone(),
            done: false,
        };
        let outcome = next.run(call).instrument(span).await;
        open.close(Some(&outcome));
        outcome
    }
}

/// The account that a call goes to. Only one that exists is named: the argument is not checked yet.
fn account(call: &Call) -> Option<&str> {
    let asked = call.args.get("account").and_then(Value::as_str);
    let accounts = call.plugin.accounts();
    match asked {
        Some(asked) => accounts.into_iter().find(|known| *known == asked),
        None if accounts.len() == 1 => accounts.first().copied(),
        None => accounts.into_iter().find(|known| *known == DEFAULT_ACCOUNT),
    }
}

fn begin(call: &Call, account: Option<&str>) -> Map<String, Value> {
    let principal = call.cx.principal();
    let line = json!({
        "event": "call",
        "request_id": call.cx.request_id(),
        "tenant": &*principal.tenant,
        "subject": &*principal.subject,
        "tool": call.spec().name,
        "provider": call.plugin.name(),
        "account": account,
        "effect": format!("{:?}", call.spec().effect).to_lowercase(),
        "arguments": redact(&Value::Object(call.args.clone()), 0),
    });
    match line {
        Value::Object(line) => line,
        _ => Map::new(),
    }
}

/// Records a call of a tool that is not there.
pub(crate) fn unknown_tool(env: &Env, tool: &str, cx: &Cx) {
    env.metrics
        .call_done("unknown", Some(Kind::ToolNotFound), Duration::ZERO);
    let principal = cx.principal();
    let tool: String = tool.chars().take(64).collect();
    tracing::info!(
        tool,
        tenant = &*principal.tenant,
        request_id = cx.request_id(),
        trace_id = cx.trace().map(TraceContext::trace_id),
        outcome = Kind::ToolNotFound.code(),
        duration_ms = 0,
        "call refused or failed"
    );
    if let Some(sink) = &env.audit {
        sink.record(&json!({
            "event": "call",
            "request_id": cx.request_id(),
            "tenant": &*principal.tenant,
            "subject": &*principal.subject,
            "tool": tool,
            "timestamp": now(),
            "outcome": Kind::ToolNotFound.code(),
            "code": Kind::ToolNotFound.code(),
            "origin": "error",
            "duration_ms": 0,
        }));
    }
}

/// The time of an audit line.
pub fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// The shape of arguments without their text: what was asked can be followed, not what was said.
pub fn redact(value: &Value, depth: usize) -> Value {
    match value {
        Value::String(text) => format!("<{} characters>", text.chars().count()).into(),
        Value::Array(items) if depth < 4 && items.len() <= 20 => {
            items.iter().map(|item| redact(item, depth + 1)).collect()
        }
        Value::Array(items) => format!("<{} items>", items.len()).into(),
        Value::Object(members) if depth < 4 && members.len() <= 40 => members
            .iter()
            .map(|(key, value)| (key.chars().take(64).collect(), redact(value, depth + 1)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Object(members) => format!("<{} members>", members.len()).into(),
        other => other.clone(),
    }
}

/// A call that is going on. Dropped before its end, it is recorded as cancelled.
struct Open {
    sink: Option<Arc<dyn AuditSink>>,
    traces: Option<Arc<dyn Traces>>,
    line: Option<Map<String, Value>>,
    started: Instant,
    span: Span,
    done: bool,
}

impl Open {
    fn close(&mut self, outcome: Option<&Outcome>) {
        self.done = true;
        let took = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (result, origin, error) = match outcome {
            Some(Ok(reply)) => ("ok", reply.origin.as_str(), None),
            Some(Err(error)) => (error.kind().code(), "error", Some(error)),
            None => (Kind::Cancelled.code(), "error", None),
        };
        self.span.in_scope(|| match error {
            Some(error) if error.kind() == Kind::Internal => {
                let cause = error.cause();
                tracing::error!(outcome = result, duration_ms = took, cause, "call failed");
            }
            Some(error) => {
                // These quote the arguments, by our words or the provider's: they are for the caller alone.
                let quotes = matches!(
                    error.kind(),
                    Kind::InvalidArguments
                        | Kind::ConfirmationRequired
                        | Kind::InvalidRequest
                        | Kind::Conflict
                        | Kind::PermissionDenied
                );
                let told = (!quotes).then(|| error.message());
                let upstream_code = error
                    .details()
                    .get("upstream_code")
                    .map(tracing::field::display);
                let cause = error.cause();
                tracing::info!(
                    outcome = result,
                    duration_ms = took,
                    error = told,
                    upstream_code,
                    cause,
                    "call refused or failed"
                );
            }
            None => {
                tracing::info!(outcome = result, origin, duration_ms = took, "call done");
            }
        });
        if let Some(traces) = &self.traces {
            traces.ends(&self.span, result, origin);
        }
        if let (Some(sink), Some(mut line)) = (&self.sink, self.line.take()) {
            line.insert("timestamp".into(), now().into());
            line.insert("outcome".into(), result.into());
            line.insert("origin".into(), origin.into());
            line.insert("duration_ms".into(), took.into());
            if let Some(error) = error {
                line.insert("code".into(), error.code().into());
            }
            sink.record(&Value::Object(line));
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.done {
            self.close(None);
        }
    }
}
