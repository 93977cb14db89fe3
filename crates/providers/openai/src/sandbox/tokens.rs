//! How tokens are counted: up to four letters or digits that stand together are one, any other character is one, and
//! a space before either belongs to it.

/// What each message costs beside its text.
pub(super) const MESSAGE: usize = 3;

/// What a picture costs, looked at closely or not.
pub(super) const PICTURE: usize = 765;
pub(super) const PICTURE_LOW: usize = 85;

/// What fits into a model, question and answer together.
pub(super) const WINDOW: usize = 400_000;

/// The text in pieces that together are the text.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(first(rest));
        rest = after;
        Some(piece)
    })
}

/// Where the first piece ends.
fn first(text: &str) -> usize {
    let mut end = 0;
    let mut letters = 0;
    for (at, letter) in text.char_indices() {
        let leads = at == 0 && letter.is_whitespace();
        let follows = letters < 4 && letter.is_alphanumeric();
        if leads || follows {
            end = at + letter.len_utf8();
            letters += usize::from(follows);
            continue;
        }
        // Two spaces are two pieces.
        let alone = letters == 0 && !(end > 0 && letter.is_whitespace());
        return if alone { at + letter.len_utf8() } else { end };
    }
    end
}

pub(super) fn count(text: &str) -> usize {
    pieces(text).count()
}

/// The first so many pieces.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let end = pieces(text).take(most).map(str::len).sum();
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_text_again() {
        for text in [
            "",
            "Hello, world!",
            "  two\n\nlines ",
            "größer als 12345€",
            "a b",
        ] {
            assert_eq!(pieces(text).collect::<String>(), text);
        }
    }

    #[test]
    fn the_rule_is_kept() {
        let all: Vec<_> = pieces("Hello, big  world!").collect();
        assert_eq!(all, ["Hell", "o", ",", " big", " ", " worl", "d", "!"]);
        assert_eq!(count(""), 0);
        assert_eq!(cut("Hello, big world", 4), "Hello, big");
    }
}
