//! A new configuration in a running registry: what did not change goes on, and no call notices.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use business_tools_core::{
    Cx, Env, Error, Kind, Plugin, ProviderSettings, Registry, Selection, ToolPlugin, secs,
};
use common::{Acme, Bench, Step, fields, new_world};
use serde_json::{Value, json};

fn settings(accounts: &[(&str, &str)]) -> ProviderSettings {
    ProviderSettings {
        accounts: accounts
            .iter()
            .map(|(name, world)| ((*name).to_owned(), fields(world)))
            .collect(),
        ..ProviderSettings::default()
    }
}

fn slower(mut settings: ProviderSettings) -> ProviderSettings {
    settings.cache_ttl = BTreeMap::from([("things".to_owned(), secs(7))]);
    settings
}

async fn call(registry: &Registry, tool: &str, args: Value) -> Result<Value, Error> {
    let args = args.as_object().unwrap().clone();
    let reply = registry.call(tool, args, Cx::local()).await?;
    Ok(reply.value)
}

#[test]
fn a_provider_whose_settings_did_not_change_keeps_its_plugin() {
    let env = Env::alone();
    let (world, _) = new_world();
    let same = settings(&[("default", &world)]);
    let plugin = Arc::new(Plugin::<Acme>::connect(&same, &env).unwrap());
    let again = Plugin::reconnect(&plugin, &same.clone(), &env).unwrap();
    assert!(Arc::ptr_eq(&plugin, &again));
    let other = Plugin::reconnect(&plugin, &slower(same), &env).unwrap();
    assert!(!Arc::ptr_eq(&plugin, &other));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_did_not_change_keeps_its_circuit_and_others_get_new_ones() {
    let env = Env::alone();
    let ((one, broken), (two, _)) = (new_world(), new_world());
    broken.always(|| Step::Fail(Error::new(Kind::Unavailable, "down")));
    let plugin = Plugin::<Acme>::connect(&settings(&[("one", &one), ("two", &two)]), &env);
    let plugin = Arc::new(plugin.unwrap());
    let registry = Registry::new(env.clone());
    registry.add(plugin.clone()).unwrap();
    let get = |account: &str| json!({"id": "a", "account": account});
    while call(&registry, "acme_get_thing", get("one"))
        .await
        .unwrap_err()
        .kind()
        != Kind::CircuitOpen
    {}

    // The other account changes, and so does how long results are kept.
    let (moved, _) = new_world();
    let next = slower(settings(&[("one", &one), ("two", &moved)]));
    let next: Arc<dyn ToolPlugin> = Plugin::reconnect(&plugin, &next, &env).unwrap();
    let replaced = registry.replace([next], Selection::default(), env.clone());
    assert!(!replaced.unwrap().list_changed);
    let still = call(&registry, "acme_get_thing", get("one")).await;
    assert_eq!(still.unwrap_err().kind(), Kind::CircuitOpen);
    let other = call(&registry, "acme_get_thing", get("two")).await;
    assert_eq!(other.unwrap()["id"], "get a");

    // Another policy is another circuit.
    let mut next = settings(&[("one", &one), ("two", &moved)]);
    next.overrides.circuit_breaker.failure_threshold = Some(1);
    let next: Arc<dyn ToolPlugin> = Plugin::reconnect(&plugin, &next, &env).unwrap();
    let _ = registry.replace([next], Selection::default(), env).unwrap();
    let before = broken.seen().len();
    call(&registry, "acme_get_thing", get("one"))
        .await
        .unwrap_err();
    assert_eq!(broken.seen().len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_replaced_is_replaced_whole_and_says_whether_the_list_is_another_one() {
    let bench = Bench::new();
    let plugins = || bench.registry.plugins();
    let env = || bench.registry.env().clone();
    let same = bench
        .registry
        .replace(plugins(), Selection::default(), env());
    assert!(!same.unwrap().list_changed);
    let reading = Selection {
        read_only: true,
        ..Selection::default()
    };
    let fewer = bench.registry.replace(plugins(), reading.clone(), env());
    assert!(fewer.unwrap().list_changed);
    let refused = bench.call("acme_set_thing", json!({"id": "a"})).await;
    assert_eq!(refused.unwrap_err().kind(), Kind::ReadOnly);

    let twice = plugins().into_iter().chain(plugins());
    let clash = bench.registry.replace(twice, Selection::default(), env());
    assert_eq!(clash.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(*bench.registry.selection(), reading, "nothing was changed");

    let gone = bench.registry.replace([], Selection::default(), env());
    assert!(gone.unwrap().list_changed);
    let unknown = bench.call("acme_set_thing", json!({"id": "a"})).await;
    assert_eq!(unknown.unwrap_err().kind(), Kind::ToolNotFound);
}

#[tokio::test(start_paused = true)]
async fn the_rules_of_the_calls_are_replaced_too() {
    let bench = Bench::new();
    let remove = || bench.call("acme_delete_thing", json!({"id": "a"}));
    let asked = remove().await.unwrap_err();
    assert_eq!(asked.kind(), Kind::ConfirmationRequired);
    let mut env = bench.registry.env().clone();
    env.auto_confirm = true;
    let plugins = bench.registry.plugins();
    let _ = bench
        .registry
        .replace(plugins, Selection::default(), env)
        .unwrap();
    remove().await.unwrap();
}

/// What a server does with a configuration that is replaced a thousand times while it is being called.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reloads_during_constant_traffic_fail_no_call() {
    const RELOADS: usize = 1000;
    let env = Env::alone();
    let ((one, _), (two, _)) = (new_world(), new_world());
    let first = settings(&[("default", &one)]);
    let mut plugin = Arc::new(Plugin::<Acme>::connect(&first, &env).unwrap());
    let registry = Registry::new(env.clone());
    registry.add(plugin.clone()).unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (registry, stop, done) = (registry.clone(), stop.clone(), done.clone());
            tokio::spawn(async move {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    let id = format!("{caller}-{n}");
                    let tool = ["acme_get_thing", "acme_set_thing"][n % 2];
                    let value = call(&registry, tool, json!({"id": id})).await.unwrap();
                    assert!(value["id"].as_str().unwrap().ends_with(&id), "{value}");
                    done.fetch_add(1, Ordering::Relaxed);
                    n += 1;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();

    let mut kept = 0;
    for n in 0..RELOADS {
        // The same, another cache, another account beside it, another policy, other credentials.
        let next = match n % 5 {
            0 => first.clone(),
            1 => slower(first.clone()),
            2 => settings(&[("default", &one), ("second", &two)]),
            3 => {
                let mut next = first.clone();
                next.overrides.retry.max_attempts = Some(2);
                next
            }
            _ => settings(&[("default", &two)]),
        };
        let next = Plugin::reconnect(&plugin, &next, &env).unwrap();
        kept += usize::from(Arc::ptr_eq(&plugin, &next));
        plugin = next;
        let mut rules = env.clone();
        rules.max_result = (64 << 10) + n;
        let all: [Arc<dyn ToolPlugin>; 1] = [plugin.clone()];
        let _ = registry.replace(all, Selection::default(), rules).unwrap();
        let before = done.load(Ordering::Relaxed);
        // At least one call is made between any two reloads.
        while done.load(Ordering::Relaxed) == before {
            assert!(callers.iter().all(|caller| !caller.is_finished()));
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    assert!(done.load(Ordering::Relaxed) >= RELOADS);
    assert_eq!(kept, 1, "every reload but the first brought something else");
}
