//! The time of a whole call, and the end of a read whose caller gave up.

use std::time::Duration;

use tokio::time::Instant;

use crate::around::{Around, Inner, Next};
use crate::call::{Call, Reply};
use crate::error::{Error, Kind, Result};
use crate::tool::Repeat;

/// What the attempt plane gets to tell its own, better informed time-out.
const GRACE: Duration = Duration::from_millis(500);

/// Ends calls that take too long. A read ends with its caller; a write that went out is finished and recorded.
#[derive(Debug, Clone, Copy)]
pub struct Deadline;

impl Around<Call, Reply> for Deadline {
    async fn around<S>(&self, mut call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        let limit = call.plugin.policy().deadline;
        let spec = call.spec();
        let provider = call.plugin.info().id;
        call.cx = call.cx.clone().with_deadline(Instant::now() + limit);
        let until = call.cx.deadline().unwrap_or_else(|| Instant::now() + limit) + GRACE;
        let cancel = call.cx.cancel().clone();
        if cancel.is_cancelled() {
            return Err(Error::new(
                Kind::Cancelled,
                "The caller gave up before anything was sent",
            ));
        }
        let work = tokio::time::timeout_at(until, next.run(call));
        let done = if spec.writes() {
            work.await
        } else {
            tokio::select! {
                done = work => done,
                () = cancel.cancelled() => {
                    return Err(Error::new(Kind::Cancelled, "The caller gave up"));
                }
            }
        };
        done.unwrap_or_else(|_| {
            let late = format!("The call took longer than {:.1} s", limit.as_secs_f64());
            let error = if spec.repeat() == Repeat::IfUnprocessed {
                Error::new(Kind::OutcomeUnknown, late).hint(spec.how_to_find_out())
            } else {
                Error::new(Kind::Timeout, late)
                    .hint("Ask for less at once, or raise `timeouts.call` of the provider")
            };
            Err(error.provider(provider))
        })
    }
}
