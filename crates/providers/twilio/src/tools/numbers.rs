//! Phone numbers: those of the account, and what is known of any.

use business_tools_core::{Cx, Faults, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::word;
use super::{READ, put};
use crate::client::Pairs;
use crate::{Twilio, View};

/// A number as people write it.
const WRITTEN: &str = r"^[+(]?\d[\d ().-]{1,30}$";

/// What of an owned number is shown.
const OWNED: &[&str] = &[
    "sid",
    "phone_number",
    "friendly_name",
    "capabilities",
    "sms_url",
    "voice_url",
    "status",
];

/// What of a looked-up number is shown.
const LOOKED_UP: &[&str] = &[
    "phone_number",
    "valid",
    "validation_errors",
    "country_code",
    "calling_country_code",
    "national_format",
    "caller_name",
    "sim_swap",
    "call_forwarding",
    "line_status",
    "line_type_intelligence",
    "identity_match",
    "reassigned_number",
    "sms_pumping_risk",
    "phone_number_quality_score",
    "pre_fill",
];

/// List the phone numbers of the account: what it can send and call from.
///
/// # Source
/// <https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListPhoneNumbers {
    /// Digits the number contains.
    #[schemars(length(max = 32))]
    phone_number: Option<String>,
    /// Exact name.
    #[schemars(length(max = 64))]
    friendly_name: Option<String>,
    /// Default 20.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// From `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

impl Tool for ListPhoneNumbers {
    type Provider = Twilio;
    type Output = Page<View>;
    const SPEC: Spec = Spec::read("twilio_list_phone_numbers")
        .scopes(READ)
        .cached(300);

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<Page<View>> {
        let mut query = Pairs::new();
        put(&mut query, "PhoneNumber", self.phone_number);
        put(&mut query, "FriendlyName", self.friendly_name);
        let url = twilio.client.of_account(&["IncomingPhoneNumbers.json"]);
        let page = twilio
            .client
            .list(cx, url, query, self.limit, self.cursor.as_deref())
            .await?;
        Ok(View::page(page, OWNED, None))
    }
}

/// A package of facts about a number. All but `validation` are billed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Facts {
    Validation,
    CallerName,
    SimSwap,
    CallForwarding,
    LineStatus,
    LineTypeIntelligence,
    IdentityMatch,
    ReassignedNumber,
    SmsPumpingRisk,
    PhoneNumberQualityScore,
    PreFill,
}

/// Check a phone number and format it; with `fields` also learn carrier, line type, caller or risk (billed).
///
/// # Source
/// <https://www.twilio.com/docs/lookup/v2-api> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupPhoneNumber {
    /// E.164, or national with `country_code`.
    #[schemars(regex(pattern = WRITTEN))]
    phone_number: String,
    /// Billed packages.
    #[schemars(length(max = 11))]
    fields: Option<Vec<Facts>>,
    /// ISO country of a national number.
    #[schemars(regex(pattern = "^[A-Z]{2}$"))]
    country_code: Option<String>,
}

impl Tool for LookupPhoneNumber {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::read("twilio_lookup_phone_number")
        .scopes(READ)
        .cached_as("enrichment_data", 3600);

    fn check(&self, faults: &mut Faults) {
        if !self.phone_number.starts_with('+') && self.country_code.is_none() {
            faults.add(
                "/country_code",
                "is required for a number without + and country code",
            );
        }
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let mut query = Pairs::new();
        let fields: Vec<_> = self.fields.iter().flatten().map(word).collect();
        put(
            &mut query,
            "Fields",
            (!fields.is_empty()).then(|| fields.join(",")),
        );
        put(&mut query, "CountryCode", self.country_code);
        let url = twilio.client.of_number(&self.phone_number);
        Ok(View::of(
            twilio.client.get(cx, url, query).await?,
            LOOKED_UP,
            None,
        ))
    }
}
