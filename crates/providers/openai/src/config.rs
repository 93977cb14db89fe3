//! The configuration of one account.

use business_tools_core::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

/// Credentials and address of one account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenAiConfig {
    /// The API key.
    pub api_key: Secret,
    /// Where the API is.
    #[serde(default = "default_base_url")]
    #[schemars(with = "String")]
    pub base_url: Url,
}

#[expect(clippy::expect_used, reason = "a constant that a test reads")]
fn default_base_url() -> Url {
    Url::parse("https://api.example.com").expect("a valid URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_address_is_a_url() {
        assert_eq!(default_base_url().scheme(), "https");
    }
}
