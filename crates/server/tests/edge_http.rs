//! The listener and the layers against raw sockets: whatever a client sends, it gets its answer within a bound, and
//! the next honest one is served.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what tests share is test code too"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::{any, get, post};
use business_tools_mcp::edge::listen::{Limits, serve};
use business_tools_mcp::edge::{body, host::HostOrigin, mcp_post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const MAX_BODY: usize = 10_000;
const SOON: Duration = Duration::from_secs(5);

struct Server {
    address: SocketAddr,
    drain: CancellationToken,
    kill: CancellationToken,
    running: JoinHandle<std::io::Result<()>>,
}

fn app() -> Router {
    let mcp = Router::new()
        .route("/", any(|body: Bytes| async move { body }))
        .layer(axum::middleware::from_fn(mcp_post::inspect));
    Router::new()
        .nest("/mcp", mcp)
        .route("/", get(|| async { "ok" }))
        .route("/echo", post(|body: Bytes| async move { body }))
        .route(
            "/slow",
            get(|| async {
                sleep(Duration::from_millis(500)).await;
                "slow"
            }),
        )
        .layer(body::limit(MAX_BODY, Duration::from_millis(600)))
        .layer(HostOrigin::new(Vec::new(), Vec::new()))
}

async fn start(connections: usize) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits {
        connections,
        head_time: Duration::from_millis(800),
        ..Limits::default()
    };
    let (drain, kill) = (CancellationToken::new(), CancellationToken::new());
    let running = tokio::spawn(serve(listener, app(), limits, drain.clone(), kill.clone()));
    Server {
        address,
        drain,
        kill,
        running,
    }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        timeout(SOON, TcpStream::connect(self.address))
            .await
            .expect("connected in time")
            .unwrap()
    }

    /// Sends bytes and reads until the server closes.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may close before it has read everything.
        let _ = stream.write_all(bytes).await;
        rest(&mut stream).await
    }

    async fn honest(&self) {
        let begun = Instant::now();
        let answer = self
            .raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"),
            "{answer}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    let reading = async {
        // A reset after the answer is an end too.
        while let Ok(read @ 1..) = stream.read(&mut chunk).await {
            answer.extend_from_slice(&chunk[..read]);
        }
    };
    timeout(SOON, reading)
        .await
        .expect("the server ends the connection in time");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads one response head, and no further than what came with it.
async fn head(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    let mut chunk = [0; 4096];
    while !answer.contains("\r\n\r\n") {
        let read = timeout(SOON, stream.read(&mut chunk))
            .await
            .expect("an answer in time")
            .unwrap();
        assert_ne!(read, 0, "closed after {answer:?}");
        answer.push_str(&String::from_utf8_lossy(&chunk[..read]));
    }
    answer
}

fn status(answer: &str) -> u16 {
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .map_or(0, |code| code.parse().unwrap())
}

fn post_head(path: &str, framing: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
    )
}

#[tokio::test]
async fn slow_heads_and_silent_connections_end() {
    let server = start(100).await;
    for sent in [
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    ] {
        let begun = Instant::now();
        let answer = server.raw(sent.as_bytes()).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{sent:?}");
        assert!(answer.is_empty() || status(&answer) == 408, "{answer}");
    }
    // A byte now and then does not buy more time.
    let mut stream = server.connect().await;
    let begun = Instant::now();
    let mut open = true;
    while open && begun.elapsed() < SOON {
        open = stream.write_all(b"G").await.is_ok();
        sleep(Duration::from_millis(50)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(2));
    server.honest().await;
}

#[tokio::test]
async fn slow_bodies_are_408() {
    let server = start(100).await;
    for path in ["/echo", "/mcp"] {
        for (framing, part) in [
            ("Content-Length: 10", "{"),
            ("Transfer-Encoding: chunked", "5\r\nab"),
        ] {
            let answer = server
                .raw(format!("{}{part}", post_head(path, framing)).as_bytes())
                .await;
            assert_eq!(status(&answer), 408, "{path} {framing}: {answer}");
        }
    }
    server.honest().await;
}

#[tokio::test]
async fn large_bodies_are_413_and_large_heads_431() {
    let server = start(100).await;
    for path in ["/echo", "/mcp"] {
        let answer = server
            .raw(post_head(path, "Content-Length: 10001").as_bytes())
            .await;
        assert_eq!(status(&answer), 413, "{answer}");
        let answer = server
            .raw(post_head(path, "Content-Length: 99999999999999").as_bytes())
            .await;
        assert_eq!(status(&answer), 413, "{answer}");
        let chunks = format!("1000\r\n{}\r\n", "x".repeat(0x1000)).repeat(3);
        let head = post_head(path, "Transfer-Encoding: chunked");
        let answer = server
            .raw(format!("{head}{chunks}0\r\n\r\n").as_bytes())
            .await;
        assert_eq!(status(&answer), 413, "{answer}");
    }
    let full = format!(
        "{}{}",
        post_head("/echo", "Connection: close\r\nContent-Length: 10000"),
        "x".repeat(MAX_BODY)
    );
    assert_eq!(status(&server.raw(full.as_bytes()).await), 200);
    let long = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(40_000)
    );
    assert_eq!(status(&server.raw(long.as_bytes()).await), 431);
    let many = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        "X: y\r\n".repeat(2000)
    );
    assert_eq!(status(&server.raw(many.as_bytes()).await), 431);
    server.honest().await;
}

#[tokio::test]
async fn broken_framing_is_400() {
    let server = start(100).await;
    for path in ["/echo", "/mcp"] {
        for chunks in [
            "zz\r\nab\r\n0\r\n\r\n",
            "5\r\nabcdefgh\r\n0\r\n\r\n",
            "fffffffffffffffff\r\n",
            "-1\r\n",
        ] {
            let head = post_head(path, "Transfer-Encoding: chunked");
            let answer = server.raw(format!("{head}{chunks}").as_bytes()).await;
            assert_eq!(status(&answer), 400, "{path} {chunks:?}: {answer}");
        }
        for framing in [
            "Content-Length: x",
            "Content-Length: -1",
            "Content-Length: 1\r\nContent-Length: 2",
            "Transfer-Encoding: chunked, gzip",
        ] {
            let answer = server
                .raw(format!("{}ab", post_head(path, framing)).as_bytes())
                .await;
            assert_eq!(status(&answer), 400, "{path} {framing}: {answer}");
        }
    }
    server.honest().await;
}

#[tokio::test]
async fn two_lengths_smuggle_nothing() {
    let server = start(100).await;
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
    ] {
        // Whoever believes the length would take the rest for a request of its own.
        let smuggled = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let body = format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len());
        let answer = server
            .raw(format!("{}{body}", post_head("/echo", framing)).as_bytes())
            .await;
        assert!(matches!(status(&answer), 200 | 400), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    server.honest().await;
}

#[tokio::test]
async fn what_is_not_http_1_ends_at_once() {
    let server = start(100).await;
    let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    let h2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    let zeros = vec![0; 1000];
    for bytes in [
        tls,
        h2,
        zeros,
        b"\xff\xff\xff\xff\r\n\r\n".to_vec(),
        b"hello there\r\n\r\n".to_vec(),
    ] {
        let begun = Instant::now();
        let answer = server.raw(&bytes).await;
        assert!(
            answer.is_empty() || matches!(status(&answer), 400 | 505),
            "{bytes:?}: {answer}"
        );
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    let answer = server.raw(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(status(&answer), 400);
    server.honest().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start(100).await;
    let mut sent = String::new();
    for number in 0..50 {
        let body = format!("<{number}>");
        sent.push_str(&post_head(
            "/echo",
            &format!("Content-Length: {}", body.len()),
        ));
        sent.push_str(&body);
    }
    sent.push_str("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = server.raw(sent.as_bytes()).await;
    let places: Vec<_> = (0..50)
        .map(|number| answer.find(&format!("<{number}>")).unwrap())
        .collect();
    assert!(places.is_sorted());
    assert!(answer.ends_with("ok"));
}

#[tokio::test]
async fn messages_are_inspected_and_written_anew() {
    let server = start(100).await;
    let ask = async |headers: &str, body: &str| {
        let length = body.len();
        let text = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        let answer = server.raw(text.as_bytes()).await;
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned())
            .unwrap();
        (status(&answer), body)
    };
    let json = "Content-Type: application/json; charset=utf-8\r\n";
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let twice = r#"{"jsonrpc":"1.0", "jsonrpc":"2.0","id":1,"method":"ping","params":null}"#;
    assert_eq!(ask(json, twice).await, (200, ping.to_owned()));
    assert_eq!(ask("", ping).await.0, 415);
    assert_eq!(ask("Content-Type: text/plain\r\n", ping).await.0, 415);
    assert_eq!(
        ask("Content-Type: application/jsonx\r\n", ping).await.0,
        415
    );
    assert_eq!(
        ask(&format!("{json}Content-Encoding: gzip\r\n"), ping)
            .await
            .0,
        415
    );
    let (status, body) = ask(json, "{").await;
    assert!(status == 400 && body.contains("-32700"), "{body}");
    let (status, body) = ask(json, "").await;
    assert!(status == 400 && body.contains("-32700"), "{body}");
    let (status, body) = ask(json, &format!("[{ping}]")).await;
    assert!(status == 400 && body.contains("-32600"), "{body}");
    let (status, body) = ask(json, r#"{"jsonrpc":"2.0","id":5,"method":"tools/call"}"#).await;
    assert!(
        status == 200 && body.contains("-32602") && body.contains(r#""id":5"#),
        "{body}"
    );
    let answer = server
        .raw(b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(self::status(&answer), 200);
}

#[tokio::test]
async fn a_thousand_idle_connections_do_not_shut_honest_callers_out() {
    let server = start(200).await;
    let mut idle = Vec::new();
    let mut slow = server.connect().await;
    for number in 0..1000 {
        let mut stream = server.connect().await;
        if number % 2 == 0 {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHo").await;
        }
        idle.push(stream);
        if number == 100 {
            slow.write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .await
                .unwrap();
        }
        if number % 100 == 0 {
            server.honest().await;
        }
    }
    server.honest().await;
    // A running request is never the one that makes room.
    assert_eq!(status(&head(&mut slow).await), 200);
}

#[tokio::test]
async fn when_every_connection_is_busy_the_next_one_waits() {
    let server = start(2).await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream
            .write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        busy.push(stream);
    }
    sleep(Duration::from_millis(100)).await;
    server.honest().await;
    for mut stream in busy {
        assert_eq!(status(&head(&mut stream).await), 200);
    }
}

#[tokio::test]
async fn draining_finishes_running_requests_and_takes_no_more() {
    let server = start(100).await;
    let mut running = server.connect().await;
    running
        .write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut kept = server.connect().await;
    kept.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(status(&head(&mut kept).await), 200);
    server.drain.cancel();
    sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(server.address).await.is_err());
    assert_eq!(rest(&mut kept).await, "");
    let answer = rest(&mut running).await;
    assert!(
        status(&answer) == 200 && answer.ends_with("slow"),
        "{answer}"
    );
    timeout(SOON, server.running)
        .await
        .expect("ended")
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn killing_ends_everything() {
    let server = start(100).await;
    let mut running = server.connect().await;
    running
        .write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let _half = server.connect().await;
    sleep(Duration::from_millis(50)).await;
    server.kill.cancel();
    timeout(Duration::from_millis(300), server.running)
        .await
        .expect("ended")
        .unwrap()
        .unwrap();
    assert_eq!(rest(&mut running).await, "");
}
