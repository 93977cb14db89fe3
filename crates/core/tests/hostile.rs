//! Arguments of any shape: an answer or an error with a place, never a panic and never a request.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use business_tools_core::{Cx, Kind};
use common::Bench;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,60}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,12}", inner), 0..6)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn arguments() -> impl Strategy<Value = Map<String, Value>> {
    let names = prop::sample::select(vec![
        "id",
        "name",
        "colour",
        "sizes",
        "all",
        "bytes",
        "limit",
        "cursor",
        "account",
        "dry_run",
        "idempotency_key",
        "confirm_token",
        "nonsense",
        "",
    ]);
    prop::collection::vec((names.prop_map(str::to_owned), value()), 0..8)
        .prop_map(|members| members.into_iter().collect())
}

const TOOLS: &[&str] = &[
    "acme_get_thing",
    "acme_list_things",
    "acme_create_thing",
    "acme_set_thing",
    "acme_delete_thing",
    "acme_move_thing",
    "acme_paint_thing",
    "acme_copy_thing",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_arguments_make_a_tool_panic(tool in prop::sample::select(TOOLS.to_vec()), args in arguments()) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        let (outcome, seen) = runtime.block_on(async {
            let bench = Bench::new();
            let outcome = bench.registry.call(tool, args, Cx::local()).await;
            (outcome, bench.world.seen().len())
        });
        if let Err(error) = outcome {
            prop_assert_ne!(error.kind(), Kind::Internal, "{}", error);
            if error.kind() == Kind::InvalidArguments {
                prop_assert_eq!(seen, 0);
                let faults = error.details()["faults"].as_array().unwrap();
                prop_assert!(!faults.is_empty() && faults.len() <= 20);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn arguments_as_deep_as_a_parser_lets_through_are_refused_in_place() {
    let bench = Bench::new();
    let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    let deep: Value = serde_json::from_str(&deep).unwrap();
    let error = bench
        .call("acme_create_thing", json!({"name": deep}))
        .await
        .unwrap_err();
    assert_eq!(error.details()["faults"][0]["at"], "/name");
    assert!(bench.audit()[0].to_string().len() < 1000);
}

#[tokio::test]
async fn huge_arguments_are_refused_quickly_and_recorded_shortly() {
    let bench = Bench::new();
    let started = std::time::Instant::now();
    let long = "é".repeat(4 << 20);
    let error = bench
        .call("acme_get_thing", json!({"id": long}))
        .await
        .unwrap_err();
    assert!(error.message().len() < 500, "{}", error.message().len());
    let error = bench
        .call("acme_get_thing", json!({"id": "a", long: 1}))
        .await
        .unwrap_err();
    assert!(error.message().len() < 2000, "{}", error.message().len());
    assert!(
        bench
            .audit()
            .iter()
            .all(|line| line.to_string().len() < 2000)
    );
    assert!(started.elapsed().as_secs() < 5);
    let tool = "x".repeat(1 << 20);
    let error = bench.call(&tool, json!({})).await.unwrap_err();
    assert!(error.message().len() < 200);
}
