//! State in a file: what it keeps over the end of a process, and from whom.
#![cfg(feature = "file")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::duration_suboptimal_units,
    reason = "tests"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use business_tools_core::state::file::{FileStore, key_beside};
use business_tools_core::state::{Ask, Begin, Grant, Place, RecordStore, Rule, Stage, State};
use business_tools_core::state::{Ticket, WindowStore};
use business_tools_core::{Kind, ProviderSettings, millis, secs};
use common::{Bench, Step, fields};
use serde_json::{Value, json};

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("business-tools-{}", uuid::Uuid::new_v4().simple());
        Self(std::env::temp_dir().join(name))
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.db")
    }

    fn open(&self) -> FileStore {
        FileStore::open(&self.file()).unwrap()
    }

    fn state(&self) -> State {
        let keys = key_beside(&self.file(), true).unwrap().unwrap();
        State::sealed(Arc::new(self.open()), keys)
    }

    /// A registry on this file, with the provider of another one.
    fn bench(&self, like: Option<&Bench>) -> Bench {
        Bench::with(|env, settings| {
            env.state = self.state();
            if let Some(like) = like {
                *settings = ProviderSettings::single(fields(&like.id));
            }
        })
    }

    /// Every byte of the folder.
    fn bytes(&self) -> Vec<u8> {
        fn read(folder: &Path, into: &mut Vec<u8>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    read(&path, into);
                } else {
                    into.extend(std::fs::read(path).unwrap());
                }
            }
        }
        let mut all = Vec::new();
        read(&self.0, &mut all);
        all
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

fn keyed(name: &str, key: &str) -> Value {
    json!({"name": name, "idempotency_key": key})
}

#[tokio::test]
async fn a_write_whose_process_died_is_lost_and_taken_over_once() {
    let folder = Folder::new();
    let first = folder.open();
    let Begin::Mine(ticket) = first.begin("k", "print", secs(60)).await.unwrap() else {
        panic!("it is new");
    };
    let second = folder.open();
    let stage = |begin| match begin {
        Begin::Known(known) => known.stage,
        Begin::Mine(_) => panic!("it was begun"),
    };
    let seen = stage(second.begin("k", "print", secs(60)).await.unwrap());
    assert_eq!(seen, Stage::Running);
    drop(first);
    let seen = stage(second.begin("k", "print", secs(60)).await.unwrap());
    assert_eq!(seen, Stage::Lost(ticket.clone()));
    let one = second.take_over("k", &ticket, secs(60)).await.unwrap();
    let two = second.take_over("k", &ticket, secs(60)).await.unwrap();
    assert!(one.is_some() && two.is_none());
    let seen = stage(second.begin("k", "print", secs(60)).await.unwrap());
    assert_eq!(seen, Stage::Running);
    // The one that was thought dead comes too late.
    second
        .finish("k", &ticket, "print", "late".into(), secs(60))
        .await
        .unwrap();
    let seen = stage(second.begin("k", "print", secs(60)).await.unwrap());
    assert_eq!(seen, Stage::Running);
    assert!(
        second
            .take_over("k", &Ticket::new("x"), secs(60))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn an_outcome_is_there_after_a_restart() {
    let folder = Folder::new();
    let bench = folder.bench(None);
    let args = keyed("a", "k");
    let first = bench.call("acme_create_thing", args.clone()).await.unwrap();
    bench.world.then(Step::Fail(common::down()));
    let lost = bench.call("acme_create_thing", keyed("b", "l"));
    let lost = lost.await.unwrap_err();
    drop(bench.registry);

    let later = folder.bench(None);
    let again = later.call("acme_create_thing", args).await.unwrap();
    assert_eq!(
        (&again["n"], &again["replayed"]),
        (&first["n"], &json!(true))
    );
    let again = later.call("acme_create_thing", keyed("b", "l"));
    let again = again.await.unwrap_err();
    assert_eq!(
        (lost.kind(), again.kind()),
        (Kind::OutcomeUnknown, Kind::OutcomeUnknown)
    );
    assert_eq!(
        (
            lost.code(),
            lost.message(),
            lost.hint_text(),
            lost.details()
        ),
        (
            again.code(),
            again.message(),
            again.hint_text(),
            again.details()
        ),
    );
    let other = later.call("acme_create_thing", keyed("c", "k"));
    assert_eq!(other.await.unwrap_err().kind(), Kind::IdempotencyConflict);
    assert!(later.world.seen().is_empty(), "nothing is sent again");
}

#[test]
fn a_crash_while_a_write_is_under_way_leaves_its_outcome_unknown() {
    let folder = Folder::new();
    let crash = |tool: &str, args: &Value| {
        let process = tokio::runtime::Runtime::new().unwrap();
        let bench = folder.bench(None);
        bench.world.then(Step::Hang);
        process.block_on(async {
            let call = bench.call(tool, args.clone());
            tokio::select! {
                done = call => panic!("it hangs: {done:?}"),
                () = async {
                    while bench.world.seen().is_empty() {
                        tokio::time::sleep(millis(1)).await;
                    }
                } => {}
            }
        });
        process.shutdown_timeout(secs(10));
        bench
    };
    let create = keyed("a", "k");
    let before = crash("acme_create_thing", &create);
    let paint = json!({"id": "a", "idempotency_key": "k"});
    let before_paint = crash("acme_paint_thing", &paint);
    drop((before.registry, before_paint.registry));

    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let later = folder.bench(None);
        for _ in 0..3 {
            let again = later.call("acme_create_thing", create.clone()).await;
            let again = again.unwrap_err();
            assert_eq!(again.kind(), Kind::OutcomeUnknown);
            assert_eq!(again.hint_text(), Some("Look with acme_list_things"));
            assert!(!again.is_retryable());
        }
        assert!(later.world.seen().is_empty(), "nothing is sent again");
        // What may be done twice is done again.
        later.call("acme_paint_thing", paint.clone()).await.unwrap();
        let again = later.call("acme_paint_thing", paint.clone()).await.unwrap();
        assert_eq!(again["replayed"], true);
        assert_eq!(later.world.seen().len(), 1);
    });
}

#[tokio::test]
async fn a_twin_in_another_process_waits_for_the_first() {
    let folder = Folder::new();
    let one = folder.bench(None);
    let two = folder.bench(Some(&one));
    one.world.then(Step::After(
        millis(300),
        Box::new(Step::Give(json!({"id": "x"}))),
    ));
    let calls = (0..10).map(|n| {
        let bench = if n % 2 == 0 { &one } else { &two };
        bench.call("acme_create_thing", keyed("a", "k"))
    });
    let all = futures_util::future::join_all(calls).await;
    let replayed = |done: &&_| matches!(done, Ok::<Value, _>(v) if v["replayed"] == true);
    assert!(all.iter().all(|done| done.as_ref().unwrap()["id"] == "x"));
    assert_eq!(all.iter().filter(replayed).count(), 9);
    assert_eq!(one.world.seen().len(), 1);
}

#[tokio::test]
async fn a_twin_in_another_process_does_what_the_first_provably_did_not() {
    let folder = Folder::new();
    let one = folder.bench(None);
    let two = folder.bench(Some(&one));
    let refused = Step::Fail(common::unreachable_host());
    one.world.then(Step::After(millis(200), Box::new(refused)));
    for _ in 0..2 {
        one.world.then(Step::Fail(common::unreachable_host()));
    }
    let first = one.call("acme_create_thing", keyed("a", "k"));
    let twin = async {
        while one.world.seen().is_empty() {
            tokio::time::sleep(millis(1)).await;
        }
        two.call("acme_create_thing", keyed("a", "k")).await
    };
    let (first, twin) = tokio::join!(first, twin);
    assert_eq!(first.unwrap_err().kind(), Kind::Unavailable);
    assert!(twin.unwrap().get("replayed").is_none());
}

#[tokio::test]
async fn what_was_spent_of_a_long_window_is_spent_after_a_restart() {
    let folder = Folder::new();
    let rules = [Rule {
        name: "",
        requests: 2,
        window: secs(3600),
    }];
    let ask = Ask {
        lane: "lane",
        rules: &rules,
        in_flight: 1,
        lease: secs(1),
    };
    let first = folder.open();
    for _ in 0..2 {
        assert_eq!(first.acquire(&ask).await, Grant::Go(None));
    }
    first.pause("other", secs(60)).await;
    drop(first);
    let second = folder.open();
    let Grant::Wait(wait) = second.acquire(&ask).await else {
        panic!("the window is full");
    };
    assert!(wait > secs(3500), "{wait:?}");
    let paused = Ask {
        lane: "other",
        ..ask
    };
    assert!(matches!(second.acquire(&paused).await, Grant::Wait(_)));
}

#[tokio::test]
async fn the_file_tells_nothing_to_whoever_finds_it() {
    let folder = Folder::new();
    let bench = folder.bench(None);
    bench.world.then(Step::Give(json!({"id": "CANARY-result"})));
    bench
        .call("acme_create_thing", keyed("CANARY-argument", "CANARY-key"))
        .await
        .unwrap();
    let state = bench.registry.env().state.clone();
    let place = Place::named("oauth", "acme", "CANARY-tenant", "CANARY-account");
    let values = state.values();
    values
        .put(&place, "CANARY-name", b"CANARY-token", None)
        .await
        .unwrap();
    let log = state.log();
    log.append(&place, b"CANARY-event", 10, secs(60))
        .await
        .unwrap();
    assert_eq!(
        log.read(&place, 0, 10).await.unwrap()[0].value,
        "CANARY-event"
    );
    let bytes = folder.bytes();
    assert!(!bytes.windows(6).any(|part| part == b"CANARY"));
    #[cfg(unix)]
    for name in ["state.db", "state.db-wal", "state.db.key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.0.join(name))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn files_that_are_no_state_of_this_release_are_refused_and_left_alone() {
    let folder = Folder::new();
    let told = |path: &Path| FileStore::open(path).unwrap_err().to_string();
    std::fs::create_dir_all(&folder.0).unwrap();
    let text = folder.0.join("notes.txt");
    std::fs::write(
        &text,
        "these are notes, and no database of any kind\n".repeat(100),
    )
    .unwrap();
    assert!(told(&text).contains("no state file"), "{}", told(&text));
    let kept = std::fs::read_to_string(&text).unwrap();
    assert!(kept.starts_with("these are notes"));
    assert!(told(&folder.0).contains(&folder.0.display().to_string()));
}
