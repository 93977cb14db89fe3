//! The registry: plugins come and go while others read and call.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use business_tools_core::health::HealthBoard;
use business_tools_core::{
    Cx, Env, Error, Health, Info, Kind, Plugin, Policy, Provider, ProviderSettings, Registry,
    Result, Selection, Spec, ToolInfo, ToolPlugin, secs,
};
use common::{Acme, Bench, Step, fields, new_world};
use serde_json::{Value, json};

static OTHER: Info = Info {
    title: "Other",
    id: "other",
    ..Acme::INFO
};

/// A plugin with the tools it is told to have.
struct Bare {
    name: String,
    tools: Vec<Arc<ToolInfo>>,
    policy: Policy,
}

impl Bare {
    fn new(name: &str, tools: &[&'static Spec]) -> Arc<Self> {
        let tool = |spec: &&'static Spec| {
            Arc::new(ToolInfo {
                spec,
                description: String::new(),
                schema: business_tools_core::schema::ArgumentsSchema::new(
                    json!({"type": "object"}),
                ),
            })
        };
        Arc::new(Self {
            name: name.into(),
            tools: tools.iter().map(tool).collect(),
            policy: Policy::DEFAULT,
        })
    }
}

#[async_trait]
impl ToolPlugin for Bare {
    fn name(&self) -> &str {
        &self.name
    }
    fn version(&self) -> &'static str {
        "2"
    }
    fn info(&self) -> &'static Info {
        &OTHER
    }
    fn policy(&self) -> &Policy {
        &self.policy
    }
    fn tools(&self) -> &[Arc<ToolInfo>] {
        &self.tools
    }
    fn accounts(&self) -> Vec<&str> {
        vec!["default"]
    }
    fn check(&self, _: &str, _: &Value) -> Result<Option<String>> {
        Ok(None)
    }
    async fn call(&self, tool: &str, _: Value, _: Cx) -> Result<Value> {
        Ok(json!({"by": self.name, "tool": tool}))
    }
    async fn health(&self, _: &Cx) -> Health {
        panic!("CANARY")
    }
}

static ONE: Spec = Spec::read("other_one");
static TWO: Spec = Spec::write("other_two");
static CLASH: Spec = Spec::read("acme_get_thing");

#[tokio::test(start_paused = true)]
async fn a_tool_name_has_one_owner() {
    let bench = Bench::new();
    let error = bench
        .registry
        .add(Bare::new("other", &[&ONE, &CLASH]))
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().contains("`acme`") && error.message().contains("acme_get_thing"));
    assert!(
        bench.registry.get("other_one").is_none(),
        "nothing was changed"
    );
    let twice = bench
        .registry
        .add(Bare::new("other", &[&ONE, &ONE]))
        .unwrap_err();
    assert_eq!(twice.kind(), Kind::Conflict);
    bench.registry.add(Bare::new("other", &[&ONE])).unwrap();
    assert!(bench.registry.get("other_one").is_some());
}

#[test]
fn two_who_race_for_a_name_do_not_both_get_it() {
    for _ in 0..200 {
        let registry = Registry::new(Env::alone());
        let barrier = std::sync::Barrier::new(2);
        let won = std::thread::scope(|scope| {
            let race = |name: &'static str| {
                let (registry, barrier) = (&registry, &barrier);
                scope.spawn(move || {
                    let plugin = Bare::new(name, &[&ONE]);
                    barrier.wait();
                    registry.add(plugin).is_ok()
                })
            };
            let both = [race("a"), race("b")];
            both.map(|thread| thread.join().unwrap())
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        assert_eq!(registry.plugins().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plugin_is_replaced_while_calls_finish_on_the_old_one() {
    let bench = Bench::new();
    bench.world.then(Step::After(
        secs(5),
        Box::new(Step::Give(json!({"from": "old"}))),
    ));
    let (id, new) = new_world();
    let replaced = async {
        tokio::time::sleep(secs(1)).await;
        let settings = ProviderSettings::single(fields(&id));
        let plugin = Plugin::<Acme>::connect(&settings, bench.registry.env()).unwrap();
        bench.registry.add(Arc::new(plugin)).unwrap();
        new.then(Step::Give(json!({"from": "new"})));
        bench
            .call("acme_set_thing", json!({"id": "a"}))
            .await
            .unwrap()
    };
    let (old, new) = tokio::join!(bench.call("acme_set_thing", json!({"id": "a"})), replaced);
    assert_eq!(
        (&old.unwrap()["from"], &new["from"]),
        (&json!("old"), &json!("new"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_is_removed_is_gone_for_new_calls_alone() {
    let bench = Bench::new();
    bench.world.then(Step::After(
        secs(5),
        Box::new(Step::Give(json!({"id": "a"}))),
    ));
    let (running, ()) = tokio::join!(bench.call("acme_set_thing", json!({"id": "a"})), async {
        tokio::time::sleep(secs(1)).await;
        assert!(bench.registry.remove("acme"));
        assert!(!bench.registry.remove("acme"));
        let gone = bench
            .call("acme_set_thing", json!({"id": "a"}))
            .await
            .unwrap_err();
        assert_eq!(gone.kind(), Kind::ToolNotFound);
    });
    assert!(running.is_ok());
    assert!(bench.registry.tools(None).is_empty());
}

#[test]
fn readers_see_a_whole_registry_and_never_wait() {
    let registry = Registry::new(Env::alone());
    registry.add(Bare::new("steady", &[&TWO])).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let names: Vec<_> = registry
                        .tools(None)
                        .iter()
                        .map(|entry| entry.tool.spec.name)
                        .collect();
                    assert!(names == ["other_two"] || names == ["other_one", "other_two"]);
                }
            });
        }
        for _ in 0..500 {
            registry.add(Bare::new("coming", &[&ONE])).unwrap();
            assert!(registry.remove("coming"));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[tokio::test(start_paused = true)]
async fn tools_are_listed_by_name_and_as_selected() {
    let bench = Bench::new();
    bench
        .registry
        .add(Bare::new("other", &[&TWO, &ONE]))
        .unwrap();
    let names = |narrowed: Option<&Selection>| -> Vec<&'static str> {
        bench
            .registry
            .tools(narrowed)
            .iter()
            .map(|entry| entry.tool.spec.name)
            .collect()
    };
    let all = names(None);
    let mut sorted = all.clone();
    sorted.sort_unstable();
    assert_eq!(all, sorted);
    assert_eq!(all.len(), Acme::TOOLS.len() + 2);
    let select = |selection: Selection| {
        bench.registry.select(selection);
        names(None)
    };
    let list = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        select(Selection {
            toolsets: list(&["other"]),
            ..Selection::default()
        }),
        ["other_one", "other_two"]
    );
    let both = Selection {
        toolsets: list(&["other"]),
        tools: list(&["acme_get_thing"]),
        ..Selection::default()
    };
    assert_eq!(
        select(both.clone()),
        ["acme_get_thing", "other_one", "other_two"]
    );
    assert_eq!(
        select(Selection {
            read_only: true,
            ..both.clone()
        }),
        ["acme_get_thing", "other_one"]
    );
    assert_eq!(
        select(Selection {
            exclude: list(&["other"]),
            ..both.clone()
        }),
        ["acme_get_thing"]
    );
    bench.registry.select(Selection {
        exclude: list(&["other_two"]),
        ..both
    });
    let wide = Selection {
        tools: list(&["other_two", "other_one"]),
        ..Selection::default()
    };
    assert_eq!(
        names(Some(&wide)),
        ["other_one"],
        "a caller narrows and never widens"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_tool_is_answered_with_the_nearest_one() {
    let bench = Bench::new();
    let error = bench.call("acme_get_things", json!({})).await.unwrap_err();
    assert_eq!(error.code(), "TOOL_NOT_FOUND");
    assert!(error.hint_text().unwrap().contains("acme_get_thing"));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_configuration_is_told_without_its_values() {
    let connect = |fields: Value| {
        let settings = ProviderSettings::single(fields.as_object().unwrap().clone());
        Plugin::<Acme>::connect(&settings, &Env::alone())
            .err()
            .unwrap()
    };
    for wrong in [
        json!({"account_id": "a", "token": 4_711_471_147_u64}),
        json!({"account_id": "a", "token": ["CANARY"]}),
        json!({"account_id": "a", "token": "t", "size": "CANARY"}),
    ] {
        let error = connect(wrong);
        assert_eq!(error.code(), "ACME_NOT_CONFIGURED");
        let shown = format!("{error} {error:?} {}", error.wire(&Cx::local()));
        assert!(
            !shown.contains("CANARY") && !shown.contains("4711471147"),
            "{shown}"
        );
    }
    assert!(
        connect(json!({"account_id": "a"}))
            .message()
            .contains("missing field `token`")
    );
    let none = Plugin::<Acme>::connect(&ProviderSettings::default(), &Env::alone());
    assert_eq!(
        none.err().unwrap().hint_text(),
        Some("Set ACME_ACCOUNT and ACME_TOKEN")
    );
    let settings = ProviderSettings::single(fields("x"));
    assert!(!format!("{settings:?}").contains("CANARY"));
}

// Health

#[tokio::test(start_paused = true)]
async fn health_is_that_of_every_account_and_survives_a_panic() {
    let (sales_id, sales) = new_world();
    let bench = Bench::with(|_, settings| {
        let own = settings.accounts.remove("default").unwrap();
        settings.accounts.insert("main".into(), own);
        settings.accounts.insert("sales".into(), fields(&sales_id));
    });
    bench.registry.add(Bare::new("other", &[&ONE])).unwrap();
    let board = HealthBoard::default();
    board.check(&bench.registry).await;
    let page = board.page(true);
    assert_eq!(page["status"], "degraded");
    assert_eq!(page["checks"]["acme"]["status"], "healthy", "{page}");
    assert_eq!(page["checks"]["other"]["error"]["code"], "INTERNAL");
    assert!(!page.to_string().contains("CANARY"));
    assert!(board.page(false).get("checks").is_none());
    assert!(bench.registry.remove("other"));
    sales.always(|| Step::Fail(Error::new(Kind::AuthFailed, "The token is wrong")));
    board.check(&bench.registry).await;
    assert_eq!(
        board.page(true)["checks"]["acme"]["error"]["code"],
        "ACME_AUTH_FAILED"
    );
    sales.always(|| Step::Give(json!(1)));
    board.check(&bench.registry).await;
    assert_eq!(board.page(true)["status"], "healthy");
}

#[tokio::test(start_paused = true)]
async fn the_checks_go_on_by_themselves_and_stop_when_told() {
    let bench = Bench::new();
    bench.world.then(Step::Give(json!(1))).always(|| Step::Hang);
    let board = HealthBoard::default();
    let stop = tokio_util::sync::CancellationToken::new();
    let checking = board
        .clone()
        .keep_checking(bench.registry.clone(), stop.clone());
    let checking = tokio::spawn(checking);
    tokio::time::sleep(secs(1)).await;
    assert_eq!(board.page(true)["checks"]["acme"]["status"], "healthy");
    // A provider that hangs is told within bounds.
    tokio::time::sleep(secs(60)).await;
    assert_eq!(board.page(true)["checks"]["acme"]["status"], "unhealthy");
    stop.cancel();
    tokio::time::timeout(Duration::from_millis(1), checking)
        .await
        .unwrap()
        .unwrap();
}
