//! Recordings of calls.

use business_tools_core::{Cx, Faults, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{READ, put, span};
use crate::client::Pairs;
use crate::{Twilio, View};

const CALL: &str = "^CA[0-9a-fA-F]{32}$";
const CONFERENCE: &str = "^CF[0-9a-fA-F]{32}$";

/// What of a recording is shown.
const MEMBERS: &[&str] = &[
    "sid",
    "status",
    "call_sid",
    "conference_sid",
    "duration",
    "channels",
    "source",
    "media_url",
    "error_code",
    "date_created",
    "start_time",
];

/// List call recordings. The audio is at `media_url` with .mp3 or .wav behind it.
///
/// # Source
/// <https://www.twilio.com/docs/voice/api/recording#read-multiple-recording-resources> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListRecordings {
    /// Call.
    #[schemars(regex(pattern = CALL))]
    call_sid: Option<String>,
    /// Conference.
    #[schemars(regex(pattern = CONFERENCE))]
    conference_sid: Option<String>,
    /// ISO date.
    #[schemars(length(max = 40))]
    date_created_after: Option<String>,
    /// ISO date.
    #[schemars(length(max = 40))]
    date_created_before: Option<String>,
    /// Default 20.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// From `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

impl Tool for ListRecordings {
    type Provider = Twilio;
    type Output = Page<View>;
    const SPEC: Spec = Spec::read("twilio_list_recordings").scopes(READ).cached(30);

    fn check(&self, faults: &mut Faults) {
        let (after, before) = (&self.date_created_after, &self.date_created_before);
        span("date_created", after.as_deref(), before.as_deref(), faults);
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<Page<View>> {
        let mut query = Pairs::new();
        put(&mut query, "CallSid", self.call_sid);
        put(&mut query, "ConferenceSid", self.conference_sid);
        put(&mut query, "DateCreated>", self.date_created_after);
        put(&mut query, "DateCreated<", self.date_created_before);
        let url = twilio.client.of_account(&["Recordings.json"]);
        let page = twilio
            .client
            .list(cx, url, query, self.limit, self.cursor.as_deref())
            .await?;
        Ok(View::page(page, MEMBERS, None))
    }
}
