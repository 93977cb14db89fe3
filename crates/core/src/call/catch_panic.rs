//! A panic in a tool is that call's error and nobody else's.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use crate::around::{Around, Inner, Next};
use crate::call::{Call, Reply};
use crate::error::{Error, Result};

/// Turns a panic into `INTERNAL`.
#[derive(Debug, Clone, Copy)]
pub struct CatchPanic;

impl Around<Call, Reply> for CatchPanic {
    async fn around<S>(&self, call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        match AssertUnwindSafe(next.run(call)).catch_unwind().await {
            Ok(outcome) => outcome,
            Err(panic) => {
                let what = panic
                    .downcast_ref::<&str>()
                    .map(ToString::to_string)
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "a panic without words".to_owned());
                Err(Error::internal(format!("panic: {what}")))
            }
        }
    }
}
