//! A client that shows what a library would hide: bytes, and how the connection ended.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::routing::{get, post};
use business_tools_sandbox::{Callback, Form, Mount, Outbox, Running, Sandbox, Simulator, json};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Reset,
}

#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

impl Seen {
    pub(crate) fn status(&self) -> u16 {
        self.head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) async fn raw(addr: SocketAddr, bytes: &[u8]) -> Seen {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    // A server that already answered may have closed on what is still being sent.
    let _ = stream.write_all(bytes).await;
    read_to_end(&mut stream).await
}

pub(crate) async fn read_to_end(stream: &mut TcpStream) -> Seen {
    let mut all = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    let end = timeout(PATIENCE, async {
        loop {
            match stream.read(&mut chunk).await {
                Ok(0) => return End::Closed,
                Ok(n) => all.extend_from_slice(&chunk[..n]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return End::Reset,
                Err(error) => panic!("{error}"),
            }
        }
    });
    let end = end.await.expect("the connection never ended");
    let split = all
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .map_or(all.len(), |at| at + 4);
    let body = all.split_off(split);
    Seen {
        head: String::from_utf8(all).unwrap(),
        body,
        end,
    }
}

pub(crate) fn request(method: &str, target: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let headers = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect::<Vec<_>>()
        .concat();
    let length = body.len();
    let text = format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    );
    text.into_bytes()
}

pub(crate) async fn send(addr: SocketAddr, method: &str, target: &str, body: &str) -> Seen {
    raw(addr, &request(method, target, &[], body)).await
}

pub(crate) async fn fetch(addr: SocketAddr, target: &str) -> Seen {
    send(addr, "GET", target, "").await
}

pub(crate) async fn arm(addr: SocketAddr, rule: Value) {
    let seen = send(addr, "POST", "/_sandbox/faults", &rule.to_string()).await;
    assert_eq!(seen.status(), 201, "{}", seen.text());
}

/// A simulator that counts its orders.
pub(crate) struct Shop {
    pub(crate) running: Running,
    pub(crate) orders: Arc<AtomicUsize>,
}

impl Shop {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.http
    }

    pub(crate) fn orders(&self) -> usize {
        self.orders.load(Ordering::SeqCst)
    }
}

pub(crate) fn simulator(orders: &Arc<AtomicUsize>) -> Simulator {
    let (ordering, listing) = (Arc::clone(orders), Arc::clone(orders));
    let (resetting, describing) = (Arc::clone(orders), Arc::clone(orders));
    let order = async move || {
        let number = ordering.fetch_add(1, Ordering::SeqCst) + 1;
        json::answer(StatusCode::CREATED, &json!({ "order": number }))
    };
    let list = async move || json::ok(&json!({ "orders": listing.load(Ordering::SeqCst) }));
    let router = Router::new()
        .route("/orders", post(order).get(list))
        .route("/large", get(async || "x".repeat(1_000_000)))
        .route("/empty", get(async || StatusCode::NO_CONTENT))
        .route("/echo", post(async |body: String| body))
        .route("/tell", post(tell))
        .route("/wait", post(wait))
        .route("/mount", get(async |mount: Mount| mount.base_url))
        .route(
            "/slow",
            get(async || {
                tokio::time::sleep(Duration::from_millis(300)).await;
                "done"
            }),
        )
        .route(
            "/panic",
            get(async || -> String { panic!("a bug in a simulator") }),
        );
    Simulator::http("shop", router)
        .body_limit(100_000)
        .on_fault_status(|status| json!({ "code": 20_000 + u32::from(status.as_u16()) }))
        .on_reset(move || resetting.store(0, Ordering::SeqCst))
        .on_describe(move || json!({ "orders": describing.load(Ordering::SeqCst) }))
}

/// Calls back to the URL in the body.
async fn tell(outbox: Outbox, url: String) -> StatusCode {
    let form: Form = [("password", "s3cret"), ("n", "1")].into_iter().collect();
    let to = outbox.clone();
    outbox.follow(async move {
        // Where it ended is what the sandbox lists.
        let _ = to.send(Callback::post(&url).form(&form)).await;
    });
    StatusCode::NO_CONTENT
}

/// Waits for something that does not happen.
async fn wait(outbox: Outbox) -> StatusCode {
    outbox.follow(std::future::pending());
    StatusCode::NO_CONTENT
}

pub(crate) async fn shop() -> Shop {
    let orders = Arc::new(AtomicUsize::new(0));
    let bare = Simulator::http("bare", Router::new().route("/", get(async || "bare")));
    let sandbox = Sandbox::new(vec![simulator(&orders), bare]);
    let running = sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap();
    Shop { running, orders }
}
