//! Drives the real binary: over HTTP with its sandbox, and over stdio.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    missing_docs,
    reason = "this is test code"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio as Pipe};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub const BIN: &str = env!("CARGO_BIN_EXE_business-tools-mcp");
pub const MODERN: &str = "2026-07-28";
pub const FROM: &str = "+15005550006";
pub const TO: &str = "+14155552345";

/// A process that does not outlive its test.
pub struct Process(pub Child);

impl Process {
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([&format!("-{name}"), &self.0.id().to_string()])
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// The exit code, if the process ends in time.
    pub fn exit_within(&mut self, limit: Duration) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The binary in a folder, with no provider's variables.
pub fn command_in(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command.args(args).current_dir(dir).env_clear();
    command
}

/// A folder of its own that goes away with it.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("business-tools-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        let folder = Self(path);
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    /// As editors save: a new file takes the place of the old one.
    pub fn replace(&self, name: &str, text: &str) {
        self.write("saved~", text);
        std::fs::rename(self.0.join("saved~"), self.0.join(name)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Lines of a stream, on a channel.
fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

/// `serve --sandbox` on ports of its own.
pub struct Server {
    pub process: Process,
    pub base: String,
    pub sandbox: String,
    pub http: reqwest::Client,
    /// What it has written to the log.
    pub log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(args: &[&str]) -> Self {
        Self::start_in(&std::env::temp_dir(), args)
    }

    pub fn start_in(dir: &Path, args: &[&str]) -> Self {
        Self::start_with(dir, &[], &[&["--sandbox"], args].concat())
    }

    /// `serve` with what is given; without `--sandbox` the address of the simulators is empty.
    pub fn start_with(dir: &Path, env: &[(&str, &str)], args: &[&str]) -> Self {
        let all = [&["serve", "--listen", "127.0.0.1:0"], args].concat();
        let mut child = command_in(dir, &all)
            .envs(env.iter().copied())
            .stderr(Pipe::piped())
            .stdout(Pipe::null())
            .spawn()
            .unwrap();
        let stderr = lines(child.stderr.take().unwrap());
        let log = Arc::<Mutex<Vec<String>>>::default();
        let mut base = None;
        let mut sandbox = (!args.contains(&"--sandbox")).then(String::new);
        while base.is_none() || sandbox.is_none() {
            let line = stderr
                .recv_timeout(Duration::from_secs(20))
                .unwrap_or_else(|_| panic!("it does not say where it listens: {log:#?}"));
            let url = |line: &str| {
                line.split_whitespace()
                    .find(|w| w.starts_with("http://"))
                    .unwrap()
                    .to_owned()
            };
            if line.starts_with("sandbox:") {
                sandbox = Some(url(&line));
            } else if line.starts_with("listening on") {
                base = Some(url(&line));
            }
            log.lock().unwrap().push(line);
        }
        // The pipe is read to the end, so that a full one never blocks the server.
        let kept = log.clone();
        std::thread::spawn(move || {
            while let Ok(line) = stderr.recv() {
                kept.lock().unwrap().push(line);
            }
        });
        #[allow(clippy::disallowed_methods, reason = "a test is a client of its own")]
        let http = reqwest::Client::new();
        Self {
            process: Process(child),
            base: base.unwrap(),
            sandbox: sandbox.unwrap_or_default(),
            http,
            log,
        }
    }

    /// Waits until the log has a line with all of these words.
    pub async fn logged(&self, words: &[&str]) -> String {
        let started = Instant::now();
        loop {
            let has = |line: &&String| words.iter().all(|word| line.contains(word));
            if let Some(line) = self.log.lock().unwrap().iter().find(has) {
                return line.clone();
            }
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{words:?} is not in {:#?}",
                self.log.lock().unwrap()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A modern request, with the headers it needs.
    pub fn request(&self, method: &str, mut params: Value) -> reqwest::RequestBuilder {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let mut request = self
            .http
            .post(format!("{}/mcp", self.base))
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", method);
        if let Some(name) = params.get("name").and_then(Value::as_str) {
            request = request.header("mcp-name", name);
        }
        request.json(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    }

    pub async fn ask(&self, method: &str, params: Value) -> Value {
        self.request(method, params)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// The result of a tool: its structure, or its error object.
    pub async fn call(&self, tool: &str, args: Value) -> Value {
        let answer = self
            .ask("tools/call", json!({"name": tool, "arguments": args}))
            .await;
        let result = &answer["result"];
        assert!(result.is_object(), "{answer}");
        let text = result["content"][0]["text"].as_str().unwrap();
        serde_json::from_str(text).unwrap()
    }

    pub async fn rest(&self, tool: &str, args: Value) -> (u16, Value) {
        let answer = self
            .http
            .post(format!("{}/v1/tools/{tool}", self.base))
            .json(&args)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self
            .http
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn fault(&self, fault: Value) {
        let answer = self
            .http
            .post(format!("{}/_sandbox/faults", self.sandbox))
            .json(&fault)
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }

    /// What arrived at a simulator.
    /// Sets the simulators back to what they started with.
    pub async fn reset(&self) {
        let url = format!("{}/_sandbox/reset", self.sandbox);
        let done = self.http.post(url).send().await.unwrap();
        assert!(done.status().is_success());
    }

    pub async fn arrived(&self, provider: &str) -> Vec<Value> {
        let url = format!("{}/_sandbox/requests?provider={provider}", self.sandbox);
        let page: Value = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        page.as_array()
            .or_else(|| page["requests"].as_array())
            .or_else(|| page["items"].as_array())
            .unwrap()
            .clone()
    }
}

/// `stdio`, line by line.
pub struct Stdio {
    pub process: Process,
    stdin: Option<ChildStdin>,
    out: Receiver<String>,
    pub log: Receiver<String>,
    next: u64,
}

impl Stdio {
    pub fn start(args: &[&str]) -> Self {
        Self::start_in(&std::env::temp_dir(), args)
    }

    pub fn start_in(dir: &Path, args: &[&str]) -> Self {
        let all = [&["stdio"], args].concat();
        let mut child = command_in(dir, &all)
            .stdin(Pipe::piped())
            .stdout(Pipe::piped())
            .stderr(Pipe::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let out = lines(child.stdout.take().unwrap());
        let log = lines(child.stderr.take().unwrap());
        Self {
            process: Process(child),
            stdin,
            out,
            log,
            next: 0,
        }
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        let _ = stdin.write_all(bytes);
        let _ = stdin.flush();
    }

    pub fn send(&mut self, message: &Value) {
        self.send_raw(format!("{message}\n").as_bytes());
    }

    /// The next message; every line must be one.
    pub fn read(&mut self) -> Option<Value> {
        let line = self.out.recv_timeout(Duration::from_secs(15)).ok()?;
        Some(
            serde_json::from_str(&line)
                .unwrap_or_else(|_| panic!("stdout carried something else: {line}")),
        )
    }

    pub fn start_request(&mut self, method: &str, params: Value) -> u64 {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// The answer to a request; notifications in between are passed over.
    pub fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.read().expect("an answer");
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    }

    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.start_request(method, params);
        self.answer(id)
    }

    /// The handshake of the older generation.
    pub fn initialize(&mut self) -> Value {
        let answer = self.request(
            "initialize",
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
        );
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        answer
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }
}
