//! One `tools/call`: from the protocol into the registry, and back.

use std::sync::Arc;

use business_tools_core::call::confirm::PENDING;
use business_tools_core::{Answer, Cx, Error, Kind, ProgressSink, Reply, TraceContext};
use rmcp::model::{CallToolRequestParams, CallToolResponse, ErrorData, ProgressNotificationParam};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::ask::{Client, Event, Line};
use crate::trace;

use super::{Handler, catalog, convert, narrow, principal};

/// The trace that a call belongs to: that of its own metadata, or else that of the HTTP request.
fn trace_of(context: &RequestContext<RoleServer>) -> Option<TraceContext> {
    let meta = &context.meta;
    meta.get_traceparent()
        .and_then(|parent| TraceContext::parse(parent, meta.get_tracestate()))
        .or_else(|| {
            let parts = context.extensions.get::<http::request::Parts>()?;
            trace::of_headers(&parts.headers)
        })
}

pub(super) async fn call(
    handler: &Handler,
    mut params: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let inner = &handler.0;
    if let Some(done) = inner.extras.call(&params, &context).await {
        return done;
    }
    let narrowed = narrow::of(&context)?;
    let mut name = params.name.to_string();
    let mut args = params.arguments.take().unwrap_or_default();
    let catalog = handler.options().catalog;
    if catalog {
        match catalog::resolve(&inner.registry, &name, args, narrowed.as_ref()) {
            catalog::Step::Answer(value) => {
                let reply = Reply {
                    value,
                    origin: business_tools_core::Origin::Fresh,
                };
                return Ok(convert::success(reply).into());
            }
            catalog::Step::Refuse(error) => {
                return Ok(convert::failure(&error, &Cx::local()).into());
            }
            catalog::Step::Call(tool, arguments) => (name, args) = (tool, arguments),
            catalog::Step::Unknown => return Err(unknown(&name)),
        }
    }

    let (events, inbox) = mpsc::channel(64);
    let line = Arc::new(Line::new(
        events,
        context.meta.get_progress_token().is_some(),
    ));
    let cx = Cx::builder(principal(&context))
        .cancel(context.ct.clone())
        .trace(trace_of(&context))
        .progress(Progress(Arc::clone(&line)))
        .asker(Asking(line))
        .build();
    let Some(_place) = handler.place() else {
        let busy = Error::new(
            Kind::RateLimited,
            "The server has as many calls as it takes",
        )
        .retry_after(std::time::Duration::from_secs(1))
        .hint("Wait `retry_after_ms`, then try again");
        return Ok(convert::failure(&busy, &cx).into());
    };
    let mut client = Client {
        context: &context,
        seal: &inner.registry.env().seal,
        state: params.request_state.take(),
        answer: Client::answer_of(params.input_responses.as_ref()),
        pending: None,
        rejected: false,
        fault: None,
    };
    let work = inner
        .registry
        .call_narrowed(&name, args, cx.clone(), narrowed.map(Arc::new));
    let outcome = serve(work, inbox, &mut client).await;
    match outcome {
        Ok(reply) => {
            let mut result = convert::success(reply);
            let artifacts = &inner.registry.env().artifacts;
            convert::add_links(&mut result, artifacts, cx.principal()).await;
            Ok(result.into())
        }
        Err(_) if client.rejected => Err(ErrorData::invalid_params("requestState rejected", None)),
        Err(error) if client.fault.is_some() => {
            let fault = client.fault.take().unwrap_or(error);
            Ok(convert::failure(&fault, &cx).into())
        }
        Err(error) if error.kind() == Kind::ToolNotFound && !catalog => Err(unknown(&name)),
        Err(error) => match client.pending.take() {
            Some(question) if error.details().contains_key(PENDING) => Ok(question.into()),
            _ => Ok(convert::failure(&error, &cx).into()),
        },
    }
}

/// Unknown tools are a protocol error; METHOD_NOT_FOUND would read as "no such endpoint" over HTTP.
fn unknown(name: &str) -> ErrorData {
    let name: String = name.chars().take(100).collect();
    ErrorData::invalid_params(format!("Unknown tool: {name}"), None)
}

/// Runs the call and does its talking meanwhile.
async fn serve(
    work: impl Future<Output = Result<Reply, Error>>,
    mut inbox: mpsc::Receiver<Event>,
    client: &mut Client<'_>,
) -> Result<Reply, Error> {
    tokio::pin!(work);
    let mut told = None;
    let outcome = loop {
        tokio::select! {
            // What was said before the end is told before the end.
            biased;
            Some(event) = inbox.recv() => handle(event, client, &mut told).await,
            outcome = &mut work => break outcome,
        }
    };
    // The end may come in the very step that said something.
    while let Ok(event) = inbox.try_recv() {
        handle(event, client, &mut told).await;
    }
    outcome
}

async fn handle(event: Event, client: &mut Client<'_>, told: &mut Option<u64>) {
    match event {
        Event::Ask {
            question,
            bound,
            reply,
        } => {
            let answer = client.ask(&question, &bound).await;
            let _ = reply.send(answer);
        }
        Event::Progress {
            done,
            total,
            message,
        } => {
            if told.is_none_or(|told| done > told) {
                *told = Some(done);
                progress(client.context, done, total, message).await;
            }
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of steps are far below 2^52"
)]
async fn progress(
    context: &RequestContext<RoleServer>,
    done: u64,
    total: Option<u64>,
    message: String,
) {
    let Some(token) = context.meta.get_progress_token() else {
        return;
    };
    let mut note = ProgressNotificationParam::new(token, done as f64).with_message(message);
    if let Some(total) = total {
        note = note.with_total(total as f64);
    }
    let _ = tokio::time::timeout(super::NOTICE, context.peer.notify_progress(note)).await;
}

struct Progress(Arc<Line>);

impl ProgressSink for Progress {
    fn report(&self, done: u64, total: Option<u64>, message: &str) {
        self.0.report(done, total, message);
    }
}

struct Asking(Arc<Line>);

#[async_trait::async_trait]
impl business_tools_core::Asker for Asking {
    async fn ask(&self, question: &str, bound: &str) -> Answer {
        self.0.ask(question, bound).await
    }
}

/// The arguments of a call.
pub(super) type Arguments = Map<String, Value>;
