//! Results as they are shared: JSON, compressed where that is worth the time.

use serde_json::Value;

/// What is smaller stays as it is.
#[cfg(feature = "redis")]
const COMPRESSED_FROM: usize = 1 << 10;
/// Larger results are not shared.
pub(super) const LARGEST: usize = 256 << 10;
/// No shared result is larger than this when it is unpacked.
#[cfg(feature = "redis")]
const LARGEST_UNPACKED: usize = 16 << 20;

const PLAIN: u8 = 0;
#[cfg(feature = "redis")]
const LZ4: u8 = 1;

/// Bytes to be sealed and shared; nothing of a result that is too large for it.
pub(super) fn pack(value: &Value) -> Option<Vec<u8>> {
    let mut bytes = vec![PLAIN];
    serde_json::to_writer(&mut bytes, value).ok()?;
    let bytes = compressed(bytes)?;
    (bytes.len() <= LARGEST).then_some(bytes)
}

/// The result; nothing of what another version packed in a way that is not known here.
pub(super) fn unpack(bytes: &[u8]) -> Option<Value> {
    match bytes.split_first()? {
        (&PLAIN, json) => serde_json::from_slice(json).ok(),
        #[cfg(feature = "redis")]
        (&LZ4, rest) => {
            let (size, block) = lz4_flex::block::uncompressed_size(rest).ok()?;
            if size > LARGEST_UNPACKED {
                return None;
            }
            let json = lz4_flex::block::decompress(block, size).ok()?;
            serde_json::from_slice(&json).ok()
        }
        _ => None,
    }
}

#[cfg(feature = "redis")]
fn compressed(plain: Vec<u8>) -> Option<Vec<u8>> {
    if plain.len() < COMPRESSED_FROM {
        return Some(plain);
    }
    if plain.len() > LARGEST_UNPACKED {
        return None;
    }
    let block = lz4_flex::block::compress_prepend_size(&plain[1..]);
    Some(if block.len() + 1 < plain.len() {
        [&[LZ4], &block[..]].concat()
    } else {
        plain
    })
}

#[cfg(not(feature = "redis"))]
#[expect(clippy::unnecessary_wraps, reason = "as with compression")]
fn compressed(plain: Vec<u8>) -> Option<Vec<u8>> {
    Some(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn small_results_stay_as_they_are_and_large_ones_get_smaller() {
        let small = json!({"id": "a", "n": 1.5, "z": null, "a": [1, -2]});
        let packed = pack(&small).unwrap();
        assert_eq!(packed[0], PLAIN);
        assert_eq!(unpack(&packed).unwrap().to_string(), small.to_string());
        let large = json!({"items": vec![small; 1000]});
        let packed = pack(&large).unwrap();
        assert_eq!(unpack(&packed), Some(large.clone()));
        #[cfg(feature = "redis")]
        assert!(packed.len() < large.to_string().len() / 10);
    }

    #[test]
    fn what_stays_too_large_is_not_shared() {
        let noise = |_| fastrand::alphanumeric();
        let text: String = (0..LARGEST * 2).map(noise).collect();
        assert_eq!(pack(&json!({ "text": text })), None);
    }

    #[test]
    fn bytes_of_any_kind_are_a_miss_and_no_panic() {
        let packed = pack(&json!({"text": "x".repeat(5000)})).unwrap();
        for cut in 0..packed.len() {
            assert_eq!(unpack(&packed[..cut]), None, "cut at {cut}");
        }
        for wrong in [&[9, 1, 2][..], &[1, 255, 255, 255, 255, 0], &[0], &[1]] {
            assert_eq!(unpack(wrong), None);
        }
    }
}
