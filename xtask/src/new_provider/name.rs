//! A provider's name in its three spellings.

use anyhow::{Result, bail};

/// Of `google_ads`: `google_ads`, `GoogleAds`, `GOOGLE_ADS`, `Google Ads`.
pub(super) struct Name {
    pub(super) id: String,
    pub(super) type_: String,
    pub(super) title: String,
    pub(super) upper: String,
}

impl Name {
    pub(super) fn parse(id: &str) -> Result<Self> {
        let right = id.starts_with(|first: char| first.is_ascii_lowercase())
            && id
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && id.split('_').all(|word| !word.is_empty());
        if !right || id.len() > 20 {
            bail!(
                "`{id}` is no provider name: a-z, 0-9 and single underscores, at most 20, a letter first"
            );
        }
        let words: Vec<String> = id.split('_').map(capital).collect();
        Ok(Self {
            id: id.to_owned(),
            type_: words.concat(),
            title: words.join(" "),
            upper: id.to_ascii_uppercase(),
        })
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_two_words_is_spelt_in_each_way() {
        let name = Name::parse("google_ads").unwrap();
        assert_eq!(
            (
                name.type_.as_str(),
                name.title.as_str(),
                name.upper.as_str()
            ),
            ("GoogleAds", "Google Ads", "GOOGLE_ADS")
        );
    }

    #[test]
    fn what_cannot_be_a_crate_and_a_module_is_refused() {
        for wrong in ["", "Slack", "1password", "google-ads", "a__b", "_a", "../x"] {
            assert!(Name::parse(wrong).is_err(), "{wrong}");
        }
    }
}
