//! One-time codes.

use business_tools_core::{Cx, Faults, Kind, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::word;
use super::{WRITE, given, is_number, put};
use crate::client::Pairs;
use crate::{Twilio, View};

const SERVICE: &str = "^VA[0-9a-fA-F]{32}$";
const VERIFICATION: &str = "^VE[0-9a-fA-F]{32}$";
const TEMPLATE: &str = "^HJ[0-9a-fA-F]{32}$";

/// What of a verification is shown.
const MEMBERS: &[&str] = &[
    "sid",
    "service_sid",
    "to",
    "channel",
    "status",
    "valid",
    "date_created",
    "date_updated",
];

/// What a check of a verification that is not there means.
const GONE: &str =
    "It was approved already, is over ten minutes old or out of tries: start a new verification";

/// How a code is sent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Channel {
    Sms,
    Call,
    Email,
    Whatsapp,
    Sna,
    Auto,
}

/// Send a one-time code to a person, to verify a phone number or e-mail address.
///
/// # Errors
/// `QUOTA_EXCEEDED` after five codes in ten minutes.
///
/// # Source
/// <https://www.twilio.com/docs/verify/api/verification#start-new-verification> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartVerification {
    /// The Verify service.
    #[schemars(regex(pattern = SERVICE))]
    service_sid: String,
    /// E.164, or e-mail.
    #[schemars(length(min = 3, max = 254))]
    to: String,
    /// How it is sent.
    channel: Channel,
    /// Language.
    #[schemars(length(min = 2, max = 10))]
    locale: Option<String>,
    /// Own code.
    #[schemars(length(min = 4, max = 10))]
    custom_code: Option<String>,
    /// Template.
    #[schemars(regex(pattern = TEMPLATE))]
    template_sid: Option<String>,
}

impl Tool for StartVerification {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::write("twilio_start_verification")
        .scopes(WRITE)
        .find_out("Ask the person whether a code came before you send another");

    fn check(&self, faults: &mut Faults) {
        let fits = match self.channel {
            Channel::Email => self.to.contains('@'),
            _ => is_number(&self.to),
        };
        if !fits {
            faults.add(
                "/to",
                "must be an e-mail address for channel email, and an E.164 number for all others",
            );
        }
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let mut form: Pairs = vec![("To", self.to), ("Channel", word(&self.channel))];
        put(&mut form, "Locale", self.locale);
        put(&mut form, "CustomCode", self.custom_code);
        put(&mut form, "TemplateSid", self.template_sid);
        let url = twilio
            .client
            .of_verify(&["Services", &self.service_sid, "Verifications"]);
        Ok(View::of(
            twilio.client.post(cx, url, form).await?,
            MEMBERS,
            None,
        ))
    }
}

/// Check the one-time code a person entered. `status` approved means it was right. Each try is counted.
///
/// # Errors
/// `NOT_FOUND` when the verification was approved already, is over ten minutes old, or is out of tries.
///
/// # Source
/// <https://www.twilio.com/docs/verify/api/verification-check> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckVerification {
    /// The Verify service.
    #[schemars(regex(pattern = SERVICE))]
    service_sid: String,
    /// What the person entered.
    #[schemars(length(min = 4, max = 10))]
    code: String,
    /// Where it was sent.
    #[schemars(length(min = 3, max = 254))]
    to: Option<String>,
    /// Instead of `to`.
    #[schemars(regex(pattern = VERIFICATION))]
    verification_sid: Option<String>,
}

impl Tool for CheckVerification {
    type Provider = Twilio;
    type Output = View;
    const SPEC: Spec = Spec::write("twilio_check_verification")
        .scopes(WRITE)
        .find_out("Check once more: NOT_FOUND means that the first check was right, or the tries are used up");

    fn check(&self, faults: &mut Faults) {
        if given(&[self.to.is_some(), self.verification_sid.is_some()]) != 1 {
            faults.add("/to", "give exactly one of `to` and `verification_sid`");
        }
    }

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<View> {
        let mut form: Pairs = vec![("Code", self.code)];
        put(&mut form, "To", self.to);
        put(&mut form, "VerificationSid", self.verification_sid);
        let url = twilio
            .client
            .of_verify(&["Services", &self.service_sid, "VerificationCheck"]);
        let checked = twilio.client.post(cx, url, form).await;
        let checked = checked.map_err(|error| match error.kind() {
            Kind::NotFound => error.hint(GONE),
            _ => error,
        })?;
        Ok(View::of(checked, MEMBERS, None))
    }
}
