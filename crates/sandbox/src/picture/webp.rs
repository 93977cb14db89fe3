//! WebP without loss: when each channel has one value, the picture itself takes no bits.

/// The bits that begin a lossless picture.
const LOSSLESS: u8 = 0x2f;

pub(super) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes.strip_prefix(b"RIFF")?.get(4..)?;
    let (kind, rest) = rest.strip_prefix(b"WEBP")?.split_first_chunk::<4>()?;
    let data = rest.get(4..)?;
    let number = |at: usize, len: usize| -> Option<u32> {
        let bytes = data.get(at..at + len)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |all, byte| (all << 8) | u32::from(*byte)),
        )
    };
    match kind {
        b"VP8L" if data.first() == Some(&LOSSLESS) => {
            let sizes = number(1, 4)?;
            Some(((sizes & 0x3fff) + 1, ((sizes >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => Some((number(4, 3)? + 1, number(7, 3)? + 1)),
        b"VP8 " if data.get(3..6)? == b"\x9d\x01\x2a" => {
            Some((number(6, 2)? & 0x3fff, number(8, 2)? & 0x3fff))
        }
        _ => None,
    }
}

pub(super) fn plain(
    width: u16,
    height: u16,
    [red, green, blue]: [u8; 3],
    transparent: bool,
) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(width.saturating_sub(1).into(), 14);
    bits.put(height.saturating_sub(1).into(), 14);
    bits.put(transparent.into(), 1);
    // The version, no transform, no cache of colours, one set of codes.
    bits.put(0, 3 + 1 + 1 + 1);
    let alpha = if transparent { 0 } else { 255 };
    for value in [green, red, blue, alpha] {
        // A code of one symbol, which has eight bits.
        bits.put(0b101, 3);
        bits.put(value.into(), 8);
    }
    // Nothing is ever copied: one symbol, of one bit.
    bits.put(0b0001, 4);

    let mut data = vec![LOSSLESS];
    data.extend(bits.bytes);
    let size = u32::try_from(data.len()).unwrap_or(0);
    data.resize(data.len().next_multiple_of(2), 0);
    let padded = u32::try_from(data.len()).unwrap_or(0);
    let mut webp = b"RIFF".to_vec();
    webp.extend((padded + 12).to_le_bytes());
    webp.extend(b"WEBPVP8L");
    webp.extend(size.to_le_bytes());
    webp.extend(data);
    webp
}

/// Bits, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn put(&mut self, value: u32, width: usize) {
        for at in 0..width {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from(value >> at & 1 == 1) << (self.count % 8);
            }
            self.count += 1;
        }
    }
}
