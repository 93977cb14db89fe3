//! Each fault as a client meets it.

use std::time::{Duration, Instant};

use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::response::IntoResponse;
use business_tools_sandbox::{FaultKind, FaultRule, Sandbox, Simulator, Switchboard};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{End, PATIENCE, arm, fetch, read_to_end, request, send, shop};

#[tokio::test]
async fn status_is_told_in_the_providers_own_shape() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"status","status":429,"retry_after":2}),
    )
    .await;
    let seen = send(shop.addr(), "POST", "/shop/orders", "").await;
    assert_eq!(
        (seen.status(), seen.header("retry-after")),
        (429, Some("2"))
    );
    assert_eq!(seen.json(), json!({ "code": 20_429 }));
    assert_eq!(shop.orders(), 0);
}

#[tokio::test]
async fn one_of_several_errors_of_a_status_is_picked_by_its_code() {
    let told = Simulator::http("told", Router::new()).on_fault_answer(|status, code| {
        let kind = code.unwrap_or("too_fast").to_owned();
        (status, [("x-kind", kind.clone())], kind).into_response()
    });
    let running = Sandbox::new(vec![told]).start(([127, 0, 0, 1], 0).into());
    let running = running.await.unwrap();
    for (code, kind) in [(Some("no_credit"), "no_credit"), (None, "too_fast")] {
        let mut rule = json!({"provider": "told", "kind": "status", "status": 429, "times": 1});
        if let Some(code) = code {
            rule["code"] = code.into();
        }
        arm(running.http, rule).await;
        let seen = fetch(running.http, "/told").await;
        assert_eq!((seen.status(), seen.header("x-kind")), (429, Some(kind)));
    }
}

#[tokio::test]
async fn status_has_a_default_shape_and_a_default_code() {
    let shop = shop().await;
    arm(shop.addr(), json!({"provider":"bare","kind":"status"})).await;
    let seen = fetch(shop.addr(), "/bare").await;
    assert_eq!((seen.status(), seen.header("retry-after")), (500, None));
    assert_eq!(
        seen.json(),
        json!({ "error": { "message": "Internal Server Error" } })
    );
}

#[tokio::test]
async fn latency_delays_the_normal_answer() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"latency","delay_ms":150}),
    )
    .await;
    let start = Instant::now();
    let seen = send(shop.addr(), "POST", "/shop/orders", "").await;
    assert!(start.elapsed() >= Duration::from_millis(150));
    assert_eq!((seen.status(), shop.orders()), (201, 1));
}

#[tokio::test]
async fn a_client_that_gives_up_on_latency_has_still_written() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"latency","delay_ms":60_000}),
    )
    .await;
    let patience = Duration::from_millis(300);
    let given_up = timeout(patience, send(shop.addr(), "POST", "/shop/orders", "")).await;
    assert!(given_up.is_err());
    assert_eq!(shop.orders(), 1);
}

#[tokio::test]
async fn delay_delays_other_faults_too() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"status","delay_ms":150}),
    )
    .await;
    let start = Instant::now();
    assert_eq!(fetch(shop.addr(), "/shop/orders").await.status(), 500);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn reset_comes_before_the_simulator_sees_the_request() {
    let shop = shop().await;
    arm(shop.addr(), json!({"provider":"shop","kind":"reset"})).await;
    let seen = send(shop.addr(), "POST", "/shop/orders", "{}").await;
    assert_eq!((seen.end, seen.head.as_str()), (End::Reset, ""));
    assert_eq!(shop.orders(), 0);
    let requests = shop.running.switchboard().requests(Some("shop"));
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].fault, Some(FaultKind::Reset));
}

#[tokio::test]
async fn reset_after_write_changes_the_state_and_loses_the_answer() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"reset_after_write","times":1}),
    )
    .await;
    let seen = send(shop.addr(), "POST", "/shop/orders", "").await;
    assert_eq!((seen.end, seen.head.as_str()), (End::Reset, ""));
    assert_eq!(shop.orders(), 1);
    assert_eq!(
        fetch(shop.addr(), "/shop/orders").await.json(),
        json!({ "orders": 1 })
    );
}

#[tokio::test]
async fn hang_never_answers_and_does_not_hold_the_shutdown() {
    let shop = shop().await;
    arm(shop.addr(), json!({"provider":"shop","kind":"hang"})).await;
    let mut stream = TcpStream::connect(shop.addr()).await.unwrap();
    stream
        .write_all(&request("POST", "/shop/orders", &[], ""))
        .await
        .unwrap();
    let mut byte = [0];
    let answer = timeout(Duration::from_millis(250), stream.read(&mut byte)).await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(shop.orders(), 0);

    let start = Instant::now();
    shop.running.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(read_to_end(&mut stream).await.head, "");
}

#[tokio::test]
async fn truncate_promises_the_whole_body_and_sends_half() {
    let shop = shop().await;
    arm(shop.addr(), json!({"provider":"shop","kind":"truncate"})).await;
    for _ in 0..3 {
        let seen = fetch(shop.addr(), "/shop/large").await;
        assert_eq!(
            (seen.status(), seen.header("content-length")),
            (200, Some("1000000"))
        );
        assert_eq!((seen.body.len(), &seen.end), (500_000, &End::Closed));
    }
    let seen = send(shop.addr(), "POST", "/shop/orders", "").await;
    assert_eq!(
        (seen.header("content-length"), seen.text().as_str()),
        (Some("11"), "{\"orde")
    );
    assert_eq!(shop.orders(), 1);
}

#[tokio::test]
async fn truncate_cuts_an_answer_without_a_body_before_its_head() {
    let shop = shop().await;
    arm(shop.addr(), json!({"provider":"shop","kind":"truncate"})).await;
    let seen = fetch(shop.addr(), "/shop/empty").await;
    assert_eq!((seen.head.as_str(), seen.end), ("", End::Closed));
}

#[tokio::test]
async fn garbage_claims_to_be_json_and_is_not() {
    let shop = shop().await;
    arm(shop.addr(), json!({"provider":"shop","kind":"garbage"})).await;
    let seen = send(shop.addr(), "POST", "/shop/orders", "").await;
    assert_eq!(
        (seen.status(), seen.header("content-type")),
        (200, Some("application/json"))
    );
    assert!(serde_json::from_slice::<serde_json::Value>(&seen.body).is_err());
    assert!(std::str::from_utf8(&seen.body).is_err());
    assert_eq!(shop.orders(), 1);
}

#[tokio::test]
async fn html_is_a_gateways_page() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"html","times":1}),
    )
    .await;
    let seen = fetch(shop.addr(), "/shop/orders").await;
    assert_eq!(seen.status(), 502);
    assert_eq!(
        seen.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(seen.text().contains("502 Bad Gateway"));

    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"html","status":200}),
    )
    .await;
    let seen = fetch(shop.addr(), "/shop/orders").await;
    assert_eq!(seen.status(), 200);
    assert!(seen.text().starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn huge_is_a_document_of_100_mb_of_unknown_length() {
    let shop = shop().await;
    arm(shop.addr(), json!({"provider":"shop","kind":"huge"})).await;
    let client = reqwest::Client::builder().build().unwrap();
    let url = format!("{}/orders", shop.running.base_url("shop"));
    let mut response = client.get(url).send().await.unwrap();
    assert_eq!(response.content_length(), None);
    let mut seen = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        seen += chunk.len();
    }
    assert_eq!(seen, 100 * 1024 * 1024 + 11);
}

#[tokio::test]
async fn a_client_may_leave_in_the_middle_of_huge() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"huge","times":1}),
    )
    .await;
    let mut stream = TcpStream::connect(shop.addr()).await.unwrap();
    stream
        .write_all(&request("GET", "/shop/orders", &[], ""))
        .await
        .unwrap();
    let mut some = vec![0; 1024];
    stream.read_exact(&mut some).await.unwrap();
    drop(stream);
    assert_eq!(fetch(shop.addr(), "/shop/orders").await.status(), 200);
    timeout(PATIENCE, shop.running.shutdown()).await.unwrap();
}

#[tokio::test]
async fn slow_body_drips_byte_by_byte() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"slow_body","delay_ms":20}),
    )
    .await;
    let mut stream = TcpStream::connect(shop.addr()).await.unwrap();
    stream
        .write_all(&request("GET", "/shop/orders", &[], ""))
        .await
        .unwrap();
    let start = Instant::now();
    let mut reads = 0;
    let mut all = Vec::new();
    let mut chunk = [0; 1024];
    while let n @ 1.. = stream.read(&mut chunk).await.unwrap() {
        reads += 1;
        all.extend_from_slice(&chunk[..n]);
    }
    assert!(String::from_utf8(all).unwrap().ends_with("{\"orders\":0}"));
    assert!(start.elapsed() >= Duration::from_millis(12 * 20));
    assert!(reads >= 3, "{reads}");
}

#[tokio::test]
async fn times_counts_down_and_rules_follow_each_other() {
    let shop = shop().await;
    for (status, times) in [(429, 2), (503, 1)] {
        let rule = json!({"provider":"shop","kind":"status","status":status,"times":times});
        arm(shop.addr(), rule).await;
    }
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(fetch(shop.addr(), "/shop/orders").await.status());
    }
    assert_eq!(seen, [429, 429, 503, 200]);
}

#[tokio::test]
async fn skip_lets_requests_through_first() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"status","status":503,"skip":2,"times":1}),
    )
    .await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(fetch(shop.addr(), "/shop/orders").await.status());
    }
    assert_eq!(seen, [200, 200, 503, 200]);
}

#[tokio::test]
async fn a_rate_strikes_a_share_and_leaves_the_rest_to_later_rules() {
    let board = Switchboard::new();
    board.inject(FaultRule::new("shop", FaultKind::Status).rate(0.02));
    board.inject(FaultRule::new("shop", FaultKind::Reset).rate(0.01));
    let mut struck = [0, 0, 0];
    for _ in 0..100_000 {
        let kind = board.next("shop", "GET", "/orders").map(|fault| fault.kind);
        struck[match kind {
            Some(FaultKind::Status) => 0,
            Some(_) => 1,
            None => 2,
        }] += 1;
    }
    assert!((1800..2200).contains(&struck[0]), "{struck:?}");
    assert!((850..1150).contains(&struck[1]), "{struck:?}");

    let shop = shop().await;
    for rate in [json!(0.0), json!(1.5), json!(-1), json!("half")] {
        let rule = json!({"provider": "shop", "kind": "status", "rate": rate});
        let refused = send(shop.addr(), "POST", "/_sandbox/faults", &rule.to_string()).await;
        assert_eq!(refused.status(), 400);
    }
}

#[tokio::test]
async fn for_ms_expires() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"status","for_ms":1500}),
    )
    .await;
    assert_eq!(fetch(shop.addr(), "/shop/orders").await.status(), 500);
    let start = Instant::now();
    while fetch(shop.addr(), "/shop/orders").await.status() == 500 {
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(shop.running.switchboard().active().is_empty());
}

#[tokio::test]
async fn path_method_and_provider_select_the_requests() {
    let shop = shop().await;
    let rule = FaultRule::new("shop", FaultKind::Status)
        .path("/ord")
        .method("post");
    shop.running.switchboard().inject(rule);
    assert_eq!(
        send(shop.addr(), "POST", "/shop/orders", "").await.status(),
        500
    );
    assert_eq!(fetch(shop.addr(), "/shop/orders").await.status(), 200);
    assert_eq!(
        send(shop.addr(), "POST", "/shop/echo", "a").await.status(),
        200
    );
    assert_eq!(fetch(shop.addr(), "/bare/").await.status(), 200);
}

#[tokio::test]
async fn a_connection_goes_on_after_a_fault_that_answers() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"status","times":1}),
    )
    .await;
    let mut stream = TcpStream::connect(shop.addr()).await.unwrap();
    let first = b"GET /shop/orders HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    stream
        .write_all(&[&first[..], &request("GET", "/shop/orders", &[], "")].concat())
        .await
        .unwrap();
    let seen = read_to_end(&mut stream).await;
    assert_eq!(seen.status(), 500);
    assert!(seen.text().contains("HTTP/1.1 200 OK"), "{seen:?}");
}

#[tokio::test]
async fn a_library_client_reports_resets_and_cuts_as_errors_at_once() {
    let shop = shop().await;
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .unwrap();
    let url = format!("{}/large", shop.running.base_url("shop"));
    for kind in [
        FaultKind::Reset,
        FaultKind::ResetAfterWrite,
        FaultKind::Truncate,
    ] {
        shop.running
            .switchboard()
            .inject(FaultRule::new("shop", kind).times(1));
        let outcome = async { client.get(&url).send().await?.bytes().await };
        let error = outcome.await.unwrap_err();
        assert!(!error.is_timeout(), "{kind}: {error:?}");
        assert_eq!(shop.running.switchboard().active().len(), 0, "{kind}");
    }
}
