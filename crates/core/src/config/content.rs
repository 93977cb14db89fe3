//! `content`: what callers may bring along, and where goes what tools make.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `content`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContentBlock {
    /// Folders whose files callers may name in an argument, such as a recording to transcribe. None by default.
    #[schemars(with = "Vec<String>")]
    pub read_folders: Vec<PathBuf>,
    /// Hosts of a private network that URLs of callers may lead to. None by default.
    pub private_hosts: Vec<String>,
    /// Where pictures and speech are written. Without it `serve` keeps them in memory for an hour, and `stdio` and
    /// `call` write them into the user's data folder.
    #[schemars(with = "Option<String>")]
    pub output_folder: Option<PathBuf>,
    /// The most that is kept in memory, in bytes.
    #[schemars(range(min = 1_048_576))]
    pub max_bytes: u64,
}

impl Default for ContentBlock {
    fn default() -> Self {
        Self {
            read_folders: Vec::new(),
            private_hosts: Vec::new(),
            output_folder: None,
            max_bytes: 64 << 20,
        }
    }
}

/// The folder for the data of this program and this user; `None` where there is no home.
pub(super) fn data_dir(variables: &BTreeMap<String, String>) -> Option<PathBuf> {
    let named = |name: &str| {
        let path = PathBuf::from(variables.get(name)?);
        path.is_absolute().then_some(path)
    };
    let base = named("XDG_DATA_HOME")
        .or_else(|| named("LOCALAPPDATA"))
        .or_else(|| Some(named("HOME")?.join(".local").join("share")))?;
    Some(base.join("business-tools"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_is_where_the_system_has_such_folders() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|&(k, v)| (k.to_owned(), v.to_owned()));
            data_dir(&pairs.collect())
        };
        let home = ("HOME", "/home/ada");
        let expected = PathBuf::from("/home/ada/.local/share/business-tools");
        assert_eq!(of(&[home]), Some(expected.clone()));
        assert_eq!(of(&[home, ("XDG_DATA_HOME", "relative")]), Some(expected));
        let set = of(&[home, ("XDG_DATA_HOME", "/data")]);
        assert_eq!(set, Some(PathBuf::from("/data/business-tools")));
        assert_eq!(of(&[]), None);
    }
}
