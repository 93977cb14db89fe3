//! Health: checks in the background with jitter, and the last result for whoever asks.
//!
//! A provider that is down makes the server degraded and never unhealthy: restarting it helps nobody.

mod check;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use check::{Checked, Part, check_part, check_provider};

use crate::config::{HealthBlock, Report};
use crate::error::Kind;
use crate::plugin::{Health, ToolPlugin};
use crate::policy::Span;
use crate::registry::Registry;

/// Checks that go on at once: a process with forty providers must not call them all in the same moment.
const AT_ONCE: usize = 8;

/// The last result of every check. Cheap to clone.
#[derive(Clone, Default)]
pub struct HealthBoard(Arc<Board>);

#[derive(Default)]
struct Board {
    state: RwLock<State>,
    /// Wakes the checks when there is something new to check.
    wake: Notify,
}

#[derive(Default)]
struct State {
    rules: HealthBlock,
    /// By the name of the plugin.
    providers: BTreeMap<String, Row>,
    parts: Vec<(Arc<dyn Part>, Option<Checked>)>,
    /// The faults of a configuration that was not taken.
    rejected: Option<Report>,
}

/// What is known of a provider.
#[derive(Clone)]
struct Row {
    title: &'static str,
    accounts: Vec<Checked>,
}

/// What the background checks know between two rounds.
#[derive(Default)]
struct Plan {
    /// When a plugin is to be checked, and which one that was: another one of the name is checked at once.
    due: BTreeMap<String, (Weak<dyn ToolPlugin>, Instant)>,
    running: BTreeSet<String>,
    parts_due: Option<Instant>,
}

enum Found {
    Provider(Arc<dyn ToolPlugin>, Vec<Checked>),
    Parts(Vec<Checked>),
}

impl HealthBoard {
    /// How often is checked, and what counts as slow.
    pub fn configure(&self, rules: HealthBlock) {
        self.write(|state| state.rules = rules);
        self.0.wake.notify_one();
    }

    /// Adds a part that is checked with the providers.
    pub fn watch(&self, part: Arc<dyn Part>) {
        self.write(|state| state.parts.push((part, None)));
        self.0.wake.notify_one();
    }

    /// The parts that are checked with the providers.
    pub fn parts(&self) -> Vec<Arc<dyn Part>> {
        self.read(|state| {
            state
                .parts
                .iter()
                .map(|(part, _)| Arc::clone(part))
                .collect()
        })
    }

    /// A new configuration was taken, or was not and why. Either way the checks look at what there is now.
    pub fn configuration(&self, rejected: Option<Report>) {
        self.write(|state| state.rejected = rejected);
        self.0.wake.notify_one();
    }

    /// Checks everything now, and keeps the results.
    pub async fn check(&self, registry: &Registry) {
        let plugins = registry.plugins();
        self.forget_all_but(&plugins);
        let patience = self.rules().timeout.0;
        let checks = plugins.into_iter().map(|plugin| async move {
            let found = check_provider(&*plugin, patience).await;
            self.keep(Found::Provider(plugin, found));
        });
        let parts = async { self.keep(self.check_parts(patience).await) };
        tokio::join!(futures_util::future::join_all(checks), parts);
    }

    /// Checks again and again until `stop`. What is new is checked at once.
    pub async fn keep_checking(self, registry: Registry, stop: CancellationToken) {
        let mut plan = Plan::default();
        let mut running = JoinSet::new();
        loop {
            let next = self.begin(&registry, &mut plan, &mut running);
            tokio::select! {
                Some(done) = running.join_next() => {
                    // A task is aborted by the end of this future alone, and checks catch their panics.
                    let Ok(found) = done else { continue };
                    plan.done(&found, self.rules().interval);
                    self.keep(found);
                }
                () = tokio::time::sleep_until(next) => {}
                () = self.0.wake.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Begins what is due, and tells when the next will be.
    fn begin(&self, registry: &Registry, plan: &mut Plan, running: &mut JoinSet<Found>) -> Instant {
        let plugins = registry.plugins();
        self.forget_all_but(&plugins);
        let names: BTreeSet<&str> = plugins.iter().map(|plugin| plugin.name()).collect();
        plan.due.retain(|name, _| names.contains(name.as_str()));
        let (now, rules) = (Instant::now(), self.rules());
        let patience = rules.timeout.0;
        let mut next = now + rules.interval.0;
        for plugin in plugins {
            let name = plugin.name();
            if plan.running.contains(name) {
                continue;
            }
            let due = match plan.due.get(name) {
                Some((same, at)) if same.ptr_eq(&Arc::downgrade(&plugin)) => *at,
                _ => now,
            };
            if due > now {
                next = next.min(due);
            } else if running.len() < AT_ONCE {
                plan.running.insert(name.to_owned());
                running.spawn(async move {
                    let found = check_provider(&*plugin, patience).await;
                    Found::Provider(plugin, found)
                });
            }
        }
        match plan.parts_due {
            Some(at) if at > now => next = next.min(at),
            _ => {
                plan.parts_due = Some(now + jittered(rules.interval));
                let board = self.clone();
                running.spawn(async move { board.check_parts(patience).await });
            }
        }
        next
    }

    async fn check_parts(&self, patience: Duration) -> Found {
        let parts = self.parts();
        let checks = parts.iter().map(|part| check_part(&**part, patience));
        Found::Parts(futures_util::future::join_all(checks).await)
    }

    fn keep(&self, found: Found) {
        self.write(|state| match found {
            Found::Provider(plugin, accounts) => {
                let row = Row {
                    title: plugin.info().title,
                    accounts,
                };
                let name = plugin.name().to_owned();
                let before = state.providers.get(&name);
                let row = row.after(before);
                row.tell(&name, before);
                state.providers.insert(name, row);
            }
            Found::Parts(found) => {
                for ((_, last), found) in state.parts.iter_mut().zip(found) {
                    *last = Some(found);
                }
            }
        });
    }

    fn forget_all_but(&self, plugins: &[Arc<dyn ToolPlugin>]) {
        let known = |name: &String| plugins.iter().any(|plugin| plugin.name() == name);
        if self.read(|state| state.providers.keys().all(known)) {
            return;
        }
        self.write(|state| state.providers.retain(|name, _| known(name)));
    }

    /// Whether this instance can serve: no part that it needs has failed its last check.
    pub fn can_serve(&self) -> bool {
        self.read(State::can_serve)
    }

    /// The results of the last checks, by provider: that of the account that fails, if one does.
    pub fn results(&self) -> BTreeMap<String, Health> {
        self.read(|state| {
            let of =
                |(name, row): (&String, &Row)| Some((name.clone(), row.worst()?.health.clone()));
            state.providers.iter().filter_map(of).collect()
        })
    }

    fn rules(&self) -> HealthBlock {
        self.read(|state| state.rules.clone())
    }

    fn read<T>(&self, with: impl FnOnce(&State) -> T) -> T {
        with(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn can_serve(&self) -> bool {
        self.parts.iter().all(|(part, last)| {
            !part.is_essential() || last.as_ref().is_none_or(|last| last.health.ok)
        })
    }
}

impl Plan {
    fn done(&mut self, found: &Found, interval: Span) {
        if let Found::Provider(plugin, _) = found {
            let at = Instant::now() + jittered(interval);
            self.running.remove(plugin.name());
            self.due
                .insert(plugin.name().to_owned(), (Arc::downgrade(plugin), at));
        }
    }
}

impl Row {
    fn of(&self, account: &str) -> Option<&Checked> {
        let mut all = self.accounts.iter();
        all.find(|checked| checked.account == account)
    }

    /// The account that fails, or else the slowest.
    fn worst(&self) -> Option<&Checked> {
        let slowest = self
            .accounts
            .iter()
            .max_by_key(|checked| checked.health.latency);
        self.accounts
            .iter()
            .find(|checked| !checked.health.ok)
            .or(slowest)
    }

    /// Logs what became of the accounts: once when one fails, when it fails for another reason, and when it is well.
    fn tell(&self, provider: &str, before: Option<&Self>) {
        for checked in &self.accounts {
            let code = |checked: &Checked| checked.health.error.as_ref().map(crate::Error::code);
            let account = checked.account.as_str();
            let old = before.and_then(|row| row.of(account)).and_then(code);
            match (&checked.health.error, old) {
                (Some(error), old) if old.as_deref() != Some(&error.code()) => tracing::warn!(
                    provider,
                    account,
                    status = error.code(),
                    error = error.message(),
                    hint = error.hint_text(),
                    cause = error.cause(),
                    "the provider cannot be used"
                ),
                (None, Some(_)) => tracing::info!(provider, account, "the provider is well again"),
                _ => {}
            }
        }
    }

    /// An open circuit hides what opened it: the cause that is known stays on the board.
    fn after(mut self, before: Option<&Self>) -> Self {
        for checked in &mut self.accounts {
            let hidden = |checked: &Checked| {
                let error = checked.health.error.as_ref();
                error.is_some_and(|error| error.kind() == Kind::CircuitOpen)
            };
            let cause = before
                .and_then(|row| row.of(&checked.account))
                .filter(|old| !old.health.ok);
            if let (true, Some(cause)) = (hidden(checked), cause) {
                checked.health = cause.health.clone();
            }
        }
        self
    }
}

/// So that many replicas do not ask at the same moment.
fn jittered(interval: Span) -> Duration {
    let interval = interval.0.max(Duration::from_secs(1));
    interval.mul_f64(0.8 + 0.4 * fastrand::f64())
}
