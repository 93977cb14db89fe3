//! One-time codes.

use business_tools_core::Kind;
use serde_json::json;

use crate::support::{TO, VERIFY, assert_error, places, sid, world};

#[tokio::test]
async fn a_code_is_sent_and_checked_once() {
    let world = world().await;
    let started = world
        .ok(
            "twilio_start_verification",
            json!({"service_sid": VERIFY, "to": TO, "channel": "sms"}),
        )
        .await;
    assert_eq!(
        (&started["status"], &started["valid"]),
        (&json!("pending"), &json!(false))
    );
    assert_eq!(
        world.last_request().path,
        format!("/v2/Services/{VERIFY}/Verifications")
    );
    let check = |code: &str| json!({"service_sid": VERIFY, "to": TO, "code": code});
    let wrong = world.ok("twilio_check_verification", check("000000")).await;
    assert_eq!(wrong["valid"], false);
    let right = world.ok("twilio_check_verification", check("123456")).await;
    assert_eq!(
        (&right["status"], &right["valid"]),
        (&json!("approved"), &json!(true))
    );
    let gone = world
        .err("twilio_check_verification", check("123456"))
        .await;
    assert_error(
        &gone,
        Kind::NotFound,
        Some(20404),
        "start a new verification",
    );
}

#[tokio::test]
async fn a_code_of_ones_own_is_checked_by_the_verification_itself() {
    let world = world().await;
    let args = json!({"service_sid": VERIFY, "to": TO, "channel": "call", "locale": "de", "custom_code": "4711",
                      "template_sid": "HJ00000000000000000000000000000001"});
    let started = sid(&world.ok("twilio_start_verification", args).await);
    let form = String::from_utf8(world.exchanges()[0].body.to_vec()).unwrap();
    assert_eq!(
        form,
        "To=%2B14155552345&Channel=call&Locale=de&CustomCode=4711&TemplateSid=HJ00000000000000000000000000000001"
    );
    let args = json!({"service_sid": VERIFY, "verification_sid": started, "code": "4711"});
    assert_eq!(
        world.ok("twilio_check_verification", args).await["valid"],
        true
    );
}

#[tokio::test]
async fn the_fifth_wrong_code_is_the_last() {
    let world = world().await;
    world
        .ok(
            "twilio_start_verification",
            json!({"service_sid": VERIFY, "to": TO, "channel": "sms"}),
        )
        .await;
    let check = json!({"service_sid": VERIFY, "to": TO, "code": "000000"});
    for _ in 0..5 {
        world.ok("twilio_check_verification", check.clone()).await;
    }
    let sent = world.requests().len();
    let error = world.err("twilio_check_verification", check).await;
    assert_error(&error, Kind::QuotaExceeded, Some(60202), "new verification");
    assert_eq!(
        world.requests().len(),
        sent + 1,
        "what is used up is not tried again"
    );
    assert!(!error.is_retryable());
    // One person's codes are used up, and nobody else waits for that.
    world
        .ok("twilio_send_message", crate::support::hello())
        .await;
}

#[tokio::test]
async fn the_sixth_code_is_not_sent() {
    let world = world().await;
    let start = json!({"service_sid": VERIFY, "to": TO, "channel": "sms"});
    for _ in 0..5 {
        world.ok("twilio_start_verification", start.clone()).await;
    }
    let error = world.err("twilio_start_verification", start).await;
    assert_error(&error, Kind::QuotaExceeded, Some(60203), "ten minutes");
}

#[tokio::test]
async fn channel_and_address_must_fit() {
    let world = world().await;
    for (channel, to) in [
        ("email", TO),
        ("sms", "ada@example.com"),
        ("whatsapp", "4155552345"),
    ] {
        let args = json!({"service_sid": VERIFY, "to": to, "channel": channel});
        assert_eq!(
            places(&world.err("twilio_start_verification", args).await),
            ["/to"]
        );
    }
    let args = json!({"service_sid": VERIFY, "to": "ada@example.com", "channel": "email"});
    world.ok("twilio_start_verification", args).await;
    for args in [
        json!({"service_sid": VERIFY, "code": "123456"}),
        json!({"service_sid": VERIFY, "code": "123456", "to": TO, "verification_sid": "VE00000000000000000000000000000001"}),
    ] {
        assert_eq!(
            places(&world.err("twilio_check_verification", args).await),
            ["/to"]
        );
    }
    let args = json!({"service_sid": "VA1", "code": "1", "to": TO});
    assert_eq!(
        places(&world.err("twilio_check_verification", args).await),
        ["/service_sid", "/code"]
    );
}
