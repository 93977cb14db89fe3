//! `Messages`.

use std::time::Instant;

use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::{Path, RawQuery, State};
use business_tools_sandbox::axum::http::StatusCode;
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use business_tools_sandbox::{Form, clock, ids};

use super::state::{Message, is_e164, owns};
use super::{Caller, World, answer};

/// The resource's own name, without the path around it.
pub(super) fn sid_of(file: &str) -> &str {
    file.strip_suffix(".json").unwrap_or(file)
}

pub(super) async fn create(State(world): State<World>, caller: Caller, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let message = match build(&form) {
        Ok(message) => message,
        Err((code, text)) => return answer::error(400, code, &text),
    };
    world.with(&caller.sid, |account| {
        account.assumed.extend(message.service.iter().cloned());
        account
            .assumed
            .extend(form.given("ContentSid").map(str::to_owned));
        let shown = message.show(&caller.sid);
        account.messages.insert(message.sid.clone(), message);
        answer::created(&shown)
    })
}

type Refusal = (u32, String);

fn build(form: &Form) -> Result<Message, Refusal> {
    let refuse = |code, text: &str| Err((code, text.to_owned()));
    let Some(to) = form.given("To") else {
        return refuse(21604, "A 'To' phone number is required.");
    };
    let (from, service) = (form.given("From"), form.given("MessagingServiceSid"));
    let media: Vec<_> = form.all("MediaUrl").filter(|url| !url.is_empty()).collect();
    let (channel, number) = match to.split_once(':') {
        Some(("whatsapp", number)) => (Some("whatsapp"), number),
        _ => (None, to),
    };
    if !is_e164(number) || number == "+15005550001" {
        return Err((
            21211,
            format!("The 'To' number {to} is not a valid phone number."),
        ));
    }
    match (from, service) {
        (None, None) => return refuse(21603, "A 'From' phone number is required."),
        (Some("+15005550001"), _) => {
            return refuse(
                21212,
                "The 'From' number +15005550001 is not a valid phone number.",
            );
        }
        (Some(from), _) => {
            let sender = from.strip_prefix("whatsapp:").unwrap_or(from);
            if from.starts_with("whatsapp:") != channel.is_some() {
                return refuse(
                    63007,
                    "Twilio could not find a Channel with the specified From address",
                );
            }
            if sender.starts_with('+') && !owns(sender) {
                return Err((
                    21606,
                    format!(
                        "The 'From' phone number provided ({from}) is not a valid, SMS-capable inbound phone number or short code for your account."
                    ),
                ));
            }
        }
        (None, Some(service)) if !ids::is_hex32("MG", service) => {
            return refuse(21701, "The Messaging Service does not exist");
        }
        _ => {}
    }
    let body = form.given("Body").unwrap_or_default();
    let template = form.given("ContentSid");
    if body.is_empty() && media.is_empty() && template.is_none() {
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
    })
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
    Path((_, file)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let form = Form::parse(&body);
    world.with(&caller.sid, |account| {
        let Some(message) = account.messages.get_mut(sid_of(&file)) else { return gone(&caller.sid, &file) };
        match (form.get("Status"), form.get("Body")) {
            (Some("canceled"), None) => match message.status() {
                "scheduled" | "canceled" => message.canceled = true,
                _ => return answer::error(409, 30409, "Message is not in a cancelable state."),
            },
            (None, Some("")) => match message.status() {
                "sent" | "delivered" | "canceled" => message.body.clear(),
                _ => return answer::error(400, 20009, "Cannot redact message because delivery of this message has not been completed."),
            },
            (None, Some(_)) => return answer::error(400, 20001, "The body of a message can only be redacted."),
            _ => return answer::error(400, 20001, "Nothing to update."),
        }
        answer::ok(&message.show(&caller.sid))
    })
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
