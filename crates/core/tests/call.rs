//! The call plane, each layer seen from outside through the whole stack.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use business_tools_core::call::cache::CacheStore;
use business_tools_core::{
    Answer, Asker, Cx, Error, Fate, Kind, Origin, Principal, ProviderSettings, Selection, secs,
};
use common::{Bench, Step, down, ms, tenant, too_many, unreachable_host};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

fn scoped(scopes: &[&str]) -> Cx {
    let scopes: Vec<String> = scopes.iter().map(|&scope| scope.to_owned()).collect();
    Cx::builder(Principal {
        scopes: Some(scopes.into()),
        ..Principal::local()
    })
    .build()
}

fn faults(error: &Error) -> Vec<(String, String)> {
    assert_eq!(error.kind(), Kind::InvalidArguments, "{error}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = error.details()["faults"].as_array().unwrap();
    all.iter()
        .map(|fault| (text(&fault["at"]), text(&fault["message"])))
        .collect()
}

/// Answers every question in one way.
struct Says(Answer);

#[async_trait]
impl Asker for Says {
    async fn ask(&self, _: &str, _: &str) -> Answer {
        self.0.clone()
    }
}

/// Never answers.
struct Away;

#[async_trait]
impl Asker for Away {
    async fn ask(&self, _: &str, _: &str) -> Answer {
        std::future::pending().await
    }
}

fn asked(asker: impl Asker + 'static) -> Cx {
    Cx::builder(Principal::local()).asker(asker).build()
}

async fn kind(call: impl Future<Output = Result<Value, Error>>) -> Kind {
    match call.await {
        Ok(value) => panic!("it went well: {value}"),
        Err(error) => error.kind(),
    }
}

// Audit

#[tokio::test(start_paused = true)]
async fn every_call_is_recorded_whatever_its_end_and_without_its_words() {
    let bench = Bench::new();
    let get = json!({"id": "CANARY-ARG"});
    bench.call("acme_get_thing", get.clone()).await.unwrap();
    bench.call("acme_get_thing", get.clone()).await.unwrap();
    bench
        .call("acme_get_thing", json!({"id": 7, "CANARY": 1}))
        .await
        .unwrap_err();
    bench
        .call_as("acme_get_thing", get.clone(), scoped(&[]))
        .await
        .unwrap_err();
    bench
        .call("acme_break_thing", json!({"how": "panic"}))
        .await
        .unwrap_err();
    bench
        .call("acme_break_thing", json!({"how": "hang"}))
        .await
        .unwrap_err();
    bench
        .call("acme_no_such_thing", json!({}))
        .await
        .unwrap_err();
    bench
        .call("acme_delete_thing", json!({"id": "CANARY-ARG"}))
        .await
        .unwrap_err();
    let dry = json!({"id": "CANARY-ARG", "dry_run": true});
    bench.call("acme_delete_thing", dry).await.unwrap();

    let token = CancellationToken::new();
    let cx = Cx::builder(Principal::local())
        .cancel(token.clone())
        .build();
    let (cancelled, ()) = tokio::join!(
        bench.call_as("acme_break_thing", json!({"how": "hang"}), cx),
        async {
            tokio::time::sleep(secs(1)).await;
            token.cancel();
        }
    );
    assert_eq!(cancelled.unwrap_err().kind(), Kind::Cancelled);
    let dropped = bench.call("acme_break_thing", json!({"how": "hang"}));
    assert!(tokio::time::timeout(secs(1), dropped).await.is_err());

    let lines = bench.audit();
    let ends: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["outcome"].as_str().unwrap(),
                line["origin"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        ends,
        [
            ("ok", "fresh"),
            ("ok", "cached"),
            ("INVALID_ARGUMENTS", "error"),
            ("PERMISSION_DENIED", "error"),
            ("INTERNAL", "error"),
            ("TIMEOUT", "error"),
            ("TOOL_NOT_FOUND", "error"),
            ("CONFIRMATION_REQUIRED", "error"),
            ("ok", "dry_run"),
            ("CANCELLED", "error"),
            ("CANCELLED", "error"),
        ]
    );
    let first = &lines[0];
    assert_eq!(first["arguments"], json!({"id": "<10 characters>"}));
    assert_eq!(
        (&first["tenant"], &first["subject"]),
        (&json!("default"), &json!("local"))
    );
    assert_eq!(
        (&first["account"], &first["effect"]),
        (&json!("default"), &json!("read"))
    );
    assert!(first["timestamp"].is_string() && first["request_id"].is_string());
    let text = serde_json::to_string(&lines).unwrap();
    for secret in ["CANARY-ARG", "CANARY-TOKEN", "CANARY-IN-PANIC"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_count_every_call_by_its_end() {
    let bench = Bench::new();
    for _ in 0..2 {
        bench
            .call("acme_get_thing", json!({"id": "a"}))
            .await
            .unwrap();
    }
    bench.call("acme_get_thing", json!({})).await.unwrap_err();
    bench.call("nonsense", json!({})).await.unwrap_err();
    let metrics = &bench.registry.env().metrics;
    let calls = |tool: &str, status: &str| metrics.calls.with_label_values(&[tool, status]).get();
    assert_eq!(calls("acme_get_thing", "ok"), 2);
    assert_eq!(calls("acme_get_thing", "INVALID_ARGUMENTS"), 1);
    assert_eq!(calls("unknown", "TOOL_NOT_FOUND"), 1);
    let cache = |result: &str| metrics.cache.with_label_values(&["acme", result]).get();
    assert_eq!((cache("miss"), cache("hit")), (1, 1));
    assert_eq!(metrics.requests.with_label_values(&["acme", "ok"]).get(), 1);
}

// Panic guard, deadline, many calls

#[tokio::test(start_paused = true)]
async fn a_panic_is_that_calls_error_and_says_nothing_of_its_cause() {
    let bench = Bench::new();
    let error = bench
        .call("acme_break_thing", json!({"how": "panic"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Internal);
    assert!(!error.wire(&Cx::local()).to_string().contains("CANARY"));
    bench.world.then(Step::Panic);
    assert_eq!(
        kind(bench.call("acme_set_thing", json!({"id": "a"}))).await,
        Kind::Internal
    );
    assert!(
        bench
            .call("acme_set_thing", json!({"id": "a"}))
            .await
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_never_returns_ends_with_its_deadline() {
    let bench = Bench::new();
    let started = Instant::now();
    let error = bench
        .call("acme_break_thing", json!({"how": "hang"}))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "ACME_TIMEOUT");
    assert_eq!(started.elapsed(), ms(30_500));
    let cx = Cx::builder(Principal::local())
        .deadline(Instant::now() + secs(2))
        .build();
    let started = Instant::now();
    let call = bench.call_as("acme_break_thing", json!({"how": "hang"}), cx);
    assert_eq!(kind(call).await, Kind::Timeout);
    assert_eq!(started.elapsed(), ms(2500));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_provider_counts_against_the_deadline_of_the_call() {
    let bench = Bench::new();
    bench.world.always(|| Step::Hang);
    let started = Instant::now();
    let error = bench
        .call("acme_get_thing", json!({"id": "a"}))
        .await
        .unwrap_err();
    // The attempt plane has the better informed word: it gives up first.
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(error.message().contains("did not answer"), "{error}");
    assert!(started.elapsed() <= secs(30), "{:?}", started.elapsed());
    let error = bench
        .call("acme_create_thing", json!({"name": "a"}))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "ACME_OUTCOME_UNKNOWN");
    assert_eq!(error.hint_text(), Some("Look with acme_list_things"));
}

#[tokio::test(start_paused = true)]
async fn a_call_cancelled_before_it_began_sends_nothing() {
    let bench = Bench::new();
    let token = CancellationToken::new();
    token.cancel();
    for tool in ["acme_create_thing", "acme_get_thing"] {
        let cx = Cx::builder(Principal::local())
            .cancel(token.clone())
            .build();
        let args = if tool == "acme_get_thing" {
            json!({"id": "a"})
        } else {
            json!({"name": "a"})
        };
        assert_eq!(kind(bench.call_as(tool, args, cx)).await, Kind::Cancelled);
    }
    assert!(bench.world.seen().is_empty());
}

#[tokio::test]
async fn ten_thousand_parallel_calls_are_all_answered() {
    let bench = Bench::with(|_, settings| {
        settings.overrides.rate_limits.max_in_flight = Some(100);
    });
    bench
        .world
        .always(|| Step::After(ms(1), Box::new(Step::Give(json!({"fine": true})))));
    let calls = (0..10_000).map(|n| {
        let bench = &bench;
        async move {
            match n % 4 {
                0 => {
                    bench
                        .call("acme_get_thing", json!({"id": format!("{}", n % 1000)}))
                        .await
                }
                1 => bench.call("acme_set_thing", json!({"id": "a"})).await,
                2 => {
                    bench
                        .call("acme_break_thing", json!({"how": "panic"}))
                        .await
                }
                _ => bench.call("acme_create_thing", json!({"name": n})).await,
            }
        }
    });
    let all = join_all(calls).await;
    let count = |kind: Option<Kind>| {
        all.iter()
            .filter(|outcome| outcome.as_ref().err().map(Error::kind) == kind)
            .count()
    };
    assert_eq!(count(None), 5000);
    assert_eq!(count(Some(Kind::Internal)), 2500);
    assert_eq!(count(Some(Kind::InvalidArguments)), 2500);
    assert!(bench.world.most_in_flight.load(Ordering::SeqCst) <= 100);
    assert_eq!(bench.audit().len(), 10_000);
}

// Authorize

#[tokio::test(start_paused = true)]
async fn an_outsider_learns_nothing_from_validation() {
    let bench = Bench::new();
    let wrong = json!({"ID": 7});
    let error = bench
        .call_as("acme_get_thing", wrong.clone(), scoped(&["other"]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "PERMISSION_DENIED");
    assert_eq!(error.details()["scopes"], json!(["things:read"]));
    let call = bench.call_as("acme_get_thing", wrong.clone(), scoped(&["things:read"]));
    assert_eq!(kind(call).await, Kind::InvalidArguments);
    assert_eq!(
        kind(bench.call_as("acme_get_thing", wrong, scoped(&["*"]))).await,
        Kind::InvalidArguments
    );
    assert!(bench.world.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn read_only_and_exclusions_win() {
    let bench = Bench::new();
    bench.registry.select(Selection {
        read_only: true,
        ..Selection::default()
    });
    assert_eq!(
        kind(bench.call("acme_create_thing", json!({}))).await,
        Kind::ReadOnly
    );
    assert!(
        bench
            .call("acme_get_thing", json!({"id": "a"}))
            .await
            .is_ok()
    );
    bench.registry.select(Selection {
        tools: vec!["acme_get_thing".into()],
        exclude: vec!["acme".into()],
        ..Selection::default()
    });
    assert_eq!(
        kind(bench.call("acme_get_thing", json!({"id": "a"}))).await,
        Kind::ToolNotFound
    );
    // A name that the caller may not see is not suggested either.
    let error = bench.call("acme_get_thin", json!({})).await.unwrap_err();
    assert!(!error.hint_text().unwrap().contains("acme_get_thing"));
}

#[tokio::test(start_paused = true)]
async fn a_narrower_selection_of_the_caller_narrows_and_never_widens() {
    let bench = Bench::new();
    bench.registry.select(Selection {
        exclude: vec!["acme_set_thing".into()],
        ..Selection::default()
    });
    let call = |tool: &'static str, narrowed: Selection| {
        let registry = &bench.registry;
        async move {
            let args = json!({"id": "a"}).as_object().unwrap().clone();
            let narrowed = Some(Arc::new(narrowed));
            registry
                .call_narrowed(tool, args, Cx::local(), narrowed)
                .await
                .map(|reply| reply.value)
        }
    };
    let only = |tool: &str| Selection {
        tools: vec![tool.into()],
        ..Selection::default()
    };
    assert_eq!(
        kind(call("acme_set_thing", only("acme_set_thing"))).await,
        Kind::ToolNotFound
    );
    assert!(call("acme_get_thing", only("acme_get_thing")).await.is_ok());
    assert_eq!(
        kind(call("acme_get_thing", only("acme_set_thing"))).await,
        Kind::ToolNotFound
    );
}

// Validate

#[tokio::test(start_paused = true)]
async fn every_fault_has_its_place_and_what_would_be_right() {
    let bench = Bench::new();
    let args =
        json!({"nam": "x", "colour": "blue", "sizes": [1, 10, "2", 3], "zzz": 1, "a/b~c": 2});
    let error = bench.call("acme_create_thing", args).await.unwrap_err();
    let found = faults(&error);
    let expected = [
        ("/name", "is required (string)"),
        ("/nam", "is not an argument; did you mean `name`?"),
        ("/zzz", "is not an argument; the arguments are:"),
        ("/a~1b~0c", "is not an argument"),
        ("/colour", r#"must be one of ["red","green"]"#),
        ("/sizes", "has more than 3 items"),
        ("/sizes/1", "must be at most 9"),
        ("/sizes/2", "must be of type integer, not string"),
    ];
    for (at, words) in expected {
        assert!(
            found
                .iter()
                .any(|(place, what)| place == at && what.starts_with(words)),
            "{at} {words}: {found:?}"
        );
    }
    assert!(bench.world.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn rules_across_fields_are_told_together() {
    let bench = Bench::new();
    let error = bench
        .call("acme_create_thing", json!({"name": "nobody", "sizes": []}))
        .await
        .unwrap_err();
    assert_eq!(faults(&error).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn null_means_absent() {
    let bench = Bench::new();
    let args = json!({"name": "a", "colour": null, "sizes": null, "idempotency_key": null, "nonsense": null});
    bench.call("acme_create_thing", args).await.unwrap();
    let error = bench
        .call("acme_create_thing", json!({"name": null}))
        .await
        .unwrap_err();
    assert_eq!(
        faults(&error),
        [("/name".to_owned(), "is required (string)".to_owned())]
    );
}

#[tokio::test]
async fn a_flood_of_faults_costs_little_and_tells_twenty() {
    let bench = Bench::new();
    let many: serde_json::Map<_, _> = (0..200_000)
        .map(|n| (format!("argument number {n}"), json!(1)))
        .collect();
    let started = std::time::Instant::now();
    let error = bench
        .call("acme_get_thing", Value::Object(many))
        .await
        .unwrap_err();
    assert!(faults(&error).len() <= 20);
    assert!(error.wire(&Cx::local()).to_string().len() < 10_000);
    let bad: Vec<Value> = vec![json!("x"); 200_000];
    let error = bench
        .call("acme_create_thing", json!({"name": "a", "sizes": bad}))
        .await
        .unwrap_err();
    assert!(faults(&error).len() <= 20);
    assert!(started.elapsed() < secs(5), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_account_is_chosen_by_name_and_faults_name_those_there_are() {
    let (other_id, other) = common::new_world();
    let bench = Bench::with(|_, settings| {
        settings
            .accounts
            .insert("sales".into(), common::fields(&other_id));
    });
    bench
        .call("acme_set_thing", json!({"id": "a", "account": "sales"}))
        .await
        .unwrap();
    assert_eq!((bench.world.seen().len(), other.seen().len()), (0, 1));
    bench
        .call("acme_set_thing", json!({"id": "a"}))
        .await
        .unwrap();
    assert_eq!((bench.world.seen().len(), other.seen().len()), (1, 1));
    let error = bench
        .call("acme_set_thing", json!({"id": "a", "account": "nobody"}))
        .await
        .unwrap_err();
    assert!(faults(&error)[0].1.contains("sales"), "{error}");
    assert_eq!(bench.audit()[0]["account"], "sales");
    assert_eq!(bench.audit()[1]["account"], "default");
    assert_eq!(bench.audit()[2]["account"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_lone_account_needs_no_name_and_several_without_a_default_do() {
    let only = |names: &'static [&'static str]| {
        Bench::with(move |_, settings| {
            let fields = settings.accounts.remove("default").unwrap();
            for name in names {
                settings.accounts.insert((*name).into(), fields.clone());
            }
        })
    };
    let one = only(&["sales"]);
    assert!(one.call("acme_set_thing", json!({"id": "a"})).await.is_ok());
    assert_eq!(one.audit()[0]["account"], "sales");
    let two = only(&["sales", "support"]);
    let error = two
        .call("acme_set_thing", json!({"id": "a"}))
        .await
        .unwrap_err();
    assert!(faults(&error)[0].1.contains("sales, support"), "{error}");
    assert!(
        two.call("acme_set_thing", json!({"id": "a", "account": "support"}))
            .await
            .is_ok()
    );
}

// Confirm and dry run

#[tokio::test(start_paused = true)]
async fn a_person_decides_about_destruction() {
    let bench = Bench::new();
    let delete = json!({"id": "a"});
    let call = |cx: Cx| bench.call_as("acme_delete_thing", delete.clone(), cx);
    assert_eq!(
        kind(call(asked(Says(Answer::No)))).await,
        Kind::ConfirmationDeclined
    );
    let pending = call(asked(Says(Answer::Pending(json!("state")))))
        .await
        .unwrap_err();
    assert_eq!(pending.kind(), Kind::ConfirmationRequired);
    assert_eq!(pending.details()["pending"], "state");
    assert!(bench.world.seen().is_empty());
    call(asked(Says(Answer::Yes))).await.unwrap();
    assert_eq!(bench.world.seen(), ["delete a"]);
    // Nothing else is asked about.
    bench
        .call_as("acme_set_thing", delete.clone(), asked(Says(Answer::No)))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_token_stands_for_one_agreement_to_one_call_of_one_caller() {
    let bench = Bench::new();
    let required = bench
        .call("acme_delete_thing", json!({"id": "a"}))
        .await
        .unwrap_err();
    assert_eq!(required.kind(), Kind::ConfirmationRequired);
    assert_eq!(required.details()["question"], "Delete thing a?");
    let token = required.details()["confirm_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let with = |id: &str| json!({"id": id, "confirm_token": token});
    let other = Cx::builder(Principal {
        subject: "other".into(),
        ..Principal::local()
    })
    .build();
    assert_eq!(
        kind(bench.call("acme_delete_thing", with("b"))).await,
        Kind::ConfirmationRequired
    );
    assert_eq!(
        kind(bench.call_as("acme_delete_thing", with("a"), other)).await,
        Kind::ConfirmationRequired
    );
    let foreign = Cx::builder(tenant("other")).build();
    assert_eq!(
        kind(bench.call_as("acme_delete_thing", with("a"), foreign)).await,
        Kind::ConfirmationRequired
    );
    for nonsense in [
        "",
        "AAAA",
        "not base64!",
        &token[1..],
        &format!("{token}AA"),
    ] {
        let args = json!({"id": "a", "confirm_token": nonsense});
        assert_eq!(
            kind(bench.call("acme_delete_thing", args)).await,
            Kind::ConfirmationRequired
        );
    }
    assert!(bench.world.seen().is_empty());
    bench.call("acme_delete_thing", with("a")).await.unwrap();
    assert_eq!(
        kind(bench.call("acme_delete_thing", with("a"))).await,
        Kind::ConfirmationRequired
    );
    assert_eq!(bench.world.seen(), ["delete a"]);
}

#[tokio::test(start_paused = true)]
async fn trusted_automation_asks_nobody() {
    let bench = Bench::with(|env, _| env.auto_confirm = true);
    bench
        .call("acme_delete_thing", json!({"id": "a"}))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn thinking_takes_as_long_as_it_takes_and_ends_with_the_caller() {
    let bench = Bench::new();
    let token = CancellationToken::new();
    let cx = Cx::builder(Principal::local())
        .asker(Away)
        .cancel(token.clone())
        .build();
    let started = Instant::now();
    let (outcome, ()) = tokio::join!(
        bench.call_as("acme_delete_thing", json!({"id": "a"}), cx),
        async {
            tokio::time::sleep(secs(600)).await;
            token.cancel();
        }
    );
    assert_eq!(outcome.unwrap_err().kind(), Kind::Cancelled);
    assert_eq!(started.elapsed(), secs(600));
    // A caller who hangs up is gone too, although writes run on a task of their own.
    let call = bench.call_as("acme_delete_thing", json!({"id": "a"}), asked(Away));
    assert!(tokio::time::timeout(secs(1), call).await.is_err());
    tokio::task::yield_now().await;
    assert_eq!(bench.audit().last().unwrap()["outcome"], "CANCELLED");
    assert!(bench.world.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_shows_the_masked_request_and_sends_nothing() {
    let bench = Bench::new();
    let shown = bench
        .call("acme_delete_thing", json!({"id": "a", "dry_run": true}))
        .await
        .unwrap();
    let request = json!({"ask": "delete a", "token": "***"});
    assert_eq!(
        shown,
        json!({"dry_run": true, "request": request, "confirmation": "Delete thing a?"})
    );
    let shown = bench
        .call(
            "acme_create_thing",
            json!({"name": "a", "dry_run": true, "idempotency_key": "k"}),
        )
        .await
        .unwrap();
    assert_eq!(shown["request"]["ask"], "create a");
    assert!(bench.world.seen().is_empty());
    // It leaves nothing behind under the key, and forgets nothing.
    bench
        .call(
            "acme_create_thing",
            json!({"name": "b", "idempotency_key": "k"}),
        )
        .await
        .unwrap();
    // Bad arguments are told as ever, and a read has no dry run.
    let call = bench.call(
        "acme_create_thing",
        json!({"name": "nobody", "dry_run": true}),
    );
    assert_eq!(kind(call).await, Kind::InvalidArguments);
    let call = bench.call("acme_get_thing", json!({"id": "a", "dry_run": true}));
    assert_eq!(kind(call).await, Kind::InvalidArguments);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_a_tool_that_looks_first_says_so() {
    let bench = Bench::new();
    let shown = bench
        .call("acme_move_thing", json!({"id": "a", "dry_run": true}))
        .await
        .unwrap();
    assert_eq!(shown["request"]["ask"], "look a");
    assert!(shown["note"].as_str().unwrap().contains("only looks"));
    let shown = bench
        .call("acme_copy_thing", json!({"id": "a", "dry_run": true}))
        .await
        .unwrap();
    assert_eq!(shown["request"]["ask"], "copy 1 a");
    assert!(shown.get("note").is_none());
    assert!(bench.world.seen().is_empty());
}

// Idempotency

fn keyed(name: &str, key: &str) -> Value {
    json!({"name": name, "idempotency_key": key})
}

#[tokio::test(start_paused = true)]
async fn the_same_key_gives_the_same_outcome_and_is_marked() {
    let bench = Bench::new();
    let first = bench
        .call("acme_create_thing", keyed("a", "k"))
        .await
        .unwrap();
    let again = bench
        .call("acme_create_thing", keyed("a", "k"))
        .await
        .unwrap();
    assert_eq!(first["n"], again["n"]);
    assert_eq!(
        (&first["replayed"], &again["replayed"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(bench.world.seen().len(), 1);
    assert_eq!(bench.audit()[1]["origin"], "replayed");
    let call = bench.call("acme_create_thing", keyed("b", "k"));
    assert_eq!(kind(call).await, Kind::IdempotencyConflict);
    bench
        .call("acme_create_thing", keyed("a", "k2"))
        .await
        .unwrap();
    // Keys are a tenant's own.
    let other = Cx::builder(tenant("other")).build();
    bench
        .call_as("acme_create_thing", keyed("b", "k"), other)
        .await
        .unwrap();
    assert_eq!(bench.world.seen().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_twin_in_flight_waits_for_the_first() {
    let bench = Bench::new();
    bench.world.then(Step::After(
        secs(3),
        Box::new(Step::Give(json!({"id": "x"}))),
    ));
    let calls = (0..20).map(|_| bench.call("acme_create_thing", keyed("a", "k")));
    let all = join_all(calls).await;
    assert_eq!(
        all.iter()
            .filter(|outcome| outcome.as_ref().unwrap()["replayed"] == true)
            .count(),
        19
    );
    assert_eq!(bench.world.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_provably_not_done_may_be_tried_again_under_its_key() {
    for error in [
        unreachable_host(),
        too_many(Some(secs(1000))),
        Error::new(Kind::InvalidRequest, "no"),
    ] {
        let bench = Bench::new();
        for _ in 0..3 {
            bench.world.then(Step::Fail(error.clone()));
        }
        bench
            .call("acme_create_thing", keyed("a", "k"))
            .await
            .unwrap_err();
        tokio::time::sleep(secs(2000)).await;
        bench.world.script.lock().unwrap().clear();
        let done = bench
            .call("acme_create_thing", keyed("a", "k"))
            .await
            .unwrap();
        assert!(done.get("replayed").is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_never_done_again_under_its_key() {
    let lost: [fn() -> Step; 4] = [
        || Step::Fail(down()),
        || Step::Panic,
        || Step::Fail(Error::internal("the answer did not fit the type")),
        || Step::Fail(Error::new(Kind::BadUpstreamResponse, "HTML").fate(Fate::Unknown)),
    ];
    for (n, step) in lost.into_iter().enumerate() {
        let bench = Bench::new();
        bench.world.then(step());
        bench
            .call("acme_create_thing", keyed("a", "k"))
            .await
            .unwrap_err();
        let again = bench
            .call("acme_create_thing", keyed("a", "k"))
            .await
            .unwrap_err();
        assert_eq!(bench.world.seen().len(), 1, "case {n}");
        if n != 2 {
            assert_eq!(again.kind(), Kind::OutcomeUnknown, "case {n}");
        }
        assert!(!again.is_retryable(), "case {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_wrote_and_then_failed_is_not_started_over() {
    let bench = Bench::new();
    let args = json!({"id": "a", "idempotency_key": "k"});
    bench.world.then(Step::Give(json!({})));
    bench.world.then(Step::Fail(Error::new(
        Kind::InvalidRequest,
        "the second one is wrong",
    )));
    bench
        .call("acme_copy_thing", args.clone())
        .await
        .unwrap_err();
    let again = bench.call("acme_copy_thing", args).await.unwrap_err();
    assert_eq!(again.kind(), Kind::InvalidRequest);
    assert_eq!(bench.world.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_equal_call_is_taken_for_a_repetition_where_the_tool_says_so() {
    let bench = Bench::new();
    bench
        .call("acme_copy_thing", json!({"id": "a"}))
        .await
        .unwrap();
    let again = bench
        .call("acme_copy_thing", json!({"id": "a"}))
        .await
        .unwrap();
    assert_eq!(again["replayed"], true);
    bench
        .call("acme_copy_thing", json!({"id": "b"}))
        .await
        .unwrap();
    assert_eq!(bench.world.seen().len(), 4);
    // A tool that does not say so does it again.
    bench
        .call("acme_create_thing", json!({"name": "a"}))
        .await
        .unwrap();
    bench
        .call("acme_create_thing", json!({"name": "a"}))
        .await
        .unwrap();
    assert_eq!(bench.world.seen().len(), 6);
    // The records keep the time of the system, which does not stand still.
    std::thread::sleep(ms(1100));
    let later = bench
        .call("acme_copy_thing", json!({"id": "a"}))
        .await
        .unwrap();
    assert!(later.get("replayed").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_went_out_is_finished_and_recorded_when_its_caller_hangs_up() {
    let bench = Bench::new();
    bench.world.then(Step::After(
        secs(5),
        Box::new(Step::Give(json!({"id": "x"}))),
    ));
    let call = bench.call("acme_create_thing", keyed("a", "k"));
    assert!(tokio::time::timeout(secs(1), call).await.is_err());
    let again = bench
        .call("acme_create_thing", keyed("a", "k"))
        .await
        .unwrap();
    assert_eq!(
        (&again["id"], &again["replayed"]),
        (&json!("x"), &json!(true))
    );
    assert_eq!(bench.world.seen().len(), 1);
    assert_eq!(bench.world.dropped.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_still_waits_is_given_up_when_its_caller_hangs_up() {
    let bench = Bench::new();
    bench.world.then(Step::Fail(too_many(Some(secs(20)))));
    let call = bench.call("acme_create_thing", keyed("a", "k"));
    assert!(tokio::time::timeout(secs(1), call).await.is_err());
    tokio::time::sleep(secs(60)).await;
    assert_eq!(bench.world.seen().len(), 1);
    assert_eq!(bench.audit()[0]["outcome"], "CANCELLED");
    // It was provably not done, so its key is free.
    bench
        .call("acme_create_thing", keyed("a", "k"))
        .await
        .unwrap();
}

// Cache

async fn get(bench: &Bench, id: &str) -> Result<Value, Error> {
    bench.call("acme_get_thing", json!({"id": id})).await
}

#[tokio::test(start_paused = true)]
async fn a_cached_read_is_served_without_asking_again() {
    let bench = Bench::new();
    let first = get(&bench, "a").await.unwrap();
    assert_eq!(get(&bench, "a").await.unwrap(), first);
    get(&bench, "b").await.unwrap();
    assert_eq!(bench.world.seen().len(), 2);
    // A read that declares no cache is asked every time.
    for _ in 0..2 {
        bench
            .call(
                "acme_list_things",
                json!({"all": 1, "bytes": 1, "limit": 1}),
            )
            .await
            .unwrap();
    }
    assert_eq!(bench.world.seen().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_operator_sets_the_time_of_a_class() {
    let set = |time: Duration| {
        move |_: &mut business_tools_core::Env, settings: &mut ProviderSettings| {
            settings.cache_ttl.insert("things".into(), time);
        }
    };
    let off = Bench::with(set(Duration::ZERO));
    for _ in 0..3 {
        get(&off, "a").await.unwrap();
    }
    assert_eq!(off.world.seen().len(), 3);
    let short = Bench::with(set(ms(400)));
    get(&short, "a").await.unwrap();
    get(&short, "a").await.unwrap();
    assert_eq!(short.world.seen().len(), 1);
    std::thread::sleep(ms(500));
    get(&short, "a").await.unwrap();
    assert_eq!(short.world.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_tool_is_stronger_than_that_of_its_class() {
    for (class, tool, asked) in [(60, 0, 2), (0, 60, 1)] {
        let bench = Bench::with(|_, settings| {
            let ttl = &mut settings.cache_ttl;
            ttl.insert("things".into(), secs(class));
            ttl.insert("acme_get_thing".into(), secs(tool));
        });
        get(&bench, "a").await.unwrap();
        get(&bench, "a").await.unwrap();
        assert_eq!(bench.world.seen().len(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn tenants_and_accounts_see_nothing_of_each_other() {
    let (other_id, other) = common::new_world();
    let bench = Bench::with(|_, settings| {
        settings
            .accounts
            .insert("sales".into(), common::fields(&other_id));
    });
    get(&bench, "a").await.unwrap();
    bench
        .call("acme_get_thing", json!({"id": "a", "account": "sales"}))
        .await
        .unwrap();
    assert_eq!((bench.world.seen().len(), other.seen().len()), (1, 1));
    let cx = Cx::builder(tenant("other")).build();
    bench
        .call_as("acme_get_thing", json!({"id": "a"}), cx)
        .await
        .unwrap();
    assert_eq!(bench.world.seen().len(), 2);
    // A write of one tenant makes nobody else's results stale.
    bench
        .call("acme_set_thing", json!({"id": "a"}))
        .await
        .unwrap();
    let cx = Cx::builder(tenant("other")).build();
    bench
        .call_as("acme_get_thing", json!({"id": "a"}), cx)
        .await
        .unwrap();
    assert_eq!(bench.world.seen().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_write_makes_stale_what_it_names_however_it_ends() {
    let bench = Bench::new();
    get(&bench, "a").await.unwrap();
    bench
        .call("acme_create_thing", json!({"name": "x"}))
        .await
        .unwrap();
    get(&bench, "a").await.unwrap();
    assert_eq!(bench.world.seen().len(), 3);
    bench.world.then(Step::Fail(down()));
    bench
        .call("acme_create_thing", json!({"name": "x"}))
        .await
        .unwrap_err();
    get(&bench, "a").await.unwrap();
    assert_eq!(bench.world.seen().len(), 5);
    // A dry run does not.
    bench
        .call("acme_create_thing", json!({"name": "x", "dry_run": true}))
        .await
        .unwrap();
    get(&bench, "a").await.unwrap();
    assert_eq!(bench.world.seen().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_began_before_a_write_is_not_served_after_it() {
    let bench = Bench::new();
    bench.world.then(Step::After(
        secs(5),
        Box::new(Step::Give(json!({"old": true}))),
    ));
    let (old, ()) = tokio::join!(get(&bench, "a"), async {
        tokio::time::sleep(secs(1)).await;
        bench
            .call("acme_set_thing", json!({"id": "a"}))
            .await
            .unwrap();
    });
    assert_eq!(old.unwrap()["old"], true);
    assert!(get(&bench, "a").await.unwrap().get("old").is_none());
}

#[tokio::test(start_paused = true)]
async fn errors_are_not_cached() {
    let bench = Bench::new();
    bench
        .world
        .then(Step::Fail(Error::new(Kind::NotFound, "no")));
    get(&bench, "a").await.unwrap_err();
    get(&bench, "a").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn equal_misses_make_one_request_and_share_its_end() {
    let bench = Bench::new();
    bench.world.then(Step::After(
        secs(2),
        Box::new(Step::Give(json!({"id": "a"}))),
    ));
    let all = join_all((0..100).map(|_| get(&bench, "a"))).await;
    assert!(
        all.iter()
            .all(|outcome| outcome.as_ref().unwrap()["id"] == "a")
    );
    assert_eq!(bench.world.seen().len(), 1);
    let cache = &bench.registry.env().metrics.cache;
    assert_eq!(cache.with_label_values(&["acme", "joined"]).get(), 99);
    bench.world.then(Step::After(
        secs(1),
        Box::new(Step::Fail(Error::new(Kind::NotFound, "no"))),
    ));
    let all = join_all((0..100).map(|_| get(&bench, "b"))).await;
    assert!(
        all.iter()
            .all(|outcome| outcome.as_ref().unwrap_err().kind() == Kind::NotFound)
    );
    assert_eq!(bench.world.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_callers_end_is_not_the_others() {
    let bench = Bench::new();
    bench.world.then(Step::After(
        secs(5),
        Box::new(Step::Give(json!({"id": "a"}))),
    ));
    let token = CancellationToken::new();
    let first = Cx::builder(Principal::local())
        .cancel(token.clone())
        .build();
    let hurried = Cx::builder(Principal::local())
        .deadline(Instant::now() + secs(2))
        .build();
    let args = json!({"id": "a"});
    let (first, hurried, dropped, patient, ()) = tokio::join!(
        bench.call_as("acme_get_thing", args.clone(), first),
        bench.call_as("acme_get_thing", args.clone(), hurried),
        tokio::time::timeout(secs(1), get(&bench, "a")),
        get(&bench, "a"),
        async {
            tokio::time::sleep(secs(1)).await;
            token.cancel();
        }
    );
    assert_eq!(first.unwrap_err().kind(), Kind::Cancelled);
    assert_eq!(hurried.unwrap_err().kind(), Kind::Timeout);
    assert!(dropped.is_err());
    assert_eq!(patient.unwrap()["id"], "a");
    assert_eq!(bench.world.seen().len(), 1);
    assert_eq!(bench.world.dropped.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn the_last_caller_to_leave_stops_the_fetch() {
    let bench = Bench::new();
    bench.world.then(Step::Hang);
    let leaving = |after: u64| tokio::time::timeout(secs(after), get(&bench, "a"));
    let (first, last) = tokio::join!(leaving(1), leaving(3));
    assert!(first.is_err() && last.is_err());
    assert_eq!(bench.world.dropped.load(Ordering::SeqCst), 1);
    assert_eq!(bench.world.in_flight.load(Ordering::SeqCst), 0);
    // Nobody is left waiting for it.
    get(&bench, "a").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_shared_fetch_is_told_to_all_and_stays_with_nobody() {
    let bench = Bench::new();
    bench
        .world
        .then(Step::After(secs(1), Box::new(Step::Panic)));
    let all = join_all((0..10).map(|_| get(&bench, "a"))).await;
    assert!(
        all.iter()
            .all(|outcome| outcome.as_ref().unwrap_err().kind() == Kind::Internal)
    );
    get(&bench, "a").await.unwrap();
    assert_eq!(bench.world.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_cache_is_bounded_by_bytes() {
    let bench = Bench::with(|env, _| env.cache = CacheStore::in_memory(20_000));
    for n in 0..200 {
        bench
            .world
            .then(Step::Give(json!({"text": "x".repeat(5000)})));
        get(&bench, &n.to_string()).await.unwrap();
    }
    // The cache tidies up after every 64 results at the latest.
    let before = bench.world.seen().len();
    for n in 0..200 {
        get(&bench, &n.to_string()).await.unwrap();
    }
    let asked_again = bench.world.seen().len() - before;
    assert!(
        asked_again >= 130,
        "{asked_again} of 200 results of 5 kB were gone from 20 kB"
    );
}

// Results

#[tokio::test(start_paused = true)]
async fn a_result_that_does_not_fit_is_an_error_for_a_read_and_none_for_a_write() {
    let bench = Bench::new();
    let error = bench
        .call("acme_break_thing", json!({"how": "huge"}))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "RESULT_TOO_LARGE");
    bench
        .world
        .then(Step::Give(json!({"text": "x".repeat(1 << 20)})));
    let done = bench
        .call("acme_create_thing", keyed("a", "k"))
        .await
        .unwrap();
    assert_eq!(
        (&done["done"], &done["truncated"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        bench
            .call("acme_create_thing", keyed("a", "k"))
            .await
            .unwrap()["replayed"],
        true
    );
}

#[tokio::test(start_paused = true)]
async fn a_result_is_always_an_object() {
    let bench = Bench::new();
    assert_eq!(
        bench
            .call("acme_break_thing", json!({"how": "scalar"}))
            .await
            .unwrap(),
        json!({"result": 7})
    );
    let args = json!({"how": "ok"}).as_object().unwrap().clone();
    let reply = bench
        .registry
        .call("acme_break_thing", args, Cx::local())
        .await
        .unwrap();
    assert_eq!(reply.origin, Origin::Fresh);
}

#[tokio::test(start_paused = true)]
async fn text_of_outsiders_is_marked_and_cleaned_of_what_nobody_sees() {
    let bench = Bench::new();
    let listed = bench
        .call(
            "acme_list_things",
            json!({"all": 1, "bytes": 1, "limit": 1}),
        )
        .await
        .unwrap();
    assert_eq!(listed["untrusted"], json!(["text"]));
}
