//! Who may come in over HTTP, and what is told of those who may not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod binary;

use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use binary::{FROM, Folder, Server, TO, command_in};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

const ADMIN: &str = "CANARY-admin-key-0123456789";
const READER: &str = "CANARY-reader-key-0123456789";
const WRONG: &str = "CANARY-wrong-key-0123456789";

/// As operators make it.
fn hash(key: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(key.as_bytes())
        .unwrap();
    let out = child.wait_with_output().unwrap().stdout;
    String::from_utf8(out).unwrap()[..64].to_owned()
}

fn config() -> String {
    format!(
        "reload: {{ interval: 100ms }}\naudit: {{ file: audit.jsonl }}\nserver:\n  auth:\n    keys:\n\
         \x20     admin: {{ key: \"env:ADMIN_KEY\" }}\n\
         \x20     reader: {{ key: \"sha256:{}\", tenant: acme, read_only: true, exclude: [mongo] }}\n",
        hash(READER)
    )
}

fn start(folder: &Folder, args: &[&str]) -> Server {
    let args = [&["--sandbox"], args].concat();
    Server::start_with(&folder.0, &[("ADMIN_KEY", ADMIN)], &args)
}

fn ask(server: &Server, method: Method, path: &str, key: Option<&str>) -> RequestBuilder {
    let request = server
        .http
        .request(method, format!("{}{path}", server.base));
    match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    }
}

async fn get(server: &Server, path: &str, key: Option<&str>) -> Response {
    ask(server, Method::GET, path, key).send().await.unwrap()
}

async fn send(server: &Server, key: &str) -> (u16, Value) {
    let args = json!({"to": TO, "from": FROM, "body": "hello"});
    let answer = ask(
        server,
        Method::POST,
        "/v1/tools/twilio_send_message",
        Some(key),
    )
    .json(&args)
    .send()
    .await
    .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn audit(folder: &Folder, event: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.0.join("audit.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["event"] == event)
        .collect()
}

/// Nothing that the server wrote holds a key.
fn no_key_in(server: &Server, folder: &Folder, more: &[String]) {
    let log = server.log.lock().unwrap().join("\n");
    let audit = std::fs::read_to_string(folder.0.join("audit.jsonl")).unwrap_or_default();
    for text in [&log, &audit].into_iter().chain(more) {
        assert!(!text.contains("CANARY"), "{text}");
    }
}

#[tokio::test]
async fn without_a_key_only_life_and_the_overall_state_are_told() {
    let folder = Folder::new(&[("config.yaml", &config())]);
    let server = start(&folder, &[]);
    let mut told = Vec::new();
    for path in [
        "/",
        "/mcp",
        "/v1/tools",
        "/v1/tools/twilio_send_message",
        "/v1/artifacts/a/b",
        "/openapi.json",
        "/docs",
        "/metrics",
        "/nowhere",
    ] {
        for (key, code, words) in [
            (None, "AUTH_REQUIRED", "Bearer realm"),
            (Some(WRONG), "AUTH_FAILED", "invalid_token"),
        ] {
            let answer = get(&server, path, key).await;
            assert_eq!(answer.status(), 401, "{path}");
            let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains(words), "{challenge}");
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["error"]["code"], code, "{body}");
            assert!(body["error"]["hint"].is_string(), "{body}");
            assert!(body["error"]["details"]["request_id"].is_string(), "{body}");
            told.push(body.to_string());
        }
    }
    for path in ["/live", "/ready"] {
        assert_eq!(get(&server, path, None).await.status(), 200);
    }
    let health: Value = get(&server, "/health", None).await.json().await.unwrap();
    assert!(health["status"].is_string() && health["checks"].is_null());
    let health: Value = get(&server, "/health", Some(ADMIN))
        .await
        .json()
        .await
        .unwrap();
    assert!(health["checks"].is_object(), "{health}");
    assert_eq!(get(&server, "/health", Some(WRONG)).await.status(), 401);
    let metrics = get(&server, "/metrics", Some(READER))
        .await
        .text()
        .await
        .unwrap();
    for line in [
        "mcp_auth_failures_total{reason=\"missing\"} 9",
        "mcp_auth_failures_total{reason=\"unknown\"} 10",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let lines = audit(&folder, "authentication");
    assert_eq!(lines.len(), 19);
    let first = &lines[0];
    assert_eq!(
        (&first["outcome"], &first["reason"], &first["from"]),
        (
            &json!("AUTH_REQUIRED"),
            &json!("missing"),
            &json!("127.0.0.1")
        )
    );
    server.logged(&["a caller was not let in", "unknown"]).await;
    told.push(metrics);
    no_key_in(&server, &folder, &told);
}

#[tokio::test]
async fn a_caller_is_recorded_by_name_and_does_what_its_key_allows() {
    let folder = Folder::new(&[("config.yaml", &config())]);
    let server = start(&folder, &[]);
    let (status, sent) = send(&server, ADMIN).await;
    assert_eq!(status, 200, "{sent}");
    let (status, refused) = send(&server, READER).await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (403, &json!("READ_ONLY")),
        "{refused}"
    );
    // What a caller asks for itself makes nothing wider.
    let widened = ask(
        &server,
        Method::POST,
        "/v1/tools/twilio_send_message?read_only=false",
        Some(READER),
    )
    .header("x-bt-readonly", "false")
    .json(&json!({"to": TO, "from": FROM, "body": "hello"}))
    .send()
    .await
    .unwrap();
    assert_eq!(widened.status(), 403);
    let listed = server
        .request("tools/list", json!({}))
        .header("x-api-key", READER)
        .send()
        .await
        .unwrap();
    let listed = listed.text().await.unwrap();
    assert!(listed.contains("twilio_list_messages"), "{listed}");
    assert!(!listed.contains("twilio_send_message") && !listed.contains("mongo_"));
    let called = server
        .request(
            "tools/call",
            json!({"name": "twilio_list_messages", "arguments": {}}),
        )
        .bearer_auth(READER)
        .send()
        .await
        .unwrap();
    assert_eq!(called.status(), 200);
    let calls = audit(&folder, "call");
    let who = |line: &Value| format!("{}/{}", line["tenant"], line["subject"]).replace('"', "");
    let who: Vec<String> = calls.iter().map(who).collect();
    assert_eq!(
        who,
        ["default/admin", "acme/reader", "acme/reader", "acme/reader"]
    );
    no_key_in(&server, &folder, &[]);
}

#[tokio::test]
async fn a_session_belongs_to_whoever_began_it() {
    let folder = Folder::new(&[("config.yaml", &config())]);
    let server = start(&folder, &[]);
    let post = |key: &str, session: Option<&str>, body: Value| {
        let request = ask(&server, Method::POST, "/mcp", Some(key))
            .header("accept", "application/json, text/event-stream")
            .json(&body);
        match session {
            Some(session) => request.header("mcp-session-id", session),
            None => request,
        }
    };
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}}});
    let begun = post(ADMIN, None, hello).send().await.unwrap();
    assert_eq!(begun.status(), 200);
    let session = begun.headers()["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let ready = post(ADMIN, Some(&session), ready).send().await.unwrap();
    assert!(ready.status().is_success());
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}});
    let others = post(READER, Some(&session), list.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(others.status(), 404);
    let end = ask(&server, Method::DELETE, "/mcp", Some(READER)).header("mcp-session-id", &session);
    assert_eq!(end.send().await.unwrap().status(), 404);
    let own = post(ADMIN, Some(&session), list).send().await.unwrap();
    assert_eq!(own.status(), 200);
    assert!(own.text().await.unwrap().contains("twilio_send_message"));
}

#[tokio::test]
async fn keys_are_replaced_while_the_server_runs() {
    let folder = Folder::new(&[("config.yaml", &config())]);
    let server = start(&folder, &[]);
    assert_eq!(get(&server, "/v1/tools", Some(READER)).await.status(), 200);
    let next = config().replace(&hash(READER), &hash("CANARY-next-key-0123456789"));
    folder.replace("config.yaml", &next);
    let started = Instant::now();
    while get(&server, "/v1/tools", Some(READER)).await.status() != 401 {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "the old key goes on"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let next = get(&server, "/v1/tools", Some("CANARY-next-key-0123456789")).await;
    assert_eq!(next.status(), 200);
    assert_eq!(get(&server, "/v1/tools", Some(ADMIN)).await.status(), 200);
    server
        .logged(&["server.auth.keys.reader.key is another one now"])
        .await;
    let changed = audit(&folder, "configuration");
    let change = &changed.last().unwrap()["changes"][0];
    assert_eq!(
        *change,
        json!({"setting": "server.auth.keys.reader.key", "from": "***", "to": "***"})
    );
    assert_eq!(changed.last().unwrap()["by"], "a file");
    no_key_in(&server, &folder, &[]);
}

#[tokio::test]
async fn a_flood_of_refusals_is_counted_and_fills_neither_log_nor_audit() {
    let folder = Folder::new(&[("config.yaml", &config())]);
    let server = start(&folder, &[]);
    let started = Instant::now();
    for _ in 0..200 {
        let answer = get(&server, "/v1/tools", Some(WRONG)).await;
        assert_eq!(answer.status(), 401);
    }
    let most = 20 + usize::try_from(started.elapsed().as_secs()).unwrap() + 1;
    let lines = audit(&folder, "authentication").len();
    assert!((1..=most).contains(&lines), "{lines}");
    let metrics = get(&server, "/metrics", Some(ADMIN))
        .await
        .text()
        .await
        .unwrap();
    assert!(metrics.contains("mcp_auth_failures_total{reason=\"unknown\"} 200"));
}

#[tokio::test]
async fn a_key_in_the_environment_is_enough_and_opens_a_public_address() {
    let folder = Folder::new(&[]);
    let env = [("BUSINESS_TOOLS_API_KEY", ADMIN)];
    let server = Server::start_with(&folder.0, &env, &["--sandbox"]);
    assert_eq!(get(&server, "/v1/tools", None).await.status(), 401);
    assert_eq!(get(&server, "/v1/tools", Some(ADMIN)).await.status(), 200);
    let public = |key: Option<&str>| {
        let mut command = command_in(&folder.0, &["serve", "--sandbox", "--listen", "0.0.0.0:0"]);
        command.stderr(std::process::Stdio::piped());
        if let Some(key) = key {
            command.env("BUSINESS_TOOLS_API_KEY", key);
        }
        binary::Process(command.spawn().unwrap())
    };
    let refused = public(None).exit_within(Duration::from_secs(20));
    assert_eq!(refused, Some(2));
    let mut open = public(Some(ADMIN));
    let log = BufReader::new(open.0.stderr.take().unwrap());
    let listens = |line: std::io::Result<String>| line.unwrap().starts_with("listening on");
    assert!(log.lines().any(listens));
}

#[test]
fn settings_of_keys_are_checked_and_never_shown() {
    let folder = Folder::new(&[]);
    let run = |args: &[&str], text: &str| {
        folder.write("config.yaml", text);
        let done = command_in(&folder.0, args)
            .env("ADMIN_KEY", ADMIN)
            .output()
            .unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(text).unwrap())
    };
    let (good, shown) = run(&["config", "show"], &config());
    assert!(good, "{shown}");
    assert!(shown.contains("admin") && shown.contains("***"), "{shown}");
    assert!(
        !shown.contains("CANARY") && !shown.contains(&hash(READER)),
        "{shown}"
    );
    for (keys, words) in [
        ("{ a: { key: CANARY-short } }", "at least 16 characters"),
        ("{ a: { key: \"sha256:CANARY\" } }", "64 hexadecimal digits"),
        (
            "{ a: { tenant: x } }",
            "server.auth.keys.a: `key` is missing",
        ),
        ("{ a: { key: \"env:NOT_THERE\" } }", "has 1 fault"),
        (
            "{ a: { key: CANARY-0123456789 }, b: { key: CANARY-0123456789 } }",
            "is the key of `a` too",
        ),
        (
            "{ \"A B\": { key: CANARY-0123456789 } }",
            "server.auth.keys",
        ),
    ] {
        let (good, told) = run(
            &["config", "check"],
            &format!("server: {{ auth: {{ keys: {keys} }} }}\n"),
        );
        assert!(!good && told.contains(words), "{keys}: {told}");
        assert!(!told.contains("CANARY"), "{told}");
    }
}

#[test]
fn production_wants_a_key_on_a_public_address() {
    let folder = Folder::new(&[]);
    let mut command = command_in(
        &folder.0,
        &[
            "serve",
            "--listen",
            "0.0.0.0:0",
            "--allow-unauthenticated-public",
        ],
    );
    let done = command.env("ENVIRONMENT", "production").output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(2), "{told}");
    assert!(
        told.contains("server.auth.keys") && told.contains("unauthenticated"),
        "{told}"
    );
}
