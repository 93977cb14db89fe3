//! Words: those of `query`, and the tokens that CONTAINS_TOKEN looks for.

use crate::sandbox::kinds::Type;
use crate::sandbox::record::Record;

/// The words of a query.
pub(super) fn of_query(query: &str) -> Vec<String> {
    query.split_whitespace().map(str::to_lowercase).collect()
}

/// Whether every word is somewhere in what is searched by default.
pub(super) fn hold(kind: &Type, record: &Record, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let searched: Vec<String> = if kind.is_custom() {
        record
            .properties
            .values()
            .map(|value| value.to_lowercase())
            .collect()
    } else {
        let names = kind.kind.searched.iter();
        names
            .filter_map(|name| record.get(name))
            .map(str::to_lowercase)
            .collect()
    };
    // In a phone number only the digits count.
    let digits: Vec<String> = searched.iter().map(|value| digits(value)).collect();
    words.iter().all(|word| {
        let number = self::digits(word);
        searched.iter().any(|value| value.contains(word.as_str()))
            || number.len() >= 4 && digits.iter().any(|value| value.contains(&number))
    })
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether a value has all tokens of a text. `*` stands for any characters, within the value or within a token.
pub(super) fn contain(value: &str, wanted: &str) -> bool {
    let (value, wanted) = (value.to_lowercase(), wanted.to_lowercase());
    if wanted.contains('*') {
        return glob(&wanted, &value) || tokens(&value).any(|token| glob(&wanted, token));
    }
    value == wanted || {
        let mut wanted = tokens(&wanted).peekable();
        wanted.peek().is_some() && wanted.all(|wanted| tokens(&value).any(|token| token == wanted))
    }
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|token| !token.is_empty())
}

/// In the time of the product of the lengths, whatever the pattern.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_whole_words_and_stars_are_anything() {
        let value = "Ada Lovelace <ada@analytical-engines.example>";
        for wanted in [
            "ada",
            "LOVELACE",
            "ada lovelace",
            "engines",
            "love*",
            "*gines*",
            "*@analytical*",
        ] {
            assert!(contain(value, wanted), "{wanted}");
        }
        for wanted in ["love", "ada byron", "", "*byron*", "lace*"] {
            assert!(!contain(value, wanted), "{wanted}");
        }
        assert!(
            contain("ada@example.com", "*@example.com")
                && !contain("ada@example.com.evil", "*@example.com")
        );
    }

    #[test]
    fn a_hostile_pattern_costs_little() {
        let (pattern, text) = ("*a".repeat(2000), "a".repeat(1999));
        assert!(!contain(&text, &pattern));
    }
}
