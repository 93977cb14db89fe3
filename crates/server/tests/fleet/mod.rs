//! Several servers over one Redis and one sandbox, behind a round-robin.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    missing_docs,
    reason = "this is test code"
)]

pub mod front;

use std::time::{Duration, Instant};

use business_tools_core::secret::key::MasterKey;
use business_tools_mcp::providers::ALL;
use business_tools_sandbox::{FaultKind, FaultRule, Recorded, Running, Sandbox};
use serde_json::{Value, json};

use crate::binary::{FROM, Folder, Server, TO};
use front::Front;

/// Servers of one folder. They end with it.
pub struct Fleet {
    pub replicas: Vec<Server>,
    pub sandbox: Running,
    pub folder: Folder,
    key: String,
}

impl Fleet {
    /// So many replicas, with these settings beside those that make them replicas.
    pub async fn start(replicas: usize, state: Value, more: Value) -> Self {
        let key = MasterKey::generate().unwrap().text();
        Self::with_key(replicas, state, more, key.expose()).await
    }

    /// The same, with the key in the environment, or none if it is empty.
    pub async fn with_key(replicas: usize, state: Value, more: Value, key: &str) -> Self {
        let simulators = ALL.iter().map(|row| (row.simulator)()).collect();
        let sandbox = Sandbox::new(simulators);
        let sandbox = sandbox.start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let folder = Folder::new(&[]);
        let mut config = json!({
            "providers": {"mongo": {"enabled": false}},
            "state": state,
            "server": {"legacy_sessions": false},
            "content": {"output_folder": folder.0.join("made")},
            "reload": {"interval": "100ms"},
        });
        for row in ALL.iter().filter(|row| row.info.id != "mongo") {
            let fields = (row.sandbox_config)(&sandbox.base_url(row.info.id));
            config["providers"][row.info.id] = json!({"accounts": {"default": fields}});
        }
        merge(&mut config, more);
        // JSON is YAML.
        folder.write("config.yaml", &config.to_string());
        let mut fleet = Self {
            replicas: Vec::new(),
            sandbox,
            folder,
            key: key.to_owned(),
        };
        for _ in 0..replicas {
            fleet.replicas.push(fleet.replica());
        }
        fleet
    }

    /// One more of them.
    pub fn replica(&self) -> Server {
        let key = [("BUSINESS_TOOLS_KEY", self.key.as_str())];
        let key = &key[..usize::from(!self.key.is_empty())];
        Server::start_with(&self.folder.0, key, &[])
    }

    /// A round-robin before all of them.
    pub async fn front(&self) -> Front {
        Front::start(self.replicas.iter().map(|server| server.base.as_str())).await
    }

    /// Makes every answer to a message that is sent late.
    pub fn slow_sends(&self, delay: Duration) {
        let late = FaultRule::new("twilio", FaultKind::Latency).method("POST");
        let delay = u64::try_from(delay.as_millis()).unwrap();
        self.sandbox.switchboard().inject(late.delay_ms(delay));
    }

    /// What arrived at a simulator by a method.
    pub fn arrived(&self, provider: &str, method: &str) -> Vec<Recorded> {
        let mut all = self.sandbox.switchboard().requests(Some(provider));
        all.retain(|request| request.method == method);
        all
    }
}

/// Arguments of a message that is sent once.
pub fn message(key: &str) -> Value {
    json!({"to": TO, "from": FROM, "body": key, "idempotency_key": key})
}

pub async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is().await {
        assert!(started.elapsed() < Duration::from_secs(25), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn health(server: &Server) -> Value {
    serde_json::from_str(&server.get("/health").await.1).unwrap()
}

/// A figure of `/metrics`, by its name and labels as they stand there.
pub async fn metric(server: &Server, name: &str) -> Option<f64> {
    let page = server.get("/metrics").await.1;
    let line = page.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
