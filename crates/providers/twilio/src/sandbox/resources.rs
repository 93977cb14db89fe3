//! Recordings, phone numbers, usage and balance.

use business_tools_sandbox::axum::extract::{Path, RawQuery, State};
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::{Form, clock, ids};
use serde_json::{Value, json};

use super::messages::{sid_of, within};
use super::state::{Call, OWNED};
use super::{Caller, World, answer};

fn show_recording(account: &str, call: &Call) -> Value {
    let uri = format!(
        "/2010-04-01/Accounts/{account}/Recordings/{}",
        call.recording
    );
    json!({
        "account_sid": account, "api_version": "2010-04-01", "call_sid": call.sid, "channels": 1,
        "conference_sid": null, "date_created": call.created, "date_updated": call.created, "duration": "3",
        "encryption_details": null, "error_code": null, "media_url": format!("https://api.twilio.com{uri}"),
        "price": "-0.00250", "price_unit": "USD", "sid": call.recording, "source": "OutboundAPI",
        "start_time": call.created, "status": "completed",
        "subresource_uris": {"add_on_results": format!("{uri}/AddOnResults.json"),
                             "transcriptions": format!("{uri}/Transcriptions.json")},
        "uri": format!("{uri}.json"),
    })
}

/// A recorded call has its recording when it is over.
fn is_recorded(call: &Call) -> bool {
    call.record && call.status() == "completed"
}

pub(super) async fn recordings(
    State(world): State<World>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Form::parse(query.unwrap_or_default());
    let items = world.with(&caller.sid, |account| {
        let newest_first = account.calls.iter().rev().map(|(_, call)| call);
        newest_first
            .filter(|call| is_recorded(call))
            .filter(|call| query.given("CallSid").is_none_or(|sid| call.sid == sid))
            .filter(|call| {
                query.given("ConferenceSid").is_none() && within(&query, "DateCreated", &call.day)
            })
            .map(|call| show_recording(&caller.sid, call))
            .collect()
    });
    answer::page(
        &format!("/2010-04-01/Accounts/{}/Recordings.json", caller.sid),
        &query,
        "recordings",
        items,
    )
}

pub(super) async fn recording(
    State(world): State<World>,
    caller: Caller,
    Path((_, file)): Path<(String, String)>,
) -> Response {
    world.with(&caller.sid, |account| {
        let found = account
            .calls
            .iter()
            .find(|(_, call)| is_recorded(call) && call.recording == sid_of(&file));
        match found {
            Some((_, call)) => answer::ok(&show_recording(&caller.sid, call)),
            None => answer::not_found(&format!(
                "/2010-04-01/Accounts/{}/Recordings/{file}",
                caller.sid
            )),
        }
    })
}

pub(super) async fn numbers(caller: Caller, RawQuery(query): RawQuery) -> Response {
    let query = Form::parse(query.unwrap_or_default());
    let account = &caller.sid;
    let items = OWNED
        .iter()
        .filter(|(number, name)| {
            query.given("PhoneNumber").is_none_or(|part| number.contains(part.trim_matches('*')))
                && query.given("FriendlyName").is_none_or(|wanted| *name == wanted)
        })
        .map(|(number, name)| {
            let sid = ids::hex32_of("PN", number);
            let uri = format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}");
            json!({
                "account_sid": account, "address_requirements": "none", "address_sid": null, "api_version": "2010-04-01",
                "beta": false, "bundle_sid": null, "capabilities": {"fax": false, "mms": true, "sms": true, "voice": true},
                "date_created": "Thu, 01 Jan 2026 09:00:00 +0000", "date_updated": "Thu, 01 Jan 2026 09:00:00 +0000",
                "emergency_address_sid": null, "emergency_address_status": "unregistered", "emergency_status": "Inactive",
                "friendly_name": name, "identity_sid": null, "origin": "twilio", "phone_number": number, "sid": sid,
                "sms_application_sid": "", "sms_fallback_method": "POST", "sms_fallback_url": "", "sms_method": "POST",
                "sms_url": "", "status": "in-use", "status_callback": "", "status_callback_method": "POST",
                "trunk_sid": null, "type": null, "uri": format!("{uri}.json"), "voice_application_sid": "",
                "voice_caller_id_lookup": false, "voice_fallback_method": "POST", "voice_fallback_url": "",
                "voice_method": "POST", "voice_receive_mode": "voice", "voice_url": "",
            })
        })
        .collect();
    let uri = format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json");
    answer::page(&uri, &query, "incoming_phone_numbers", items)
}

pub(super) async fn usage(
    State(world): State<World>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Form::parse(query.unwrap_or_default());
    let (messages, calls) = world.with(&caller.sid, |account| {
        (account.messages.len(), account.calls.len())
    });
    let today = clock::date(clock::now());
    let account = &caller.sid;
    let record = |category: &str, description: &str, count: usize, unit: &str, cents: f64| {
        let uri = format!("/2010-04-01/Accounts/{account}/Usage/Records.json?Category={category}");
        json!({
            "account_sid": account, "api_version": "2010-04-01", "as_of": clock::rfc3339(clock::now()),
            "category": category, "count": count.to_string(), "count_unit": unit, "description": description,
            "end_date": query.given("EndDate").filter(|day| !day.starts_with('-')).unwrap_or(&today),
            "price": cents * f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / 100.0, "price_unit": "usd",
            "start_date": query.given("StartDate").filter(|day| !day.starts_with('-')).unwrap_or(&today),
            "subresource_uris": {}, "uri": uri, "usage": count.to_string(), "usage_unit": unit,
        })
    };
    let all = [
        record("sms", "SMS", messages, "messages", 0.79),
        record("sms-outbound", "Outbound SMS", messages, "messages", 0.79),
        record("calls", "Voice Minutes", calls, "minutes", 1.4),
        record(
            "calls-outbound",
            "Outbound Voice Minutes",
            calls,
            "minutes",
            1.4,
        ),
        record("totalprice", "Total Price", messages + calls, "usd", 1.0),
    ];
    let items = all
        .into_iter()
        .filter(|record| {
            query
                .given("Category")
                .is_none_or(|wanted| record["category"] == wanted)
        })
        .collect();
    answer::page(
        &format!("/2010-04-01/Accounts/{account}/Usage/Records.json"),
        &query,
        "usage_records",
        items,
    )
}

pub(super) async fn balance(caller: Caller) -> Response {
    answer::ok(&json!({"account_sid": caller.sid, "balance": "42.17", "currency": "USD"}))
}
