//! One version of each crate, and one TLS library, in what we ship.
//!
//! The exceptions and their reasons stand in `deny.toml` under `skip`, so that cargo-deny and this
//! rule have one list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Result, bail};

use super::fault::Fault;
use crate::sh;

const LIST: &str = "deny.toml";
/// TLS libraries other than rustls with aws-lc.
const FOREIGN_TLS: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls", "boring"];

pub(super) fn check(root: &Path) -> Result<Vec<Fault>> {
    let tree = sh::output(&mut sh::cargo([
        "tree",
        "--workspace",
        "--all-features",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let skips = skips(&std::fs::read_to_string(root.join(LIST))?)?;
    Ok(judge(&versions(&tree), &skips))
}

type Versions = BTreeMap<String, BTreeSet<String>>;

fn versions(tree: &str) -> Versions {
    let mut found = Versions::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            let version = version.trim_start_matches('v').to_owned();
            found.entry(name.to_owned()).or_default().insert(version);
        }
    }
    found
}

fn judge(found: &Versions, skips: &[Skip]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, versions) in found {
        if FOREIGN_TLS.contains(&name.as_str()) {
            faults.push(Fault::new(
                "Cargo.lock",
                format!("{name} is linked"),
                "switch on the aws-lc feature of the crate that wants it: one TLS library in the tree",
            ));
        }
        let left: Vec<&str> = versions
            .iter()
            .filter(|version| !skips.iter().any(|skip| skip.covers(name, version)))
            .map(String::as_str)
            .collect();
        if versions.len() > 1 && left.len() > 1 {
            faults.push(Fault::new(
                "Cargo.lock",
                format!("{name} is there in versions {}", left.join(", ")),
                "move our own dependency to the newer one, or add the older to `skip` in deny.toml with the reason",
            ));
        }
    }
    for skip in skips {
        let needed = found.get(&skip.name).is_some_and(|versions| {
            versions.len() > 1
                && versions
                    .iter()
                    .any(|version| skip.covers(&skip.name, version))
        });
        if !needed {
            faults.push(Fault::new(
                LIST,
                format!(
                    "`{}@{}` is skipped, but is no duplicate any more",
                    skip.name, skip.version
                ),
                "remove the line",
            ));
        }
    }
    faults
}

/// A duplicate that has a reason.
#[derive(Debug, PartialEq, Eq)]
struct Skip {
    name: String,
    version: String,
}

impl Skip {
    /// `1` covers 1.2.3, `1.2` covers it too, `1.20` does not.
    fn covers(&self, name: &str, version: &str) -> bool {
        name == self.name
            && version
                .strip_prefix(self.version.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// The lines `{ crate = "name@version", reason = "…" },` of the list `skip`.
fn skips(text: &str) -> Result<Vec<Skip>> {
    let mut lines = text.lines().skip_while(|line| line.trim() != "skip = [");
    if lines.next().is_none() {
        bail!("{LIST} has no list `skip = [` with one exception a line");
    }
    let mut skips = Vec::new();
    for line in lines.map(str::trim).take_while(|line| *line != "]") {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let crate_ = quoted(line, "crate = ").and_then(|spec| spec.split_once('@'));
        let reason = quoted(line, "reason = ").filter(|reason| !reason.is_empty());
        match (crate_, reason) {
            (Some((name, version)), Some(_)) => {
                skips.push(Skip {
                    name: name.to_owned(),
                    version: version.to_owned(),
                });
            }
            _ => bail!(
                "{LIST}: `{line}` should read {{ crate = \"name@version\", reason = \"why\" }},"
            ),
        }
    }
    Ok(skips)
}

fn quoted<'line>(line: &'line str, key: &str) -> Option<&'line str> {
    let (_, rest) = line.split_once(key)?;
    rest.strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str =
        "[bans]\nskip = [\n  { crate = \"rand@0.9\", reason = \"the driver\" },\n]\n";

    #[test]
    fn a_second_version_needs_a_reason() {
        let found =
            versions("rand v0.9.5\nrand v0.10.4\nsyn v2.0.1 (proc-macro)\nsyn v2.0.1 (*)\n");
        assert!(judge(&found, &skips(DENY).unwrap()).is_empty());
        let faults = judge(&found, &[]);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].what.contains("rand"), "{faults:?}");
    }

    #[test]
    fn an_exception_that_is_not_needed_any_more_is_a_fault() {
        let faults = judge(&versions("rand v0.10.4\n"), &skips(DENY).unwrap());
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].place, "deny.toml");
    }

    #[test]
    fn a_second_tls_library_is_a_fault() {
        assert_eq!(judge(&versions("ring v0.17.0\n"), &[]).len(), 1);
    }

    #[test]
    fn an_exception_without_a_reason_is_refused() {
        assert!(skips("skip = [\n  { crate = \"rand@0.9\" },\n]\n").is_err());
    }
}
