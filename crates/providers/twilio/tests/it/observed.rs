//! What a call leaves behind: metrics, audit and log.

use business_tools_core::Kind;
use serde_json::json;

use crate::support::{hello, twilio, world};

#[tokio::test]
async fn calls_and_requests_are_counted_apart() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 429, "times": 1}));
    world.ok("twilio_send_message", hello()).await;
    world.err("twilio_send_message", json!({})).await;
    world.ok("twilio_list_messages", json!({})).await;
    world.ok("twilio_list_messages", json!({})).await;
    let metrics = world.metrics();
    for line in [
        r#"mcp_api_calls_total{status="ok",tool="twilio_send_message"} 1"#,
        r#"mcp_api_calls_total{status="INVALID_ARGUMENTS",tool="twilio_send_message"} 1"#,
        r#"mcp_api_calls_total{status="ok",tool="twilio_list_messages"} 2"#,
        r#"mcp_provider_requests_total{provider="twilio",status="RATE_LIMITED"} 1"#,
        r#"mcp_provider_requests_total{provider="twilio",status="ok"} 2"#,
        r#"mcp_cache_requests_total{provider="twilio",result="hit"} 1"#,
        r#"mcp_cache_requests_total{provider="twilio",result="miss"} 1"#,
        r#"mcp_retries_total{provider="twilio"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn the_audit_tells_who_did_what_and_not_what_was_said() {
    let world = world().await;
    world.ok("twilio_send_message", hello()).await;
    world
        .err(
            "twilio_get_message",
            json!({"sid": crate::support::NO_MESSAGE}),
        )
        .await;
    let [sent, missed] = &world.audit()[..] else {
        panic!("two lines")
    };
    assert_eq!(
        (
            &sent["tool"],
            &sent["tenant"],
            &sent["subject"],
            &sent["account"],
            &sent["outcome"],
            &sent["effect"]
        ),
        (
            &json!("twilio_send_message"),
            &json!("default"),
            &json!("local"),
            &json!("default"),
            &json!("ok"),
            &json!("write")
        )
    );
    assert_eq!(sent["arguments"]["body"], "<5 characters>");
    assert_eq!(missed["code"], "TWILIO_NOT_FOUND");
    // Twilio's words quote the number; the log has its code.
    let refused = json!({"to": "+15005550001", "from": crate::support::FROM, "body": "x"});
    let refused = world.err("twilio_send_message", refused).await;
    assert!(refused.message().contains("+15005550001"));
    let log = world.log();
    assert!(log.contains("21211") && !log.contains("+15005550001"));
    assert!(log.contains(sent["request_id"].as_str().unwrap()));
    assert!(
        !log.contains("+14155552345"),
        "a number of a person is in the log"
    );
}

#[tokio::test]
async fn many_calls_at_once_are_all_answered_and_nothing_is_sent_twice() {
    let world = twilio()
        .overrides(json!({"timeouts": {"call": "30s", "attempt": "20s"}, "rate_limits": {"max_in_flight": 10}}))
        .start::<business_tools_twilio::Twilio>()
        .await;
    world.fault(json!({"kind": "status", "status": 429, "times": 20}));
    let calls = (0..300).map(|n| {
        let mut args = hello();
        args["body"] = format!("{n}").into();
        world.call("twilio_send_message", args)
    });
    let mut done = 0;
    for outcome in futures_util::future::join_all(calls).await {
        match outcome {
            Ok(_) => done += 1,
            // Only so many retries are saved up; what was not sent says so.
            Err(error) => assert_eq!(error.kind(), Kind::RateLimited, "{error:?}"),
        }
    }
    let sent = world
        .exchanges()
        .iter()
        .filter(|exchange| exchange.status == 201)
        .count();
    assert_eq!(sent, done);
    assert!(done >= 280, "{done} of 300");
}
