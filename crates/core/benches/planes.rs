//! What the two planes cost per call, in CPU time of this process: everything but the provider.
//!
//! `cargo bench -p business-tools-core`; one line a case.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use std::sync::Arc;

use business_tools_core::call::audit::Lines;
use business_tools_core::{
    Cx, Env, Plugin, Policy, ProviderSettings, Quota, Registry, Repeat, secs,
};
use common::{Acme, Ask, Bench, POLICY};
use serde_json::{Map, Value, json};

const CALLS: usize = 20_000;
const ROUNDS: usize = 5;

/// A quota keeps a log of its window, here a long one.
const QUOTAS: &[Quota] = &[Quota::all(1_000_000, secs(60))];

/// The best of several rounds, in microseconds per call.
async fn case<F: Future<Output = ()>>(name: &str, mut call: impl FnMut(usize) -> F) -> f64 {
    let mut best = f64::INFINITY;
    let mut n = 0;
    for _ in 0..=ROUNDS {
        let started = Instant::now();
        for _ in 0..CALLS {
            call(n).await;
            n += 1;
        }
        best = best.min(started.elapsed().as_secs_f64() * 1e6 / CALLS as f64);
    }
    println!("{name:<58} {best:>7.2} µs");
    best
}

async fn call(registry: &Registry, tool: &str, args: Map<String, Value>) {
    registry.call(tool, args, Cx::local()).await.unwrap();
}

fn args(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

// One thread: wall time is CPU time, as far as the machine is idle.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo test --benches` runs this too, and wants no measurements.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let bench = Bench::new();
    // The audit sink of the tests keeps every line; the bench makes the lines and drops them.
    let mut env = Env::alone();
    env.audit = Some(Arc::new(Lines::new(std::io::sink())));
    let settings = ProviderSettings::single(common::fields(&bench.id));
    let registry = Registry::new(env);
    let plugin = Plugin::<Acme>::connect(&settings, registry.env()).unwrap();
    registry.add(Arc::new(plugin)).unwrap();
    let registry = &registry;
    let world = &bench.world;

    let fine = args(json!({"how": "fine"}));
    let plane = case("call plane: a read that does nothing", |_| {
        call(registry, "acme_break_thing", fine.clone())
    })
    .await;

    let get = args(json!({"id": "a"}));
    case("call plane: a cached read, served from the cache", |_| {
        call(registry, "acme_get_thing", get.clone())
    })
    .await;

    let upstream = world.egress(Policy {
        quotas: QUOTAS,
        ..POLICY
    });
    let free = world.egress(POLICY);
    let cx = Cx::local();
    let attempt = case("attempt plane: a request that goes well", |_| async {
        free.send_as(&cx, Repeat::Safe, Ask(String::new()))
            .await
            .unwrap();
        world.seen.lock().unwrap().clear();
    })
    .await;
    case("attempt plane: the same under a quota", |_| async {
        upstream
            .send_as(&cx, Repeat::Safe, Ask(String::new()))
            .await
            .unwrap();
        world.seen.lock().unwrap().clear();
    })
    .await;

    case("both planes: a write without a key", |_| async {
        call(registry, "acme_set_thing", get.clone()).await;
        world.seen.lock().unwrap().clear();
    })
    .await;
    case("both planes: a write with an idempotency key", |n| {
        let args = args(json!({"name": "a", "idempotency_key": n.to_string()}));
        async move {
            call(registry, "acme_create_thing", args).await;
            world.seen.lock().unwrap().clear();
        }
    })
    .await;
    println!("{:<58} {:>7.2} µs", "both planes together", plane + attempt);
}
