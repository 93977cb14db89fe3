//! Verify: the code is 123456 unless the caller chose one.

use std::time::Instant;

use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::{Path, State};
use business_tools_sandbox::axum::http::HeaderValue;
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::{Form, Mount, clock, ids};

use super::state::{Account, Verification, is_e164};
use super::{Caller, World, answer};

const CODE: &str = "123456";
const CHANNELS: &[&str] = &["sms", "call", "email", "whatsapp", "sna", "auto"];

fn open<'a>(
    account: &'a mut Account,
    service: &str,
    wanted: impl Fn(&Verification) -> bool,
) -> Option<&'a mut Verification> {
    let found = account
        .verifications
        .iter_mut()
        .rev()
        .map(|(_, verification)| verification);
    found
        .into_iter()
        .find(|v| v.service == service && v.is_open() && wanted(v))
}

fn too_many(code: u32, text: &str) -> Response {
    let mut response = answer::error(429, code, text);
    response
        .headers_mut()
        .insert("retry-after", HeaderValue::from_static("600"));
    response.headers_mut().insert(
        "twilio-reached-rate-limit",
        HeaderValue::from_static("true"),
    );
    response
}

fn no_service(service: &str) -> Response {
    answer::not_found(&format!("/v2/Services/{service}"))
}

pub(super) async fn create(
    State(world): State<World>,
    caller: Caller,
    mount: Mount,
    Path(service): Path<String>,
    body: Bytes,
) -> Response {
    if !ids::is_hex32("VA", &service) {
        return no_service(&service);
    }
    let form = Form::parse(&body);
    let to = form.given("To").unwrap_or_default();
    let channel = form.given("Channel").unwrap_or_default();
    if !CHANNELS.contains(&channel) {
        return answer::error(400, 60200, &format!("Invalid parameter: Channel {channel}"));
    }
    if !(is_e164(to) || channel == "email" && to.contains('@')) {
        return answer::error(400, 60200, &format!("Invalid parameter `To`: {to}"));
    }
    let code = form.given("CustomCode").unwrap_or(CODE).to_owned();
    world.with(&caller.sid, |account| {
        account.assumed.insert(service.clone());
        if let Some(again) = open(account, &service, |v| v.to == to) {
            if again.sent >= 5 {
                return too_many(60203, "Max send attempts reached");
            }
            again.sent += 1;
            channel.clone_into(&mut again.channel);
            again.code = code;
            return answer::created(&again.show(&caller.sid, &mount.base_url, "pending"));
        }
        let verification = Verification {
            sid: ids::hex32("VE"),
            service: service.clone(),
            to: to.to_owned(),
            channel: channel.to_owned(),
            code,
            sent: 1,
            tries: 0,
            gone: false,
            made: Instant::now(),
            created: clock::rfc3339(clock::now()),
        };
        let shown = verification.show(&caller.sid, &mount.base_url, "pending");
        account
            .verifications
            .insert(verification.sid.clone(), verification);
        answer::created(&shown)
    })
}

pub(super) async fn fetch(
    State(world): State<World>,
    caller: Caller,
    mount: Mount,
    Path((service, sid)): Path<(String, String)>,
) -> Response {
    world.with(&caller.sid, |account| {
        match open(account, &service, |v| v.sid == sid) {
            Some(found) => answer::ok(&found.show(&caller.sid, &mount.base_url, "pending")),
            None => answer::not_found(&format!("/v2/Services/{service}/Verifications/{sid}")),
        }
    })
}

pub(super) async fn check(
    State(world): State<World>,
    caller: Caller,
    mount: Mount,
    Path(service): Path<String>,
    body: Bytes,
) -> Response {
    if !ids::is_hex32("VA", &service) {
        return no_service(&service);
    }
    let form = Form::parse(&body);
    let code = form.given("Code").unwrap_or_default();
    if !(4..=10).contains(&code.len()) {
        return answer::error(400, 60200, "Invalid parameter: Code");
    }
    let (to, sid) = (form.given("To"), form.given("VerificationSid"));
    world.with(&caller.sid, |account| {
        let found = open(account, &service, |v| {
            Some(v.to.as_str()) == to || Some(v.sid.as_str()) == sid
        });
        let Some(found) = found else {
            return answer::not_found(&format!("/v2/Services/{service}/VerificationCheck"));
        };
        if found.tries >= 5 {
            return too_many(60202, "Max check attempts reached");
        }
        found.tries += 1;
        let approved = found.code == code;
        found.gone = approved;
        let mut shown = found.show(
            &caller.sid,
            &mount.base_url,
            if approved { "approved" } else { "pending" },
        );
        if let Some(members) = shown.as_object_mut() {
            // A check has fewer members than the verification itself, and one of its own.
            for member in ["lookup", "send_code_attempts", "sna", "url"] {
                members.shift_remove(member);
            }
            members.insert("sna_attempts_error_codes".into(), serde_json::json!([]));
        }
        answer::ok(&shown)
    })
}
