//! State per account: each credential sees its own.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state of every account of a simulator, made on first use.
///
/// Accounts share one lock: simulators answer in microseconds and never await inside
/// [`with`](Self::with), whose closure cannot.
#[derive(Debug)]
pub struct Accounts<S> {
    accounts: Mutex<BTreeMap<String, S>>,
}

impl<S> Default for Accounts<S> {
    fn default() -> Self {
        Self {
            accounts: Mutex::default(),
        }
    }
}

impl<S: Default> Accounts<S> {
    /// No accounts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Read or change the state of `account`, which is made if it is new.
    pub fn with<R>(&self, account: &str, f: impl FnOnce(&mut S) -> R) -> R {
        let mut accounts = self.lock();
        match accounts.get_mut(account) {
            Some(state) => f(state),
            None => f(accounts.entry(account.to_owned()).or_default()),
        }
    }
}

impl<S> Accounts<S> {
    /// What `f` makes of every account, by name: for `on_describe`.
    pub fn map<R>(&self, mut f: impl FnMut(&S) -> R) -> BTreeMap<String, R> {
        self.lock()
            .iter()
            .map(|(name, state)| (name.clone(), f(state)))
            .collect()
    }

    /// Forget all accounts: for `on_reset`.
    pub fn clear(&self) {
        let gone = std::mem::take(&mut *self.lock());
        // Dropped after the lock is free: state can be large.
        drop(gone);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, S>> {
        // A handler that panicked must not take the other accounts down.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_do_not_see_each_other() {
        let accounts = Accounts::<Vec<u8>>::new();
        accounts.with("a", |state| state.push(1));
        accounts.with("b", |state| assert!(state.is_empty()));
        assert_eq!(
            accounts.map(Vec::len),
            [("a".into(), 1), ("b".into(), 0)].into()
        );
        accounts.clear();
        assert!(accounts.map(Vec::len).is_empty());
    }
}
