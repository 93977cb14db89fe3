//! The files of a new provider.

use super::name::Name;

const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("templates/Cargo.toml.txt")),
    ("README.md", include_str!("templates/README.md.txt")),
    ("src/lib.rs", include_str!("templates/lib.rs.txt")),
    ("src/config.rs", include_str!("templates/config.rs.txt")),
    ("src/policy.rs", include_str!("templates/policy.rs.txt")),
    ("src/client.rs", include_str!("templates/client.rs.txt")),
    (
        "src/sandbox/mod.rs",
        include_str!("templates/sandbox.rs.txt"),
    ),
    (
        "src/sandbox/examples.rs",
        include_str!("templates/examples.rs.txt"),
    ),
    ("src/tools/mod.rs", include_str!("templates/tools.rs.txt")),
    (
        "src/tools/account.rs",
        include_str!("templates/account.rs.txt"),
    ),
    (
        "tests/conformance.rs",
        include_str!("templates/conformance.rs.txt"),
    ),
    ("tests/account.rs", include_str!("templates/test.rs.txt")),
];

/// Paths in the provider's folder, with their text.
pub(super) fn files(name: &Name) -> Vec<(&'static str, String)> {
    FILES
        .iter()
        .map(|(path, template)| (*path, filled(template, name)))
        .collect()
}

fn filled(template: &str, name: &Name) -> String {
    template
        .replace("{{id}}", &name.id)
        .replace("{{Type}}", &name.type_)
        .replace("{{title}}", &name.title)
        .replace("{{ID}}", &name.upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_is_left() {
        for (path, text) in files(&Name::parse("acme").unwrap()) {
            assert!(!text.contains("{{"), "{path}:\n{text}");
        }
    }
}
