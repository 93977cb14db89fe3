//! Dry runs: every write shows its request and sends nothing.

use serde_json::{Value, json};

use crate::support::{ACCOUNT, NO_CALL, NO_MESSAGE, VERIFY, hello, ring, world};

/// Every write with arguments that are good.
pub(crate) fn writes() -> Vec<(&'static str, Value)> {
    let to = crate::support::TO;
    let from = crate::support::FROM;
    vec![
        ("twilio_send_message", hello()),
        (
            "twilio_send_whatsapp",
            json!({"to": to, "from": from, "body": "Hi"}),
        ),
        ("twilio_cancel_message", json!({"sid": NO_MESSAGE})),
        ("twilio_redact_message", json!({"sid": NO_MESSAGE})),
        ("twilio_delete_message", json!({"sid": NO_MESSAGE})),
        ("twilio_make_call", ring()),
        ("twilio_end_call", json!({"sid": NO_CALL})),
        (
            "twilio_redirect_call",
            json!({"sid": NO_CALL, "url": "https://example.com/twiml"}),
        ),
        (
            "twilio_start_verification",
            json!({"service_sid": VERIFY, "to": to, "channel": "sms"}),
        ),
        (
            "twilio_check_verification",
            json!({"service_sid": VERIFY, "to": to, "code": "123456"}),
        ),
    ]
}

#[tokio::test]
async fn a_dry_run_checks_the_arguments_as_the_call_would() {
    let world = world().await;
    let error = world
        .err("twilio_send_message", json!({"to": "x", "dry_run": true}))
        .await;
    assert_eq!(crate::support::places(&error), ["/to"]);
    // A read has no dry run: it changes nothing.
    let error = world
        .err("twilio_list_messages", json!({"dry_run": true}))
        .await;
    assert_eq!(crate::support::places(&error), ["/dry_run"]);
}

#[tokio::test]
async fn a_dry_run_shows_the_form_and_masks_the_credentials() {
    let world = world().await;
    let mut args = hello();
    args["dry_run"] = true.into();
    let shown = world.ok("twilio_send_message", args).await;
    assert_eq!(shown["request"]["method"], "POST");
    let url = shown["request"]["url"].as_str().unwrap();
    assert!(url.contains(ACCOUNT), "{url}");
    assert_eq!(shown["request"]["headers"]["authorization"], "***");
    let form = json!({"To": "+14155552345", "From": "+14155550100", "Body": "Hello"});
    assert_eq!(shown["request"]["form"], form);
}
