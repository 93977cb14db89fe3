//! What Twilio refuses, in both of its error bodies.

use business_tools_core::{Cx, Kind};
use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::http::StatusCode;
use business_tools_sandbox::{Simulator, json as answer};
use business_tools_testkit::World;
use business_tools_twilio::{Twilio, sandbox_config};
use serde_json::{Value, json};

use crate::support::{FROM, SERVICE, TO, assert_error, hello, world};

/// A host that answers every request with this.
async fn host(status: u16, body: Value) -> World {
    let reply = move || {
        let body = body.clone();
        async move { answer::answer(StatusCode::from_u16(status).unwrap(), &body) }
    };
    let simulator = Simulator::http("twilio", Router::new().fallback(reply));
    World::of(simulator, sandbox_config).start::<Twilio>().await
}

#[tokio::test]
async fn numbers_that_cannot_be_are_refused_with_what_would_be_right() {
    let world = world().await;
    for (to, from, kind, code, hint) in [
        ("+15005550001", FROM, Kind::InvalidRequest, 21211, "E.164"),
        ("+15005550002", FROM, Kind::InvalidRequest, 21612, "Mend"),
        (
            "+15005550003",
            FROM,
            Kind::PermissionDenied,
            21408,
            "Geo permissions",
        ),
        (
            "+15005550004",
            FROM,
            Kind::InvalidRequest,
            21610,
            "opted out",
        ),
        (
            "+15005550009",
            FROM,
            Kind::InvalidRequest,
            21614,
            "cannot receive SMS",
        ),
        ("+1415", FROM, Kind::InvalidRequest, 21211, "E.164"),
        (
            TO,
            "+15005550001",
            Kind::InvalidRequest,
            21212,
            "twilio_list_phone_numbers",
        ),
        (
            TO,
            "+15005550007",
            Kind::InvalidRequest,
            21606,
            "twilio_list_phone_numbers",
        ),
        (TO, "+15005550008", Kind::RateLimited, 21611, "queue"),
        (
            TO,
            "+14155559999",
            Kind::InvalidRequest,
            21606,
            "twilio_list_phone_numbers",
        ),
    ] {
        let error = world
            .err(
                "twilio_send_message",
                json!({"to": to, "from": from, "body": "x"}),
            )
            .await;
        assert_error(&error, kind, Some(code), hint);
        assert!(!error.is_retryable(), "{error:?}");
        assert_eq!(error.details()["upstream_status"], 400);
    }
    let scheduled = json!({"to": TO, "messaging_service_sid": SERVICE, "body": "x"});
    assert_eq!(
        world.ok("twilio_send_message", scheduled).await["status"],
        "accepted"
    );
}

#[tokio::test]
async fn the_newer_error_body_is_read_as_well() {
    let body = json!({"type": "https://www.twilio.com/docs/api/errors/20001", "title": "Bad Request", "status": 400,
                      "code": 20001, "detail": "Body is too strange.", "instance": "/x", "errors": []});
    let world = host(400, body).await;
    let error = world.err("twilio_send_message", hello()).await;
    assert_error(&error, Kind::InvalidRequest, Some(20001), "Mend");
    assert_eq!(error.message(), "Twilio: Body is too strange.");
}

#[tokio::test]
async fn codes_say_more_than_the_status() {
    for (status, code, message, kind, hint) in [
        (
            401,
            20003,
            "Authenticate",
            Kind::AuthFailed,
            "TWILIO_AUTH_TOKEN",
        ),
        (
            403,
            20003,
            "Permission denied",
            Kind::AuthFailed,
            "TWILIO_AUTH_TOKEN",
        ),
        (
            401,
            70051,
            "Authorization failed",
            Kind::PermissionDenied,
            "permission",
        ),
        (
            403,
            20403,
            "Forbidden",
            Kind::PermissionDenied,
            "permission",
        ),
        (
            403,
            20005,
            "Account not active",
            Kind::PermissionDenied,
            "suspended",
        ),
        (
            403,
            20008,
            "Resource not accessible with Test Account Credentials",
            Kind::PermissionDenied,
            "Test credentials",
        ),
        (404, 20404, "Not found", Kind::NotFound, "Check the id"),
        (410, 1, "Gone", Kind::NotFound, "Check the id"),
        (
            400,
            1,
            "Insufficient funds in the account balance",
            Kind::QuotaExceeded,
            "Top the account up",
        ),
        (
            402,
            1,
            "Not enough credit",
            Kind::QuotaExceeded,
            "Top the account up",
        ),
        (429, 63038, "Daily limit", Kind::QuotaExceeded, "tomorrow"),
        (400, 21608, "Unverified", Kind::InvalidRequest, "trial"),
        (
            400,
            63016,
            "Outside the window",
            Kind::InvalidRequest,
            "template",
        ),
        (409, 20409, "Conflict", Kind::Conflict, ""),
    ] {
        let body =
            json!({"code": code, "message": message, "status": status, "more_info": "https://x"});
        let world = host(status, body).await;
        let error = world.err("twilio_send_message", hello()).await;
        assert_error(&error, kind, Some(code), hint);
        assert_eq!(error.details()["upstream_status"], status);
        assert_eq!(world.requests().len(), 1, "{status} {code} was repeated");
    }
}

#[tokio::test]
async fn an_error_without_a_body_is_told_by_its_status() {
    let world = host(418, Value::Null).await;
    let error = world.err("twilio_list_messages", json!({})).await;
    assert_eq!(
        (error.kind(), error.message()),
        (Kind::InvalidRequest, "Twilio answered with status 418")
    );
}

#[tokio::test]
async fn another_host_in_twilios_place_is_told_as_such() {
    for (status, kind) in [
        (404, Kind::NotFound),
        (301, Kind::BadUpstreamResponse),
        (308, Kind::BadUpstreamResponse),
    ] {
        let world = host(status, json!("Not here")).await;
        for (tool, args) in [
            ("twilio_get_usage", json!({})),
            ("twilio_send_message", hello()),
        ] {
            let error = world.err(tool, args).await;
            assert_error(&error, kind, None, "base_url");
        }
        assert_eq!(world.requests().len(), 2, "{status}");
    }
}

#[tokio::test]
async fn the_wire_form_is_the_contract() {
    let world = host(
        401,
        json!({"code": 20003, "message": "Authenticate", "status": 401}),
    )
    .await;
    let error = world.err("twilio_send_message", hello()).await;
    let cx = Cx::local();
    let wire = error.wire(&cx);
    let wire = &wire["error"];
    assert_eq!(wire["code"], "TWILIO_AUTH_FAILED");
    assert_eq!(wire["message"], "Authentication failed for Twilio API");
    assert_eq!(
        wire["hint"],
        "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN in .env"
    );
    let details = &wire["details"];
    assert_eq!(
        (
            &details["provider"],
            &details["upstream_status"],
            &details["upstream_code"],
            &details["retryable"]
        ),
        (&json!("twilio"), &json!(401), &json!(20003), &json!(false))
    );
    assert_eq!(details["request_id"], cx.request_id());
}

#[tokio::test]
async fn twilios_words_are_cut_where_they_run_on() {
    let world = host(400, json!({"code": 1, "message": "x".repeat(5000)})).await;
    let error = world.err("twilio_list_messages", json!({})).await;
    assert!(error.message().len() < 400);
}

#[tokio::test]
async fn an_answer_that_is_no_resource_is_a_bad_one() {
    for body in [json!([1]), json!("text"), json!(7)] {
        let world = host(200, body).await;
        let error = world.err("twilio_get_usage", json!({})).await;
        assert_eq!(error.kind(), Kind::BadUpstreamResponse);
        let error = world.err("twilio_send_message", hello()).await;
        assert_eq!(
            error.kind(),
            Kind::OutcomeUnknown,
            "it was sent, and nobody knows what came of it"
        );
    }
}
