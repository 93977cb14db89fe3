//! W3C trace context: which trace a call belongs to, and who keeps the traces.

use std::fmt;

/// `VERSION-TRACE ID-SPAN ID-FLAGS`.
const LENGTH: usize = 55;
/// What a `tracestate` may be long to be passed on.
const STATE: usize = 512;

/// A place in a trace, as the headers `traceparent` and `tracestate` tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    parent: String,
    state: Option<String>,
}

impl TraceContext {
    /// Reads what a caller sent. What is malformed counts as not sent, as the recommendation wants it: the first
    /// header decides, and a bad second one is left out.
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let parent = traceparent.trim();
        let bytes = parent.as_bytes();
        let hex = |from: usize, to: usize| {
            bytes[from..to]
                .iter()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let zero = |from: usize, to: usize| bytes[from..to].iter().all(|b| *b == b'0');
        let dashes = || [2, 35, 52].iter().all(|at| bytes[*at] == b'-');
        let well = bytes.len() >= LENGTH
            && parent.is_ascii()
            && dashes()
            && hex(0, 2)
            && hex(3, 35)
            && hex(36, 52)
            && hex(53, 55)
            && !zero(3, 35)
            && !zero(36, 52);
        // A later version may say more behind the part that is known.
        let later = || &bytes[..2] != b"00" && &bytes[..2] != b"ff" && bytes[LENGTH] == b'-';
        if !well || &bytes[..2] == b"ff" || (bytes.len() > LENGTH && !later()) {
            return None;
        }
        let state = tracestate.map(str::trim).filter(|state| {
            !state.is_empty()
                && state.len() <= STATE
                && state.bytes().all(|b| matches!(b, b' '..=b'~'))
                && state.split(',').count() <= 32
        });
        Some(Self {
            // What stands behind the known part means nothing in the version that we speak.
            parent: format!("00{}", &parent[2..LENGTH]),
            state: state.map(str::to_owned),
        })
    }

    /// A place that this process made.
    pub fn new(trace_id: u128, span_id: u64, flags: u8, state: Option<String>) -> Self {
        Self {
            parent: format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}"),
            state: state.filter(|state| !state.is_empty()),
        }
    }

    /// The header `traceparent`.
    pub fn traceparent(&self) -> &str {
        &self.parent
    }

    /// The header `tracestate`.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.parent[3..35]
    }

    /// The span: 16 hexadecimal digits.
    pub fn span_id(&self) -> &str {
        &self.parent[36..52]
    }

    /// Whether the caller keeps this trace.
    pub fn sampled(&self) -> bool {
        u8::from_str_radix(&self.parent[53..], 16).is_ok_and(|flags| flags & 1 == 1)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parent)
    }
}

/// Keeps the spans of this process as traces. Without one, a trace that a caller began goes through unchanged.
///
/// The spans are those of `tracing`: `call` at the level info, and `attempt` within it at debug.
pub trait Traces: Send + Sync {
    /// Makes `parent` the parent of a span that has just been made and not been entered yet.
    fn continues(&self, span: &tracing::Span, parent: &TraceContext);

    /// Where a span stands in its trace; `None` when it is not kept by anybody here.
    fn place(&self, span: &tracing::Span) -> Option<TraceContext>;

    /// Tells what came of a call, `ok` or an error code, and how its result came about.
    fn ends(&self, span: &tracing::Span, outcome: &'static str, origin: &'static str);
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_context_is_read_and_written() {
        let cx = TraceContext::parse(GOOD, Some("a=1,b=2")).unwrap();
        assert_eq!(cx.traceparent(), GOOD);
        assert_eq!(cx.tracestate(), Some("a=1,b=2"));
        assert_eq!(cx.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(cx.span_id(), "b7ad6b7169203331");
        assert!(cx.sampled());
        let ours = TraceContext::new(
            0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
            0xb7ad_6b71_6920_3331,
            1,
            None,
        );
        assert_eq!(ours.traceparent(), GOOD);
    }

    #[test]
    fn what_is_no_trace_context_counts_as_not_sent() {
        for bad in [
            "",
            "00-1-2-3",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-01",
            "00\r\n0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0001",
        ] {
            assert_eq!(TraceContext::parse(bad, None), None, "{bad}");
        }
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more";
        let later = TraceContext::parse(later, None).unwrap();
        assert_eq!(later.traceparent(), GOOD);
    }

    #[test]
    fn a_bad_trace_state_is_left_out() {
        let long = "a=1,".repeat(200);
        for bad in ["", "a=\r\nb", "a=é", &long] {
            let cx = TraceContext::parse(GOOD, Some(bad)).unwrap();
            assert_eq!(cx.tracestate(), None, "{bad}");
        }
    }
}
