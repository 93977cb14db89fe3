//! What the server must know of a new provider.

use anyhow::{Context, Result};

use super::name::Name;

type Edit = fn(&str, &Name) -> Result<String>;

/// Files from the root, and what happens to each.
pub(super) const EDITS: &[(&str, Edit)] = &[
    ("crates/server/Cargo.toml", manifest),
    ("crates/server/src/providers.rs", rows),
    ("config.example.yaml", example),
];

/// The dependency, which is the feature, and its words in `all` and `sandbox`.
fn manifest(text: &str, name: &Name) -> Result<String> {
    let id = &name.id;
    let line = format!(
        "{id} = {{ package = \"business-tools-{id}\", path = \"../providers/{id}\", version = \"0.1.0\", optional = true }}"
    );
    let text = insert_sorted(text, &line, |line| line.contains("path = \"../providers/"))
        .context("no line with a provider's path")?;
    let text = add_word(&text, "all = [", &format!("\"{id}\""))?;
    add_word(&text, "sandbox = [", &format!("\"{id}?/sandbox\""))
}

/// The row of the table, and the lists of all features.
fn rows(text: &str, name: &Name) -> Result<String> {
    let Name { id, type_, .. } = name;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_row = |line: &String| line.trim_start().starts_with("#[cfg(feature = \"");
    let start = lines
        .iter()
        .position(|line| line.contains("ALL: &[") && !line.trim_start().starts_with("//"))
        .context("no table `ALL`")?;
    let end = start
        + lines[start..]
            .iter()
            .position(|line| line.trim() == "];")
            .context("no end of `ALL`")?;
    let cfg = format!("    #[cfg(feature = \"{id}\")]");
    let at = (start + 1..end)
        .find(|at| {
            lines
                .get(*at)
                .is_some_and(|line| is_row(line) && *line > cfg)
        })
        .unwrap_or(end);
    lines.splice(at..at, [cfg, format!("    row!({id}::{type_}),")]);
    let mut text = lines.join("\n") + "\n";
    // `any(feature = "a", feature = "b")`: builds without any provider.
    text = text.replace(
        "any(feature = \"",
        &format!("any(feature = \"{id}\", feature = \""),
    );
    Ok(text)
}

/// A block in the example of the configuration.
fn example(text: &str, name: &Name) -> Result<String> {
    let Name { id, upper, .. } = name;
    let block = format!("  {id}:\n    credentials: {{ api_key: ${{{upper}_API_KEY:-}} }}\n");
    let mark = "\nproviders:\n";
    let at = text.find(mark).context("no `providers:`")? + mark.len();
    let mut text = text.to_owned();
    text.insert_str(at, &block);
    Ok(text)
}

/// Puts `line` among its kind, in alphabetical order.
fn insert_sorted(text: &str, line: &str, kind: impl Fn(&str) -> bool) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|other| kind(other))?;
    let at = lines
        .iter()
        .position(|other| kind(other) && *other > line)
        .unwrap_or(last + 1);
    lines.insert(at, line);
    Some(lines.join("\n") + "\n")
}

/// Adds a word to a list on one line, in alphabetical order; `dep:` words stay first.
fn add_word(text: &str, start: &str, word: &str) -> Result<String> {
    let line = text
        .lines()
        .find(|line| line.starts_with(start) && line.ends_with(']'))
        .with_context(|| format!("no list `{start}…]` on one line"))?;
    let inner = &line[start.len()..line.len() - 1];
    let mut words: Vec<&str> = inner
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect();
    let at = words
        .iter()
        .position(|other| !other.starts_with("\"dep:") && *other > word)
        .unwrap_or(words.len());
    words.insert(at, word);
    Ok(text.replace(line, &format!("{start}{}]", words.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Name {
        Name::parse("slack").unwrap()
    }

    #[test]
    fn the_manifest_gets_a_line_and_two_words_in_order() {
        let text = "\
mongo = { path = \"../providers/mongo\" }
twilio = { path = \"../providers/twilio\" }

[features]
all = [\"mongo\", \"twilio\"]
sandbox = [\"dep:x\", \"mongo?/sandbox\", \"twilio?/sandbox\"]
";
        let edited = manifest(text, &name()).unwrap();
        let lines: Vec<&str> = edited.lines().collect();
        assert!(
            lines[1].starts_with("slack = { package = \"business-tools-slack\""),
            "{edited}"
        );
        assert_eq!(lines[5], "all = [\"mongo\", \"slack\", \"twilio\"]");
        assert_eq!(
            lines[6],
            "sandbox = [\"dep:x\", \"mongo?/sandbox\", \"slack?/sandbox\", \"twilio?/sandbox\"]"
        );
    }

    #[test]
    fn the_table_gets_a_row_in_order() {
        let text = "\
pub const ALL: &[Row] = &[
    #[cfg(feature = \"mongo\")]
    row!(mongo::Mongo),
    #[cfg(feature = \"twilio\")]
    row!(twilio::Twilio),
];
";
        let edited = rows(text, &name()).unwrap();
        let lines: Vec<&str> = edited.lines().collect();
        assert_eq!(lines[3], "    #[cfg(feature = \"slack\")]");
        assert_eq!(lines[4], "    row!(slack::Slack),");
        assert_eq!(lines.len(), 8);
    }

    #[test]
    fn the_example_gets_a_block() {
        let edited = example("# Example\nproviders:\n  mongo: {}\n", &name()).unwrap();
        assert!(edited.contains("providers:\n  slack:\n"), "{edited}");
        assert!(example("nothing", &name()).is_err());
    }
}
