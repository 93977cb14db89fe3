//! The attempt plane: what wraps one request to a provider. The order stands here and nowhere else.

pub mod breaker;
pub mod hints;
pub mod limit;
pub mod observe;
pub mod retry;
pub mod timeout;
#[cfg(feature = "http")]
pub mod transport;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

use crate::around::{Inner, around};
use crate::artifact::Artifacts;
use crate::cx::{Cx, Preview};
use crate::error::{Error, Fate, Kind, Result};
use crate::files::Files;
use crate::metrics::Spend;
use crate::plugin::Info;
use crate::policy::Policy;
use crate::pools::ConnectionPoolManager;
use crate::secret::Secret;
use crate::token::TokenSource;
use crate::tool::Repeat;
use crate::trace::TraceContext;
use crate::{Env, Spec};

/// A request to a provider, whatever its protocol.
pub trait Request: Clone + Send + Sync + 'static {
    /// The request as a person reads it, with every secret masked.
    fn preview(&self) -> Value;

    /// The kind of request, for traces.
    fn label(&self) -> Label {
        Label::default()
    }
}

/// What a trace says of a request: nothing that a caller wrote, no host, no query, no id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// `GET`, or the name of a command.
    pub method: Cow<'static, str>,
    /// The path with `{}` in the places of ids and names; empty where there are no paths.
    pub route: String,
}

/// What the layers want to know of an answer.
pub trait Response: Send + 'static {
    /// What the provider says about its limits.
    fn pace(&self) -> Pace {
        Pace::default()
    }

    /// The status, in protocols that have one.
    fn status(&self) -> Option<u16> {
        None
    }
}

/// What an answer says about the provider's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Send nothing for so long.
    pub pause: Option<std::time::Duration>,
}

/// One request on its way through the plane.
#[derive(Debug, Clone)]
pub struct Attempt<Q> {
    /// The request.
    pub request: Q,
    /// The call it belongs to.
    pub cx: Cx,
    /// Whether it may go out again when its answer was lost.
    pub repeat: Repeat,
    /// Which attempt this is, from 1.
    pub number: u32,
    /// The trace that the provider is told about.
    pub trace: Option<TraceContext>,
}

/// The stack of one provider account's plane.
pub type EgressService<Q, R> = BoxCloneSyncService<Attempt<Q>, R, Error>;

/// One request to the provider, outermost first.
pub fn egress_stack<Q, S>(
    info: &'static Info,
    policy: &Policy,
    env: &Env,
    transport: S,
) -> EgressService<Q, S::Response>
where
    Q: Request,
    S: Inner<Attempt<Q>>,
    S::Response: Response,
{
    BoxCloneSyncService::new(
        ServiceBuilder::new()
            // Temporary and repeatable only; honours Retry-After; stops at the call's deadline.
            .layer(around(retry::Retry::new(info, policy, env)))
            // Counts each attempt; when open, refuses before a token is spent, which ends the retrying.
            .layer(around(breaker::Breaker::new(info, policy, env)))
            // Quotas and in-flight cap: every attempt costs, retries too.
            .layer(around(limit::Limit::new(info, policy, env)))
            // Inside those: the provider's own time, without our waiting.
            .layer(around(observe::Observe::new(info, policy, env)))
            // Per attempt.
            .layer(around(timeout::Timeout::new(info, policy)))
            .service(transport),
    )
}

/// What a provider is given to reach its upstream through.
#[derive(Clone)]
pub struct Upstream {
    info: &'static Info,
    policy: Policy,
    env: Env,
}

impl Upstream {
    /// The way to one provider account.
    pub fn new(info: &'static Info, policy: Policy, env: Env) -> Self {
        Self { info, policy, env }
    }

    /// Puts the attempt plane around a transport of the provider's own.
    pub fn around<Q, S>(&self, transport: S) -> Egress<Q, S::Response>
    where
        Q: Request,
        S: Inner<Attempt<Q>>,
        S::Response: Response,
    {
        let stack = egress_stack(self.info, &self.policy, &self.env, transport);
        Egress {
            info: self.info,
            stack,
        }
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The provider's id.
    pub fn provider(&self) -> &'static str {
        self.info.id
    }

    /// Where the bearer tokens of an account come from: the one in its settings, or else the world's own
    /// source.
    ///
    /// # Errors
    /// `NOT_CONFIGURED` when there is neither.
    pub fn tokens(&self, fixed: Option<Secret>) -> Result<Arc<dyn TokenSource>> {
        match (fixed, &self.env.tokens) {
            (Some(token), _) => Ok(crate::token::fixed(token)),
            (None, Some(source)) => Ok(Arc::clone(source)),
            (None, None) => Err(Error::new(
                Kind::NotConfigured,
                format!("{} has no credentials", self.info.title),
            )
            .hint(self.info.setup_hint)),
        }
    }

    /// Counts what calls cost.
    pub fn spend(&self) -> Spend {
        Spend::new(self.info.id, &self.env.metrics)
    }

    /// Keeps what tools make and no answer can hold: pictures, speech.
    pub fn artifacts(&self) -> Artifacts {
        self.env.artifacts.clone()
    }

    /// Opens files that callers name.
    pub fn files(&self) -> Files {
        self.env.files.clone()
    }

    /// Gets what is behind URLs that callers name.
    #[cfg(feature = "http")]
    pub fn fetcher(&self) -> transport::Fetcher {
        transport::Fetcher::new(&self.env)
    }

    /// The metrics, for gauges that only the provider's driver knows.
    pub fn metrics(&self) -> &crate::metrics::Metrics {
        &self.env.metrics
    }

    /// The pools of the world, for drivers that have connections of their own.
    pub fn pools(&self) -> &ConnectionPoolManager {
        &self.env.pools
    }

    #[cfg(feature = "http")]
    pub(crate) fn pool(&self) -> Arc<transport::HttpPool> {
        let (service, rules) = (self.info.service(), self.policy.connections);
        self.env.pools.http_pool(&service, rules, &self.env.metrics)
    }
}

/// A transport behind the attempt plane.
pub struct Egress<Q, R> {
    info: &'static Info,
    stack: EgressService<Q, R>,
}

impl<Q, R> Clone for Egress<Q, R> {
    fn clone(&self) -> Self {
        Self {
            info: self.info,
            stack: self.stack.clone(),
        }
    }
}

impl<Q: Request, R: Send + 'static> Egress<Q, R> {
    /// Sends a request under the rules of the tool that is being called.
    ///
    /// In a dry run it is only shown, and nothing goes out.
    ///
    /// # Errors
    /// Those of the plane and of the provider. A lost answer to a request that must not be repeated is
    /// `OUTCOME_UNKNOWN`.
    pub async fn send(&self, cx: &Cx, request: Q) -> Result<R> {
        let repeat = cx.tool().map_or(Repeat::Safe, Spec::repeat);
        self.send_as(cx, repeat, request).await
    }

    /// Sends a request whose repeatability is not that of the tool, such as a look-up before a write.
    ///
    /// # Errors
    /// As [`Egress::send`].
    pub async fn send_as(&self, cx: &Cx, repeat: Repeat, request: Q) -> Result<R> {
        if cx.is_dry_run() {
            let spec = cx.tool();
            cx.preview(Preview {
                request: request.preview(),
                look_up: repeat == Repeat::Safe
                    && spec.is_some_and(|s| s.writes() && s.repeat() == Repeat::IfUnprocessed),
            });
            return Err(Error::new(Kind::Cancelled, "A dry run sends nothing"));
        }
        let attempt = Attempt {
            request,
            cx: cx.clone(),
            repeat,
            number: 1,
            trace: None,
        };
        let outcome = self.stack.clone().oneshot(attempt).await;
        let done = |error: &Error| error.what_became() == Fate::Unknown;
        if repeat == Repeat::IfUnprocessed && outcome.as_ref().err().is_none_or(done) {
            cx.set_wrote();
        }
        outcome.map_err(|error| {
            let error = error.provider(self.info.id);
            let error = if repeat == Repeat::IfUnprocessed {
                lost_answer(error, cx)
            } else {
                error
            };
            let hint = next_step(error.kind(), self.info);
            error.or_hint(hint)
        })
    }
}

/// What to do next, for a failure that the provider's own words say nothing better about.
fn next_step(kind: Kind, info: &'static Info) -> &'static str {
    match kind {
        Kind::AuthFailed => info.auth_hint,
        Kind::NotConfigured => info.setup_hint,
        Kind::PermissionDenied => "Give the credentials this right, or use others that have it",
        Kind::NotFound => "Check the id, and that it belongs to this account; list to find it",
        Kind::Conflict => "Get the thing as it is now, then decide",
        Kind::InvalidRequest => "Mend what the message names and call again; nothing was done",
        Kind::RateLimited => "Wait a moment, then try again; make fewer calls at once",
        Kind::QuotaExceeded => "See the account's plan and usage; waiting a moment does not help",
        Kind::Timeout | Kind::Unavailable | Kind::UpstreamError => {
            "Try again in a moment; if it stays, look at the provider's status page"
        }
        Kind::BadUpstreamResponse => "Try again; if it stays, check `base_url`",
        _ => "Look for the request id in the server's log",
    }
}

/// An unrepeatable request of unknown fate: says so, and how to find out.
fn lost_answer(error: Error, cx: &Cx) -> Error {
    if error.what_became() != Fate::Unknown {
        return error;
    }
    let find_out = cx
        .tool()
        .map_or(crate::tool::LOOK_FIRST, Spec::how_to_find_out);
    match error.kind() {
        Kind::Timeout | Kind::Unavailable | Kind::BadUpstreamResponse | Kind::Cancelled => {
            let cause = error.kind().code();
            error
                .with_kind(Kind::OutcomeUnknown)
                .with_message("The request was sent and its answer was lost: it may or may not have been done")
                .status(crate::error::Status::Permanent)
                .retry_after(None)
                .detail("cause", cause)
                .hint(find_out)
        }
        // The provider answered, with a failure of its own: its words are kept, but nobody repeats it.
        _ => error
            .status(crate::error::Status::Permanent)
            .retry_after(None)
            .hint(find_out),
    }
}
