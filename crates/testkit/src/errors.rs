//! What an error says to the caller, for tests that hold it to that.

use business_tools_core::{Error, Kind};
use serde_json::Value;

/// Checks the kind of an error, the provider's own code in it (`None`: there is none), and what its hint says.
pub fn assert_error(error: &Error, kind: Kind, code: Option<Value>, hint: &str) {
    assert_eq!(error.kind(), kind, "{error:?}");
    let upstream = error.details().get("upstream_code");
    assert_eq!(upstream, code.as_ref(), "{error:?}");
    let text = error.hint_text().unwrap_or_default();
    assert!(
        text.contains(hint),
        "`{text}` does not say `{hint}`: {error:?}"
    );
}

/// The place of every fault of the arguments, `/email`.
pub fn places(error: &Error) -> Vec<String> {
    assert_eq!(error.kind(), Kind::InvalidArguments, "{error:?}");
    let faults = error.details()["faults"].as_array();
    faults
        .into_iter()
        .flatten()
        .map(|fault| fault["at"].as_str().unwrap_or_default().to_owned())
        .collect()
}
