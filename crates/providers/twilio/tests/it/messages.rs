//! Messages and WhatsApp.

use business_tools_core::Kind;
use serde_json::json;

use crate::support::{
    FROM, NO_MESSAGE, SERVICE, TO, assert_error, hello, path, places, sid, world,
};

#[tokio::test]
async fn a_message_is_sent_once_as_a_form_and_shown_trimmed() {
    let world = world().await;
    let sent = world.ok("twilio_send_message", hello()).await;
    assert_eq!(sent["status"], "queued");
    assert_eq!(
        (&sent["to"], &sent["from"], &sent["body"]),
        (&json!(TO), &json!(FROM), &json!("Hello"))
    );
    assert_eq!(sent["untrusted"], json!(["body"]));
    // Twilio's times are RFC 2822, ours are RFC 3339; what is not there is left out.
    let created = sent["date_created"].as_str().unwrap();
    assert!(
        created.ends_with('Z') && created.as_bytes()[4] == b'-',
        "{created}"
    );
    for absent in [
        "error_code",
        "price",
        "uri",
        "account_sid",
        "subresource_uris",
    ] {
        assert!(sent.get(absent).is_none(), "{absent} in {sent}");
    }
    let [request] = &world.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", path("Messages.json").as_str())
    );
    assert_eq!(
        request.body,
        "To=%2B14155552345&From=%2B14155550100&Body=Hello"
    );
    let header = |name: &str| {
        request
            .headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(
        header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert!(header("authorization").unwrap().starts_with("Basic"));
}

#[tokio::test]
async fn every_argument_has_its_place_in_the_form() {
    let world = world().await;
    let args = json!({
        "to": TO, "messaging_service_sid": SERVICE, "body": "a & b=c",
        "media_url": ["https://example.com/1.png", "https://example.com/2.png"],
        "content_sid": "HX00000000000000000000000000000001", "content_variables": "{\"1\":\"Ada\"}",
        "send_at": "2030-01-31T12:00:00Z", "validity_period": 600, "status_callback": "https://example.com/hook",
    });
    let sent = world.ok("twilio_send_message", args).await;
    assert_eq!(sent["status"], "scheduled");
    assert!(sid(&sent).starts_with("MM"));
    let exchange = world.exchanges().pop().unwrap();
    let form = String::from_utf8(exchange.body.to_vec()).unwrap();
    assert_eq!(
        form,
        "To=%2B14155552345&MessagingServiceSid=MG00000000000000000000000000000001&Body=a+%26+b%3Dc\
         &MediaUrl=https%3A%2F%2Fexample.com%2F1.png&MediaUrl=https%3A%2F%2Fexample.com%2F2.png\
         &ContentSid=HX00000000000000000000000000000001&ContentVariables=%7B%221%22%3A%22Ada%22%7D\
         &ScheduleType=fixed&SendAt=2030-01-31T12%3A00%3A00Z&ValidityPeriod=600\
         &StatusCallback=https%3A%2F%2Fexample.com%2Fhook"
    );
}

#[tokio::test]
async fn all_faults_of_a_message_are_told_at_once_and_nothing_is_sent() {
    let world = world().await;
    let args = json!({"to": TO, "from": "whatsapp:+14155550100", "messaging_service_sid": SERVICE,
                      "media_url": ["ftp://x"], "content_variables": "[]", "send_at": "tomorrow",
                      "status_callback": "hook"});
    let error = world.err("twilio_send_message", args).await;
    let places = places(&error);
    for place in [
        "/from",
        "/media_url",
        "/content_variables",
        "/send_at",
        "/status_callback",
    ] {
        assert!(
            places.iter().any(|at| at == place),
            "{place} not in {places:?}"
        );
    }
    let error = world
        .err(
            "twilio_send_message",
            json!({"to": "4155552345", "colour": 1}),
        )
        .await;
    assert_eq!(
        crate::support::places(&error),
        ["/to", "/colour"].map(str::to_owned),
        "{error:?}"
    );
    let error = world.err("twilio_send_message", json!({"to": TO})).await;
    assert_eq!(
        crate::support::places(&error),
        ["/from", "/body"].map(str::to_owned)
    );
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn whatsapp_gets_its_prefix_once() {
    let world = world().await;
    for (to, from) in [
        (TO, FROM),
        ("whatsapp:+14155552345", "whatsapp:+14155550100"),
    ] {
        let sent = world
            .ok(
                "twilio_send_whatsapp",
                json!({"to": to, "from": from, "body": "Hi"}),
            )
            .await;
        assert_eq!(
            (&sent["to"], &sent["from"]),
            (
                &json!("whatsapp:+14155552345"),
                &json!("whatsapp:+14155550100")
            )
        );
    }
    let template = json!({"to": TO, "from": FROM, "content_sid": "HX00000000000000000000000000000001",
                          "content_variables": "{}", "media_url": "https://example.com/a.png"});
    world.ok("twilio_send_whatsapp", template).await;
    let error = world
        .err("twilio_send_whatsapp", json!({"to": TO, "from": FROM}))
        .await;
    assert_eq!(places(&error), ["/body"]);
    let args = json!({"to": TO, "from": FROM, "body": "x", "content_variables": "{}"});
    assert_eq!(
        places(&world.err("twilio_send_whatsapp", args).await),
        ["/content_variables"]
    );
}

#[tokio::test]
async fn a_message_is_followed_until_it_is_delivered() {
    let world = crate::support::twilio()
        .start::<business_tools_twilio::Twilio>()
        .await;
    let sent = world.ok("twilio_send_message", hello()).await;
    let sid = sid(&sent);
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    let got = world.ok("twilio_get_message", json!({"sid": sid})).await;
    assert_eq!(got["status"], "delivered");
    assert!(got["date_sent"].is_string() && got["price"].is_string());
    assert_eq!(
        world.last_request().path,
        path(&format!("Messages/{sid}.json"))
    );
    // Full detail is another question, and so not answered from the cache.
    let full = world
        .ok("twilio_get_message", json!({"sid": sid, "detail": "full"}))
        .await;
    assert_eq!(full["api_version"], "2010-04-01");
}

#[tokio::test]
async fn a_second_look_within_seconds_comes_from_the_cache_until_something_is_written() {
    let world = world().await;
    world.ok("twilio_send_message", hello()).await;
    for _ in 0..3 {
        world.ok("twilio_list_messages", json!({})).await;
    }
    assert_eq!(world.requests().len(), 2, "one POST and one GET");
    world.ok("twilio_send_message", hello()).await;
    let list = world.ok("twilio_list_messages", json!({})).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn only_a_scheduled_message_can_be_canceled() {
    let world = world().await;
    let yes = business_tools_testkit::Person::who_says_yes();
    let later = json!({"to": TO, "messaging_service_sid": SERVICE, "body": "x", "send_at": "2030-01-31T12:00:00Z"});
    let later = sid(&world.ok("twilio_send_message", later).await);
    for _ in 0..2 {
        let canceled = world
            .call_with(&yes, "twilio_cancel_message", json!({"sid": later}))
            .await
            .unwrap();
        assert_eq!(canceled["status"], "canceled");
    }
    assert_eq!(world.last_request().body, "Status=canceled");
    let now = sid(&world.ok("twilio_send_message", hello()).await);
    let error = world
        .call_with(&yes, "twilio_cancel_message", json!({"sid": now}))
        .await
        .unwrap_err();
    assert_error(&error, Kind::Conflict, Some(30409), "scheduled");
}

#[tokio::test]
async fn a_message_is_redacted_and_then_deleted() {
    let world = world().await;
    let yes = business_tools_testkit::Person::who_says_yes();
    let sid = sid(&world.ok("twilio_send_message", hello()).await);
    let early = world
        .call_with(&yes, "twilio_redact_message", json!({"sid": sid}))
        .await
        .unwrap_err();
    assert_error(&early, Kind::InvalidRequest, Some(20009), "delivered");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let redacted = world
        .call_with(&yes, "twilio_redact_message", json!({"sid": sid}))
        .await
        .unwrap();
    assert_eq!(redacted["body"], "");
    assert_eq!(world.last_request().body, "Body=");
    let deleted = world
        .call_with(&yes, "twilio_delete_message", json!({"sid": sid}))
        .await
        .unwrap();
    assert_eq!(deleted["deleted"], true);
    assert_eq!(world.last_request().method, "DELETE");
    let again = world
        .call_with(&yes, "twilio_delete_message", json!({"sid": sid}))
        .await
        .unwrap_err();
    assert_error(&again, Kind::NotFound, Some(20404), "Check the id");
}

#[tokio::test]
async fn a_message_that_is_not_there_is_not_found() {
    let world = world().await;
    let error = world
        .err("twilio_get_message", json!({"sid": NO_MESSAGE}))
        .await;
    assert_error(&error, Kind::NotFound, Some(20404), "Check the id");
    assert_eq!(error.code(), "TWILIO_NOT_FOUND");
    assert!(
        error.details()["upstream_request_id"]
            .as_str()
            .unwrap()
            .starts_with("RQ")
    );
    let error = world.err("twilio_get_message", json!({"sid": "SM1"})).await;
    assert_eq!(places(&error), ["/sid"]);
}

#[tokio::test]
async fn text_of_outsiders_loses_what_nobody_sees() {
    let world = world().await;
    let args = json!({"to": TO, "from": FROM, "body": "pay\u{200b} now\u{202e}"});
    let sent = world.ok("twilio_send_message", args).await;
    assert_eq!(sent["body"], "pay now");
}
