//! The pools of connections against servers that count who is connected.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![cfg(feature = "http")]

mod common;
#[cfg(feature = "redis")]
#[path = "../../testkit/src/redis.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    reason = "shared with other tests"
)]
mod redis;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use business_tools_core::egress::transport::{Http, HttpRequest, HttpResponse};
use business_tools_core::http::Method;
use business_tools_core::pools::{Pooled, Role};
use business_tools_core::{
    ConnectionPoolManager, Connections, Cx, Env, Error, Fate, Info, Kind, Policy, Principal,
    Provider, Repeat, Upstream, millis, secs,
};
use common::Acme;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use url::Url;

static INFO: Info = Acme::INFO;

/// A server that keeps its connections, counts them, and answers when it is let.
struct Counting {
    url: Url,
    open: watch::Receiver<usize>,
    made: Arc<AtomicUsize>,
    asked: watch::Receiver<usize>,
    go: Arc<Notify>,
}

impl Counting {
    /// Answers at once, or each request when `go` says so.
    async fn start(at_once: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/things", listener.local_addr().unwrap());
        let (count, open) = watch::channel(0);
        let (asking, asked) = watch::channel(0);
        let (made, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (made_here, go_here) = (Arc::clone(&made), Arc::clone(&go));
        let (count, asking) = (Arc::new(count), Arc::new(asking));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                made_here.fetch_add(1, Ordering::SeqCst);
                count.send_modify(|n| *n += 1);
                let (count, asking) = (Arc::clone(&count), Arc::clone(&asking));
                let go = Arc::clone(&go_here);
                tokio::spawn(async move {
                    let mut head = vec![0; 16 << 10];
                    while let Ok(1..) = stream.read(&mut head).await {
                        asking.send_modify(|n| *n += 1);
                        if !at_once {
                            go.notified().await;
                        }
                        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            break;
                        }
                    }
                    count.send_modify(|n| *n -= 1);
                });
            }
        });
        Self {
            url: Url::parse(&url).unwrap(),
            open,
            made,
            asked,
            go,
        }
    }

    /// Waits until so many are connected.
    async fn are_open(&self, n: usize) {
        until(self.open.clone(), n).await;
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

async fn until(mut watched: watch::Receiver<usize>, n: usize) {
    let reached = watched.wait_for(|now| *now == n);
    let reached = tokio::time::timeout(secs(10), reached).await.is_ok();
    assert!(reached, "{n} expected, there are {}", *watched.borrow());
}

fn map(response: &HttpResponse) -> Error {
    response.error("Acme says no")
}

fn client(env: &Env, connections: Connections) -> Http {
    let policy = Policy {
        in_flight: 64,
        connections,
        ..Policy::DEFAULT
    };
    Http::new(&Upstream::new(&INFO, policy, env.clone()), map)
}

async fn get(client: &Http, url: &Url) -> Result<HttpResponse, Error> {
    let deadline = tokio::time::Instant::now() + secs(20);
    let cx = Cx::builder(Principal::local()).deadline(deadline).build();
    let request = HttpRequest::new(Method::GET, url.clone());
    client.send_as(&cx, Repeat::IfUnprocessed, request).await
}

fn gauge(env: &Env) -> i64 {
    let gauge = &env.metrics.connections;
    gauge.with_label_values(&["acme"]).get()
}

#[tokio::test]
async fn nothing_is_connected_before_the_first_request_and_connections_are_used_again() {
    let (env, server) = (Env::alone(), Counting::start(true).await);
    let client = client(&env, Connections::DEFAULT);
    assert_eq!((server.made(), gauge(&env)), (0, 0));
    for _ in 0..5 {
        get(&client, &server.url).await.unwrap();
    }
    assert_eq!(server.made(), 1);
    let opened = env.metrics.opened.with_label_values(&["acme"]);
    assert_eq!(opened.get(), 1);
    assert_eq!(gauge(&env), 0, "one that nobody uses is not active");
}

#[tokio::test]
async fn the_gauge_shows_the_connections_in_use() {
    let (env, server) = (Env::alone(), Counting::start(false).await);
    let client = client(&env, Connections::DEFAULT);
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let (client, url) = (client.clone(), server.url.clone());
            tokio::spawn(async move { get(&client, &url).await })
        })
        .collect();
    until(server.asked.clone(), 3).await;
    assert_eq!(gauge(&env), 3);
    assert_eq!(env.pools.active()["acme"], 3);
    server.are_open(3).await;
    for _ in 0..3 {
        server.go.notify_one();
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(gauge(&env), 0);
    assert_eq!(env.pools.active()["acme"], 0);
}

#[tokio::test]
async fn no_more_than_the_limit_are_connected_and_the_others_wait() {
    let (env, server) = (Env::alone(), Counting::start(false).await);
    let rules = Connections {
        max_per_host: 2,
        ..Connections::DEFAULT
    };
    let client = client(&env, rules);
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let (client, url) = (client.clone(), server.url.clone());
            tokio::spawn(async move { get(&client, &url).await })
        })
        .collect();
    for done in 0..6 {
        until(server.asked.clone(), (done + 2).min(6)).await;
        assert!(gauge(&env) <= 2);
        server.go.notify_one();
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert!(server.made() <= 2, "{}", server.made());
}

#[tokio::test]
async fn a_connection_that_does_not_become_free_in_time_is_a_refusal_that_was_not_sent() {
    let (env, server) = (Env::alone(), Counting::start(false).await);
    let rules = Connections {
        max_per_host: 1,
        connect_timeout: millis(50),
        ..Connections::DEFAULT
    };
    let policy = Policy {
        retry: business_tools_core::Backoff {
            attempts: 1,
            ..Policy::DEFAULT.retry
        },
        connections: rules,
        ..Policy::DEFAULT
    };
    let client = Http::new(&Upstream::new(&INFO, policy, env.clone()), map);
    let (first, url) = (client.clone(), server.url.clone());
    let first = tokio::spawn(async move { get(&first, &url).await });
    until(server.asked.clone(), 1).await;
    let error = get(&client, &server.url).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.what_became()),
        (Kind::RateLimited, Fate::NotSent)
    );
    assert!(error.hint_text().unwrap().contains("max_per_host"));
    server.go.notify_one();
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn connections_that_nobody_uses_are_closed_after_their_time_and_beyond_their_number() {
    let (env, server) = (Env::alone(), Counting::start(false).await);
    let rules = Connections {
        max_idle_per_host: 1,
        idle_timeout: millis(300),
        ..Connections::DEFAULT
    };
    let client = client(&env, rules);
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let (client, url) = (client.clone(), server.url.clone());
            tokio::spawn(async move { get(&client, &url).await })
        })
        .collect();
    until(server.asked.clone(), 3).await;
    for _ in 0..3 {
        server.go.notify_one();
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    server.are_open(1).await;
    server.are_open(0).await;
    server.go.notify_one();
    get(&client, &server.url).await.unwrap();
}

#[tokio::test]
async fn a_server_that_closes_its_connections_is_connected_to_again() {
    let env = Env::alone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 16 << 10];
            let _ = stream.read(&mut head).await;
            // Says nothing of closing, and closes.
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let client = client(&env, Connections::DEFAULT);
    for _ in 0..3 {
        let deadline = tokio::time::Instant::now() + secs(20);
        let cx = Cx::builder(Principal::local()).deadline(deadline).build();
        let request = HttpRequest::new(Method::GET, url.clone());
        client.send_as(&cx, Repeat::Safe, request).await.unwrap();
    }
    let opened = env.metrics.opened.with_label_values(&["acme"]);
    assert!(opened.get() >= 3, "{}", opened.get());
}

#[tokio::test]
async fn providers_of_the_same_rules_share_a_pool_and_other_rules_make_another() {
    let (env, server) = (Env::alone(), Counting::start(true).await);
    let (one, two) = (
        client(&env, Connections::DEFAULT),
        client(&env, Connections::DEFAULT),
    );
    get(&one, &server.url).await.unwrap();
    get(&two, &server.url).await.unwrap();
    assert_eq!(server.made(), 1);
    let other = Connections {
        idle_timeout: secs(5),
        ..Connections::DEFAULT
    };
    let three = client(&env, other);
    get(&three, &server.url).await.unwrap();
    assert_eq!(server.made(), 2);
}

#[tokio::test]
async fn a_provider_that_goes_closes_its_connections_after_its_last_call() {
    let (env, server) = (Env::alone(), Counting::start(false).await);
    let client = client(&env, Connections::DEFAULT);
    let (last, url) = (client.clone(), server.url.clone());
    let last = tokio::spawn(async move { get(&last, &url).await });
    until(server.asked.clone(), 1).await;
    drop(client);
    assert_eq!(*server.open.borrow(), 1, "the call goes on");
    server.go.notify_one();
    last.await.unwrap().unwrap();
    server.are_open(0).await;
    assert!(!env.pools.active().contains_key("acme"));
}

#[tokio::test]
async fn after_the_end_what_is_under_way_is_answered_and_nothing_new_is_connected() {
    let (env, server) = (Env::alone(), Counting::start(false).await);
    let client = client(&env, Connections::DEFAULT);
    let (last, url) = (client.clone(), server.url.clone());
    let last = tokio::spawn(async move { get(&last, &url).await });
    until(server.asked.clone(), 1).await;
    env.pools.close().await;
    server.go.notify_one();
    last.await.unwrap().unwrap();
    server.are_open(0).await;
    let error = get(&client, &server.url).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.what_became()),
        (Kind::Unavailable, Fate::NotSent)
    );
    let late = self::client(
        &env,
        Connections {
            http2: false,
            ..Connections::DEFAULT
        },
    );
    get(&late, &server.url).await.unwrap_err();
    assert_eq!(server.made(), 1);
}

struct Told {
    name: &'static str,
    role: Role,
    log: Arc<std::sync::Mutex<Vec<&'static str>>>,
}

#[async_trait]
impl Pooled for Told {
    fn service(&self) -> &str {
        self.name
    }

    fn active(&self) -> usize {
        2
    }

    fn role(&self) -> Role {
        self.role
    }

    async fn close(&self) {
        tokio::task::yield_now().await;
        self.log.lock().unwrap().push(self.name);
    }
}

#[tokio::test]
async fn stores_are_closed_after_providers_whoever_was_registered_first() {
    let (pools, log) = (ConnectionPoolManager::default(), Arc::default());
    let of = |name, role| -> Arc<dyn Pooled> {
        let log = Arc::clone(&log);
        Arc::new(Told { name, role, log })
    };
    let all = [
        of("redis", Role::Store),
        of("mongodb", Role::Provider),
        of("mongodb", Role::Provider),
    ];
    for pool in &all {
        pools.register(pool);
    }
    assert_eq!((pools.active()["redis"], pools.active()["mongodb"]), (2, 4));
    pools.close().await;
    assert_eq!(*log.lock().unwrap(), ["mongodb", "mongodb", "redis"]);
    drop(all);
    assert!(pools.active().is_empty(), "what is gone is not kept");
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn redis_shows_in_the_gauge_while_it_is_connected_and_is_given_up_at_the_end() {
    use business_tools_core::prometheus::{Encoder, TextEncoder};
    use business_tools_core::secret::{key::MasterKey, seal::Keyring};
    use business_tools_core::state::State;
    use business_tools_core::state::redis::{RedisSettings, RedisStore};

    let server = redis::RedisServer::start(&[]);
    let mut env = Env::alone();
    let store = RedisStore::start(RedisSettings::at(server.url())).unwrap();
    let keys = Keyring::new(&MasterKey::generate().unwrap(), []);
    env.state = State::sealed(Arc::new(store), keys);
    let pool = env.state.pooled().unwrap();
    env.pools.register(&pool);
    let shown = || {
        let mut page = Vec::new();
        let families = env.metrics.registry().gather();
        TextEncoder::new().encode(&families, &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix("mcp_active_connections{service=\"redis\"} "));
        line.unwrap().to_owned()
    };
    let began = std::time::Instant::now();
    while shown() != "1" {
        assert!(began.elapsed() < secs(20), "Redis is not connected");
        tokio::time::sleep(millis(10)).await;
    }
    env.pools.close().await;
    assert_eq!(shown(), "0");
    assert!(env.state.store().trouble().is_some());
    // The one that asks is one of them.
    let others = || server.ask(&["CLIENT", "LIST"]).matches("\nid=").count();
    while others() > 1 {
        assert!(began.elapsed() < secs(20), "a connection stays");
        tokio::time::sleep(millis(10)).await;
    }
}
