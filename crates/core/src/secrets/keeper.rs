//! Fetches what is referred to, keeps the last good value of each, and tells when one has changed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::remote::{Account, Source};
use super::{Found, Local, Reference, Remote, Service, Wrong};
use crate::Env;
use crate::cx::{Cx, Principal};
use crate::error::Error;
use crate::health::Part;
use crate::plugin::Health;
use crate::secret::Secret;

/// The time for everything that one service is asked at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A value that was asked for so recently is not asked for again: loads may follow each other closely.
const FRESH: Duration = Duration::from_secs(10);

/// The secrets of one process that are kept in services. Cheap to clone; one for all loads of a configuration.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    env: Env,
    /// Each held while its service is asked, so that nobody asks for the same thing twice.
    desks: [tokio::sync::Mutex<Option<Desk>>; Service::ALL.len()],
    board: Mutex<BTreeMap<Service, Health>>,
    changes: watch::Sender<u64>,
}

/// What one service is asked for.
struct Desk {
    account: Account,
    source: Arc<dyn Source>,
    held: BTreeMap<Remote, Held>,
}

struct Held {
    value: Secret,
    asked: Instant,
    /// Why the value is not a newer one.
    stale: Option<Error>,
}

impl Secrets {
    /// Nothing yet; services are reached through the connections of `env`.
    pub fn new(env: Env) -> Self {
        Self(Arc::new(Inner {
            env,
            desks: Default::default(),
            board: Mutex::default(),
            changes: watch::Sender::default(),
        }))
    }

    /// Follows references, those to services included. The answers are in the order of the questions.
    pub(crate) async fn resolve(
        &self,
        local: &Local<'_>,
        references: &[Reference],
    ) -> Vec<Result<Found, Wrong>> {
        let mut wanted: BTreeMap<Service, Vec<Remote>> = BTreeMap::new();
        for reference in references {
            if let Reference::Remote(remote) = reference {
                let all = wanted.entry(remote.service()).or_default();
                if !all.contains(remote) {
                    all.push(remote.clone());
                }
            }
        }
        let asked = wanted
            .iter()
            .map(|(service, wanted)| self.ask(*service, local, wanted));
        let found: BTreeMap<Remote, Result<Found, Wrong>> = futures_util::future::join_all(asked)
            .await
            .into_iter()
            .flatten()
            .collect();
        let answer = |reference: &Reference| match reference {
            Reference::Remote(remote) => found.get(remote).cloned(),
            _ => None,
        };
        references
            .iter()
            .map(|reference| answer(reference).unwrap_or_else(|| local.find(reference)))
            .collect()
    }

    /// What one service has.
    async fn ask(
        &self,
        service: Service,
        local: &Local<'_>,
        wanted: &[Remote],
    ) -> Vec<(Remote, Result<Found, Wrong>)> {
        let account = match Account::of(service, local) {
            Ok(account) => account,
            Err(wrong) => {
                return wanted
                    .iter()
                    .map(|remote| (remote.clone(), Err(wrong.clone())))
                    .collect();
            }
        };
        let mut desk = self.0.desks[service as usize].lock().await;
        // Another server or another account may have other secrets of the same name.
        if desk.as_ref().is_none_or(|desk| desk.account != account) {
            *desk = Some(Desk {
                source: account.open(&self.0.env),
                held: BTreeMap::new(),
                account,
            });
        }
        let Some(desk) = desk.as_mut() else {
            return Vec::new();
        };
        let is_fresh = |remote: &&Remote| {
            desk.held
                .get(remote)
                .is_some_and(|held| held.asked.elapsed() < FRESH)
        };
        let missing: Vec<Remote> = wanted
            .iter()
            .filter(|remote| !is_fresh(remote))
            .cloned()
            .collect();
        let (_, failed) = self.fetch(service, desk, missing).await;
        let odd = desk.account.warning();
        wanted
            .iter()
            .map(|remote| {
                let answer = match (desk.held.get(remote), failed.get(remote)) {
                    (Some(held), _) => Ok(Found {
                        secret: held.value.clone(),
                        warning: held.stale.as_ref().map(kept).or_else(|| odd.clone()),
                    }),
                    (None, Some(error)) => Err(wrong(error)),
                    (None, None) => Err(Wrong::new(
                        "was not asked for",
                        "load the configuration again",
                    )),
                };
                (remote.clone(), answer)
            })
            .collect()
    }

    /// Asks a service. Tells whether a value that was held changed, and what could not be had at all.
    async fn fetch(
        &self,
        service: Service,
        desk: &mut Desk,
        wanted: Vec<Remote>,
    ) -> (bool, BTreeMap<Remote, Error>) {
        let mut failed = BTreeMap::new();
        let mut changed = false;
        if wanted.is_empty() {
            return (changed, failed);
        }
        let started = Instant::now();
        let answers = desk.source.fetch(&cx(), &wanted).await;
        let mut kept = 0;
        let mut why = None;
        for (remote, answer) in wanted.into_iter().zip(answers) {
            let held = desk.held.get_mut(&remote);
            match (answer, held) {
                (Ok(value), held) => {
                    changed |= held.is_some_and(|held| held.value != value);
                    let asked = Instant::now();
                    desk.held.insert(
                        remote,
                        Held {
                            value,
                            asked,
                            stale: None,
                        },
                    );
                }
                (Err(error), Some(held)) => {
                    held.asked = Instant::now();
                    held.stale = Some(error.clone());
                    kept += 1;
                    why = Some(error);
                }
                (Err(error), None) => {
                    failed.insert(remote, error);
                }
            }
        }
        if let Some(error) = why {
            tracing::warn!(
                service = service.title(),
                secrets = kept,
                code = error.code(),
                "{}; the last good values are used",
                error.message()
            );
        }
        self.show(service, Some(desk), started.elapsed());
        (changed, failed)
    }

    /// Keeps what a configuration refers to and forgets everything else: called when it was accepted.
    pub(crate) async fn settle(&self, references: &[Reference]) {
        for service in Service::ALL {
            let mut desk = self.0.desks[service as usize].lock().await;
            if let Some(desk) = desk.as_mut() {
                desk.held.retain(|held, _| {
                    references.iter().any(|reference| matches!(reference, Reference::Remote(remote) if remote == held))
                });
            }
            if desk.as_ref().is_some_and(|desk| desk.held.is_empty()) {
                *desk = None;
            }
            self.show(service, desk.as_ref(), Duration::ZERO);
        }
    }

    /// Fetches everything that is in use once more. True when a value changed; [`Secrets::changes`] tells so too.
    pub async fn refresh(&self) -> bool {
        let all = Service::ALL.map(|service| async move {
            let mut desk = self.0.desks[service as usize].lock().await;
            let Some(desk) = desk.as_mut() else {
                return false;
            };
            let wanted = desk.held.keys().cloned().collect();
            let (changed, _) = self.fetch(service, desk, wanted).await;
            if changed {
                tracing::info!(service = service.title(), "a secret has changed");
            }
            changed
        });
        let changed = futures_util::future::join_all(all).await.contains(&true);
        if changed {
            self.0.changes.send_modify(|n| *n += 1);
        }
        changed
    }

    /// Keeps everything fresh until `stop`: fetches it about every `interval`, and renews what it is fetched with.
    /// An interval of zero never fetches again.
    pub async fn keep_fresh(self, interval: Duration, stop: CancellationToken) {
        loop {
            // Jitter, so that many replicas do not ask at the same moment.
            let wait = interval.mul_f64(0.8 + 0.4 * fastrand::f64());
            let refresh_at = (!wait.is_zero()).then(|| Instant::now() + wait);
            loop {
                let soonest = Instant::now() + Duration::from_secs(1);
                let renew_at = self.renew().await.map(|at| at.max(soonest));
                let at = [refresh_at, renew_at].into_iter().flatten().min();
                // A load may bring something to renew meanwhile.
                let at = at
                    .unwrap_or_else(far)
                    .min(Instant::now() + Duration::from_mins(1));
                tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = stop.cancelled() => return,
                }
                if refresh_at.is_some_and(|at| at <= Instant::now()) {
                    break;
                }
            }
            tokio::select! {
                _ = self.refresh() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Renews what services are asked with, where that is due, and says when it will be again.
    pub async fn renew(&self) -> Option<Instant> {
        let mut next = None;
        for desk in &self.0.desks {
            let mut desk = desk.lock().await;
            if let Some(desk) = desk.as_mut() {
                let due = desk.source.keep(&cx()).await;
                next = [next, due].into_iter().flatten().min();
            }
        }
        next
    }

    /// Counts the times that a value was found changed: whoever hears of one loads the configuration again.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// The services in use, by their rows of the health page. One is not well while last good values stand in.
    pub fn health(&self) -> BTreeMap<String, Health> {
        let board = self.0.board.lock().unwrap_or_else(PoisonError::into_inner);
        board
            .iter()
            .map(|(service, health)| (service.row().to_owned(), health.clone()))
            .collect()
    }

    fn show(&self, service: Service, desk: Option<&Desk>, latency: Duration) {
        let mut board = self.0.board.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(desk) = desk.filter(|desk| !desk.held.is_empty()) else {
            board.remove(&service);
            return;
        };
        let error = desk.held.values().find_map(|held| held.stale.clone());
        let row = board.entry(service).or_insert(Health {
            ok: true,
            error: None,
            latency,
        });
        row.ok = error.is_none();
        row.error = error;
        if !latency.is_zero() {
            row.latency = latency;
        }
    }
}

/// One row of the health page for all services: the first that is not well, in its own words.
#[async_trait]
impl Part for Secrets {
    fn name(&self) -> &'static str {
        "secrets"
    }

    async fn check(&self) -> Result<(), Error> {
        let failing = self.health().into_values().find_map(|health| health.error);
        failing.map_or(Ok(()), Err)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

fn cx() -> Cx {
    Cx::builder(Principal::local())
        .deadline(Instant::now() + PATIENCE)
        .build()
}

fn far() -> Instant {
    Instant::now() + Duration::from_hours(24)
}

/// An error of a service as a fault of the configuration.
fn wrong(error: &Error) -> Wrong {
    let hint = error.hint_text().unwrap_or("Look at the log");
    let mut letters = hint.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    // Names of variables keep their capitals.
    let plain = hint
        .chars()
        .nth(1)
        .is_some_and(|second| !second.is_ascii_uppercase());
    let remedy = match first {
        Some(first) if plain => format!("{first}{}", letters.as_str()),
        _ => hint.to_owned(),
    };
    Wrong::new(error.message(), remedy)
}

/// A warning that a value may be an old one.
fn kept(error: &Error) -> Wrong {
    let Wrong { what, remedy } = wrong(error);
    Wrong::new(format!("keeps its last good value: {what}"), remedy)
}
