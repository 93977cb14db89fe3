//! Calls and their recordings.

use std::time::Duration;

use business_tools_core::Kind;
use business_tools_testkit::Person;
use serde_json::json;

use crate::support::{FROM, NO_CALL, TO, assert_error, path, places, ring, sid, world};

const TALKING: Duration = Duration::from_millis(800);

#[tokio::test]
async fn a_call_is_placed_with_every_argument() {
    let world = world().await;
    let args = json!({"to": TO, "from": FROM, "url": "https://example.com/twiml", "timeout": 30, "record": true,
                      "machine_detection": "DetectMessageEnd", "status_callback": "https://example.com/hook",
                      "status_callback_event": ["initiated", "completed"]});
    let call = world.ok("twilio_make_call", args).await;
    assert_eq!(call["status"], "queued");
    let request = world.last_request();
    assert_eq!(
        (request.method.as_str(), request.path),
        ("POST", path("Calls.json"))
    );
    let form = String::from_utf8(world.exchanges()[0].body.to_vec()).unwrap();
    assert_eq!(
        form,
        "To=%2B14155552345&From=%2B14155550100&Url=https%3A%2F%2Fexample.com%2Ftwiml&Timeout=30&Record=true\
         &MachineDetection=DetectMessageEnd&StatusCallback=https%3A%2F%2Fexample.com%2Fhook\
         &StatusCallbackEvent=initiated&StatusCallbackEvent=completed"
    );
}

#[tokio::test]
async fn a_call_needs_one_source_of_instructions() {
    let world = world().await;
    let error = world
        .err("twilio_make_call", json!({"to": TO, "from": FROM}))
        .await;
    assert_eq!(places(&error), ["/url"]);
    let args = json!({"to": TO, "from": FROM, "url": "x", "twiml": "<Response/>", "status_callback_event": ["ringing"]});
    assert_eq!(
        places(&world.err("twilio_make_call", args).await),
        ["/url", "/url", "/status_callback"]
    );
    let args = json!({"to": TO, "from": FROM, "twiml": "<Response/>", "timeout": 601, "machine_detection": "Maybe"});
    assert_eq!(
        places(&world.err("twilio_make_call", args).await),
        ["/timeout", "/machine_detection"]
    );
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn a_live_call_is_redirected_and_ended() {
    let world = world().await;
    let yes = Person::who_says_yes();
    let sid = sid(&world.ok("twilio_make_call", ring()).await);
    let redirect = json!({"sid": sid, "twiml": "<Response><Hangup/></Response>"});
    let early = world
        .call_with(&yes, "twilio_redirect_call", redirect.clone())
        .await
        .unwrap_err();
    assert_error(&early, Kind::InvalidRequest, Some(21220), "twilio_get_call");
    tokio::time::sleep(TALKING).await;
    let live = world
        .call_with(&yes, "twilio_redirect_call", redirect)
        .await
        .unwrap();
    assert_eq!(live["status"], "in-progress");
    let cancel = json!({"sid": sid, "status": "canceled"});
    let late = world
        .call_with(&yes, "twilio_end_call", cancel)
        .await
        .unwrap_err();
    assert_error(&late, Kind::InvalidRequest, Some(21220), "twilio_get_call");
    for _ in 0..2 {
        let over = world
            .call_with(&yes, "twilio_end_call", json!({"sid": sid}))
            .await
            .unwrap();
        assert_eq!(over["status"], "completed");
    }
    assert_eq!(world.last_request().body, "Status=completed");
    let got = world.ok("twilio_get_call", json!({"sid": sid})).await;
    assert_eq!(
        (&got["status"], &got["duration"]),
        (&json!("completed"), &json!("3"))
    );
}

#[tokio::test]
async fn a_call_that_was_not_answered_is_canceled() {
    let world = world().await;
    let yes = Person::who_says_yes();
    let sid = sid(&world.ok("twilio_make_call", ring()).await);
    let args = json!({"sid": sid, "status": "canceled"});
    let over = world
        .call_with(&yes, "twilio_end_call", args)
        .await
        .unwrap();
    assert_eq!(over["status"], "canceled");
}

#[tokio::test]
async fn calls_are_listed_with_every_filter() {
    let world = world().await;
    let sid = sid(&world.ok("twilio_make_call", ring()).await);
    let args = json!({"to": TO, "from": FROM, "start_time_after": "2026-01-01", "start_time_before": "2030-01-01",
                      "end_time_after": "2026-01-01T00:00:00Z", "end_time_before": "2030-01-01", "limit": 5});
    let list = world.ok("twilio_list_calls", args).await;
    assert_eq!(list["items"][0]["sid"], sid);
    assert_eq!(
        world.last_request().query,
        "To=%2B14155552345&From=%2B14155550100&StartTime%3E=2026-01-01&StartTime%3C=2030-01-01\
         &EndTime%3E=2026-01-01T00%3A00%3A00Z&EndTime%3C=2030-01-01&PageSize=5"
    );
    let none = world
        .ok(
            "twilio_list_calls",
            json!({"status": "no-answer", "parent_call_sid": sid}),
        )
        .await;
    assert_eq!(none["items"], json!([]));
    let args = json!({"start_time_after": "2026-02-01", "start_time_before": "2026-01-01", "end_time_after": "soon"});
    let error = world.err("twilio_list_calls", args).await;
    assert_eq!(places(&error), ["/start_time_after", "/end_time_after"]);
}

#[tokio::test]
async fn a_recorded_call_has_a_recording_when_it_is_over() {
    let world = world().await;
    let yes = Person::who_says_yes();
    let mut recorded = ring();
    recorded["record"] = true.into();
    let recorded = sid(&world.ok("twilio_make_call", recorded).await);
    let silent = sid(&world.ok("twilio_make_call", ring()).await);
    tokio::time::sleep(TALKING).await;
    for sid in [&recorded, &silent] {
        world
            .call_with(&yes, "twilio_end_call", json!({"sid": sid}))
            .await
            .unwrap();
    }
    let list = world
        .ok(
            "twilio_list_recordings",
            json!({"date_created_after": "2026-01-01"}),
        )
        .await;
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["call_sid"], recorded);
    assert!(
        items[0]["media_url"]
            .as_str()
            .unwrap()
            .contains("/Recordings/RE")
    );
    let none = world
        .ok("twilio_list_recordings", json!({"call_sid": silent}))
        .await;
    assert_eq!(none["items"], json!([]));
    let args = json!({"conference_sid": "CF00000000000000000000000000000001"});
    assert_eq!(
        world.ok("twilio_list_recordings", args).await["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_call_that_is_not_there_is_not_found() {
    let world = world().await;
    let error = world.err("twilio_get_call", json!({"sid": NO_CALL})).await;
    assert_error(&error, Kind::NotFound, Some(20404), "Check the id");
}

#[tokio::test]
async fn impossible_numbers_are_refused_in_twilios_words() {
    let world = world().await;
    for (to, from, code) in [
        ("+15005550001", FROM, 21217),
        ("+15005550002", FROM, 21214),
        ("+15005550003", FROM, 21215),
        ("+15005550004", FROM, 21216),
        ("4711", FROM, 21217),
        (TO, "+15005550001", 21212),
        (TO, "+14155559999", 21210),
    ] {
        let args = json!({"to": to, "from": from, "twiml": "<Response/>"});
        let error = world.err("twilio_make_call", args).await;
        assert_eq!(error.details()["upstream_code"], code, "{error:?}");
    }
}
