//! SubRip and WebVTT.

use super::heard::Segment;

pub(super) fn srt(segments: &[Segment<'_>]) -> String {
    let block = |(index, segment): (usize, &Segment<'_>)| {
        let Segment { text, start, end } = segment;
        format!(
            "{}\n{} --> {}\n{text}\n\n",
            index + 1,
            time(*start, ','),
            time(*end, ',')
        )
    };
    segments.iter().enumerate().map(block).collect()
}

pub(super) fn vtt(segments: &[Segment<'_>]) -> String {
    let block = |segment: &Segment<'_>| {
        let Segment { text, start, end } = segment;
        format!("{} --> {}\n{text}\n\n", time(*start, '.'), time(*end, '.'))
    };
    let blocks: String = segments.iter().map(block).collect();
    format!("WEBVTT\n\n{blocks}")
}

/// `00:01:02,500`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "recordings are short"
)]
fn time(seconds: f64, mark: char) -> String {
    let millis = (seconds * 1000.0).round() as u64;
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, millis) = (millis / 1_000 % 60, millis % 1_000);
    format!("{hours:02}:{minutes:02}:{seconds:02}{mark}{millis:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_tell_times_in_their_own_way() {
        let segments = [
            Segment {
                text: "One.",
                start: 0.0,
                end: 62.5,
            },
            Segment {
                text: "Two.",
                start: 62.5,
                end: 3_661.25,
            },
        ];
        assert_eq!(
            srt(&segments),
            "1\n00:00:00,000 --> 00:01:02,500\nOne.\n\n2\n00:01:02,500 --> 01:01:01,250\nTwo.\n\n"
        );
        assert_eq!(
            vtt(&segments),
            "WEBVTT\n\n00:00:00.000 --> 00:01:02.500\nOne.\n\n00:01:02.500 --> 01:01:01.250\nTwo.\n\n"
        );
    }
}
