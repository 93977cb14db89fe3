//! A call of each tool.

use business_tools_sandbox::{Example, Examples};
use serde_json::{Value, json};

const TO: &str = "+14155552345";
const FROM: &str = "+14155550100";
/// A messaging service and a Verify service, made on first use.
const MESSAGING: &str = "MG00000000000000000000000000000001";
const VERIFY: &str = "VA00000000000000000000000000000001";
const TEMPLATE: &str = "HX00000000000000000000000000000001";
const URL: &str = "https://example.com/x";

fn hello() -> Value {
    json!({"to": TO, "from": FROM, "body": "Hello"})
}

fn ring() -> Value {
    json!({"to": TO, "from": FROM, "twiml": "<Response><Say>Hello</Say></Response>"})
}

/// Calls that the simulator answers, one of each tool.
pub fn examples() -> Examples {
    let examples = Examples::new()
        .credentials(json!({"auth_token": "${secret}"}))
        .credentials(
            json!({"api_key": "SK00000000000000000000000000000c01", "api_secret": "${secret}"}),
        )
        .credentials(json!({"auth_token": null, "access_token": "token-${secret}"}));
    [messages(), calls(), others()]
        .into_iter()
        .flatten()
        .fold(examples, Examples::with)
}

fn messages() -> Vec<Example> {
    let later = json!({"to": TO, "messaging_service_sid": MESSAGING, "body": "Later",
                       "send_at": "2030-01-31T12:00:00Z"});
    let all = json!({"to": TO, "messaging_service_sid": MESSAGING, "body": "a & b=c", "media_url": [URL, URL],
                     "content_sid": TEMPLATE, "content_variables": "{\"1\":\"Ada\"}",
                     "send_at": "2030-01-31T12:00:00Z", "validity_period": 600, "status_callback": URL});
    let one = json!({"sid": "${message/sid}"});
    vec![
        Example::new("twilio_send_message", all),
        Example::new(
            "twilio_send_whatsapp",
            json!({"to": TO, "from": FROM, "body": "Hello", "media_url": URL}),
        ),
        Example::new(
            "twilio_list_messages",
            json!({"to": TO, "from": FROM, "date_sent_after": "2026-01-01",
                   "date_sent_before": "2099-01-01T00:00:00Z"}),
        )
        .after_many(3, "message", "twilio_send_message", hello()),
        Example::new("twilio_get_message", one.clone()).after(
            "message",
            "twilio_send_message",
            hello(),
        ),
        Example::new("twilio_cancel_message", one.clone()).after(
            "message",
            "twilio_send_message",
            later,
        ),
        // Only a message that was sent can be redacted.
        Example::new("twilio_redact_message", one.clone())
            .after("message", "twilio_send_message", hello())
            .until(
                "sent",
                "twilio_get_message",
                one.clone(),
                "/status",
                "delivered",
            ),
        Example::new("twilio_delete_message", one).after("message", "twilio_send_message", hello()),
    ]
}

fn calls() -> Vec<Example> {
    let all = json!({"to": TO, "from": FROM, "url": URL, "timeout": 30, "machine_detection": "Enable",
                     "record": true, "status_callback": URL, "status_callback_event": ["initiated", "ringing"]});
    let one = json!({"sid": "${call/sid}"});
    let mut recorded = ring();
    recorded["record"] = true.into();
    vec![
        Example::new("twilio_make_call", all),
        Example::new(
            "twilio_list_calls",
            json!({"to": TO, "from": FROM, "start_time_after": "2026-01-01", "end_time_before": "2099-01-01"}),
        )
        .after_many(3, "call", "twilio_make_call", ring()),
        Example::new("twilio_get_call", one.clone()).after("call", "twilio_make_call", ring()),
        Example::new("twilio_end_call", one.clone()).after("call", "twilio_make_call", ring()),
        Example::new(
            "twilio_redirect_call",
            json!({"sid": "${call/sid}", "url": URL}),
        )
        .after("call", "twilio_make_call", ring())
        .until(
            "talking",
            "twilio_get_call",
            one.clone(),
            "/status",
            "in-progress",
        ),
        Example::new(
            "twilio_list_recordings",
            json!({"date_created_after": "2026-01-01"}),
        )
        .after_many(2, "call", "twilio_make_call", recorded.clone())
        .after("ended", "twilio_end_call", one.clone())
        .after("call", "twilio_make_call", recorded)
        .after("ended", "twilio_end_call", one),
    ]
}

fn others() -> Vec<Example> {
    let verify = json!({"service_sid": VERIFY, "to": TO, "channel": "sms", "locale": "de", "custom_code": "654321",
                        "template_sid": "HJ00000000000000000000000000000001"});
    vec![
        Example::new("twilio_list_phone_numbers", json!({"phone_number": "415"})),
        Example::new(
            "twilio_lookup_phone_number",
            json!({"phone_number": "+14159929960", "country_code": "US", "fields": [
                "validation", "caller_name", "sim_swap", "call_forwarding", "line_status",
                "line_type_intelligence", "identity_match", "reassigned_number", "sms_pumping_risk",
                "phone_number_quality_score", "pre_fill"]}),
        ),
        Example::new("twilio_start_verification", verify.clone()),
        Example::new(
            "twilio_check_verification",
            json!({"service_sid": VERIFY, "to": TO, "code": "654321"}),
        )
        .after("verification", "twilio_start_verification", verify),
        Example::new(
            "twilio_get_usage",
            json!({"start_date": "2026-01-01", "end_date": "2026-01-31", "include_subaccounts": true}),
        ),
    ]
}
