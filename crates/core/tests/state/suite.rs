//! The behaviour of a store.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use business_tools_core::secret::key::MasterKey;
use business_tools_core::secret::seal::Keyring;
use business_tools_core::state::{
    Ask, Begin, Grant, Known, Place, Rule, Stage, State, Store, Ticket, Version,
};
use business_tools_core::{millis, secs};
use bytes::Bytes;

/// One store, seen from one process or from several.
pub trait Kind {
    /// Another process that uses the same state; for memory the same one.
    fn join(&self) -> Arc<dyn Store>;
}

/// Every test of this file as a test of the store.
macro_rules! against {
    ($kind:ident, $make:expr) => {
        mod $kind {
            #[allow(unused_imports, reason = "the stores are made in different places")]
            use super::*;
            $crate::suite::tests!($make;
                a_write_is_begun_once_and_its_outcome_is_kept
                a_write_that_was_not_done_is_forgotten
                of_many_beginnings_at_once_one_wins
                another_process_finds_the_outcome
                a_record_is_over_when_its_time_is
                a_ticket_of_another_changes_nothing
                a_value_is_kept_changed_and_removed
                a_value_is_changed_by_the_first_of_two
                a_value_is_over_when_its_time_is
                a_folder_lists_what_is_in_it_and_nothing_else
                a_lock_has_one_holder_and_ends_by_itself
                a_log_keeps_the_order_and_its_numbers
                a_log_drops_the_oldest
                windows_are_taken_together_or_not_at_all
                a_window_never_holds_more_than_its_limit
                a_pause_holds_every_request_of_the_lane
            );
        }
    };
}

macro_rules! tests {
    ($make:expr; $($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            let kind = ($make)();
            $crate::suite::$name(&kind).await;
        })*
    };
}

pub(crate) use {against, tests};

/// Values and logs as the layers see them, sealed with one key.
fn sealed(kind: &impl Kind) -> State {
    static KEYS: LazyLock<Keyring> =
        LazyLock::new(|| Keyring::new(&MasterKey::generate().unwrap(), []));
    State::sealed(kind.join(), KEYS.clone())
}

fn mine(begin: Begin) -> Ticket {
    match begin {
        Begin::Mine(ticket) => ticket,
        Begin::Known(known) => panic!("it was begun before: {known:?}"),
    }
}

fn known(begin: Begin) -> Known {
    match begin {
        Begin::Known(known) => known,
        Begin::Mine(_) => panic!("nobody knew of it"),
    }
}

/// A name of this test alone, since stores may outlive it.
fn fresh(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::new_v4().simple())
}

pub async fn a_write_is_begun_once_and_its_outcome_is_kept(kind: &impl Kind) {
    let store = kind.join();
    let key = fresh("key");
    let ticket = mine(store.begin(&key, "print", secs(60)).await.unwrap());
    let second = known(store.begin(&key, "other", secs(60)).await.unwrap());
    assert_eq!(second.fingerprint, "print");
    assert_eq!(second.stage, Stage::Running);
    let outcome = Bytes::from_static(b"done");
    store
        .finish(&key, &ticket, "print", outcome.clone(), secs(60))
        .await
        .unwrap();
    let third = known(store.begin(&key, "print", secs(60)).await.unwrap());
    assert_eq!(third.stage, Stage::Done(outcome));
}

pub async fn a_write_that_was_not_done_is_forgotten(kind: &impl Kind) {
    let store = kind.join();
    let key = fresh("key");
    let ticket = mine(store.begin(&key, "print", secs(60)).await.unwrap());
    store.forget(&key, &ticket).await.unwrap();
    mine(store.begin(&key, "print", secs(60)).await.unwrap());
}

pub async fn of_many_beginnings_at_once_one_wins(kind: &impl Kind) {
    let key = fresh("key");
    let stores: Vec<Arc<dyn Store>> = (0..3).map(|_| kind.join()).collect();
    let all = (0..30).map(|n| {
        let store = Arc::clone(&stores[n % 3]);
        let key = key.clone();
        tokio::spawn(async move { store.begin(&key, "print", secs(60)).await.unwrap() })
    });
    let all = futures_util::future::join_all(all).await;
    let winners = all
        .into_iter()
        .filter(|begin| matches!(begin, Ok(Begin::Mine(_))));
    assert_eq!(winners.count(), 1);
}

pub async fn another_process_finds_the_outcome(kind: &impl Kind) {
    let (one, two) = (kind.join(), kind.join());
    let key = fresh("key");
    let ticket = mine(one.begin(&key, "print", secs(60)).await.unwrap());
    let seen = known(two.begin(&key, "print", secs(60)).await.unwrap());
    assert_eq!(seen.stage, Stage::Running);
    one.finish(&key, &ticket, "print", "done".into(), secs(60))
        .await
        .unwrap();
    let seen = known(two.begin(&key, "print", secs(60)).await.unwrap());
    assert_eq!(seen.stage, Stage::Done("done".into()));
}

pub async fn a_record_is_over_when_its_time_is(kind: &impl Kind) {
    let store = kind.join();
    let key = fresh("key");
    let ticket = mine(store.begin(&key, "print", secs(60)).await.unwrap());
    store
        .finish(&key, &ticket, "print", "done".into(), millis(30))
        .await
        .unwrap();
    let began = tokio::time::Instant::now();
    while let Begin::Known(_) = store.begin(&key, "print", secs(60)).await.unwrap() {
        assert!(began.elapsed() < secs(5), "it stays");
        tokio::time::sleep(millis(10)).await;
    }
}

pub async fn a_ticket_of_another_changes_nothing(kind: &impl Kind) {
    let store = kind.join();
    let key = fresh("key");
    let ticket = mine(store.begin(&key, "print", secs(60)).await.unwrap());
    let other = Ticket::new("somebody");
    store
        .finish(&key, &other, "print", "wrong".into(), secs(60))
        .await
        .unwrap();
    store.forget(&key, &other).await.unwrap();
    assert_eq!(store.take_over(&key, &other, secs(60)).await.unwrap(), None);
    let seen = known(store.begin(&key, "print", secs(60)).await.unwrap());
    assert_eq!(seen.stage, Stage::Running);
    store
        .finish(&key, &ticket, "print", "right".into(), secs(60))
        .await
        .unwrap();
    let seen = known(store.begin(&key, "print", secs(60)).await.unwrap());
    assert_eq!(seen.stage, Stage::Done("right".into()));
}

fn place(tenant: &str) -> Place {
    Place::named("test", "acme", tenant, "default")
}

pub async fn a_value_is_kept_changed_and_removed(kind: &impl Kind) {
    let values = sealed(kind).values();
    let place = place(&fresh("tenant"));
    assert_eq!(values.get(&place, "a").await.unwrap(), None);
    let first = values.put(&place, "a", b"one", None).await.unwrap();
    let second = values.put(&place, "a", b"two", None).await.unwrap();
    assert_ne!(first, second);
    let again = sealed(kind).values();
    let found = again.get(&place, "a").await.unwrap().unwrap();
    assert_eq!((&found.value[..], found.version), (&b"two"[..], second));
    assert!(!values.remove(&place, "a", Some(first)).await.unwrap());
    assert!(values.remove(&place, "a", Some(second)).await.unwrap());
    assert!(!values.remove(&place, "a", None).await.unwrap());
    assert_eq!(again.get(&place, "a").await.unwrap(), None);
}

pub async fn a_value_is_changed_by_the_first_of_two(kind: &impl Kind) {
    let values = sealed(kind).values();
    let place = place(&fresh("tenant"));
    let wrong = Some(Version(7));
    let swap = |seen, value: &'static str| values.swap(&place, "a", seen, value.as_bytes(), None);
    assert_eq!(swap(wrong, "no").await.unwrap(), None);
    let first = swap(None, "one").await.unwrap();
    assert!(first.is_some());
    assert_eq!(swap(None, "no").await.unwrap(), None);
    assert!(swap(first, "two").await.unwrap().is_some());
    assert_eq!(swap(first, "no").await.unwrap(), None);
    let found = values.get(&place, "a").await.unwrap().unwrap();
    assert_eq!(&found.value[..], b"two");
}

pub async fn a_value_is_over_when_its_time_is(kind: &impl Kind) {
    let values = sealed(kind).values();
    let place = place(&fresh("tenant"));
    values.put(&place, "stays", b"x", None).await.unwrap();
    values
        .put(&place, "goes", b"x", Some(millis(30)))
        .await
        .unwrap();
    let began = tokio::time::Instant::now();
    while values.get(&place, "goes").await.unwrap().is_some() {
        assert!(began.elapsed() < secs(5), "it stays");
        tokio::time::sleep(millis(10)).await;
    }
    assert_eq!(values.list(&place).await.unwrap().len(), 1);
    assert!(
        values
            .swap(&place, "goes", None, b"y", None)
            .await
            .unwrap()
            .is_some()
    );
}

pub async fn a_folder_lists_what_is_in_it_and_nothing_else(kind: &impl Kind) {
    let values = sealed(kind).values();
    let tenant = fresh("tenant");
    let (here, there) = (place(&tenant), place(&fresh("tenant")));
    for name in ["a", "b", "c"] {
        values
            .put(&here, name, name.as_bytes(), Some(secs(60)))
            .await
            .unwrap();
    }
    values.put(&there, "d", b"d", None).await.unwrap();
    let mut found: Vec<Bytes> = values
        .list(&here)
        .await
        .unwrap()
        .into_iter()
        .map(|found| found.value)
        .collect();
    found.sort();
    assert_eq!(found, ["a", "b", "c"]);
}

pub async fn a_lock_has_one_holder_and_ends_by_itself(kind: &impl Kind) {
    let values = sealed(kind).values();
    let place = place(&fresh("tenant"));
    let held = values.lock(&place, "refresh", secs(60)).await.unwrap();
    assert!(held.is_some());
    assert_eq!(
        values.lock(&place, "refresh", secs(60)).await.unwrap(),
        None
    );
    assert!(values.remove(&place, "refresh", held).await.unwrap());
    assert!(
        values
            .lock(&place, "refresh", millis(30))
            .await
            .unwrap()
            .is_some()
    );
    let began = tokio::time::Instant::now();
    while values
        .lock(&place, "refresh", secs(60))
        .await
        .unwrap()
        .is_none()
    {
        assert!(
            began.elapsed() < secs(5),
            "the holder is gone, the lock is not"
        );
        tokio::time::sleep(millis(10)).await;
    }
}

pub async fn a_log_keeps_the_order_and_its_numbers(kind: &impl Kind) {
    let log = sealed(kind).log();
    let place = place(&fresh("tenant"));
    for n in 0..5_u8 {
        log.append(&place, &[n, 0, 255], 100, secs(60))
            .await
            .unwrap();
    }
    let again = sealed(kind).log();
    let first = again.read(&place, 0, 2).await.unwrap();
    let after = first.last().unwrap().number;
    let rest = again.read(&place, after, 10).await.unwrap();
    let all: Vec<u8> = first.iter().chain(&rest).map(|e| e.value[0]).collect();
    assert_eq!(all, [0, 1, 2, 3, 4]);
    let last = rest.last().unwrap().number;
    log.trim(&place, last).await.unwrap();
    assert_eq!(again.read(&place, 0, 10).await.unwrap(), []);
    let next = log.append(&place, b"x", 100, secs(60)).await.unwrap();
    assert!(next > last, "a number came twice");
}

pub async fn a_log_drops_the_oldest(kind: &impl Kind) {
    let log = sealed(kind).log();
    let place = place(&fresh("tenant"));
    for n in 0..10_u8 {
        log.append(&place, &[n], 3, secs(60)).await.unwrap();
    }
    let left = log.read(&place, 0, 100).await.unwrap();
    let left: Vec<u8> = left.iter().map(|entry| entry.value[0]).collect();
    assert_eq!(left, [7, 8, 9]);
}

fn rule(name: &'static str, requests: u32, window: Duration) -> Rule {
    Rule {
        name,
        requests,
        window,
    }
}

fn ask<'a>(lane: &'a str, rules: &'a [Rule]) -> Ask<'a> {
    Ask {
        lane,
        rules,
        in_flight: 1000,
        lease: secs(60),
    }
}

pub async fn windows_are_taken_together_or_not_at_all(kind: &impl Kind) {
    let store = kind.join();
    let lane = fresh("lane");
    let general = [rule("", 3, secs(60))];
    let both = [rule("", 3, secs(60)), rule("search", 1, secs(60))];
    let go = |grant| matches!(grant, Grant::Go(_));
    assert!(go(store.acquire(&ask(&lane, &both)).await));
    for _ in 0..5 {
        let full = store.acquire(&ask(&lane, &both)).await;
        let Grant::Wait(wait) = full else {
            panic!("{full:?}");
        };
        assert!(wait > secs(50) && wait <= secs(64), "{wait:?}");
    }
    // What was refused took nothing of the general window.
    assert!(go(store.acquire(&ask(&lane, &general)).await));
    assert!(go(store.acquire(&ask(&lane, &general)).await));
    assert!(!go(store.acquire(&ask(&lane, &general)).await));
    assert!(go(store.acquire(&ask(&fresh("lane"), &general)).await));
}

pub async fn a_window_never_holds_more_than_its_limit(kind: &impl Kind) {
    let store = kind.join();
    let lane = fresh("lane");
    let rules = [rule("", 10, millis(200)), rule("", 25, millis(700))];
    let mut taken = Vec::new();
    let began = std::time::Instant::now();
    while began.elapsed() < millis(1500) {
        let before = std::time::Instant::now();
        match store.acquire(&ask(&lane, &rules)).await {
            Grant::Go(_) => taken.push((before, std::time::Instant::now())),
            Grant::Wait(wait) => {
                assert!(!wait.is_zero());
                tokio::time::sleep(wait).await;
            }
            Grant::Busy => panic!("nothing is in flight"),
        }
    }
    assert!(taken.len() >= 45, "only {} went out", taken.len());
    for Rule {
        requests, window, ..
    } in rules
    {
        for (n, (_, first_done)) in taken.iter().enumerate() {
            // Of one more than the limit the last was asked for after the window of the first.
            if let Some((later, _)) = taken.get(n + requests as usize) {
                let apart = later.duration_since(*first_done) + millis(2);
                assert!(apart >= window, "{n}: {apart:?} of {window:?}");
            }
        }
    }
}

pub async fn a_pause_holds_every_request_of_the_lane(kind: &impl Kind) {
    let store = kind.join();
    let lane = fresh("lane");
    let rules = [rule("", 100, secs(1))];
    store.pause(&lane, secs(30)).await;
    store.pause(&lane, millis(1)).await;
    let grant = store.acquire(&ask(&lane, &rules)).await;
    let Grant::Wait(wait) = grant else {
        panic!("{grant:?}");
    };
    assert!(wait > secs(25) && wait <= secs(30), "{wait:?}");
    let other = store.acquire(&ask(&fresh("lane"), &rules)).await;
    assert!(matches!(other, Grant::Go(_)));
}
