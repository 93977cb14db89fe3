//! The engine's errors in MongoDB's words.
//!
//! The engine numbers MongoDB's errors in its own order and writes the number in base 36 into an
//! SQLSTATE that starts with `M`. Inside a reply the same five characters come packed, six bits
//! each, in the place of the code.
//!
//! # Source
//! <https://github.com/documentdb/documentdb> `pg_documentdb_gw/include` (read 2026-11)

use std::fmt::Display;

use bson::{Bson, Document, doc};

/// An SQLSTATE, MongoDB's code, and its name.
type Known = (&'static str, i32, &'static str);

/// The ones that tests can meet.
const KNOWN: &[Known] = &[
    ("M0000", 1, "InternalError"),
    ("M0001", 2, "BadValue"),
    ("M0003", 9, "FailedToParse"),
    ("M0004", 14, "TypeMismatch"),
    ("M0005", 15, "Overflow"),
    ("M0006", 20, "IllegalOperation"),
    ("M0008", 26, "NamespaceNotFound"),
    ("M0009", 27, "IndexNotFound"),
    ("M000A", 28, "PathNotViable"),
    ("M000D", 40, "ConflictingUpdateOperators"),
    ("M000E", 43, "CursorNotFound"),
    ("M000F", 48, "NamespaceExists"),
    ("M000G", 52, "DollarPrefixedFieldName"),
    ("M000J", 56, "EmptyFieldName"),
    ("M000K", 57, "DottedFieldName"),
    ("M000M", 66, "ImmutableField"),
    ("M000N", 67, "CannotCreateIndex"),
    ("M000O", 68, "IndexAlreadyExists"),
    ("M000P", 72, "InvalidOptions"),
    ("M000Q", 73, "InvalidNamespace"),
    ("M000R", 85, "IndexOptionsConflict"),
    ("M000S", 86, "IndexKeySpecsConflict"),
    ("M000U", 115, "CommandNotSupported"),
    ("M000W", 146, "ExceededMemoryLimit"),
    ("M0012", 197, "InvalidIndexSpecificationOption"),
    ("M0013", 224, "QueryFeatureNotAllowed"),
    ("M0015", 241, "ConversionFailure"),
    ("M0016", 263, "OperationNotSupportedInTransaction"),
    ("M0018", 291, "NoQueryExecutionPlans"),
    ("M001B", 10334, "BSONObjectTooLarge"),
    ("M001C", 11000, "DuplicateKey"),
    ("M001O", 15958, "Location15958"),
    ("M001R", 15976, "Location15976"),
    ("M001S", 15981, "Location15981"),
    ("M0024", 16610, "Location16610"),
    ("M0053", 31119, "Location31119"),
    ("M0057", 31250, "Location31250"),
    ("M0058", 31253, "Location31253"),
    ("M0059", 31254, "Location31254"),
    ("M005E", 31325, "Location31325"),
    ("M0079", 40185, "Location40185"),
    ("M007M", 40218, "Location40218"),
    ("M007R", 40319, "Location40319"),
    ("M007T", 40323, "Location40323"),
    ("M007U", 40324, "Location40324"),
    ("M007V", 40352, "Location40352"),
    ("M0087", 40414, "IDLFailedToParse"),
    ("M0088", 40415, "IDLUnknownField"),
    ("M00CO", 121, "DocumentValidationFailure"),
    ("M00ER", 13, "Unauthorized"),
    ("M00EX", 50, "MaxTimeMSExpired"),
    ("M00EY", 59, "CommandNotFound"),
    ("M00F1", 112, "WriteConflict"),
    ("M00F6", 251, "NoSuchTransaction"),
    // PostgreSQL's own: a statement timeout, a lost race, a deadlock, a violated unique index.
    ("57014", 50, "MaxTimeMSExpired"),
    ("40001", 112, "WriteConflict"),
    ("40P01", 112, "WriteConflict"),
    ("23505", 11000, "DuplicateKey"),
];

/// A command that failed.
#[derive(Debug)]
pub(super) struct Fault {
    code: i32,
    name: &'static str,
    message: String,
    label: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(code: i32, name: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            name,
            message: message.into(),
            label: None,
        }
    }

    /// Our own fault, or the engine's.
    pub(super) fn internal(why: impl Display) -> Self {
        Self::new(1, "InternalError", why.to_string())
    }

    /// The driver may try the whole transaction again.
    pub(super) fn transient(mut self) -> Self {
        self.label = Some("TransientTransactionError");
        self
    }

    /// The reply of a failed command.
    pub(super) fn reply(self) -> Document {
        let mut reply = doc! {
            "ok": 0.0, "errmsg": self.message, "code": self.code, "codeName": self.name,
        };
        if let Some(label) = self.label {
            reply.insert("errorLabels", vec![label]);
        }
        reply
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(fault: tokio_postgres::Error) -> Self {
        let Some(said) = fault.as_db_error() else {
            return Self::internal(fault);
        };
        match known(said.code().code()) {
            Some((_, code, name)) => Self::new(*code, name, said.message()),
            None => Self::internal(format!("{}: {}", said.code().code(), said.message())),
        }
    }
}

fn known(state: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|(known, ..)| *known == state)
}

/// Turns the packed codes of `writeErrors` into MongoDB's.
pub(super) fn unpack_write_errors(reply: &mut Document) {
    let Ok(errors) = reply.get_array_mut("writeErrors") else {
        return;
    };
    for error in errors.iter_mut().filter_map(Bson::as_document_mut) {
        if let Ok(packed) = error.get_i32("code") {
            let code = known(&unpacked(packed)).map_or(1, |(_, code, _)| *code);
            error.insert("code", code);
        }
    }
}

/// The fault in a reply that failed below `raw`, one level down, as that of an index does.
pub(super) fn raw_fault(reply: &Document) -> Option<Fault> {
    let shards = reply.get_document("raw").ok()?;
    let failed = shards.values().find_map(|shard| {
        let shard = shard.as_document()?;
        shard.get_i32("code").is_ok().then_some(shard)
    })?;
    let message = failed.get_str("errmsg").unwrap_or_default();
    let state = unpacked(failed.get_i32("code").unwrap_or_default());
    Some(match known(&state) {
        Some((_, code, name)) => Fault::new(*code, name, message),
        None => Fault::internal(format!("{state}: {message}")),
    })
}

/// The five characters of an SQLSTATE, lowest bits first.
fn unpacked(packed: i32) -> String {
    (0..5)
        .map(|place| {
            let bits = u8::try_from((packed >> (6 * place)) & 0x3f).unwrap_or_default();
            char::from(b'0' + bits)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_duplicate_key_becomes_11000() {
        let mut reply = doc! { "writeErrors": [{ "index": 1, "code": 0x1304_001d }] };
        unpack_write_errors(&mut reply);
        assert_eq!(
            reply,
            doc! { "writeErrors": [{ "index": 1, "code": 11000 }] }
        );
    }
}
