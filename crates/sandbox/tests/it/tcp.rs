//! Simulators with a protocol of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use business_tools_sandbox::{
    Arrival, CancellationToken, FaultKind, FaultRule, Sandbox, Simulator, Switchboard,
    TcpSimulator, async_trait,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::client::{PATIENCE, arm, fetch, send};

/// Answers each line with itself.
#[derive(Default)]
struct Echo {
    resets: AtomicUsize,
}

#[async_trait]
impl TcpSimulator for Echo {
    async fn serve(
        &self,
        listener: TcpListener,
        faults: Arc<Switchboard>,
        shutdown: CancellationToken,
    ) {
        let serve = async {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                while stream.read_line(&mut line).await.is_ok_and(|n| n > 0) {
                    let fault = faults.next("echo", "line", line.trim());
                    let arrival = Arrival::new("echo", "line", line.trim());
                    faults.record(arrival.fault(fault.as_ref().map(|fault| fault.kind)));
                    let answer = fault.map_or(line.clone(), |fault| {
                        format!("error {}\n", fault.status.unwrap_or_default())
                    });
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    line.clear();
                }
            }
        };
        shutdown.run_until_cancelled(serve).await;
    }

    async fn reset(&self) {
        self.resets.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_tcp_simulator_has_a_port_of_its_own_and_shares_the_switchboard() {
    let echo = Arc::new(Echo::default());
    let simulator = Simulator::tcp("echo", Arc::clone(&echo) as _).scheme("echo");
    let sandbox = Sandbox::new(vec![simulator]);
    let running = sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let addr = running.tcp["echo"];
    assert_eq!(running.base_url("echo"), format!("echo://{addr}"));
    assert_eq!(fetch(running.http, "/echo/x").await.status(), 421);

    // Codes of the protocol, not of HTTP.
    arm(
        running.http,
        serde_json::json!({
            "provider":"echo","kind":"status","status":11600,"path":"b","times":1
        }),
    )
    .await;
    let mut client = BufReader::new(TcpStream::connect(addr).await.unwrap());
    client.write_all(b"a\nb\nb\n").await.unwrap();
    for expected in ["a\n", "error 11600\n", "b\n"] {
        let mut line = String::new();
        client.read_line(&mut line).await.unwrap();
        assert_eq!(line, expected);
    }
    let board = running.switchboard();
    assert_eq!(board.count("echo"), 3);
    assert_eq!(
        board.requests(Some("echo"))[1].fault,
        Some(FaultKind::Status)
    );

    send(running.http, "POST", "/_sandbox/reset", "").await;
    assert_eq!(echo.resets.load(Ordering::SeqCst), 1);

    timeout(PATIENCE, running.shutdown()).await.unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap_or_default(), 0);
}

#[tokio::test]
async fn a_tcp_simulator_can_be_given_its_port() {
    // Found free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let simulator = Simulator::tcp("echo", Arc::new(Echo::default())).port(free.port());
    let running = Sandbox::new(vec![simulator])
        .start(([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    assert_eq!(running.tcp["echo"], free);
    assert_eq!(running.base_url("echo"), format!("tcp://{free}"));
}

#[tokio::test(start_paused = true)]
async fn faults_expire_by_the_clock_of_the_runtime() {
    let board = Switchboard::new();
    board.inject(
        FaultRule::new("echo", FaultKind::Latency)
            .for_ms(60_000)
            .delay_ms(5),
    );
    let fault = board.next("echo", "find", "db.things").unwrap();
    assert_eq!(
        (fault.kind, fault.delay),
        (FaultKind::Latency, Some(Duration::from_millis(5)))
    );
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(board.active()[0].rule.for_ms, Some(1000));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(board.next("echo", "find", "db.things"), None);
}
