//! What stands inside the texts of a configuration: `${VARIABLES}`.

use std::collections::BTreeMap;

/// Stand-ins for the braces of `${…}`, which YAML would take for its own inside `{…}`.
const OPEN: char = '\u{e0f0}';
const CLOSE: char = '\u{e0f1}';

/// Hides the braces of `${…}` from the YAML parser, so that no value has to be quoted because of them.
pub(super) fn hide_braces(yaml: &str) -> String {
    let mut out = String::with_capacity(yaml.len());
    let mut rest = yaml;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        // Only what closes on its own line, before a quote ends, is a variable.
        match after[2..]
            .find(['}', '\n', '\'', '"', '{'])
            .map(|end| end + 2)
        {
            Some(end) if after[end..].starts_with('}') => {
                out.push('$');
                out.push(OPEN);
                out.push_str(&after[2..end]);
                out.push(CLOSE);
                rest = &after[end + 1..];
            }
            _ => {
                out.push_str("${");
                rest = &after[2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Fills in `${NAME}` and `${NAME:-default}`; `$${` stands for `${` itself.
///
/// # Errors
/// What is wrong and what would be right.
pub(super) fn interpolate(
    text: &str,
    variables: &BTreeMap<String, String>,
) -> Result<String, (String, String)> {
    let text = text.replace(OPEN, "{").replace(CLOSE, "}");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let Some((inside, after)) = rest[at + 2..].split_once('}') else {
            return Err((
                "has a `${` that is never closed".to_owned(),
                "write ${NAME}, or $${ for the characters themselves".to_owned(),
            ));
        };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return Err((
                "has a `${…}` that names no variable".to_owned(),
                "write ${NAME} or ${NAME:-default}".to_owned(),
            ));
        }
        match (
            variables.get(name).filter(|value| !value.is_empty()),
            default,
        ) {
            (Some(value), _) => out.push_str(value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => {
                return Err((
                    format!("needs the variable {name}, which is not set"),
                    format!("set it, or write ${{{name}:-}} if it may be absent"),
                ));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}
