//! Requests and the simulator's answers against Twilio's own description, where it is at hand.

use std::time::Duration;

use business_tools_testkit::{Contract, Person};
use business_tools_twilio::Twilio;
use serde_json::json;

use crate::support::{FROM, NO_CALL, NO_MESSAGE, SERVICE, TO, VERIFY, hello, ring, sid, twilio};

#[tokio::test]
async fn every_tools_exchanges_are_as_described() {
    let Some(contract) = Contract::of("twilio") else {
        return;
    };
    let world = twilio().fields(json!({})).start::<Twilio>().await;
    let yes = Person::who_says_yes();
    let url = "https://example.com/x";

    let message = sid(&world.ok("twilio_send_message", hello()).await);
    let all = json!({"to": TO, "messaging_service_sid": SERVICE, "body": "x", "media_url": [url, url],
                     "content_sid": "HX00000000000000000000000000000001", "content_variables": "{}",
                     "send_at": "2030-01-31T12:00:00Z", "validity_period": 60, "status_callback": url});
    let later = sid(&world.ok("twilio_send_message", all).await);
    world
        .ok(
            "twilio_send_whatsapp",
            json!({"to": TO, "from": FROM, "body": "x", "media_url": url}),
        )
        .await;
    let mut recorded = ring();
    recorded["record"] = true.into();
    let call = sid(&world.ok("twilio_make_call", recorded).await);
    let all = json!({"to": TO, "from": FROM, "url": url, "timeout": 30, "machine_detection": "Enable",
                     "status_callback": url, "status_callback_event": ["initiated", "ringing"]});
    world.ok("twilio_make_call", all).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    for (tool, args) in [
        ("twilio_get_message", json!({"sid": message})),
        (
            "twilio_list_messages",
            json!({"to": TO, "from": FROM, "date_sent_after": "2026-01-01",
                                         "date_sent_before": "2030-01-01T00:00:00Z"}),
        ),
        ("twilio_list_messages", json!({"limit": 1})),
        ("twilio_cancel_message", json!({"sid": later})),
        ("twilio_redact_message", json!({"sid": message})),
        ("twilio_delete_message", json!({"sid": message})),
        ("twilio_get_call", json!({"sid": call})),
        ("twilio_redirect_call", json!({"sid": call, "url": url})),
        (
            "twilio_redirect_call",
            json!({"sid": call, "twiml": "<Response/>"}),
        ),
        ("twilio_end_call", json!({"sid": call})),
        (
            "twilio_list_calls",
            json!({"to": TO, "from": FROM, "status": "completed", "start_time_after": "2026-01-01",
                                      "end_time_before": "2030-01-01", "parent_call_sid": NO_CALL}),
        ),
        ("twilio_list_calls", json!({"limit": 1})),
        ("twilio_list_recordings", json!({})),
        (
            "twilio_list_recordings",
            json!({"call_sid": call, "date_created_after": "2026-01-01"}),
        ),
        (
            "twilio_list_phone_numbers",
            json!({"phone_number": "415", "limit": 1}),
        ),
        (
            "twilio_list_phone_numbers",
            json!({"friendly_name": "Support"}),
        ),
        (
            "twilio_lookup_phone_number",
            json!({"phone_number": "+14159929960"}),
        ),
        (
            "twilio_lookup_phone_number",
            json!({"phone_number": "+1415"}),
        ),
        (
            "twilio_lookup_phone_number",
            json!({"phone_number": "+14159929960", "country_code": "US", "fields": [
            "validation", "caller_name", "sim_swap", "call_forwarding", "line_status", "line_type_intelligence",
            "identity_match", "reassigned_number", "sms_pumping_risk", "phone_number_quality_score", "pre_fill"]}),
        ),
        (
            "twilio_start_verification",
            json!({"service_sid": VERIFY, "to": TO, "channel": "sms", "locale": "de",
            "custom_code": "123456", "template_sid": "HJ00000000000000000000000000000001"}),
        ),
        (
            "twilio_check_verification",
            json!({"service_sid": VERIFY, "to": TO, "code": "000000"}),
        ),
        (
            "twilio_check_verification",
            json!({"service_sid": VERIFY, "to": TO, "code": "123456"}),
        ),
        (
            "twilio_get_usage",
            json!({"category": "sms", "start_date": "2026-01-01", "end_date": "2026-01-31",
                                     "include_subaccounts": true}),
        ),
        ("twilio_get_usage", json!({"limit": 1})),
    ] {
        if let Err(error) = world.call_with(&yes, tool, args).await {
            panic!("{tool}: {error:?}");
        }
    }
    // Refusals have a described form too.
    world
        .err(
            "twilio_send_message",
            json!({"to": "+15005550001", "from": FROM, "body": "x"}),
        )
        .await;
    world
        .err("twilio_get_message", json!({"sid": NO_MESSAGE}))
        .await;
    world.err("twilio_get_call", json!({"sid": NO_CALL})).await;
    for _ in 0..6 {
        let start = json!({"service_sid": VERIFY, "to": "+14155552346", "channel": "sms"});
        let _ = world.call("twilio_start_verification", start).await;
    }
    assert!(world.health().await.ok);
    contract.check_all("twilio", &world.exchanges());
}
