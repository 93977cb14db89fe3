//! Pages and the opaque tokens that lead from one to the next.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where it starts in the whole list.
    pub start: usize,
    /// Leads to the page after it.
    pub next: Option<String>,
    /// Leads to the page before it.
    pub previous: Option<String>,
}

/// The token is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadToken;

/// The page of at most `size` items (at least one) that `token` leads to, the first without one.
///
/// # Errors
/// [`BadToken`] if the token was not made here.
pub fn page<T>(
    items: impl IntoIterator<Item = T>,
    token: Option<&str>,
    size: usize,
) -> Result<Page<T>, BadToken> {
    let size = size.max(1);
    let start = token.map_or(Ok(0), offset)?;
    let mut rest = items.into_iter().skip(start);
    let items: Vec<_> = rest.by_ref().take(size).collect();
    // Asked, not computed from a length: a full last page must not lead to an empty one.
    let next = rest.next().map(|_| self::token(start + size));
    let previous = (start > 0).then(|| self::token(start.saturating_sub(size)));
    Ok(Page {
        items,
        start,
        next,
        previous,
    })
}

/// The token that leads to the item at `offset`.
pub fn token(offset: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("at:{offset}"))
}

/// Where a token leads.
///
/// # Errors
/// [`BadToken`] if it was not made here.
pub fn offset(token: &str) -> Result<usize, BadToken> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| BadToken)?;
    text.strip_prefix("at:")
        .and_then(|digits| digits.parse().ok())
        .ok_or(BadToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lead_through_the_list_and_back() {
        let first = page(0..5, None, 2).unwrap();
        assert_eq!((first.items, first.previous), (vec![0, 1], None));
        let second = page(0..5, first.next.as_deref(), 2).unwrap();
        assert_eq!((second.items, second.start), (vec![2, 3], 2));
        let last = page(0..5, second.next.as_deref(), 2).unwrap();
        assert_eq!((last.items, last.next), (vec![4], None));
        let back = page(0..5, last.previous.as_deref(), 2).unwrap();
        assert_eq!(back.items, [2, 3]);
    }

    #[test]
    fn a_full_last_page_leads_nowhere() {
        assert_eq!(page(0..2, None, 2).unwrap().next, None);
        assert!(page(0..2, Some(&token(9)), 2).unwrap().items.is_empty());
    }

    #[test]
    fn foreign_tokens_are_refused() {
        for token in ["", "2", "%%%", "YXQ6", "YXQ6LTE", &"A".repeat(100_000)] {
            assert_eq!(page(0..5, Some(token), 2), Err(BadToken), "{token:.20}");
        }
    }
}
