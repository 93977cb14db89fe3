//! The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677).

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The least that drivers accept; more would only slow the tests down.
const ITERATIONS: u32 = 4096;

type Block = [u8; 32];

/// An exchange after the client's first message.
#[derive(Debug)]
pub(super) struct Exchange {
    user: String,
    client_first: String,
    server_first: String,
    nonce: String,
    salt: [u8; 16],
}

impl Exchange {
    /// Reads `n,,n=user,r=nonce`; `None` where it is not that.
    pub(super) fn begin(payload: &[u8]) -> Option<Self> {
        let client_first = std::str::from_utf8(payload).ok()?.strip_prefix("n,,")?;
        let user = field(client_first, "n=")?
            .replace("=2C", ",")
            .replace("=3D", "=");
        let own = BASE64_STANDARD.encode(bson::Uuid::new().bytes());
        let nonce = format!("{}{own}", field(client_first, "r=")?);
        let salt = bson::Uuid::new().bytes();
        let server_first = format!(
            "r={nonce},s={},i={ITERATIONS}",
            BASE64_STANDARD.encode(salt)
        );
        Some(Self {
            user,
            client_first: client_first.to_owned(),
            server_first,
            nonce,
            salt,
        })
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn challenge(&self) -> &str {
        &self.server_first
    }

    /// The server's last message, if the client's proof fits one of the passwords.
    pub(super) fn finish(&self, payload: &[u8], passwords: &[&str]) -> Option<String> {
        let text = std::str::from_utf8(payload).ok()?;
        if field(text, "r=")? != self.nonce {
            return None;
        }
        let (bare, proof) = text.rsplit_once(",p=")?;
        let proof: Block = BASE64_STANDARD.decode(proof).ok()?.try_into().ok()?;
        let message = format!("{},{},{bare}", self.client_first, self.server_first);
        let salted = passwords.iter().find_map(|password| {
            let salted = salt(password.as_bytes(), &self.salt)?;
            let stored: Block = Sha256::digest(mac(&salted, b"Client Key")?).into();
            let client_key = xor(proof, mac(&stored, message.as_bytes())?);
            (Block::from(Sha256::digest(client_key)) == stored).then_some(salted)
        })?;
        let server_key = mac(&salted, b"Server Key")?;
        Some(format!(
            "v={}",
            BASE64_STANDARD.encode(mac(&server_key, message.as_bytes())?)
        ))
    }
}

/// The user and the password of a `PLAIN` message.
pub(super) fn plain(payload: &[u8]) -> Option<(String, String)> {
    let mut parts = std::str::from_utf8(payload).ok()?.split('\0').skip(1);
    let (user, password) = (parts.next()?, parts.next()?);
    (!user.is_empty()).then(|| (user.to_owned(), password.to_owned()))
}

fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name))
}

fn mac(key: &[u8], message: &[u8]) -> Option<Block> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().into())
}

/// PBKDF2 for the one block that SHA-256 needs.
fn salt(password: &[u8], salt: &[u8]) -> Option<Block> {
    let keyed = Hmac::<Sha256>::new_from_slice(password).ok()?;
    let round = |message: &[u8]| -> Block {
        let mut mac = keyed.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    };
    let mut last = round(&[salt, &1_u32.to_be_bytes()].concat());
    let mut sum = last;
    for _ in 1..ITERATIONS {
        last = round(&last);
        sum = xor(sum, last);
    }
    Some(sum)
}

fn xor(a: Block, b: Block) -> Block {
    std::array::from_fn(|at| a[at] ^ b[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exchange_of_the_rfc_is_reproduced() {
        let exchange = Exchange {
            user: "user".to_owned(),
            client_first: "n=user,r=rOprNGfwEbeRWgbNEkqO".to_owned(),
            server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                           s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
                .to_owned(),
            nonce: "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned(),
            salt: BASE64_STANDARD
                .decode("W22ZaJ0SNY7soEsUEjb6gQ==")
                .unwrap()
                .try_into()
                .unwrap(),
        };
        let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                     p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let answer = exchange.finish(last, &["other", "pencil"]).unwrap();
        assert_eq!(answer, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert_eq!(exchange.finish(last, &["other"]), None);
    }

    #[test]
    fn messages_that_are_none_are_refused() {
        for payload in [&b""[..], b"n,,", b"n,,n=user", b"y,,n=user,r=x", &[0xff; 8]] {
            assert!(Exchange::begin(payload).is_none());
        }
        assert_eq!(
            plain(b"\0ada\0pw"),
            Some(("ada".to_owned(), "pw".to_owned()))
        );
        assert_eq!(plain(b"ada"), None);
    }
}
