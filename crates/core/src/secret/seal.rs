//! Encryption at rest: XChaCha20-Poly1305 under one key, with older keys that still open what they sealed.
//!
//! Sealed bytes are `1 | key id (6) | nonce (24) | ciphertext and tag`; as text, which stands in configuration
//! files, `enc:v1.<key id in hex>.<base64url of nonce, ciphertext and tag>`. Version and key id are authenticated
//! with the rest.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Generate as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};

use super::Secret;
use super::key::{KeyFault, KeyId, MasterKey};

/// The version of the format that is written.
const VERSION: u8 = 1;
const HEADER: usize = 1 + KeyId::LENGTH;
const NONCE: usize = 24;
/// What a sealed text starts with.
pub(crate) const SCHEME: &str = "enc:";
const TEXT_VERSION: &str = "v1";
/// What binds sealed texts to their use: one of them is no sealed value of a store, nor the other way round.
const TEXT_USE: &[u8] = b"configuration value";

/// Keys that seal and open: the first one seals, all of them open. Cheap to clone: every clone is the same ring, and
/// follows it when its keys are replaced.
#[derive(Clone)]
pub struct Keyring {
    keys: Arc<ArcSwap<Vec<Entry>>>,
    /// Keys that open too, and stay when the others are replaced.
    kept: Arc<[Entry]>,
}

#[derive(Clone)]
struct Entry {
    id: KeyId,
    cipher: XChaCha20Poly1305,
}

impl Entry {
    fn new(key: &MasterKey) -> Self {
        let derived = key.derive(b"business-tools seal v1");
        Self {
            id: key.id(),
            cipher: XChaCha20Poly1305::new((&*derived).into()),
        }
    }
}

impl Keyring {
    /// A ring whose `newest` key seals; `older` ones open what they sealed once.
    pub fn new<'a>(newest: &MasterKey, older: impl IntoIterator<Item = &'a MasterKey>) -> Self {
        let older = older.into_iter().map(Entry::new);
        let keys = std::iter::once(Entry::new(newest)).chain(older).collect();
        Self {
            keys: Arc::new(ArcSwap::from_pointee(keys)),
            kept: Arc::default(),
        }
    }

    /// A key that nobody else has, gone with the ring.
    pub(crate) fn random() -> Self {
        Self::new(&MasterKey::random(), [])
    }

    /// Reads keys that are separated by commas or line breaks, newest first. `#` starts a comment.
    ///
    /// # Errors
    /// When one of them is no key, or there is none.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        let keys = text
            .lines()
            .flat_map(|line| line.split('#').next().unwrap_or_default().split(','))
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(MasterKey::parse)
            .collect::<Result<Vec<_>, _>>()?;
        let (newest, older) = keys.split_first().ok_or(KeyFault::Empty)?;
        Ok(Self::new(newest, older))
    }

    /// The same ring, which opens what another one seals now too.
    pub fn with_older(&self, other: &Self) -> Self {
        let others = other.keys.load();
        let kept = self.kept.iter().chain(&**others).chain(&*other.kept);
        Self {
            keys: Arc::clone(&self.keys),
            kept: kept.cloned().collect(),
        }
    }

    /// Takes the keys of another ring in place of its own, in every clone. Says whether they are others.
    pub fn replace(&self, other: &Self) -> bool {
        let same = self.ids() == other.ids();
        if !same {
            self.keys.store(other.keys.load_full());
        }
        !same
    }

    /// The key that seals.
    pub fn newest(&self) -> KeyId {
        self.keys.load()[0].id
    }

    /// The keys, newest first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys.load().iter().map(|entry| entry.id).collect()
    }

    /// Encrypts `bytes`. They can be opened with the same `aad` alone: name there what they are and whose.
    ///
    /// # Errors
    /// When the system has no random numbers to give.
    pub fn seal(&self, aad: &[u8], bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        let keys = self.keys.load();
        let newest = &keys[0];
        let mut sealed = Vec::with_capacity(HEADER + NONCE + bytes.len() + 16);
        sealed.push(VERSION);
        sealed.extend(newest.id.0);
        let nonce = XNonce::try_generate().map_err(|_| SealError::NoEntropy)?;
        let aad = [&sealed[..], aad].concat();
        let payload = Payload {
            msg: bytes,
            aad: &aad,
        };
        // The cipher refuses nothing below 256 GB.
        let body = newest.cipher.encrypt(&nonce, payload);
        sealed.extend(nonce);
        sealed.extend(body.map_err(|_| SealError::NotSealed)?);
        Ok(sealed)
    }

    /// Decrypts what [`Keyring::seal`] made with the same `aad`.
    ///
    /// # Errors
    /// When it was made otherwise, with another key, or has been changed since.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let id = key_of(sealed)?;
        let keys = self.keys.load();
        let mut all = keys.iter().chain(&*self.kept);
        let entry = all.find(|entry| entry.id == id);
        let entry = entry.ok_or(SealError::OtherKey(id))?;
        let (header, rest) = sealed.split_at(HEADER);
        let nonce = rest.first_chunk::<NONCE>().ok_or(SealError::NotSealed)?;
        let aad = [header, aad].concat();
        let payload = Payload {
            msg: &rest[NONCE..],
            aad: &aad,
        };
        let opened = entry.cipher.decrypt(nonce.into(), payload);
        opened.map_err(|_| SealError::Changed)
    }

    /// Whether the newest key sealed this, so that there is no reason to seal it again.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        key_of(sealed).is_ok_and(|id| id == self.newest())
    }

    /// Encrypts a secret as a text for a configuration file, `enc:v1.…`.
    ///
    /// # Errors
    /// As [`Keyring::seal`].
    pub fn seal_text(&self, secret: &Secret) -> Result<String, SealError> {
        let sealed = self.seal(TEXT_USE, secret.expose().as_bytes())?;
        let (id, body) = (key_of(&sealed)?, &sealed[HEADER..]);
        Ok(format!(
            "{SCHEME}{TEXT_VERSION}.{id}.{}",
            URL_SAFE_NO_PAD.encode(body)
        ))
    }

    /// Decrypts a text that [`Keyring::seal_text`] made.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn open_text(&self, text: &str) -> Result<Secret, SealError> {
        let bytes = self.open(TEXT_USE, &bytes_of(text)?)?;
        let text = String::from_utf8(bytes).map_err(|_| SealError::Changed)?;
        Ok(Secret::new(text))
    }
}

/// The key that sealed this.
///
/// # Errors
/// When it is not sealed, or in a format that is not known.
pub fn key_of(sealed: &[u8]) -> Result<KeyId, SealError> {
    match sealed.first_chunk::<HEADER>() {
        Some([VERSION, id @ ..]) => Ok(KeyId(*id)),
        _ => Err(SealError::NotSealed),
    }
}

/// The sealed bytes of a text `enc:v1.…`.
///
/// # Errors
/// When the text is not of that form.
pub fn bytes_of(text: &str) -> Result<Vec<u8>, SealError> {
    let mut parts = text
        .strip_prefix(SCHEME)
        .ok_or(SealError::NotSealed)?
        .split('.');
    let (Some(TEXT_VERSION), Some(id), Some(body), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SealError::NotSealed);
    };
    let id = KeyId::parse(id).ok_or(SealError::NotSealed)?;
    let body = URL_SAFE_NO_PAD
        .decode(body)
        .map_err(|_| SealError::NotSealed)?;
    Ok([&[VERSION][..], &id.0, &body].concat())
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")?;
        let ids = self.ids();
        f.debug_list()
            .entries(ids.iter().map(ToString::to_string))
            .finish()
    }
}

/// Why something was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealError {
    /// It is not sealed, or in a format that is not known.
    NotSealed,
    /// It was sealed with a key that is not on the ring.
    OtherKey(KeyId),
    /// It was changed since, or sealed for another use.
    Changed,
    /// The system has no random numbers to give.
    NoEntropy,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSealed => f.write_str("is not of the form enc:v1.KEY.TEXT"),
            Self::OtherKey(id) => write!(f, "was encrypted with the key {id}, which is not here"),
            Self::Changed => f.write_str("has been changed since it was encrypted, or cut off"),
            Self::NoEntropy => f.write_str("the system has no random numbers to encrypt with"),
        }
    }
}

impl std::error::Error for SealError {}

impl From<SealError> for crate::Error {
    fn from(error: SealError) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> MasterKey {
        MasterKey::generate().unwrap()
    }

    fn secret() -> Secret {
        Secret::new("CANARY-ä")
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_use_alone() {
        let ring = Keyring::new(&key(), []);
        let sealed = ring.seal(b"token:a", b"CANARY").unwrap();
        assert_eq!(ring.open(b"token:a", &sealed).unwrap(), b"CANARY");
        assert_eq!(ring.open(b"token:b", &sealed), Err(SealError::Changed));
        assert!(!sealed.windows(6).any(|window| window == b"CANARY"));
        assert_ne!(sealed, ring.seal(b"token:a", b"CANARY").unwrap());
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let ring = Keyring::new(&key(), []);
        let sealed = ring.seal(b"", b"ab").unwrap();
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert!(ring.open(b"", &changed).is_err(), "{at} {bit}");
            }
            assert!(ring.open(b"", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn after_a_rotation_the_new_key_seals_and_both_open() {
        let (old, new) = (key(), key());
        let before = Keyring::new(&old, []).seal_text(&secret()).unwrap();
        let ring = Keyring::new(&new, [&old]);
        assert_eq!(ring.open_text(&before).unwrap().expose(), "CANARY-ä");
        assert!(!ring.is_current(&bytes_of(&before).unwrap()));
        let after = ring.seal_text(&secret()).unwrap();
        assert!(ring.is_current(&bytes_of(&after).unwrap()));
        assert!(after.contains(&new.id().to_string()), "{after}");
        let alone = Keyring::new(&new, []);
        assert_eq!(alone.open_text(&after).unwrap().expose(), "CANARY-ä");
        let lost = alone.open_text(&before).unwrap_err();
        assert_eq!(lost, SealError::OtherKey(old.id()));
    }

    #[test]
    fn every_clone_follows_when_the_keys_are_replaced() {
        let (old, new, file) = (key(), key(), Keyring::new(&key(), []));
        let ring = Keyring::new(&old, []);
        let (clone, merged) = (ring.clone(), ring.with_older(&file));
        let before = ring.seal(b"", b"x").unwrap();
        let of_file = file.seal(b"", b"x").unwrap();

        assert!(ring.replace(&Keyring::new(&new, [&old])));
        for ring in [&ring, &clone, &merged] {
            assert_eq!(ring.newest(), new.id());
            assert!(ring.open(b"", &before).is_ok());
        }
        assert!(ring.replace(&Keyring::new(&new, [])));
        assert!(!ring.replace(&Keyring::new(&new, [])), "the same again");
        for ring in [&ring, &clone, &merged] {
            assert_eq!(ring.open(b"", &before), Err(SealError::OtherKey(old.id())));
        }
        assert!(merged.open(b"", &of_file).is_ok(), "what was added stays");
        assert!(clone.open(b"", &of_file).is_err());
    }

    #[test]
    fn a_text_and_a_value_of_a_store_are_not_exchangeable() {
        let ring = Keyring::new(&key(), []);
        let text = ring.seal_text(&secret()).unwrap();
        assert_eq!(
            ring.open(b"", &bytes_of(&text).unwrap()),
            Err(SealError::Changed)
        );
    }

    #[test]
    fn other_texts_are_refused_as_such() {
        let ring = Keyring::new(&key(), []);
        let good = ring.seal_text(&secret()).unwrap();
        for wrong in [
            "",
            "enc:",
            "enc:abc",
            "enc:v1.é23456789ab.AAAA",
            &good.replace("v1", "v2"),
            &good[4..],
            &format!("{good}.x"),
            &format!("{good}="),
        ] {
            assert_eq!(
                ring.open_text(wrong).err(),
                Some(SealError::NotSealed),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_format_of_version_1_stays_readable() {
        let key = MasterKey::parse("btk1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
        let ring = Keyring::new(&key, []);
        let text = include_str!("v1.txt").trim();
        assert_eq!(ring.open_text(text).unwrap().expose(), "a secret of 2026");
    }

    #[test]
    fn keys_are_read_newest_first_and_never_shown() {
        let (a, b) = (key(), key());
        let (at, bt) = (a.text(), b.text());
        let (at, bt) = (at.expose(), bt.expose());
        for text in [
            format!("{at},{bt}"),
            format!("# ours\n{at} # since May\n\n{bt}\n"),
        ] {
            let ring = Keyring::parse(&text).unwrap();
            assert_eq!(ring.ids(), [a.id(), b.id()]);
            let shown = format!("{ring:?} {a:?}");
            assert!(!shown.contains(&at[5..]), "{shown}");
        }
        assert_eq!(Keyring::parse(" # none\n").unwrap_err(), KeyFault::Empty);
        for wrong in [&at[1..], &at[..at.len() - 1], "btk1_CANARY", "CANARY"] {
            let fault = Keyring::parse(wrong).unwrap_err();
            assert_eq!(fault, KeyFault::NotAKey);
            assert!(!fault.to_string().contains("CANARY"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_is_for_its_owner_alone_and_is_never_overwritten() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("key-{}", uuid::Uuid::new_v4()));
        let first = key();
        first.write_new(&path).unwrap();
        assert!(key().write_new(&path).is_err());
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(Keyring::parse(&text).unwrap().newest(), first.id());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(path).unwrap();
    }
}
