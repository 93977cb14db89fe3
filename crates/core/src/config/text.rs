//! What stands inside the texts of a configuration: `${VARIABLES}` and references to secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The largest secret that is read from a file.
const MOST: u64 = 64 << 10;

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

/// The file that a reference names.
pub(super) fn referred_file(text: &str, dir: &Path) -> Option<PathBuf> {
    let path = text.strip_prefix("file:")?;
    Some(dir.join(path.strip_prefix("//").unwrap_or(path)))
}

/// Follows a reference to a secret; any other text is the secret itself.
///
/// # Errors
/// What is wrong and what would be right.
pub(super) fn resolve(
    text: &str,
    variables: &BTreeMap<String, String>,
    dir: &Path,
) -> Result<String, (String, String)> {
    if let Some(name) = text.strip_prefix("env:") {
        return variables
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
            .ok_or_else(|| {
                (
                    "refers to a variable that is not set".to_owned(),
                    "set the variable named after `env:`".to_owned(),
                )
            });
    }
    if let Some(path) = referred_file(text, dir) {
        let wrong = |what: &str| {
            (
                what.to_owned(),
                "name a readable file after `file:` that holds the secret and nothing else"
                    .to_owned(),
            )
        };
        let size = std::fs::metadata(&path)
            .map_err(|error| {
                wrong(&format!(
                    "refers to a file that cannot be read ({})",
                    error.kind()
                ))
            })?
            .len();
        if size > MOST {
            return Err(wrong("refers to a file that is too large for a secret"));
        }
        let secret = std::fs::read_to_string(&path).map_err(|error| {
            wrong(&format!(
                "refers to a file that cannot be read ({})",
                error.kind()
            ))
        })?;
        let secret = secret.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(wrong("refers to a file that is empty"));
        }
        return Ok(secret.to_owned());
    }
    for scheme in ["vault:", "aws-sm:", "op://", "enc:"] {
        if text.starts_with(scheme) {
            return Err((
                format!("is a `{scheme}` reference, which is not supported yet"),
                "use `env:NAME` or `file:/path`".to_owned(),
            ));
        }
    }
    Ok(text.to_owned())
}
