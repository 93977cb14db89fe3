//! What the writing tools share: the outcome of a write command, and the size of documents.

use bson::{Bson, Document};
use business_tools_core::{Error, Fate, Faults, Kind, Status};

use super::batch::unreadable;
use crate::ejson;
use crate::fault::{self, Labels, Refusal};

/// The largest document that a server takes, in bytes of BSON.
const MAX_DOCUMENT: usize = 16 << 20;

/// The largest message, less some room for the rest of the command.
const MAX_TOGETHER: usize = 47_000_000;

/// Refuses documents that are too large for the server.
pub(super) fn sizes(documents: &[Document], at: &str, faults: &mut Faults) {
    let mut together = 0;
    for (i, document) in documents.iter().enumerate() {
        let bytes = document.to_vec().map_or(usize::MAX, |bytes| bytes.len());
        together += bytes.min(MAX_DOCUMENT);
        if bytes > MAX_DOCUMENT {
            faults.add(format!("{at}/{i}"), "is larger than 16 MB");
        }
    }
    if together > MAX_TOGETHER {
        faults.add(
            at,
            "are larger than 47 MB together; write them in several calls",
        );
    }
}

/// How many documents a write command touched; or what went wrong, and how many before that.
///
/// A write command answers `ok: 1` also when its writes failed.
pub(super) fn outcome(reply: &Document) -> Result<u64, (Error, u64)> {
    let done =
        number(reply, "n").ok_or_else(|| (unreadable("n").with_kind(Kind::OutcomeUnknown), 0))?;
    let failed = reply
        .get_array("writeErrors")
        .ok()
        .and_then(|errors| errors.first())
        .and_then(Bson::as_document);
    if let Some(failed) = failed {
        return Err((write_error(failed, done), done));
    }
    if let Ok(concern) = reply.get_document("writeConcernError") {
        return Err((concern_error(concern), done));
    }
    Ok(done)
}

/// A number of an answer, of whatever width.
pub(super) fn number(reply: &Document, key: &str) -> Option<u64> {
    match reply.get(key)? {
        Bson::Int32(n) => u64::try_from(*n).ok(),
        Bson::Int64(n) => u64::try_from(*n).ok(),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count, checked before"
        )]
        Bson::Double(x) if *x >= 0.0 && x.fract() == 0.0 => Some(*x as u64),
        _ => None,
    }
}

fn write_error(failed: &Document, done: u64) -> Error {
    let code = failed
        .get("code")
        .and_then(|code| match code {
            Bson::Int32(code) => Some(i64::from(*code)),
            Bson::Int64(code) => Some(*code),
            _ => None,
        })
        .unwrap_or(0);
    let mut error = fault::by_code(&Refusal {
        code,
        name: failed.get_str("codeName").unwrap_or_default(),
        text: failed.get_str("errmsg").unwrap_or_default(),
        labels: Labels::default(),
    });
    if let Some(index) = number(failed, "index") {
        error = error.detail("index", index);
    }
    for (member, detail) in [("keyPattern", "key_pattern"), ("keyValue", "key_value")] {
        if let Ok(value) = failed.get_document(member) {
            error = error.detail(detail, ejson::from_document(value.clone()));
        }
    }
    // What a part of was done must not be done again under the same key.
    let fate = if done > 0 {
        Fate::Unknown
    } else {
        error.what_became()
    };
    error.fate(fate)
}

/// The write is done on the primary, and not known to be safe.
fn concern_error(concern: &Document) -> Error {
    Error::new(
        Kind::OutcomeUnknown,
        "The write was done, but not confirmed by as many members as the write concern asks for",
    )
    .status(Status::Permanent)
    .fate(Fate::Unknown)
    .detail("upstream_code", number(concern, "code").unwrap_or(0))
    .detail(
        "upstream_message",
        fault::cut(concern.get_str("errmsg").unwrap_or_default(), 300),
    )
    .hint("Look whether it is there before you write again, and check the replica set")
}
