//! The settings of one account, checked when they are read and when it is connected.

use business_tools_core::{Error, Kind, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

/// A version is a month of release: March and September of a year.
const VERSION: &str = r"^20\d{2}-(03|09)$";

/// The settings of one HubSpot account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubSpotConfig {
    /// A service key, the token of a private app, or an OAuth access token.
    pub access_token: Option<Secret>,
    /// The version of the API, a year and 03 or 09.
    #[schemars(regex(pattern = VERSION))]
    #[serde(default = "default_version")]
    pub api_version: String,
    /// Another host in place of `https://api.hubapi.com`.
    #[schemars(with = "Option<String>")]
    pub base_url: Option<Url>,
}

fn default_version() -> String {
    "2026-09".to_owned()
}

/// What is wrong, and what would be right. Neither quotes a value: it may be a secret in the wrong place.
type Fault = (&'static str, &'static str);

impl HubSpotConfig {
    /// Where the API is.
    ///
    /// # Errors
    /// `NOT_CONFIGURED` with every fault of the settings.
    pub(crate) fn check(&self) -> Result<Url> {
        let mut faults = Vec::new();
        if let Some(token) = self.token()
            && let Some(fault) = token_fault(token.expose())
        {
            faults.push(fault);
        }
        if !is_version(&self.api_version) {
            faults.push((
                "api_version is not a version of HubSpot's API",
                "Write a year and 03 or 09, such as 2026-09, or leave HUBSPOT_API_VERSION out",
            ));
        }
        let base = self.base().map_err(|fault| faults.push(fault)).ok();
        match base {
            Some(base) if faults.is_empty() => Ok(base),
            _ => {
                let (wrong, right): (Vec<_>, Vec<_>) = faults.into_iter().unzip();
                Err(Error::new(Kind::NotConfigured, wrong.join("; ")).hint(right.join("; ")))
            }
        }
    }

    /// The token, if there is one.
    pub(crate) fn token(&self) -> Option<&Secret> {
        self.access_token
            .as_ref()
            .filter(|token| !token.expose().is_empty())
    }

    fn base(&self) -> Result<Url, Fault> {
        let fault = (
            "base_url is not an http or https URL of a host and a path",
            "Write https://host or leave base_url out",
        );
        let Some(base) = &self.base_url else {
            return Url::parse("https://api.hubapi.com").map_err(|_| fault);
        };
        let web = matches!(base.scheme(), "http" | "https") && base.host().is_some();
        // A user name or a query would end up in previews and logs.
        let plain = base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if web && plain {
            Ok(base.clone())
        } else {
            Err(fault)
        }
    }
}

fn is_version(text: &str) -> bool {
    let Some((year, month)) = text.split_once('-') else {
        return false;
    };
    year.len() == 4
        && year.starts_with("20")
        && year.bytes().all(|b| b.is_ascii_digit())
        && matches!(month, "03" | "09")
}

/// What cannot be a token. OAuth tokens have no fixed form, so that little else can be said.
fn token_fault(token: &str) -> Option<Fault> {
    let private_app = || {
        let mut parts = token.split('-').skip(1);
        let region = parts.next().is_some_and(|region| !region.is_empty());
        region && parts.next().is_some_and(|rest| !rest.is_empty())
    };
    if token
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("bearer "))
    {
        return Some((
            "access_token begins with `Bearer`",
            "Write the token alone to HUBSPOT_ACCESS_TOKEN",
        ));
    }
    if !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Some((
            "access_token holds white space or characters that no token has",
            "Copy the token to HUBSPOT_ACCESS_TOKEN again, without spaces, line breaks and quotes",
        ));
    }
    if is_uuid(token) {
        return Some((
            "access_token is an API key, which HubSpot no longer takes",
            "Create a service key under Settings > Integrations > Service Keys",
        ));
    }
    if token.to_ascii_lowercase().starts_with("pat-") && !private_app() {
        return Some((
            "access_token begins with pat- and is cut short",
            "Copy the whole token, pat-REGION-…, to HUBSPOT_ACCESS_TOKEN",
        ));
    }
    None
}

/// The form of the API keys of old.
fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(config: Value) -> Result<Url> {
        serde_json::from_value::<HubSpotConfig>(config)
            .unwrap()
            .check()
    }

    #[test]
    fn a_token_of_any_kind_is_enough() {
        for token in [
            "pat-na1-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f",
            "pat-eu1-x",
            "CJSP5qf1KhICAQEYs-gDIIGOBii1hQIyGQAf3xBKmlwHjX7OIpuIFEavB2-qYAGQsF4",
        ] {
            let base = check(json!({"access_token": token})).unwrap();
            assert_eq!(base.as_str(), "https://api.hubapi.com/");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_told_and_not_quoted() {
        for (token, what) in [
            ("Bearer CANARY", "Bearer"),
            ("pat-na1-CANARY CANARY", "white space"),
            ("CANARY\n", "white space"),
            ("CANARY\u{201d}", "characters"),
            ("0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", "API key"),
            ("pat-", "cut short"),
            ("PAT-na1", "cut short"),
        ] {
            let error = check(json!({"access_token": token})).unwrap_err();
            assert_eq!(error.kind(), Kind::NotConfigured, "{token}");
            assert!(error.message().contains(what), "{token}: {error}");
            assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
        }
    }

    #[test]
    fn a_version_is_a_year_and_march_or_september() {
        for good in ["2026-03", "2026-09", "2031-03"] {
            check(json!({"api_version": good})).unwrap();
        }
        for bad in [
            "",
            "v3",
            "2026",
            "2026-06",
            "1999-09",
            "2026-09/x",
            "20260-9",
            "2026-9",
        ] {
            let error = check(json!({"api_version": bad})).unwrap_err();
            assert!(error.message().contains("api_version"), "{bad}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let config = json!({"access_token": "a b", "api_version": "CANARY",
                            "base_url": "https://CANARY:CANARY@host"});
        let error = check(config).unwrap_err();
        for part in ["access_token", "api_version", "base_url"] {
            assert!(error.message().contains(part), "{error}");
        }
        assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
    }

    #[test]
    fn another_host_keeps_its_path() {
        let base = check(json!({"base_url": "http://127.0.0.1:1/hubspot"})).unwrap();
        assert_eq!(base.as_str(), "http://127.0.0.1:1/hubspot");
        for bad in ["ftp://host", "https://host?x=1", "https://host#x"] {
            assert!(check(json!({"base_url": bad})).is_err(), "{bad}");
        }
    }
}
