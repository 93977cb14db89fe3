//! What was seen, as Markdown.

use std::fmt::Write;
use std::time::Duration;

use super::stage::{FAULTS, Seen, USUAL};
use super::users::{Call, End, Pace, What};

pub(super) fn head(users: usize, seconds: u64) -> String {
    let faults = FAULTS.iter().map(|(kind, rate, delay)| {
        let what = match *kind {
            "status" => "of the requests to providers are answered with 500".to_owned(),
            "reset" => "end with a reset connection".to_owned(),
            _ => format!("take {delay} ms"),
        };
        format!("{:.0} % {what}", rate * 100.0)
    });
    let faults: Vec<_> = faults.collect();
    format!(
        "{users} users, each with a connection of its own, half over MCP and half over REST: half of the calls are reads \
         that the cache has, a quarter are reads of the provider, a quarter are writes, of which two in five have an \
         idempotency key. Users think half a second to one and a half between calls, for {seconds} s; flat out \
         they do not. {}, all others {USUAL} ms. Server, simulators and users share the machine.\n\n",
        faults.join(", ")
    )
}

pub(super) fn part(name: &str, pace: Pace, seen: &Seen) -> String {
    let mut text = format!("**{name}, {}**\n\n", pace.name());
    lines(&mut text, seen);
    text.push('\n');
    text
}

fn lines(text: &mut String, seen: &Seen) {
    let mut line = |args: std::fmt::Arguments<'_>| writeln!(text, "{args}").unwrap_or_default();
    line(format_args!(
        "| calls | number | p50 | p95 | p99 | failed | of unknown outcome |"
    ));
    line(format_args!("|---|---|---|---|---|---|---|"));
    let kinds = What::ALL.map(|what| {
        let calls = seen.calls.iter().filter(|call| call.what == what);
        (what.name(), calls.copied().collect::<Vec<_>>())
    });
    let all = ("all", seen.calls.clone());
    for (name, calls) in kinds.into_iter().chain([all]) {
        let took = sorted(&calls);
        let at = |share| millis(quantile(&took, share));
        line(format_args!(
            "| {name} | {} | {} | {} | {} | {} | {} |",
            calls.len(),
            at(0.50),
            at(0.95),
            at(0.99),
            share(&calls, End::Failed),
            share(&calls, End::Unknown),
        ));
    }
    let seconds = seen.time.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let rate = seen.calls.len() as f64 / seconds;
    let sent: u64 = seen.provider.values().sum();
    let good = seen.provider.get("ok").copied().unwrap_or_default();
    line(format_args!(
        "\n{rate:.0} calls a second. {} of {sent} requests to providers went well. Processor time of server, simulators \
         and users: {}; of everything else on the machine {:.2} of {} cores.",
        percent(good, sent),
        seen.cpu
            .map(|cpu| format!(
                "{:.2} cores ({:.0} % of it in the kernel)",
                cpu.all().as_secs_f64() / seconds,
                100.0 * cpu.system.as_secs_f64() / cpu.all().as_secs_f64().max(0.01)
            ))
            .join(", "),
        seen.others.as_secs_f64() / seconds,
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    ));
    let marks = [0, 25, 50, 75, 100].map(|share| {
        let last = seen.memory.len().saturating_sub(1);
        let at = seen.memory.get(last * share / 100).copied();
        format!("{:.1}", mib(at.unwrap_or_default()))
    });
    line(format_args!(
        "Memory of the server at the beginning, after each quarter and at the end: {} MiB.",
        marks.join(", ")
    ));
    for said in seen.said.iter().take(5) {
        println!("failed: {said}");
    }
}

fn sorted(calls: &[Call]) -> Vec<Duration> {
    let mut took: Vec<_> = calls.iter().map(|call| call.took).collect();
    took.sort_unstable();
    took
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index among some hundred thousand"
)]
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

fn share(calls: &[Call], end: End) -> String {
    let those = calls.iter().filter(|call| call.end == end).count();
    percent(those as u64, calls.len() as u64)
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn percent(part: u64, whole: u64) -> String {
    format!("{:.3} %", 100.0 * part as f64 / (whole.max(1) as f64))
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_times() {
        let times: Vec<_> = (0..=100).map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, 0.95), Duration::from_millis(95));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
        assert_eq!(percent(1, 1000), "0.100 %");
    }
}
