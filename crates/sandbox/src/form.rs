//! `application/x-www-form-urlencoded` with repeated keys.

/// A form or a query string: pairs in the order they were sent, repeated keys kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Read a body or a query string. Anything is a form; bytes that are no UTF-8 are replaced.
    pub fn parse(bytes: impl AsRef<[u8]>) -> Self {
        Self {
            pairs: url::form_urlencoded::parse(bytes.as_ref())
                .into_owned()
                .collect(),
        }
    }

    /// The first value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// The first value of `key`, unless it is empty.
    pub fn given(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }

    /// Every value of `key`, in order.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// Every pair, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Back to one string.
    pub fn encode(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.pairs)
            .finish()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Form {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self {
            pairs: pairs
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repeated_keys_stay_in_order() {
        let form = Form::parse("MediaUrl=a&To=%2B1&MediaUrl=b+c&Empty=");
        assert_eq!(form.all("MediaUrl").collect::<Vec<_>>(), ["a", "b c"]);
        assert_eq!(
            (form.get("To"), form.get("Empty"), form.get("No")),
            (Some("+1"), Some(""), None)
        );
        assert_eq!(form.given("Empty"), None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(pairs: Vec<(String, String)>) {
            let form: Form = pairs.into_iter().collect();
            prop_assert_eq!(Form::parse(form.encode()), form);
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = Form::parse(bytes);
        }
    }
}
