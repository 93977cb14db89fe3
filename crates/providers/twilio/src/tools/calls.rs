//! Phone calls.

use business_tools_core::{Cx, Detail, Faults, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::messages::urls;
use super::{READ, WRITE, given, put, span};
use crate::client::{Client, Pairs, Resource};
use crate::{Twilio, View};

/// A call.
const SID: &str = "^CA[0-9a-fA-F]{32}$";
/// An application with instructions for calls.
const APPLICATION: &str = "^AP[0-9a-fA-F]{32}$";

/// How much of new instructions a person is shown.
const SHOWN: usize = 300;

/// What of a call is shown.
const MEMBERS: &[&str] = &[
    "sid",
    "status",
    "direction",
    "from",
    "to",
    "duration",
    "price",
    "price_unit",
    "answered_by",
    "parent_call_sid",
    "date_created",
    "start_time",
    "end_time",
];

/// Where a call is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// Waiting to be placed.
    Queued,
    /// Ringing.
    Ringing,
    /// Being talked.
    InProgress,
    /// Over.
    Completed,
    /// The other side was busy.
    Busy,
    /// It could not be placed.
    Failed,
    /// Nobody answered.
    NoAnswer,
    /// Taken back before it was answered.
    Canceled,
}

/// How a call ends.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Hang up.
    #[default]
    Completed,
    /// Take back a call that was not answered yet.
    Canceled,
}

/// Whether a machine is recognised.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub enum MachineDetection {
    /// Tell as soon as it is known.
    Enable,
    /// Wait for the end of the greeting.
    DetectMessageEnd,
}

/// A turn in a call's life.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallEvent {
    /// Placed.
    Initiated,
    /// Ringing.
    Ringing,
    /// Answered.
    Answered,
    /// Over.
    Completed,
}

/// Call a phone number and follow instructions: TwiML, a URL that gives TwiML, or an application.
///
/// # Errors
/// `OUTCOME_UNKNOWN` when the answer was lost: a call is never placed twice.
///
/// # Source
/// <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeCall {
    /// E.164, `sip:` or `client:`.
    #[schemars(length(min = 1, max = 255))]
    to: String,
    /// A number of the account.
    #[schemars(length(min = 1, max = 255))]
    from: String,
    /// TwiML URL.
    #[schemars(length(max = 2000))]
    url: Option<String>,
    /// TwiML.
    #[schemars(length(min = 1, max = 4000))]
    twiml: Option<String>,
    /// Application.
    #[schemars(regex(pattern = APPLICATION))]
    application_sid: Option<String>,
    /// Seconds to ring.
    #[schemars(range(min = 1, max = 600))]
    timeout: Option<u32>,
    /// Record it.
    record: Option<bool>,
    /// Recognise a machine.
    machine_detection: Option<MachineDetection>,
    /// Webhook URL.
    #[schemars(length(max = 2000))]
    status_callback: Option<String>,
    /// Which events.
    #[schemars(length(max = 4))]
    status_callback_event: Option<Vec<CallEvent>>,
}

impl Tool for MakeCall {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::write("twilio_make_call")
        .scopes(WRITE)
        .forgets(&["twilio_list_calls"])
        .find_out("Look with twilio_list_calls, `to` and `start_time_after` set, whether it was placed before you call again");

    fn check(&self, faults: &mut Faults) {
        let ways = [
            self.url.is_some(),
            self.twiml.is_some(),
            self.application_sid.is_some(),
        ];
        if given(&ways) != 1 {
            faults.add(
                "/url",
                "give exactly one of `url`, `twiml` and `application_sid`",
            );
        }
        urls("/url", self.url.iter(), faults);
        urls("/status_callback", self.status_callback.iter(), faults);
        if self.status_callback_event.is_some() && self.status_callback.is_none() {
            faults.add(
                "/status_callback",
                "is required with `status_callback_event`",
            );
        }
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let mut form: Pairs = vec![("To", self.to), ("From", self.from)];
        put(&mut form, "Url", self.url);
        put(&mut form, "Twiml", self.twiml);
        put(&mut form, "ApplicationSid", self.application_sid);
        put(&mut form, "Timeout", self.timeout);
        put(&mut form, "Record", self.record);
        put(
            &mut form,
            "MachineDetection",
            self.machine_detection.as_ref().map(word),
        );
        put(&mut form, "StatusCallback", self.status_callback);
        let events = self.status_callback_event.iter().flatten();
        form.extend(events.map(|event| ("StatusCallbackEvent", word(event))));
        let url = twilio.client.of_account(&["Calls.json"]);
        Ok(View::of(
            twilio.client.post(cx, url, form).await?,
            MEMBERS,
            None,
        ))
    }
}

/// List phone calls made and received, newest first.
///
/// # Source
/// <https://www.twilio.com/docs/voice/api/call-resource#read-multiple-call-resources> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListCalls {
    /// Called.
    #[schemars(length(max = 255))]
    to: Option<String>,
    /// Caller.
    #[schemars(length(max = 255))]
    from: Option<String>,
    /// State.
    status: Option<CallStatus>,
    /// ISO date.
    #[schemars(length(max = 40))]
    start_time_after: Option<String>,
    /// ISO date.
    #[schemars(length(max = 40))]
    start_time_before: Option<String>,
    /// ISO date.
    #[schemars(length(max = 40))]
    end_time_after: Option<String>,
    /// ISO date.
    #[schemars(length(max = 40))]
    end_time_before: Option<String>,
    /// Parent call.
    #[schemars(regex(pattern = SID))]
    parent_call_sid: Option<String>,
    /// Default 20.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// From `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

impl Tool for ListCalls {
    type Provider = Twilio;
    type Output = Page<View>;
    const SPEC: Spec = Spec::read("twilio_list_calls").scopes(READ).cached(10);

    fn check(&self, faults: &mut Faults) {
        let (after, before) = (&self.start_time_after, &self.start_time_before);
        span("start_time", after.as_deref(), before.as_deref(), faults);
        let (after, before) = (&self.end_time_after, &self.end_time_before);
        span("end_time", after.as_deref(), before.as_deref(), faults);
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<Page<View>> {
        let mut query = Pairs::new();
        put(&mut query, "To", self.to);
        put(&mut query, "From", self.from);
        put(&mut query, "Status", self.status.as_ref().map(word));
        put(&mut query, "StartTime>", self.start_time_after);
        put(&mut query, "StartTime<", self.start_time_before);
        put(&mut query, "EndTime>", self.end_time_after);
        put(&mut query, "EndTime<", self.end_time_before);
        put(&mut query, "ParentCallSid", self.parent_call_sid);
        let url = twilio.client.of_account(&["Calls.json"]);
        let page = twilio
            .client
            .list(cx, url, query, self.limit, self.cursor.as_deref())
            .await?;
        Ok(View::page(page, MEMBERS, None))
    }
}

/// Get one phone call with its state, length and price.
///
/// # Source
/// <https://www.twilio.com/docs/voice/api/call-resource#fetch-a-call-resource> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetCall {
    /// Call id.
    #[schemars(regex(pattern = SID))]
    sid: String,
    /// Default summary.
    detail: Option<Detail>,
}

impl Tool for GetCall {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::read("twilio_get_call").scopes(READ).cached(5);

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let call = twilio
            .client
            .get(cx, one(&twilio.client, &self.sid), Pairs::new())
            .await?;
        Ok(View::of(call, MEMBERS, self.detail))
    }
}

/// Hang up a live call, or cancel one that was not answered yet.
///
/// # Source
/// <https://www.twilio.com/docs/voice/api/call-resource#update-a-call-resource> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndCall {
    /// Call id.
    #[schemars(regex(pattern = SID))]
    sid: String,
    /// `canceled` only before it is answered.
    #[serde(default)]
    status: Ending,
}

impl Tool for EndCall {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::destructive("twilio_end_call")
        .idempotent()
        .scopes(WRITE)
        .forgets(&["twilio_list_calls", "twilio_get_call"]);

    fn confirm(&self) -> Option<String> {
        Some(format!("End the call {}?", self.sid))
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let form = vec![("Status", word(&self.status))];
        let call = twilio
            .client
            .bring(cx, one(&twilio.client, &self.sid), form, is_over)
            .await?;
        Ok(View::of(call, MEMBERS, None))
    }
}

/// Give a live call new instructions: TwiML, or a URL that gives TwiML.
///
/// # Source
/// <https://www.twilio.com/docs/voice/tutorials/how-to-modify-calls-in-progress> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedirectCall {
    /// Call id.
    #[schemars(regex(pattern = SID))]
    sid: String,
    /// TwiML URL.
    #[schemars(length(max = 2000))]
    url: Option<String>,
    /// TwiML.
    #[schemars(length(min = 1, max = 4000))]
    twiml: Option<String>,
}

impl Tool for RedirectCall {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::destructive("twilio_redirect_call")
        .scopes(WRITE)
        .forgets(&["twilio_get_call"])
        .find_out("Look with twilio_get_call whether the call is still as it was");

    fn check(&self, faults: &mut Faults) {
        if given(&[self.url.is_some(), self.twiml.is_some()]) != 1 {
            faults.add("/url", "give exactly one of `url` and `twiml`");
        }
        urls("/url", self.url.iter(), faults);
    }

    fn confirm(&self) -> Option<String> {
        let given = self.url.iter().chain(&self.twiml).next();
        let given: String = given
            .into_iter()
            .flat_map(|text| text.chars())
            .take(SHOWN)
            .collect();
        Some(format!("Send the live call {} to {given}?", self.sid))
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let mut form = Pairs::new();
        put(&mut form, "Url", self.url);
        put(&mut form, "Twiml", self.twiml);
        let call = twilio
            .client
            .post(cx, one(&twilio.client, &self.sid), form)
            .await?;
        Ok(View::of(call, MEMBERS, None))
    }
}

/// Whether a call is in a state that it never leaves.
fn is_over(call: &Resource) -> bool {
    let status = call.get("status").and_then(Value::as_str);
    status
        .is_some_and(|status| !matches!(status, "queued" | "initiated" | "ringing" | "in-progress"))
}

fn one(client: &Client, sid: &str) -> url::Url {
    client.of_account(&["Calls", &format!("{sid}.json")])
}

/// The API's word for a value of a closed set.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}
