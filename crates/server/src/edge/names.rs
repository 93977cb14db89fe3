//! Host names and origins, parsed strictly: what two parsers could read differently is refused.

use std::net::Ipv6Addr;

/// A host name and its port, normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    /// In lower case, without trailing dot; IPv6 in brackets and in its shortest form.
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Authority {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            let port = if rest.is_empty() {
                None
            } else {
                Some(rest.strip_prefix(':')?)
            };
            (format!("[{address}]"), port)
        } else {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            (name(host)?, port)
        };
        let port = match port {
            Some(port) => Some(self::port(port)?),
            None => None,
        };
        Some(Self { host, port })
    }

    pub(super) fn is_loopback(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "[::1]")
    }
}

fn name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    (text.len() <= 253 && text.split('.').all(label)).then(|| text.to_ascii_lowercase())
}

fn port(text: &str) -> Option<u16> {
    // `parse` alone would take a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 5;
    text.parse().ok().filter(|port| digits && *port != 0)
}

/// A web origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    secure: bool,
    pub(super) authority: Authority,
}

impl Origin {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let mut authority = Authority::parse(authority)?;
        authority.port = authority.port.or(Some(if secure { 443 } else { 80 }));
        Some(Self { secure, authority })
    }
}

/// An entry of the list of origins: an origin, or one with any port.
#[derive(Debug, Clone)]
pub(super) struct OriginRule {
    origin: Origin,
    any_port: bool,
}

impl OriginRule {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let (text, any_port) = match text.strip_suffix(":*") {
            Some(text) => (text, true),
            None => (text, false),
        };
        Some(Self {
            origin: Origin::parse(text)?,
            any_port,
        })
    }

    pub(super) fn allows(&self, origin: &Origin) -> bool {
        self.origin.secure == origin.secure
            && self.origin.authority.host == origin.authority.host
            && (self.any_port || self.origin.authority.port == origin.authority.port)
    }
}
