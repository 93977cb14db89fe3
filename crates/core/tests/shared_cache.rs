//! The cache of several replicas over one Redis.
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

use std::sync::Arc;
use std::time::{Duration, Instant};

use business_tools_core::call::cache::CacheStore;
use business_tools_core::secret::key::MasterKey;
use business_tools_core::secret::seal::Keyring;
use business_tools_core::state::redis::{RedisSettings, RedisStore};
use business_tools_core::state::{MemoryResults, State, Store, Trouble};
use business_tools_core::{Cx, Error, Kind, Principal, ProviderSettings, Result, millis, secs};
use common::{Bench, Step, fields, tenant};
use futures_util::future::join_all;
use proxy::Proxy;
use serde_json::{Value, json};
use server::RedisServer;

results::against!(memory, || {
    let one = Arc::<MemoryResults>::default();
    ((), (Arc::clone(&one) as _, one as _))
});
results::against!(redis, || {
    let redis = RedisServer::start(&[]);
    let start = || RedisStore::start(RedisSettings::at(redis.url())).unwrap();
    let two = (start().results().unwrap(), start().results().unwrap());
    (redis, two)
});

fn keys() -> Keyring {
    Keyring::new(&MasterKey::generate().unwrap(), [])
}

/// A fleet over one Redis: replicas of one provider, whose world is that of the first.
struct Fleet {
    redis: RedisServer,
    keys: Keyring,
    first: Option<String>,
}

impl Fleet {
    fn new() -> Self {
        Self {
            redis: RedisServer::start(&[]),
            keys: keys(),
            first: None,
        }
    }

    fn settings(&self) -> RedisSettings {
        RedisSettings::at(self.redis.url())
    }

    fn replica(&mut self) -> Bench {
        self.replica_at(self.settings())
    }

    fn replica_at(&mut self, settings: RedisSettings) -> Bench {
        let keys = self.keys.clone();
        self.replica_with(settings, keys, |_| ())
    }

    fn replica_with(
        &mut self,
        settings: RedisSettings,
        keys: Keyring,
        set: impl FnOnce(&mut ProviderSettings),
    ) -> Bench {
        let bench = Bench::with(|env, provider| {
            let store = RedisStore::start(settings).unwrap();
            env.state = State::sealed(Arc::new(store), keys);
            let results = env.state.results().unwrap();
            env.cache = CacheStore::in_memory(8 << 20).in_front_of(results, &env.state);
            env.max_result = 4 << 20;
            if let Some(first) = &self.first {
                *provider = ProviderSettings::single(fields(first));
            }
            set(provider);
        });
        self.first.get_or_insert_with(|| bench.id.clone());
        bench
    }
}

async fn get(bench: &Bench, id: &str) -> Result<Value> {
    bench.call("acme_get_thing", json!({"id": id})).await
}

/// The number of the request that a result came from.
async fn number(bench: &Bench, id: &str) -> u64 {
    get(bench, id).await.unwrap()["n"].as_u64().unwrap()
}

async fn write(bench: &Bench) -> u64 {
    let done = bench.call("acme_set_thing", json!({"id": "a"})).await;
    done.unwrap()["n"].as_u64().unwrap()
}

fn counted(bench: &Bench, result: &str) -> u64 {
    let cache = &bench.registry.env().metrics.cache;
    cache.with_label_values(&["acme", result]).get()
}

fn trouble(bench: &Bench) -> Option<Trouble> {
    bench.registry.env().state.store().trouble()
}

async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let began = Instant::now();
    while !done().await {
        assert!(began.elapsed() < secs(20), "waited too long: {what}");
        tokio::time::sleep(millis(10)).await;
    }
}

async fn until_up(bench: &Bench, up: bool) {
    let what = if up { "it is back" } else { "it is noticed" };
    until(what, || async { trouble(bench).is_none() == up }).await;
}

/// What Redis holds, keys and values.
fn everything(redis: &RedisServer) -> Vec<(String, String)> {
    let keys = redis.ask(&["KEYS", "*"]);
    let keys = keys.lines().filter(|line| line.starts_with("bt:"));
    keys.map(|key| (key.to_owned(), redis.ask(&["GET", key])))
        .collect()
}

async fn until_kept(fleet: &Fleet) {
    until("it is kept", || async {
        fleet.redis.ask(&["KEYS", "*:value:*"]).contains("value")
    })
    .await;
}

#[tokio::test]
async fn what_one_replica_read_the_others_need_not_ask_for() {
    let mut fleet = Fleet::new();
    let (one, two, three) = (fleet.replica(), fleet.replica(), fleet.replica());
    let read = get(&one, "a").await.unwrap();
    until_kept(&fleet).await;
    for bench in [&one, &two, &three, &three] {
        assert_eq!(get(bench, "a").await.unwrap(), read);
    }
    assert_eq!(one.world.seen(), ["get a"]);
    let all = ["miss", "shared_hit", "hit"];
    let two = all.map(|result| counted(&two, result));
    assert_eq!(two, [0, 1, 0]);
    // A replica that has just come may have missed something, and forgets what it has once.
    let three = all.map(|result| counted(&three, result));
    assert!(three == [0, 1, 1] || three == [0, 2, 0], "{three:?}");
    assert_eq!(counted(&one, "miss"), 1);
}

#[tokio::test]
async fn a_write_on_one_replica_is_seen_on_the_others() {
    let mut fleet = Fleet::new();
    let (one, two) = (fleet.replica(), fleet.replica());
    for round in 0..20 {
        let (writer, reader) = if round % 2 == 0 {
            (&one, &two)
        } else {
            (&two, &one)
        };
        get(reader, "a").await.unwrap();
        get(writer, "a").await.unwrap();
        let written = write(writer).await;
        assert!(number(writer, "a").await > written, "its own write");
        until("it is seen elsewhere", || async {
            number(reader, "a").await > written
        })
        .await;
    }
}

#[tokio::test]
async fn a_read_that_began_before_a_write_elsewhere_is_not_served_after_it() {
    let mut fleet = Fleet::new();
    let (one, two) = (fleet.replica(), fleet.replica());
    let old = Step::Give(json!({"n": 0}));
    one.world.then(Step::After(millis(500), Box::new(old)));
    let (old, written) = tokio::join!(number(&one, "a"), async {
        until("it is sent", || async { !one.world.seen().is_empty() }).await;
        write(&two).await
    });
    assert_eq!(old, 0);
    for bench in [&two, &one, &two] {
        assert!(number(bench, "a").await > written);
    }
}

#[tokio::test]
async fn what_a_replica_did_not_hear_of_is_forgotten_when_it_is_back() {
    let mut fleet = Fleet::new();
    let proxy = Proxy::start(fleet.redis.port()).await;
    let one = fleet.replica();
    let two = fleet.replica_at(RedisSettings::at(proxy.url()));
    until_up(&two, true).await;
    get(&one, "a").await.unwrap();
    let before = number(&two, "a").await;
    proxy.sever(true);
    until_up(&two, false).await;
    let written = write(&one).await;
    assert_eq!(number(&two, "a").await, before, "it cannot know");
    proxy.sever(false);
    until_up(&two, true).await;
    until("it is seen", || async { number(&two, "a").await > written }).await;
}

#[tokio::test]
async fn a_write_that_nobody_could_be_told_of_is_told_when_redis_is_back() {
    let mut fleet = Fleet::new();
    let proxy = Proxy::start(fleet.redis.port()).await;
    let one = fleet.replica_at(RedisSettings::at(proxy.url()));
    let two = fleet.replica();
    get(&one, "a").await.unwrap();
    until_kept(&fleet).await;
    get(&two, "a").await.unwrap();
    proxy.sever(true);
    until_up(&one, false).await;
    let written = write(&one).await;
    assert!(number(&one, "a").await > written);
    proxy.sever(false);
    until_up(&one, true).await;
    // At no moment does it believe what Redis had of before.
    for _ in 0..50 {
        assert!(number(&one, "a").await > written);
        tokio::time::sleep(millis(2)).await;
    }
    until("it is told", || async { number(&two, "a").await > written }).await;
}

#[tokio::test]
async fn equal_misses_on_many_replicas_make_one_request() {
    let mut fleet = Fleet::new();
    let replicas = [fleet.replica(), fleet.replica(), fleet.replica()];
    for bench in &replicas {
        until_up(bench, true).await;
    }
    let world = &replicas[0].world;
    let answer = Step::Give(json!({"id": "a"}));
    world.then(Step::After(millis(600), Box::new(answer)));
    let all = (0..90).map(|n| get(&replicas[n % 3], "a"));
    let all = join_all(all).await;
    assert!(all.iter().all(|it| it.as_ref().unwrap()["id"] == "a"));
    assert_eq!(world.seen(), ["get a"]);
    let sum = |result| replicas.iter().map(|it| counted(it, result)).sum::<u64>();
    assert_eq!(
        (sum("miss"), sum("shared_joined"), sum("joined")),
        (1, 2, 87)
    );
}

#[tokio::test]
async fn a_fetch_whose_replica_died_is_made_by_another() {
    let mut fleet = Fleet::new();
    let proxy = Proxy::start(fleet.redis.port()).await;
    let dies = fleet.replica_at(RedisSettings::at(proxy.url()));
    let lives = fleet.replica();
    until_up(&lives, true).await;
    dies.world.then(Step::Hang);
    let world = Arc::clone(&dies.world);
    let dead = tokio::spawn(async move { get(&dies, "a").await });
    until("it is sent", || async { !world.seen().is_empty() }).await;
    let began = Instant::now();
    let (got, ()) = tokio::join!(get(&lives, "a"), async {
        proxy.sever(true);
        dead.abort();
    });
    assert_eq!(got.unwrap()["n"], 2);
    let took = began.elapsed();
    assert!(took > millis(500) && took < secs(6), "{took:?}");
}

#[tokio::test]
async fn a_fetch_that_takes_long_is_waited_for_half_of_the_time_and_no_longer() {
    let mut fleet = Fleet::new();
    let (slow, hurried) = (fleet.replica(), fleet.replica());
    until_up(&hurried, true).await;
    slow.world.then(Step::Hang);
    let deadline = tokio::time::Instant::now() + secs(6);
    let cx = Cx::builder(Principal::local()).deadline(deadline).build();
    let args = json!({"id": "a"});
    let began = Instant::now();
    let fetched = tokio::select! {
        _ = get(&slow, "a") => panic!("it hangs"),
        got = async {
            until("it is sent", || async { !slow.world.seen().is_empty() }).await;
            hurried.call_as("acme_get_thing", args, cx).await
        } => got,
    };
    assert_eq!(fetched.unwrap()["n"], 2);
    let took = began.elapsed();
    // Longer than a turn that nobody holds on to.
    assert!(took > millis(2500) && took < secs(6), "{took:?}");
    assert_eq!(counted(&hurried, "miss"), 1);
}

#[tokio::test]
async fn a_fetch_that_fails_is_made_by_each_for_itself() {
    let mut fleet = Fleet::new();
    let replicas = [fleet.replica(), fleet.replica(), fleet.replica()];
    for bench in &replicas {
        until_up(bench, true).await;
    }
    replicas[0].world.always(|| {
        let fail = Step::Fail(Error::new(Kind::NotFound, "no"));
        Step::After(millis(400), Box::new(fail))
    });
    let began = Instant::now();
    let all = join_all(replicas.iter().map(|bench| get(bench, "a"))).await;
    for outcome in all {
        assert_eq!(outcome.unwrap_err().kind(), Kind::NotFound);
    }
    assert_eq!(replicas[0].world.seen().len(), 3);
    let took = began.elapsed();
    assert!(took < millis(1150), "not one after the other: {took:?}");
}

#[tokio::test]
async fn a_key_that_was_replaced_opens_and_one_that_is_unknown_is_a_miss() {
    let mut fleet = Fleet::new();
    let (old, new) = (
        MasterKey::generate().unwrap(),
        MasterKey::generate().unwrap(),
    );
    let start = |fleet: &mut Fleet, ring| fleet.replica_with(fleet.settings(), ring, |_| ());
    let before = start(&mut fleet, Keyring::new(&old, []));
    get(&before, "a").await.unwrap();
    until_kept(&fleet).await;
    let after = start(&mut fleet, Keyring::new(&new, [&old]));
    assert_eq!(number(&after, "a").await, 1);
    let stranger = start(&mut fleet, Keyring::new(&new, []));
    assert_eq!(number(&stranger, "a").await, 2);
    assert_eq!(counted(&stranger, "miss"), 1);
    // What it fetched is there for those who have its key.
    let another = start(&mut fleet, Keyring::new(&new, []));
    until_up(&another, true).await;
    until("it is replaced", || async {
        let mark = another.world.seen().len();
        number(&another, "a").await == 2 && another.world.seen().len() == mark
    })
    .await;
}

#[tokio::test]
async fn results_of_other_settings_tenants_and_times_are_others() {
    let mut fleet = Fleet::new();
    let one = fleet.replica();
    get(&one, "a").await.unwrap();
    until_kept(&fleet).await;
    let of = |name| Cx::builder(tenant(name)).build();
    let args = || json!({"id": "a"});
    let theirs = one.call_as("acme_get_thing", args(), of("other"));
    assert_eq!(theirs.await.unwrap()["n"], 2);
    let keys = fleet.keys.clone();
    let shorter = fleet.replica_with(fleet.settings(), keys.clone(), |provider| {
        provider.cache_ttl.insert("things".into(), secs(5));
    });
    assert_eq!(number(&shorter, "a").await, 3);
    let rotated = fleet.replica_with(fleet.settings(), keys, |provider| {
        let account = provider.accounts.values_mut().next().unwrap();
        account.insert("token".into(), json!("another"));
    });
    assert_eq!(number(&rotated, "a").await, 4);
    assert_eq!(number(&one, "a").await, 1);
}

#[tokio::test]
async fn a_shared_result_is_over_when_its_time_is() {
    let mut fleet = Fleet::new();
    let keys = fleet.keys.clone();
    let mut start = || {
        fleet.replica_with(fleet.settings(), keys.clone(), |provider| {
            provider.cache_ttl.insert("things".into(), millis(900));
        })
    };
    let (one, two) = (start(), start());
    get(&one, "a").await.unwrap();
    let began = Instant::now();
    until_kept(&fleet).await;
    while number(&two, "a").await == 1 {
        // A copy lives no longer than what it was copied from.
        assert!(began.elapsed() < millis(1700), "it has no end");
        tokio::time::sleep(millis(20)).await;
    }
}

#[tokio::test]
async fn redis_keeps_nothing_that_can_be_read() {
    let mut fleet = Fleet::new();
    let one = fleet.replica();
    let text = "CANARY-RESULT ".repeat(3000);
    one.world.then(Step::Give(json!({"text": text})));
    let cx = Cx::builder(tenant("CANARY-TENANT")).build();
    let args = json!({"id": "CANARY-ARGUMENT"});
    let got = one.call_as("acme_get_thing", args.clone(), cx).await;
    until_kept(&fleet).await;
    let all = everything(&fleet.redis);
    assert!(all.len() >= 2, "{all:?}");
    let told = format!("{all:?}");
    for word in ["CANARY", "acme", &fleet.first.clone().unwrap()] {
        assert!(!told.contains(word), "{word}");
    }
    let (_, value) = all.iter().find(|(key, _)| key.contains(":value:")).unwrap();
    let length: usize = value[1..].lines().next().unwrap().parse().unwrap();
    assert!(length < text.len() / 10, "it is compressed: {length}");
    // And yet it is what was read.
    let two = fleet.replica();
    let cx = Cx::builder(tenant("CANARY-TENANT")).build();
    let shared = two.call_as("acme_get_thing", args, cx).await;
    assert_eq!(shared.unwrap(), got.unwrap());
    assert_eq!(counted(&two, "shared_hit"), 1);
}

#[tokio::test]
async fn what_is_too_large_stays_in_the_process() {
    let mut fleet = Fleet::new();
    let (one, two) = (fleet.replica(), fleet.replica());
    let noise: String = (0..1 << 20).map(|_| fastrand::alphanumeric()).collect();
    one.world.then(Step::Give(json!({"text": noise})));
    get(&one, "large").await.unwrap();
    get(&one, "small").await.unwrap();
    until_kept(&fleet).await;
    get(&two, "large").await.unwrap();
    get(&one, "large").await.unwrap();
    assert_eq!(one.world.seen(), ["get large", "get small", "get large"]);
    let sizes = everything(&fleet.redis);
    assert!(sizes.iter().all(|(_, value)| value.len() < 256 << 10));
}

/// Reads of many things, which take no longer than they would without a store.
async fn reads_go_on(bench: &Bench, what: &str, most: Duration) {
    let began = Instant::now();
    for n in 0..30 {
        get(bench, &format!("{what} {n}")).await.unwrap();
    }
    write(bench).await;
    let took = began.elapsed();
    assert!(took < most, "{what}: {took:?}");
}

#[tokio::test]
async fn redis_that_is_gone_or_stands_still_makes_no_read_slow() {
    let mut fleet = Fleet::new();
    let one = fleet.replica();
    get(&one, "a").await.unwrap();
    fleet.redis.freeze();
    reads_go_on(&one, "frozen", secs(2)).await;
    fleet.redis.thaw();
    until_up(&one, true).await;
    fleet.redis.stop();
    reads_go_on(&one, "gone", secs(2)).await;
    until_up(&one, false).await;
    // What it has it serves.
    get(&one, "a").await.unwrap();
    let before = one.world.seen().len();
    get(&one, "a").await.unwrap();
    assert_eq!(one.world.seen().len(), before);
    fleet.redis.restart();
    until_up(&one, true).await;
    let two = fleet.replica();
    until("they share again", || async {
        let id = format!("again {}", fastrand::u32(..));
        get(&one, &id).await.unwrap();
        get(&two, &id).await.unwrap();
        counted(&two, "shared_hit") > 0
    })
    .await;
}

#[tokio::test]
async fn redis_that_is_slow_but_answers_in_time_makes_no_read_slow() {
    let fleet = Fleet::new();
    let proxy = Proxy::start(fleet.redis.port()).await;
    let store = RedisStore::start(RedisSettings {
        timeout: secs(5),
        ..RedisSettings::at(proxy.url())
    });
    let state = State::sealed(Arc::new(store.unwrap()), keys());
    // Limits and records are elsewhere: this is about the cache.
    let bench = Bench::with(|env, _| {
        let results = state.results().unwrap();
        env.cache = CacheStore::in_memory(8 << 20).in_front_of(results, &state);
    });
    get(&bench, "a").await.unwrap();
    proxy.delay(millis(700));
    // Asked each time it would be twenty seconds.
    reads_go_on(&bench, "slow", secs(2)).await;
    assert_eq!(state.store().trouble(), None, "it is slow and not away");
    proxy.delay(Duration::ZERO);
    until("it is asked again", || async {
        let id = format!("again {}", fastrand::u32(..));
        get(&bench, &id).await.unwrap();
        fleet
            .redis
            .ask(&["KEYS", "*:value:*"])
            .matches("value")
            .count()
            > 1
    })
    .await;
}

#[tokio::test]
async fn redis_that_is_full_gives_what_it_has_and_forgets_what_it_must() {
    let mut fleet = Fleet::new();
    let (one, two) = (fleet.replica(), fleet.replica());
    get(&one, "a").await.unwrap();
    until_kept(&fleet).await;
    fleet.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(number(&two, "a").await, 1);
    assert_eq!(counted(&two, "shared_hit"), 1);
    reads_go_on(&one, "full", secs(2)).await;
    let written = write(&one).await;
    let three = fleet.replica();
    for bench in [&one, &three] {
        assert!(number(bench, "a").await > written);
    }
    until("it is told", || async { number(&two, "a").await > written }).await;
}

#[tokio::test]
async fn results_leave_redis_room_for_what_may_not_be_lost() {
    let mut fleet = Fleet::new();
    let one = fleet.replica();
    until_up(&one, true).await;
    // So much that a tenth of it is more than a test needs.
    fleet.redis.ask(&["SETRANGE", "ballast", "64000000", "x"]);
    let memory = fleet.redis.ask(&["INFO", "memory"]);
    let used = memory
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let used: u64 = used.unwrap().trim().parse().unwrap();
    let most = |bytes: u64| {
        let bytes = bytes.to_string();
        fleet.redis.ask(&["CONFIG", "SET", "maxmemory", &bytes])
    };
    let values = || {
        let keys = fleet.redis.ask(&["KEYS", "*:value:*"]);
        keys.matches(":value:").count()
    };
    // Nine tenths are used: it is not full.
    most(used * 10 / 9);
    for n in 0..20 {
        get(&one, &format!("{n}")).await.unwrap();
        let args = json!({"name": "a", "idempotency_key": format!("k{n}")});
        one.call("acme_create_thing", args).await.unwrap();
    }
    assert_eq!((values(), trouble(&one)), (0, None));
    most(used * 10);
    until("results are kept again", || async {
        let id = format!("again {}", fastrand::u32(..));
        get(&one, &id).await.unwrap();
        values() > 0
    })
    .await;
}
