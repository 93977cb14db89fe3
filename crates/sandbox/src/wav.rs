//! WAV: sound that a simulator can make and measure.

use std::time::Duration;

/// What a WAV file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Samples a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// How long it plays.
    pub duration: Duration,
}

/// Read the head of a WAV file; `None` if it is none or breaks off before the sound.
pub fn read(bytes: &[u8]) -> Option<Wav> {
    let mut rest = bytes
        .strip_prefix(b"RIFF")?
        .get(4..)?
        .strip_prefix(b"WAVE")?;
    let mut format = None;
    loop {
        let (id, after) = rest.split_at_checked(4)?;
        let (size, body) = after.split_at_checked(4)?;
        let size = usize::try_from(u32::from_le_bytes(size.try_into().ok()?)).ok()?;
        match id {
            b"fmt " => {
                let channels = u16::from_le_bytes(body.get(2..4)?.try_into().ok()?);
                let rate = u32::from_le_bytes(body.get(4..8)?.try_into().ok()?);
                let bytes_per_second = u32::from_le_bytes(body.get(8..12)?.try_into().ok()?);
                if channels == 0 || rate == 0 || bytes_per_second == 0 {
                    return None;
                }
                format = Some((channels, rate, bytes_per_second));
            }
            b"data" => {
                let (channels, rate, bytes_per_second) = format?;
                // A recorder that streams does not know the size beforehand.
                let size = u64::try_from(size.min(body.len())).ok()?;
                let duration =
                    Duration::from_micros(size * 1_000_000 / u64::from(bytes_per_second));
                return Some(Wav {
                    rate,
                    channels,
                    duration,
                });
            }
            _ => {}
        }
        // Chunks are padded to even sizes.
        rest = body.get(size.checked_add(size % 2)?..)?;
    }
}

/// A WAV file around 16-bit samples of one channel.
pub fn file(rate: u32, samples: &[i16]) -> Vec<u8> {
    let size = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX - 36);
    let mut bytes = Vec::with_capacity(44 + samples.len() * 2);
    bytes.extend(b"RIFF");
    bytes.extend((size + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * 2).to_le_bytes());
    bytes.extend(2_u16.to_le_bytes());
    bytes.extend(16_u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

/// A soft square wave of this many cycles a second.
pub fn tone(rate: u32, cycles: u32, duration: Duration) -> Vec<i16> {
    let count = u64::from(rate) * u64::try_from(duration.as_millis()).unwrap_or(0) / 1000;
    let half = u64::from((rate / cycles.max(1) / 2).max(1));
    (0..count)
        .map(|at| if at / half % 2 == 0 { 800 } else { -800 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_measured() {
        let made = file(24_000, &tone(24_000, 440, Duration::from_millis(1500)));
        let expected = Wav {
            rate: 24_000,
            channels: 1,
            duration: Duration::from_millis(1500),
        };
        assert_eq!(read(&made), Some(expected));
    }

    #[test]
    fn other_chunks_are_skipped_and_a_size_too_large_is_what_is_there() {
        let mut made = file(8_000, &[0; 8_000]);
        made.splice(12..12, *b"LIST\x03\0\0\0abc\0");
        let at = made.windows(4).position(|four| four == b"data").unwrap() + 4;
        made[at..at + 4].fill(0xff);
        assert_eq!(read(&made).unwrap().duration, Duration::from_secs(1));
    }

    #[test]
    fn what_is_no_wav_is_none() {
        let made = file(8_000, &[0; 10]);
        for bytes in [&b""[..], b"RIFF", b"OggS", &made[..20], &made[..40]] {
            assert_eq!(read(bytes), None);
        }
        let mut silent = made.clone();
        silent[28..32].fill(0);
        assert_eq!(read(&silent), None);
    }
}
