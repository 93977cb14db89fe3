//! Why a request got no answer.

use crate::error::{Error, Fate, Kind, Status};

/// Why a request got no answer at all.
pub(super) fn unsent(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let chain = {
        let mut text = String::new();
        let mut next: Option<&dyn std::error::Error> = Some(&error);
        while let Some(e) = next {
            text.push_str(&e.to_string().to_ascii_lowercase());
            text.push('\n');
            next = e.source();
        }
        text
    };
    let (message, hint, fate, status) = if error.is_builder() {
        (
            "The request could not be built",
            "Check `base_url` and the arguments",
            Fate::NotSent,
            Status::Permanent,
        )
    } else if error.is_connect() && (is_tls(&error) || chain.contains("certificate")) {
        (
            "No trusted TLS connection to the provider",
            "Check `base_url`, the system's certificates and the clock",
            Fate::NotSent,
            Status::Permanent,
        )
    } else if error.is_connect() && chain.contains("dns") {
        (
            "The provider's host name cannot be resolved",
            "Check `base_url` and the DNS of this machine",
            Fate::NotSent,
            Status::Temporary,
        )
    } else if error.is_connect() {
        (
            "The provider cannot be reached",
            "Check the network, the proxy and `base_url`",
            Fate::NotSent,
            Status::Temporary,
        )
    } else {
        (
            "The connection to the provider broke before an answer came",
            "Try again in a moment",
            Fate::Unknown,
            Status::Temporary,
        )
    };
    Error::new(Kind::Unavailable, message)
        .hint(hint)
        .fate(fate)
        .status(status)
        .source(error)
}

/// Whether a handshake failed: the TLS library reports that as invalid data, below errors of others.
fn is_tls(error: &reqwest::Error) -> bool {
    use std::io;
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        let mut inner = error.downcast_ref::<io::Error>();
        while let Some(error) = inner {
            if error.kind() == io::ErrorKind::InvalidData {
                return true;
            }
            // The source of an I/O error is that of the error inside it, not that error itself.
            inner = error.get_ref().and_then(|error| error.downcast_ref());
        }
        next = error.source();
    }
    false
}
