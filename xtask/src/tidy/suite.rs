//! Every provider runs the conformance suite, whole and always.

use std::fs;
use std::path::Path;

use super::fault::Fault;
use crate::metadata::Package;

const FILE: &str = "tests/conformance.rs";

/// What would let the suite be there and not run.
const CONDITIONS: [&str; 5] = ["#[cfg", "#![cfg", "#[ignore", "/*", "macro_rules!"];

pub(super) fn check(folder: &str, package: &Package, root: &Path) -> Vec<Fault> {
    let place = format!("{folder}/{FILE}");
    let home = package.name.replace('-', "_");
    let call = format!("business_tools_testkit::conformance!({home}::");
    let remedy = format!("write `{call}…);` in the first column, and nothing around it");
    let Ok(text) = fs::read_to_string(root.join(&place)) else {
        return vec![Fault::new(place, "is missing", remedy)];
    };
    let mut faults = Vec::new();
    if let Some(why) = evades(&text, &call) {
        faults.push(Fault::new(&*place, why, &*remedy));
    }
    if !package.tests.iter().any(|name| name == "conformance") {
        faults.push(Fault::new(
            format!("{folder}/Cargo.toml"),
            "does not let `cargo test` run the conformance suite",
            format!("leave out what turns {FILE} off: `autotests`, or `test` of a `[[test]]`"),
        ));
    }
    faults
}

/// Why a file does not run the suite.
fn evades(text: &str, call: &str) -> Option<String> {
    let code = || text.lines().filter(|line| !line.trim().starts_with("//"));
    if !code().any(|line| line.starts_with(call)) {
        return Some("does not run the conformance suite".to_owned());
    }
    let condition = CONDITIONS
        .iter()
        .find(|word| code().any(|line| line.contains(**word)))?;
    Some(format!(
        "runs the conformance suite under a condition, `{condition}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "business_tools_testkit::conformance!(business_tools_shop::";

    #[test]
    fn one_line_is_enough_and_deviations_may_follow() {
        let plain = format!("//! Checked.\n\n{CALL}Shop);\n");
        assert_eq!(evades(&plain, CALL), None);
        let deviates = format!("{CALL}Shop, |suite| suite\n    .leave_out(\"409\", \"none\"));\n");
        assert_eq!(evades(&deviates, CALL), None);
    }

    #[test]
    fn what_only_looks_like_it_is_told() {
        for text in [
            String::new(),
            format!("// {CALL}Shop);"),
            format!("#[cfg(any())]\n{CALL}Shop);"),
            format!("#[cfg(any())] {CALL}Shop);"),
            format!("#![cfg(feature = \"slow\")]\n{CALL}Shop);"),
            format!("/*\n{CALL}Shop);\n*/"),
            format!("macro_rules! never {{ () => {{\n{CALL}Shop);\n}} }}"),
            "business_tools_testkit::conformance!(business_tools_other::Other);".to_owned(),
        ] {
            assert!(evades(&text, CALL).is_some(), "{text}");
        }
    }
}
