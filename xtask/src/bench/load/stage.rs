//! The server, the simulators with their faults, and what they use while the users play.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::super::process::{self, Cpu, Memory};
use super::users::{self, Call, NUMBER, Pace, Things};
use crate::kill::server::{Server, TEST_KEY};
use crate::wire;

/// Faults of every provider: kind, share, further members.
pub(super) const FAULTS: &[(&str, f64, u64)] = &[
    ("status", 0.02, 0),
    ("reset", 0.01, 0),
    ("latency", 0.01, 500),
];
/// What every answer of a provider takes.
pub(super) const USUAL: u64 = 5;

const CONTACTS: usize = 50;
const MESSAGES: usize = 200;

/// A server and its providers.
pub(super) struct Stage {
    folder: PathBuf,
    server: Server,
    sandbox: Server,
    things: Things,
}

/// What was seen of one play.
pub(super) struct Seen {
    pub(super) calls: Vec<Call>,
    pub(super) time: Duration,
    /// The first failures in the server's words.
    pub(super) said: Vec<String>,
    /// Server, simulators, users.
    pub(super) cpu: [Cpu; 3],
    /// Everything else on the machine.
    pub(super) others: Duration,
    /// Resident memory of the server, once a second.
    pub(super) memory: Vec<u64>,
    /// By status, those that were tried again included.
    pub(super) provider: BTreeMap<String, u64>,
}

impl Stage {
    pub(super) fn set(binary: &Path, redis: Option<&str>) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("xtask-load-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let args = ["sandbox", "--listen", "127.0.0.1:0"];
        let sandbox = Server::start(binary, &args, &folder, &[])?;
        let at = |provider: &str| format!("http://127.0.0.1:{}/{provider}", sandbox.port);
        let mut config = json!({
            "providers": {
                "twilio": {
                    "credentials": {"account_sid": format!("AC{}", "0".repeat(32)), "auth_token": "a".repeat(32)},
                    "base_url": at("twilio"),
                    "cache": {"ttl": {"twilio_get_message": "0s"}},
                },
                "hubspot": {"credentials": {"access_token": "pat-na1-load"}, "base_url": at("hubspot")},
            },
            "log": {"level": "error"},
            "state": {"path": folder.join("state.db")},
        });
        if let Some(url) = redis {
            config["state"] = json!({"redis": {"url": url}});
        }
        // JSON is YAML.
        std::fs::write(folder.join("config.yaml"), config.to_string())?;
        let variables = [("BUSINESS_TOOLS_KEY".to_owned(), TEST_KEY.to_owned())];
        let args = ["serve", "--listen", "127.0.0.1:0"];
        let server = Server::start(binary, &args, &folder, &variables)?;
        let mut stage = Self {
            folder,
            server,
            sandbox,
            things: Things {
                contacts: Vec::new(),
                messages: Vec::new(),
            },
        };
        stage.fill()?;
        stage.break_providers()?;
        Ok(stage)
    }

    fn call(&self, tool: &str, args: &Value) -> Result<Value> {
        let path = format!("/v1/tools/{tool}");
        let (status, body) = wire::once(self.server.port, "POST", &path, &args.to_string())?;
        if status != 200 {
            bail!("{tool}: {}", String::from_utf8_lossy(&body));
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// Makes what the users read, and reads it once.
    fn fill(&mut self) -> Result<()> {
        for n in 0..CONTACTS {
            let args = json!({"email": format!("user{n}@example.com")});
            let made = self.call("hubspot_create_contact", &args)?;
            let id = made["id"].as_str().context("a record without an id")?;
            self.things.contacts.push(id.to_owned());
        }
        for id in &self.things.contacts {
            self.call(
                "hubspot_get_record",
                &json!({"object_type": "contacts", "id": id}),
            )?;
        }
        for n in 0..MESSAGES {
            let args = json!({"to": NUMBER, "from": NUMBER, "body": format!("{n}")});
            let made = self.call("twilio_send_message", &args)?;
            let sid = made["sid"].as_str().context("a message without a sid")?;
            self.things.messages.push(sid.to_owned());
        }
        Ok(())
    }

    fn break_providers(&self) -> Result<()> {
        for provider in ["twilio", "hubspot"] {
            let faults = FAULTS.iter().map(|&(kind, rate, delay)| {
                let mut rule = json!({"provider": provider, "kind": kind, "rate": rate});
                if delay > 0 {
                    rule["delay_ms"] = delay.into();
                }
                rule
            });
            let usual = json!({"provider": provider, "kind": "latency", "delay_ms": USUAL});
            for rule in faults.chain([usual]) {
                self.sandbox.arm(&rule)?;
            }
        }
        Ok(())
    }

    pub(super) fn play(&self, users: usize, pace: Pace, time: Duration) -> Result<Seen> {
        let pids = [self.server.id(), self.sandbox.id(), std::process::id()];
        let cpus = || {
            let [a, b, c] = pids.map(Cpu::of);
            anyhow::Ok([a?, b?, c?])
        };
        let (before, counted, busy) = (cpus()?, self.provider()?, process::busy()?);
        let ended = AtomicBool::new(false);
        let began = std::time::Instant::now();
        let (played, memory) = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let mut memory = Vec::new();
                while !ended.load(Ordering::Relaxed) {
                    memory.extend(Memory::of(pids[0]).map(|memory| memory.resident));
                    std::thread::sleep(Duration::from_secs(1));
                }
                memory
            });
            let played = users::play(self.server.port, users, pace, time, &self.things);
            ended.store(true, Ordering::Relaxed);
            (played, watch.join().unwrap_or_default())
        });
        let (calls, said) = played?;
        let time = began.elapsed();
        let (after, busy) = (cpus()?, process::busy()?.saturating_sub(busy));
        let cpu: [Cpu; 3] = std::array::from_fn(|n| after[n] - before[n]);
        let mut provider = self.provider()?;
        for (status, count) in &mut provider {
            *count -= counted.get(status).copied().unwrap_or_default();
        }
        Ok(Seen {
            calls,
            time,
            said,
            others: busy.saturating_sub(cpu.map(Cpu::all).iter().sum()),
            cpu,
            memory,
            provider,
        })
    }

    /// Requests to providers so far, by status.
    fn provider(&self) -> Result<BTreeMap<String, u64>> {
        let (_, page) = wire::once(self.server.port, "GET", "/metrics", "")?;
        let page = String::from_utf8(page)?;
        let mut all = BTreeMap::new();
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("mcp_provider_requests_total{")
                && let Some((labels, count)) = rest.split_once("} ")
                && let Some((_, status)) = labels.split_once("status=\"")
            {
                let status = status.trim_end_matches('"').to_owned();
                *all.entry(status).or_default() += count.trim().parse::<u64>()?;
            }
        }
        Ok(all)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
