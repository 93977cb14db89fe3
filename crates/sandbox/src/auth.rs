//! Credentials in the `Authorization` header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// What a client proved itself with.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// `Basic base64(user:password)`.
    Basic {
        /// Before the first colon.
        user: String,
        /// After it.
        password: String,
    },
    /// `Bearer token`.
    Bearer(String),
}

impl Credentials {
    /// Whether any part [looks wrong](looks_wrong).
    pub fn look_wrong(&self) -> bool {
        match self {
            Self::Basic { user, password } => looks_wrong(user) || looks_wrong(password),
            Self::Bearer(token) => looks_wrong(token),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(***)",
            Self::Bearer(_) => "Bearer(***)",
        })
    }
}

/// Why there are no credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No `Authorization` header.
    Missing,
    /// One that cannot be read.
    Malformed,
}

/// Read the `Authorization` header.
///
/// # Errors
/// [`Denied::Missing`] without the header; [`Denied::Malformed`] for another scheme, base64 that is
/// none, no colon, an empty user or an empty token.
pub fn credentials(headers: &HeaderMap) -> Result<Credentials, Denied> {
    let value = headers.get(AUTHORIZATION).ok_or(Denied::Missing)?;
    let parse = || {
        let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return (!rest.is_empty()).then(|| Credentials::Bearer(rest.to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        let (user, password) = (user.to_owned(), password.to_owned());
        (!user.is_empty()).then_some(Credentials::Basic { user, password })
    };
    parse().ok_or(Denied::Malformed)
}

/// Whether a credential is one that a simulator must refuse: it contains `wrong`.
///
/// Every other well-formed one is accepted. This gives tests and demos a credential that fails
/// everywhere.
pub fn looks_wrong(credential: &str) -> bool {
    credential.to_ascii_lowercase().contains("wrong")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Credentials, Denied> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        credentials(&headers)
    }

    #[test]
    fn basic_and_bearer_are_read_in_any_case() {
        let basic = Credentials::Basic {
            user: "AC1".into(),
            password: "a:b".into(),
        };
        assert_eq!(
            read(&format!("basic {}", STANDARD.encode("AC1:a:b"))),
            Ok(basic)
        );
        assert_eq!(read("BEARER  t0k "), Ok(Credentials::Bearer("t0k".into())));
    }

    #[test]
    fn what_cannot_be_read_is_malformed_and_nothing_is_missing() {
        assert_eq!(credentials(&HeaderMap::new()), Err(Denied::Missing));
        let nobody = format!("Basic {}", STANDARD.encode(":x"));
        for value in [
            "Basic",
            "Basic ???",
            "Basic YWJj",
            "Bearer ",
            "Digest x",
            "",
            &nobody,
        ] {
            assert_eq!(read(value), Err(Denied::Malformed), "{value:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", read("Bearer s3cret"));
        assert!(!shown.contains("s3cret"));
    }

    #[test]
    fn wrong_credentials_look_wrong() {
        assert!(looks_wrong("sk-WRONG-1"));
        assert!(!looks_wrong("right"));
        assert!(read("Bearer wrong").unwrap().look_wrong());
    }
}
