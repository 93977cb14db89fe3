//! Where it listens, what it bears and how it ends.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use business_tools_sandbox::axum::Router;
use business_tools_sandbox::{CancellationToken, FaultKind, FaultRule, Limits, Sandbox, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::client::{End, PATIENCE, Shop, fetch, raw, read_to_end, request, send, shop, simulator};

async fn limited(limits: Limits) -> Shop {
    let orders = Arc::default();
    let sandbox = Sandbox::new(vec![simulator(&orders)]).limits(limits);
    Shop {
        running: sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap(),
        orders,
    }
}

#[tokio::test]
async fn only_loopback_addresses_are_accepted() {
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let error = Sandbox::new(vec![])
            .start(addr.parse().unwrap())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("loopback only"), "{error}");
    }
}

#[tokio::test]
async fn names_are_distinct_and_fit_in_a_path() {
    let start = async |ids: &[&'static str]| {
        let all = ids
            .iter()
            .map(|id| Simulator::http(id, Router::new()))
            .collect();
        Sandbox::new(all)
            .start(([127, 0, 0, 1], 0).into())
            .await
            .map(drop)
            .map_err(|e| e.kind())
    };
    for ids in [&["a", "a"][..], &["_sandbox"], &[""], &["a/b"], &["A"]] {
        assert_eq!(start(ids).await, Err(ErrorKind::InvalidInput), "{ids:?}");
    }
    assert_eq!(start(&["google-ads", "s3"]).await, Ok(()));
}

#[tokio::test]
async fn a_taken_port_is_named_in_the_error() {
    let shop = shop().await;
    let error = Sandbox::new(vec![]).start(shop.addr()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&shop.addr().to_string()));
}

#[tokio::test]
async fn simulators_see_paths_without_their_name_and_know_where_they_are() {
    let shop = shop().await;
    assert_eq!(
        shop.running.base_url("shop"),
        format!("http://{}/shop", shop.addr())
    );
    let seen = fetch(shop.addr(), "/shop/mount?x=1").await;
    assert_eq!(seen.text(), shop.running.base_url("shop"));
    assert_eq!(fetch(shop.addr(), "/bare").await.text(), "bare");
    assert_eq!(fetch(shop.addr(), "/bare/").await.text(), "bare");
    assert_eq!(fetch(shop.addr(), "/shop//orders").await.status(), 404);
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_in_the_providers_shape() {
    let shop = shop().await;
    let fits = "x".repeat(100_000);
    assert_eq!(
        send(shop.addr(), "POST", "/shop/echo", &fits)
            .await
            .body
            .len(),
        100_000
    );
    for size in [100_001, 5_000_000] {
        let seen = send(shop.addr(), "POST", "/shop/echo", &"x".repeat(size)).await;
        assert_eq!((seen.status(), seen.end), (413, End::Closed));
        assert_eq!(String::from_utf8_lossy(&seen.body), r#"{"code":20413}"#);
    }
}

#[tokio::test]
async fn hostile_heads_get_the_right_status() {
    let shop = shop().await;
    let many = "X-Many: 1\r\n".repeat(500);
    let large = format!("X: {}\r\n", "x".repeat(200_000));
    for (head, status) in [
        (format!("GET /shop/orders HTTP/1.1\r\n{many}\r\n"), 431),
        (format!("GET /shop/orders HTTP/1.1\r\n{large}\r\n"), 431),
        (
            format!("GET /shop/{} HTTP/1.1\r\n\r\n", "x".repeat(66_000)),
            414,
        ),
        ("\u{0}\u{1}\u{2}\r\n\r\n".into(), 400),
        ("GET\r\n\r\n".into(), 400),
        (
            "POST /shop/echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n".into(),
            400,
        ),
        (
            "POST /shop/echo HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n".into(),
            400,
        ),
        (
            "OPTIONS * HTTP/1.1\r\nConnection: close\r\n\r\n".into(),
            404,
        ),
        (
            "CONNECT a:1 HTTP/1.1\r\nConnection: close\r\n\r\n".into(),
            404,
        ),
        (
            "GET http://api.example/shop/orders HTTP/1.1\r\nConnection: close\r\n\r\n".into(),
            200,
        ),
    ] {
        let seen = raw(shop.addr(), head.as_bytes()).await;
        assert_eq!(seen.status(), status, "{head:.60}");
    }
    assert_eq!(fetch(shop.addr(), "/shop/orders").await.status(), 200);
}

#[tokio::test]
async fn a_panic_in_a_simulator_is_a_500() {
    let shop = shop().await;
    assert_eq!(fetch(shop.addr(), "/shop/panic").await.status(), 500);
    assert_eq!(fetch(shop.addr(), "/shop/orders").await.status(), 200);
}

#[tokio::test]
async fn heads_and_bodies_that_do_not_come_time_out() {
    let short = Duration::from_millis(200);
    let shop = limited(Limits {
        head_timeout: short,
        body_timeout: short,
        ..Limits::default()
    })
    .await;
    let seen = raw(shop.addr(), b"GET /shop/orders HTT").await;
    assert_eq!(seen.end, End::Closed);
    let head = b"POST /shop/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf";
    let seen = raw(shop.addr(), head).await;
    assert_eq!(
        (seen.status(), seen.header("connection")),
        (408, Some("close"))
    );
}

#[tokio::test]
async fn connections_over_the_bound_wait_for_a_slot() {
    let shop = limited(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let mut first = TcpStream::connect(shop.addr()).await.unwrap();
    first
        .write_all(b"GET /shop/orders HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = [0; 1024];
    assert!(first.read(&mut bytes).await.unwrap() > 0);

    let mut second = TcpStream::connect(shop.addr()).await.unwrap();
    second
        .write_all(&request("GET", "/shop/orders", &[], ""))
        .await
        .unwrap();
    assert!(
        timeout(Duration::from_millis(200), second.readable())
            .await
            .is_err()
    );
    drop(first);
    assert_eq!(read_to_end(&mut second).await.status(), 200);
}

#[tokio::test]
async fn a_client_that_leaves_a_hang_frees_its_slot() {
    let shop = limited(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    shop.running
        .switchboard()
        .inject(FaultRule::new("shop", FaultKind::Hang).times(1));
    let mut first = TcpStream::connect(shop.addr()).await.unwrap();
    first
        .write_all(&request("GET", "/shop/orders", &[], ""))
        .await
        .unwrap();
    assert!(
        timeout(Duration::from_millis(200), first.readable())
            .await
            .is_err()
    );
    drop(first);
    assert_eq!(fetch(shop.addr(), "/shop/orders").await.status(), 200);
}

#[tokio::test]
async fn shutdown_lets_requests_in_flight_finish_and_closes_idle_connections() {
    let shop = shop().await;
    let addr = shop.addr();
    let mut idle = TcpStream::connect(addr).await.unwrap();
    let slow = tokio::spawn(async move { fetch(addr, "/shop/slow").await });
    sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    shop.running.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(slow.await.unwrap().text(), "done");
    assert_eq!(read_to_end(&mut idle).await.end, End::Closed);
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn shutdown_does_not_wait_past_the_grace() {
    let grace = Duration::from_millis(50);
    let shop = limited(Limits {
        grace,
        ..Limits::default()
    })
    .await;
    let addr = shop.addr();
    let late = FaultRule::new("shop", FaultKind::Latency).delay_ms(10_000);
    shop.running.switchboard().inject(late);
    let slow = tokio::spawn(async move { fetch(addr, "/shop/orders").await });
    sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    shop.running.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(slow.await.unwrap().head, "");
}

#[tokio::test]
async fn a_token_or_a_drop_ends_it() {
    let token = CancellationToken::new();
    let sandbox = Sandbox::new(vec![]).until(&token);
    let running = sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap();
    token.cancel();
    timeout(PATIENCE, running.ended()).await.unwrap();

    let shop = shop().await;
    let addr = shop.addr();
    drop(shop);
    let refused = async {
        while TcpStream::connect(addr).await.is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, refused).await.unwrap();
}
