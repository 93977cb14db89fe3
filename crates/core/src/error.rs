//! The error object: what every layer, provider and transport reports, and its form on the wire.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::cx::Cx;

/// A result whose error is the project's own.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a deserializer found wrong, without the value that it quotes: values are not for messages and logs.
pub(crate) fn without_values(fault: &str) -> String {
    let fault = fault.lines().next().unwrap_or_default();
    let wrong = ["invalid type: ", "invalid value: ", "invalid length "];
    if wrong.iter().any(|start| fault.starts_with(start)) {
        return match fault.rsplit_once(", expected ") {
            Some((_, expected)) => format!("must be {expected}"),
            None => "has a value of the wrong kind".to_owned(),
        };
    }
    if let Some(rest) = fault.strip_prefix("unknown variant ") {
        return match rest.split_once("expected ") {
            Some((_, expected)) => format!("must be {expected}"),
            None => "has a value that is none of those possible".to_owned(),
        };
    }
    // A name that is none may be a value in the wrong place.
    if let Some(rest) = fault.strip_prefix("unknown field ") {
        return match rest.split_once("expected ") {
            Some((_, expected)) => format!("has a member that is not {expected}"),
            None => "has a member that there is not".to_owned(),
        };
    }
    // A type's own words, which may quote the value at their end.
    match fault.split_once('"') {
        Some((words, _)) => words.trim_end_matches([' ', ':']).to_owned(),
        None => fault.to_owned(),
    }
}

type Source = Box<dyn std::error::Error + Send + Sync>;

macro_rules! kinds {
    ($($(#[doc = $doc:expr])+ $name:ident = $code:literal, $ours:literal;)+) => {
        /// What went wrong: a closed list, also the `status` label of the metrics.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[doc = $doc])+ $name,)+ }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The kind as it stands on the wire, `AUTH_FAILED`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Whether this kind is the server's own word, and so carries no provider prefix.
            pub const fn is_ours(self) -> bool {
                match self { $(Self::$name => $ours,)+ }
            }

            /// What the kind means, in one or two sentences, for the reference pages.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+),)+ }
            }
        }
    };
}

kinds! {
    /// An argument is missing, unknown or not as the schema says; `details.faults` names each place.
    InvalidArguments = "INVALID_ARGUMENTS", true;
    /// No tool of that name is installed or selected.
    ToolNotFound = "TOOL_NOT_FOUND", true;
    /// The provider or the account has no configuration; the hint names the setting.
    NotConfigured = "NOT_CONFIGURED", false;
    /// The provider refused the credentials; without a provider in the code, this server an API key.
    AuthFailed = "AUTH_FAILED", false;
    /// A person has to log in first; `details.login_url` says where. Over HTTP: an API key is missing.
    AuthRequired = "AUTH_REQUIRED", false;
    /// The credentials are good but may not do this.
    PermissionDenied = "PERMISSION_DENIED", false;
    /// The server runs read-only and the tool writes.
    ReadOnly = "READ_ONLY", true;
    /// A person has to agree first; `details.confirm_token` lets the caller repeat the call then.
    ConfirmationRequired = "CONFIRMATION_REQUIRED", true;
    /// A person was asked and said no. Nothing was done.
    ConfirmationDeclined = "CONFIRMATION_DECLINED", true;
    /// The thing does not exist, or these credentials cannot see it.
    NotFound = "NOT_FOUND", false;
    /// It exists already, or has changed meanwhile.
    Conflict = "CONFLICT", false;
    /// The provider understood the request and refused it as wrong.
    InvalidRequest = "INVALID_REQUEST", false;
    /// Too many requests; `details.retry_after_ms` says how long to wait.
    RateLimited = "RATE_LIMITED", false;
    /// A quota, a budget or a balance is used up; waiting a moment does not help.
    QuotaExceeded = "QUOTA_EXCEEDED", false;
    /// The provider failed repeatedly and is left alone until `details.retry_after_ms` is over.
    CircuitOpen = "CIRCUIT_OPEN", false;
    /// No answer within the time there was.
    Timeout = "TIMEOUT", false;
    /// The caller cancelled or went away.
    Cancelled = "CANCELLED", true;
    /// The provider cannot be reached or says that it is down.
    Unavailable = "UNAVAILABLE", false;
    /// The provider failed in a way of its own.
    UpstreamError = "UPSTREAM_ERROR", false;
    /// The provider's answer is not what its description says: broken, cut off, too large or not JSON.
    BadUpstreamResponse = "BAD_UPSTREAM_RESPONSE", false;
    /// The result is larger than the caller takes and cannot be cut into pages.
    ResultTooLarge = "RESULT_TOO_LARGE", true;
    /// The idempotency key was used before with other arguments.
    IdempotencyConflict = "IDEMPOTENCY_CONFLICT", true;
    /// A write was sent and its answer was lost: it may or may not have been done. The hint says how to find out.
    OutcomeUnknown = "OUTCOME_UNKNOWN", false;
    /// The plugin behind the tool does not run.
    PluginUnavailable = "PLUGIN_UNAVAILABLE", true;
    /// A fault of this server. The log has the details under the request id.
    Internal = "INTERNAL", true;
}

impl Kind {
    /// The kind of an HTTP status, for every provider that does not say otherwise.
    pub fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::AuthFailed,
            402 => Self::QuotaExceeded,
            403 => Self::PermissionDenied,
            404 | 410 => Self::NotFound,
            408 | 504 => Self::Timeout,
            409 | 412 => Self::Conflict,
            429 => Self::RateLimited,
            400..=499 => Self::InvalidRequest,
            502 | 503 => Self::Unavailable,
            500..=599 => Self::UpstreamError,
            _ => Self::BadUpstreamResponse,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It will fail again.
    Permanent,
    /// It may work in a moment.
    Temporary,
    /// It was temporary, was tried again, and stayed: nobody above tries once more.
    Persistent,
}

/// What is known about a request that failed: the question that decides whether it may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It never left: no connection, no token, a refusal of our own.
    NotSent,
    /// The provider answered that it did not do it.
    Refused,
    /// It left and the answer is missing or says nothing: it may have been done.
    Unknown,
}

/// One error, from the layer or provider where it arose up to the caller.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    status: Status,
    fate: Fate,
    message: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    opens_circuit: bool,
    provider: Option<&'static str>,
    details: Map<String, Value>,
    source: Option<Source>,
}

impl Error {
    /// An error of this kind with one plain sentence for the caller.
    ///
    /// Its fate is `Unknown` where the kind leaves open what became of the request, else `Refused`.
    /// The message must hold no secret, no URL query and no upstream body.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        let status = match kind {
            Kind::RateLimited | Kind::Timeout | Kind::Unavailable | Kind::UpstreamError => {
                Status::Temporary
            }
            _ => Status::Permanent,
        };
        // Whoever knows better says so; until then a write that ends like this may have been done.
        let fate = match kind {
            Kind::Timeout
            | Kind::Cancelled
            | Kind::Unavailable
            | Kind::UpstreamError
            | Kind::BadUpstreamResponse
            | Kind::ResultTooLarge
            | Kind::OutcomeUnknown
            | Kind::Internal => Fate::Unknown,
            _ => Fate::Refused,
        };
        Self(Box::new(Inner {
            kind,
            status,
            fate,
            message: message.into(),
            hint: None,
            retry_after: None,
            opens_circuit: false,
            provider: None,
            details: Map::new(),
            source: None,
        }))
    }

    /// A fault of this server: the cause goes to the log, the caller gets the request id.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::new(Kind::Internal, "The server failed to handle this call")
            .hint("Look for the request id in the server's log")
            .source(source)
    }

    /// One bad argument, at `pointer` (a JSON pointer such as `/to`).
    pub fn argument(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        crate::call::validate::Faults::one(pointer, message).into_error()
    }

    /// The next step for a person or a model, one sentence.
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The next step, unless a better one is told already.
    pub fn or_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// How long to wait before another try.
    pub fn retry_after(mut self, wait: impl Into<Option<Duration>>) -> Self {
        self.0.retry_after = wait.into();
        self
    }

    /// Every further request of this account would end like this for a while: the circuit opens at once, for
    /// the time of [`Error::retry_after`] or that of the policy.
    pub fn opens_circuit(mut self) -> Self {
        self.0.opens_circuit = true;
        self
    }

    /// The status, where it is not what the kind implies.
    pub fn status(mut self, status: Status) -> Self {
        self.0.status = status;
        self
    }

    /// What became of the request.
    pub fn fate(mut self, fate: Fate) -> Self {
        self.0.fate = fate;
        self
    }

    /// The provider that the error is about.
    pub fn provider(mut self, id: &'static str) -> Self {
        self.0.provider.get_or_insert(id);
        self
    }

    /// A member of `details`, such as `upstream_code`.
    pub fn detail(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.0.details.insert(key.to_owned(), value.into());
        self
    }

    /// The cause, for the log only.
    pub fn source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error under another kind, keeping what is known.
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The same error with another message.
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Temporary becomes persistent: it was tried again, and nobody above should.
    pub fn persistent(mut self) -> Self {
        if self.0.status == Status::Temporary {
            self.0.status = Status::Persistent;
        }
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whether another try inside this call may help.
    pub fn is_temporary(&self) -> bool {
        self.0.status == Status::Temporary
    }

    /// What became of the request.
    pub fn what_became(&self) -> Fate {
        self.0.fate
    }

    /// Whether the circuit opens at once.
    pub(crate) fn trips(&self) -> bool {
        self.0.opens_circuit
    }

    /// How long the provider, the breaker or the limiter asks to wait.
    pub fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The sentence for the caller.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The next step, if there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The members of `details` that the place of the error added.
    pub fn details(&self) -> &Map<String, Value> {
        &self.0.details
    }

    /// The provider that the error is about, if it is about one.
    pub(crate) fn provider_id(&self) -> Option<&'static str> {
        self.0.provider
    }

    /// The same error with these `details`.
    pub(crate) fn with_details(mut self, details: Map<String, Value>) -> Self {
        self.0.details = details;
        self
    }

    /// The code on the wire: `TWILIO_AUTH_FAILED`, `INVALID_ARGUMENTS`.
    pub fn code(&self) -> String {
        match self.0.provider {
            Some(id) if !self.0.kind.is_ours() => {
                format!("{}_{}", id.to_ascii_uppercase(), self.0.kind.code())
            }
            _ => self.0.kind.code().to_owned(),
        }
    }

    /// The object that every caller sees, stamped with the time and the id of the call.
    pub fn wire(&self, cx: &Cx) -> Value {
        let inner = &self.0;
        let mut details = Map::new();
        if let Some(provider) = inner.provider {
            details.insert("provider".into(), provider.into());
        }
        let now = jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        details.insert("timestamp".into(), now.into());
        details.insert("request_id".into(), cx.request_id().into());
        details.extend(inner.details.clone());
        details.insert("retryable".into(), self.is_retryable().into());
        if let Some(wait) = inner.retry_after {
            let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            details.insert("retry_after_ms".into(), millis.into());
        }
        let mut object = json!({"code": self.code(), "message": inner.message, "details": details});
        if let (Some(hint), Some(object)) = (&inner.hint, object.as_object_mut()) {
            object.insert("hint".into(), hint.as_ref().into());
        }
        json!({ "error": object })
    }

    /// Whether the caller may make the same call again: never when a write may have been done.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            Kind::OutcomeUnknown | Kind::Internal => false,
            Kind::CircuitOpen => true,
            _ => self.0.status != Status::Permanent,
        }
    }

    /// The cause chain as one line, for the log.
    pub fn cause(&self) -> Option<String> {
        let mut next = self
            .0
            .source
            .as_ref()
            .map(|s| &**s as &(dyn std::error::Error + 'static));
        let mut line = String::new();
        while let Some(error) = next {
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&error.to_string());
            next = error.source();
        }
        (!line.is_empty()).then_some(line)
    }
}

impl Clone for Error {
    /// The cause is kept as text: callers that share one fetch share its error.
    fn clone(&self) -> Self {
        let inner = &self.0;
        Self(Box::new(Inner {
            kind: inner.kind,
            status: inner.status,
            fate: inner.fate,
            message: inner.message.clone(),
            hint: inner.hint.clone(),
            retry_after: inner.retry_after,
            opens_circuit: inner.opens_circuit,
            provider: inner.provider,
            details: inner.details.clone(),
            source: self.cause().map(Into::into),
        }))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.debug_struct("Error")
            .field("code", &self.code())
            .field("status", &inner.status)
            .field("fate", &inner.fate)
            .field("message", &inner.message)
            .field("hint", &inner.hint)
            .field("details", &inner.details)
            .field("source", &inner.source)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.0.message)?;
        match &self.0.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|s| &**s as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_has_what_a_caller_needs_and_no_cause() {
        let error = Error::new(Kind::RateLimited, "Too many")
            .provider("acme")
            .retry_after(Duration::from_millis(1500))
            .detail("upstream_code", 20429)
            .source("the cause, CANARY")
            .hint("Wait");
        let wire = error.wire(&Cx::local());
        let object = &wire["error"];
        assert_eq!(object["code"], "ACME_RATE_LIMITED");
        assert_eq!(object["hint"], "Wait");
        let details = &object["details"];
        assert_eq!(details["retry_after_ms"], 1500);
        assert_eq!(details["retryable"], true);
        assert_eq!(details["provider"], "acme");
        assert_eq!(details["upstream_code"], 20429);
        assert!(details["timestamp"].as_str().unwrap().ends_with('Z'));
        assert!(!wire.to_string().contains("CANARY"));
        assert_eq!(error.cause().as_deref(), Some("the cause, CANARY"));
        assert_eq!(error.clone().cause(), error.cause());
    }

    #[test]
    fn our_own_words_carry_no_provider() {
        let error = Error::new(Kind::ReadOnly, "No").provider("acme");
        assert_eq!(error.code(), "READ_ONLY");
    }

    #[test]
    fn kinds_have_codes_of_their_own_and_meanings() {
        let codes: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|k| k.code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        assert!(
            Kind::ALL
                .iter()
                .all(|kind| !kind.meaning().trim().is_empty())
        );
    }

    #[test]
    fn what_leaves_the_outcome_open_says_so_unless_told_otherwise() {
        for kind in [
            Kind::Timeout,
            Kind::Internal,
            Kind::ResultTooLarge,
            Kind::BadUpstreamResponse,
        ] {
            assert_eq!(Error::new(kind, "").what_became(), Fate::Unknown);
            assert_eq!(
                Error::new(kind, "").fate(Fate::NotSent).what_became(),
                Fate::NotSent
            );
        }
        for kind in [
            Kind::RateLimited,
            Kind::InvalidRequest,
            Kind::AuthFailed,
            Kind::NotFound,
        ] {
            assert_eq!(Error::new(kind, "").what_became(), Fate::Refused);
        }
    }

    #[test]
    fn every_status_has_a_kind() {
        for (status, kind) in [
            (302, Kind::BadUpstreamResponse),
            (400, Kind::InvalidRequest),
            (401, Kind::AuthFailed),
            (402, Kind::QuotaExceeded),
            (403, Kind::PermissionDenied),
            (404, Kind::NotFound),
            (409, Kind::Conflict),
            (422, Kind::InvalidRequest),
            (429, Kind::RateLimited),
            (500, Kind::UpstreamError),
            (502, Kind::Unavailable),
            (503, Kind::Unavailable),
            (504, Kind::Timeout),
        ] {
            assert_eq!(
                Kind::of(StatusCode::from_u16(status).unwrap()),
                kind,
                "{status}"
            );
        }
    }

    #[test]
    fn a_deserializers_words_lose_the_value_and_keep_the_rest() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Two {
            one: Option<u8>,
            two: Option<u8>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Colour {
            Red,
        }
        let words = |error: serde_json::Error| without_values(&error.to_string());
        let number = serde_json::from_value::<u8>(json!("CANARY")).unwrap_err();
        assert_eq!(words(number), "must be u8");
        let text = serde_json::from_value::<String>(json!(4711)).unwrap_err();
        assert_eq!(words(text), "must be a string");
        let variant = serde_json::from_value::<Colour>(json!("CANARY")).unwrap_err();
        assert_eq!(words(variant), "must be `red`");
        let _ = Colour::Red;
        let url = serde_json::from_value::<url::Url>(json!("CANARY")).unwrap_err();
        assert_eq!(words(url), "relative URL without a base");
        let field = serde_json::from_value::<Two>(json!({"CANARY": 1})).unwrap_err();
        assert_eq!(words(field), "has a member that is not `one` or `two`");
        let both = serde_json::from_value::<Two>(json!({"one": 1})).unwrap();
        assert_eq!((both.one, both.two), (Some(1), None));
        let missing = "missing field `to`";
        assert_eq!(without_values(missing), missing);
    }
}
