//! Where each setting stands: the file and the line, or the variable and where that is set.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::report::Place;
use super::schema::dotted;

/// The lines of what was read.
#[derive(Debug, Default)]
pub(super) struct Places {
    file: String,
    /// Of the settings of the file, by their path.
    settings: BTreeMap<String, u64>,
    /// Of the variables, by the file they are set in and their name. What was read first is stronger.
    variables: Vec<(String, BTreeMap<String, u64>)>,
}

impl Places {
    /// Notes the lines of the configuration file.
    pub(super) fn settings(&mut self, path: &Path, yaml: &str) {
        self.file = shown(path);
        if let Ok(tree) = serde_saphyr::from_str::<Lines>(yaml) {
            tree.note(&mut Vec::new(), &mut self.settings);
        }
    }

    /// Notes the lines of an environment file.
    pub(super) fn variables(&mut self, file: &str, text: &str) {
        let mut lines = BTreeMap::new();
        for (n, line) in (1..).zip(text.lines()) {
            let line = line.trim_start();
            let line = line.strip_prefix("export ").unwrap_or(line);
            if let Some((name, _)) = line.split_once('=') {
                lines.insert(name.trim().to_owned(), n);
            }
        }
        self.variables.push((file.to_owned(), lines));
    }

    /// The line of a setting of the file, or of what it should stand in.
    pub(super) fn of_setting(&self, path: &str) -> Option<Place> {
        let mut path = path;
        loop {
            if let Some(line) = self.settings.get(path) {
                return Some(self.at(*line));
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    fn at(&self, line: u64) -> Place {
        Place {
            file: self.file.clone(),
            line,
        }
    }

    /// The line of a variable of a file.
    pub(super) fn of_variable(&self, name: &str) -> Option<Place> {
        self.variables.iter().find_map(|(file, lines)| {
            Some(Place {
                file: file.clone(),
                line: *lines.get(name)?,
            })
        })
    }

    /// The settings of the file that are no groups of others.
    pub(super) fn leaves(&self) -> impl Iterator<Item = (&str, Place)> {
        let is_group = |path: &str| {
            let below = |other: &String| {
                let rest = other.strip_prefix(path);
                rest.is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            let next = self.settings.range(path.to_owned()..).nth(1);
            next.is_some_and(|(other, _)| below(other))
        };
        self.settings
            .iter()
            .filter(move |(path, _)| !is_group(path))
            .map(|(path, line)| (path.as_str(), self.at(*line)))
    }
}

/// A path as it was named.
fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.display().to_string()
}

/// A tree of which nothing is known but where its members begin.
#[derive(Default)]
struct Lines(Vec<(String, u64, Lines)>);

impl Lines {
    fn note(self, path: &mut Vec<String>, into: &mut BTreeMap<String, u64>) {
        for (name, line, below) in self.0 {
            path.push(name);
            if line > 0 {
                into.insert(dotted(path), line);
            }
            below.note(path, into);
            path.pop();
        }
    }
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

/// Scalars have nothing below them.
macro_rules! leaf {
    ($($name:ident: $type:ty),+) => {
        $(fn $name<E>(self, _: $type) -> Result<Lines, E> {
            Ok(Lines::default())
        })+
    };
}

impl<'de> Visitor<'de> for Walk {
    type Value = Lines;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    leaf!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Lines, E> {
        Ok(Lines::default())
    }

    fn visit_none<E>(self) -> Result<Lines, E> {
        Ok(Lines::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Lines, D::Error> {
        Lines::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Lines, A::Error> {
        // The line of a list is enough: its entries are short.
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Lines::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Lines, A::Error> {
        let mut lines = Vec::new();
        while let Some(key) = members.next_key::<Spanned<String>>()? {
            let line = key.referenced.line();
            lines.push((key.value, line, members.next_value::<Lines>()?));
        }
        Ok(Lines(lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_variables_have_their_lines() {
        let yaml = "# a comment\nserver:\n  listen: 1\n\nproviders:\n  acme: { credentials:\n      { token: x } }\ntools: [a,\n  b]\nnothing:\n";
        let mut places = Places::default();
        places.settings(Path::new("./config.yaml"), yaml);
        let line = |path: &str| places.of_setting(path).map(|place| place.to_string());
        let at = |n: u32| Some(format!("config.yaml line {n}"));
        assert_eq!(line("server.listen"), at(3));
        assert_eq!(line("providers.acme.credentials.token"), at(7));
        assert_eq!(line("providers.acme.credentials.missing"), at(6));
        assert_eq!(line("tools[1]"), at(8));
        assert_eq!(line("nothing"), at(10));
        assert_eq!(line("unheard.of"), None);
        let leaves: Vec<_> = places.leaves().map(|(path, _)| path).collect();
        assert_eq!(
            leaves,
            [
                "nothing",
                "providers.acme.credentials.token",
                "server.listen",
                "tools"
            ]
        );
    }

    #[test]
    fn the_stronger_file_tells_where_a_variable_is_set() {
        let mut places = Places::default();
        places.variables(".env.local", "# x\n\nexport A=1\nB = 2\n");
        places.variables(".env.development", "A=3\nC=4\n");
        let of = |name: &str| places.of_variable(name).map(|place| place.to_string());
        assert_eq!(of("A").as_deref(), Some(".env.local line 3"));
        assert_eq!(of("B").as_deref(), Some(".env.local line 4"));
        assert_eq!(of("C").as_deref(), Some(".env.development line 2"));
        assert_eq!(of("D"), None);
    }
}
