//! Every way in which the network and Twilio fail: the right code and hint, in time, and no write done twice.

use std::time::Duration;

use business_tools_core::{Cx, Error, Kind, Principal};
use business_tools_testkit::{Person, World};
use business_tools_twilio::Twilio;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{NO_MESSAGE, assert_error, hello, sid, twilio, world};

/// The time of a call in these tests, with some for a busy machine.
const IN_TIME: Duration = Duration::from_secs(5);

/// The error of a call, which must come in time.
async fn fails(world: &World, tool: &str, args: Value) -> Error {
    let started = Instant::now();
    let error = world.err(tool, args).await;
    assert!(
        started.elapsed() < IN_TIME,
        "{tool} took {:?}",
        started.elapsed()
    );
    error
}

fn posts(world: &World) -> usize {
    world
        .requests()
        .iter()
        .filter(|request| request.method == "POST")
        .count()
}

/// How many messages Twilio has, asked when nothing is broken any more.
async fn messages(world: &World) -> usize {
    world.heal();
    let list = world
        .ok("twilio_list_messages", json!({"limit": 100}))
        .await;
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_429_is_waited_out_and_the_message_is_sent_once() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 429, "times": 2}));
    world.ok("twilio_send_message", hello()).await;
    assert_eq!(
        posts(&world),
        3,
        "a 429 was never processed, so even a write is tried again"
    );
    assert_eq!(messages(&world).await, 1);
    assert!(
        world
            .metrics()
            .contains(r#"mcp_retries_total{provider="twilio"} 2"#)
    );
}

#[tokio::test]
async fn a_429_that_stays_says_how_long_to_wait() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 429}));
    let error = fails(&world, "twilio_send_message", hello()).await;
    assert_error(&error, Kind::RateLimited, Some(20429), "Wait a moment");
    assert!(error.is_retryable());
    assert_eq!(posts(&world), 3);
    world.heal();
    // Longer than the call may take: said at once, not slept through.
    world.fault(json!({"kind": "status", "status": 429, "retry_after": 30}));
    let started = Instant::now();
    let error = fails(&world, "twilio_list_calls", json!({})).await;
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(
        error.wire(&Cx::local())["error"]["details"]["retry_after_ms"],
        30_000
    );
    // What Twilio asked for holds for the whole account: nothing goes out meanwhile.
    world.heal();
    let sent = world.requests().len();
    let error = fails(&world, "twilio_list_messages", json!({})).await;
    assert_eq!(
        (error.kind(), world.requests().len()),
        (Kind::RateLimited, sent)
    );
}

#[tokio::test]
async fn a_lost_answer_is_outcome_unknown_and_says_how_to_find_out() {
    let world = world().await;
    for (kind, done) in [
        ("reset", 0),
        ("reset_after_write", 1),
        ("hang", 0),
        ("truncate", 1),
        ("garbage", 1),
        ("html", 0),
        ("huge", 0),
        ("slow_body", 1),
    ] {
        world.sandbox.reset().await;
        world.fault(json!({"kind": kind}));
        let error = fails(&world, "twilio_send_message", hello()).await;
        assert_eq!(error.code(), "TWILIO_OUTCOME_UNKNOWN", "{kind}: {error:?}");
        let hint = error.hint_text().unwrap();
        assert!(
            hint.contains("twilio_list_messages") && hint.contains("date_sent_after"),
            "{hint}"
        );
        assert!(!error.is_retryable());
        assert_eq!(posts(&world), 1, "{kind}: it was sent again");
        assert_eq!(messages(&world).await, done, "{kind}");
    }
}

#[tokio::test]
async fn the_same_idempotency_key_does_not_send_again_after_a_lost_answer() {
    let world = world().await;
    let mut args = hello();
    args["idempotency_key"] = "order-7".into();
    world.fault(json!({"kind": "reset_after_write", "times": 1}));
    let first = world.err("twilio_send_message", args.clone()).await;
    assert_eq!(first.kind(), Kind::OutcomeUnknown);
    let second = world.err("twilio_send_message", args.clone()).await;
    assert_eq!(second.kind(), Kind::OutcomeUnknown);
    args["body"] = "Other".into();
    assert_eq!(
        world.err("twilio_send_message", args).await.kind(),
        Kind::IdempotencyConflict
    );
    assert_eq!(posts(&world), 1);
    let mut args = hello();
    args["idempotency_key"] = "order-8".into();
    let sent = world.ok("twilio_send_message", args.clone()).await;
    let again = world.ok("twilio_send_message", args).await;
    assert_eq!(
        (&again["sid"], &again["replayed"]),
        (&sent["sid"], &json!(true))
    );
    assert_eq!(messages(&world).await, 2);
}

#[tokio::test]
async fn what_stays_broken_has_its_own_code_and_a_hint() {
    let world = world().await;
    for (fault, kind, words) in [
        (json!({"kind": "reset"}), Kind::Unavailable, "broke"),
        (
            json!({"kind": "truncate"}),
            Kind::BadUpstreamResponse,
            "broke off",
        ),
        (
            json!({"kind": "garbage"}),
            Kind::BadUpstreamResponse,
            "cannot be read",
        ),
        (
            json!({"kind": "html", "status": 200}),
            Kind::BadUpstreamResponse,
            "HTML page",
        ),
        (json!({"kind": "html"}), Kind::Unavailable, "502"),
        (
            json!({"kind": "huge"}),
            Kind::BadUpstreamResponse,
            "more than 8 MB",
        ),
        (json!({"kind": "hang"}), Kind::Timeout, ""),
        (json!({"kind": "slow_body"}), Kind::Timeout, ""),
    ] {
        world.heal();
        world.fault(fault.clone());
        let error = fails(
            &world,
            "twilio_list_messages",
            json!({"to": fault.to_string()[..8]}),
        )
        .await;
        assert_eq!(error.kind(), kind, "{fault}: {error:?}");
        assert!(error.message().contains(words), "{fault}: {error:?}");
        assert!(error.hint_text().is_some(), "{fault}: {error:?}");
        assert_eq!(error.code(), format!("TWILIO_{}", kind.code()));
    }
}

#[tokio::test]
async fn a_huge_answer_does_not_fill_the_memory() {
    let world = world().await;
    world.ok("twilio_list_messages", json!({})).await;
    let before = peak();
    world.fault(json!({"kind": "huge"}));
    for n in 0..4 {
        let error = fails(&world, "twilio_list_calls", json!({"to": n.to_string()})).await;
        assert_eq!(error.kind(), Kind::BadUpstreamResponse);
    }
    // Other tests run beside this one, but none of them is large.
    let grown = peak().saturating_sub(before);
    assert!(grown < 64 << 10, "the peak grew by {grown} kB");
}

/// The most memory this process ever had, in kB; nothing where the system does not tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}

#[tokio::test]
async fn a_late_answer_in_time_is_an_answer() {
    let world = world().await;
    world.fault(json!({"kind": "latency", "delay_ms": 300}));
    world.ok("twilio_send_message", hello()).await;
    assert_eq!(posts(&world), 1);
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_unavailable_and_nothing_was_sent() {
    for (base_url, words, hint) in [
        ("http://127.0.0.1:1", "cannot be reached", "base_url"),
        ("http://twilio.invalid", "host name", "DNS"),
    ] {
        let world = twilio()
            .fields(json!({"base_url": base_url}))
            .start::<Twilio>()
            .await;
        for (tool, args) in [
            ("twilio_list_messages", json!({})),
            ("twilio_send_message", hello()),
        ] {
            let error = fails(&world, tool, args).await;
            assert_error(&error, Kind::Unavailable, None, hint);
            assert!(error.message().contains(words), "{error:?}");
        }
    }
}

#[tokio::test]
async fn tls_to_a_plain_port_is_told_as_such_and_not_tried_again() {
    let plain = world().await;
    let base_url = format!("https://{}/twilio", plain.sandbox.http);
    let world = twilio()
        .fields(json!({"base_url": base_url}))
        .start::<Twilio>()
        .await;
    for (tool, args) in [
        ("twilio_list_messages", json!({})),
        ("twilio_send_message", hello()),
    ] {
        let error = fails(&world, tool, args).await;
        assert_error(&error, Kind::Unavailable, None, "certificates");
        assert!(error.message().contains("TLS"), "{error:?}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_is_done() {
    let world = world().await;
    let yes = Person::who_says_yes();
    let sid = sid(&world.ok("twilio_send_message", hello()).await);
    world.fault(json!({"kind": "reset_after_write", "times": 1}));
    let deleted = world
        .call_with(&yes, "twilio_delete_message", json!({"sid": sid}))
        .await
        .unwrap();
    assert_eq!(deleted["deleted"], true);
    assert_eq!(messages(&world).await, 0);
    let never = world
        .call_with(&yes, "twilio_delete_message", json!({"sid": NO_MESSAGE}))
        .await
        .unwrap_err();
    assert_eq!(never.kind(), Kind::NotFound);
}

/// A host that refuses to change a thing again, and shows it as it is.
async fn unwilling(now: Value) -> World {
    use business_tools_sandbox::axum::Router;
    use business_tools_sandbox::axum::http::StatusCode;
    use business_tools_sandbox::axum::routing::get;
    use business_tools_sandbox::{Simulator, json as answer};
    let refuse = || async {
        answer::answer(
            StatusCode::BAD_REQUEST,
            &json!({"code": 21220, "message": "No", "status": 400}),
        )
    };
    let show = move || {
        let now = now.clone();
        async move { answer::ok(&now) }
    };
    let router = Router::new().route("/{*path}", get(show).post(refuse));
    let simulator = Simulator::http("twilio", router);
    World::of(simulator, business_tools_twilio::sandbox_config)
        .start::<Twilio>()
        .await
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_done_if_the_thing_is_as_wanted() {
    let yes = Person::who_says_yes();
    let (call, message) = (
        json!({"sid": crate::support::NO_CALL}),
        json!({"sid": NO_MESSAGE}),
    );
    for (tool, args, done, undone) in [
        (
            "twilio_end_call",
            &call,
            json!({"status": "completed"}),
            json!({"status": "in-progress"}),
        ),
        (
            "twilio_cancel_message",
            &message,
            json!({"status": "canceled"}),
            json!({"status": "sent"}),
        ),
        (
            "twilio_redact_message",
            &message,
            json!({"body": ""}),
            json!({"body": "Hello"}),
        ),
    ] {
        let world = unwilling(done.clone()).await;
        world.fault(json!({"kind": "reset_after_write", "times": 1, "method": "POST"}));
        let result = world.call_with(&yes, tool, args.clone()).await.unwrap();
        for (member, value) in done.as_object().unwrap() {
            assert_eq!(&result[member], value, "{tool}");
        }
        // Refused at once, it was never ours.
        let error = world.call_with(&yes, tool, args.clone()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidRequest, "{tool}");
        // Refused after a lost answer, and not as wanted.
        let world = unwilling(undone).await;
        world.fault(json!({"kind": "reset_after_write", "times": 1, "method": "POST"}));
        let error = world.call_with(&yes, tool, args.clone()).await.unwrap_err();
        assert_eq!(error.details()["upstream_code"], 21220, "{tool}");
    }
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone_for_a_while() {
    let breaker = json!({"circuit_breaker": {"failure_threshold": 2, "recovery_timeout": "300ms"}});
    let world = twilio().overrides(breaker).start::<Twilio>().await;
    world.fault(json!({"kind": "status", "status": 503}));
    let error = fails(&world, "twilio_list_messages", json!({})).await;
    assert_eq!(error.kind(), Kind::CircuitOpen, "{error:?}");
    let sent = world.requests().len();
    assert_eq!(sent, 2);
    let error = fails(&world, "twilio_send_message", hello()).await;
    assert_eq!(
        (error.kind(), world.requests().len()),
        (Kind::CircuitOpen, sent)
    );
    assert!(error.wait().is_some());
    world.heal();
    tokio::time::sleep(Duration::from_millis(350)).await;
    world.ok("twilio_send_message", hello()).await;
}

#[tokio::test]
async fn a_read_ends_when_its_caller_gives_up() {
    let world = world().await;
    world.fault(json!({"kind": "hang"}));
    let token = token_of_a_caller();
    let cx = Cx::builder(Principal::local())
        .cancel(token.clone())
        .build();
    let started = Instant::now();
    let (outcome, ()) = tokio::join!(
        world.call_in("twilio_list_messages", json!({}), cx),
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            token.cancel();
        }
    );
    assert_eq!(outcome.unwrap_err().kind(), Kind::Cancelled);
    assert!(started.elapsed() < Duration::from_millis(900));
}

#[tokio::test]
async fn a_message_that_went_out_is_finished_and_recorded_though_its_caller_left() {
    let world = world().await;
    world.fault(json!({"kind": "latency", "delay_ms": 400, "times": 1}));
    let call = world.call("twilio_send_message", hello());
    let left = tokio::time::timeout(Duration::from_millis(150), call).await;
    assert!(left.is_err(), "the caller left before the answer came");
    tokio::time::sleep(Duration::from_millis(600)).await;
    let [line] = &world.audit()[..] else {
        panic!("one line")
    };
    assert_eq!(line["outcome"], "ok");
    assert_eq!((posts(&world), messages(&world).await), (1, 1));
}

fn token_of_a_caller() -> business_tools_sandbox::CancellationToken {
    business_tools_sandbox::CancellationToken::new()
}

#[tokio::test]
async fn equal_reads_at_once_are_one_request_and_a_failure_is_not_kept() {
    let world = world().await;
    world.fault(json!({"kind": "latency", "delay_ms": 200, "times": 1}));
    let call = || world.call("twilio_list_messages", json!({}));
    let (a, b, c) = tokio::join!(call(), call(), call());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(world.requests().len(), 1);
    world.fault(json!({"kind": "status", "status": 404, "times": 1}));
    world.err("twilio_list_calls", json!({})).await;
    world.ok("twilio_list_calls", json!({})).await;
}
