//! What a file is, by its first bytes, its name and its media type.

/// An image that models can look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picture {
    Png,
    Jpeg,
    Webp,
    Gif,
}

impl Picture {
    /// What the first bytes say; a name may lie.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Self::Webp,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            _ => return None,
        })
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Gif => "gif",
        }
    }
}

/// The audio formats that can be transcribed, as extensions.
pub(crate) const AUDIO: [&str; 9] = [
    "flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm",
];

/// The extension of a file name, in small letters.
pub(crate) fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_ascii_lowercase())
}

/// The extension of an audio file, by its name, or else by its media type, or else by its first bytes.
pub(crate) fn audio(name: &str, media_type: Option<&str>, bytes: &[u8]) -> Option<&'static str> {
    let named = extension(name);
    let known = AUDIO.iter().find(|known| Some(**known) == named.as_deref());
    let told = || {
        Some(match media_type? {
            "audio/flac" | "audio/x-flac" => "flac",
            "audio/mpeg" | "audio/mp3" => "mp3",
            "audio/mp4" | "audio/m4a" | "audio/x-m4a" => "m4a",
            "video/mp4" => "mp4",
            "audio/ogg" | "application/ogg" => "ogg",
            "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wav",
            "audio/webm" | "video/webm" => "webm",
            _ => return None,
        })
    };
    let seen = || {
        Some(match bytes {
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'A',
                b'V',
                b'E',
                ..,
            ] => "wav",
            [b'f', b'L', b'a', b'C', ..] => "flac",
            [b'O', b'g', b'g', b'S', ..] => "ogg",
            [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => "mp3",
            [0x1a, 0x45, 0xdf, 0xa3, ..] => "webm",
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => "m4a",
            _ => return None,
        })
    };
    known.copied().or_else(told).or_else(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_first_bytes() {
        for (bytes, picture) in [
            (&b"\x89PNG\r\n\x1a\n rest"[..], Some(Picture::Png)),
            (b"\xff\xd8\xff\xe0", Some(Picture::Jpeg)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(Picture::Webp)),
            (b"GIF89a...", Some(Picture::Gif)),
            (b"RIFF\0\0\0\0WAVEfmt ", None),
            (b"<svg>", None),
            (b"", None),
        ] {
            assert_eq!(Picture::of(bytes), picture, "{bytes:?}");
        }
    }

    #[test]
    fn audio_is_known_by_its_name_then_its_type_then_its_bytes() {
        assert_eq!(audio("Call.MP3", None, b""), Some("mp3"));
        assert_eq!(audio("download", Some("audio/x-wav"), b""), Some("wav"));
        assert_eq!(
            audio("x.php", Some("application/octet-stream"), b"OggS"),
            Some("ogg")
        );
        assert_eq!(audio("x.mp3", Some("audio/wav"), b"OggS"), Some("mp3"));
        for name in ["notes.txt", "mp3", ".mp3", ""] {
            assert_eq!(audio(name, None, b"Dear diary"), None, "{name}");
        }
    }
}
