//! Pictures: plain ones of any size in few bytes, and what the head of a file tells.

mod jpeg;
mod png;
mod webp;

/// How a picture is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
    /// GIF.
    Gif,
}

impl Format {
    /// `png`, `jpeg`, `webp`, `gif`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
            Self::Gif => "gif",
        }
    }
}

/// What the head of a file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// How it is coded.
    pub format: Format,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Read the head of a picture; `None` for anything else.
pub fn read(bytes: &[u8]) -> Option<Picture> {
    let (format, (width, height)) = None
        .or_else(|| Some((Format::Png, png::size(bytes)?)))
        .or_else(|| Some((Format::Jpeg, jpeg::size(bytes)?)))
        .or_else(|| Some((Format::Webp, webp::size(bytes)?)))
        .or_else(|| Some((Format::Gif, gif(bytes)?)))?;
    (width > 0 && height > 0).then_some(Picture {
        format,
        width,
        height,
    })
}

fn gif(bytes: &[u8]) -> Option<(u32, u32)> {
    let head = bytes
        .strip_prefix(b"GIF87a")
        .or_else(|| bytes.strip_prefix(b"GIF89a"))?;
    let (width, rest) = head.split_first_chunk()?;
    let (height, _) = rest.split_first_chunk()?;
    Some((
        u16::from_le_bytes(*width).into(),
        u16::from_le_bytes(*height).into(),
    ))
}

/// A PNG of one colour, or of nothing at all.
pub fn png(width: u32, height: u32, colour: [u8; 3], transparent: bool) -> Vec<u8> {
    png::plain(width, height, colour, transparent)
}

/// A JPEG of one colour, at most 65,535 pixels each way.
pub fn jpeg(width: u16, height: u16, colour: [u8; 3]) -> Vec<u8> {
    jpeg::plain(width, height, colour)
}

/// A WebP of one colour, or of nothing at all, at most 16,384 pixels each way.
pub fn webp(width: u16, height: u16, colour: [u8; 3], transparent: bool) -> Vec<u8> {
    webp::plain(width, height, colour, transparent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 3] = [200, 30, 30];

    #[test]
    fn the_sizes_of_what_is_made_are_read_back() {
        for (made, format) in [
            (png(1536, 1024, RED, false), Format::Png),
            (jpeg(1536, 1024, RED), Format::Jpeg),
            (webp(1536, 1024, RED, true), Format::Webp),
        ] {
            let expected = Picture {
                format,
                width: 1536,
                height: 1024,
            };
            assert_eq!(read(&made), Some(expected));
            assert!(made.len() < 20_000, "{format:?}: {} bytes", made.len());
        }
    }

    #[test]
    fn a_gif_is_known() {
        let gif = read(b"GIF89a\x02\x01\x03\0\0\0\0").unwrap();
        assert_eq!((gif.format, gif.width, gif.height), (Format::Gif, 258, 3));
    }

    #[test]
    fn what_breaks_off_or_is_something_else_is_none() {
        for made in [
            png(8, 8, RED, false),
            jpeg(8, 8, RED),
            webp(8, 8, RED, false),
        ] {
            for cut in 0..20 {
                assert_eq!(read(&made[..cut]), None, "{cut}");
            }
        }
        for other in [&b""[..], b"GIF89a", b"%PDF-1.7", b"RIFF\0\0\0\0WAVEfmt "] {
            assert_eq!(read(other), None);
        }
    }
}
