//! `/audio`. Sound is measured, not heard: the words follow from the name of the file.
//!
//! | the file | the transcript |
//! |---|---|
//! | `sandbox-say-some-words.wav` | `Some words.` |
//! | any other | `This is the recording NAME.` |
//!
//! WAV tells its own duration. Other codings are known by their first bytes, and a second is counted for each 16,000
//! bytes, as of 128 kbit/s.

mod heard;
mod speech;
mod subtitles;
mod transcribe;

pub(super) use speech::create as speak;
pub(super) use transcribe::{transcribe, translate};
