//! Words that have no business in the repository.

use super::fault::Fault;
use super::files::File;

/// Written in pieces, so that this file does not find itself.
const WORDS: &[&[&str]] = &[&["../", "shared"], &["/", "work/"]];

pub(super) fn check(files: &[File]) -> Vec<Fault> {
    let words: Vec<String> = WORDS.iter().map(|pieces| pieces.concat()).collect();
    let mut faults = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            let found = words.iter().find(|word| mentions(line, word));
            faults.extend(found.map(|word| {
                Fault::new(
                    format!("{}:{}", file.path, index + 1),
                    format!("mentions `{word}`"),
                    "say it so that a reader who has only the repository understands it",
                )
            }));
        }
    }
    faults
}

/// A path counts only where it begins, so that `/network/` or `at/work/x` are no faults.
fn mentions(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_workplace_is_found_where_it_begins() {
        let word = ["/", "work/"].concat();
        assert!(mentions(&format!("see {word}notes.md"), &word));
        assert!(!mentions("a net/work/shop", &word));
    }
}
