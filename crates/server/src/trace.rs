//! The trace that an HTTP request belongs to.

use business_tools_core::TraceContext;
use http::HeaderMap;

/// What the headers `traceparent` and `tracestate` tell. Two of the former tell nothing.
pub(crate) fn of_headers(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all("traceparent").iter();
    let (Some(parent), None) = (parents.next(), parents.next()) else {
        return None;
    };
    let states: Vec<&str> = headers
        .get_all("tracestate")
        .iter()
        .filter_map(|state| state.to_str().ok())
        .collect();
    TraceContext::parse(parent.to_str().ok()?, Some(&states.join(",")))
}
