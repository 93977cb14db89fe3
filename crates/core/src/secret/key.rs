//! Master keys: how they are made, written down and told apart.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::Generate as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::{Zeroize as _, Zeroizing};
use sha2::Sha256;

use super::Secret;

/// What the text of a key starts with: the kind of thing it is, for people and for scanners of leaked secrets.
const PREFIX: &str = "btk1_";

/// A master key of 256 bits, wiped when dropped. What encrypts is derived from it.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// A new random key.
    ///
    /// # Errors
    /// When the system has no random numbers to give.
    pub fn generate() -> Result<Self, KeyFault> {
        let key = <[u8; 32]>::try_generate().map_err(|_| KeyFault::NoEntropy)?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// A key for this process alone, of the numbers that its other random names are made of.
    pub(super) fn random() -> Self {
        let mut key = Zeroizing::new([0; 32]);
        for half in key.chunks_exact_mut(16) {
            half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        }
        Self(key)
    }

    /// Reads the text of a key.
    ///
    /// # Errors
    /// When it is none. The fault does not quote it.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        let encoded = text.strip_prefix(PREFIX).ok_or(KeyFault::NotAKey)?;
        let mut bytes = URL_SAFE_NO_PAD
            .decode(encoded)
            .map_err(|_| KeyFault::NotAKey)?;
        let key = <[u8; 32]>::try_from(bytes.as_slice());
        bytes.zeroize();
        Ok(Self(Zeroizing::new(key.map_err(|_| KeyFault::NotAKey)?)))
    }

    /// The text of the key, for whoever keeps it.
    pub fn text(&self) -> Secret {
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*self.0)))
    }

    /// Which key this is; tells nothing about the key itself.
    pub fn id(&self) -> KeyId {
        let mut id = KeyId::default();
        id.0.copy_from_slice(&self.derive(b"business-tools key id v1")[..KeyId::LENGTH]);
        id
    }

    /// Another key for one purpose.
    pub(super) fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        // HMAC takes keys of any length, so this cannot fail.
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).unwrap_or_else(|_| unreachable!());
        mac.update(purpose);
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// Writes the key to a new file that its owner alone can read.
    ///
    /// # Errors
    /// When the file exists already or cannot be written.
    pub fn write_new(&self, path: &Path) -> std::io::Result<()> {
        use std::io::Write as _;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        writeln!(file, "{}", self.text().expose())?;
        file.sync_all()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

/// Names a key without telling anything about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct KeyId(pub(super) [u8; Self::LENGTH]);

impl KeyId {
    pub(super) const LENGTH: usize = 6;

    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() != 2 * Self::LENGTH || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut id = Self::default();
        for (n, byte) in id.0.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * n..2 * n + 2], 16).ok()?;
        }
        Some(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// The text is not that of a key.
    NotAKey,
    /// There is no text at all.
    Empty,
    /// The system has no random numbers to give.
    NoEntropy,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAKey => "is not a key as `business-tools-mcp secrets keygen` prints it",
            Self::Empty => "holds no key",
            Self::NoEntropy => "the system has no random numbers to make a key of",
        })
    }
}

impl std::error::Error for KeyFault {}
