//! The context of one call: who asks, for which account, until when, and how to reach the caller.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::trace::TraceContext;

/// Who makes the call. Comes from the transport with every request, never from a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The tenant; `default` on stdio and wherever there is only one.
    pub tenant: Arc<str>,
    /// The person or service inside the tenant.
    pub subject: Arc<str>,
    /// The scopes granted; `None` means that scopes are not in use and all is allowed.
    pub scopes: Option<Arc<[String]>>,
}

impl Principal {
    /// The one user of a local process.
    pub fn local() -> Self {
        Self {
            tenant: "default".into(),
            subject: "local".into(),
            scopes: None,
        }
    }

    /// Whether every scope in `needed` was granted.
    pub fn covers(&self, needed: &[&str]) -> bool {
        self.scopes.as_ref().is_none_or(|have| {
            needed
                .iter()
                .all(|need| have.iter().any(|scope| scope == need || scope == "*"))
        })
    }
}

/// Where progress goes: the transport that carries the call.
pub trait ProgressSink: Send + Sync {
    /// Tells the caller that `done` of `total` steps are over. Must not block.
    fn report(&self, done: u64, total: Option<u64>, message: &str);
}

/// What a person answered when asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Yes,
    /// Stop; nothing is to be done.
    No,
    /// Nobody can be asked over this transport.
    CannotAsk,
    /// The question was handed to the client, who will call again with the answer.
    Pending(Value),
}

/// Asks the person behind the client, by whatever means the transport has.
#[async_trait]
pub trait Asker: Send + Sync {
    /// Puts one yes-or-no question. `bound` identifies the exact call, so that an answer fits it alone.
    async fn ask(&self, question: &str, bound: &str) -> Answer;
}

/// One request to a provider, and what came of it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The request as a person reads it, with every secret masked.
    pub request: Value,
    /// Why it failed, if it did.
    pub failure: Option<crate::Error>,
    /// How long it took.
    pub took: Duration,
}

/// The requests of one call, in the order in which they ended. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Attempts(Arc<Mutex<Vec<Tried>>>);

impl Attempts {
    pub(crate) fn add(&self, tried: Tried) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(tried);
    }

    /// The requests so far.
    pub fn list(&self) -> Vec<Tried> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The context of one call. Cheap to clone.
#[derive(Clone)]
pub struct Cx {
    shared: Arc<Shared>,
    account: Arc<str>,
    deadline: Option<Instant>,
    cancel: CancellationToken,
    dry_run: Option<Arc<Mutex<Option<Preview>>>>,
    wrote: Arc<AtomicBool>,
    tool: Option<&'static crate::tool::Spec>,
}

/// The request that a dry run shows.
pub(crate) struct Preview {
    pub(crate) request: Value,
    /// It only looks: what would be written depends on its answer.
    pub(crate) look_up: bool,
}

struct Shared {
    request_id: String,
    principal: Principal,
    trace: Option<TraceContext>,
    progress: Option<Box<dyn ProgressSink>>,
    asker: Option<Box<dyn Asker>>,
    attempts: Option<Attempts>,
}

/// Builds a [`Cx`].
pub struct CxBuilder {
    shared: Shared,
    cancel: CancellationToken,
    deadline: Option<Instant>,
}

impl Cx {
    /// A context of its own request id for `principal`.
    pub fn builder(principal: Principal) -> CxBuilder {
        CxBuilder {
            shared: Shared {
                request_id: uuid::Uuid::now_v7().to_string(),
                principal,
                trace: None,
                progress: None,
                asker: None,
                attempts: None,
            },
            cancel: CancellationToken::new(),
            deadline: None,
        }
    }

    /// A context for the local user, with nobody to ask and nobody to tell.
    pub fn local() -> Self {
        Self::builder(Principal::local()).build()
    }

    /// The id of this call: a UUID version 7.
    pub fn request_id(&self) -> &str {
        &self.shared.request_id
    }

    /// Who makes the call.
    pub fn principal(&self) -> &Principal {
        &self.shared.principal
    }

    /// The trace that the caller began.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.shared.trace.as_ref()
    }

    /// The provider account that the call goes to.
    pub fn account(&self) -> &str {
        &self.account
    }

    pub(crate) fn account_shared(&self) -> &Arc<str> {
        &self.account
    }

    /// When the call must be over.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The time left; `None` when there is no deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline
            .map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// The token that is cancelled when the caller gives up.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// The tool being called; `None` outside a call, as in a health check.
    pub fn tool(&self) -> Option<&'static crate::tool::Spec> {
        self.tool
    }

    /// Tells the caller how far the work has come.
    pub fn progress(&self, done: u64, total: Option<u64>, message: &str) {
        if let Some(sink) = &self.shared.progress {
            sink.report(done, total, message);
        }
    }

    /// Asks the person behind the client.
    pub async fn ask(&self, question: &str, bound: &str) -> Answer {
        match &self.shared.asker {
            Some(asker) => asker.ask(question, bound).await,
            None => Answer::CannotAsk,
        }
    }

    /// Where the requests of this call are written down, if anybody wants that.
    pub(crate) fn attempts(&self) -> Option<&Attempts> {
        self.shared.attempts.as_ref()
    }

    /// Whether the caller only wants to see what would be sent.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run.is_some()
    }

    /// The key that limits, breakers and caches are kept under: tenant and account.
    pub fn scope_key(&self) -> String {
        // The length keeps tenants and accounts with a slash in their names apart.
        let tenant = &self.shared.principal.tenant;
        format!("{}:{tenant}/{}", tenant.len(), self.account)
    }

    pub(crate) fn with_account(mut self, account: Arc<str>) -> Self {
        self.account = account;
        self
    }

    /// The context of one call of a tool.
    pub(crate) fn with_tool(mut self, spec: &'static crate::tool::Spec) -> Self {
        self.tool = Some(spec);
        self.wrote = Arc::default();
        self
    }

    pub(crate) fn with_deadline(mut self, at: Instant) -> Self {
        self.deadline = Some(self.deadline.map_or(at, |old| old.min(at)));
        self
    }

    /// The same call under a clock and a cancellation of its own: work that others wait for too.
    pub(crate) fn detached(mut self, budget: Duration) -> Self {
        self.deadline = Some(Instant::now() + budget);
        self.cancel = CancellationToken::new();
        self
    }

    /// The same call, cancelled by `token` too.
    pub(crate) fn with_cancel(mut self, token: CancellationToken) -> Self {
        self.cancel = token;
        self
    }

    /// Notes that an unrepeatable request of this call was done, or may have been.
    pub(crate) fn set_wrote(&self) {
        self.wrote.store(true, Ordering::Release);
    }

    /// Whether an unrepeatable request of this call was done, or may have been.
    pub(crate) fn wrote(&self) -> bool {
        self.wrote.load(Ordering::Acquire)
    }

    pub(crate) fn into_dry_run(mut self) -> Self {
        self.dry_run = Some(Arc::new(Mutex::new(None)));
        self
    }

    /// Keeps the request that would have been sent: the first one that writes, or else the first.
    pub(crate) fn preview(&self, preview: Preview) {
        if let Some(slot) = &self.dry_run
            && let Ok(mut slot) = slot.lock()
            && slot
                .as_ref()
                .is_none_or(|old| old.look_up && !preview.look_up)
        {
            *slot = Some(preview);
        }
    }

    pub(crate) fn take_preview(&self) -> Option<Preview> {
        self.dry_run.as_ref()?.lock().ok()?.take()
    }
}

impl fmt::Debug for Cx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx")
            .field("request_id", &self.shared.request_id)
            .field("principal", &self.shared.principal)
            .field("account", &self.account)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl CxBuilder {
    /// Takes over a request id that the transport already has.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.shared.request_id = id.into();
        self
    }

    /// Makes the call part of a trace that the caller began.
    pub fn trace(mut self, trace: Option<TraceContext>) -> Self {
        self.shared.trace = trace;
        self
    }

    /// Where progress goes.
    pub fn progress(mut self, sink: impl ProgressSink + 'static) -> Self {
        self.shared.progress = Some(Box::new(sink));
        self
    }

    /// Where the requests of this call are written down, for those who look into trouble.
    pub fn attempts(mut self, attempts: Attempts) -> Self {
        self.shared.attempts = Some(attempts);
        self
    }

    /// How a person is asked.
    pub fn asker(mut self, asker: impl Asker + 'static) -> Self {
        self.shared.asker = Some(Box::new(asker));
        self
    }

    /// Cancels the call when `token` is.
    pub fn cancel(mut self, token: CancellationToken) -> Self {
        self.cancel = token;
        self
    }

    /// Ends the call at `at`, if the provider's own deadline does not do so earlier.
    pub fn deadline(mut self, at: Instant) -> Self {
        self.deadline = Some(at);
        self
    }

    /// The context.
    pub fn build(self) -> Cx {
        Cx {
            shared: Arc::new(self.shared),
            account: crate::plugin::DEFAULT_ACCOUNT.into(),
            deadline: self.deadline,
            cancel: self.cancel,
            dry_run: None,
            wrote: Arc::default(),
            tool: None,
        }
    }
}
