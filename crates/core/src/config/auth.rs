//! `server.auth`: who may come in over HTTP.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::report::Report;
use crate::cx::Principal;
use crate::secret::Secret;

/// `server.auth`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthBlock {
    /// The keys that callers may come with, by the name under which they are recorded. With none, nobody is asked.
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"}))]
    pub keys: BTreeMap<String, KeyBlock>,
}

/// One of `server.auth.keys`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyBlock {
    /// The key itself, of at least 16 characters, or `sha256:` and its hash.
    pub key: ApiKey,
    /// Whose calls these are: tenants share no cache, no limits and nothing that tools made.
    #[serde(default = "default_tenant")]
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,63}$"))]
    pub tenant: String,
    /// The scopes of the caller, for tools that need some; without it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Only tools that read.
    #[serde(default)]
    pub read_only: bool,
    /// Providers and tools that are left out for this caller.
    #[serde(default)]
    pub exclude: Vec<String>,
}

fn default_tenant() -> String {
    "default".to_owned()
}

impl KeyBlock {
    /// Who comes with this key.
    pub fn principal(&self, name: &str) -> Principal {
        Principal {
            tenant: self.tenant.as_str().into(),
            subject: name.into(),
            scopes: self.scopes.as_ref().map(|scopes| scopes.clone().into()),
        }
    }
}

/// A key that is known by its hash alone: what is presented can be compared with it, and it cannot be presented.
#[derive(Clone)]
pub struct ApiKey([u8; 32]);

/// Shorter keys could be guessed.
const SHORTEST: usize = 16;

impl ApiKey {
    /// The key of a setting.
    ///
    /// # Errors
    /// Says what would be one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "must be a key of at least {SHORTEST} characters, or sha256: and 64 hexadecimal digits"
            )
        };
        if let Some(digits) = text.strip_prefix("sha256:") {
            return unhex(digits.trim()).map(Self).ok_or_else(wrong);
        }
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.len() < SHORTEST || !printable {
            return Err(wrong());
        }
        Ok(Self::of(text))
    }

    /// The key that is presented.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

fn unhex(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl PartialEq for ApiKey {
    /// Takes as long whatever the difference is.
    fn eq(&self, other: &Self) -> bool {
        let differ = self.0.iter().zip(other.0);
        let differ = differ.fold(0, |all, (a, b)| all | (a ^ b));
        std::hint::black_box(differ) == 0
    }
}

impl Eq for ApiKey {}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for ApiKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("***")
    }
}

impl<'de> Deserialize<'de> for ApiKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Secret::deserialize(from)?;
        Self::parse(text.expose()).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ApiKey {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ApiKey".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(from: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Secret::json_schema(from)
    }
}

impl AuthBlock {
    /// Two names for one key: whose call is it?
    pub(super) fn check(&self, report: &mut Report) {
        for (n, (name, block)) in self.keys.iter().enumerate() {
            let twin = self
                .keys
                .iter()
                .take(n)
                .find(|(_, one)| one.key == block.key);
            if let Some((twin, _)) = twin {
                report.add(
                    format!("server.auth.keys.{name}.key"),
                    format!("is the key of `{twin}` too"),
                    "give every caller a key of its own",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_long_text_or_a_hash_and_both_mean_the_same() {
        let text = "a-key-of-some-length";
        // As `printf %s a-key-of-some-length | sha256sum` says.
        let hash = "sha256:7602afe257e4bd460fcbc16b78c16d0822834244638fbee1d489cdaed5b179d3";
        assert_eq!(ApiKey::parse(text).unwrap(), ApiKey::parse(hash).unwrap());
        assert_ne!(ApiKey::parse(text).unwrap(), ApiKey::of("another"));
        for wrong in ["", "short", "with a space in it", "sha256:12", "sha256:zz"] {
            assert!(ApiKey::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let block: KeyBlock =
            serde_json::from_value(serde_json::json!({"key": "CANARY-CANARY-CANARY"})).unwrap();
        let shown = format!("{block:?} {}", serde_json::to_string(&block).unwrap());
        assert!(
            !shown.contains("CANARY") && shown.contains("***"),
            "{shown}"
        );
        let error = serde_json::from_str::<KeyBlock>(r#"{"key": "CANARY"}"#).unwrap_err();
        assert!(!error.to_string().contains("CANARY"), "{error}");
    }
}
