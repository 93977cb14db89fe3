//! Which fault strikes which request, and what arrived.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::recorder::{Arrival, Recorded, Recorder};

/// What goes wrong.
///
/// | kind | what the client sees | does the simulator run? |
/// |---|---|---|
/// | `status` | `status` (500) with the provider's own error body, `Retry-After` if given | no |
/// | `latency` | the normal answer, `delay_ms` (1000) later | yes |
/// | `reset` | a TCP reset | no |
/// | `reset_after_write` | a TCP reset | yes: the state changed, the answer is lost |
/// | `hang` | nothing, until it gives up (10 minutes at most) | no |
/// | `truncate` | the right `Content-Length`, half the body, the end of the connection | yes |
/// | `garbage` | 200, a JSON content type, and bytes that are no JSON | yes |
/// | `html` | a gateway's error page with `status` (502) | no |
/// | `huge` | 200 and a JSON document of 100 MB | no |
/// | `slow_body` | the normal answer, one byte every `delay_ms` (50) | yes |
///
/// `delay_ms` delays the other kinds as well. Where the simulator runs, it runs before the delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The provider answers with an error status.
    Status,
    /// The answer is late.
    Latency,
    /// The connection is reset before the provider saw the request.
    Reset,
    /// The connection is reset after the provider did what was asked.
    ResetAfterWrite,
    /// No answer ever comes.
    Hang,
    /// The body ends half way.
    Truncate,
    /// The body is not what its content type says.
    Garbage,
    /// A gateway answers in place of the provider.
    Html,
    /// The body never seems to end.
    Huge,
    /// The body drips.
    SlowBody,
}

impl FaultKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Status,
        Self::Latency,
        Self::Reset,
        Self::ResetAfterWrite,
        Self::Hang,
        Self::Truncate,
        Self::Garbage,
        Self::Html,
        Self::Huge,
        Self::SlowBody,
    ];

    /// The name in the control routes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Latency => "latency",
            Self::Reset => "reset",
            Self::ResetAfterWrite => "reset_after_write",
            Self::Hang => "hang",
            Self::Truncate => "truncate",
            Self::Garbage => "garbage",
            Self::Html => "html",
            Self::Huge => "huge",
            Self::SlowBody => "slow_body",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The fault that strikes one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The status asked for. A TCP simulator may read an error code of its protocol here.
    pub status: Option<u16>,
    /// The provider's own code of an error, where it has several for the status.
    pub code: Option<String>,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// How long to wait, before the answer or between its bytes.
    pub delay: Option<Duration>,
}

/// A fault and when it strikes: the body of `POST /_sandbox/faults`.
///
/// Rules are tried in the order they came in; the first that matches strikes. So "429 twice, then
/// 500 once" is two rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The simulator's id.
    pub provider: String,
    /// What goes wrong.
    pub kind: FaultKind,
    /// The status of `status` and `html`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The provider's own code of an error, where it has several for the `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Seconds for `Retry-After`, with `status` and `html`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Milliseconds to wait before the answer; between two bytes for `slow_body`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// How many of the requests that match are let through first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<u32>,
    /// How often it strikes. Until cleared, if neither this nor `for_ms` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The share of the requests that match which it strikes, from above 0 to 1, in an order that looks random and is
    /// the same in every run. The others go on to later rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Milliseconds from now until it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// Only paths that begin with this, as the provider sees them (without `/NAME`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only this method, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

impl FaultRule {
    /// The keys a rule may have.
    pub(crate) const KEYS: [&str; 12] = [
        "provider",
        "kind",
        "status",
        "code",
        "retry_after",
        "delay_ms",
        "skip",
        "times",
        "rate",
        "for_ms",
        "path",
        "method",
    ];

    /// A fault that strikes every request of `provider` until cleared.
    pub fn new(provider: impl Into<String>, kind: FaultKind) -> Self {
        Self {
            provider: provider.into(),
            kind,
            status: None,
            code: None,
            retry_after: None,
            delay_ms: None,
            skip: None,
            times: None,
            rate: None,
            for_ms: None,
            path: None,
            method: None,
        }
    }

    /// Answer with this status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Answer with the error of this code.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Send `Retry-After`.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Wait this long.
    pub fn delay_ms(mut self, milliseconds: u64) -> Self {
        self.delay_ms = Some(milliseconds);
        self
    }

    /// Let so many through first.
    pub fn skip(mut self, count: u32) -> Self {
        self.skip = Some(count);
        self
    }

    /// Strike this often.
    pub fn times(mut self, count: u32) -> Self {
        self.times = Some(count);
        self
    }

    /// Strike this share of them, such as 0.02.
    pub fn rate(mut self, share: f64) -> Self {
        self.rate = Some(share);
        self
    }

    /// Expire after this long.
    pub fn for_ms(mut self, milliseconds: u64) -> Self {
        self.for_ms = Some(milliseconds);
        self
    }

    /// Strike only paths that begin with `prefix`.
    pub fn path(mut self, prefix: impl Into<String>) -> Self {
        self.path = Some(prefix.into());
        self
    }

    /// Strike only this method.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    fn matches(&self, provider: &str, method: &str, path: &str) -> bool {
        self.provider == provider
            && self
                .method
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self
                .path
                .as_deref()
                .is_none_or(|prefix| path.starts_with(prefix))
    }

    fn fault(&self) -> Fault {
        Fault {
            kind: self.kind,
            status: self.status,
            code: self.code.clone(),
            retry_after: self.retry_after,
            delay: self.delay_ms.map(Duration::from_millis),
        }
    }
}

/// A rule that can still strike.
#[derive(Clone, Debug, Serialize)]
pub struct ActiveFault {
    /// Its number, rising.
    pub id: u64,
    /// How often it struck.
    pub struck: u64,
    /// The rule as it was posted, with `skip`, `times` and `for_ms` counted down to what is left.
    #[serde(flatten)]
    pub rule: FaultRule,
}

struct Armed {
    active: ActiveFault,
    expires: Option<Instant>,
    /// Requests that a rule with a rate has looked at.
    looked: u64,
}

impl Armed {
    /// Counts a request that matches. Later rules may still strike it.
    fn lets_through(&mut self) -> bool {
        if let Some(left @ 1..) = &mut self.active.rule.skip {
            *left -= 1;
            return true;
        }
        let Some(rate) = self.active.rule.rate else {
            return false;
        };
        self.looked += 1;
        share(self.looked, self.active.id) >= rate
    }

    fn spent(&self, now: Instant) -> bool {
        self.active.rule.times == Some(0) || self.expires.is_some_and(|at| at <= now)
    }
}

/// A number from 0 to 1 that looks random: SplitMix64 of the `n`th request of a rule.
fn share(n: u64, rule: u64) -> f64 {
    let mut mixed = n
        .wrapping_add(rule << 40)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let upper = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(u32::MAX);
    f64::from(upper) / (f64::from(u32::MAX) + 1.0)
}

/// The faults that wait to strike and the requests that arrived, of all simulators.
///
/// Time is tokio's, so `for_ms` follows a paused clock.
#[derive(Default)]
pub struct Switchboard {
    armed: Mutex<Rules>,
    // Lets the path without faults, which is nearly all of them, skip the lock.
    count: AtomicUsize,
    recorder: Recorder,
}

#[derive(Default)]
struct Rules {
    next_id: u64,
    list: Vec<Armed>,
}

impl Switchboard {
    /// No faults, no requests.
    pub fn new() -> Self {
        Self::default()
    }

    /// Arm a fault.
    pub fn inject(&self, rule: FaultRule) -> ActiveFault {
        let mut rules = self.rules();
        rules.next_id += 1;
        let expires = rule
            .for_ms
            .map(|ms| Instant::now() + Duration::from_millis(ms));
        let active = ActiveFault {
            id: rules.next_id,
            struck: 0,
            rule,
        };
        rules.list.push(Armed {
            active: active.clone(),
            expires,
            looked: 0,
        });
        self.count.store(rules.list.len(), Ordering::Release);
        active
    }

    /// The fault that strikes this request, if any. Counts it.
    pub fn next(&self, provider: &str, method: &str, path: &str) -> Option<Fault> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut rules = self.rules();
        self.sweep(&mut rules);
        let armed = rules.list.iter_mut().find_map(|armed| {
            let matches = armed.active.rule.matches(provider, method, path);
            (matches && !armed.lets_through()).then_some(&mut armed.active)
        })?;
        armed.struck += 1;
        armed.rule.times = armed.rule.times.map(|left| left.saturating_sub(1));
        let fault = armed.rule.fault();
        self.sweep(&mut rules);
        Some(fault)
    }

    /// The faults that can still strike, oldest first.
    pub fn active(&self) -> Vec<ActiveFault> {
        let mut rules = self.rules();
        self.sweep(&mut rules);
        let now = Instant::now();
        let left = |armed: &Armed| {
            let mut active = armed.active.clone();
            active.rule.for_ms = armed
                .expires
                .map(|at| u64::try_from((at - now).as_millis()).unwrap_or(u64::MAX));
            active
        };
        rules.list.iter().map(left).collect()
    }

    /// Disarm all faults, or those of one provider. Returns how many.
    pub fn clear(&self, provider: Option<&str>) -> usize {
        let mut rules = self.rules();
        self.sweep(&mut rules);
        let before = rules.list.len();
        rules
            .list
            .retain(|armed| provider.is_some_and(|id| armed.active.rule.provider != id));
        self.count.store(rules.list.len(), Ordering::Release);
        before - rules.list.len()
    }

    /// Write down a request.
    pub fn record(&self, arrival: Arrival) {
        self.recorder.record(arrival);
    }

    /// What arrived, newest last, secrets masked; of one provider if given.
    pub fn requests(&self, provider: Option<&str>) -> Vec<Recorded> {
        self.recorder.list(provider, 0, usize::MAX)
    }

    /// How many of the requests kept went to `provider`.
    pub fn count(&self, provider: &str) -> usize {
        self.recorder.count(Some(provider))
    }

    /// Forget the requests. Returns how many.
    pub fn clear_requests(&self) -> usize {
        self.recorder.clear()
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    fn sweep(&self, rules: &mut Rules) {
        let now = Instant::now();
        rules.list.retain(|armed| !armed.spent(now));
        self.count.store(rules.list.len(), Ordering::Release);
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        // Nothing in here panics half way through a change.
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switchboard")
            .field("faults", &self.active())
            .field("requests", &self.recorder.count(None))
            .finish_non_exhaustive()
    }
}
