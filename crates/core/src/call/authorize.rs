//! What this caller may call: selection, read-only, scopes.

use crate::around::{Around, Inner, Next};
use crate::call::{Call, Reply};
use crate::error::{Error, Kind, Result};

/// Refuses calls outside the selection, writes in read-only mode, and callers without the scope.
#[derive(Debug, Clone, Copy)]
pub struct Authorize;

impl Around<Call, Reply> for Authorize {
    async fn around<S>(&self, call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        let spec = call.spec();
        for selection in [Some(&call.selection), call.narrowed.as_ref()]
            .into_iter()
            .flatten()
        {
            if spec.writes() && selection.read_only {
                return Err(Error::new(
                    Kind::ReadOnly,
                    format!("{} writes, and this server is read-only", spec.name),
                )
                .hint("Start the server without `--read-only`, or use a tool that only reads"));
            }
            if !selection.selects(call.plugin.name(), spec) {
                return Err(Error::new(
                    Kind::ToolNotFound,
                    format!("{} is not selected here", spec.name),
                )
                .hint("Change `toolsets`, `tools` or `exclude` to select it"));
            }
        }
        if !call.cx.principal().covers(spec.scopes) {
            return Err(Error::new(
                Kind::PermissionDenied,
                format!("{} needs a scope you lack", spec.name),
            )
            .detail("scopes", spec.scopes)
            .hint("Ask the operator for the scopes in `details.scopes`"));
        }
        next.run(call).await
    }
}
