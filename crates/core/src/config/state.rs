//! `state`: where the server keeps what outlives a call.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `state`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StateBlock {
    /// Where outcomes of writes, windows of limits and tokens are kept. When it is not set: in a file, or in
    /// memory if none can be written.
    pub store: Option<StoreKind>,
    /// The file; without it one of the environment's name in the user's folder for state.
    #[schemars(with = "Option<String>")]
    pub path: Option<PathBuf>,
    /// Where the file is when `path` does not say; worked out from the environment.
    #[serde(skip)]
    #[schemars(skip)]
    pub usual_path: Option<PathBuf>,
}

/// `state.store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// In the process, gone with it.
    Memory,
    /// In one file that survives the process.
    File,
}

impl StateBlock {
    /// Works out the usual path: one file for each environment of a user.
    pub(super) fn placed(
        mut self,
        environment: &str,
        variables: &BTreeMap<String, String>,
    ) -> Self {
        let folder = |name: &str| {
            let path = PathBuf::from(variables.get(name)?);
            path.is_absolute().then_some(path)
        };
        let ours = |folder: PathBuf| folder.join("business-tools-mcp");
        // A folder that systemd made for this service, then the user's own.
        let found = folder("STATE_DIRECTORY")
            .or_else(|| folder("XDG_STATE_HOME").map(ours))
            .or_else(|| folder("LOCALAPPDATA").map(ours))
            .or_else(|| folder("HOME").map(|home| ours(home.join(".local/state"))));
        self.usual_path = found.map(|folder| folder.join(format!("{environment}.db")));
        self
    }
}
