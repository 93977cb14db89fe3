//! Redis in every kind of trouble under steady calls: what goes on, what is told, and that it ends by itself.
#![cfg(all(feature = "all", feature = "redis", feature = "sandbox"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "tests"
)]

mod binary;
mod fleet;
#[path = "../../core/tests/state/proxy.rs"]
mod proxy;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use binary::{FROM, Server, TO};
use business_tools_testkit::redis::{RedisServer, Sentinels};
use fleet::{Fleet, health, message, metric, until};
use proxy::Proxy;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// What came of steady calls.
#[derive(Default)]
struct Tally {
    /// Calls without a key that did what they should.
    plain: usize,
    /// Keys whose calls were answered with an outcome, and the outcome.
    answered: Vec<(String, Value)>,
    /// Keys that were refused because nobody could tell.
    refused: Vec<String>,
    /// Everything that should not be.
    odd: Vec<String>,
}

/// Calls that go on all the time: reads, writes, and writes that are to be done once.
struct Steady {
    tally: Arc<Mutex<Tally>>,
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<()>>,
}

impl Steady {
    fn calls(fleet: &Fleet) -> Self {
        let (tally, stop) = (Arc::<Mutex<Tally>>::default(), Arc::<AtomicBool>::default());
        let callers = fleet.replicas.iter().enumerate().map(|(n, server)| {
            let (base, http) = (server.base.clone(), server.http.clone());
            let (tally, stop) = (Arc::clone(&tally), Arc::clone(&stop));
            tokio::spawn(async move {
                let call = async |tool: &str, args: Value| {
                    let url = format!("{base}/v1/tools/{tool}");
                    let answer = http.post(url).json(&args).send().await.unwrap();
                    (
                        answer.status().as_u16(),
                        answer.json::<Value>().await.unwrap(),
                    )
                };
                for round in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let key = format!("{n}-{round}");
                    let plain = json!({"to": TO, "from": FROM, "body": format!("plain {key}")});
                    let sent = call("twilio_send_message", plain).await;
                    let read = call("twilio_list_messages", json!({"limit": 1})).await;
                    let (status, keyed) = call("twilio_send_message", message(&key)).await;
                    let mut tally = tally.lock().unwrap();
                    for (status, answer) in [sent, read] {
                        if status == 200 {
                            tally.plain += 1;
                        } else {
                            tally.odd.push(answer.to_string());
                        }
                    }
                    match status {
                        200 => tally.answered.push((key, keyed["sid"].clone())),
                        503 if keyed["error"]["code"].to_string().contains("UNAVAILABLE") => {
                            tally.refused.push(key);
                        }
                        _ => tally.odd.push(keyed.to_string()),
                    }
                }
            })
        });
        let callers = callers.collect();
        Self {
            tally,
            stop,
            callers,
        }
    }

    /// Waits for more calls of each kind, of those that can be now.
    async fn go_on(&self, keyed: bool) {
        let count = || {
            let tally = self.tally.lock().unwrap();
            (
                tally.plain,
                if keyed {
                    tally.answered.len()
                } else {
                    tally.refused.len()
                },
            )
        };
        let before = count();
        until("calls go on", async || {
            let now = count();
            now.0 >= before.0 + 10 && now.1 >= before.1 + 5
        })
        .await;
    }

    /// Ends the calls. Nothing was odd, and nothing was sent twice.
    async fn end(self, fleet: &Fleet) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.unwrap();
        }
        let tally = std::mem::take(&mut *self.tally.lock().unwrap());
        assert_eq!(tally.odd, [""; 0]);
        let mut sent = HashMap::<String, usize>::new();
        for request in fleet.arrived("twilio", "POST") {
            *sent.entry(request.body).or_default() += 1;
        }
        let twice: Vec<_> = sent.iter().filter(|(_, times)| **times > 1).collect();
        assert_eq!(twice, Vec::<(&String, &usize)>::new());
        tally
    }
}

fn at(url: &str, more: Value) -> Value {
    let mut redis = json!({"url": url, "timeout": "250ms"});
    redis
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({"redis": redis})
}

async fn two(state: Value) -> Fleet {
    Fleet::start(2, state, json!({"health": {"interval": "1s"}})).await
}

async fn up(fleet: &Fleet) {
    for server in &fleet.replicas {
        until("all is well again", async || {
            let page = health(server).await;
            metric(server, "mcp_state_up{store=\"redis\"}").await == Some(1.0)
                && page["status"] == "healthy"
        })
        .await;
    }
}

/// Health and metrics say what is wrong.
async fn down(fleet: &Fleet, why: &str) {
    for server in &fleet.replicas {
        told(server, why).await;
        assert_eq!(
            server.get("/ready").await.0,
            200,
            "calls go on, so it is ready"
        );
    }
}

async fn told(server: &Server, why: &str) {
    until(&format!("health says {why}"), async || {
        let page = health(server).await;
        let what = page["checks"]["redis"]["error"]["message"].to_string();
        page["status"] == "degraded" && what.contains(why)
    })
    .await;
    assert_eq!(
        metric(server, "mcp_state_up{store=\"redis\"}").await,
        Some(0.0)
    );
    assert!(metric(server, "mcp_state_failures_total{store=\"redis\"}").await > Some(0.0));
}

/// Every outcome that was answered is given again, on the other replica.
async fn kept(fleet: &Fleet, answered: &[(String, Value)]) {
    let sent = fleet.arrived("twilio", "POST").len();
    for (key, sid) in answered {
        let other = &fleet.replicas[usize::from(key.starts_with('0'))];
        let (_, again) = other.rest("twilio_send_message", message(key)).await;
        assert_eq!(again["sid"], *sid, "{key}: {again}");
        assert_eq!(again["replayed"], true, "{key}: {again}");
    }
    assert_eq!(fleet.arrived("twilio", "POST").len(), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_at_the_start_and_there_later() {
    let mut redis = RedisServer::absent(&[]);
    let fleet = two(at(&redis.url(), json!({}))).await;
    let steady = Steady::calls(&fleet);
    steady.go_on(false).await;
    down(&fleet, "refuses connections").await;
    redis.restart();
    up(&fleet).await;
    steady.go_on(true).await;
    let tally = steady.end(&fleet).await;
    kept(&fleet, &tally.answered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn standing_still_for_a_while() {
    let redis = RedisServer::start(&[]);
    let fleet = two(at(&redis.url(), json!({}))).await;
    let steady = Steady::calls(&fleet);
    steady.go_on(true).await;
    redis.freeze();
    steady.go_on(false).await;
    down(&fleet, "did not answer").await;
    redis.thaw();
    up(&fleet).await;
    steady.go_on(true).await;
    let tally = steady.end(&fleet).await;
    kept(&fleet, &tally.answered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_empty_while_a_write_is_under_way() {
    let mut redis = RedisServer::start(&[]);
    let fleet = two(at(&redis.url(), json!({}))).await;
    up(&fleet).await;
    fleet.slow_sends(Duration::from_secs(1));
    let url = format!("{}/v1/tools/twilio_send_message", fleet.replicas[0].base);
    let under_way = tokio::spawn(
        fleet.replicas[0]
            .http
            .post(url)
            .json(&message("0-way"))
            .send(),
    );
    until("it is sent", async || {
        fleet.arrived("twilio", "POST").len() == 1
    })
    .await;
    redis.stop();
    let done: Value = under_way.await.unwrap().unwrap().json().await.unwrap();
    assert!(done["sid"].is_string(), "who asked is answered: {done}");
    fleet.sandbox.switchboard().clear(None);

    let steady = Steady::calls(&fleet);
    steady.go_on(false).await;
    down(&fleet, "Redis").await;
    redis.restart();
    up(&fleet).await;
    steady.go_on(true).await;
    let tally = steady.end(&fleet).await;
    kept(&fleet, &tally.answered).await;
    // Its replica remembered the outcome, and told Redis.
    until("the outcome is recorded", async || {
        let log = fleet.replicas[0].log.lock().unwrap();
        log.iter()
            .any(|line| line.contains("could not be recorded yet"))
    })
    .await;
    let (_, same) = fleet.replicas[0]
        .rest("twilio_send_message", message("0-way"))
        .await;
    assert_eq!(same["sid"], done["sid"], "{same}");
    kept(&fleet, &[("0-way".to_owned(), done["sid"].clone())]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_for_a_while() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port()).await;
    let fleet = two(at(&proxy.url(), json!({}))).await;
    let steady = Steady::calls(&fleet);
    steady.go_on(true).await;
    proxy.delay(Duration::from_secs(2));
    steady.go_on(false).await;
    down(&fleet, "Redis").await;
    proxy.delay(Duration::ZERO);
    up(&fleet).await;
    steady.go_on(true).await;
    let tally = steady.end(&fleet).await;
    kept(&fleet, &tally.answered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_for_a_while() {
    let redis = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let fleet = two(at(&redis.url(), json!({}))).await;
    let steady = Steady::calls(&fleet);
    steady.go_on(true).await;
    assert_eq!(redis.ask(&["CONFIG", "SET", "maxmemory", "1"]), "+OK");
    steady.go_on(false).await;
    down(&fleet, "memory").await;
    assert_eq!(redis.ask(&["CONFIG", "SET", "maxmemory", "0"]), "+OK");
    up(&fleet).await;
    steady.go_on(true).await;
    let tally = steady.end(&fleet).await;
    kept(&fleet, &tally.answered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_until_it_is_right() {
    let redis = RedisServer::start(&[]);
    let login = json!({"username": "ada", "password": "CANARY-password"});
    let fleet = two(at(&redis.url(), login)).await;
    let steady = Steady::calls(&fleet);
    steady.go_on(false).await;
    down(&fleet, "password").await;
    let user = [
        "ACL",
        "SETUSER",
        "ada",
        "on",
        ">CANARY-password",
        "~*",
        "&*",
        "+@all",
    ];
    assert_eq!(redis.ask(&user), "+OK");
    up(&fleet).await;
    steady.go_on(true).await;
    let tally = steady.end(&fleet).await;
    kept(&fleet, &tally.answered).await;
    for server in &fleet.replicas {
        let log = server.log.lock().unwrap().join("\n");
        let told = [
            log,
            server.get("/health").await.1,
            server.get("/metrics").await.1,
        ];
        assert!(!told.concat().contains("CANARY"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_over_to_another_master() {
    let mut all = Sentinels::start();
    let behind = json!({"topology": "sentinel", "master": "ours"});
    let fleet = two(at(&all.url(), behind)).await;
    let steady = Steady::calls(&fleet);
    steady.go_on(true).await;
    all = tokio::task::spawn_blocking(move || {
        all.fail_over();
        all
    })
    .await
    .unwrap();
    up(&fleet).await;
    steady.go_on(true).await;
    let tally = steady.end(&fleet).await;
    assert!(!tally.refused.is_empty(), "meanwhile keys were refused");
    // A master that dies takes the newest outcomes along, if it could not replicate them yet.
    let old = &tally.answered[..5];
    kept(&fleet, old).await;
    drop(all);
}
