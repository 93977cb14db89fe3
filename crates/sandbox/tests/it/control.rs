//! The control routes.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::client::{Shop, arm, fetch, raw, request, send, shop};

async fn refusal(shop: &Shop, body: &str) -> Value {
    let seen = send(shop.addr(), "POST", "/_sandbox/faults", body).await;
    assert_eq!(seen.status(), 400, "{body}: {}", seen.text());
    seen.json()
}

#[tokio::test]
async fn what_is_not_known_is_refused_with_what_is() {
    let shop = shop().await;
    for (body, named) in [
        (
            r#"{"provider":"shop","kind":"status","statsu":1}"#,
            "statsu",
        ),
        (r#"{"provider":"shop","kind":"explode"}"#, "explode"),
        (r#"{"provider":"shpo","kind":"hang"}"#, "shpo"),
        (r#"{"kind":"hang"}"#, "provider"),
        (r#"{"provider":"shop"}"#, "kind"),
    ] {
        let answer = refusal(&shop, body).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(named), "{message}");
        let known = &answer["error"]["known"];
        assert_eq!(known["providers"], json!(["bare", "shop"]));
        let keys = known["keys"].as_array().unwrap();
        assert!(keys.contains(&"kind".into()) && keys.contains(&"rate".into()));
        assert!(
            known["kinds"]
                .as_array()
                .unwrap()
                .contains(&"reset_after_write".into())
        );
    }
}

#[tokio::test]
async fn hostile_rules_are_refused() {
    let shop = shop().await;
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "null",
        "[]",
        "{",
        "\u{0}",
        &deep,
        r#"{"provider":"shop","kind":"hang","kind":"hang"}"#,
        r#"{"provider":"shop","kind":"hang","times":0}"#,
        r#"{"provider":"shop","kind":"hang","times":-1}"#,
        r#"{"provider":"shop","kind":"hang","times":99999999999999999999}"#,
        r#"{"provider":"shop","kind":"hang","for_ms":0}"#,
        r#"{"provider":"shop","kind":"latency","delay_ms":600001}"#,
        r#"{"provider":"shop","kind":"status","status":100}"#,
        r#"{"provider":"shop","kind":"status","status":600}"#,
        r#"{"provider":"shop","kind":"status","path":"orders"}"#,
    ] {
        refusal(&shop, body).await;
    }
    // As long as a number can be: it must not overflow a clock.
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"status","for_ms":u64::MAX}),
    )
    .await;
    assert_eq!(fetch(shop.addr(), "/shop/orders").await.status(), 500);
    let large = "x".repeat(3_000_000);
    assert_eq!(
        send(shop.addr(), "POST", "/_sandbox/faults", &large)
            .await
            .status(),
        413
    );
}

#[tokio::test]
async fn faults_are_listed_and_cleared() {
    let shop = shop().await;
    arm(
        shop.addr(),
        json!({"provider":"shop","kind":"status","status":429,"times":3}),
    )
    .await;
    arm(
        shop.addr(),
        json!({"provider":"bare","kind":"hang","for_ms":60000}),
    )
    .await;
    fetch(shop.addr(), "/shop/orders").await;
    let list = fetch(shop.addr(), "/_sandbox/faults").await.json();
    assert_eq!(
        list["faults"][0],
        json!({"id":1,"struck":1,"provider":"shop","kind":"status","status":429,"times":2})
    );
    let left = list["faults"][1]["for_ms"].as_u64().unwrap();
    assert!((1..=60_000).contains(&left));

    let cleared = send(shop.addr(), "DELETE", "/_sandbox/faults?provider=shop", "")
        .await
        .json();
    assert_eq!(cleared, json!({ "cleared": 1 }));
    assert_eq!(fetch(shop.addr(), "/shop/orders").await.status(), 200);
    let cleared = send(shop.addr(), "DELETE", "/_sandbox/faults", "")
        .await
        .json();
    assert_eq!(cleared, json!({ "cleared": 1 }));
}

#[tokio::test]
async fn a_filter_with_a_typo_clears_nothing() {
    let shop = shop().await;
    arm(shop.addr(), json!({"provider":"shop","kind":"status"})).await;
    for query in ["provder=shop", "provider=shpo", "x"] {
        let target = format!("/_sandbox/faults?{query}");
        assert_eq!(send(shop.addr(), "DELETE", &target, "").await.status(), 400);
    }
    assert_eq!(
        fetch(shop.addr(), "/_sandbox/requests?limit=many")
            .await
            .status(),
        400
    );
    assert_eq!(shop.running.switchboard().active().len(), 1);
}

#[tokio::test]
async fn requests_are_recorded_with_their_secrets_masked() {
    let shop = shop().await;
    let headers = [
        "Authorization: Basic QUM6dG9r",
        "X-Api-Key: k3y",
        "Cookie: sid=s3ss",
        "X-Id: 7",
    ];
    let target = "/shop/orders?page=2&access_token=t0ken";
    let body = r#"{"item":"tea","password":"hunter2"}"#;
    raw(shop.addr(), &request("POST", target, &headers, body)).await;
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let body = "To=%2B1555&Code=123456&To=b";
    raw(shop.addr(), &request("POST", "/shop/echo", &form, body)).await;

    let seen = fetch(shop.addr(), "/_sandbox/requests?provider=shop").await;
    for secret in ["QUM6dG9r", "k3y", "s3ss", "t0ken", "hunter2", "123456"] {
        assert!(!seen.text().contains(secret), "{secret}");
    }
    let list = seen.json();
    let [first, second] = &list["requests"].as_array().unwrap()[..] else {
        panic!("{list}")
    };
    assert_eq!(first["method"], "POST");
    assert_eq!(first["path"], "/orders");
    assert_eq!(first["query"], "page=2&access_token=***");
    assert_eq!(first["body"], r#"{"item":"tea","password":"***"}"#);
    let headers = first["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["authorization", "Basic ***"])));
    assert!(headers.contains(&json!(["x-id", "7"])));
    assert_eq!(second["body"], "To=%2B1555&Code=***&To=b");
}

#[tokio::test]
async fn requests_are_filtered_and_cleared_and_the_control_routes_are_not_among_them() {
    let shop = shop().await;
    for target in [
        "/shop/orders",
        "/bare",
        "/shop/nothing",
        "/_sandbox",
        "/nowhere",
    ] {
        fetch(shop.addr(), target).await;
    }
    let paths = async |query: &str| -> Vec<String> {
        let target = format!("/_sandbox/requests{query}");
        let list = fetch(shop.addr(), &target).await.json();
        let paths = list["requests"].as_array().unwrap().iter();
        paths
            .map(|request| request["path"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(paths("").await, ["/orders", "/", "/nothing"]);
    assert_eq!(paths("?provider=shop").await, ["/orders", "/nothing"]);
    assert_eq!(paths("?after=1&limit=1").await, ["/nothing"]);
    let cleared = send(shop.addr(), "DELETE", "/_sandbox/requests", "")
        .await
        .json();
    assert_eq!(cleared, json!({ "cleared": 3 }));
    assert!(paths("").await.is_empty());
}

#[tokio::test]
async fn reset_forgets_faults_requests_and_state() {
    let shop = shop().await;
    send(shop.addr(), "POST", "/shop/orders", "").await;
    arm(shop.addr(), json!({"provider":"shop","kind":"hang"})).await;
    assert_eq!(shop.orders.load(Ordering::SeqCst), 1);
    let seen = send(shop.addr(), "POST", "/_sandbox/reset", "").await;
    assert_eq!(seen.json(), json!({ "reset": ["bare", "shop"] }));
    assert_eq!(shop.orders.load(Ordering::SeqCst), 0);
    let board = shop.running.switchboard();
    assert!(board.active().is_empty() && board.requests(None).is_empty());
}

#[tokio::test]
async fn the_sandbox_describes_itself() {
    let shop = shop().await;
    send(shop.addr(), "POST", "/shop/orders", "").await;
    let seen = fetch(shop.addr(), "/_sandbox").await.json();
    assert_eq!(
        seen["simulators"],
        json!([
            {"id":"bare","kind":"http","base_url":format!("http://{}/bare", shop.addr()),"requests":0,"state":null},
            {"id":"shop","kind":"http","base_url":format!("http://{}/shop", shop.addr()),"requests":1,"state":{"orders":1}},
        ])
    );
    assert_eq!(seen["fault_kinds"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn unknown_places_and_methods_are_told_the_known_ones() {
    let shop = shop().await;
    for (method, target, status) in [
        ("GET", "/", 404),
        ("GET", "/shpo/orders", 404),
        ("GET", "/_sandbox/fault", 404),
        ("PUT", "/_sandbox/faults", 405),
        ("GET", "/_sandbox/reset", 405),
    ] {
        let seen = send(shop.addr(), method, target, "").await;
        assert_eq!(seen.status(), status, "{target}");
        assert!(seen.text().contains("POST /_sandbox/faults"));
    }
}

#[tokio::test]
async fn web_pages_cannot_use_the_control_routes() {
    let shop = shop().await;
    let page = |header: &str| {
        format!("POST /_sandbox/reset HTTP/1.1\r\n{header}\r\nConnection: close\r\n\r\n")
    };
    for header in [
        "Host: evil.example",
        "Host: localhost\r\nOrigin: https://evil.example",
    ] {
        assert_eq!(
            raw(shop.addr(), page(header).as_bytes()).await.status(),
            403,
            "{header}"
        );
    }
    let origin = format!("Host: localhost\r\nOrigin: http://{}", shop.addr());
    assert_eq!(
        raw(shop.addr(), page(&origin).as_bytes()).await.status(),
        200
    );
}
