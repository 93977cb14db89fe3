//! The behaviour of shared results, in whatever store: seen by two replicas.

use std::sync::Arc;
use std::time::{Duration, Instant};

use business_tools_core::state::{Look, ResultStore, Turn};
use business_tools_core::{millis, secs};

/// The results as two replicas have them.
pub type Two = (Arc<dyn ResultStore>, Arc<dyn ResultStore>);

/// Every test of this file as a test of the store.
macro_rules! against {
    ($kind:ident, $make:expr) => {
        mod $kind {
            #[allow(unused_imports, reason = "the stores are made in different places")]
            use super::*;
            $crate::results::tests!($make;
                a_result_is_there_for_all_until_its_time_is_over
                one_asker_has_the_turn_for_as_long_as_it_is_held
                a_turn_that_is_left_is_the_next_ones
                what_was_read_before_a_write_is_neither_found_nor_kept
                a_turn_from_before_a_write_stops_nobody
                groups_and_names_are_apart
            );
        }
    };
}

macro_rules! tests {
    ($make:expr; $($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            let (_kept, two) = ($make)();
            $crate::results::$name(two).await;
        })*
    };
}

pub(crate) use {against, tests};

const HELD: Duration = secs(30);

async fn look(store: &Arc<dyn ResultStore>, group: &str, asker: &str) -> Look {
    store.look(group, "name", asker, HELD).await.unwrap()
}

async fn turn(store: &Arc<dyn ResultStore>, group: &str, asker: &str) -> Turn {
    match look(store, group, asker).await {
        Look::Yours(turn) => turn,
        other => panic!("{other:?}"),
    }
}

fn is_theirs(look: &Look) -> bool {
    matches!(look, Look::Theirs { .. })
}

pub async fn a_result_is_there_for_all_until_its_time_is_over((one, two): Two) {
    let mine = turn(&one, "timed", "a").await;
    let kept = one.keep("timed", "name", &mine, "value".into(), millis(600));
    assert!(kept.await.unwrap());
    let began = Instant::now();
    let Look::Found {
        value,
        left,
        edition,
    } = look(&two, "timed", "b").await
    else {
        panic!("it is there");
    };
    assert_eq!((&value[..], &edition), (&b"value"[..], &mine.edition));
    assert!(left <= millis(600), "{left:?}");
    while !matches!(look(&two, "timed", "b").await, Look::Yours(_)) {
        assert!(began.elapsed() < secs(10), "its time has no end");
        tokio::time::sleep(millis(10)).await;
    }
    assert!(began.elapsed() > millis(400), "it was there for its time");
}

pub async fn one_asker_has_the_turn_for_as_long_as_it_is_held((one, two): Two) {
    let short = one.look("turn", "name", "a", millis(500)).await.unwrap();
    let Look::Yours(first) = short else {
        panic!("{short:?}");
    };
    assert!(one.hold("turn", "name", &first, secs(2)).await.unwrap());
    let began = Instant::now();
    assert!(is_theirs(&look(&two, "turn", "b").await));
    assert_eq!(turn(&one, "turn", "a").await, first, "it asks again");
    assert!(one.hold("turn", "name", &first, secs(1)).await.unwrap());
    let second = loop {
        match look(&two, "turn", "b").await {
            Look::Yours(turn) => break turn,
            _ => assert!(began.elapsed() < secs(10), "a dead holder is waited for"),
        }
        tokio::time::sleep(millis(10)).await;
    };
    assert!(began.elapsed() > millis(800), "{:?}", began.elapsed());
    // What was the first one's is not any more, whatever it says.
    assert!(!one.hold("turn", "name", &first, HELD).await.unwrap());
    one.leave("turn", "name", &first).await.unwrap();
    assert!(is_theirs(&look(&one, "turn", "c").await));
    assert!(two.hold("turn", "name", &second, HELD).await.unwrap());
}

pub async fn a_turn_that_is_left_is_the_next_ones((one, two): Two) {
    let first = turn(&one, "left", "a").await;
    let theirs = look(&two, "left", "b").await;
    let Look::Theirs { own, holder } = theirs else {
        panic!("{theirs:?}");
    };
    one.leave("left", "name", &first).await.unwrap();
    turn(&two, "left", "c").await;
    let Look::Theirs { holder: next, .. } = look(&one, "left", "d").await else {
        panic!("it has been taken");
    };
    assert_ne!(holder, next, "one can tell that it is another turn");
    // Who fetched without the turn has a result all the same, and takes the turn from nobody.
    let kept = two.keep("left", "name", &own, "value".into(), HELD);
    assert!(kept.await.unwrap());
    assert!(matches!(look(&one, "left", "d").await, Look::Found { .. }));
}

pub async fn what_was_read_before_a_write_is_neither_found_nor_kept((one, two): Two) {
    let before = turn(&one, "written", "a").await;
    let keep = |store: &Arc<dyn ResultStore>, turn: &Turn| {
        let (store, turn) = (Arc::clone(store), turn.clone());
        async move {
            let kept = store.keep("written", "name", &turn, "value".into(), HELD);
            kept.await.unwrap()
        }
    };
    assert!(keep(&one, &before).await);
    two.forget(&["written", "another"]).await.unwrap();
    assert!(!keep(&one, &before).await, "nobody looked since");
    let after = turn(&one, "written", "b").await;
    assert_ne!(after.edition, before.edition);
    assert!(!keep(&one, &before).await, "it is of before");
    assert!(is_theirs(&look(&two, "written", "c").await));
    assert!(keep(&one, &after).await);
    let found = look(&two, "written", "c").await;
    assert!(matches!(found, Look::Found { edition, .. } if edition == after.edition));
}

pub async fn a_turn_from_before_a_write_stops_nobody((one, two): Two) {
    let before = turn(&one, "stopped", "a").await;
    two.forget(&["stopped"]).await.unwrap();
    let after = turn(&two, "stopped", "b").await;
    assert!(!one.hold("stopped", "name", &before, HELD).await.unwrap());
    one.leave("stopped", "name", &before).await.unwrap();
    assert!(two.hold("stopped", "name", &after, HELD).await.unwrap());
}

pub async fn groups_and_names_are_apart((one, two): Two) {
    let mine = turn(&one, "apart", "a").await;
    let kept = one.keep("apart", "name", &mine, "value".into(), HELD);
    assert!(kept.await.unwrap());
    let other = two.look("apart", "other", "b", HELD).await.unwrap();
    assert!(matches!(other, Look::Yours(_)));
    turn(&two, "apart too", "b").await;
    two.forget(&["apart too"]).await.unwrap();
    assert!(matches!(look(&two, "apart", "b").await, Look::Found { .. }));
}
