//! The figures as Markdown.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::process::Memory;
use super::start::Start;

/// The chore whose figures [`table`] shows.
pub(super) const CHORE: &str = "cargo xtask bench --write";

/// Everything that was measured.
///
/// The memory is that of a server with nothing configured, and of one with the simulators of all providers.
pub(super) fn table(
    planes: Option<&str>,
    starts: &[Start],
    [alone, sandboxed]: &[Memory; 2],
    size: u64,
) -> String {
    let mut text = String::from("| measured | median | best | target |\n|---|---|---|---|\n");
    let mut row = |name: &str, median: String, best: String, target: &str| {
        writeln!(text, "| {name} | {median} | {best} | {target} |").unwrap_or_default();
    };
    for start in starts {
        let name = format!("start to the first tools/list, stdio, {}", start.name);
        row(
            &format!("{name}, wall"),
            millis(start.wall.median),
            millis(start.wall.best),
            "25 ms",
        );
        row(
            &format!("{name}, CPU"),
            millis(start.cpu.median),
            millis(start.cpu.best),
            "10 ms",
        );
    }
    let mut memory = |name: &str, memory: &Memory, target: &str| {
        let name = format!("memory of an idle `{name}`");
        let resident = mib(memory.resident);
        row(
            &format!("{name}, resident"),
            resident,
            String::new(),
            target,
        );
        row(
            &format!("{name}, its own"),
            mib(memory.own),
            String::new(),
            "",
        );
    };
    memory("serve", alone, "15 MB");
    memory("serve --sandbox", sandboxed, "");
    row("size of the release binary", mib(size), String::new(), "");
    if let Some(planes) = planes {
        writeln!(text, "\n```text\n{}\n```", planes.trim()).unwrap_or_default();
    }
    text
}

/// Replaces what stands between the markers of a chore, or appends it.
pub(super) fn update(file: &Path, chore: &str, table: &str) -> Result<()> {
    let old = fs::read_to_string(file).unwrap_or_else(|_| "# Performance\n".to_owned());
    fs::write(file, replaced(&old, chore, table))
        .with_context(|| format!("could not write {}", file.display()))
}

fn replaced(old: &str, chore: &str, table: &str) -> String {
    let (begin, end) = (
        format!("<!-- {chore}: begin -->"),
        format!("<!-- {chore}: end -->"),
    );
    let block = format!("{begin}\n\n{}\n\n{end}", table.trim());
    let parts = old
        .split_once(&begin)
        .and_then(|(before, rest)| rest.split_once(&end).map(|(_, after)| (before, after)));
    match parts {
        Some((before, after)) => format!("{before}{block}{after}"),
        None => format!("{}\n\n{block}\n", old.trim_end()),
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn mib(bytes: u64) -> String {
    let tenths = bytes * 10 / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_replace_the_old_ones_and_nothing_else() {
        let first = replaced("# Performance\n\nWhy.\n", CHORE, "one\n");
        let second = replaced(&format!("{first}\nAfter.\n"), CHORE, "two\n");
        assert!(second.starts_with("# Performance\n\nWhy.\n"), "{second}");
        assert!(second.ends_with("\nAfter.\n"), "{second}");
        assert!(
            second.contains("two") && !second.contains("one"),
            "{second}"
        );
        let third = replaced(&second, "another chore", "three\n");
        assert!(third.starts_with(second.trim_end()), "{third}");
    }

    #[test]
    fn sizes_have_one_decimal() {
        assert_eq!(mib(15 * 1024 * 1024 + 512 * 1024), "15.5 MiB");
    }
}
