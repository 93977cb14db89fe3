//! What the driver and the server report, in our words: kind, fate, status, next step.

use bson::RawDocumentBuf;
use business_tools_core::{Error, Fate, Kind, Status};
use mongodb::error::{Error as DriverError, ErrorKind, SYSTEM_OVERLOADED_ERROR};

/// The longest text of the server's that is passed on.
const MAX_TEXT: usize = 300;

/// Says about a write that the server knows it was not begun.
const NO_WRITES_PERFORMED: &str = "NoWritesPerformed";

/// Explains an error of the driver. `had_connection` tells whether the command may have gone out.
pub(crate) fn explain(error: &DriverError, had_connection: bool) -> Error {
    let fate = if had_connection {
        Fate::Unknown
    } else {
        Fate::NotSent
    };
    match &*error.kind {
        ErrorKind::Command(command) => by_code(&Refusal {
            code: i64::from(command.code),
            name: &command.code_name,
            text: &command.message,
            labels: Labels::of(error),
        })
        .retry_after(command.base_backoff),
        ErrorKind::Authentication { .. } => refused(),
        ErrorKind::ServerSelection { message, .. } => unreachable(message),
        ErrorKind::DnsResolve { .. } => Error::new(
            Kind::Unavailable,
            "The host name of the MongoDB server cannot be resolved",
        )
        .fate(Fate::NotSent)
        .hint("Check the host in MONGODB_URI and the DNS of this machine"),
        ErrorKind::Io(_) => Error::new(
            Kind::Unavailable,
            if had_connection {
                "The connection to the MongoDB server broke before an answer came"
            } else {
                "No connection to the MongoDB server could be made"
            },
        )
        .fate(fate)
        .hint("Try again in a moment; if it stays, check the network and the server's log"),
        // Another command's failure emptied the pool before this one had a connection.
        ErrorKind::ConnectionPoolCleared { .. } => Error::new(
            Kind::Unavailable,
            "The connections to the MongoDB server are being made anew",
        )
        .fate(Fate::NotSent)
        .hint("Try again in a moment"),
        ErrorKind::InvalidResponse { .. } | ErrorKind::Bson(_) | ErrorKind::Internal { .. } => {
            unreadable(error, fate)
        }
        ErrorKind::InvalidTlsConfig { .. } => Error::new(
            Kind::NotConfigured,
            "The TLS settings of the connection string do not work",
        )
        .fate(Fate::NotSent)
        .hint("Check `tlsCAFile` and `tlsCertificateKeyFile` in MONGODB_URI"),
        ErrorKind::InvalidArgument { .. } => Error::new(
            Kind::InvalidRequest,
            "The MongoDB driver refused the command",
        )
        .fate(fate)
        .hint("The command may be too large for one message; send less at once"),
        ErrorKind::IncompatibleServer { .. } | ErrorKind::SessionsNotSupported => Error::new(
            Kind::InvalidRequest,
            "The MongoDB server is too old or too new for this driver",
        )
        .fate(Fate::NotSent)
        .hint("Use MongoDB 4.2 or newer"),
        ErrorKind::Shutdown => Error::new(Kind::Unavailable, "The connection is being closed")
            .fate(Fate::NotSent)
            .hint("Try again in a moment"),
        _ => Error::new(Kind::UpstreamError, "The MongoDB driver failed")
            .status(Status::Permanent)
            .fate(fate)
            .hint("Look for the request id in this server's log, and at the server's own"),
    }
    .source(for_the_log(error))
}

/// The server did not take the user.
pub(crate) fn refused() -> Error {
    Error::new(Kind::AuthFailed, message(Kind::AuthFailed))
        .fate(Fate::NotSent)
        .hint(crate::AUTH_HINT)
        .detail("upstream_code", 18)
        .detail("code_name", "AuthenticationFailed")
}

/// The driver's words, without the server's: those can hold data, which has no place in a log.
fn for_the_log(error: &DriverError) -> String {
    match &*error.kind {
        ErrorKind::Command(command) => {
            format!("code {} ({})", command.code, cut(&command.code_name, 64))
        }
        kind => cut(&kind.to_string(), 500),
    }
}

/// No server answers. The driver has tried for seconds already, so nobody tries again in this call.
fn unreachable(message: &str) -> Error {
    let text = message.to_ascii_lowercase();
    // The driver tells the cause as text alone.
    let tls = [
        "certificate",
        "tls",
        "handshake",
        "fatal alert",
        "corrupt message",
    ];
    let error = if tls.iter().any(|word| text.contains(word)) {
        Error::new(
            Kind::Unavailable,
            "No trusted TLS connection to the MongoDB server",
        )
        .hint("Check `tls` and `tlsCAFile` in MONGODB_URI, the system's certificates and the clock")
    } else {
        Error::new(Kind::Unavailable, "The MongoDB server cannot be reached").hint(
            "Check the host and `tls` in MONGODB_URI, the network, and the server's access list (Atlas: Network Access)",
        )
    };
    error.fate(Fate::NotSent).status(Status::Persistent)
}

/// An answer that is not what the protocol says, or an error without a code.
fn unreadable(error: &DriverError, fate: Fate) -> Error {
    if let Some(text) = error.server_response().and_then(uncoded_error) {
        return by_code(&Refusal {
            code: 0,
            name: "",
            text: &text,
            labels: Labels::of(error),
        });
    }
    Error::new(
        Kind::BadUpstreamResponse,
        "The MongoDB server sent an answer that cannot be read",
    )
    .fate(fate)
    .hint("Check that MONGODB_URI points at a MongoDB server, and the server's log")
}

fn uncoded_error(reply: &RawDocumentBuf) -> Option<String> {
    reply.get_str("errmsg").ok().map(str::to_owned)
}

/// What the server says along with an error.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Labels {
    overloaded: bool,
    no_writes: bool,
}

impl Labels {
    fn of(error: &DriverError) -> Self {
        Self {
            overloaded: error.contains_label(SYSTEM_OVERLOADED_ERROR),
            no_writes: error.contains_label(NO_WRITES_PERFORMED),
        }
    }
}

/// The server's refusal of a command or of one write.
#[derive(Debug)]
pub(crate) struct Refusal<'a> {
    pub(crate) code: i64,
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    pub(crate) labels: Labels,
}

/// The error of a server's code. Only the code decides: the text can hold data, and changes.
pub(crate) fn by_code(refusal: &Refusal<'_>) -> Error {
    let (kind, status, fate) = classify(refusal);
    let error = Error::new(kind, message(kind))
        .status(status)
        .fate(fate)
        .detail("upstream_code", refusal.code);
    let error = match refusal.name {
        "" => error,
        name => error.detail("code_name", cut(name, 64)),
    };
    let error = match refusal.text {
        "" => error,
        text => error.detail("upstream_message", cut(text, MAX_TEXT)),
    };
    error.hint(hint(kind, refusal.code))
}

fn classify(refusal: &Refusal<'_>) -> (Kind, Status, Fate) {
    use Kind::{
        AuthFailed, Conflict, InvalidRequest, NotFound, PermissionDenied, QuotaExceeded,
        RateLimited, Timeout, Unavailable, UpstreamError,
    };
    use Status::{Permanent, Temporary};

    let lost = if refusal.labels.no_writes {
        Fate::Refused
    } else {
        Fate::Unknown
    };
    if refusal.labels.overloaded || refusal.code == 462 {
        return (RateLimited, Temporary, Fate::Refused);
    }
    match refusal.code {
        11 | 18 | 31 | 334 => (AuthFailed, Permanent, Fate::Refused),
        13 => (PermissionDenied, Permanent, Fate::Refused),
        26 | 27 | 43 => (NotFound, Permanent, Fate::Refused),
        48 | 68 | 85 | 86 | 117 | 11000 | 11001 | 12582 => (Conflict, Permanent, Fate::Refused),
        // Another write was in the way; nothing was changed.
        112 => (Conflict, Temporary, Fate::Refused),
        // The time is over wherever the work was: of a write, a part may be done.
        50 => (Timeout, Permanent, lost),
        24 => (Timeout, Temporary, Fate::Refused),
        202 | 262 => (Timeout, Temporary, lost),
        // Asked the wrong member, or too early (134): nothing was done.
        134 | 10058 | 10107 | 13435 | 13436 => (Unavailable, Temporary, Fate::Refused),
        // Interrupted, or lost on the way behind the server that we asked.
        6 | 7 | 89 | 91 | 189 | 9001 | 11600 | 11602 => (Unavailable, Temporary, lost),
        14031 => (QuotaExceeded, Permanent, lost),
        2 | 4 | 9 | 14 | 15 | 16 | 20 | 22 | 28 | 40 | 52 | 54 | 55 | 56 | 57 | 59 | 61 | 66
        | 67 | 72 | 73 | 115 | 121 | 146 | 166 | 167 | 197 | 224 | 238 | 241 | 291 | 292 | 303
        | 323 | 10334 | 17280 => (InvalidRequest, Permanent, Fate::Refused),
        _ if refusal.name.starts_with("Location") => (InvalidRequest, Permanent, Fate::Refused),
        _ => (UpstreamError, Permanent, lost),
    }
}

const fn message(kind: Kind) -> &'static str {
    match kind {
        Kind::AuthFailed => "The MongoDB server refused the user or the password",
        Kind::PermissionDenied => "The MongoDB user may not do this",
        Kind::NotFound => "The database, collection or index does not exist",
        Kind::Conflict => "It exists already or is in the way of another change",
        Kind::Timeout => "The MongoDB server did not finish within the time it had",
        Kind::RateLimited => "The MongoDB server has too much to do",
        Kind::Unavailable => "The MongoDB server cannot serve this at the moment",
        Kind::QuotaExceeded => "The MongoDB server has no room left",
        Kind::InvalidRequest => "The MongoDB server refused the command as wrong",
        _ => "The MongoDB server failed to run the command",
    }
}

const fn hint(kind: Kind, code: i64) -> &'static str {
    match (kind, code) {
        (_, 11000 | 11001 | 12582) => {
            "A document with this unique value is there already; find it, or use another value"
        }
        (_, 85 | 86) => {
            "An index of this name or key has other options; drop it first or use another name"
        }
        (_, 48) => "A collection of this name is there already",
        (_, 121) => {
            "The collection's validation rule refuses the document; see mongo_get_collection_schema for what others look like"
        }
        (_, 59) => "This server does not know the command; it may not be a full MongoDB",
        (_, 292) => "Match and project earlier in the pipeline, so that less is sorted or grouped",
        (Kind::AuthFailed, _) => crate::AUTH_HINT,
        (Kind::PermissionDenied, _) => {
            "Grant the MongoDB user `read` or `readWrite` on this database"
        }
        (Kind::NotFound, _) => "Look with mongo_list_collections or mongo_list_indexes",
        (Kind::Timeout, _) => {
            "Narrow the filter, add an index, or raise `max_time_ms` in the configuration"
        }
        (Kind::InvalidRequest, _) => "Mend what `details.upstream_message` names, and call again",
        (Kind::RateLimited | Kind::Unavailable, _) => "Try again in a moment",
        (Kind::QuotaExceeded, _) => "Free some space on the server",
        (Kind::Conflict, _) => "Look at what is there, then decide",
        _ => "See what `details.upstream_message` says, and the server's log",
    }
}

/// The server's text, bounded and on one line: it can hold data of outsiders.
pub(crate) fn cut(text: &str, max: usize) -> String {
    let clean = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(max);
    let mut clean: String = clean.collect();
    if text.chars().nth(max).is_some() {
        clean.push('…');
    }
    clean
}
