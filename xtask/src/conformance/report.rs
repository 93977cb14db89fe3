//! What a run of the suite found.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// One run.
pub(super) struct Report {
    pub(super) revision: String,
    pub(super) exit_ok: bool,
    pub(super) scenarios: Vec<Scenario>,
}

/// One scenario with its checks.
pub(super) struct Scenario {
    pub(super) name: String,
    /// Whether the revision requires it.
    pub(super) required: bool,
    pub(super) checks: Vec<Check>,
}

/// One check, the worst result when it was made several times.
pub(super) struct Check {
    pub(super) id: String,
    pub(super) status: Status,
    pub(super) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Info,
    Skipped,
    Success,
    Warning,
    Failure,
}

impl Report {
    /// Reads the summary for the scenarios and the results folder for their checks.
    pub(super) fn read(
        revision: &str,
        text: &str,
        folder: &Path,
        required: &[String],
        exit_ok: bool,
    ) -> Result<Self> {
        let mut results = results(folder)?;
        let mut scenarios = Vec::new();
        for name in summary(text)? {
            let checks = results
                .remove(&name)
                .with_context(|| format!("scenario {name} left no results"))?;
            let required = required.contains(&name);
            scenarios.push(Scenario {
                name,
                required,
                checks,
            });
        }
        Ok(Self {
            revision: revision.to_owned(),
            exit_ok,
            scenarios,
        })
    }

    /// The scenarios that count.
    pub(super) fn required(&self) -> impl Iterator<Item = &Scenario> {
        self.scenarios.iter().filter(|scenario| scenario.required)
    }

    /// How many of them passed.
    pub(super) fn passed(&self) -> usize {
        self.required().filter(|scenario| scenario.passed()).count()
    }

    /// Passed and failed checks of all scenarios.
    pub(super) fn checks(&self) -> (usize, usize) {
        let count = |status| {
            let checks = self.scenarios.iter().flat_map(|scenario| &scenario.checks);
            checks.filter(|check| check.status == status).count()
        };
        (count(Status::Success), count(Status::Failure))
    }
}

impl Scenario {
    fn passed(&self) -> bool {
        self.checks
            .iter()
            .all(|check| check.status != Status::Failure)
    }
}

/// The names in a requirements file of the suite, under `server:`.
pub(super) fn required(text: &str) -> Vec<String> {
    text.lines()
        .skip_while(|line| *line != "server:")
        .skip(1)
        .take_while(|line| line.starts_with([' ', '#']) || line.is_empty())
        .filter_map(|line| line.trim().strip_prefix("- ")?.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Names in the order of the run.
fn summary(text: &str) -> Result<Vec<String>> {
    let Some((_, summary)) = text.split_once("=== SUMMARY ===") else {
        bail!("the suite printed no summary:\n{text}");
    };
    // What follows the total repeats some of them.
    let (lines, _) = summary.split_once("\nTotal:").unwrap_or((summary, ""));
    Ok(lines
        .lines()
        .filter_map(marked)
        .map(str::to_owned)
        .collect())
}

/// The name in a line that starts with a tick or a cross.
fn marked(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("✓ ")
        .or_else(|| line.strip_prefix("✗ "))?;
    rest.split_once(": ").map(|(name, _)| name)
}

/// The checks by scenario: folders are called `server-NAME-TIME`.
fn results(folder: &Path) -> Result<BTreeMap<String, Vec<Check>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.path().join("checks.json");
        let title = entry.file_name().to_string_lossy().into_owned();
        let Some(name) = title.strip_prefix("server-").and_then(without_time) else {
            continue;
        };
        let checks: Vec<Value> = serde_json::from_str(
            &fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?,
        )?;
        found.insert(name.to_owned(), worst(&checks));
    }
    Ok(found)
}

/// `ping-2026-11-25T06-17-02-476Z` without the time.
fn without_time(title: &str) -> Option<&str> {
    const TIME: usize = "-2026-11-25T06-17-02-476Z".len();
    title
        .len()
        .checked_sub(TIME)
        .and_then(|end| title.get(..end))
}

fn worst(checks: &[Value]) -> Vec<Check> {
    let mut found: Vec<Check> = Vec::new();
    for check in checks {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        let status = match check["status"].as_str() {
            Some("SUCCESS") => Status::Success,
            Some("SKIPPED") => Status::Skipped,
            Some("WARNING") => Status::Warning,
            Some("INFO") => Status::Info,
            _ => Status::Failure,
        };
        let check = Check {
            id: text("id"),
            status,
            message: text("errorMessage"),
        };
        match found.iter_mut().find(|known| known.id == check.id) {
            Some(known) if known.status < check.status => *known = check,
            Some(_) => {}
            None => found.push(check),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
=== SUMMARY ===
✓ ping: 2 passed, 0 failed
✗ server-sse-polling: 0 passed, 1 failed

Total: 2 passed, 1 failed

Not scored for 2025-11-25: 1 scenario(s) run, 1 failing. These do not affect conformance.
  ✗ server-sse-polling (pending)
";

    #[test]
    fn the_summary_names_each_scenario_once() {
        assert_eq!(summary(TEXT).unwrap(), ["ping", "server-sse-polling"]);
        assert!(summary("crashed").is_err());
    }

    #[test]
    fn the_requirements_of_a_server_end_where_those_of_a_client_begin() {
        let text = "# of both\n\nserver:\n  - ping\n  # why\n  - tools-list\n\nclient:\n  - auth\n";
        assert_eq!(required(text), ["ping", "tools-list"]);
    }

    #[test]
    fn the_worst_result_of_a_check_counts() {
        let checks: Vec<Value> = serde_json::from_str(
            r#"[{"id":"a","status":"SUCCESS"},{"id":"a","status":"FAILURE","errorMessage":"no"},{"id":"a","status":"SUCCESS"}]"#,
        )
        .unwrap();
        let found = worst(&checks);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].status, found[0].message.as_str()),
            (Status::Failure, "no")
        );
    }

    #[test]
    fn a_results_folder_is_named_after_its_scenario() {
        assert_eq!(
            without_time("tools-list-2026-11-25T06-17-02-476Z"),
            Some("tools-list")
        );
    }
}
