//! What the product may fail: the entries that need a fixture it does not have.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::report::{Check, Report, Scenario, Status};

/// Writes the failures of a run as the list of what may fail.
pub(super) fn write(file: &Path, revision: &str, report: &Report) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(file, text(revision, &report.scenarios))?)
}

fn text(revision: &str, scenarios: &[Scenario]) -> String {
    let mut text = format!(
        "# What the product fails of the {revision} set, each for want of a test fixture, or of the tasks\n\
         # extension, that a product has no use for. The fixture server passes them. Written by\n\
         # `cargo xtask conformance --write-baseline`: look at every new line before it is committed.\n\
         server:\n"
    );
    for scenario in scenarios {
        for (entry, why) in entries(scenario) {
            let why = why.lines().next().unwrap_or_default();
            let short: String = why.chars().take(100).collect();
            let line = format!("  - {entry} # {short}");
            writeln!(text, "{}", line.trim_end()).unwrap_or_default();
        }
    }
    text
}

/// The whole scenario when nothing of it passed, or each check that did not.
fn entries(scenario: &Scenario) -> Vec<(String, &str)> {
    let bad: Vec<&Check> = scenario
        .checks
        .iter()
        .filter(|check| matches!(check.status, Status::Failure | Status::Warning))
        .collect();
    let some_passed = scenario
        .checks
        .iter()
        .any(|check| check.status == Status::Success && check.id != "wire-schema-valid");
    match bad.as_slice() {
        [] => Vec::new(),
        [first, ..] if !some_passed => vec![(scenario.name.clone(), &first.message)],
        _ => bad
            .iter()
            .map(|check| {
                (
                    format!("{}:{}", scenario.name, check.id),
                    check.message.as_str(),
                )
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(name: &str, checks: &[(&str, Status)]) -> Scenario {
        Scenario {
            name: name.to_owned(),
            required: true,
            checks: checks
                .iter()
                .map(|(id, status)| Check {
                    id: (*id).to_owned(),
                    status: *status,
                    message: "Unknown tool\nmore".to_owned(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_scenario_that_passed_in_part_is_listed_by_its_checks() {
        let written = text(
            "2026-07-28",
            &[
                scenario("ping", &[("ping", Status::Success)]),
                scenario(
                    "image",
                    &[
                        ("image", Status::Failure),
                        ("wire-schema-valid", Status::Success),
                    ],
                ),
                scenario(
                    "stateless",
                    &[("a", Status::Success), ("b", Status::Warning)],
                ),
            ],
        );
        let lines: Vec<&str> = written
            .lines()
            .filter(|line| line.starts_with("  - "))
            .collect();
        assert_eq!(
            lines,
            ["  - image # Unknown tool", "  - stateless:b # Unknown tool"]
        );
    }
}
