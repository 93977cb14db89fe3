//! The form in which an outcome is kept.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::{Call, Origin, Outcome, Reply};
use crate::error::{Error, Fate, Kind, Status};

#[derive(Serialize, Deserialize)]
enum Kept {
    /// A result.
    Ok(Value),
    /// An error.
    Err(Failure),
}

#[derive(Serialize, Deserialize)]
struct Failure {
    kind: String,
    permanent: bool,
    fate: String,
    message: String,
    hint: Option<String>,
    retry_after_ms: Option<u64>,
    of_provider: bool,
    details: Map<String, Value>,
}

const FATES: [(Fate, &str); 3] = [
    (Fate::NotSent, "not_sent"),
    (Fate::Refused, "refused"),
    (Fate::Unknown, "unknown"),
];

/// An outcome as bytes.
pub(super) fn write(outcome: &Outcome) -> Bytes {
    let kept = match outcome {
        Ok(reply) => Kept::Ok(reply.value.clone()),
        Err(error) => Kept::Err(Failure {
            kind: error.kind().code().to_owned(),
            permanent: !error.is_retryable(),
            fate: FATES
                .iter()
                .find(|(fate, _)| *fate == error.what_became())
                .map_or("unknown", |(_, word)| word)
                .to_owned(),
            message: error.message().to_owned(),
            hint: error.hint_text().map(str::to_owned),
            retry_after_ms: error
                .wait()
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            of_provider: error.provider_id().is_some(),
            details: error.details().clone(),
        }),
    };
    // Text and numbers alone: nothing here can fail to be written.
    serde_json::to_vec(&kept).unwrap_or_default().into()
}

/// An outcome of the same call, if the bytes are one.
pub(super) fn read(bytes: &[u8], call: &Call) -> Option<Outcome> {
    let failure = match serde_json::from_slice(bytes).ok()? {
        Kept::Ok(value) => {
            return Some(Ok(Reply {
                value,
                origin: Origin::Replayed,
            }));
        }
        Kept::Err(failure) => failure,
    };
    let kind = Kind::ALL.iter().find(|kind| kind.code() == failure.kind);
    let fate = FATES.iter().find(|(_, word)| *word == failure.fate);
    let mut error = Error::new(*kind?, failure.message)
        .fate(fate?.0)
        .status(if failure.permanent {
            Status::Permanent
        } else {
            Status::Persistent
        })
        .retry_after(failure.retry_after_ms.map(Duration::from_millis))
        .with_details(failure.details);
    if let Some(hint) = failure.hint {
        error = error.hint(hint);
    }
    if failure.of_provider {
        error = error.provider(call.plugin.info().id);
    }
    Some(Err(error))
}
