//! A client that is refused while it still sends learns why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what tests share is test code too"
)]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use business_tools_mcp::edge::body;
use business_tools_mcp::edge::host::HostOrigin;
use business_tools_mcp::edge::listen::{Limits, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .route(
            "/",
            post(|body: Bytes| async move { body.len().to_string() }),
        )
        .layer(body::limit(1 << 20, Duration::from_secs(3)).within(8 << 20))
        .layer(HostOrigin::new(Vec::new(), Vec::new()));
    let limits = Limits {
        head_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let never = CancellationToken::new();
    tokio::spawn(serve(listener, app, limits, never.clone(), never));
    address
}

/// As the simplest clients do it: sends everything, and only then looks for an answer.
fn send_then_read(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream.write_all(bytes).expect("the server lets it finish");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("no reset");
    let _ = stream.shutdown(Shutdown::Both);
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_arrives_although_the_body_was_not_read() {
    let address = start().await;
    let body = "x".repeat(8 << 20);
    let declared = format!("content-length: {}\r\n\r\n{body}", body.len());
    let chunked = format!(
        "transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    for framing in [declared, chunked] {
        for _ in 0..5 {
            let request = format!("POST / HTTP/1.1\r\nhost: localhost\r\n{framing}");
            let answer =
                tokio::task::spawn_blocking(move || send_then_read(address, request.as_bytes()))
                    .await
                    .unwrap();
            assert!(answer.starts_with("HTTP/1.1 413"), "{answer:.200}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_http_library_ends_in_silence_gets_a_last_word() {
    let address = start().await;
    for (sent, status) in [
        ("POST / HTTP/1.1\r\nhost: local", "HTTP/1.1 408"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505"),
        // Nothing was asked, so nothing is answered.
        ("", ""),
    ] {
        let answer = tokio::task::spawn_blocking(move || send_then_read(address, sent.as_bytes()))
            .await
            .unwrap();
        assert!(answer.starts_with(status), "{sent:?}: {answer:?}");
        assert_eq!(answer.is_empty(), status.is_empty(), "{sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_never_end_do_not_fill_the_memory_together() {
    let address = start().await;
    // Each is allowed by itself; all of them are more than there is room for.
    let unfinished = tokio::task::spawn_blocking(move || {
        let part = vec![b'x'; (1 << 20) - 1];
        (0..20)
            .map(|_| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream
                    .set_write_timeout(Some(Duration::from_secs(5)))
                    .unwrap();
                let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1048576\r\n\r\n";
                stream.write_all(head.as_bytes()).unwrap();
                let _ = stream.write_all(&part);
                stream
            })
            .collect::<Vec<_>>()
    })
    .await
    .unwrap();
    let statuses = tokio::task::spawn_blocking(move || {
        unfinished
            .into_iter()
            .map(|mut stream| {
                let mut status = [0; 12];
                stream
                    .set_read_timeout(Some(Duration::from_secs(10)))
                    .unwrap();
                stream.read_exact(&mut status).unwrap();
                String::from_utf8(status.to_vec()).unwrap()
            })
            .collect::<Vec<_>>()
    })
    .await
    .unwrap();
    let count = |status: &str| statuses.iter().filter(|s| s.ends_with(status)).count();
    assert!(count("503") > 0, "{statuses:?}");
    assert_eq!(count("503") + count("408"), 20, "{statuses:?}");
    let whole =
        "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let answer = tokio::task::spawn_blocking(move || send_then_read(address, whole.as_bytes()))
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_other_kinds_of_servers_is_refused() {
    let address = start().await;
    let host = "host: localhost\r\n";
    for (line, fields, status) in [
        ("TRACE / HTTP/1.1", host, 405),
        ("CONNECT localhost:80 HTTP/1.1", host, 404),
        ("CONNECT other.example:443 HTTP/1.1", host, 400),
        (
            "CONNECT other.example:443 HTTP/1.1",
            "host: other.example:443\r\n",
            403,
        ),
        ("GET http://other.example/ HTTP/1.1", host, 400),
        ("OPTIONS * HTTP/1.1", host, 404),
        ("GET /", "", 400),
        ("GET / HTTP/1.0", "", 400),
        ("GET / HTTP/2.0", host, 400),
        ("GET / HTTP/1.1", "host : localhost\r\n", 400),
        ("GET / HTTP/1.1", " host: localhost\r\n", 400),
        (
            "POST / HTTP/1.1",
            "host: localhost\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n",
            413,
        ),
    ] {
        let request = format!("{line}\r\n{fields}\r\n");
        let answer =
            tokio::task::spawn_blocking(move || send_then_read(address, request.as_bytes()))
                .await
                .unwrap();
        let code = answer.get(9..12).map(str::parse);
        assert_eq!(code, Some(Ok(status)), "{line} {fields:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_closes_its_side_has_gone_away() {
    let address = start().await;
    // A closed side cannot be told from a client that is gone, and then the work for it stops. So no answer is due;
    // but the connection ends at once, and others are served.
    for sent in [
        "POST / HTTP/1.1\r\nhost: local",
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let ended = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            stream.write_all(sent.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            stream.read_to_end(&mut Vec::new())
        })
        .await
        .unwrap();
        assert!(ended.is_ok(), "{sent:?}: {ended:?}");
    }
    let whole =
        "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let answer = tokio::task::spawn_blocking(move || send_then_read(address, whole.as_bytes()))
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
