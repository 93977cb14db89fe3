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
async fn every_write_shows_its_request_masked_and_sends_nothing() {
    let world = world().await;
    let all = world
        .registry
        .tools(None)
        .into_iter()
        .filter(|entry| entry.tool.spec.writes())
        .count();
    assert_eq!(writes().len(), all, "every write is tried");
    for (tool, mut args) in writes() {
        args["dry_run"] = true.into();
        let shown = world.ok(tool, args).await;
        assert_eq!(shown["dry_run"], true, "{tool}");
        let request = &shown["request"];
        let url = request["url"].as_str().unwrap();
        assert!(
            url.contains(ACCOUNT) || url.contains("/v2/"),
            "{tool}: {url}"
        );
        assert_eq!(request["headers"]["authorization"], "***", "{tool}");
        let destructive = world.registry.get(tool).unwrap().tool.spec.effect
            == business_tools_core::Effect::Destructive;
        assert_eq!(shown["confirmation"].is_string(), destructive, "{tool}");
    }
    assert!(world.requests().is_empty());
    let mut args = hello();
    args["dry_run"] = true.into();
    let shown = world.ok("twilio_send_message", args).await;
    assert_eq!(shown["request"]["method"], "POST");
    let form = json!({"To": "+14155552345", "From": "+14155550100", "Body": "Hello"});
    assert_eq!(shown["request"]["form"], form);
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
