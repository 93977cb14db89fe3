//! Regular expressions with MongoDB's option letters.

use regex::{Regex, RegexBuilder};

use crate::sandbox::failure::{Failure, Result};

/// Compiles a pattern.
///
/// The server uses PCRE; what this engine lacks of it (look-around, back-references) is refused
/// like any pattern that does not compile.
pub(crate) fn compile(pattern: &str, options: &str) -> Result<Regex> {
    let mut builder = RegexBuilder::new(pattern);
    // Any LF, CR or CRLF would end a line otherwise than in PCRE, so only LF does.
    builder.size_limit(1 << 20);
    for option in options.chars() {
        match option {
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            's' => builder.dot_matches_new_line(true),
            'x' => builder.ignore_whitespace(true),
            'u' => &mut builder,
            other => {
                return Err(Failure::new(
                    51108,
                    format!("invalid flag in regex options: {other}"),
                ));
            }
        };
    }
    builder.build().map_err(|error| {
        let reason = error.to_string();
        let reason = reason
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        Failure::new(51091, format!("Regular expression is invalid: {reason}"))
    })
}
