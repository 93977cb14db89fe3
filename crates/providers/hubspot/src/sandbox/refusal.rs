//! Refusals in HubSpot's form.

use business_tools_sandbox::axum::http::{HeaderValue, StatusCode};
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use business_tools_sandbox::{ids, json};
use serde_json::{Map, Value, json};

/// The id of a request, in the body of a refusal and in the headers of every answer.
#[derive(Clone, Debug)]
pub(super) struct Correlation(pub(super) String);

impl Correlation {
    pub(super) fn new() -> Self {
        let hex = ids::hex32("");
        let (start, end) = (&hex[..12], &hex[16..]);
        Self(format!(
            "{}-{}-4{}-a{}-{}",
            &start[..8],
            &start[8..],
            &hex[12..15],
            &end[..3],
            &end[3..15]
        ))
    }

    /// Put it into the headers, unless one is there that the body names.
    pub(super) fn stamp(&self, response: &mut Response) {
        if let Ok(id) = HeaderValue::from_str(&self.0) {
            let headers = response.headers_mut();
            headers.entry("x-hubspot-correlation-id").or_insert(id);
        }
    }
}

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal(Box<Reason>);

#[derive(Clone, Debug)]
struct Reason {
    status: u16,
    category: &'static str,
    message: String,
    sub_category: Option<&'static str>,
    /// Of the limits, the one that was reached.
    policy: Option<&'static str>,
    context: Map<String, Value>,
    errors: Vec<Value>,
}

pub(super) type Answer<T = Response> = Result<T, Refusal>;

impl Refusal {
    fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Reason {
            status,
            category,
            message: message.into(),
            sub_category: None,
            policy: None,
            context: Map::new(),
            errors: Vec::new(),
        }))
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "CONFLICT", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", message)
    }

    pub(super) fn no_object() -> Self {
        Self::not_found("resource not found")
    }

    pub(super) fn media_type() -> Self {
        Self::new(415, "VALIDATION_ERROR", "HTTP 415 Unsupported Media Type")
    }

    pub(super) fn method() -> Self {
        Self::new(405, "VALIDATION_ERROR", "HTTP 405 Method Not Allowed")
    }

    pub(super) fn no_credentials() -> Self {
        Self::new(
            401,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more \
             details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )
    }

    pub(super) fn expired() -> Self {
        Self::new(
            401,
            "EXPIRED_AUTHENTICATION",
            "The OAuth token used to make this call expired 1 minute(s) ago.",
        )
    }

    pub(super) fn scopes(needed: &str) -> Self {
        let mut refusal = Self::new(
            403,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: \
             https://developers.hubspot.com/scopes.",
        );
        refusal.0.errors.push(json!({
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": [needed]},
        }));
        refusal
    }

    pub(super) fn too_many(policy: &'static str) -> Self {
        let message = format!("You have reached your {} limit.", policy.to_lowercase());
        let mut refusal = Self::new(429, "RATE_LIMITS", message);
        refusal.0.policy = Some(policy);
        refusal
    }

    pub(super) fn with_context(mut self, key: &str, values: impl Into<Value>) -> Self {
        self.0.context.insert(key.to_owned(), values.into());
        self
    }

    pub(super) fn with_errors(mut self, errors: Vec<Value>) -> Self {
        self.0.errors = errors;
        self
    }

    pub(super) fn sub(mut self, category: &'static str) -> Self {
        self.0.sub_category = Some(category);
        self
    }

    /// Whether it is about an object that is not there.
    pub(super) fn is_absence(&self) -> bool {
        self.0.status == 404
    }

    /// The body, as the answer to a request.
    pub(super) fn body(&self, correlation: &Correlation) -> Value {
        let mut body = json!({
            "status": "error", "message": self.0.message, "correlationId": correlation.0,
            "category": self.0.category,
        });
        if let Some(sub) = self.0.sub_category {
            body["subCategory"] = sub.into();
        }
        if let Some(policy) = self.0.policy {
            body["errorType"] = "RATE_LIMIT".into();
            body["policyName"] = policy.into();
            body["requestId"] = ids::hex32("").into();
        }
        if !self.0.context.is_empty() {
            body["context"] = self.0.context.clone().into();
        }
        if !self.0.errors.is_empty() {
            body["errors"] = self.0.errors.clone().into();
        }
        body
    }

    /// As one of the errors of a batch.
    pub(super) fn in_batch(&self) -> Value {
        let mut error = json!({
            "status": "error", "category": self.0.category, "message": self.0.message,
            "context": self.0.context, "errors": self.0.errors, "links": {},
        });
        if let Some(sub) = self.0.sub_category {
            error["subCategory"] = sub.into();
        }
        error
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let correlation = Correlation::new();
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = json::answer(status, &self.body(&correlation));
        correlation.stamp(&mut response);
        response
    }
}

/// The answer of an injected status; `code` is the policy of a limit, or the category of a 401.
pub(super) fn fault(status: StatusCode, code: Option<&str>) -> Response {
    let number = status.as_u16();
    let refusal = match (number, code) {
        (401, Some("EXPIRED_AUTHENTICATION")) => Refusal::expired(),
        (401, _) => Refusal::no_credentials(),
        (403, _) => Refusal::scopes("crm.objects.contacts.read"),
        (404, _) => Refusal::no_object(),
        (409, _) => Refusal::conflict("The object was changed by another request"),
        (423, _) => Refusal::new(
            423,
            "LOCKED",
            "The resource is locked; try again in a moment",
        ),
        (429, Some("DAILY")) => Refusal::too_many("DAILY"),
        (429, Some("SECONDLY")) => Refusal::too_many("SECONDLY"),
        (429, _) => Refusal::too_many("TEN_SECONDLY_ROLLING"),
        (477, _) => Refusal::new(
            477,
            "MIGRATION_IN_PROGRESS",
            "This account is being migrated",
        ),
        _ if number >= 500 => Refusal::new(number, "INTERNAL_ERROR", "internal error"),
        _ => Refusal::new(number, "VALIDATION_ERROR", "Invalid request"),
    };
    refusal.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correlation_is_a_uuid() {
        let Correlation(id) = Correlation::new();
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
    }
}
