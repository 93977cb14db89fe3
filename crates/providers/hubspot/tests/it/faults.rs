//! Every way in which the network and HubSpot fail: the right code and hint, in time, and nothing made twice.

use std::time::Duration;

use business_tools_core::{Cx, Error, Kind, Principal};
use business_tools_hubspot::HubSpot;
use business_tools_sandbox::CancellationToken;
use business_tools_testkit::{Person, World};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{assert_error, contact, hubspot, world};

/// The time of a call in these tests, with some for a busy machine.
const IN_TIME: Duration = Duration::from_secs(6);

const CREATES: &[&str] = &[
    "hubspot_create_contact",
    "hubspot_create_company",
    "hubspot_create_deal",
    "hubspot_create_ticket",
    "hubspot_create_note",
];

fn acme() -> Value {
    json!({"name": "Acme"})
}

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

/// How many companies HubSpot has, asked when nothing is broken any more.
async fn companies(world: &World) -> Value {
    world.heal();
    let args = json!({"object_type": "companies", "limit": 100});
    world.ok("hubspot_search_records", args).await["total"].clone()
}

#[tokio::test]
async fn a_429_is_waited_out_and_the_company_is_made_once() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 429, "times": 2}));
    world.ok("hubspot_create_company", acme()).await;
    assert_eq!(
        world.requests().len(),
        3,
        "a 429 was never processed, so even a create is tried again"
    );
    assert_eq!(companies(&world).await, 1);
}

#[tokio::test]
async fn retry_after_is_honoured_and_a_long_one_is_told_at_once() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 429, "retry_after": 1, "times": 1}));
    let started = Instant::now();
    world.ok("hubspot_list_owners", json!({})).await;
    assert!(started.elapsed() >= Duration::from_secs(1));
    world.fault(json!({"kind": "status", "status": 429, "retry_after": 30}));
    let started = Instant::now();
    let error = fails(
        &world,
        "hubspot_list_pipelines",
        json!({"object_type": "deals"}),
    )
    .await;
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_error(
        &error,
        Kind::RateLimited,
        Some("RATE_LIMITS"),
        "Wait a moment",
    );
    assert_eq!(
        error.wire(&Cx::local())["error"]["details"]["retry_after_ms"],
        30_000
    );
    // What HubSpot asked for holds for the whole account: nothing goes out meanwhile.
    world.heal();
    let sent = world.requests().len();
    let error = fails(&world, "hubspot_create_company", acme()).await;
    assert_eq!(
        (error.kind(), world.requests().len()),
        (Kind::RateLimited, sent)
    );
}

#[tokio::test]
async fn what_creates_is_repeated_after_a_429_alone() {
    let world = world().await;
    let link = format!("contacts/{}", contact(&world, "ada@example.com").await);
    for (tool, args) in crate::dry_run::writes()
        .into_iter()
        .filter(|(tool, _)| CREATES.contains(tool))
    {
        let mut args = args;
        if tool == "hubspot_create_note" {
            args["associations"] = json!([link]);
        }
        for (status, kind) in [
            (423, Kind::RateLimited),
            (477, Kind::Unavailable),
            (500, Kind::UpstreamError),
            (502, Kind::OutcomeUnknown),
            (503, Kind::OutcomeUnknown),
            (504, Kind::OutcomeUnknown),
        ] {
            world.forget_requests();
            world.fault(json!({"kind": "status", "status": status}));
            let error = fails(&world, tool, args.clone()).await;
            assert_eq!(error.kind(), kind, "{tool} {status}: {error:?}");
            assert_eq!(
                world.requests().len(),
                1,
                "{tool} was repeated after {status}"
            );
            let hint = error.hint_text().unwrap_or_default();
            match status {
                423 | 477 => assert!(error.message().contains("nothing was created"), "{error:?}"),
                _ => assert_eq!(
                    hint,
                    world.registry.get(tool).unwrap().tool.spec.find_out,
                    "{tool} {status}"
                ),
            }
            world.heal();
        }
        world.forget_requests();
        world.fault(json!({"kind": "status", "status": 429, "times": 1}));
        let _ = world.call(tool, args).await;
        assert_eq!(world.requests().len(), 2, "{tool}");
        world.heal();
    }
}

#[tokio::test]
async fn what_does_no_harm_twice_is_repeated() {
    let world = hubspot()
        .overrides(json!({"timeouts": {"call": "30s", "attempt": "2s"}}))
        .start::<HubSpot>()
        .await;
    let yes = Person::who_says_yes();
    let ada = contact(&world, "ada@example.com").await;
    let mut safe: Vec<_> = crate::dry_run::writes();
    safe.retain(|(tool, _)| !CREATES.contains(tool) && *tool != "hubspot_create_association");
    for (_, args) in &mut safe {
        if args["id"].is_string() {
            args["id"] = ada.as_str().into();
        }
    }
    safe.push(("hubspot_search_records", json!({"object_type": "contacts"})));
    safe.push((
        "hubspot_list_associations",
        json!({"object_type": "contacts", "ids": [ada], "to_object_type": "deals"}),
    ));
    for status in [423, 477, 429, 502, 503, 504] {
        for (tool, args) in safe
            .iter()
            .filter(|(tool, _)| *tool != "hubspot_delete_record" || status == 504)
        {
            world.forget_requests();
            world.fault(json!({"kind": "status", "status": status, "times": 1}));
            let mut args = args.clone();
            if *tool == "hubspot_search_records" {
                args["query"] = status.to_string().into();
            }
            world.call_with(&yes, tool, args).await.unwrap();
            assert_eq!(world.requests().len(), 2, "{tool} {status}");
            if status == 423 {
                // Two seconds each: one of them is enough.
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_lock_is_waited_out_for_two_seconds() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 423, "times": 1}));
    let started = Instant::now();
    world.ok("hubspot_list_owners", json!({})).await;
    assert!(
        started.elapsed() >= Duration::from_secs(2),
        "{:?}",
        started.elapsed()
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
        let error = fails(&world, "hubspot_create_company", acme()).await;
        assert_eq!(error.code(), "HUBSPOT_OUTCOME_UNKNOWN", "{kind}: {error:?}");
        assert!(
            error
                .hint_text()
                .unwrap()
                .contains("hubspot_search_records"),
            "{error:?}"
        );
        assert!(!error.is_retryable());
        assert_eq!(world.requests().len(), 1, "{kind}: it was sent again");
        assert_eq!(companies(&world).await, done, "{kind}");
    }
}

#[tokio::test]
async fn reads_survive_one_break_of_any_kind() {
    let world = world().await;
    for kind in ["reset", "reset_after_write", "truncate", "html", "hang"] {
        world.sandbox.reset().await;
        world.fault(json!({"kind": kind, "times": 1}));
        let args = json!({"object_type": "contacts", "query": kind});
        world.ok("hubspot_search_records", args).await;
        assert_eq!(world.requests().len(), 2, "{kind}");
    }
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
            "hubspot_list_pipelines",
            json!({"object_type": "deals"}),
        )
        .await;
        assert_eq!(error.kind(), kind, "{fault}: {error:?}");
        assert!(error.message().contains(words), "{fault}: {error:?}");
        assert!(error.hint_text().is_some(), "{fault}: {error:?}");
        assert_eq!(error.code(), format!("HUBSPOT_{}", kind.code()));
    }
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_unavailable_and_nothing_was_sent() {
    for (base_url, words, hint) in [
        ("http://127.0.0.1:1", "cannot be reached", "base_url"),
        ("http://hubspot.invalid", "host name", "DNS"),
    ] {
        let world = hubspot()
            .fields(json!({ "base_url": base_url }))
            .start::<HubSpot>()
            .await;
        for (tool, args) in [
            ("hubspot_list_owners", json!({})),
            ("hubspot_create_company", acme()),
        ] {
            let error = fails(&world, tool, args).await;
            assert_error(&error, Kind::Unavailable, None, hint);
            assert!(error.message().contains(words), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_is_done() {
    let world = world().await;
    let yes = Person::who_says_yes();
    let ada = contact(&world, "ada@example.com").await;
    let args = json!({"object_type": "contacts", "id": ada});
    world.fault(json!({"kind": "reset_after_write", "times": 1}));
    let deleted = world
        .call_with(&yes, "hubspot_delete_record", args.clone())
        .await
        .unwrap();
    assert_eq!(deleted["deleted"], true);
    // Gone, and asked for again by a host that says so.
    world.fault(json!({"kind": "reset", "times": 1}));
    world.fault(json!({"kind": "status", "status": 404, "skip": 1, "times": 1}));
    let deleted = world
        .call_with(&yes, "hubspot_delete_record", args.clone())
        .await
        .unwrap();
    assert_eq!(deleted["deleted"], true);
    world.heal();
    world.fault(json!({"kind": "status", "status": 404, "times": 1}));
    let never = world
        .call_with(&yes, "hubspot_delete_record", args)
        .await
        .unwrap_err();
    assert_eq!(never.kind(), Kind::NotFound);
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone_for_a_while() {
    let breaker = json!({"circuit_breaker": {"failure_threshold": 2, "recovery_timeout": "300ms"}});
    let world = hubspot().overrides(breaker).start::<HubSpot>().await;
    world.fault(json!({"kind": "status", "status": 503}));
    let error = fails(&world, "hubspot_list_owners", json!({})).await;
    assert_eq!(error.kind(), Kind::CircuitOpen, "{error:?}");
    let sent = world.requests().len();
    assert_eq!(sent, 2);
    let error = fails(&world, "hubspot_create_company", acme()).await;
    assert_eq!(
        (error.kind(), world.requests().len()),
        (Kind::CircuitOpen, sent)
    );
    world.heal();
    tokio::time::sleep(Duration::from_millis(350)).await;
    world.ok("hubspot_create_company", acme()).await;
}

#[tokio::test]
async fn a_read_ends_when_its_caller_gives_up() {
    let world = world().await;
    world.fault(json!({"kind": "hang"}));
    let token = CancellationToken::new();
    let cx = Cx::builder(Principal::local())
        .cancel(token.clone())
        .build();
    let started = Instant::now();
    let (outcome, ()) = tokio::join!(world.call_in("hubspot_list_owners", json!({}), cx), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        token.cancel();
    });
    assert_eq!(outcome.unwrap_err().kind(), Kind::Cancelled);
    assert!(started.elapsed() < Duration::from_millis(900));
}

#[tokio::test]
async fn equal_reads_at_once_are_one_request_and_a_failure_is_not_kept() {
    let world = world().await;
    world.fault(json!({"kind": "latency", "delay_ms": 200, "times": 1}));
    let call = || world.call("hubspot_list_owners", json!({}));
    let (a, b, c) = tokio::join!(call(), call(), call());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(world.requests().len(), 1);
    let pipelines = json!({"object_type": "deals"});
    world.fault(json!({"kind": "status", "status": 404, "times": 1}));
    world.err("hubspot_list_pipelines", pipelines.clone()).await;
    world.ok("hubspot_list_pipelines", pipelines).await;
}
