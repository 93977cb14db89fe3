//! The references that need no network.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reference::Reference;
use super::{Found, Wrong};
use crate::secret::Secret;
use crate::secret::seal::{Keyring, SealError};

/// The largest secret that is read from a file.
const MOST: u64 = 64 << 10;

/// The variable with the keys of `enc:` values, newest first.
pub const KEY: &str = "BUSINESS_TOOLS_KEY";
/// The variable with the file of those keys, one a line.
pub const KEY_FILE: &str = "BUSINESS_TOOLS_KEY_FILE";

/// Where references that need no network lead.
#[derive(Clone)]
pub struct Local<'a> {
    /// Of the process and of the environment files.
    pub variables: &'a BTreeMap<String, String>,
    /// Where relative paths start.
    pub dir: &'a Path,
}

impl Local<'_> {
    /// A variable that has a value.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// A variable that may itself refer to a secret in another variable, in a file or encrypted.
    ///
    /// # Errors
    /// When the reference leads nowhere.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, Wrong> {
        let Some(text) = self.variable(name) else {
            return Ok(None);
        };
        let at =
            |wrong: Wrong| Wrong::new(format!("needs {name}, which {}", wrong.what), wrong.remedy);
        let secret = match Reference::parse(text).map_err(at)? {
            None => Secret::new(text),
            Some(Reference::Remote(_)) => {
                return Err(Wrong::new(
                    format!("needs {name}, which refers to a secret that is not on this machine"),
                    "give it as it is, or by env:, file: or enc:",
                ));
            }
            Some(local) => self.find(&local).map_err(at)?.secret,
        };
        Ok(Some(secret))
    }

    /// The file that a reference names.
    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// The keys of `enc:` values; `None` when there are none.
    ///
    /// # Errors
    /// When they are set and cannot be read.
    pub fn keyring(&self) -> Result<Option<Keyring>, Wrong> {
        let remedy = "`business-tools-mcp secrets keygen` makes a key";
        if let Some(text) = self.variable(KEY) {
            let ring = Keyring::parse(text);
            return ring
                .map(Some)
                .map_err(|fault| Wrong::new(format!("needs {KEY}, which {fault}"), remedy));
        }
        let Some(file) = self.variable(KEY_FILE) else {
            return Ok(None);
        };
        let wrong = |what: String| {
            Wrong::new(
                format!("needs the file of {KEY_FILE}, which {what}"),
                remedy,
            )
        };
        let text = self.read(file).map_err(wrong)?;
        let ring = Keyring::parse(text.expose());
        ring.map(Some).map_err(|fault| wrong(fault.to_string()))
    }

    /// Follows a reference that needs no network.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn find(&self, reference: &Reference) -> Result<Found, Wrong> {
        match reference {
            Reference::Env(name) => self
                .variable(name)
                .map(Secret::new)
                .map(Found::from)
                .ok_or_else(|| {
                    Wrong::new(
                        "refers to a variable that is not set",
                        "set the variable named after `env:`",
                    )
                }),
            Reference::File(file) => {
                let secret = self.read(file).map_err(|what| {
                    Wrong::new(
                        format!("refers to a file that {what}"),
                        "name a readable file after `file:` that holds the secret and nothing else",
                    )
                })?;
                Ok(Found {
                    secret,
                    warning: exposed(&self.path(file)),
                })
            }
            Reference::Enc(text) => {
                let Some(ring) = self.keyring()? else {
                    return Err(Wrong::new(
                        "is encrypted, and there is no key",
                        format!("set {KEY} or {KEY_FILE} to the key that encrypted it"),
                    ));
                };
                ring.open_text(text).map(Found::from).map_err(|error| {
                    let remedy = match error {
                        SealError::OtherKey(_) => {
                            format!("put that key after the newest one in {KEY} or {KEY_FILE}")
                        }
                        _ => "encrypt the secret again with `business-tools-mcp secrets encrypt`"
                            .to_owned(),
                    };
                    Wrong::new(error.to_string(), remedy)
                })
            }
            Reference::Remote(remote) => Err(Wrong::new(
                format!(
                    "refers to {}, which is not asked here",
                    remote.service().title()
                ),
                "use env:, file: or enc:",
            )),
        }
    }

    fn read(&self, file: &str) -> Result<Secret, String> {
        let path = self.path(file);
        let unread = |error: std::io::Error| format!("cannot be read ({})", error.kind());
        let meta = std::fs::metadata(&path).map_err(unread)?;
        if meta.len() > MOST {
            return Err("is too large for a secret".to_owned());
        }
        let mut text = std::fs::read_to_string(&path).map_err(unread)?;
        let length = text.trim_end_matches(['\r', '\n']).len();
        text.truncate(length);
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        Ok(Secret::new(text))
    }
}

/// Where orchestrators put secrets that the container alone sees, readable for whoever runs in it.
const MOUNTED: [&str; 2] = ["/run/secrets/", "/var/run/secrets/"];

/// Says when a file with a secret is open to others.
#[cfg(unix)]
fn exposed(path: &Path) -> Option<Wrong> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let mounted = MOUNTED.iter().any(|dir| path.starts_with(dir));
    let what = match mode {
        mode if mode & 0o022 != 0 => "refers to a file that others may change",
        mode if mode & 0o004 != 0 && !mounted => "refers to a file that every user may read",
        _ => return None,
    };
    Some(Wrong::new(what, "chmod 600 it"))
}

/// Permissions are lists there, and who may read by inheritance is not ours to judge.
#[cfg(not(unix))]
fn exposed(_: &Path) -> Option<Wrong> {
    None
}
