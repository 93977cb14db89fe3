//! `cargo xtask check-contracts`: what the providers' tests send and what the simulators answer, against the
//! providers' own descriptions.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Result, bail};

use crate::{env, sh};

/// What the test kit prints for each check, before and after the number.
const COUNT: (&str, &str) = (": ", " exchanges checked");

/// What it prints where there is no description.
const SKIPPED: &str = ": skipped: ";

pub(crate) fn run(args: &[String]) -> Result<()> {
    let all = providers()?;
    let wanted: Vec<&String> = match args {
        [] => all.iter().collect(),
        names => {
            if let Some(name) = names.iter().find(|name| !all.contains(name)) {
                bail!(
                    "there is no provider `{name}`; there is: {}",
                    all.join(", ")
                );
            }
            names.iter().collect()
        }
    };
    let mut results = BTreeMap::new();
    for id in wanted {
        let (ok, output) = test(id)?;
        let outcome = Outcome::read(id, ok, &output);
        if !ok {
            print!("{output}");
        }
        println!("{id}: {outcome}");
        results.insert(id, outcome);
    }
    let failed: Vec<_> = results.iter().filter(|(_, outcome)| !outcome.ok).collect();
    if !failed.is_empty() {
        let names: Vec<_> = failed.iter().map(|(id, _)| id.as_str()).collect();
        bail!("{} broke the contract or another check", names.join(", "));
    }
    Ok(())
}

/// The providers that run the conformance suite.
fn providers() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(env::root().join("crates/providers"))?.flatten() {
        if entry.path().join("tests/conformance.rs").is_file() {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// The conformance suite, and every other test that has the contract in its name.
fn test(id: &str) -> Result<(bool, String)> {
    let package = format!("business-tools-{id}");
    let package = package.as_str();
    let suite = [
        "test",
        "--package",
        package,
        "--all-features",
        "--no-fail-fast",
    ];
    let mut all = (true, String::new());
    for which in [
        &["--test", "conformance", "--"][..],
        &["--tests", "contract", "--"],
    ] {
        let args = suite.iter().chain(which).chain(&["--nocapture"]);
        let (ok, output) = sh::outcome(&mut sh::cargo(args))?;
        all = (all.0 && ok, all.1 + &output);
    }
    Ok(all)
}

/// What the tests of a provider said.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    ok: bool,
    exchanges: u64,
    skipped: Option<String>,
}

impl Outcome {
    fn read(id: &str, ok: bool, output: &str) -> Self {
        let mark = format!("contract of {id}");
        let mut outcome = Self {
            ok,
            exchanges: 0,
            skipped: None,
        };
        // A test's own line may stand before it.
        let told = output.lines().filter_map(|line| line.split_once(&mark));
        for (_, told) in told {
            let number = told.strip_prefix(COUNT.0);
            let number = number.and_then(|told| told.split_once(COUNT.1)?.0.parse::<u64>().ok());
            outcome.exchanges += number.unwrap_or(0);
            if let Some(why) = told.strip_prefix(SKIPPED) {
                outcome.skipped.get_or_insert_with(|| why.to_owned());
            }
        }
        outcome
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.ok {
            f.write_str("FAILED, ")?;
        }
        match &self.skipped {
            Some(why) => write!(f, "contract skipped: {why}"),
            None => write!(f, "{} exchanges checked", self.exchanges),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_are_added_up_wherever_they_are_told() {
        let output = "\
test a ... contract of shop: 40 exchanges checked
contract of shop: 2 exchanges checked
contract of other: 7 exchanges checked
test b ... ok
";
        let outcome = Outcome::read("shop", true, output);
        assert_eq!(outcome.to_string(), "42 exchanges checked");
        assert_eq!(
            Outcome::read("shop", false, output).to_string(),
            "FAILED, 42 exchanges checked"
        );
    }

    #[test]
    fn without_a_description_that_is_told() {
        let output = "contract of shop: skipped: no descriptions at /x/shop.json\n";
        let outcome = Outcome::read("shop", true, output);
        assert_eq!(
            outcome.to_string(),
            "contract skipped: no descriptions at /x/shop.json"
        );
    }
}
