//! Secrets: held so that they cannot be printed, and wiped when dropped.

pub mod key;
pub mod rotate;
pub mod seal;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// A secret text. `Debug` shows `***`, there is no `Display` and no `Serialize`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a text into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    /// Takes as long whatever the difference is.
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.expose().as_bytes(), other.expose().as_bytes());
        let differ = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
        a.len() == b.len() && std::hint::black_box(differ) == 0
    }
}

impl Eq for Secret {}

/// Wipes a text that held a secret on its way somewhere.
pub(crate) fn wipe(mut text: String) {
    secrecy::zeroize::Zeroize::zeroize(&mut text);
}

/// Wipes every text of a value that held secrets.
pub(crate) fn wipe_value(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(text) => secrecy::zeroize::Zeroize::zeroize(text),
        Value::Array(items) => items.iter_mut().for_each(wipe_value),
        Value::Object(members) => members.values_mut().for_each(wipe_value),
        _ => {}
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "writeOnly": true})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_secret_and_of_what_holds_it_shows_nothing() {
        #[derive(Debug, Deserialize)]
        struct Config {
            token: Secret,
            others: Vec<Option<Secret>>,
        }
        let config: Config =
            serde_json::from_str(r#"{"token": "CANARY", "others": ["CANARY"]}"#).unwrap();
        assert_eq!(config.token.expose(), "CANARY");
        assert_eq!(config.others.len(), 1);
        let shown = format!("{config:?} {config:#?}");
        assert!(
            !shown.contains("CANARY") && shown.contains("***"),
            "{shown}"
        );
    }
}
