//! Kill a server while writes are under way, start it again, use the same keys again, and count.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::server::{Server, TEST_KEY};
use crate::wire::{self, Wire};

/// What is to be done.
pub(crate) struct Plan<'a> {
    /// The server's program.
    pub(crate) binary: &'a Path,
    /// A folder for what it keeps.
    pub(crate) folder: &'a Path,
    /// How often it is killed.
    pub(crate) kills: u32,
    /// Servers at once, each killed for itself.
    pub(crate) lanes: u32,
    /// The Redis that keeps the outcomes; without one, files.
    pub(crate) redis: Option<&'a str>,
}

/// Writes under way at each kill.
const KEYS: usize = 4;
/// The time after the start of the writes in which the kill falls: at first, and its bounds.
const FIRST_WINDOW: Duration = Duration::from_millis(90);
const WINDOWS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));
/// What a simulator remembers of what arrived bounds what can be counted.
const MOST_KILLS: u32 = 1000;
const NUMBER: &str = "+15005550006";

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    kills: u32,
    /// Keys by what the first call gave and what the second one did.
    what: BTreeMap<(&'static str, String), usize>,
    /// Keys that arrived more than once at the provider, and how often.
    twice: Vec<(String, usize)>,
    /// Keys whose outcome was answered and not given again.
    lost: Vec<String>,
}

impl Tally {
    /// Whether every promise was kept.
    pub(crate) fn is_good(&self) -> bool {
        self.twice.is_empty() && self.lost.is_empty()
    }

    /// So many keys had this second answer.
    pub(crate) fn second(&self, what: &str) -> usize {
        let all = self.what.iter().filter(|((_, second), _)| second == what);
        all.map(|(_, count)| count).sum()
    }

    fn add(&mut self, other: Self) {
        self.kills += other.kills;
        for (what, count) in other.what {
            *self.what.entry(what).or_default() += count;
        }
        self.lost.extend(other.lost);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: usize = self.what.values().sum();
        writeln!(f, "{} kills, {keys} keys", self.kills)?;
        for ((first, second), count) in &self.what {
            writeln!(f, "  {count:6}  {first}, then {second}")?;
        }
        writeln!(f, "  {:6}  sent twice {:?}", self.twice.len(), self.twice)?;
        writeln!(
            f,
            "  {:6}  answered and not given again {:?}",
            self.lost.len(),
            self.lost
        )
    }
}

/// Does it all.
pub(crate) fn run(plan: &Plan<'_>) -> Result<Tally> {
    if plan.kills > MOST_KILLS {
        bail!("at most {MOST_KILLS} kills can be counted");
    }
    let args = ["sandbox", "--listen", "127.0.0.1:0"];
    let sandbox = Server::start(plan.binary, &args, plan.folder, &[])?;
    // Long enough that some writes are cut on their way, some before and some after.
    let late = json!({"provider": "twilio", "kind": "latency", "delay_ms": 15,
                      "path": "/", "method": "POST"});
    sandbox.arm(&late)?;
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let lanes = (0..plan.lanes.max(1)).map(|lane| {
            let port = sandbox.port;
            scope.spawn(move || self::lane(plan, lane, port))
        });
        let lanes: Vec<_> = lanes.collect();
        for lane in lanes {
            let done = lane
                .join()
                .map_err(|_| anyhow::anyhow!("a lane panicked"))?;
            tally.add(done?);
        }
        anyhow::Ok(())
    })?;
    tally.twice = twice(sandbox.port)?;
    Ok(tally)
}

/// The kills of one server after the other.
fn lane(plan: &Plan<'_>, lane: u32, sandbox: u16) -> Result<Tally> {
    let mut variables = vec![
        ("BUSINESS_TOOLS_KEY".to_owned(), TEST_KEY.to_owned()),
        ("BUSINESS_TOOLS_LOG_LEVEL".to_owned(), "off".to_owned()),
        (
            "TWILIO_ACCOUNT_SID".to_owned(),
            format!("AC{}", "0".repeat(32)),
        ),
        ("TWILIO_AUTH_TOKEN".to_owned(), "a".repeat(32)),
        (
            "TWILIO_BASE_URL".to_owned(),
            format!("http://127.0.0.1:{sandbox}/twilio"),
        ),
    ];
    variables.push(if let Some(url) = plan.redis {
        ("REDIS_URL".to_owned(), url.to_owned())
    } else {
        let file = plan.folder.join(format!("{lane}.db"));
        let file = file.display().to_string();
        ("BUSINESS_TOOLS_STATE_PATH".to_owned(), file)
    });
    let start = || {
        let args = ["serve", "--listen", "127.0.0.1:0"];
        Server::start(plan.binary, &args, plan.folder, &variables)
    };
    let mut tally = Tally::default();
    let mut window = FIRST_WINDOW;
    for round in (lane..plan.kills).step_by(plan.lanes.max(1) as usize) {
        let keys: Vec<String> = (0..KEYS).map(|n| format!("key-{round}-{n}.")).collect();
        let server = start()?;
        let port = server.port;
        let first = std::thread::scope(|scope| {
            let calls = keys.iter().map(|key| scope.spawn(move || send(port, key)));
            let calls: Vec<_> = calls.collect();
            std::thread::sleep(window.mul_f64(random()));
            server.kill()?;
            // An answer that was cut is none.
            let answers = calls
                .into_iter()
                .map(|call| call.join().ok().and_then(Result::ok));
            anyhow::Ok(answers.collect::<Vec<_>>())
        })?;
        tally.kills += 1;
        // Machines differ, and so do their moods: about half of the calls are to be answered before the kill.
        let answered = first.iter().flatten().count();
        let factor = if answered * 2 < KEYS { 1.2 } else { 0.8 };
        window = window.mul_f64(factor).clamp(WINDOWS.0, WINDOWS.1);

        let server = start()?;
        let port = server.port;
        let second = std::thread::scope(|scope| {
            let calls = keys.iter().map(|key| scope.spawn(move || send(port, key)));
            let calls: Vec<_> = calls.collect();
            calls
                .into_iter()
                .map(|call| call.join().ok())
                .collect::<Vec<_>>()
        });
        for ((key, first), second) in keys.iter().zip(first).zip(second) {
            let second = second.context("a call panicked")?;
            let second = second.with_context(|| format!("{key} had no answer"))?;
            let before = match &first {
                Some(answer) if answer["sid"].is_string() => "answered",
                Some(_) => "refused",
                None => "cut",
            };
            let after = match (&second["error"]["code"], &second["replayed"]) {
                (Value::String(code), _) => code.trim_start_matches("TWILIO_").to_owned(),
                (_, Value::Bool(true)) => "replayed".to_owned(),
                _ => "sent".to_owned(),
            };
            let same = first.as_ref().map(|first| &first["sid"]) == Some(&second["sid"]);
            if before == "answered" && !(after == "replayed" && same) {
                tally.lost.push(key.clone());
            }
            *tally.what.entry((before, after)).or_default() += 1;
        }
    }
    Ok(tally)
}

fn send(port: u16, key: &str) -> Result<Value> {
    let args = json!({"to": NUMBER, "from": NUMBER, "body": key, "idempotency_key": key});
    let path = "/v1/tools/twilio_send_message";
    let (_, body) = wire::once(port, "POST", path, &args.to_string())?;
    Ok(serde_json::from_slice(&body)?)
}

/// The keys that arrived more than once.
fn twice(sandbox: u16) -> Result<Vec<(String, usize)>> {
    let mut wire = Wire::connect(sandbox, Duration::from_mins(1))?;
    let (_, page) = wire.ask("GET", "/_sandbox/requests?provider=twilio", "", "")?;
    let page: Value = serde_json::from_slice(&page)?;
    let mut counts = BTreeMap::<String, usize>::new();
    for request in page["requests"].as_array().context("no list of requests")? {
        let body = request["body"].as_str().unwrap_or_default();
        if let Some(key) = body.split('&').find_map(|pair| pair.strip_prefix("Body=")) {
            *counts.entry(key.to_owned()).or_default() += 1;
        }
    }
    if counts.is_empty() {
        bail!("nothing arrived at the simulator, so nothing was counted");
    }
    Ok(counts.into_iter().filter(|(_, count)| *count > 1).collect())
}

/// A number from 0 to 1.
fn random() -> f64 {
    let upper = u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or(u32::MAX);
    f64::from(upper) / f64::from(u32::MAX)
}
