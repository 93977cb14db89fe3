//! The guard of stdin and stdout, over pipes in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what tests share is test code too"
)]

use std::time::Duration;

use business_tools_mcp::edge::stdio::{Guard, Limits, guard};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, duplex,
};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(5);
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const OPENING: &str = r#"{"jsonrpc":"2.0","id":2,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

struct Setup {
    stdin: DuplexStream,
    stdout: BufReader<DuplexStream>,
    reader: BufReader<DuplexStream>,
    writer: DuplexStream,
    guard: Guard,
}

fn setup(line: usize) -> Setup {
    let (stdin, theirs) = duplex(1 << 20);
    let (stdout, ours) = duplex(1 << 20);
    let (reader, writer, guard) = guard(theirs, ours, Limits { line });
    Setup {
        stdin,
        stdout: BufReader::new(stdout),
        reader: BufReader::new(reader),
        writer,
        guard,
    }
}

async fn line(from: &mut BufReader<DuplexStream>) -> String {
    let mut line = String::new();
    timeout(SOON, from.read_line(&mut line))
        .await
        .expect("a line in time")
        .unwrap();
    line
}

async fn message(from: &mut BufReader<DuplexStream>) -> Value {
    serde_json::from_str(&line(from).await).unwrap()
}

#[tokio::test]
async fn lines_pass_in_order_and_the_end_of_stdin_is_passed_on() {
    let mut setup = setup(1000);
    let input = format!(
        "\n  \r\n{PING}\r\n\t\n{}",
        r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#
    );
    setup.stdin.write_all(input.as_bytes()).await.unwrap();
    drop(setup.stdin);
    assert_eq!(line(&mut setup.reader).await, format!("{PING}\n"));
    assert_eq!(message(&mut setup.reader).await["id"], 2);
    assert_eq!(line(&mut setup.reader).await, "");
}

#[tokio::test]
async fn broken_lines_are_answered_and_the_next_one_is_served() {
    let mut setup = setup(200);
    for (bad, code) in [
        ("nonsense".to_owned(), -32700),
        ("[]".to_owned(), -32600),
        ("x".repeat(201), -32600),
        ("y".repeat(500_000), -32600),
    ] {
        setup
            .stdin
            .write_all(format!("{bad}\n").as_bytes())
            .await
            .unwrap();
        let answer = message(&mut setup.stdout).await;
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&Value::Null, &json!(code)),
            "{bad:.20}"
        );
    }
    setup.stdin.write_all(b"\xff\xfe\n").await.unwrap();
    assert_eq!(message(&mut setup.stdout).await["error"]["code"], -32700);
    let call = r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":7}}"#;
    setup
        .stdin
        .write_all(format!("{call}\n{PING}\n").as_bytes())
        .await
        .unwrap();
    let answer = message(&mut setup.stdout).await;
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(9), &json!(-32602))
    );
    assert_eq!(line(&mut setup.reader).await, format!("{PING}\n"));
}

#[tokio::test]
async fn a_line_of_exactly_the_limit_passes_with_either_end() {
    let mut setup = setup(PING.len());
    setup
        .stdin
        .write_all(format!("{PING}\n{PING}\r\n{PING} \n").as_bytes())
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(line(&mut setup.reader).await, format!("{PING}\n"));
    }
    assert_eq!(message(&mut setup.stdout).await["error"]["code"], -32600);
}

#[tokio::test]
async fn nothing_but_a_request_comes_before_the_one_that_opens() {
    let mut setup = setup(1000);
    let early = concat!(
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}"#,
        "\n",
    );
    setup
        .stdin
        .write_all(format!("{early}{PING}\n{early}{OPENING}\n{early}").as_bytes())
        .await
        .unwrap();
    // The library answers a ping and still waits for its handshake.
    assert_eq!(line(&mut setup.reader).await, format!("{PING}\n"));
    assert_eq!(line(&mut setup.reader).await, format!("{OPENING}\n"));
    assert_eq!(
        message(&mut setup.reader).await["method"],
        "notifications/initialized"
    );
    assert_eq!(message(&mut setup.reader).await["id"], 1);
}

#[tokio::test]
async fn frames_and_answers_never_interleave() {
    let mut setup = setup(1000);
    let writing = tokio::spawn(async move {
        for number in 0..200 {
            let frame = format!("{{\"frame\":{number},\"text\":\"{}\"}}\n", "z".repeat(3000));
            // In pieces, as a busy library would write.
            for part in frame.as_bytes().chunks(1000) {
                setup.writer.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
        setup.writer
    });
    let sending = tokio::spawn(async move {
        for _ in 0..200 {
            setup.stdin.write_all(b"bad\n").await.unwrap();
            tokio::task::yield_now().await;
        }
        setup.stdin
    });
    let (mut frames, mut errors) = (0, 0);
    while frames + errors < 400 {
        let message = message(&mut setup.stdout).await;
        if message["frame"] == frames {
            frames += 1;
        } else {
            assert_eq!(message["error"]["code"], -32700);
            errors += 1;
        }
    }
    assert_eq!((frames, errors), (200, 200));
    drop((writing.await.unwrap(), sending.await.unwrap()));
}

#[tokio::test]
async fn the_end_writes_what_came_last() {
    let mut setup = setup(1000);
    setup.writer.write_all(b"{\"last\":1}\n").await.unwrap();
    drop((setup.writer, setup.reader));
    // Stdin stays open.
    timeout(Duration::from_secs(1), setup.guard.finish())
        .await
        .expect("no hanging");
    let mut rest = String::new();
    setup.stdout.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "{\"last\":1}\n");
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_client_that_stopped_reading() {
    let (_stdin, theirs) = duplex(64);
    let (_stdout, ours) = duplex(64);
    let (_reader, mut writer, guard) = guard(theirs, ours, Limits::default());
    writer.write_all(&[b'a'; 1000]).await.unwrap();
    writer.write_all(b"\n").await.unwrap();
    timeout(Duration::from_secs(3), guard.finish())
        .await
        .expect("no hanging");
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_writer_that_is_kept() {
    let setup = setup(1000);
    timeout(Duration::from_secs(1), setup.guard.finish())
        .await
        .expect("no hanging");
}
