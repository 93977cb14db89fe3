//! What is heard in a recording.

use std::time::Duration;

use business_tools_sandbox::multipart::Part;
use business_tools_sandbox::wav;

use super::super::answer::{Refusal, Taken};

/// The largest recording.
const LARGEST: usize = 25 * 1024 * 1024;

const KINDS: &[&str] = &[
    "flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm",
];

/// A recording that was understood.
pub(super) struct Heard {
    pub(super) text: String,
    pub(super) seconds: f64,
}

/// A sentence, where it begins and ends, in seconds.
pub(super) struct Segment<'a> {
    pub(super) text: &'a str,
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Heard {
    pub(super) fn listen(part: &Part) -> Taken<Self> {
        let name = part.file_name.as_deref().unwrap_or_default();
        if part.bytes.len() > LARGEST {
            let message = format!(
                "Maximum content size limit ({LARGEST}) exceeded ({} bytes read)",
                part.bytes.len()
            );
            return Err(Refusal::new(413, message));
        }
        let kind = name
            .rsplit_once('.')
            .map(|(_, kind)| kind.to_ascii_lowercase());
        if !kind.as_deref().is_some_and(|kind| KINDS.contains(&kind)) {
            let known: Vec<_> = KINDS.iter().map(|kind| format!("'{kind}'")).collect();
            let message = format!(
                "Invalid file format. Supported formats: [{}]",
                known.join(", ")
            );
            return Err(Refusal::new(400, message).param("file"));
        }
        let Some(duration) = duration(&part.bytes) else {
            let message = "Audio file might be corrupted or unsupported".to_owned();
            return Err(Refusal::at("file", "invalid_value", message));
        };
        if duration < Duration::from_millis(100) {
            let message =
                "Audio file is too short. Minimum audio length is 0.1 seconds.".to_owned();
            return Err(Refusal::at("file", "audio_too_short", message));
        }
        Ok(Self {
            text: words(name),
            seconds: duration.as_secs_f64(),
        })
    }

    /// The sentences; each lasts as long as its letters.
    pub(super) fn segments(&self) -> Vec<Segment<'_>> {
        spread(self.text.split_inclusive(". ").map(str::trim), self.seconds)
    }

    pub(super) fn words(&self) -> Vec<Segment<'_>> {
        spread(self.text.split_whitespace(), self.seconds)
    }
}

/// Texts over a time, by their letters.
#[expect(clippy::cast_precision_loss, reason = "texts are short")]
fn spread<'a>(texts: impl Iterator<Item = &'a str> + Clone, seconds: f64) -> Vec<Segment<'a>> {
    let letters: usize = texts.clone().map(str::len).sum();
    let mut at = 0;
    let time = |at: usize| (at as f64 / letters.max(1) as f64 * seconds * 100.0).round() / 100.0;
    texts
        .map(|text| {
            let start = at;
            at += text.len();
            Segment {
                text,
                start: time(start),
                end: time(at),
            }
        })
        .collect()
}

/// How long a recording is; `None` if it is none.
fn duration(bytes: &[u8]) -> Option<Duration> {
    if bytes.starts_with(b"RIFF") {
        return wav::read(bytes).map(|wav| wav.duration);
    }
    let starts = |mark: &[u8]| bytes.starts_with(mark);
    let mpeg = bytes.first() == Some(&0xff) && bytes.get(1).is_some_and(|b| b & 0xe0 == 0xe0);
    let known = mpeg
        || starts(b"ID3")
        || starts(b"fLaC")
        || starts(b"OggS")
        || starts(b"\x1a\x45\xdf\xa3")
        || bytes.get(4..8) == Some(b"ftyp");
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    // No recording is shorter than a frame or two.
    known.then(|| {
        Duration::from_micros(size.saturating_mul(1_000_000) / 16_000)
            .max(Duration::from_millis(500))
    })
}

fn words(name: &str) -> String {
    let stem = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    let Some(said) = stem.strip_prefix("sandbox-say-") else {
        return format!("This is the recording {stem}.");
    };
    let said = said.replace(['-', '_'], " ");
    let mut letters = said.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
