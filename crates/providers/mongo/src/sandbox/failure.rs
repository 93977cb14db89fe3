//! Errors with MongoDB's own codes, names and words.

use bson::{Document, doc};

/// A command, or one write of a command, that the server refuses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) code: i32,
    pub(crate) message: String,
    /// Fields beside the message, such as `keyPattern` of a duplicate key.
    pub(crate) extra: Document,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            extra: Document::new(),
        }
    }

    pub(crate) fn bad_value(message: impl Into<String>) -> Self {
        Self::new(2, message)
    }

    pub(crate) fn failed_to_parse(message: impl Into<String>) -> Self {
        Self::new(9, message)
    }

    pub(crate) fn type_mismatch(message: impl Into<String>) -> Self {
        Self::new(14, message)
    }

    pub(crate) fn namespace_not_found(message: impl Into<String>) -> Self {
        Self::new(26, message)
    }

    /// For what MongoDB can do and the simulator cannot: better refused than half done.
    pub(crate) fn not_implemented(what: impl std::fmt::Display) -> Self {
        Self::new(238, format!("the simulator does not implement {what}"))
    }

    pub(crate) fn reply(&self) -> Document {
        let mut reply = doc! {
            "ok": 0.0,
            "errmsg": self.message.clone(),
            "code": self.code,
            "codeName": code_name(self.code),
        };
        reply.extend(self.extra.clone());
        reply
    }

    /// The entry for `writeErrors`.
    pub(crate) fn write_error(&self, index: i32) -> Document {
        let mut entry = doc! { "index": index, "code": self.code };
        entry.extend(self.extra.clone());
        entry.insert("errmsg", self.message.clone());
        entry
    }
}

/// Codes outside the list are the numbers of single assertions, which the server calls `Location…`.
pub(crate) fn code_name(code: i32) -> String {
    let name = match code {
        2 => "BadValue",
        8 => "UnknownError",
        9 => "FailedToParse",
        10 => "CannotMutateObject",
        11 => "UserNotFound",
        13 => "Unauthorized",
        14 => "TypeMismatch",
        15 => "Overflow",
        16 => "InvalidLength",
        17 => "ProtocolError",
        18 => "AuthenticationFailed",
        20 => "IllegalOperation",
        26 => "NamespaceNotFound",
        27 => "IndexNotFound",
        28 => "PathNotViable",
        40 => "ConflictingUpdateOperators",
        43 => "CursorNotFound",
        48 => "NamespaceExists",
        52 => "DollarPrefixedFieldName",
        53 => "InvalidIdField",
        54 => "NotSingleValueField",
        56 => "EmptyFieldName",
        59 => "CommandNotFound",
        66 => "ImmutableField",
        67 => "CannotCreateIndex",
        72 => "InvalidOptions",
        73 => "InvalidNamespace",
        85 => "IndexOptionsConflict",
        86 => "IndexKeySpecsConflict",
        168 => "InvalidPipelineOperator",
        197 => "InvalidIndexSpecificationOption",
        238 => "NotImplemented",
        241 => "ConversionFailure",
        11000 => "DuplicateKey",
        322 => "APIVersionError",
        334 => "MechanismUnavailable",
        10334 => "BSONObjectTooLarge",
        other => return format!("Location{other}"),
    };
    name.to_owned()
}
