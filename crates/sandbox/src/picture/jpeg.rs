//! JPEG: the first block says the colour, and every other says "the same".

/// The largest value of a coefficient takes eight bits.
const CATEGORIES: u8 = 9;

pub(super) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let (marker, after) = rest.split_first_chunk::<2>()?;
        if marker[0] != 0xff {
            return None;
        }
        let (length, _) = after.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        // A start of frame; C4, C8 and CC are something else.
        if matches!(marker[1], 0xc0..=0xcf) && !matches!(marker[1], 0xc4 | 0xc8 | 0xcc) {
            let (height, more) = after.get(3..)?.split_first_chunk()?;
            let (width, _) = more.split_first_chunk()?;
            return Some((
                u16::from_be_bytes(*width).into(),
                u16::from_be_bytes(*height).into(),
            ));
        }
        rest = after.get(length.max(2)..)?;
    }
}

pub(super) fn plain(width: u16, height: u16, colour: [u8; 3]) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8];
    segment(&mut jpeg, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    // Every step is 8, which makes the coefficient of a plain block its value.
    segment(&mut jpeg, 0xdb, &[&[0][..], &[8; 64]].concat());
    let [wide, across] = width.to_be_bytes();
    let [high, down] = height.to_be_bytes();
    let frame = [
        8, high, down, wide, across, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0,
    ];
    segment(&mut jpeg, 0xc0, &frame);
    // Codes for the first coefficient: `0` for no change, five bits for each category.
    let mut first = vec![0, 1, 0, 0, 0, CATEGORIES - 1];
    first.resize(17, 0);
    first.extend(0..CATEGORIES);
    segment(&mut jpeg, 0xc4, &first);
    // For the others there is one code: no more of them.
    let mut others = vec![0x10, 1];
    others.resize(18, 0);
    segment(&mut jpeg, 0xc4, &others);
    segment(&mut jpeg, 0xda, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);

    let blocks = usize::from(width.div_ceil(8)) * usize::from(height.div_ceil(8));
    let mut bits: String = coefficients(colour).map(first_block).concat();
    bits.extend(std::iter::repeat_n("000000", blocks.saturating_sub(1)));
    for byte in bits.as_bytes().chunks(8) {
        let value = (0..8).fold(0_u8, |value, at| {
            (value << 1) | u8::from(byte.get(at).is_none_or(|bit| *bit == b'1'))
        });
        jpeg.push(value);
        if value == 0xff {
            jpeg.push(0);
        }
    }
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

fn segment(jpeg: &mut Vec<u8>, marker: u8, data: &[u8]) {
    jpeg.extend([0xff, marker]);
    let length = u16::try_from(data.len() + 2).unwrap_or(u16::MAX);
    jpeg.extend(length.to_be_bytes());
    jpeg.extend(data);
}

/// Brightness and two differences of colour, around zero.
fn coefficients([red, green, blue]: [u8; 3]) -> [i32; 3] {
    let [red, green, blue] = [red, green, blue].map(i32::from);
    [
        (299 * red + 587 * green + 114 * blue) / 1000 - 128,
        (-169 * red - 331 * green + 500 * blue) / 1000,
        (500 * red - 419 * green - 81 * blue) / 1000,
    ]
}

/// A first coefficient, and the end of the block.
fn first_block(value: i32) -> String {
    if value == 0 {
        return "00".to_owned();
    }
    let category = i32::BITS - value.abs().leading_zeros();
    let code = 0b10000 + category - 1;
    let width = category as usize;
    let bits = if value > 0 {
        value
    } else {
        value + (1 << category) - 1
    };
    format!("{code:05b}{bits:0width$b}0")
}
