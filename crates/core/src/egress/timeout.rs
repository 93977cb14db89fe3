//! The time of one attempt: the provider's, or what is left of the call's.

use std::time::Duration;

use crate::around::{Around, Inner, Next};
use crate::egress::{Attempt, Request, Response};
use crate::error::{Error, Fate, Kind, Result, Status};
use crate::plugin::Info;
use crate::policy::Policy;

/// Ends an attempt that takes too long.
#[derive(Clone)]
pub struct Timeout {
    title: &'static str,
    limit: Duration,
}

impl Timeout {
    /// The attempt time of the provider's policy.
    pub fn new(info: &'static Info, policy: &Policy) -> Self {
        Self {
            title: info.title,
            limit: policy.attempt_timeout,
        }
    }
}

impl<Q: Request, R: Response> Around<Attempt<Q>, R> for Timeout {
    async fn around<S>(&self, attempt: Attempt<Q>, next: Next<S>) -> Result<R>
    where
        S: Inner<Attempt<Q>, Response = R>,
    {
        let left = attempt.cx.remaining();
        let limit = left.map_or(self.limit, |left| left.min(self.limit));
        // With the call's time over nothing can be tried again, and the provider had less than its time.
        let status = if limit < self.limit {
            Status::Persistent
        } else {
            Status::Temporary
        };
        if limit.is_zero() {
            return Err(
                Error::new(Kind::Timeout, "No time was left for the request")
                    .fate(Fate::NotSent)
                    .status(Status::Persistent),
            );
        }
        match tokio::time::timeout(limit, next.run(attempt)).await {
            Ok(done) => done,
            Err(_) => Err(Error::new(
                Kind::Timeout,
                format!(
                    "{} did not answer within {:.1} s",
                    self.title,
                    limit.as_secs_f64()
                ),
            )
            .status(status)
            .hint("Try again later, or raise `timeouts` in the provider's configuration")
            .fate(Fate::Unknown)),
        }
    }
}
