//! Twilio's failures: both error bodies, and what the codes mean for the caller.

use business_tools_core::egress::transport::HttpResponse;
use business_tools_core::http::StatusCode;
use business_tools_core::{Error, Kind, Status};
use serde_json::Value;

/// What to say when the account's own token is refused.
pub(crate) const TOKEN_HINT: &str = "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN in .env";

/// What to say when an API key is refused. Keys of one region are unknown in the others.
pub(crate) const KEY_HINT: &str = "Check TWILIO_API_KEY, TWILIO_API_SECRET and TWILIO_ACCOUNT_SID, and that the key is of the region in use";

/// What to say when an access token is refused.
pub(crate) const BEARER_HINT: &str = "Ask for a new access token and set TWILIO_ACCESS_TOKEN: tokens expire; it must be of TWILIO_ACCOUNT_SID";

/// The most of Twilio's own words that is passed on.
const WORDS: usize = 300;

/// Twilio's words for a failure, in either of its two error bodies.
pub(crate) fn explain(answer: &HttpResponse) -> Error {
    let body = answer.value();
    let member = |name: &str| body.as_ref().and_then(|body| body.get(name));
    let code = member("code").and_then(Value::as_i64);
    // RFC 9457 has `title` and `detail`; the older body has `message`.
    let words = ["message", "detail", "title"]
        .iter()
        .find_map(|name| member(name)?.as_str())
        .map(|words| words.chars().take(WORDS).collect::<String>());
    let message = match &words {
        Some(words) => format!("Twilio: {words}"),
        None => format!("Twilio answered with status {}", answer.status.as_u16()),
    };
    let mut error = answer.error(message);
    if let Some(code) = code {
        error = error.detail("upstream_code", code);
    }
    if let Some(id) = answer.header("twilio-request-id") {
        error = error.detail("upstream_request_id", id);
    }
    refine(error, answer.status, code, &words.unwrap_or_default())
}

/// Kinds and next steps that the status alone does not tell.
fn refine(error: Error, status: StatusCode, code: Option<i64>, words: &str) -> Error {
    let error = match code {
        Some(20003) => return refused(error),
        // A restricted key, whatever the status says.
        Some(70051) => error.with_kind(Kind::PermissionDenied),
        Some(20404) => error.with_kind(Kind::NotFound),
        Some(20429) => error.with_kind(Kind::RateLimited),
        _ => error,
    };
    if let Some(code) = code
        && let Some((kind, hint)) = known(code)
    {
        let error = error.hint(hint);
        return match kind {
            Some(kind) => error.with_kind(kind).status(Status::Permanent),
            None => error,
        };
    }
    if out_of_money(words) {
        return error
            .with_kind(Kind::QuotaExceeded)
            .status(Status::Permanent)
            .hint("Top the account up in the Twilio console, then call again");
    }
    match (error.kind(), status.as_u16()) {
        (Kind::AuthFailed, _) => refused(error),
        (Kind::PermissionDenied, _) => {
            error.hint("Give the API key this permission, or use one of the account that has it")
        }
        // Twilio's own 404 has a code: something else answered.
        (Kind::NotFound, _) if code.is_none() => {
            error.hint("Check `base_url`: what answers there is not Twilio's API")
        }
        (_, 300..400) => {
            error.hint("Check `base_url`: it leads to a redirect, which is not followed")
        }
        (_, 500..) => {
            error.hint("Try again in a moment; https://status.twilio.com tells of outages")
        }
        _ => error,
    }
}

fn refused(error: Error) -> Error {
    error
        .with_kind(Kind::AuthFailed)
        .status(Status::Permanent)
        .with_message("Authentication failed for Twilio API")
        .hint(TOKEN_HINT)
}

fn out_of_money(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    let lacks = ["insufficient", "not enough"]
        .iter()
        .any(|w| words.contains(w));
    lacks
        && ["balance", "funds", "credit"]
            .iter()
            .any(|w| words.contains(w))
}

/// What single codes mean: another kind than the status implies, if any, and the next step.
///
/// Read 2026-11 in <https://www.twilio.com/docs/api/errors>.
fn known(code: i64) -> Option<(Option<Kind>, &'static str)> {
    let plain = |hint| Some((None, hint));
    let other = |kind, hint| Some((Some(kind), hint));
    match code {
        20005 => other(
            Kind::PermissionDenied,
            "The account is suspended or closed: see the Twilio console",
        ),
        20008 => plain("Test credentials send messages, place calls and buy numbers only"),
        21211 | 21217 | 21214 | 21401 => plain("Give `to` as E.164, such as +14155552345"),
        21614 => plain("The number cannot receive SMS; call it, or give a mobile number"),
        21210 | 21212 | 21606 | 21659 | 21660 => plain(
            "`from` must be a number of this account that can do this: twilio_list_phone_numbers",
        ),
        21408 | 21215 => other(
            Kind::PermissionDenied,
            "Allow this country under Geo permissions in the Twilio console",
        ),
        21608 | 21219 => {
            plain("A trial account reaches verified numbers only: verify it or upgrade")
        }
        21610 => plain("The recipient has opted out; do not write again unless they opt in"),
        21611 => other(
            Kind::RateLimited,
            "The sender's queue is full; wait some minutes, or send from another number",
        ),
        21220 => plain("Look with twilio_get_call: the call is not in a state that allows this"),
        20009 => plain("Wait until twilio_get_message says that it is delivered or failed"),
        30409 => plain("Only a message in state scheduled can be canceled: twilio_get_message"),
        63016 => {
            plain("Outside the 24-hour window WhatsApp takes approved templates only: content_sid")
        }
        63038 => other(
            Kind::QuotaExceeded,
            "The account's messages of this day are used up; wait for tomorrow or upgrade",
        ),
        // Attempts are used up: waiting a moment does not help.
        60202 => other(
            Kind::QuotaExceeded,
            "The code was tried too often; start a new verification after ten minutes",
        ),
        60203 => other(
            Kind::QuotaExceeded,
            "Codes were sent too often; wait ten minutes before the next",
        ),
        _ => None,
    }
}
