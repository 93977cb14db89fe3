//! What an account has, and how its things move on with time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use business_tools_sandbox::{Shelf, clock, ids};
use serde_json::{Value, json};

use super::callbacks::Target;

/// How long a thing stays in one state.
pub(super) const STEP: Duration = Duration::from_millis(300);

/// The number that may always send, of the test credentials.
pub(super) const MAGIC: &str = "+15005550006";

/// The numbers that every account owns.
pub(super) const OWNED: &[(&str, &str)] = &[
    (MAGIC, "Test sender"),
    ("+14155550100", "Front desk"),
    ("+14155550101", "Support"),
];

#[derive(Default)]
pub(super) struct Account {
    pub(super) messages: Shelf<Message>,
    pub(super) calls: Shelf<Call>,
    pub(super) verifications: Shelf<Verification>,
    /// Ids of things that must exist beforehand, made on first use.
    pub(super) assumed: BTreeSet<String>,
    /// What the account last proved itself with; no API key.
    pub(super) auth_token: Option<String>,
}

impl Account {
    pub(super) fn describe(&self) -> Value {
        json!({"messages": self.messages.len(), "calls": self.calls.len(),
               "verifications": self.verifications.len(), "assumed": self.assumed})
    }
}

/// Whether a number may be sent from.
pub(super) fn owns(number: &str) -> bool {
    OWNED.iter().any(|(owned, _)| *owned == number)
}

/// Numbers of the simulator's own, beside Twilio's magic ones: what is sent or called there goes wrong.
const UNDELIVERED: &str = "+15005550010";
const FAILED: &str = "+15005550011";
const BUSY: &str = "+15005550012";
const NO_ANSWER: &str = "+15005550013";
const NOT_CONNECTED: &str = "+15005550014";

pub(super) fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// Where a thing is on a way, by the time since it set out.
fn along(since: Instant, way: &[&'static str]) -> usize {
    let steps = since.elapsed().as_millis() / STEP.as_millis();
    let last = way.len() - 1;
    usize::try_from(steps).unwrap_or(last).min(last)
}

/// What was told of a thing's way.
#[derive(Default)]
pub(super) struct Told {
    steps: usize,
    last: Option<&'static str>,
}

impl Told {
    /// The states since the last time: those up to `now`, and the one that it was put in at last.
    fn catch_up(
        &mut self,
        way: &[&'static str],
        now: usize,
        end: Option<&'static str>,
    ) -> Vec<&'static str> {
        let mut states = way[self.steps.min(now + 1)..=now].to_vec();
        states.extend(end);
        self.steps = now + 1;
        states.dedup();
        states.retain(|state| self.last != Some(state));
        self.last = states.last().copied().or(self.last);
        states
    }
}

pub(super) struct Message {
    pub(super) sid: String,
    pub(super) to: String,
    pub(super) from: Option<String>,
    pub(super) service: Option<String>,
    pub(super) body: String,
    pub(super) media: usize,
    /// Scheduled, and not sent before it is cancelled: nobody waits for minutes in a sandbox.
    pub(super) scheduled: bool,
    pub(super) canceled: bool,
    pub(super) made: Instant,
    pub(super) created: String,
    pub(super) day: String,
    pub(super) callback: Option<Target>,
    pub(super) told: Told,
}

impl Message {
    fn way(&self) -> &'static [&'static str] {
        let way: &[&str] = match self.to.strip_prefix("whatsapp:").unwrap_or(&self.to) {
            _ if self.scheduled => return &["scheduled"],
            UNDELIVERED => &["accepted", "queued", "sending", "sent", "undelivered"],
            FAILED => &["accepted", "queued", "sending", "failed"],
            _ => &["accepted", "queued", "sending", "sent", "delivered"],
        };
        // A service has to choose a sender first.
        if self.service.is_some() {
            way
        } else {
            &way[1..]
        }
    }

    /// Twilio's code for a message that did not arrive, and its words.
    pub(super) fn failure(&self) -> Option<(u32, &'static str)> {
        match self.status() {
            "undelivered" => Some((30003, "Unreachable destination handset")),
            "failed" => Some((30008, "Unknown error")),
            _ => None,
        }
    }

    /// Whether it stays as it is by itself.
    pub(super) fn is_over(&self) -> bool {
        matches!(
            self.status(),
            "delivered" | "undelivered" | "failed" | "canceled" | "scheduled"
        )
    }

    pub(super) fn status(&self) -> &'static str {
        if self.canceled {
            return "canceled";
        }
        let way = self.way();
        way[along(self.made, way)]
    }

    /// The states since the last time that this was asked.
    pub(super) fn news(&mut self) -> Vec<&'static str> {
        let way = self.way();
        let end = self.canceled.then_some("canceled");
        self.told.catch_up(way, along(self.made, way), end)
    }

    fn segments(&self) -> u32 {
        let (one, more) = if self.body.is_ascii() {
            (160, 153)
        } else {
            (70, 67)
        };
        let length = self.body.chars().count();
        let segments = if length <= one {
            1
        } else {
            length.div_ceil(more)
        };
        u32::try_from(segments).unwrap_or(u32::MAX)
    }

    pub(super) fn show(&self, account: &str) -> Value {
        let status = self.status();
        let uri = format!("/2010-04-01/Accounts/{account}/Messages/{}", self.sid);
        let priced = matches!(status, "sent" | "delivered" | "undelivered");
        let (code, words) = self.failure().unzip();
        json!({
            "account_sid": account, "api_version": "2010-04-01", "body": self.body,
            "date_created": self.created, "date_sent": priced.then_some(&self.created),
            "date_updated": self.created, "direction": "outbound-api",
            "error_code": code, "error_message": words,
            "from": self.from, "messaging_service_sid": self.service,
            "num_media": self.media.to_string(), "num_segments": self.segments().to_string(),
            "price": priced.then(|| format!("-{:.5}", 0.0079 * f64::from(self.segments()))), "price_unit": "USD",
            "sid": self.sid, "status": status,
            "subresource_uris": {"media": format!("{uri}/Media.json")},
            "to": self.to, "uri": format!("{uri}.json"),
        })
    }
}

/// A call talks for ten steps, so that there is time to redirect it or hang up.
const ANSWERED: &[&str] = &[
    "queued",
    "ringing",
    TALK,
    TALK,
    TALK,
    TALK,
    TALK,
    TALK,
    TALK,
    TALK,
    TALK,
    TALK,
    "completed",
];
const TALK: &str = "in-progress";

pub(super) struct Call {
    pub(super) sid: String,
    pub(super) to: String,
    pub(super) from: String,
    pub(super) record: bool,
    /// The step it was at when it was put in a state, and that state.
    pub(super) ended: Option<(usize, &'static str)>,
    pub(super) made: Instant,
    pub(super) created: String,
    pub(super) day: String,
    pub(super) recording: String,
    pub(super) callback: Option<Target>,
    /// What of it is told.
    pub(super) events: BTreeSet<String>,
    pub(super) told: Told,
    /// The number of the next event.
    pub(super) sequence: u32,
}

impl Call {
    pub(super) fn new(to: String, from: String, record: bool) -> Self {
        let now = clock::now();
        Self {
            sid: ids::hex32("CA"),
            to,
            from,
            record,
            ended: None,
            made: Instant::now(),
            created: clock::rfc2822(now),
            day: clock::date(now),
            recording: ids::hex32("RE"),
            callback: None,
            events: BTreeSet::new(),
            told: Told::default(),
            sequence: 0,
        }
    }

    fn way(&self) -> &'static [&'static str] {
        match self.to.as_str() {
            BUSY => &["queued", "ringing", "busy"],
            NO_ANSWER => &["queued", "ringing", "ringing", "ringing", "no-answer"],
            NOT_CONNECTED => &["queued", "failed"],
            _ => ANSWERED,
        }
    }

    /// Where it would be by itself.
    fn step(&self) -> usize {
        along(self.made, self.way())
    }

    pub(super) fn status(&self) -> &'static str {
        self.ended
            .map_or(self.way()[self.step()], |(_, state)| state)
    }

    /// Puts it in the state that it stays in.
    pub(super) fn end(&mut self, state: &'static str) {
        self.ended = Some((self.step(), state));
    }

    /// The states since the last time that this was asked.
    pub(super) fn news(&mut self) -> Vec<&'static str> {
        let (now, end) = self.ended.unzip();
        let now = now.unwrap_or_else(|| self.step());
        let way = self.way();
        self.told.catch_up(way, now, end)
    }

    pub(super) fn is_over(&self) -> bool {
        !matches!(self.status(), "queued" | "ringing" | "in-progress")
    }

    pub(super) fn show(&self, account: &str) -> Value {
        let status = self.status();
        let (done, over) = (
            status == "completed",
            self.is_over() && status != "canceled",
        );
        let talked = over.then_some(if done { "3" } else { "0" });
        let uri = format!("/2010-04-01/Accounts/{account}/Calls/{}", self.sid);
        json!({
            "account_sid": account, "answered_by": null, "api_version": "2010-04-01",
            "caller_name": null, "date_created": self.created, "date_updated": self.created,
            "direction": "outbound-api", "duration": talked, "end_time": over.then_some(&self.created),
            "forwarded_from": null, "from": self.from, "from_formatted": self.from, "group_sid": null,
            "parent_call_sid": null, "phone_number_sid": ids::hex32_of("PN", &self.from),
            "price": done.then_some("-0.01400"), "price_unit": "USD", "queue_time": "0", "sid": self.sid,
            "start_time": (!matches!(status, "queued" | "ringing" | "canceled" | "failed")).then_some(&self.created),
            "status": status,
            "subresource_uris": {
                "events": format!("{uri}/Events.json"), "notifications": format!("{uri}/Notifications.json"),
                "payments": format!("{uri}/Payments.json"), "recordings": format!("{uri}/Recordings.json"),
                "siprec": format!("{uri}/Siprec.json"), "streams": format!("{uri}/Streams.json"),
                "transcriptions": format!("{uri}/Transcriptions.json"),
                "user_defined_message_subscriptions": format!("{uri}/UserDefinedMessageSubscriptions.json"),
                "user_defined_messages": format!("{uri}/UserDefinedMessages.json"),
            },
            "to": self.to, "to_formatted": self.to, "trunk_sid": null, "uri": format!("{uri}.json"),
        })
    }
}

pub(super) struct Verification {
    pub(super) sid: String,
    pub(super) service: String,
    pub(super) to: String,
    pub(super) channel: String,
    pub(super) code: String,
    pub(super) sent: u32,
    pub(super) tries: u32,
    pub(super) gone: bool,
    pub(super) made: Instant,
    pub(super) created: String,
}

impl Verification {
    /// Ten minutes, one success or five tries.
    pub(super) fn is_open(&self) -> bool {
        !self.gone && self.made.elapsed() < Duration::from_mins(10)
    }

    pub(super) fn show(&self, account: &str, base_url: &str, status: &str) -> Value {
        let attempts: Vec<Value> = (0..self.sent)
            .map(|n| {
                json!({"time": self.created, "channel": self.channel.to_uppercase(),
                       "attempt_sid": ids::hex32_of("VL", &format!("{}{n}", self.sid))})
            })
            .collect();
        json!({
            "sid": self.sid, "service_sid": self.service, "account_sid": account, "to": self.to,
            "channel": self.channel, "status": status, "valid": status == "approved",
            "date_created": self.created, "date_updated": self.created, "lookup": {}, "amount": null, "payee": null,
            "send_code_attempts": attempts, "sna": null,
            "url": format!("{base_url}/v2/Services/{}/Verifications/{}", self.service, self.sid),
        })
    }
}
