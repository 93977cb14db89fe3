//! `Messages`.

use std::time::Instant;

use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::{Path, RawQuery, State};
use business_tools_sandbox::axum::http::StatusCode;
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use business_tools_sandbox::{Form, Outbox, clock, ids};

use super::callbacks::Target;
use super::state::{Message, Told, is_e164, owns};
use super::{Caller, World, answer, callbacks};

/// The resource's own name, without the path around it.
pub(super) fn sid_of(file: &str) -> &str {
    file.strip_suffix(".json").unwrap_or(file)
}

pub(super) async fn create(
    State(world): State<World>,
    caller: Caller,
    outbox: Outbox,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    let message = match build(&form) {
        Ok(message) => message,
        Err((code, text)) => return answer::error(400, code, &text),
    };
    let told = message.callback.is_some().then(|| message.sid.clone());
    let answer = world.with(&caller.sid, |account| {
        account.assumed.extend(message.service.iter().cloned());
        account
            .assumed
            .extend(form.given("ContentSid").map(str::to_owned));
        let shown = message.show(&caller.sid);
        account.messages.insert(message.sid.clone(), message);
        answer::created(&shown)
    });
    if let Some(sid) = told {
        callbacks::of_message(&world, &outbox, &caller.sid, &sid);
    }
    answer
}

/// Twilio's code and words for a request that it does not take.
pub(super) type Refusal = (u32, String);

pub(super) fn refuse<T>(code: u32, text: impl Into<String>) -> Result<T, Refusal> {
    Err((code, text.into()))
}

fn build(form: &Form) -> Result<Message, Refusal> {
    let Some(to) = form.given("To") else {
        return refuse(21604, "A 'To' phone number is required.");
    };
    let (from, service) = (form.given("From"), form.given("MessagingServiceSid"));
    let media: Vec<_> = form.all("MediaUrl").filter(|url| !url.is_empty()).collect();
    let whatsapp = to.starts_with("whatsapp:");
    recipient(to)?;
    match (from, service) {
        (None, None) => return refuse(21603, "A 'From' phone number is required."),
        (Some(from), _) => sender(from, whatsapp)?,
        (None, Some(service)) if !ids::is_hex32("MG", service) => {
            return refuse(21701, "The Messaging Service does not exist");
        }
        _ => {}
    }
    let body = form.given("Body").unwrap_or_default();
    content(form, body, &media)?;
    let callback = Target::of(form, 21609)?;
    let scheduled = form.get("SendAt").is_some();
    if scheduled && (service.is_none() || form.get("ScheduleType") != Some("fixed")) {
        return refuse(
            35118,
            "MessagingServiceSid is required to schedule a message",
        );
    }
    let now = clock::now();
    Ok(Message {
        sid: ids::hex32(if media.is_empty() { "SM" } else { "MM" }),
        to: to.to_owned(),
        from: from.map(str::to_owned),
        service: service.map(str::to_owned),
        body: body.to_owned(),
        media: media.len(),
        scheduled,
        canceled: false,
        made: Instant::now(),
        created: clock::rfc2822(now),
        day: clock::date(now),
        callback,
        told: Told::default(),
    })
}

/// Numbers that exist, and the magic ones of the test credentials that cannot be reached.
fn recipient(to: &str) -> Result<(), Refusal> {
    let number = to.strip_prefix("whatsapp:").unwrap_or(to);
    match number {
        "+15005550002" => refuse(
            21612,
            format!("The 'To' phone number: {to}, is not currently reachable via SMS."),
        ),
        "+15005550003" => refuse(
            21408,
            format!(
                "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}."
            ),
        ),
        "+15005550004" => refuse(21610, "Attempt to send to unsubscribed recipient"),
        "+15005550009" => refuse(
            21614,
            format!("'To' number is not a valid mobile number: {to}"),
        ),
        number if number == "+15005550001" || !is_e164(number) => refuse(
            21211,
            format!("The 'To' number {to} is not a valid phone number."),
        ),
        _ => Ok(()),
    }
}

/// A number of the account, a short code or a name; on WhatsApp if the recipient is there.
fn sender(from: &str, whatsapp: bool) -> Result<(), Refusal> {
    let number = from.strip_prefix("whatsapp:").unwrap_or(from);
    if from.starts_with("whatsapp:") != whatsapp {
        return refuse(
            63007,
            "Twilio could not find a Channel with the specified From address",
        );
    }
    match number {
        "+15005550001" => refuse(
            21212,
            format!("The 'From' number {from} is not a valid phone number."),
        ),
        "+15005550008" => refuse(
            21611,
            format!("This 'From' number {from} has exceeded the maximum number of queued messages"),
        ),
        number if number.starts_with('+') && !owns(number) => refuse(
            21606,
            format!(
                "The 'From' phone number provided ({from}) is not a valid, SMS-capable inbound phone number or short code for your account."
            ),
        ),
        _ => Ok(()),
    }
}

fn content(form: &Form, body: &str, media: &[&str]) -> Result<(), Refusal> {
    if body.is_empty() && media.is_empty() && form.given("ContentSid").is_none() {
        return refuse(21602, "Message body is required.");
    }
    if body.chars().count() > 1600 {
        return refuse(
            21617,
            "The concatenated message body exceeds the 1600 character limit",
        );
    }
    if media.len() > 10 {
        return refuse(21623, "Number of media files exceeds allowed limit");
    }
    if let Some(bad) = media.iter().find(|url| !is_web(url)) {
        return refuse(21620, format!("Invalid media URL(s): {bad}"));
    }
    Ok(())
}

pub(super) fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

pub(super) async fn list(
    State(world): State<World>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Form::parse(query.unwrap_or_default());
    let wanted = |message: &Message| {
        query.given("To").is_none_or(|to| message.to == to)
            && query
                .given("From")
                .is_none_or(|from| message.from.as_deref() == Some(from))
            && within(&query, "DateSent", &message.day)
    };
    let items = world.with(&caller.sid, |account| {
        let newest_first = account.messages.iter().rev().map(|(_, message)| message);
        newest_first
            .filter(|message| wanted(message))
            .map(|message| message.show(&caller.sid))
            .collect()
    });
    answer::page(
        &format!("/2010-04-01/Accounts/{}/Messages.json", caller.sid),
        &query,
        "messages",
        items,
    )
}

/// `Name`, `Name>` and `Name<` are the day itself, on or after, on or before.
pub(super) fn within(query: &Form, name: &str, day: &str) -> bool {
    let date = |suffix: &str| {
        query
            .given(&format!("{name}{suffix}"))
            .map(|text| text.get(..10).unwrap_or(text).to_owned())
    };
    date("").is_none_or(|exact| day == exact)
        && date(">").is_none_or(|after| day >= after.as_str())
        && date("<").is_none_or(|before| day <= before.as_str())
}

pub(super) async fn fetch(
    State(world): State<World>,
    caller: Caller,
    Path((_, file)): Path<(String, String)>,
) -> Response {
    world.with(&caller.sid, |account| {
        match account.messages.get(sid_of(&file)) {
            Some(message) => answer::ok(&message.show(&caller.sid)),
            None => gone(&caller.sid, &file),
        }
    })
}

pub(super) async fn update(
    State(world): State<World>,
    caller: Caller,
    outbox: Outbox,
    Path((_, file)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    let mut told = false;
    let answer = world.with(&caller.sid, |account| {
        let Some(message) = account.messages.get_mut(sid_of(&file)) else { return gone(&caller.sid, &file) };
        match (form.get("Status"), form.get("Body")) {
            (Some("canceled"), None) => match message.status() {
                "scheduled" | "canceled" => {
                    message.canceled = true;
                    told = message.callback.is_some();
                }
                _ => return answer::error(409, 30409, "Message is not in a cancelable state."),
            },
            (None, Some("")) => match message.status() {
                "sent" | "delivered" | "undelivered" | "failed" | "canceled" => message.body.clear(),
                _ => return answer::error(400, 20009, "Cannot redact message because delivery of this message has not been completed."),
            },
            (None, Some(_)) => return answer::error(400, 20001, "The body of a message can only be redacted."),
            _ => return answer::error(400, 20001, "Nothing to update."),
        }
        answer::ok(&message.show(&caller.sid))
    });
    if told {
        callbacks::of_message(&world, &outbox, &caller.sid, sid_of(&file));
    }
    answer
}

pub(super) async fn delete(
    State(world): State<World>,
    caller: Caller,
    Path((_, file)): Path<(String, String)>,
) -> Response {
    world.with(&caller.sid, |account| {
        match account.messages.remove(sid_of(&file)) {
            Some(_) => StatusCode::NO_CONTENT.into_response(),
            None => gone(&caller.sid, &file),
        }
    })
}

fn gone(account: &str, file: &str) -> Response {
    answer::not_found(&format!("/2010-04-01/Accounts/{account}/Messages/{file}"))
}
