//! Redis in every shape and in every kind of trouble.
#![cfg(feature = "redis")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "tests"
)]

mod common;
#[path = "state/proxy.rs"]
mod proxy;
#[path = "state/results.rs"]
mod results;
#[path = "../../testkit/src/redis.rs"]
mod server;
#[path = "state/suite.rs"]
mod suite;
#[path = "state/topologies.rs"]
mod topologies;

use std::sync::Arc;
use std::time::{Duration, Instant};

use business_tools_core::call::cache::CacheStore;
use business_tools_core::egress::hints::Hints;
use business_tools_core::health::Part;
use business_tools_core::secret::Secret;
use business_tools_core::secret::key::MasterKey;
use business_tools_core::secret::seal::Keyring;
use business_tools_core::state::redis::{RedisSettings, RedisStore};
use business_tools_core::state::{
    Ask, Begin, Grant, Notice, RecordStore, Rule, Stage, State, Store, Trouble, WindowStore,
};
use business_tools_core::{Kind, ProviderSettings, millis, secs};
use common::{Bench, Step, down, fields};
use proxy::Proxy;
use serde_json::{Value, json};
use server::{RedisServer, Sentinels};

suite::against!(cluster, topologies::cluster);
suite::against!(sentinel, topologies::sentinel);
suite::against!(encrypted, topologies::encrypted);
results::against!(results_in_a_cluster, || two(topologies::cluster()));
results::against!(results_behind_sentinels, || two(topologies::sentinel()));

fn two(shape: topologies::Shape) -> (topologies::Shape, results::Two) {
    let results = || suite::Kind::join(&shape).results().unwrap();
    let two = (results(), results());
    (shape, two)
}

fn settings(url: &str) -> RedisSettings {
    RedisSettings {
        timeout: millis(100),
        ..RedisSettings::at(url)
    }
}

fn keys() -> Keyring {
    Keyring::new(&MasterKey::generate().unwrap(), [])
}

/// A replica with a provider of its own, or with that of another one.
fn replica(settings: RedisSettings, keys: &Keyring, like: Option<&Bench>) -> Bench {
    Bench::with(|env, provider| {
        let store = RedisStore::start(settings).unwrap();
        env.state = State::sealed(Arc::new(store), keys.clone());
        env.hints = Hints::over(&env.state);
        let results = env.state.results().unwrap();
        env.cache = CacheStore::in_memory(8 << 20).in_front_of(results, &env.state);
        if let Some(like) = like {
            *provider = ProviderSettings::single(fields(&like.id));
        }
    })
}

fn keyed(key: &str) -> Value {
    json!({"name": "a", "idempotency_key": key})
}

fn trouble(bench: &Bench) -> Option<Trouble> {
    bench.registry.env().state.store().trouble()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < secs(20), "waited too long: {what}");
        tokio::time::sleep(millis(10)).await;
    }
}

/// Calls that need no store go on, at once.
async fn calls_go_on(bench: &Bench) {
    let began = Instant::now();
    for n in 0..10 {
        let args = json!({"name": format!("n{n}")});
        bench.call("acme_create_thing", args).await.unwrap();
        let args = json!({"id": format!("n{n}")});
        bench.call("acme_get_thing", args).await.unwrap();
    }
    let took = began.elapsed();
    assert!(took < secs(2), "20 calls took {took:?}");
}

/// A call with a key is not made when nobody can tell whether it was made before.
async fn keys_are_refused(bench: &Bench) {
    let sent = bench.world.seen().len();
    let refused = bench.call("acme_create_thing", keyed("refused")).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert!(refused.is_retryable() && refused.wait().is_some());
    assert_eq!(bench.world.seen().len(), sent);
}

async fn keys_work(bench: &Bench, key: &str) {
    bench.call("acme_create_thing", keyed(key)).await.unwrap();
    let again = bench.call("acme_create_thing", keyed(key)).await.unwrap();
    assert_eq!(again["replayed"], true);
}

#[tokio::test]
async fn redis_that_is_absent_at_the_start_is_found_later() {
    let mut redis = RedisServer::absent(&[]);
    let bench = replica(settings(&redis.url()), &keys(), None);
    calls_go_on(&bench).await;
    keys_are_refused(&bench).await;
    assert!(matches!(trouble(&bench), Some(Trouble::Away(_))));
    redis.restart();
    until("Redis is found", || trouble(&bench).is_none()).await;
    keys_work(&bench, "k").await;
    calls_go_on(&bench).await;
}

#[tokio::test]
async fn redis_that_goes_and_comes_back_is_used_again() {
    let mut redis = RedisServer::start(&[]);
    let bench = replica(settings(&redis.url()), &keys(), None);
    keys_work(&bench, "before").await;
    for round in 0..3 {
        redis.stop();
        until("it is noticed", || trouble(&bench).is_some()).await;
        calls_go_on(&bench).await;
        keys_are_refused(&bench).await;
        redis.restart();
        until("it is back", || trouble(&bench).is_none()).await;
        keys_work(&bench, &format!("after {round}")).await;
    }
}

#[tokio::test]
async fn an_outcome_that_could_not_be_recorded_is_recorded_when_redis_is_back() {
    let mut redis = RedisServer::start(&[]);
    let keys = keys();
    let bench = replica(settings(&redis.url()), &keys, None);
    bench.world.then(Step::After(
        millis(300),
        Box::new(Step::Give(json!({"id": "x"}))),
    ));
    let call = bench.call("acme_create_thing", keyed("k"));
    let away = async {
        until("it is sent", || !bench.world.seen().is_empty()).await;
        redis.stop();
    };
    let (done, ()) = tokio::join!(call, away);
    assert_eq!(done.unwrap()["id"], "x", "the caller has it");
    let again = bench.call("acme_create_thing", keyed("k")).await.unwrap();
    assert_eq!(again["replayed"], true, "this replica remembers");
    // It comes back without anything it knew.
    redis.restart();
    let other = replica(settings(&redis.url()), &keys, Some(&bench));
    let store = Arc::clone(other.registry.env().state.store());
    let began = Instant::now();
    loop {
        until("it is back", || trouble(&other).is_none()).await;
        let known = redis.ask(&["KEYS", "*:record:*"]);
        if known.contains("record") {
            break;
        }
        assert!(began.elapsed() < secs(20), "it was not recorded");
        tokio::time::sleep(millis(20)).await;
    }
    drop(store);
    let again = other.call("acme_create_thing", keyed("k")).await.unwrap();
    assert_eq!(
        (&again["id"], &again["replayed"]),
        (&json!("x"), &json!(true))
    );
    assert_eq!(bench.world.seen().len(), 1);
}

#[tokio::test]
async fn redis_that_stands_still_costs_one_wait_and_no_more() {
    let redis = RedisServer::start(&[]);
    let bench = replica(settings(&redis.url()), &keys(), None);
    keys_work(&bench, "before").await;
    redis.freeze();
    let began = Instant::now();
    calls_go_on(&bench).await;
    keys_are_refused(&bench).await;
    assert!(began.elapsed() < secs(2), "{:?}", began.elapsed());
    assert!(matches!(trouble(&bench), Some(Trouble::Away(_))));
    redis.thaw();
    until("it goes on", || trouble(&bench).is_none()).await;
    keys_work(&bench, "after").await;
}

#[tokio::test]
async fn redis_that_is_slow_is_away_until_it_is_quick_again() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port()).await;
    let bench = replica(settings(&proxy.url()), &keys(), None);
    keys_work(&bench, "before").await;
    proxy.delay(millis(40));
    keys_work(&bench, "within the time").await;
    proxy.delay(millis(700));
    let call = bench.call("acme_create_thing", keyed("slow")).await;
    assert_eq!(call.unwrap_err().kind(), Kind::Unavailable);
    calls_go_on(&bench).await;
    proxy.delay(Duration::ZERO);
    until("it is quick", || trouble(&bench).is_none()).await;
    keys_work(&bench, "after").await;
}

#[tokio::test]
async fn redis_that_is_full_is_told_and_used_again_when_it_has_room() {
    let redis = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let bench = replica(settings(&redis.url()), &keys(), None);
    keys_work(&bench, "before").await;
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    keys_are_refused(&bench).await;
    calls_go_on(&bench).await;
    assert!(matches!(trouble(&bench), Some(Trouble::Full(_))));
    // What is there can be read.
    let again = bench.call("acme_create_thing", keyed("before")).await;
    assert_eq!(again.unwrap()["replayed"], true);
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    until("it has room", || trouble(&bench).is_none()).await;
    keys_work(&bench, "after").await;
}

#[tokio::test]
async fn a_wrong_password_is_told_and_works_once_it_is_right() {
    let redis = RedisServer::start(&[]);
    let wrong = RedisSettings {
        username: Some("ada".to_owned()),
        password: Some(Secret::new("CANARY-password")),
        ..settings(&redis.url())
    };
    let bench = replica(wrong, &keys(), None);
    calls_go_on(&bench).await;
    keys_are_refused(&bench).await;
    let told = trouble(&bench).unwrap().to_string();
    assert!(
        told.contains("password") && !told.contains("CANARY"),
        "{told}"
    );
    // The rights of docs/state.md are enough.
    let rights = include_str!("../../../docs/state.md")
        .lines()
        .find_map(|line| line.strip_prefix("ACL SETUSER business-tools on >PASSWORD "));
    let rights = rights.expect("the page tells the rights").split(' ');
    let mut user = vec!["ACL", "SETUSER", "ada", "on", ">CANARY-password"];
    let rights: Vec<String> = rights
        .map(|word| word.replace("business-tools:", "bt:"))
        .collect();
    user.extend(rights.iter().map(String::as_str));
    assert_eq!(redis.ask(&user), "+OK");
    until("it is let in", || trouble(&bench).is_none()).await;
    keys_work(&bench, "after").await;
    calls_go_on(&bench).await;
    assert_eq!(trouble(&bench), None, "nothing was forbidden");
}

#[tokio::test]
async fn a_master_that_dies_is_replaced_without_a_restart() {
    let mut all = Sentinels::start();
    let bench = replica(topologies::of(&all), &keys(), None);
    keys_work(&bench, "before").await;
    all.master.stop();
    calls_go_on(&bench).await;
    all.fail_over();
    until("it is found", || trouble(&bench).is_none()).await;
    keys_work(&bench, "after").await;
    let again = bench.call("acme_create_thing", keyed("before")).await;
    assert_eq!(again.unwrap()["replayed"], true, "it was replicated");
}

#[tokio::test]
async fn a_write_whose_replica_died_is_lost_and_taken_over_once() {
    let redis = RedisServer::start(&[]);
    let start = || RedisStore::start(settings(&redis.url())).unwrap();
    let (first, second) = (start(), start());
    let Begin::Mine(ticket) = first.begin("k", "print", secs(60)).await.unwrap() else {
        panic!("it is new");
    };
    drop(first);
    let began = Instant::now();
    loop {
        let Begin::Known(known) = second.begin("k", "print", secs(60)).await.unwrap() else {
            panic!("it was begun");
        };
        match known.stage {
            Stage::Lost(lost) => {
                assert_eq!(lost, ticket);
                break;
            }
            Stage::Running => assert!(began.elapsed() < secs(20), "it is still alive"),
            Stage::Done(_) => panic!("nobody did it"),
        }
        tokio::time::sleep(millis(50)).await;
    }
    assert!(began.elapsed() > secs(2), "a hiccup is not the end");
    let one = second.take_over("k", &ticket, secs(60)).await.unwrap();
    let two = second.take_over("k", &ticket, secs(60)).await.unwrap();
    assert!(one.is_some() && two.is_none());
}

fn rules() -> [Rule; 1] {
    [Rule {
        name: "",
        requests: 9,
        window: secs(2),
    }]
}

async fn burst(store: &RedisStore, ask: &Ask<'_>) -> usize {
    let mut granted = 0;
    while let Grant::Go(lease) = store.acquire(ask).await {
        store.release(ask.lane, &lease.unwrap());
        granted += 1;
        assert!(granted < 1000);
    }
    granted
}

#[tokio::test]
async fn while_redis_is_away_each_replica_keeps_to_its_share() {
    let mut redis = RedisServer::start(&[]);
    let start = || RedisStore::start(settings(&redis.url())).unwrap();
    let replicas = [start(), start(), start()];
    let rules = rules();
    let ask = |lane| Ask {
        lane,
        rules: &rules,
        in_flight: 100,
        lease: secs(5),
    };
    // Together they have the whole, whoever asks.
    let mut granted = 0;
    for replica in &replicas {
        granted += burst(replica, &ask("together")).await;
    }
    assert_eq!(granted, 9);
    // Each heartbeat counts those that live.
    tokio::time::sleep(millis(1500)).await;
    redis.stop();
    for replica in &replicas {
        until("it is noticed", || replica.trouble().is_some()).await;
        assert_eq!(burst(replica, &ask("alone")).await, 3);
    }
    redis.restart();
    for replica in &replicas {
        until("it is back", || replica.trouble().is_none()).await;
    }
    // Redis knows nothing of those nine, so each replica still remembers its own.
    for replica in &replicas {
        assert_eq!(burst(replica, &ask("alone")).await, 0);
    }
    tokio::time::sleep(millis(2100)).await;
    let mut granted = 0;
    for replica in &replicas {
        granted += burst(replica, &ask("alone")).await;
    }
    assert_eq!(granted, 9);
}

#[tokio::test]
async fn a_place_in_flight_is_free_when_its_replica_died() {
    let redis = RedisServer::start(&[]);
    let start = || RedisStore::start(settings(&redis.url())).unwrap();
    let (first, second) = (start(), start());
    let ask = Ask {
        lane: "lane",
        rules: &[],
        in_flight: 2,
        lease: millis(400),
    };
    let lease = |grant| match grant {
        Grant::Go(Some(lease)) => lease,
        other => panic!("{other:?}"),
    };
    let one = lease(first.acquire(&ask).await);
    let _dies_with_it = lease(first.acquire(&ask).await);
    assert_eq!(second.acquire(&ask).await, Grant::Busy);
    first.release("lane", &one);
    let began = Instant::now();
    while second.acquire(&ask).await == Grant::Busy {
        assert!(began.elapsed() < millis(300), "it was given back");
        tokio::time::sleep(millis(5)).await;
    }
    assert_eq!(second.acquire(&ask).await, Grant::Busy);
    drop(first);
    while second.acquire(&ask).await == Grant::Busy {
        assert!(began.elapsed() < secs(5), "the lease has no end");
        tokio::time::sleep(millis(5)).await;
    }
}

#[tokio::test]
async fn replicas_hear_each_other_and_are_told_when_they_may_have_missed_something() {
    let mut redis = RedisServer::start(&[]);
    let start = || RedisStore::start(settings(&redis.url())).unwrap();
    let (one, two) = (start(), start());
    let (mut here, mut there) = (one.notices().unwrap(), two.notices().unwrap());
    assert_eq!(here.recv().await.unwrap(), Notice::Missed);
    assert_eq!(there.recv().await.unwrap(), Notice::Missed);
    let told = Notice::Forget("a thing".into());
    one.notify(told.clone());
    let heard = tokio::time::timeout(secs(5), there.recv()).await;
    assert_eq!(heard.unwrap().unwrap(), told);
    assert!(here.is_empty(), "nobody hears himself");
    redis.stop();
    redis.restart();
    let heard = tokio::time::timeout(secs(10), there.recv()).await;
    assert_eq!(heard.unwrap().unwrap(), Notice::Missed);
}

fn circuit(bench: &Bench) -> i64 {
    let circuit = &bench.registry.env().metrics.circuit;
    circuit.with_label_values(&["acme", "default"]).get()
}

/// Writes, which are sent once each, while the provider is down.
async fn fail(bench: &Bench, times: usize) {
    for _ in 0..times {
        bench.world.then(Step::Fail(down()));
        let call = bench.call("acme_create_thing", json!({"name": "a"}));
        assert_eq!(call.await.unwrap_err().kind(), Kind::OutcomeUnknown);
    }
}

/// Two replicas, each with a provider that fails for itself.
async fn two_replicas(redis: &RedisServer) -> [Bench; 2] {
    let keys = keys();
    let both = [(), ()].map(|()| replica(settings(&redis.url()), &keys, None));
    for bench in &both {
        until("it is there", || trouble(bench).is_none()).await;
    }
    both
}

#[tokio::test]
async fn a_circuit_that_opens_makes_the_other_replica_careful_and_no_more() {
    let redis = RedisServer::start(&[]);
    let [one, two] = two_replicas(&redis).await;
    fail(&one, 5).await;
    assert_eq!((circuit(&one), circuit(&two)), (2, 0));
    let began = Instant::now();
    // Each pair of failures is ended by a success: alone they would never open it.
    while circuit(&two) == 0 {
        assert!(began.elapsed() < secs(20), "it did not hear");
        two.call("acme_create_thing", json!({"name": "a"}))
            .await
            .unwrap();
        fail(&two, 2).await;
    }
    assert_eq!(circuit(&two), 2);
}

#[tokio::test]
async fn without_redis_a_circuit_is_that_of_its_replica_alone() {
    let mut redis = RedisServer::start(&[]);
    let [one, two] = two_replicas(&redis).await;
    redis.stop();
    for bench in [&one, &two] {
        until("it is noticed", || trouble(bench).is_some()).await;
    }
    fail(&one, 5).await;
    assert_eq!(circuit(&one), 2);
    fail(&two, 4).await;
    assert_eq!(circuit(&two), 0);
    fail(&two, 1).await;
    assert_eq!(circuit(&two), 2);
    // Nor does a word of before count.
    redis.restart();
    for bench in [&one, &two] {
        until("it is back", || trouble(bench).is_none()).await;
    }
    let refused = one.call("acme_create_thing", json!({"name": "a"})).await;
    assert_eq!(refused.unwrap_err().kind(), Kind::CircuitOpen);
}

#[tokio::test]
async fn a_circuit_that_closes_lets_the_other_replica_look_before_its_time() {
    let redis = RedisServer::start(&[]);
    let keys = keys();
    let start = |recovery: Duration| {
        let settings = settings(&redis.url());
        Bench::with(|env, provider| {
            let store = RedisStore::start(settings).unwrap();
            env.state = State::sealed(Arc::new(store), keys.clone());
            env.hints = Hints::over(&env.state);
            let text = json!({"recovery_timeout": format!("{}ms", recovery.as_millis())});
            let rules = serde_json::from_value(text).unwrap();
            provider.overrides.circuit_breaker = rules;
        })
    };
    let (soon, late) = (start(millis(300)), start(secs(600)));
    for bench in [&soon, &late] {
        until("it is there", || trouble(bench).is_none()).await;
    }
    for bench in [&late, &soon] {
        // Five, or two for the one that has heard of the other.
        while circuit(bench) == 0 {
            fail(bench, 1).await;
        }
    }
    let works = |bench| async move {
        let call = Bench::call(bench, "acme_create_thing", json!({"name": "a"}));
        call.await.is_ok()
    };
    let began = Instant::now();
    while circuit(&soon) != 0 || circuit(&late) != 0 {
        assert!(began.elapsed() < secs(20), "it waits for its own time");
        works(&soon).await;
        works(&late).await;
        tokio::time::sleep(millis(20)).await;
    }
}

#[tokio::test]
async fn a_check_waits_for_the_first_connection_and_tells_when_there_is_none() {
    let redis = RedisServer::start(&[]);
    let check = async |url: &str| {
        let store = RedisStore::start(settings(url)).unwrap();
        let state = State::sealed(Arc::new(store), keys());
        Part::check(&state).await
    };
    check(&redis.url()).await.unwrap();
    let error = check(&RedisServer::absent(&[]).url()).await.unwrap_err();
    assert!(error.message().contains("refuses connections"), "{error}");
}
