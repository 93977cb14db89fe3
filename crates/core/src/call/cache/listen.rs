//! What the other replicas tell of results that are stale.

use std::sync::Weak;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;

use super::shared::Shared;
use super::store::Groups;
use crate::state::Notice;

/// How often it is tried again to tell the others what they could not be told.
const AGAIN: Duration = Duration::from_secs(1);

/// Listens until the cache is gone.
pub(super) async fn listen(
    groups: Weak<Groups>,
    shared: Weak<Shared>,
    mut notices: Option<Receiver<Notice>>,
) {
    let mut again = tokio::time::interval(AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let hearing = async {
            match &mut notices {
                Some(notices) => notices.recv().await,
                None => std::future::pending().await,
            }
        };
        let heard = tokio::select! {
            heard = hearing => Some(heard),
            _ = again.tick() => None,
        };
        let (Some(groups), Some(shared)) = (groups.upgrade(), shared.upgrade()) else {
            return;
        };
        match heard {
            Some(Ok(Notice::Forget(body))) => {
                let told = std::str::from_utf8(&body).unwrap_or_default();
                told.lines().for_each(|group| groups.forget(group));
            }
            Some(Ok(Notice::Circuit(_))) => {}
            // Nobody knows which: those that were told while nobody listened, or faster than it was listened.
            Some(Ok(Notice::Missed) | Err(RecvError::Lagged(_))) => {
                groups.forget_everything();
                shared.forget_again().await;
            }
            Some(Err(RecvError::Closed)) => notices = None,
            None => shared.forget_again().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::broadcast;

    use super::*;
    use crate::state::{MemoryResults, State};

    #[tokio::test(start_paused = true)]
    async fn a_group_is_cleared_when_others_say_so_and_all_are_when_something_was_missed() {
        let groups = Arc::<Groups>::default();
        let results = Arc::<MemoryResults>::default();
        let shared = Arc::new(Shared::new(results, State::memory()));
        let (tell, notices) = broadcast::channel(2);
        let weak = (Arc::downgrade(&groups), Arc::downgrade(&shared));
        let listening = tokio::spawn(listen(weak.0, weak.1, Some(notices)));
        let told = |notice| {
            tell.send(notice).unwrap();
            tokio::time::sleep(Duration::from_millis(1))
        };
        let both = || (groups.generation("a"), groups.generation("b"));
        let before = both();
        told(Notice::Forget("a\nc".into())).await;
        assert!(both().0 > before.0 && both().1 == before.1);
        let before = both();
        told(Notice::Missed).await;
        assert!(both().0 > before.0 && both().1 > before.1);
        // More than it can listen to at once.
        let before = both();
        for _ in 0..5 {
            tell.send(Notice::Circuit("".into())).unwrap();
        }
        told(Notice::Circuit("".into())).await;
        assert!(both().0 > before.0 && both().1 > before.1);
        drop((groups, shared));
        listening.await.unwrap();
    }
}
