//! The settings of one account, checked when it is connected.

use business_tools_core::{Error, Kind, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

const ACCOUNT: &str = "^AC[0-9a-fA-F]{32}$";
const KEY: &str = "^SK[0-9a-fA-F]{32}$";
const NAME: &str = "^[a-z0-9-]{1,32}$";

/// The settings of one Twilio account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TwilioConfig {
    /// The account, `AC` and 32 hexadecimal digits.
    #[schemars(regex(pattern = ACCOUNT))]
    pub account_sid: String,
    /// The account's own token, when there is no API key.
    pub auth_token: Option<Secret>,
    /// An API key, `SK` and 32 hexadecimal digits.
    #[schemars(regex(pattern = KEY))]
    pub api_key: Option<String>,
    /// The secret of the API key.
    pub api_secret: Option<Secret>,
    /// An OAuth access token, when there is neither an API key nor the account's own token.
    pub access_token: Option<Secret>,
    /// The region that the credentials belong to, such as `ie1`.
    #[schemars(regex(pattern = NAME))]
    pub region: Option<String>,
    /// The edge to go through, such as `dublin`.
    #[schemars(regex(pattern = NAME))]
    pub edge: Option<String>,
    /// Another host for all of Twilio's APIs.
    #[schemars(with = "Option<String>")]
    pub base_url: Option<Url>,
}

/// How requests are authenticated.
#[derive(Clone)]
pub(crate) enum Identity {
    /// The account and its token.
    Account(String, Secret),
    /// An API key and its secret.
    Key(String, Secret),
    /// An OAuth access token.
    Bearer(Secret),
}

/// The three hosts.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    pub(crate) api: Url,
    pub(crate) lookups: Url,
    pub(crate) verify: Url,
}

/// What is wrong, and what would be right. Neither quotes a value: it may be a secret in the wrong place.
type Fault = (&'static str, &'static str);

const NO_CREDENTIALS: Fault = (
    "there is neither auth_token nor api_key nor access_token",
    "Set TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET",
);

impl TwilioConfig {
    /// What can be said of the settings alone.
    ///
    /// # Errors
    /// `NOT_CONFIGURED` with every fault there is.
    pub(crate) fn check(&self) -> Result<()> {
        self.read(true).map(drop)
    }

    /// Everything that is needed to speak to Twilio, but for the identity where there are no credentials at all.
    ///
    /// # Errors
    /// As [`TwilioConfig::check`].
    pub(crate) fn parts(&self) -> Result<(Option<Identity>, Hosts)> {
        self.read(false)
    }

    fn read(&self, needs_identity: bool) -> Result<(Option<Identity>, Hosts)> {
        let mut faults = Vec::new();
        if !is_sid("AC", &self.account_sid) {
            faults.push((
                "account_sid is not AC and 32 hexadecimal digits",
                "Copy the Account SID from the Twilio console to TWILIO_ACCOUNT_SID",
            ));
        }
        let mut keep = |fault| faults.push(fault);
        let identity = match self.identity() {
            Ok(None) if needs_identity => Err(NO_CREDENTIALS),
            identity => identity,
        };
        let identity = identity.map_err(&mut keep).ok();
        let hosts = self.hosts().map_err(&mut keep).ok();
        match (identity, hosts) {
            (Some(identity), Some(hosts)) if faults.is_empty() => Ok((identity, hosts)),
            _ => {
                let (wrong, right): (Vec<_>, Vec<_>) = faults.into_iter().unzip();
                Err(Error::new(Kind::NotConfigured, wrong.join("; ")).hint(right.join("; ")))
            }
        }
    }

    fn identity(&self) -> Result<Option<Identity>, Fault> {
        let given = |secret: &Option<Secret>| secret.clone().filter(|s| !s.expose().is_empty());
        let key = self.api_key.as_deref().filter(|key| !key.is_empty());
        match (key, given(&self.api_secret), given(&self.auth_token)) {
            (Some(key), Some(secret), _) if is_sid("SK", key) => {
                Ok(Some(Identity::Key(key.to_owned(), secret)))
            }
            (Some(_), Some(_), _) => Err((
                "api_key is not SK and 32 hexadecimal digits",
                "Copy the SID of the API key to TWILIO_API_KEY, and its secret to TWILIO_API_SECRET",
            )),
            (None, None, Some(token)) => {
                Ok(Some(Identity::Account(self.account_sid.clone(), token)))
            }
            (Some(_), None, _) => {
                Err(("api_key has no api_secret", "Set TWILIO_API_SECRET as well"))
            }
            (None, Some(_), _) => Err(("api_secret has no api_key", "Set TWILIO_API_KEY as well")),
            (None, None, None) => match given(&self.access_token) {
                Some(token) if !token.expose().bytes().all(|b| b.is_ascii_graphic()) => Err((
                    "access_token holds white space or characters that no token has",
                    "Copy the token alone to TWILIO_ACCESS_TOKEN, without `Bearer`, spaces and quotes",
                )),
                token => Ok(token.map(Identity::Bearer)),
            },
        }
    }

    fn hosts(&self) -> Result<Hosts, Fault> {
        if let Some(base) = &self.base_url {
            let web = matches!(base.scheme(), "http" | "https") && base.host().is_some();
            // A user name or a query would end up in previews and logs.
            let bare = base.username().is_empty()
                && base.password().is_none()
                && base.query().is_none()
                && base.fragment().is_none();
            if !(web && bare) {
                return Err((
                    "base_url is not an http or https URL of a host and a path",
                    "Write https://host or leave base_url out",
                ));
            }
            return Ok(Hosts {
                api: base.clone(),
                lookups: base.clone(),
                verify: base.clone(),
            });
        }
        let name = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (edge, region) = (name(&self.edge), name(&self.region));
        let host = |product: &str| {
            let name = match (&edge, &region) {
                (None, None) => format!("{product}.twilio.com"),
                (None, Some(region)) => format!("{product}.{region}.twilio.com"),
                // An edge alone means the default region.
                (Some(edge), None) => format!("{product}.{edge}.us1.twilio.com"),
                (Some(edge), Some(region)) => format!("{product}.{edge}.{region}.twilio.com"),
            };
            Url::parse(&format!("https://{name}"))
                .ok()
                .filter(|url| url.host_str() == Some(name.as_str()))
                .ok_or((
                    "region or edge is not a name",
                    "Write names such as ie1 and dublin",
                ))
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const AC: &str = "AC0123456789abcdef0123456789ABCDEF";
    const SK: &str = "SK0123456789abcdef0123456789ABCDEF";

    fn check(config: Value) -> Result<(Identity, Hosts)> {
        let config = serde_json::from_value::<TwilioConfig>(config).unwrap();
        config.check()?;
        config
            .parts()
            .map(|(identity, hosts)| (identity.unwrap(), hosts))
    }

    #[test]
    fn a_key_wins_over_a_token_and_that_over_one_of_oauth() {
        let mut config = json!({"account_sid": AC, "access_token": "o"});
        let is = |config: &Value, user: &str, secret: &str| {
            let (user_is, secret_is) = match check(config.clone()).unwrap().0 {
                Identity::Account(user, secret) | Identity::Key(user, secret) => (user, secret),
                Identity::Bearer(token) => (String::new(), token),
            };
            assert_eq!((user_is.as_str(), secret_is.expose()), (user, secret));
        };
        is(&config, "", "o");
        config["auth_token"] = "t".into();
        is(&config, AC, "t");
        config["api_key"] = SK.into();
        config["api_secret"] = "s".into();
        is(&config, SK, "s");
    }

    #[test]
    fn an_account_alone_may_get_its_token_elsewhere() {
        let config: TwilioConfig = serde_json::from_value(json!({"account_sid": AC})).unwrap();
        assert!(config.check().is_err());
        assert!(config.parts().unwrap().0.is_none());
    }

    #[test]
    fn every_fault_is_told_at_once_and_no_value_is() {
        let config = json!({"account_sid": "CANARY1", "api_key": "CANARY2", "api_secret": "CANARY3",
                            "base_url": "ftp://CANARY4:CANARY5@host"});
        let error = check(config).err().unwrap();
        let shown = format!("{error:?} {error}").to_lowercase();
        for part in ["account_sid", "api_key", "base_url"] {
            assert!(error.message().contains(part), "{error}");
        }
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(error.kind(), Kind::NotConfigured);
    }

    #[test]
    fn half_a_pair_says_what_is_missing() {
        for (extra, what) in [
            (json!({}), "neither auth_token nor api_key"),
            (json!({"auth_token": ""}), "neither auth_token nor api_key"),
            (json!({"api_key": SK}), "no api_secret"),
            (json!({"api_key": SK, "auth_token": "t"}), "no api_secret"),
            (json!({"api_secret": "s"}), "no api_key"),
            (json!({"access_token": "Bearer x"}), "white space"),
        ] {
            let mut config = json!({"account_sid": AC});
            config
                .as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            let error = check(config).err().unwrap();
            assert!(error.message().contains(what), "{error}");
        }
    }

    #[test]
    fn hosts_follow_region_and_edge_and_one_base_url_replaces_all() {
        for (extra, api) in [
            (json!({}), "https://api.twilio.com/"),
            (json!({"region": "ie1"}), "https://api.ie1.twilio.com/"),
            (
                json!({"edge": "dublin"}),
                "https://api.dublin.us1.twilio.com/",
            ),
            (
                json!({"edge": "dublin", "region": "ie1"}),
                "https://api.dublin.ie1.twilio.com/",
            ),
        ] {
            let mut config = json!({"account_sid": AC, "auth_token": "t"});
            config
                .as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            let (_, hosts) = check(config).unwrap();
            assert_eq!(hosts.api.as_str(), api);
            assert_eq!(
                hosts.verify.as_str(),
                api.replace("//api.", "//verify."),
                "{extra}"
            );
            assert_eq!(hosts.lookups.as_str(), api.replace("//api.", "//lookups."));
        }
        let base = json!({"account_sid": AC, "auth_token": "t", "region": "ie1",
                          "base_url": "http://127.0.0.1:1/twilio"});
        let (_, hosts) = check(base).unwrap();
        for url in [hosts.api, hosts.lookups, hosts.verify] {
            assert_eq!(url.as_str(), "http://127.0.0.1:1/twilio");
        }
        for bad in ["evil.example/", "a b", "@host", "x/../y", "ie1#"] {
            let config = json!({"account_sid": AC, "auth_token": "t", "region": bad});
            assert!(check(config).is_err(), "{bad}");
        }
    }
}
