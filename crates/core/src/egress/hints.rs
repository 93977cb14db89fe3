//! What other replicas say of their circuits. They are hints: a circuit is opened and closed by what its own replica sees.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::policy::secs;
use crate::state::{Notice, State, hashed, millis_of};

/// The circuits of other replicas, as far as they told. Cheap to clone; the default is a process that has no others.
#[derive(Clone, Default)]
pub struct Hints(Option<Arc<Inner>>);

struct Inner {
    heard: Mutex<HashMap<String, Heard>>,
    state: State,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    hint: Hint,
    until: Instant,
}

/// The last word of another replica on a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// It opened its own.
    Open,
    /// It closed its own, at this time.
    Closed(Instant),
}

/// No word is believed for longer than this.
const BELIEVED: Duration = secs(600);
/// Words that are kept before old ones are looked for.
const MANY: usize = 1000;

impl Hints {
    /// Hints by way of a store that replicas share; none where it shares nothing. Needs a runtime.
    pub fn over(state: &State) -> Self {
        let Some(notices) = state.notices() else {
            return Self::default();
        };
        let inner = Inner::new(state.clone());
        tokio::spawn(listen(Arc::downgrade(&inner), notices));
        Self(Some(inner))
    }

    /// What another replica said last of a circuit, if that is still to be believed.
    pub(super) fn of(&self, provider: &str, scope: &str) -> Option<Hint> {
        let inner = self.0.as_ref()?;
        if inner.heard().is_empty() {
            return None;
        }
        let heard = *inner.heard().get(&name(provider, scope))?;
        // Who cannot be heard may have changed his mind.
        let good = heard.until > Instant::now() && inner.state.store().trouble().is_none();
        good.then_some(heard.hint)
    }

    /// Tells the others that a circuit was opened here, for so long.
    pub(super) fn opened(&self, provider: &str, scope: &str, wait: Duration) {
        self.tell(provider, scope, millis_of(wait.min(BELIEVED)).max(1));
    }

    /// Tells the others that a circuit was closed here.
    pub(super) fn closed(&self, provider: &str, scope: &str) {
        self.tell(provider, scope, 0);
    }

    fn tell(&self, provider: &str, scope: &str, millis: i64) {
        let Some(inner) = &self.0 else {
            return;
        };
        let told = format!("{} {millis}", name(provider, scope));
        inner.state.store().notify(Notice::Circuit(told.into()));
    }
}

fn name(provider: &str, scope: &str) -> String {
    hashed(&["circuit", provider, scope])
}

impl Inner {
    fn new(state: State) -> Arc<Self> {
        Arc::new(Self {
            heard: Mutex::default(),
            state,
        })
    }

    fn heard(&self) -> MutexGuard<'_, HashMap<String, Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, told: &[u8]) {
        let told = std::str::from_utf8(told).unwrap_or_default();
        let Some((name, millis)) = told.split_once(' ') else {
            return;
        };
        let Ok(millis) = millis.parse() else {
            return;
        };
        let now = Instant::now();
        let (hint, wait) = match Duration::from_millis(millis) {
            Duration::ZERO => (Hint::Closed(now), BELIEVED),
            wait => (Hint::Open, wait.min(BELIEVED)),
        };
        let until = now + wait;
        let mut heard = self.heard();
        if heard.len() >= MANY {
            heard.retain(|_, heard| heard.until > now);
        }
        heard.insert(name.to_owned(), Heard { hint, until });
    }
}

/// Listens until nobody wants to know any more.
async fn listen(inner: Weak<Inner>, mut notices: Receiver<Notice>) {
    loop {
        let notice = notices.recv().await;
        let Some(inner) = inner.upgrade() else {
            return;
        };
        match notice {
            Ok(Notice::Circuit(told)) => inner.hear(&told),
            Ok(Notice::Forget(_)) => {}
            // What was missed may have been the opposite.
            Ok(Notice::Missed) | Err(RecvError::Lagged(_)) => inner.heard().clear(),
            Err(RecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
impl Hints {
    /// Hints that hear what a test says.
    pub(super) fn deaf() -> Self {
        Self(Some(Inner::new(State::memory())))
    }

    pub(super) fn hear(&self, provider: &str, scope: &str, millis: u64) {
        let told = format!("{} {millis}", name(provider, scope));
        self.0.as_ref().unwrap().hear(told.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::millis;

    #[tokio::test(start_paused = true)]
    async fn the_last_word_counts_until_its_time_is_over() {
        let hints = Hints::deaf();
        assert_eq!(hints.of("acme", "a"), None);
        hints.hear("acme", "a", 5000);
        assert_eq!(hints.of("acme", "a"), Some(Hint::Open));
        assert_eq!(
            (hints.of("acme", "b"), hints.of("other", "a")),
            (None, None)
        );
        hints.hear("acme", "a", 0);
        assert_eq!(hints.of("acme", "a"), Some(Hint::Closed(Instant::now())));
        hints.hear("acme", "a", 5000);
        tokio::time::sleep(millis(5000)).await;
        assert_eq!(hints.of("acme", "a"), None);
        // Nobody can make a circuit be mistrusted for ever.
        hints.hear("acme", "a", u64::MAX);
        tokio::time::sleep(BELIEVED).await;
        assert_eq!(hints.of("acme", "a"), None);
    }

    #[tokio::test]
    async fn what_is_not_understood_is_not_heard() {
        let hints = Hints::deaf();
        let inner = hints.0.as_ref().unwrap();
        for told in [
            &b""[..],
            b"name",
            b"name x",
            b"name -1",
            b"name 5 5",
            &[0xff, 0x20, 0x35],
        ] {
            inner.hear(told);
        }
        assert!(inner.heard().is_empty());
    }
}
