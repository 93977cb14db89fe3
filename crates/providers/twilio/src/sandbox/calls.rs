//! `Calls`.

use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::{Path, RawQuery, State};
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::{Form, Outbox};

use super::callbacks::Target;
use super::messages::{Refusal, is_web, refuse, sid_of, within};
use super::state::{Call, is_e164, owns};
use super::{Caller, World, answer, callbacks};

pub(super) async fn create(
    State(world): State<World>,
    caller: Caller,
    outbox: Outbox,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    let call = match build(&form) {
        Ok(call) => call,
        Err((code, text)) => return answer::error(400, code, &text),
    };
    let told = call.callback.is_some().then(|| call.sid.clone());
    let answer = world.with(&caller.sid, |account| {
        let application = form.given("ApplicationSid").map(str::to_owned);
        account.assumed.extend(application);
        let shown = call.show(&caller.sid);
        account.calls.insert(call.sid.clone(), call);
        answer::created(&shown)
    });
    if let Some(sid) = told {
        callbacks::of_call(&world, &outbox, &caller.sid, &sid);
    }
    answer
}

fn build(form: &Form) -> Result<Call, Refusal> {
    let Some(to) = form.given("To") else {
        return refuse(21201, "No 'To' number is specified");
    };
    let Some(from) = form.given("From") else {
        return refuse(21213, "No 'From' number is specified");
    };
    let elsewhere = to.starts_with("sip:") || to.starts_with("client:");
    match to {
        "+15005550002" => {
            return refuse(21214, format!("'To' phone number cannot be reached: {to}"));
        }
        "+15005550003" => {
            return refuse(21215, format!("Account not authorized to call {to}."));
        }
        "+15005550004" => return refuse(21216, format!("Account not allowed to call {to}")),
        to if to == "+15005550001" || !(elsewhere || is_e164(to)) => {
            return refuse(
                21217,
                format!("Phone number does not appear to be valid: {to}"),
            );
        }
        _ => {}
    }
    if from == "+15005550001" {
        return refuse(21212, format!("Invalid From Number (caller ID): {from}"));
    }
    if from.starts_with('+') && !owns(from) {
        return refuse(
            21210,
            format!(
                "'From' phone number not verified: {from} is not yet verified for your account."
            ),
        );
    }
    let ways = ["Url", "Twiml", "ApplicationSid"];
    let given: Vec<_> = ways.iter().filter_map(|way| form.given(way)).collect();
    if given.len() != 1 {
        return refuse(21205, "Url parameter is required.");
    }
    if let Some(url) = form.given("Url").filter(|url| !is_web(url)) {
        return refuse(21205, format!("Url is not a valid URL: {url}"));
    }
    let callback = Target::of(form, 21205)?;
    let record = form.get("Record") == Some("true");
    let mut call = Call::new(to.to_owned(), from.to_owned(), record);
    // An application has callbacks of its own.
    call.callback = callback.filter(|_| form.given("ApplicationSid").is_none());
    call.events = callbacks::events(form);
    Ok(call)
}

pub(super) async fn list(
    State(world): State<World>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Form::parse(query.unwrap_or_default());
    let wanted = |call: &Call| {
        query.given("To").is_none_or(|to| call.to == to)
            && query.given("From").is_none_or(|from| call.from == from)
            && query.given("Status").is_none_or(|status| call.status() == status)
            // No call of the simulator has a parent.
            && query.given("ParentCallSid").is_none()
            && within(&query, "StartTime", &call.day)
            && within(&query, "EndTime", &call.day)
    };
    let items = world.with(&caller.sid, |account| {
        let newest_first = account.calls.iter().rev().map(|(_, call)| call);
        newest_first
            .filter(|call| wanted(call))
            .map(|call| call.show(&caller.sid))
            .collect()
    });
    answer::page(
        &format!("/2010-04-01/Accounts/{}/Calls.json", caller.sid),
        &query,
        "calls",
        items,
    )
}

pub(super) async fn fetch(
    State(world): State<World>,
    caller: Caller,
    Path((_, file)): Path<(String, String)>,
) -> Response {
    world.with(&caller.sid, |account| {
        match account.calls.get(sid_of(&file)) {
            Some(call) => answer::ok(&call.show(&caller.sid)),
            None => gone(&caller.sid, &file),
        }
    })
}

pub(super) async fn update(
    State(world): State<World>,
    caller: Caller,
    Path((_, file)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    world.with(&caller.sid, |account| {
        let Some(call) = account.calls.get_mut(sid_of(&file)) else {
            return gone(&caller.sid, &file);
        };
        let status = call.status();
        match form.get("Status") {
            Some("completed") if status == "completed" => {}
            Some("canceled") if status == "canceled" => {}
            _ if call.is_over() => {
                return answer::error(400, 21220, "Call is not in-progress. Cannot redirect.");
            }
            Some("completed") => call.end("completed"),
            Some("canceled") if matches!(status, "queued" | "ringing") => {
                call.end("canceled");
            }
            Some("canceled") => {
                return answer::error(
                    400,
                    21220,
                    "Call is in progress and can no longer be canceled.",
                );
            }
            Some(_) => return answer::error(400, 20001, "Invalid status."),
            None if form.given("Url").is_some() || form.given("Twiml").is_some() => {
                if status != "in-progress" {
                    return answer::error(400, 21220, "Call is not in-progress. Cannot redirect.");
                }
            }
            None => return answer::error(400, 20001, "Nothing to update."),
        }
        answer::ok(&call.show(&caller.sid))
    })
}

fn gone(account: &str, file: &str) -> Response {
    answer::not_found(&format!("/2010-04-01/Accounts/{account}/Calls/{file}"))
}
