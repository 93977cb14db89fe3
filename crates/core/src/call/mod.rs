//! The call plane: what wraps one tool call. The order stands here and nowhere else.

pub mod audit;
pub mod authorize;
pub mod cache;
pub mod catch_panic;
pub mod confirm;
pub mod deadline;
pub mod dispatch;
pub mod idempotency;
pub mod observe;
pub mod validate;

use std::sync::Arc;

use serde_json::{Map, Value};
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;

use crate::around::around;
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::plugin::{ToolInfo, ToolPlugin};
use crate::registry::Selection;
use crate::{Env, Spec};

/// One tool call on its way through the plane.
#[derive(Clone)]
pub struct Call {
    /// Who has the tool.
    pub plugin: Arc<dyn ToolPlugin>,
    /// The tool.
    pub tool: Arc<ToolInfo>,
    /// The arguments: as they came until `validate`, the tool's own after it.
    pub args: Map<String, Value>,
    /// Who calls, and until when.
    pub cx: Cx,
    /// What may be called at all.
    pub selection: Arc<Selection>,
    /// The caller's narrower choice, such as one made by a header.
    pub narrowed: Option<Arc<Selection>>,
    /// The common arguments, taken out by `validate`.
    pub options: Options,
}

impl Call {
    /// The tool's name, effect and policy.
    pub fn spec(&self) -> &'static Spec {
        self.tool.spec
    }

    /// The call's identity: tenant, account, tool and arguments. Nested key order counts, since in some
    /// protocols it means something; the order of the arguments themselves does not.
    pub fn fingerprint(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        part(&self.cx.principal().tenant);
        part(self.cx.account());
        part(self.spec().name);
        let mut keys: Vec<_> = self.args.keys().collect();
        keys.sort();
        for key in keys {
            part(key);
            part(&self.args[key].to_string());
        }
        base64::Engine::encode(
            &base64::engine::general_purpose::URL_SAFE_NO_PAD,
            hash.finalize(),
        )
    }
}

/// The arguments that every tool of a kind has.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only show what would be sent.
    pub dry_run: bool,
    /// The caller's name for this one action.
    pub idempotency_key: Option<String>,
    /// The proof that a person saw the question.
    pub confirm_token: Option<String>,
}

/// What a call gives.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The tool's result: an object.
    pub value: Value,
    /// How it came about.
    pub origin: Origin,
}

/// How a result came about, for the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The provider was asked.
    Fresh,
    /// From the cache.
    Cached,
    /// The outcome of an earlier call with the same idempotency key.
    Replayed,
    /// Nothing was sent.
    DryRun,
}

impl Origin {
    /// As it stands in the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Cached => "cached",
            Self::Replayed => "replayed",
            Self::DryRun => "dry_run",
        }
    }
}

/// The stack around all tools.
pub type CallService = BoxCloneSyncService<Call, Reply, Error>;

/// One tool call, outermost first.
pub fn call_stack(env: &Env) -> CallService {
    BoxCloneSyncService::new(
        ServiceBuilder::new()
            // Span, request id, who, what, outcome: refusals and panics included.
            .layer(around(audit::Audit::new(env)))
            // Count and latency of every call, also of refused and cached ones.
            .layer(around(observe::Observe::new(env)))
            // Inside those two, so that a panic is still told and counted.
            .layer(around(catch_panic::CatchPanic))
            // An outsider learns nothing from validation messages.
            .layer(around(authorize::Authorize))
            // Keys further in are made of valid arguments; a bad call costs no quota and no cache slot.
            .layer(around(validate::Validate))
            // Destructive tools and dry runs; a person's thinking time counts for no clock.
            .layer(around(confirm::Confirm::new(env)))
            // Outside the next two: waiting for a twin's answer is waiting too.
            .layer(around(deadline::Deadline))
            // Writes: same key, same answer, marked replayed.
            .layer(around(idempotency::Idempotency::new(env)))
            // Reads: single flight; a write forgets the reads it makes stale.
            .layer(around(cache::Cache::new(env)))
            .service(dispatch::Dispatch::new(env)),
    )
}

/// A result or the error that stands for it.
pub type Outcome = Result<Reply>;
