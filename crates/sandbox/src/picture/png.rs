//! PNG: a palette of one colour, so that every byte of the picture is zero.

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

pub(super) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes.strip_prefix(SIGNATURE)?.get(4..)?;
    let (width, rest) = rest.strip_prefix(b"IHDR")?.split_first_chunk()?;
    let (height, _) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

pub(super) fn plain(width: u32, height: u32, colour: [u8; 3], transparent: bool) -> Vec<u8> {
    // One bit a pixel, with a palette.
    let mut head = Vec::from(width.to_be_bytes());
    head.extend(height.to_be_bytes());
    head.extend([1, 3, 0, 0, 0]);
    let row = 1 + u64::from(width.div_ceil(8));

    let mut png = SIGNATURE.to_vec();
    chunk(&mut png, *b"IHDR", &head);
    chunk(&mut png, *b"PLTE", &colour);
    if transparent {
        chunk(&mut png, *b"tRNS", &[0]);
    }
    chunk(&mut png, *b"IDAT", &zeros(row * u64::from(height)));
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let start = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = crc(&png[start..]);
    png.extend(sum.to_be_bytes());
}

/// CRC-32 as PNG wants it, a bit at a time: there are few bytes.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

/// `count` zeros in the zlib format: one of them, and then copies of it in the fixed code.
fn zeros(count: u64) -> Vec<u8> {
    const LITERAL: &str = "00110000";
    /// 258 more from one byte back.
    const RUN: &str = "1100010100000";
    let (runs, single) = match count.checked_sub(1) {
        None => (0, 0),
        Some(rest) => (rest / 258, 1 + rest % 258),
    };
    let repeat = |code: &'static str, times: u64| (0..times).flat_map(|_| code.bytes());
    let bits = "110"
        .bytes()
        .chain(repeat(LITERAL, single))
        .chain(repeat(RUN, runs))
        .chain("0000000".bytes());

    let mut out = vec![0x78, 0x01];
    let (mut byte, mut filled) = (0_u8, 0);
    for bit in bits {
        byte |= (bit - b'0') << filled;
        filled += 1;
        if filled == 8 {
            out.push(byte);
            (byte, filled) = (0, 0);
        }
    }
    if filled > 0 {
        out.push(byte);
    }
    // Adler-32 of zeros.
    let sum = u32::try_from(count % 65_521).unwrap_or(0);
    out.extend(((sum << 16) | 1).to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc(b"IEND"), 0xae42_6082);
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn the_zeros_are_coded_with_their_sum() {
        // What zlib makes `\0` of: one literal, the end, and the sum.
        assert_eq!(zeros(1), [0x78, 0x01, 0x63, 0, 0, 0, 1, 0, 1]);
        assert_eq!(zeros(259)[..6], [0x78, 0x01, 0x63, 0x18, 0x05, 0x00]);
    }
}
