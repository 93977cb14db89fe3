//! What may be named in which source file.

use super::fault::Fault;
use super::files::File;

struct Rule {
    /// What must not be named.
    needle: &'static str,
    /// Files whose path starts with one of these are looked at.
    inside: &'static [&'static str],
    /// Except those whose path starts with one of these.
    except: &'static [&'static str],
    remedy: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        needle: "reqwest::",
        inside: &["crates/core/src/", "crates/providers/"],
        except: &["crates/core/src/egress/transport/"],
        remedy: "send through the egress stack; only core's egress/transport/ knows reqwest",
    },
    Rule {
        needle: "std::env",
        inside: &[
            "crates/core/src/",
            "crates/providers/",
            "crates/server/src/",
            "crates/sandbox/src/",
        ],
        except: &[
            "crates/core/src/config/",
            "crates/server/src/cli/",
            "crates/server/src/main.rs",
        ],
        remedy: "take it from the configuration: only core's config and the command line read the environment",
    },
    Rule {
        needle: "use redis::",
        inside: &["crates/"],
        except: &["crates/core/src/state/redis/"],
        remedy: "go through core's stores of state; only state/redis knows the library",
    },
    Rule {
        needle: "rusqlite",
        inside: &["crates/"],
        except: &["crates/core/src/state/file/"],
        remedy: "go through core's stores of state; only state/file knows the library",
    },
    Rule {
        needle: "rmcp::",
        inside: &["crates/"],
        except: &["crates/server/"],
        remedy: "only the server knows the protocol",
    },
    Rule {
        needle: "tokio::time::sleep",
        inside: &["crates/providers/"],
        // The driver tells only one of several waiting calls that the user was refused.
        except: &["crates/providers/mongo/src/client.rs"],
        remedy: "providers never wait on their own: the attempt plane retries and limits",
    },
];

pub(super) fn check(files: &[File]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let starts = |starts: &[&str]| starts.iter().any(|start| file.path.starts_with(start));
        for rule in RULES
            .iter()
            .filter(|rule| starts(rule.inside) && !starts(rule.except))
        {
            if !is_product(&file.path) {
                continue;
            }
            let lines = product_lines(&file.text).filter(|(_, line)| line.contains(rule.needle));
            faults.extend(lines.map(|(number, _)| {
                Fault::new(
                    format!("{}:{number}", file.path),
                    format!("names `{}`", rule.needle),
                    rule.remedy,
                )
            }));
        }
    }
    faults
}

/// Tests, benches, examples and simulators may do what a provider may not.
fn is_product(path: &str) -> bool {
    let aside = [
        "/tests/",
        "/benches/",
        "/examples/",
        "/sandbox/",
        "/sandbox.rs",
        "/tests.rs",
    ];
    path.starts_with("crates/sandbox/") || !aside.iter().any(|part| path.contains(part))
}

/// The numbered lines before the tests of a file, comments left out.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&[file])
            .into_iter()
            .map(|fault| fault.place)
            .collect()
    }

    #[test]
    fn a_provider_that_names_reqwest_is_told_the_line() {
        let found = faults(
            "crates/providers/slack/src/client.rs",
            "use x;\nuse reqwest::Client;\n",
        );
        assert_eq!(found, ["crates/providers/slack/src/client.rs:2"]);
    }

    #[test]
    fn the_transport_may_name_reqwest() {
        assert!(
            faults(
                "crates/core/src/egress/transport/mod.rs",
                "use reqwest::Client;"
            )
            .is_empty()
        );
    }

    #[test]
    fn comments_and_tests_are_free() {
        let text = "// std::env is not read here\n#[cfg(test)]\nmod tests { use std::env; }\n";
        assert!(faults("crates/core/src/cx.rs", text).is_empty());
        assert!(faults("crates/server/tests/stdio.rs", "std::env::temp_dir()").is_empty());
    }
}
