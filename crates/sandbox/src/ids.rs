//! Ids in the shapes providers give them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// A random id: `prefix` and 32 lowercase hexadecimal digits.
pub fn hex32(prefix: &str) -> String {
    hex(prefix, fastrand::u128(..))
}

/// A random id: `prefix` and `len` digits and letters of both cases.
pub fn alphanumeric(prefix: &str, len: usize) -> String {
    prefix
        .chars()
        .chain(std::iter::repeat_with(fastrand::alphanumeric).take(len))
        .collect()
}

/// Whether `id` is `prefix` and 32 hexadecimal digits of either case.
pub fn is_hex32(prefix: &str, id: &str) -> bool {
    id.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The id that always belongs to `name`: for what must exist beforehand, found again by name.
pub fn hex32_of(prefix: &str, name: &str) -> String {
    // FNV-1a. Two names that collide in a sandbox would have to be looked for.
    let hash = name.bytes().fold(
        0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128,
        |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        },
    );
    hex(prefix, hash)
}

/// Ids that come out the same in every run: the seed and the count decide.
#[derive(Debug, Default)]
pub struct Sequence {
    seed: u64,
    count: AtomicU64,
}

impl Sequence {
    /// Sequences with the same seed give the same ids.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            count: AtomicU64::new(0),
        }
    }

    /// The next id: `prefix` and 32 hexadecimal digits.
    pub fn hex32(&self, prefix: &str) -> String {
        let count = self.number();
        let mut random =
            fastrand::Rng::with_seed(self.seed ^ count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        hex(prefix, random.u128(..))
    }

    /// The next number, from 1.
    pub fn number(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Start over.
    pub fn reset(&self) {
        self.count.store(0, Ordering::Relaxed);
    }
}

fn hex(prefix: &str, value: u128) -> String {
    let mut id = String::with_capacity(prefix.len() + 32);
    id.push_str(prefix);
    // Writing to a string cannot fail.
    let _ = write!(id, "{value:032x}");
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_have_the_form_and_differ() {
        let (a, b) = (hex32("SM"), hex32("SM"));
        assert!(is_hex32("SM", &a) && is_hex32("SM", &b));
        assert_ne!(a, b);
        assert!(!is_hex32("AC", &a));
        assert!(!is_hex32("SM", &a[..33]));
        assert_eq!(alphanumeric("ch_", 24).len(), 27);
    }

    #[test]
    fn a_sequence_repeats_itself_after_a_reset() {
        let ids = Sequence::new(7);
        let first = [ids.hex32("SM"), ids.hex32("SM")];
        assert_ne!(first[0], first[1]);
        ids.reset();
        assert_eq!([ids.hex32("SM"), ids.hex32("SM")], first);
        assert_ne!(Sequence::new(8).hex32("SM"), first[0]);
    }

    #[test]
    fn a_name_has_one_id() {
        assert_eq!(hex32_of("VA", "login"), hex32_of("VA", "login"));
        assert_ne!(hex32_of("VA", "login"), hex32_of("VA", "logon"));
        assert!(is_hex32("VA", &hex32_of("VA", "")));
    }
}
