//! Messages: SMS, MMS and WhatsApp.

use business_tools_core::{Cx, Detail, Faults, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{NUMBER, READ, WRITE, given, put, span};
use crate::client::{Client, Pairs};
use crate::{Twilio, View};

/// A message.
const SID: &str = "^(SM|MM)[0-9a-fA-F]{32}$";
/// A messaging service.
const SERVICE: &str = "^MG[0-9a-fA-F]{32}$";
/// A content template.
const CONTENT: &str = "^HX[0-9a-fA-F]{32}$";
/// A number on WhatsApp, with or without its prefix.
const WHATSAPP: &str = r"^(whatsapp:)?\+[1-9]\d{1,14}$";

/// What of a message is shown.
const MEMBERS: &[&str] = &[
    "sid",
    "status",
    "direction",
    "from",
    "to",
    "body",
    "messaging_service_sid",
    "num_media",
    "num_segments",
    "price",
    "price_unit",
    "error_code",
    "error_message",
    "date_created",
    "date_sent",
];

const FIND_OUT: &str = "Look with twilio_list_messages, `to` and `date_sent_after` set, whether it is there before you send again";

/// Send an SMS or MMS to a phone number, now or at a time.
///
/// Text over 160 GSM-7 or 70 UCS-2 characters is split and billed per segment.
///
/// # Errors
/// `INVALID_REQUEST` with `upstream_code` 21211 for a number that cannot exist, 21606 for a sender that cannot send.
/// `OUTCOME_UNKNOWN` when the answer was lost: the API has no idempotency key, so it is never sent twice.
///
/// # Source
/// <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMessage {
    /// Recipient, E.164.
    #[schemars(regex(pattern = NUMBER))]
    to: String,
    /// A number of the account.
    #[schemars(length(min = 1, max = 64))]
    from: Option<String>,
    /// Instead of `from`.
    #[schemars(regex(pattern = SERVICE))]
    messaging_service_sid: Option<String>,
    /// Text.
    #[schemars(length(min = 1, max = 1600))]
    body: Option<String>,
    /// URLs.
    #[schemars(length(max = 10), inner(length(max = 2000)))]
    media_url: Option<Vec<String>>,
    /// Content template.
    #[schemars(regex(pattern = CONTENT))]
    content_sid: Option<String>,
    /// Template variables, JSON text.
    #[schemars(length(max = 16384))]
    content_variables: Option<String>,
    /// ISO 8601 time, with a messaging service.
    #[schemars(length(max = 40))]
    send_at: Option<String>,
    /// Seconds in queue.
    #[schemars(range(min = 1, max = 36000))]
    validity_period: Option<u32>,
    /// Webhook URL.
    #[schemars(length(max = 2000))]
    status_callback: Option<String>,
}

impl Tool for SendMessage {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::write("twilio_send_message")
        .scopes(WRITE)
        .forgets(&["twilio_list_messages"])
        .untrusted(&["body"])
        .find_out(FIND_OUT);

    fn check(&self, faults: &mut Faults) {
        if given(&[self.from.is_some(), self.messaging_service_sid.is_some()]) != 1 {
            faults.add(
                "/from",
                "give exactly one of `from` and `messaging_service_sid`",
            );
        }
        if self
            .from
            .as_ref()
            .is_some_and(|from| from.starts_with("whatsapp:"))
        {
            faults.add("/from", "is a WhatsApp sender; use twilio_send_whatsapp");
        }
        let media = self.media_url.as_ref().is_some_and(|urls| !urls.is_empty());
        if given(&[self.body.is_some(), media, self.content_sid.is_some()]) == 0 {
            faults.add(
                "/body",
                "give at least one of `body`, `media_url` and `content_sid`",
            );
        }
        urls("/media_url", self.media_url.iter().flatten(), faults);
        urls("/status_callback", self.status_callback.iter(), faults);
        variables(
            self.content_sid.as_deref(),
            self.content_variables.as_deref(),
            faults,
        );
        if let Some(at) = &self.send_at {
            if self.messaging_service_sid.is_none() {
                faults.add("/messaging_service_sid", "is required with `send_at`");
            }
            if at.parse::<jiff::Timestamp>().is_err() {
                faults.add("/send_at", "must be a time such as 2026-01-31T12:00:00Z");
            }
        }
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let mut form: Pairs = vec![("To", self.to)];
        put(&mut form, "From", self.from);
        put(&mut form, "MessagingServiceSid", self.messaging_service_sid);
        put(&mut form, "Body", self.body);
        form.extend(
            self.media_url
                .into_iter()
                .flatten()
                .map(|url| ("MediaUrl", url)),
        );
        put(&mut form, "ContentSid", self.content_sid);
        put(&mut form, "ContentVariables", self.content_variables);
        if self.send_at.is_some() {
            form.push(("ScheduleType", "fixed".to_owned()));
        }
        put(&mut form, "SendAt", self.send_at);
        put(&mut form, "ValidityPeriod", self.validity_period);
        put(&mut form, "StatusCallback", self.status_callback);
        create(&twilio.client, cx, form).await
    }
}

/// Send a WhatsApp message: free text within 24 hours of the person's last one, else an approved template.
///
/// # Source
/// <https://www.twilio.com/docs/whatsapp/api> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendWhatsapp {
    /// Recipient, E.164.
    #[schemars(regex(pattern = WHATSAPP))]
    to: String,
    /// WhatsApp sender, E.164.
    #[schemars(regex(pattern = WHATSAPP))]
    from: String,
    /// Text.
    #[schemars(length(min = 1, max = 1600))]
    body: Option<String>,
    /// Approved template.
    #[schemars(regex(pattern = CONTENT))]
    content_sid: Option<String>,
    /// Template variables, JSON text.
    #[schemars(length(max = 16384))]
    content_variables: Option<String>,
    /// URL.
    #[schemars(length(max = 2000))]
    media_url: Option<String>,
}

impl Tool for SendWhatsapp {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::write("twilio_send_whatsapp")
        .scopes(WRITE)
        .forgets(&["twilio_list_messages"])
        .untrusted(&["body"])
        .find_out(FIND_OUT);

    fn check(&self, faults: &mut Faults) {
        if given(&[
            self.body.is_some(),
            self.content_sid.is_some(),
            self.media_url.is_some(),
        ]) == 0
        {
            faults.add(
                "/body",
                "give at least one of `body`, `content_sid` and `media_url`",
            );
        }
        urls("/media_url", self.media_url.iter(), faults);
        variables(
            self.content_sid.as_deref(),
            self.content_variables.as_deref(),
            faults,
        );
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let mut form: Pairs = vec![
            ("To", on_whatsapp(&self.to)),
            ("From", on_whatsapp(&self.from)),
        ];
        put(&mut form, "Body", self.body);
        put(&mut form, "ContentSid", self.content_sid);
        put(&mut form, "ContentVariables", self.content_variables);
        put(&mut form, "MediaUrl", self.media_url);
        create(&twilio.client, cx, form).await
    }
}

/// List messages sent and received, newest first.
///
/// # Source
/// <https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMessages {
    /// Recipient.
    #[schemars(length(max = 64))]
    to: Option<String>,
    /// Sender.
    #[schemars(length(max = 64))]
    from: Option<String>,
    /// ISO date.
    #[schemars(length(max = 40))]
    date_sent_after: Option<String>,
    /// ISO date.
    #[schemars(length(max = 40))]
    date_sent_before: Option<String>,
    /// Default 20.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// From `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
    /// Default summary.
    detail: Option<Detail>,
}

impl Tool for ListMessages {
    type Provider = Twilio;
    type Output = Page<View>;
    const SPEC: Spec = Spec::read("twilio_list_messages")
        .scopes(READ)
        .cached(10)
        .untrusted(&["body"]);

    fn check(&self, faults: &mut Faults) {
        let (after, before) = (&self.date_sent_after, &self.date_sent_before);
        span("date_sent", after.as_deref(), before.as_deref(), faults);
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<Page<View>> {
        let mut query = Pairs::new();
        put(&mut query, "To", self.to);
        put(&mut query, "From", self.from);
        put(&mut query, "DateSent>", self.date_sent_after);
        put(&mut query, "DateSent<", self.date_sent_before);
        let url = twilio.client.of_account(&["Messages.json"]);
        let page = twilio
            .client
            .list(cx, url, query, self.limit, self.cursor.as_deref())
            .await?;
        Ok(View::page(page, MEMBERS, self.detail))
    }
}

/// Get one message with its delivery state, price and error.
///
/// # Source
/// <https://www.twilio.com/docs/messaging/api/message-resource#fetch-a-message-resource> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetMessage {
    /// Message id.
    #[schemars(regex(pattern = SID))]
    sid: String,
    /// Default summary.
    detail: Option<Detail>,
}

impl Tool for GetMessage {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::read("twilio_get_message")
        .scopes(READ)
        .cached(5)
        .untrusted(&["body"]);

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let message = twilio
            .client
            .get(cx, one(&twilio.client, &self.sid), Pairs::new())
            .await?;
        Ok(View::of(message, MEMBERS, self.detail))
    }
}

/// Cancel a message that is still scheduled.
///
/// # Source
/// <https://www.twilio.com/docs/messaging/features/message-scheduling> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelMessage {
    /// Message id.
    #[schemars(regex(pattern = SID))]
    sid: String,
}

impl Tool for CancelMessage {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::destructive("twilio_cancel_message")
        .idempotent()
        .scopes(WRITE)
        .forgets(&["twilio_list_messages", "twilio_get_message"])
        .untrusted(&["body"]);

    fn confirm(&self) -> Option<String> {
        Some(format!("Cancel the scheduled message {}?", self.sid))
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let form = vec![("Status", "canceled".to_owned())];
        let message = twilio
            .client
            .bring(cx, one(&twilio.client, &self.sid), form, |now| {
                now["status"] == "canceled"
            })
            .await?;
        Ok(View::of(message, MEMBERS, None))
    }
}

/// Erase the text of a message for good and keep its record.
///
/// # Source
/// <https://www.twilio.com/docs/messaging/tutorials/how-to-modify-message-history> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactMessage {
    /// Message id.
    #[schemars(regex(pattern = SID))]
    sid: String,
}

impl Tool for RedactMessage {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::destructive("twilio_redact_message")
        .idempotent()
        .scopes(WRITE)
        .forgets(&["twilio_list_messages", "twilio_get_message"])
        .untrusted(&["body"]);

    fn confirm(&self) -> Option<String> {
        Some(format!("Erase the text of message {} for good?", self.sid))
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let form = vec![("Body", String::new())];
        let message = twilio
            .client
            .bring(cx, one(&twilio.client, &self.sid), form, |now| {
                now["body"] == ""
            })
            .await?;
        Ok(View::of(message, MEMBERS, None))
    }
}

/// Delete the record of a message for good.
///
/// # Source
/// <https://www.twilio.com/docs/messaging/api/message-resource#delete-a-message-resource> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteMessage {
    /// Message id.
    #[schemars(regex(pattern = SID))]
    sid: String,
}

impl Tool for DeleteMessage {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::destructive("twilio_delete_message")
        .idempotent()
        .scopes(WRITE)
        .forgets(&["twilio_list_messages", "twilio_get_message"]);

    fn confirm(&self) -> Option<String> {
        Some(format!(
            "Delete the record of message {} for good?",
            self.sid
        ))
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        twilio
            .client
            .delete(cx, one(&twilio.client, &self.sid))
            .await?;
        Ok(View::new([
            ("sid", self.sid.into()),
            ("deleted", true.into()),
        ]))
    }
}

fn one(client: &Client, sid: &str) -> url::Url {
    client.of_account(&["Messages", &format!("{sid}.json")])
}

async fn create(client: &Client, cx: &Cx, form: Pairs) -> Result<View> {
    let message = client
        .post(cx, client.of_account(&["Messages.json"]), form)
        .await?;
    Ok(View::of(message, MEMBERS, None))
}

fn on_whatsapp(number: &str) -> String {
    format!("whatsapp:{}", number.trim_start_matches("whatsapp:"))
}

/// Twilio fetches these itself: they must be whole.
pub(super) fn urls<'a>(at: &str, urls: impl Iterator<Item = &'a String>, faults: &mut Faults) {
    for url in urls {
        let web = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !web {
            faults.add(at, "must be an http or https URL");
        }
    }
}

fn variables(template: Option<&str>, variables: Option<&str>, faults: &mut Faults) {
    let Some(variables) = variables else { return };
    if template.is_none() {
        faults.add("/content_variables", "needs `content_sid`");
    }
    if !serde_json::from_str::<Value>(variables).is_ok_and(|value| value.is_object()) {
        faults.add(
            "/content_variables",
            r#"must be a JSON object as text, such as {"1": "Ada"}"#,
        );
    }
}
