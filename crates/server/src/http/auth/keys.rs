//! Keys of the configuration, from `Authorization: Bearer` or `X-API-Key`.

use std::fmt;

use business_tools_core::config::{ApiKey, AuthBlock};
use http::{HeaderMap, HeaderValue, header};

use super::{Caller, Reason};

/// The keys that are in force.
pub struct Keys(Vec<(ApiKey, Caller)>);

impl Keys {
    /// Those of a configuration; `None` when there are none, and nobody is asked.
    pub fn of(settings: &AuthBlock) -> Option<Self> {
        let caller = |(name, block): (&String, &business_tools_core::config::KeyBlock)| {
            let exclude = HeaderValue::from_str(&block.exclude.join(","));
            let caller = Caller {
                principal: block.principal(name),
                read_only: block.read_only,
                exclude: exclude.ok().filter(|_| !block.exclude.is_empty()),
            };
            (block.key.clone(), caller)
        };
        let keys: Vec<_> = settings.keys.iter().map(caller).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    pub(super) fn who(&self, headers: &HeaderMap) -> Result<Caller, Reason> {
        let presented = ApiKey::of(presented(headers)?);
        // All are compared, so that the time tells nothing of which one it was.
        let mut found = None;
        for (key, caller) in &self.0 {
            if *key == presented {
                found = Some(caller);
            }
        }
        found.cloned().ok_or(Reason::Unknown)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(_, caller)| &caller.principal.subject);
        f.debug_set().entries(names).finish()
    }
}

/// The one key of a request.
fn presented(headers: &HeaderMap) -> Result<&str, Reason> {
    let bearer = headers.get_all(header::AUTHORIZATION).iter().map(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let plain = headers.get_all("x-api-key").iter();
    let plain = plain.map(|value| Some(value.to_str().ok()?.trim()));
    let mut all = bearer.chain(plain);
    match (all.next(), all.next()) {
        (None, _) => Err(Reason::Missing),
        (Some(Some(key)), None) if !key.is_empty() => Ok(key),
        // Two keys could be of two callers.
        _ => Err(Reason::Malformed),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    const ONE: &str = "key-of-one-0123456789";
    const TWO: &str = "key-of-two-0123456789";

    fn who(headers: &[(&'static str, &str)]) -> Result<String, Reason> {
        let settings: AuthBlock = serde_json::from_value(json!({"keys": {
            "one": {"key": ONE}, "two": {"key": TWO, "tenant": "acme"},
        }}))
        .unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let caller = Keys::of(&settings).unwrap().who(&map)?;
        let who = caller.principal;
        Ok(format!("{} of {}", who.subject, who.tenant))
    }

    #[test]
    fn a_key_is_taken_from_either_header_and_from_one_alone() {
        let bearer = |key: &str| format!("Bearer {key}");
        for (headers, expected) in [
            (vec![], Err(Reason::Missing)),
            (vec![("authorization", bearer(ONE))], Ok("one of default")),
            (
                vec![("authorization", format!("bearer  {TWO} "))],
                Ok("two of acme"),
            ),
            (vec![("x-api-key", TWO.to_owned())], Ok("two of acme")),
            (
                vec![("x-api-key", ONE[1..].to_owned())],
                Err(Reason::Unknown),
            ),
            (vec![("x-api-key", format!("{ONE}x"))], Err(Reason::Unknown)),
            (vec![("x-api-key", String::new())], Err(Reason::Malformed)),
            (
                vec![("authorization", ONE.to_owned())],
                Err(Reason::Malformed),
            ),
            (
                vec![("authorization", format!("Basic {ONE}"))],
                Err(Reason::Malformed),
            ),
            (
                vec![
                    ("authorization", bearer(ONE)),
                    ("x-api-key", TWO.to_owned()),
                ],
                Err(Reason::Malformed),
            ),
            (
                vec![("x-api-key", ONE.to_owned()), ("x-api-key", ONE.to_owned())],
                Err(Reason::Malformed),
            ),
        ] {
            let given: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            assert_eq!(who(&given), expected.map(str::to_owned), "{headers:?}");
        }
    }

    #[test]
    fn keys_are_named_and_not_shown() {
        let settings = json!({"keys": {"one": {"key": "CANARY-CANARY-CANARY"}}});
        let settings: AuthBlock = serde_json::from_value(settings).unwrap();
        let shown = format!("{:?}", Keys::of(&settings).unwrap());
        assert_eq!(shown, "{\"one\"}");
        assert!(Keys::of(&AuthBlock::default()).is_none());
    }
}
