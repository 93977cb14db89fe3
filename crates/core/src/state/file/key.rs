//! The key beside the file, for servers whose operator gave them none.

use std::io::ErrorKind;
use std::path::Path;

use super::CannotOpen;
use super::alive::private_folder;
use crate::secret::key::MasterKey;
use crate::secret::seal::Keyring;

/// The keys in `<store>.key`; with `make`, a new one if there is no such file. Its owner alone can read it.
///
/// # Errors
/// When the file cannot be read or written, or holds no key.
pub fn key_beside(store: &Path, make: bool) -> Result<Option<Keyring>, CannotOpen> {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".key");
    let path = store.with_file_name(name);
    let cannot = |why: String| CannotOpen {
        path: path.clone(),
        why,
    };
    if make && !path.exists() {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            private_folder(folder).map_err(|fault| cannot(fault.to_string()))?;
        }
        let key = MasterKey::generate().map_err(|fault| cannot(fault.to_string()))?;
        match key.write_new(&path) {
            Ok(()) => {}
            // Another process was faster; its key is as good.
            Err(fault) if fault.kind() == ErrorKind::AlreadyExists => {}
            Err(fault) => return Err(cannot(fault.to_string())),
        }
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => Keyring::parse(&text)
            .map(Some)
            .map_err(|fault| cannot(fault.to_string())),
        Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(cannot(fault.to_string())),
    }
}
