//! `secrets keygen|encrypt|rotate`.

use std::fs;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use business_tools_core::Secret;
use business_tools_core::config::Loader;
use business_tools_core::secret::key::MasterKey;
use business_tools_core::secret::rotate::{Rotated, rotate};
use business_tools_core::secret::seal::Keyring;
use clap::{Args, Subcommand};

use super::{Done, Failure, print};

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a key for encrypted values
    Keygen {
        /// Write it to a new file, which only you can read, and print its id [default: print the key]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Encrypt a secret, from stdin or as it is typed, and print the text for the configuration
    Encrypt(Keys),
    /// Encrypt the values of files again, with the newest key
    Rotate {
        #[command(flatten)]
        keys: Keys,
        /// Configuration and environment files [default: the configuration file]
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Where the keys are: in the environment, or in the environment files beside the configuration.
#[derive(Debug, Args)]
struct Keys {
    /// The configuration file [default: config.yaml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The environment: picks `.env.NAME` [default: development]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

impl Keys {
    fn loader(&self) -> Loader {
        Loader::from_process()
            .file(self.config.as_ref())
            .environment(self.environment.as_deref())
    }

    fn ring(&self) -> Result<Keyring, Failure> {
        let ring = self.loader().keyring();
        ring.map_err(|report| Failure::Usage(report.to_string()))?
            .ok_or_else(|| {
                Failure::Usage(
                    "there is no key: make one with `business-tools-mcp secrets keygen`, and set BUSINESS_TOOLS_KEY \
                     or BUSINESS_TOOLS_KEY_FILE"
                        .to_owned(),
                )
            })
    }
}

pub(super) fn run(flags: &Flags) -> Done {
    match &flags.what {
        What::Keygen { file } => keygen(file.as_deref()),
        What::Encrypt(keys) => encrypt(keys),
        What::Rotate { keys, files } => rotate_all(keys, files),
    }
}

fn keygen(file: Option<&Path>) -> Done {
    let key = MasterKey::generate()?;
    match file {
        Some(path) => {
            key.write_new(path)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
            print(&key.id().to_string());
        }
        None => print(key.text().expose()),
    }
    Ok(())
}

fn encrypt(keys: &Keys) -> Done {
    // Before anybody types a secret for nothing.
    let ring = keys.ring()?;
    let mut text = if io::stdin().is_terminal() {
        rpassword::prompt_password("secret (nothing is shown): ")?
    } else {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text)?;
        text
    };
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    let secret = Secret::new(text);
    if secret.expose().is_empty() {
        return Err(Failure::Usage("there is nothing to encrypt".to_owned()));
    }
    print(&ring.seal_text(&secret)?);
    Ok(())
}

fn rotate_all(keys: &Keys, files: &[PathBuf]) -> Done {
    let ring = keys.ring()?;
    let files = match files {
        [] => vec![keys.loader().config_path()],
        files => files.to_vec(),
    };
    let mut faults = Vec::new();
    let mut ready = Vec::new();
    for file in files {
        let shown = file.display();
        match fs::read_to_string(&file) {
            Ok(text) => match rotate(&text, &ring) {
                Ok(rotated) => ready.push((file, text, rotated)),
                Err(stuck) => faults.extend(stuck.iter().map(|stuck| format!("{shown} {stuck}"))),
            },
            Err(error) => faults.push(format!("{shown}: {error}")),
        }
    }
    // All or nothing: an old key that still is needed somewhere must not be thrown away.
    if !faults.is_empty() {
        return Err(Failure::Usage(format!(
            "nothing was changed\n  {}",
            faults.join("\n  ")
        )));
    }
    for (file, before, rotated) in ready {
        let shown = file.display();
        let Rotated {
            text,
            changed,
            current,
        } = rotated;
        if changed > 0 {
            replace(&file, &before, &text)
                .map_err(|error| Failure::Usage(format!("{shown}: {error}")))?;
        }
        print(&match (changed, current) {
            (0, 0) => format!("{shown}: nothing is encrypted there"),
            (changed, current) => format!(
                "{shown}: {changed} of {} values encrypted again, with the key {}",
                changed + current,
                ring.newest()
            ),
        });
    }
    Ok(())
}

/// Replaces what a file holds in one step, and keeps its permissions. Links stay links.
fn replace(file: &Path, before: &str, after: &str) -> io::Result<()> {
    let file = file.canonicalize()?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let draft = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write_new(&draft, after, &file).and_then(|()| {
        // Whoever edits it at the same time must not lose anything.
        if fs::read_to_string(&file)? != before {
            return Err(io::Error::other("was changed meanwhile; try again"));
        }
        fs::rename(&draft, &file)
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
        return written;
    }
    #[cfg(unix)]
    if let Some(folder) = file.parent() {
        // The new name outlives a crash.
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn write_new(draft: &Path, text: &str, like: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(draft)?;
    out.write_all(text.as_bytes())?;
    out.set_permissions(fs::metadata(like)?.permissions())?;
    out.sync_all()
}
