//! The settings of one account, checked when it is connected.

use business_tools_core::{Error, Kind, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

/// The settings of one Twilio account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TwilioConfig {
    /// The account, `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// The account's own token, when there is no API key.
    pub auth_token: Option<Secret>,
    /// An API key, `SK` and 32 hexadecimal digits.
    pub api_key: Option<String>,
    /// The secret of the API key.
    pub api_secret: Option<Secret>,
    /// The region that the credentials belong to, such as `ie1`.
    pub region: Option<String>,
    /// The edge to go through, such as `dublin`.
    pub edge: Option<String>,
    /// Another host for all of Twilio's APIs.
    #[schemars(with = "Option<String>")]
    pub base_url: Option<Url>,
}

/// The three hosts.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    pub(crate) api: Url,
    pub(crate) lookups: Url,
    pub(crate) verify: Url,
}

impl TwilioConfig {
    /// The user name and the password of basic authentication.
    pub(crate) fn credentials(&self) -> Result<(&str, &Secret)> {
        if !is_sid("AC", &self.account_sid) {
            return Err(wrong(
                "account_sid is not AC and 32 hexadecimal digits",
                "Copy the Account SID from the Twilio console to TWILIO_ACCOUNT_SID",
            ));
        }
        match (&self.api_key, &self.api_secret, &self.auth_token) {
            (Some(key), Some(secret), _) if is_sid("SK", key) => Ok((key, secret)),
            (Some(_), Some(_), _) => Err(wrong(
                "api_key is not SK and 32 hexadecimal digits",
                "Copy the SID of the API key to TWILIO_API_KEY, and its secret to TWILIO_API_SECRET",
            )),
            (None, None, Some(token)) => Ok((&self.account_sid, token)),
            (Some(_), None, _) => Err(wrong(
                "api_key has no api_secret",
                "Set TWILIO_API_SECRET as well",
            )),
            (None, Some(_), _) => Err(wrong(
                "api_secret has no api_key",
                "Set TWILIO_API_KEY as well",
            )),
            (None, None, None) => Err(wrong(
                "there is neither auth_token nor api_key",
                "Set TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET",
            )),
        }
    }

    /// Where the APIs are.
    pub(crate) fn hosts(&self) -> Result<Hosts> {
        if let Some(base) = &self.base_url {
            if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
                return Err(wrong(
                    "base_url is not an http or https URL",
                    "Write https://host or leave it out",
                ));
            }
            return Ok(Hosts {
                api: base.clone(),
                lookups: base.clone(),
                verify: base.clone(),
            });
        }
        let host = |product: &str| {
            // An edge alone means the default region.
            let name = match (&self.edge, self.region.as_deref()) {
                (None, None) => format!("{product}.twilio.com"),
                (None, Some(region)) => format!("{product}.{region}.twilio.com"),
                (Some(edge), region) => {
                    format!("{product}.{edge}.{}.twilio.com", region.unwrap_or("us1"))
                }
            };
            Url::parse(&format!("https://{name}"))
                .ok()
                .filter(|url| url.host_str() == Some(name.as_str()))
                .ok_or_else(|| {
                    wrong(
                        "region or edge is no name",
                        "Write names such as ie1 and dublin",
                    )
                })
        };
        Ok(Hosts {
            api: host("api")?,
            lookups: host("lookups")?,
            verify: host("verify")?,
        })
    }
}

fn is_sid(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A fault of the configuration. It never quotes the value.
fn wrong(what: &'static str, remedy: &'static str) -> Error {
    Error::new(Kind::NotConfigured, what).hint(remedy)
}
