//! Asking the person behind the client, in both generations.
//!
//! The layers that ask may run on another task, and rmcp ties a question to the task of its request. So
//! questions and progress travel as events to the task that handles the request, which does the talking.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use business_tools_core::call::confirm::Seal;
use business_tools_core::{Answer, Asker, Error, ProgressSink};
use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitationAction, ElicitationSchema, InputRequest,
    InputRequiredResult, ProtocolVersion,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

/// How long a person may think in the legacy generation. The call itself waits as long.
const THINKING: Duration = Duration::from_mins(2);
/// The key of our one question.
const KEY: &str = "confirm";

/// What a running call wants of the client.
pub(super) enum Event {
    /// An answer to a question.
    Ask {
        question: String,
        bound: String,
        reply: oneshot::Sender<Answer>,
    },
    /// To be told of progress.
    Progress {
        done: u64,
        total: Option<u64>,
        message: String,
    },
}

/// The call's end of the line.
pub(super) struct Line {
    events: mpsc::Sender<Event>,
    last: Mutex<Option<Instant>>,
    wants_progress: bool,
}

impl Line {
    pub(super) fn new(events: mpsc::Sender<Event>, wants_progress: bool) -> Self {
        Self {
            events,
            last: Mutex::new(None),
            wants_progress,
        }
    }
}

impl ProgressSink for Line {
    fn report(&self, done: u64, total: Option<u64>, message: &str) {
        if !self.wants_progress {
            return;
        }
        if let Ok(mut last) = self.last.lock() {
            // A client needs a sign of life, not a flood: four a second, and always the last step.
            let is_last = total.is_some_and(|total| done >= total);
            if !is_last && last.is_some_and(|at| at.elapsed() < Duration::from_millis(250)) {
                return;
            }
            *last = Some(Instant::now());
        }
        let _ = self.events.try_send(Event::Progress {
            done,
            total,
            message: message.to_owned(),
        });
    }
}

#[async_trait]
impl Asker for Line {
    async fn ask(&self, question: &str, bound: &str) -> Answer {
        let (reply, answer) = oneshot::channel();
        let event = Event::Ask {
            question: question.to_owned(),
            bound: bound.to_owned(),
            reply,
        };
        match self.events.send(event).await {
            Ok(()) => answer.await.unwrap_or(Answer::CannotAsk),
            Err(_) => Answer::CannotAsk,
        }
    }
}

/// The client's end of the line: what it can be asked, and what it answered in an earlier round.
pub(super) struct Client<'a> {
    pub(super) context: &'a RequestContext<RoleServer>,
    pub(super) seal: &'a Seal,
    pub(super) state: Option<String>,
    pub(super) answer: Option<Value>,
    /// The question to hand to a modern client.
    pub(super) pending: Option<InputRequiredResult>,
    /// Whether the state that the client brought back was forged, spent or of another call.
    pub(super) rejected: bool,
    /// Why the client could not be asked, or its answer not be taken.
    pub(super) fault: Option<Error>,
}

impl Client<'_> {
    pub(super) async fn ask(&mut self, question: &str, bound: &str) -> Answer {
        let modern = self
            .context
            .protocol_version()
            .is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
        let can = self
            .context
            .client_capabilities()
            .and_then(|capabilities| capabilities.elicitation)
            // An empty object means form mode.
            .is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none());
        if !can {
            return Answer::CannotAsk;
        }
        let params = form(question);
        if modern {
            self.ask_modern(params, bound)
                .await
                .unwrap_or_else(|fault| {
                    self.fault = Some(fault);
                    Answer::No
                })
        } else {
            self.ask_legacy(params).await
        }
    }

    async fn ask_modern(
        &mut self,
        params: ElicitRequestParams,
        bound: &str,
    ) -> Result<Answer, Error> {
        if let (Some(state), Some(answer)) = (
            self.state.take(),
            self.answer.take().filter(Value::is_object),
        ) {
            if !self.seal.open(&state, bound).await? {
                self.rejected = true;
                return Ok(Answer::No);
            }
            return Ok(verdict(answer["action"] == "accept", answer.get("content")));
        }
        let request = InputRequest::Elicitation(ElicitRequest::new(params));
        let requests = std::iter::once((KEY.to_owned(), request)).collect();
        self.pending = Some(InputRequiredResult::new(
            Some(requests),
            Some(self.seal.seal(bound)?),
        ));
        Ok(Answer::Pending(Value::Null))
    }

    async fn ask_legacy(&self, params: ElicitRequestParams) -> Answer {
        let asked = self
            .context
            .peer
            .create_elicitation_with_timeout(params, Some(THINKING));
        tokio::select! {
            answer = asked => match answer {
                Ok(result) => verdict(result.action == ElicitationAction::Accept, result.content.as_ref()),
                Err(error) => {
                    tracing::debug!(%error, "the client could not be asked");
                    Answer::CannotAsk
                }
            },
            () = self.context.ct.cancelled() => Answer::No,
        }
    }

    /// The answer of an earlier round, from the parameters of this one.
    pub(super) fn answer_of(responses: Option<&rmcp::model::InputResponses>) -> Option<Value> {
        responses.and_then(|responses| responses.get(KEY)).cloned()
    }
}

/// Accepting the form is agreeing, unless its one box was cleared.
fn verdict(accepted: bool, content: Option<&Value>) -> Answer {
    let cleared = content
        .and_then(|content| content.get(KEY))
        .is_some_and(|box_| *box_ != true);
    if accepted && !cleared {
        Answer::Yes
    } else {
        Answer::No
    }
}

fn form(question: &str) -> ElicitRequestParams {
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: question.chars().take(2000).collect(),
        requested_schema: ElicitationSchema::builder()
            .optional_bool(KEY, true)
            .build_unchecked(),
    }
}
