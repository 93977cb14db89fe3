//! Windows of this process: a log of what was sent, which is exact.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Ask, Grant, Rule, WindowStore};
use crate::state::{millis_of, now_ms};

/// Windows counted in this process.
#[derive(Debug, Default)]
pub struct LocalWindows {
    lanes: Mutex<HashMap<String, Lane>>,
    journal: Option<Mutex<Journal>>,
}

/// What is to be kept beyond the process: for each group of requests when it leaves its window.
type Journal = HashMap<Spent, u32>;

/// Requests of a lane that leave a window together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Spent {
    pub(crate) lane: String,
    /// The quota's name and window.
    pub(crate) rule: String,
    /// In milliseconds since 1970.
    pub(crate) until: i64,
}

#[derive(Debug, Default)]
struct Lane {
    sent: Vec<Sent>,
    silent_until: Option<Instant>,
    /// What an earlier process spent, until the first request shows the rules.
    earlier: Vec<(Spent, u32)>,
}

/// The requests that a window holds. A log is exact: no window ever holds more.
#[derive(Debug)]
struct Sent {
    rule: Rule,
    groups: VecDeque<Group>,
    total: usize,
}

/// Requests that are counted until the last of them leaves the window.
#[derive(Debug)]
struct Group {
    first: Instant,
    until: Instant,
    count: usize,
}

/// Lanes beyond which idle ones are forgotten.
const MANY_LANES: usize = 1024;
/// Groups beyond which requests that follow closely are counted together, so that a day's quota stays small.
const MANY_GROUPS: usize = 1024;
/// Windows that are worth being kept beyond the process.
const LONG: Duration = Duration::from_secs(10);
/// What a pause is kept as.
const PAUSE: &str = "pause";

impl Sent {
    fn new(rule: Rule) -> Self {
        Self {
            rule,
            groups: VecDeque::new(),
            total: 0,
        }
    }

    fn prune(&mut self, now: Instant) {
        while let Some(group) = self.groups.front().filter(|group| group.until <= now) {
            self.total -= group.count;
            self.groups.pop_front();
        }
    }

    fn add(&mut self, now: Instant, until: Instant, count: usize) {
        self.total += count;
        let near = self.rule.window / 512;
        let many = self.groups.len() >= MANY_GROUPS;
        match self.groups.back_mut() {
            Some(last) if last.until == until || (many && now < last.first + near) => {
                last.until = last.until.max(until);
                last.count += count;
            }
            _ => self.groups.push_back(Group {
                first: now,
                until,
                count,
            }),
        }
    }

    /// When one more request fits if `ahead` others go first; `None` means now.
    fn room_at(&self, now: Instant, ahead: usize) -> Option<Instant> {
        let room = self.rule.requests.max(1) as usize;
        let full = (self.total + ahead + 1).checked_sub(room)?;
        if full == 0 {
            return None;
        }
        if let Some(until) = self.nth(full) {
            return Some(until);
        }
        // Beyond those sent, every `room` requests take one window more.
        let rounds = (full - self.total - 1) / room + 1;
        let (base, windows) = match full.checked_sub(rounds * room).and_then(|n| self.nth(n)) {
            Some(until) => (until, rounds),
            None => (now, rounds),
        };
        let windows = u32::try_from(windows).unwrap_or(u32::MAX).min(100_000);
        Some(base + self.rule.window * windows)
    }

    /// When the `n`th request leaves the window, counted from 1.
    fn nth(&self, n: usize) -> Option<Instant> {
        let mut left = n;
        let mut found = None;
        for group in &self.groups {
            found = Some(group.until);
            match left.checked_sub(group.count) {
                Some(rest) if rest > 0 => left = rest,
                _ => return found.filter(|_| n > 0),
            }
        }
        found.filter(|_| n > 0 && left == 0)
    }
}

impl Lane {
    fn is_idle(&mut self, now: Instant) -> bool {
        for sent in &mut self.sent {
            sent.prune(now);
        }
        self.silent_until.is_none_or(|until| until <= now)
            && self.sent.iter().all(|sent| sent.total == 0)
            && self.earlier.is_empty()
    }

    fn sent(&mut self, rule: &Rule, now: Instant) -> &mut Sent {
        let known = self
            .sent
            .iter()
            .position(|sent| sent.rule.counts_like(rule));
        let at = known.unwrap_or_else(|| {
            let mut sent = Sent::new(*rule);
            self.remember(&mut sent, now);
            self.sent.push(sent);
            self.sent.len() - 1
        });
        let sent = &mut self.sent[at];
        sent.rule.requests = rule.requests;
        sent.prune(now);
        sent
    }

    /// Counts what an earlier process spent.
    fn remember(&mut self, sent: &mut Sent, now: Instant) {
        let name = name(&sent.rule);
        let wall = now_ms();
        let (mut mine, rest): (Vec<_>, Vec<_>) = self
            .earlier
            .drain(..)
            .partition(|(spent, _)| spent.rule == name);
        self.earlier = rest;
        mine.sort_by_key(|(spent, _)| spent.until);
        for (spent, count) in mine {
            if let Ok(left) = u64::try_from(spent.until - wall) {
                // A clock that was set back must not close a window for longer than it is.
                let left = Duration::from_millis(left).min(sent.rule.window);
                sent.add(now, now + left, count as usize);
            }
        }
    }

    fn wait(&mut self, ask: &Ask<'_>, ahead: usize, now: Instant) -> Duration {
        let mut at = self.silent_until.unwrap_or(now);
        for rule in ask.rules {
            if let Some(room) = self.sent(rule, now).room_at(now, ahead) {
                at = at.max(room);
            }
        }
        at.saturating_duration_since(now)
    }
}

/// What a rule's requests are kept under.
fn name(rule: &Rule) -> String {
    format!("{}/{}", rule.name, rule.window.as_millis())
}

impl LocalWindows {
    #[cfg(any(test, feature = "file"))]
    /// Windows that note what is worth being kept, beginning with what an earlier process left.
    pub(crate) fn journaled(earlier: Vec<(Spent, u32)>) -> Self {
        let now = Instant::now();
        let wall = now_ms();
        let mut lanes = HashMap::<String, Lane>::new();
        for (spent, count) in earlier {
            let lane = lanes.entry(spent.lane.clone()).or_default();
            if spent.rule == PAUSE {
                let left = u64::try_from(spent.until - wall).unwrap_or_default();
                lane.silent_until = Some(now + Duration::from_millis(left).min(LONGEST_PAUSE));
            } else {
                lane.earlier.push((spent, count));
            }
        }
        Self {
            lanes: Mutex::new(lanes),
            journal: Some(Mutex::default()),
        }
    }

    #[cfg(any(test, feature = "file"))]
    /// What was spent since the last time, to be kept.
    pub(crate) fn drain(&self) -> Journal {
        let journal = self.journal.as_ref();
        journal.map_or_else(HashMap::new, |journal| std::mem::take(&mut *lock(journal)))
    }

    /// Notes what is worth being kept; true when it is the first since it was drained.
    fn note(&self, lane: &str, rules: &[Rule]) -> bool {
        let Some(journal) = &self.journal else {
            return false;
        };
        let mut first = false;
        for rule in rules.iter().filter(|rule| rule.window >= LONG) {
            let window = millis_of(rule.window);
            // To a hundredth of the window, upwards: rather too careful than too generous.
            let step = (window / 100).max(1);
            let spent = Spent {
                lane: lane.to_owned(),
                rule: name(rule),
                until: (now_ms() + window).div_euclid(step) * step + step,
            };
            let mut journal = lock(journal);
            first |= journal.is_empty();
            *journal.entry(spent).or_default() += 1;
        }
        first
    }

    fn lane<T>(&self, key: &str, with: impl FnOnce(&mut Lane) -> T) -> T {
        let mut lanes = lock(&self.lanes);
        if let Some(lane) = lanes.get_mut(key) {
            return with(lane);
        }
        if lanes.len() >= MANY_LANES {
            let now = Instant::now();
            lanes.retain(|_, lane| !lane.is_idle(now));
        }
        with(lanes.entry(key.to_owned()).or_default())
    }

    /// Takes room in every window, or in none and tells the wait.
    pub fn take(&self, ask: &Ask<'_>) -> Result<(), Duration> {
        self.take_noting(ask).map(drop)
    }

    /// As [`LocalWindows::take`]; true when something is to be kept for the first time since it was drained.
    pub(crate) fn take_noting(&self, ask: &Ask<'_>) -> Result<bool, Duration> {
        self.lane(ask.lane, |lane| {
            let now = Instant::now();
            let wait = lane.wait(ask, 0, now);
            if !wait.is_zero() {
                return Err(wait);
            }
            for rule in ask.rules {
                lane.sent(rule, now).add(now, now + rule.window, 1);
            }
            Ok(())
        })?;
        Ok(self.note(ask.lane, ask.rules))
    }

    /// Counts a request that went out by another's leave.
    pub fn count(&self, ask: &Ask<'_>) {
        self.lane(ask.lane, |lane| {
            let now = Instant::now();
            for rule in ask.rules {
                lane.sent(rule, now).add(now, now + rule.window, 1);
            }
        });
    }

    /// Sends nothing for so long.
    pub fn be_silent(&self, lane: &str, pause: Duration) {
        // An absurd answer must not silence an account for days.
        let pause = pause.min(LONGEST_PAUSE);
        let until = Instant::now() + pause;
        self.lane(lane, |lane| {
            lane.silent_until = Some(lane.silent_until.map_or(until, |old| old.max(until)));
        });
        if let Some(journal) = self.journal.as_ref().filter(|_| pause >= LONG) {
            let spent = Spent {
                lane: lane.to_owned(),
                rule: PAUSE.to_owned(),
                until: now_ms() + millis_of(pause),
            };
            lock(journal).insert(spent, 1);
        }
    }

    #[cfg(test)]
    pub(crate) fn lanes(&self) -> usize {
        lock(&self.lanes).len()
    }
}

/// The longest silence that a provider can ask for.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl WindowStore for LocalWindows {
    async fn acquire(&self, ask: &Ask<'_>) -> Grant {
        match self.take(ask) {
            Ok(()) => Grant::Go(None),
            Err(wait) => Grant::Wait(wait),
        }
    }

    fn release(&self, _: &str, _: &str) {}

    async fn pause(&self, lane: &str, pause: Duration) {
        self.be_silent(lane, pause);
    }

    fn wait(&self, ask: &Ask<'_>, ahead: usize) -> Duration {
        self.lane(ask.lane, |lane| lane.wait(ask, ahead, Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::secs;

    fn ask<'a>(lane: &'a str, rules: &'a [Rule]) -> Ask<'a> {
        Ask {
            lane,
            rules,
            in_flight: 10,
            lease: secs(10),
        }
    }

    fn rule(requests: u32, window: Duration) -> Rule {
        Rule {
            name: "",
            requests,
            window,
        }
    }

    #[test]
    fn the_wait_of_a_place_in_line_follows_from_the_quota() {
        let now = Instant::now();
        let mut sent = Sent::new(rule(2, secs(10)));
        let third = sent.room_at(now, 2).map(|at| at - now);
        assert_eq!((sent.room_at(now, 1), third), (None, Some(secs(10))));
        sent.add(now, now + secs(10), 1);
        sent.add(now, now + secs(11), 1);
        let wait = |ahead| sent.room_at(now, ahead).map(|at| at - now);
        assert_eq!(wait(0), Some(secs(10)));
        assert_eq!(wait(1), Some(secs(11)));
        assert_eq!(wait(2), Some(secs(20)));
        assert_eq!(wait(5), Some(secs(31)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_days_quota_is_counted_in_little_room_and_never_too_low() {
        let windows = LocalWindows::default();
        let rules = [rule(100_000, Duration::from_hours(24))];
        for _ in 0..100_000 {
            windows.take(&ask("a", &rules)).unwrap();
            tokio::time::advance(Duration::from_millis(700)).await;
        }
        let groups = windows.lane("a", |lane| lane.sent[0].groups.len());
        assert!(groups < 2 * MANY_GROUPS, "{groups}");
        let wait = windows.take(&ask("a", &rules)).unwrap_err();
        // The first was sent 70,000 s ago.
        assert!(wait >= secs(86_400 - 70_000), "{wait:?}");
        assert!(wait <= secs(86_400 - 70_000 + 400), "{wait:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_lanes_are_forgotten_and_busy_ones_are_not() {
        let windows = LocalWindows::default();
        let minute = [rule(1, secs(60))];
        let day = [rule(1, Duration::from_hours(24))];
        windows.take(&ask("busy", &day)).unwrap();
        for n in 0..MANY_LANES * 3 {
            windows.take(&ask(&format!("lane {n}"), &minute)).unwrap();
            if n % 100 == 0 {
                tokio::time::advance(secs(61)).await;
            }
        }
        assert!(windows.lanes() <= MANY_LANES + 1);
        assert!(windows.take(&ask("busy", &day)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_spent_is_spent_for_the_next_process_too() {
        let rules = [rule(3, secs(60)), rule(100, secs(1))];
        let first = LocalWindows::journaled(Vec::new());
        for _ in 0..3 {
            first.take(&ask("a", &rules)).unwrap();
        }
        first.be_silent("b", secs(30));
        let kept: Vec<_> = first.drain().into_iter().collect();
        assert!(first.drain().is_empty());
        let second = LocalWindows::journaled(kept);
        let wait = second.take(&ask("a", &rules)).unwrap_err();
        assert!(wait > secs(58) && wait <= secs(61), "{wait:?}");
        let wait = second.take(&ask("b", &rules)).unwrap_err();
        assert!(wait > secs(28) && wait <= secs(30), "{wait:?}");
        tokio::time::advance(secs(61)).await;
        second.take(&ask("a", &rules)).unwrap();
    }
}
