//! Hides what looks like a secret in recorded requests.
//!
//! Names decide, not values: a mask that guesses at values hides too much for a test to compare.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;

const MASK: &str = "***";

/// Words that make a name secret wherever they stand in it.
const WORDS: &[&str] = &[
    "apikey",
    "assertion",
    "auth",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "signature",
    "token",
];

/// What ends a name that was written without word breaks.
const ENDINGS: &[&str] = &[
    "accesskey",
    "apikey",
    "appkey",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "token",
];

/// Words beside `token` that say it marks a place in a list.
const PLACES: &[&str] = &[
    "page",
    "next",
    "continuation",
    "sync",
    "cursor",
    "previous",
    "starting",
];

pub(crate) fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            let shown = if header_is_secret(name.as_str()) {
                match text.split_once(' ') {
                    // The scheme is no secret, and tells a missing `Bearer ` from a wrong token.
                    Some((scheme @ ("Basic" | "Bearer" | "Token"), _)) => {
                        format!("{scheme} {MASK}")
                    }
                    _ => MASK.to_owned(),
                }
            } else {
                text.into_owned()
            };
            (name.as_str().to_owned(), shown)
        })
        .collect()
}

/// A body as text.
pub(crate) fn body(headers: &HeaderMap, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return pairs(&text);
    }
    // Sniffed, because a client that forgets the content type still sends its secrets.
    match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => json(&text),
        _ if kind.is_empty() && looks_like_a_form(&text) => pairs(&text),
        _ => text.into_owned(),
    }
}

/// A query string or a form.
pub(crate) fn pairs(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (n, pair) in text.split('&').enumerate() {
        if n > 0 {
            shown.push('&');
        }
        match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret(&decoded(name)) => {
                shown.push_str(name);
                shown.push('=');
                shown.push_str(MASK);
            }
            _ => shown.push_str(pair),
        }
    }
    shown
}

fn decoded(name: &str) -> Cow<'_, str> {
    match url::form_urlencoded::parse(name.as_bytes()).next() {
        Some((name, _)) => name,
        None => Cow::Borrowed(name),
    }
}

fn looks_like_a_form(text: &str) -> bool {
    text.contains('=') && !text.contains(char::is_whitespace)
}

/// One document, or one on each line as bulk APIs take them.
fn json(text: &str) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return document(text, value);
    }
    let lines = text
        .split('\n')
        .map(|line| match serde_json::from_str::<Value>(line) {
            Ok(value) => document(line, value),
            Err(_) => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

fn document(text: &str, mut value: Value) -> String {
    // Bytes are kept as sent unless something had to go.
    if hide(&mut value) {
        value.to_string()
    } else {
        text.to_owned()
    }
}

/// Masks every secret in `value`; whether there was one.
fn hide(value: &mut Value) -> bool {
    let mut hidden = false;
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret(name) && !matches!(value, Value::Null | Value::Bool(_)) {
                    *value = MASK.into();
                    hidden = true;
                } else {
                    hidden |= hide(value);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                hidden |= hide(item);
            }
        }
        _ => {}
    }
    hidden
}

fn header_is_secret(name: &str) -> bool {
    // `Idempotency-Key` is what tests look for; the websocket's key is a nonce.
    let key = name.ends_with("-key") && !matches!(name, "idempotency-key" | "sec-websocket-key");
    key || is_secret(name)
}

/// Whether a field of this name holds a secret.
fn is_secret(name: &str) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(&["token"]) && has(PLACES) {
        return false;
    }
    let joined = words.concat();
    // One-time codes; `country_code` and the like are other names.
    joined == "code" || has(WORDS) || ENDINGS.iter().any(|ending| joined.ends_with(ending))
}

/// `AuthToken`, `auth_token`, `auth[token]`, `X-Auth-Token` → auth, token.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut start = true;
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            start = true;
            continue;
        }
        if start || (c.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        start = false;
        after_lower = !c.is_uppercase();
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_recognized_however_they_are_written() {
        for name in [
            "token",
            "AuthToken",
            "auth_token",
            "authtoken",
            "access_token",
            "accessToken",
            "client_secret",
            "ClientSecret",
            "password",
            "api_key",
            "apiKey",
            "APIKey",
            "Code",
            "code",
            "user[password]",
            "X-Shopify-Access-Token",
            "secretAccessKey",
            "private_key",
        ] {
            assert!(is_secret(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_resemble_secrets_are_shown() {
        for name in [
            "PageToken",
            "page_token",
            "next_token",
            "nextPageToken",
            "max_tokens",
            "author",
            "country_code",
            "CodeLength",
            "key",
            "keyword",
            "monkey",
            "To",
            "Body",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn headers_with_credentials_are_masked_and_the_scheme_stays() {
        let mut map = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer sk-1"),
            ("cookie", "sid=1"),
            ("x-api-key", "k"),
            ("x-twilio-signature", "s"),
            ("dd-application-key", "d"),
            ("idempotency-key", "i-1"),
            ("accept", "*/*"),
        ] {
            map.insert(name, value.parse().unwrap());
        }
        let shown = headers(&map);
        let shown: Vec<_> = shown
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("authorization", "Bearer ***"),
                ("cookie", "***"),
                ("x-api-key", "***"),
                ("x-twilio-signature", "***"),
                ("dd-application-key", "***"),
                ("idempotency-key", "i-1"),
                ("accept", "*/*"),
            ]
        );
    }

    #[test]
    fn pairs_keep_their_order_and_their_encoding() {
        assert_eq!(
            pairs("To=%2B1555&Auth%54oken=x%20y&Body=a+b&Body=c&token="),
            "To=%2B1555&Auth%54oken=***&Body=a+b&Body=c&token="
        );
    }

    #[test]
    fn json_is_masked_at_every_depth_and_otherwise_kept_as_sent() {
        let none = HeaderMap::new();
        assert_eq!(
            body(
                &none,
                br#"{"a":[{"secret":"x","n":1}],"auth":{"user":"u"}}"#
            ),
            r#"{"a":[{"secret":"***","n":1}],"auth":"***"}"#
        );
        assert_eq!(body(&none, br#"{ "a" : 1.50 }"#), r#"{ "a" : 1.50 }"#);
        assert_eq!(
            body(&none, b"{\"a\":1}\n{\"token\":\"t\"}\n"),
            "{\"a\":1}\n{\"token\":\"***\"}\n"
        );
    }

    #[test]
    fn bodies_that_are_no_text_are_shown_lossily() {
        assert_eq!(body(&HeaderMap::new(), &[0xff, b'a']), "\u{fffd}a");
    }
}
