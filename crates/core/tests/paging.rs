//! Lists: bounded, cut between things, and taken up again exactly where they were cut.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use business_tools_core::{Error, Kind};
use common::Bench;
use proptest::prelude::*;
use serde_json::{Value, json};

fn run<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.unwrap().block_on(work)
}

fn list(all: usize, bytes: usize, limit: usize) -> Value {
    json!({"all": all, "bytes": bytes, "limit": limit})
}

/// Follows the cursors to the end: the numbers of all things, and the number of pages.
async fn follow(bench: &Bench, args: &Value) -> Result<(Vec<u64>, usize), Error> {
    let mut args = args.clone();
    let mut numbers = Vec::new();
    for page in 1.. {
        let result = bench.call("acme_list_things", args.clone()).await?;
        let most = bench.registry.env().max_result;
        assert!(
            result.to_string().len() <= most,
            "page {page} has {}",
            result.to_string().len()
        );
        let items = result["items"].as_array().unwrap();
        numbers.extend(items.iter().map(|item| item["n"].as_u64().unwrap()));
        let truncated = result.get("truncated").is_some();
        match result.get("next_cursor") {
            Some(cursor) => args["cursor"] = cursor.clone(),
            None if truncated => panic!("cut, and no way to the rest"),
            None => return Ok((numbers, page)),
        }
        assert!(!items.is_empty(), "an empty page that goes on");
    }
    unreachable!()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_thing_is_given_exactly_once(all in 0_usize..150, bytes in 0_usize..3000, limit in 1_usize..120) {
        let numbers = run(async {
            let bench = Bench::with(|env, _| env.max_result = 8 << 10);
            follow(&bench, &list(all, bytes, limit)).await.map(|(numbers, _)| numbers)
        });
        let want: Vec<u64> = (0..all as u64).collect();
        prop_assert_eq!(numbers.unwrap(), want);
    }

    #[test]
    fn no_cursor_makes_anything_panic(cursor in ".{0,200}") {
        let outcome = run(async {
            let bench = Bench::new();
            let mut args = list(10, 10, 5);
            args["cursor"] = cursor.into();
            bench.call("acme_list_things", args).await
        });
        prop_assert_eq!(outcome.unwrap_err().kind(), Kind::InvalidArguments);
    }

    #[test]
    fn no_forged_cursor_makes_anything_panic(q in ".{0,12}", t in "[0-9]{0,3}", s in any::<u64>()) {
        use base64::Engine;
        let cursor = json!({"q": q, "t": t, "s": s}).to_string();
        let cursor = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(cursor);
        let outcome = run(async {
            let bench = Bench::new();
            let mut args = list(10, 10, 5);
            args["cursor"] = cursor.into();
            bench.call("acme_list_things", args).await
        });
        prop_assert_eq!(outcome.unwrap_err().kind(), Kind::InvalidArguments);
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fits_is_the_providers_own() {
    let bench = Bench::new();
    let first = bench
        .call("acme_list_things", list(10, 10, 4))
        .await
        .unwrap();
    assert_eq!(first["items"].as_array().unwrap().len(), 4);
    assert_eq!(first["total"], 10);
    assert!(first.get("truncated").is_none());
    assert_eq!(follow(&bench, &list(10, 10, 4)).await.unwrap().1, 3);
    let whole = bench
        .call("acme_list_things", list(3, 10, 4))
        .await
        .unwrap();
    assert!(whole.get("next_cursor").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_cursor_belongs_to_its_query() {
    let bench = Bench::new();
    let first = bench
        .call("acme_list_things", list(10, 10, 4))
        .await
        .unwrap();
    let with = |mut args: Value| {
        args["cursor"] = first["next_cursor"].clone();
        args
    };
    assert!(
        bench
            .call("acme_list_things", with(list(10, 10, 4)))
            .await
            .is_ok()
    );
    for other in [list(11, 10, 4), list(10, 11, 4), list(10, 10, 5)] {
        let error = bench
            .call("acme_list_things", with(other))
            .await
            .unwrap_err();
        assert_eq!(error.details()["faults"][0]["at"], "/cursor");
        assert!(error.hint_text().unwrap().contains("Leave `cursor` out"));
    }
    // The provider's own token is none.
    let mut args = list(10, 10, 4);
    args["cursor"] = "4".into();
    assert!(bench.call("acme_list_things", args).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn one_thing_that_is_too_large_is_an_error_and_no_endless_list() {
    let bench = Bench::new();
    let error = bench
        .call("acme_list_things", list(3, 100_000, 3))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::ResultTooLarge);
}
