//! A new key for the encrypted values of a text: each is sealed again in its place, and nothing else changes.

use std::fmt;

use super::seal::{Keyring, SCHEME, SealError, bytes_of};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The text with its new values.
    pub text: String,
    /// The values that were sealed again.
    pub changed: usize,
    /// The values that the newest key had sealed already.
    pub current: usize,
}

/// A value that no key of the ring opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    /// The line, counted from 1.
    pub line: usize,
    /// Why.
    pub why: SealError,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for Stuck {}

/// Seals every `enc:` value of a text with the newest key of the ring.
///
/// A comment line that does not open stays as it is: it may tell of the form alone.
///
/// # Errors
/// Every value that does not open. There is no text then that has some old and some new values.
pub fn rotate(text: &str, ring: &Keyring) -> Result<Rotated, Vec<Stuck>> {
    let mut rotated = Rotated {
        text: String::with_capacity(text.len()),
        changed: 0,
        current: 0,
    };
    let mut stuck = Vec::new();
    for (n, line) in text.split_inclusive('\n').enumerate() {
        let is_comment = line.trim_start().starts_with('#');
        let mut rest = line;
        while let Some((before, value, after)) = next(rest) {
            rotated.text.push_str(before);
            rest = after;
            match again(value, ring) {
                Ok(Some(sealed)) => {
                    rotated.changed += 1;
                    rotated.text.push_str(&sealed);
                    continue;
                }
                Ok(None) => rotated.current += 1,
                Err(why) if !is_comment => stuck.push(Stuck { line: n + 1, why }),
                Err(_) => {}
            }
            rotated.text.push_str(value);
        }
        rotated.text.push_str(rest);
    }
    if stuck.is_empty() {
        Ok(rotated)
    } else {
        Err(stuck)
    }
}

/// The value under the newest key; `None` when it is already.
fn again(value: &str, ring: &Keyring) -> Result<Option<String>, SealError> {
    if ring.is_current(&bytes_of(value)?) {
        // What cannot be opened is told, whatever key it names.
        ring.open_text(value)?;
        return Ok(None);
    }
    ring.seal_text(&ring.open_text(value)?).map(Some)
}

/// What stands before the next value, the value, and the rest.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let mut from = 0;
    loop {
        let start = from + text[from..].find(SCHEME)?;
        let body = start + SCHEME.len();
        let length = text[body..].find(|c| !part_of_word(c));
        let end = length.map_or(text.len(), |length| body + length);
        // Inside another word it is none, and neither is the bare scheme.
        let whole = !text[..start].ends_with(part_of_word);
        if whole && text[body..end].starts_with('v') {
            return Some((&text[..start], &text[start..end], &text[end..]));
        }
        from = body;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::secret::key::MasterKey;

    #[test]
    fn every_value_gets_the_new_key_and_nothing_else_changes() {
        let (old, new) = (
            MasterKey::generate().unwrap(),
            MasterKey::generate().unwrap(),
        );
        let (before, ring) = (Keyring::new(&old, []), Keyring::new(&new, [&old]));
        let seal = |ring: &Keyring, text: &str| ring.seal_text(&Secret::new(text)).unwrap();
        let (a, b, c) = (seal(&before, "a"), seal(&before, "b"), seal(&ring, "c"));
        let form = "# enc:v1.KEY.TEXT is the form\r\n# was: ";
        let text = format!(
            "{form}{a}\n  token: {a} # note\n  k: {{x: \"{b}\", y: '{c}'}}\nB={b}\n  enc: a.enc:v1 enc:\n# end"
        );
        let rotated = rotate(&text, &ring).unwrap();
        assert_eq!((rotated.changed, rotated.current), (4, 1));
        let alone = Keyring::new(&new, []);
        let values = |text: &str| {
            let words = text.split(|c: char| c.is_whitespace() || "\"',{}=".contains(c));
            words
                .filter(|word| word.starts_with("enc:v1.") && word.len() > 30)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let (old_values, new_values) = (values(&text), values(&rotated.text));
        let opened: Vec<_> = new_values
            .iter()
            .map(|value| alone.open_text(value).unwrap().expose().to_owned())
            .collect();
        assert_eq!(opened, ["a", "a", "b", "c", "b"]);
        let mut back = rotated.text.clone();
        for (new, old) in new_values.iter().zip(&old_values) {
            back = back.replacen(new.as_str(), old, 1);
        }
        assert_eq!(back, text);
        let again = rotate(&rotated.text, &ring).unwrap();
        assert_eq!((again.changed, again.current), (0, 5));
        assert_eq!(again.text, rotated.text);
    }

    #[test]
    fn every_value_that_does_not_open_is_told_by_its_line() {
        let (old, new) = (
            MasterKey::generate().unwrap(),
            MasterKey::generate().unwrap(),
        );
        let lost = Keyring::new(&old, []).seal_text(&Secret::new("x")).unwrap();
        let ring = Keyring::new(&new, []);
        let mine = ring.seal_text(&Secret::new("x")).unwrap();
        let (head, tail) = mine.split_at(30);
        let other_letter = if tail.starts_with('A') { "B" } else { "A" };
        let changed = format!("{head}{other_letter}{}", &tail[1..]);
        let text = format!("a: {lost}\n# {lost}\nb: {mine}\nc: {changed}\nd: enc:v2.x.y\n");
        let stuck = rotate(&text, &ring).unwrap_err();
        let lines: Vec<_> = stuck.iter().map(|stuck| (stuck.line, stuck.why)).collect();
        let other = SealError::OtherKey(old.id());
        let want = [
            (1, other),
            (4, SealError::Changed),
            (5, SealError::NotSealed),
        ];
        assert_eq!(lines, want);
    }
}
