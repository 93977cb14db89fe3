//! Users: each with a connection of its own, one call after the other.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::wire::Wire;

/// How soon a user makes the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// After half a second to one and a half.
    Thinking,
    /// At once.
    Restless,
}

impl Pace {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Thinking => "users who think",
            Self::Restless => "flat out",
        }
    }
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Cached,
    Uncached,
    Write,
    KeyedWrite,
}

impl What {
    pub(super) const ALL: [Self; 4] = [Self::Cached, Self::Uncached, Self::Write, Self::KeyedWrite];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cached => "reads served from the cache",
            Self::Uncached => "reads of the provider",
            Self::Write => "writes",
            Self::KeyedWrite => "writes with an idempotency key",
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    /// The provider's answer was lost or a 5xx: it may have been done, and nothing is sent again.
    Unknown,
    Failed,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) what: What,
    pub(super) end: End,
    pub(super) took: Duration,
}

/// What there is to read.
pub(super) struct Things {
    pub(super) contacts: Vec<String>,
    pub(super) messages: Vec<String>,
}

pub(super) const NUMBER: &str = "+15005550006";
const PATIENCE: Duration = Duration::from_mins(1);

/// The calls of so many users until the time is over, and the first failures in the server's words.
pub(super) fn play(
    port: u16,
    users: usize,
    pace: Pace,
    time: Duration,
    things: &Things,
) -> Result<(Vec<Call>, Vec<String>)> {
    let until = Instant::now() + time;
    std::thread::scope(|scope| {
        let all = (0..users).map(|n| {
            let builder = std::thread::Builder::new().stack_size(256 << 10);
            builder.spawn_scoped(scope, move || User::new(port, n, pace).live(until, things))
        });
        let all: Vec<_> = all.collect();
        let (mut calls, mut said) = (Vec::new(), Vec::new());
        for user in all {
            let done = user?.join();
            let (his, failures) = done.map_err(|_| anyhow::anyhow!("a user panicked"))?;
            calls.extend(his);
            said.extend(failures);
        }
        Ok((calls, said))
    })
}

struct User {
    port: u16,
    /// Half of them call over MCP, half over REST.
    over_mcp: bool,
    pace: Pace,
    wire: Option<Wire>,
    random: Random,
}

impl User {
    fn new(port: u16, n: usize, pace: Pace) -> Self {
        Self {
            port,
            over_mcp: n.is_multiple_of(2),
            pace,
            wire: None,
            random: Random(RandomState::new().hash_one(n)),
        }
    }

    fn live(mut self, until: Instant, things: &Things) -> (Vec<Call>, Vec<String>) {
        let (mut calls, mut said) = (Vec::new(), Vec::new());
        if self.pace == Pace::Thinking {
            // Not all at the same moment.
            std::thread::sleep(Duration::from_millis(self.random.below(1000)));
        }
        while Instant::now() < until {
            let what = match self.random.below(100) {
                0..50 => What::Cached,
                50..75 => What::Uncached,
                75..90 => What::Write,
                _ => What::KeyedWrite,
            };
            let (name, args) = self.call_of(what, things);
            let began = Instant::now();
            let answer = self.ask(name, &args);
            let took = began.elapsed();
            let end = match answer {
                Ok(value) => end_of(what, &value),
                Err(fault) => Err(fault.to_string()),
            };
            let end = end.unwrap_or_else(|why| {
                self.wire = None;
                if said.len() < 3 {
                    said.push(why);
                }
                End::Failed
            });
            calls.push(Call { what, end, took });
            if self.pace == Pace::Thinking {
                std::thread::sleep(Duration::from_millis(500 + self.random.below(1000)));
            }
        }
        (calls, said)
    }

    fn call_of(&mut self, what: What, things: &Things) -> (&'static str, Value) {
        let send = |body: String| json!({"to": NUMBER, "from": NUMBER, "body": body});
        let number = self.random.next();
        match what {
            What::Cached => (
                "hubspot_get_record",
                json!({"object_type": "contacts", "id": pick(&things.contacts, number)}),
            ),
            What::Uncached => (
                "twilio_get_message",
                json!({"sid": pick(&things.messages, number)}),
            ),
            What::Write => ("twilio_send_message", send(format!("{number:x}"))),
            What::KeyedWrite => {
                let mut args = send(format!("{number:x}"));
                args["idempotency_key"] = format!("{number:x}").into();
                ("twilio_send_message", args)
            }
        }
    }

    fn ask(&mut self, tool: &str, args: &Value) -> Result<Value> {
        let wire = match &mut self.wire {
            Some(wire) => wire,
            none => none.insert(Wire::connect(self.port, PATIENCE)?),
        };
        let (_, body) = if self.over_mcp {
            let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
                "name": tool, "arguments": args, "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "1"},
                    "io.modelcontextprotocol/clientCapabilities": {}}}});
            let headers = format!(
                "accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n\
                 mcp-method: tools/call\r\nmcp-name: {tool}\r\n"
            );
            wire.ask("POST", "/mcp", &headers, &request.to_string())?
        } else {
            wire.ask("POST", &format!("/v1/tools/{tool}"), "", &args.to_string())?
        };
        let mut value: Value = serde_json::from_slice(&body)?;
        Ok(match value.pointer_mut("/result/structuredContent") {
            Some(content) => content.take(),
            None => value,
        })
    }
}

fn pick(all: &[String], number: u64) -> &str {
    let n = usize::try_from(number % all.len().max(1) as u64).unwrap_or_default();
    all.get(n).map_or("", String::as_str)
}

fn end_of(what: What, value: &Value) -> Result<End, String> {
    let writes = matches!(what, What::Write | What::KeyedWrite);
    let unknown = ["_OUTCOME_UNKNOWN", "_UPSTREAM_ERROR"];
    match value["error"]["code"].as_str() {
        None if value["error"].is_null() => Ok(End::Done),
        Some(code) if writes && unknown.iter().any(|end| code.ends_with(end)) => Ok(End::Unknown),
        _ => Err(value["error"].to_string()),
    }
}

/// Xorshift, which is random enough to mix calls.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 |= 1;
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_as_they_say() {
        let error = |code: &str| json!({"error": {"code": code}});
        let (read, write) = (What::Uncached, What::Write);
        assert_eq!(end_of(read, &json!({"sid": "SM1"})), Ok(End::Done));
        for code in ["TWILIO_OUTCOME_UNKNOWN", "TWILIO_UPSTREAM_ERROR"] {
            assert_eq!(end_of(write, &error(code)), Ok(End::Unknown));
            assert!(end_of(read, &error(code)).is_err());
        }
        assert!(end_of(write, &error("TWILIO_UNAVAILABLE")).is_err());
        assert!(end_of(read, &json!({"error": "x"})).is_err());
    }

    #[test]
    fn numbers_are_spread() {
        let mut random = Random(7);
        let below = (0..10_000).filter(|_| random.below(100) < 50).count();
        assert!((4500..5500).contains(&below), "{below}");
    }
}
