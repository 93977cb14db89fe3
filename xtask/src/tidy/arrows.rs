//! Who may depend on whom.

use super::fault::Fault;
use crate::env;
use crate::metadata::{Dependency, Kind, Package};

const CORE: &str = "business-tools-core";
const SANDBOX: &str = "business-tools-sandbox";
const TESTKIT: &str = "business-tools-testkit";
const SERVER: &str = "business-tools-mcp";
const CHORES: &str = "xtask";

/// Crates that only the named one of ours may use outside tests.
const RESERVED: &[(&str, &[&str])] = &[
    ("rmcp", &[SERVER]),
    ("reqwest", &[CORE]),
    ("clap", &[SERVER]),
    ("axum", &[SERVER, SANDBOX]),
    ("mongodb", &["business-tools-mongo"]),
];

pub(super) fn check(packages: &[Package]) -> Vec<Fault> {
    let ours: Vec<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut faults = Vec::new();
    for package in packages {
        for line in &package.dependencies {
            let wrong = if line.name == package.name {
                None // A crate that switches on its own features for its tests.
            } else if ours.contains(&line.name.as_str()) {
                between_ours(package, line)
            } else {
                reserved(package, line)
            };
            if let Some(remedy) = wrong {
                faults.push(Fault::new(
                    manifest(package),
                    format!("{} must not depend on {}", package.name, described(line)),
                    remedy,
                ));
            }
        }
    }
    faults
}

/// Its path from the root.
fn manifest(package: &Package) -> String {
    let folder = package
        .folder
        .strip_prefix(env::root())
        .unwrap_or(&package.folder);
    format!("{}/Cargo.toml", folder.display())
}

fn described(line: &Dependency) -> String {
    let kind = match line.kind {
        Kind::Normal => "",
        Kind::Dev => " in tests",
        Kind::Build => " in its build script",
    };
    format!("{}{kind}", line.name)
}

/// The remedy, when the arrow is a forbidden one.
#[allow(
    clippy::match_same_arms,
    reason = "reads as a table: one crate after the other"
)]
fn between_ours(package: &Package, line: &Dependency) -> Option<&'static str> {
    let tests = line.kind == Kind::Dev;
    match (package.name.as_str(), line.name.as_str()) {
        (CORE, _) => Some("core is at the bottom: move what it needs into it"),
        (CHORES, _) => Some("the chores run the product, they do not link it"),
        (SANDBOX, CORE) => None,
        (SANDBOX, _) => Some("the sandbox knows no provider: providers hand it their simulators"),
        (TESTKIT, CORE | SANDBOX) => None,
        (TESTKIT, _) => Some("the test kit knows no provider and no server: pass a value in"),
        (_, CHORES) => Some("nothing depends on the chores"),
        (_, TESTKIT) if tests => None,
        (_, TESTKIT) => Some("make it a dev-dependency"),
        (SERVER, _) => None,
        (_, SERVER) => Some("the server is at the top"),
        (_, CORE) => None,
        (_, SANDBOX) if tests || line.optional => None,
        (_, SANDBOX) => Some("make it optional, under the feature `sandbox`"),
        _ => Some("providers do not know each other: what two need moves to core"),
    }
}

fn reserved(package: &Package, line: &Dependency) -> Option<&'static str> {
    let (_, owners) = RESERVED.iter().find(|(name, _)| *name == line.name)?;
    // A test may speak HTTP by itself; the protocol stays with the server even there.
    let in_tests = line.kind == Kind::Dev
        && (line.name != "rmcp" || matches!(package.name.as_str(), SERVER | TESTKIT));
    let allowed = in_tests || owners.contains(&package.name.as_str());
    (!allowed)
        .then_some("xtask/src/tidy/arrows.rs says which crate of ours has it, and why it alone")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, lines: &[(&str, Kind, bool)]) -> Package {
        Package {
            name: name.to_owned(),
            folder: name.into(),
            dependencies: lines
                .iter()
                .map(|&(name, kind, optional)| Dependency {
                    name: name.to_owned(),
                    kind,
                    optional,
                })
                .collect(),
            examples: Vec::new(),
            tests: Vec::new(),
            features: Vec::new(),
        }
    }

    fn wrong(name: &str, lines: &[(&str, Kind, bool)]) -> bool {
        let mut all: Vec<Package> = [
            CORE,
            SANDBOX,
            TESTKIT,
            SERVER,
            CHORES,
            "business-tools-slack",
        ]
        .iter()
        .filter(|own| **own != name)
        .map(|own| package(own, &[]))
        .collect();
        all.push(package(name, lines));
        !check(&all).is_empty()
    }

    #[test]
    fn core_depends_on_nothing_of_ours() {
        assert!(wrong(CORE, &[(SANDBOX, Kind::Dev, false)]));
        assert!(!wrong(
            CORE,
            &[
                ("reqwest", Kind::Normal, true),
                ("tokio", Kind::Normal, false)
            ]
        ));
    }

    #[test]
    fn a_provider_depends_on_core_and_on_the_sandbox_only_when_asked_to() {
        let slack = "business-tools-slack";
        assert!(!wrong(
            slack,
            &[(CORE, Kind::Normal, false), (SANDBOX, Kind::Normal, true)]
        ));
        assert!(!wrong(
            slack,
            &[(TESTKIT, Kind::Dev, false), (slack, Kind::Dev, false)]
        ));
        assert!(wrong(slack, &[(SANDBOX, Kind::Normal, false)]));
        assert!(wrong(slack, &[(SERVER, Kind::Dev, false)]));
        assert!(wrong("business-tools-jira", &[(slack, Kind::Normal, true)]));
    }

    #[test]
    fn only_the_server_knows_the_protocol_and_only_core_knows_reqwest() {
        assert!(!wrong(
            SERVER,
            &[("rmcp", Kind::Normal, false), ("reqwest", Kind::Dev, false)]
        ));
        assert!(wrong(CORE, &[("rmcp", Kind::Normal, false)]));
        assert!(wrong(CORE, &[("rmcp", Kind::Dev, false)]));
        assert!(wrong(
            "business-tools-slack",
            &[("reqwest", Kind::Normal, false)]
        ));
        assert!(wrong(SERVER, &[("reqwest", Kind::Normal, false)]));
    }
}
