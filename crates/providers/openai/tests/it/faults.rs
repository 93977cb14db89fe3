//! Every way in which the network and OpenAI fail: generating is asked for again, uploading never.

use std::time::Duration;

use business_tools_core::{Cx, Error, Kind};
use business_tools_openai::OpenAi;
use business_tools_testkit::{Person, World};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{file, hello, openai, world};

/// The time of a call in these tests, with some for a busy machine.
const IN_TIME: Duration = Duration::from_secs(6);

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

fn upload() -> Value {
    json!({"path": file("fault.txt", b"Some text"), "purpose": "user_data"})
}

#[tokio::test]
async fn generating_survives_one_break_of_any_kind() {
    let world = world().await;
    for (n, fault) in [
        json!({"kind": "reset"}),
        json!({"kind": "reset_after_write"}),
        json!({"kind": "truncate"}),
        json!({"kind": "html"}),
        json!({"kind": "hang"}),
        json!({"kind": "status", "status": 408}),
        json!({"kind": "status", "status": 429}),
        json!({"kind": "status", "status": 500}),
        json!({"kind": "status", "status": 503}),
    ]
    .into_iter()
    .enumerate()
    {
        world.forget_requests();
        let mut fault = fault;
        fault["times"] = 1.into();
        world.fault(fault.clone());
        world
            .ok("openai_generate_text", json!({"input": format!("{n}")}))
            .await;
        assert_eq!(world.requests().len(), 2, "{fault}");
    }
}

#[tokio::test]
async fn an_upload_is_sent_again_after_a_429_alone() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 429, "times": 1}));
    world.ok("openai_upload_file", upload()).await;
    assert_eq!(world.requests().len(), 2);
    for (fault, kind) in [
        (
            json!({"kind": "status", "status": 500}),
            Kind::UpstreamError,
        ),
        (
            json!({"kind": "status", "status": 503}),
            Kind::OutcomeUnknown,
        ),
        (json!({"kind": "reset"}), Kind::OutcomeUnknown),
        (json!({"kind": "reset_after_write"}), Kind::OutcomeUnknown),
        (json!({"kind": "truncate"}), Kind::OutcomeUnknown),
        (json!({"kind": "garbage"}), Kind::OutcomeUnknown),
        (json!({"kind": "hang"}), Kind::OutcomeUnknown),
    ] {
        world.heal();
        world.forget_requests();
        world.fault(fault.clone());
        let error = fails(&world, "openai_upload_file", upload()).await;
        assert_eq!(error.kind(), kind, "{fault}: {error:?}");
        assert!(
            error.hint_text().unwrap().contains("openai_list_files"),
            "{fault}: {error:?}"
        );
        assert!(!error.is_retryable(), "{fault}");
        assert_eq!(world.requests().len(), 1, "{fault}: it was sent again");
    }
}

#[tokio::test]
async fn what_stays_broken_has_its_own_code_and_a_hint() {
    let world = world().await;
    for (fault, kind) in [
        (json!({"kind": "reset"}), Kind::Unavailable),
        (json!({"kind": "truncate"}), Kind::BadUpstreamResponse),
        (json!({"kind": "garbage"}), Kind::BadUpstreamResponse),
        (
            json!({"kind": "html", "status": 200}),
            Kind::BadUpstreamResponse,
        ),
        (json!({"kind": "html"}), Kind::Unavailable),
        (json!({"kind": "hang"}), Kind::Timeout),
        (json!({"kind": "slow_body"}), Kind::Timeout),
        (
            json!({"kind": "status", "status": 500}),
            Kind::UpstreamError,
        ),
    ] {
        for (tool, args) in [
            ("openai_generate_text", json!({"input": fault.to_string()})),
            ("openai_list_files", json!({"purpose": "user_data"})),
            (
                "openai_create_embedding",
                json!({"input": [fault.to_string()]}),
            ),
        ] {
            world.heal();
            world.fault(fault.clone());
            let error = fails(&world, tool, args).await;
            assert_eq!(error.kind(), kind, "{tool} {fault}: {error:?}");
            assert!(error.hint_text().is_some(), "{tool} {fault}: {error:?}");
            assert_eq!(error.code(), format!("OPENAI_{}", kind.code()));
        }
    }
}

#[tokio::test]
async fn a_huge_answer_is_not_read_to_its_end() {
    let world = openai()
        .overrides(json!({"timeouts": {"call": "30s", "attempt": "20s"}}))
        .start::<OpenAi>()
        .await;
    world.fault(json!({"kind": "huge"}));
    let error = world.err("openai_generate_text", hello()).await;
    assert_eq!(error.kind(), Kind::BadUpstreamResponse);
    assert!(error.message().contains("64 MB"), "{error}");
}

#[tokio::test]
async fn the_same_key_pays_once() {
    let world = world().await;
    let mut args = hello();
    args["idempotency_key"] = "greeting".into();
    let first = world.ok("openai_generate_text", args.clone()).await;
    let again = world.ok("openai_generate_text", args.clone()).await;
    assert_eq!(
        (&again["id"], &again["replayed"]),
        (&first["id"], &json!(true))
    );
    assert_eq!(world.requests().len(), 1);
    args["input"] = "Other".into();
    let error = world.err("openai_generate_text", args).await;
    assert_eq!(error.kind(), Kind::IdempotencyConflict);
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_unavailable() {
    for (base_url, words) in [
        ("http://127.0.0.1:1/v1", "cannot be reached"),
        ("http://openai.invalid/v1", "host name"),
    ] {
        let world = openai()
            .fields(json!({"base_url": base_url}))
            .start::<OpenAi>()
            .await;
        for (tool, args) in [
            ("openai_generate_text", hello()),
            ("openai_upload_file", upload()),
        ] {
            let error = fails(&world, tool, args).await;
            assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
            assert!(error.message().contains(words), "{error:?}");
        }
    }
}

#[tokio::test]
async fn destroying_is_tried_again_since_twice_is_once() {
    let world = world().await;
    let yes = Person::who_says_yes();
    let begun = world
        .ok(
            "openai_generate_text",
            json!({"input": "Wait", "background": true}),
        )
        .await;
    world.forget_requests();
    world.fault(json!({"kind": "reset_after_write", "times": 1}));
    let args = json!({"response_id": begun["id"]});
    let cancelled = world
        .call_with(&yes, "openai_cancel_response", args)
        .await
        .unwrap();
    assert_eq!(
        (&cancelled["status"], world.requests().len()),
        (&json!("cancelled"), 2)
    );
}

#[tokio::test]
async fn an_error_tells_how_often_it_was_tried() {
    let world = world().await;
    world.fault(json!({"kind": "status", "status": 503}));
    let error = fails(&world, "openai_generate_text", hello()).await;
    assert_eq!(error.details()["attempts"], 3);
    let wire = error.wire(&Cx::local());
    assert_eq!(wire["error"]["code"], "OPENAI_UNAVAILABLE");
}
