//! Names of what is kept: hashed, so that no key tells an account, an argument or a phone number.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// One name for all the parts together. Where one part ends and the next begins is part of it.
pub fn hashed(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_depends_on_every_part_and_on_where_it_ends() {
        let names = [
            hashed(&["ab", "c"]),
            hashed(&["a", "bc"]),
            hashed(&["abc"]),
            hashed(&["abc", ""]),
        ];
        for (n, name) in names.iter().enumerate() {
            assert_eq!(name.len(), 43);
            assert!(!names[..n].contains(name));
        }
    }
}
