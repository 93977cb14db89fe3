//! Which models there are, what each is for, and when it ends.

use std::sync::Arc;

use business_tools_sandbox::axum::extract::{Path, State};
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::json;
use serde_json::{Value, json};

use super::answer::{Refusal, Taken};
use super::{Caller, World};

/// The day the simulator stands at: what ended before it is gone, what ends later says when.
pub(super) const TODAY: &str = "2026-11-25";

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Text from text and pictures.
    Text,
    /// The same, with thought before it.
    Reasoning,
    Image,
    /// `whisper-1`: every format, times of words, and the only one that translates.
    Whisper,
    /// Plain transcripts.
    Transcribe,
    /// Transcripts that tell who speaks.
    Diarize,
    Speech,
    /// Vectors of this many numbers; the first kind cannot be shortened.
    Embed {
        size: usize,
        short: bool,
    },
    Moderate,
}

impl Job {
    /// Whether it answers in text.
    pub(super) fn talks(self) -> bool {
        matches!(self, Self::Text | Self::Reasoning)
    }
}

pub(super) struct Model {
    pub(super) id: &'static str,
    created: i64,
    shutdown: Option<&'static str>,
    pub(super) job: Job,
}

const fn model(id: &'static str, created: i64, shutdown: Option<&'static str>, job: Job) -> Model {
    Model {
        id,
        created,
        shutdown,
        job,
    }
}

const ENDED: Option<&str> = Some("2026-10-23");
const DALL_E: Option<&str> = Some("2026-05-12");
const DECEMBER: Option<&str> = Some("2026-12-01");
const OLD_FIVE: Option<&str> = Some("2026-12-11");
const SPEECH: Option<&str> = Some("2027-01-06");
const FOUR: Option<&str> = Some("2027-01-14");
const HEARING: Option<&str> = Some("2027-02-26");
const APRIL: Option<&str> = Some("2027-04-01");

/// Published by OpenAI's page of deprecations, as of [`TODAY`].
const MODELS: &[Model] = &[
    model("gpt-6.1-sol", 1_793_491_200, None, Job::Reasoning),
    model("gpt-6.1-terra", 1_793_491_200, None, Job::Reasoning),
    model("gpt-6-sol", 1_787_788_800, None, Job::Reasoning),
    model("gpt-6-luna", 1_787_788_800, None, Job::Reasoning),
    model("gpt-6-astra", 1_787_788_800, None, Job::Reasoning),
    model("gpt-5.6-sol", 1_782_086_400, None, Job::Reasoning),
    model("gpt-5.6-terra", 1_782_086_400, None, Job::Reasoning),
    model("gpt-5.6-luna", 1_782_086_400, None, Job::Reasoning),
    model("gpt-5.5", 1_776_902_400, None, Job::Reasoning),
    model("gpt-5.4", 1_772_582_400, None, Job::Reasoning),
    model("gpt-5.4-mini", 1_773_705_600, None, Job::Reasoning),
    model("gpt-5.4-nano", 1_773_705_600, APRIL, Job::Reasoning),
    model("gpt-5.1", 1_762_800_669, APRIL, Job::Reasoning),
    model("gpt-5", 1_754_425_777, OLD_FIVE, Job::Reasoning),
    model("gpt-5-mini", 1_754_425_928, OLD_FIVE, Job::Reasoning),
    model("gpt-5-nano", 1_754_426_384, OLD_FIVE, Job::Reasoning),
    model("gpt-5-pro", 1_759_469_822, OLD_FIVE, Job::Reasoning),
    model("o3", 1_744_225_308, OLD_FIVE, Job::Reasoning),
    model("o3-pro", 1_748_475_349, OLD_FIVE, Job::Reasoning),
    model("gpt-4.1", 1_744_316_542, FOUR, Job::Text),
    model("gpt-4.1-mini", 1_744_318_173, FOUR, Job::Text),
    model("gpt-4o", 1_715_367_049, FOUR, Job::Text),
    model("gpt-4o-mini", 1_721_172_741, FOUR, Job::Text),
    model("gpt-image-2.6-sunburst", 1_791_763_200, None, Job::Image),
    model("gpt-image-2.6-flare", 1_791_763_200, None, Job::Image),
    model("gpt-image-2", 1_776_729_600, None, Job::Image),
    model("gpt-image-1.5", 1_764_030_800, DECEMBER, Job::Image),
    model("gpt-image-1-mini", 1_758_845_821, DECEMBER, Job::Image),
    model("chatgpt-image-latest", 1_765_925_279, DECEMBER, Job::Image),
    model("gpt-transcribe", 1_787_702_400, None, Job::Transcribe),
    model("gpt-4o-transcribe", 1_742_068_463, HEARING, Job::Transcribe),
    model(
        "gpt-4o-mini-transcribe",
        1_742_068_596,
        HEARING,
        Job::Transcribe,
    ),
    model(
        "gpt-4o-transcribe-diarize",
        1_750_798_887,
        HEARING,
        Job::Diarize,
    ),
    model("whisper-1", 1_677_532_384, HEARING, Job::Whisper),
    model("gpt-4o-mini-tts", 1_742_403_959, SPEECH, Job::Speech),
    model("tts-1", 1_681_940_951, SPEECH, Job::Speech),
    model("tts-1-hd", 1_699_046_015, SPEECH, Job::Speech),
    model(
        "text-embedding-3-small",
        1_705_948_997,
        None,
        vectors(1536, true),
    ),
    model(
        "text-embedding-3-large",
        1_705_953_180,
        None,
        vectors(3072, true),
    ),
    model(
        "text-embedding-ada-002",
        1_671_217_299,
        None,
        vectors(1536, false),
    ),
    model("omni-moderation-latest", 1_731_689_265, None, Job::Moderate),
    model(
        "omni-moderation-2024-09-26",
        1_732_734_466,
        None,
        Job::Moderate,
    ),
    model("gpt-3.5-turbo", 1_677_610_602, ENDED, Job::Text),
    model("gpt-4", 1_687_882_411, ENDED, Job::Text),
    model("gpt-4-turbo", 1_712_361_441, ENDED, Job::Text),
    model("gpt-4o-2024-05-13", 1_715_368_132, ENDED, Job::Text),
    model("gpt-4.1-nano", 1_744_321_707, ENDED, Job::Text),
    model("o1", 1_734_375_816, ENDED, Job::Reasoning),
    model("o1-pro", 1_742_251_791, ENDED, Job::Reasoning),
    model("o3-mini", 1_737_146_383, ENDED, Job::Reasoning),
    model("o4-mini", 1_744_225_351, ENDED, Job::Reasoning),
    model("gpt-image-1", 1_745_517_030, ENDED, Job::Image),
    model("dall-e-2", 1_698_798_177, DALL_E, Job::Image),
    model("dall-e-3", 1_698_785_189, DALL_E, Job::Image),
];

const fn vectors(size: usize, short: bool) -> Job {
    Job::Embed { size, short }
}

impl Model {
    fn is_gone(&self) -> bool {
        self.shutdown.is_some_and(|day| day <= TODAY)
    }

    fn show(&self) -> Value {
        json!({"id": self.id, "object": "model", "created": self.created, "owned_by": "system",
               "shutdown_date": self.shutdown})
    }
}

/// The model of this name, if it still works.
pub(super) fn find(id: &str) -> Taken<&'static Model> {
    match MODELS.iter().find(|model| model.id == id) {
        Some(model) if !model.is_gone() => Ok(model),
        Some(_) => Err(not_found(format!(
            "The model `{id}` has been deprecated, learn more here: \
             https://platform.openai.com/docs/deprecations"
        ))),
        None => Err(not_found(format!(
            "The model `{id}` does not exist or you do not have access to it."
        ))),
    }
}

/// The model of this name, if it does this kind of work.
pub(super) fn find_for(id: &str, fits: impl Fn(Job) -> bool) -> Taken<&'static Model> {
    let model = find(id)?;
    if fits(model.job) {
        return Ok(model);
    }
    let able = MODELS
        .iter()
        .filter(|able| !able.is_gone() && fits(able.job));
    let able: Vec<_> = able.map(|able| able.id).collect();
    Err(super::args::unsupported("model", id, &able))
}

fn not_found(message: String) -> Refusal {
    Refusal::new(404, message).code("model_not_found")
}

pub(super) async fn list(State(_): State<Arc<World>>, _: Caller) -> Response {
    let present = MODELS.iter().filter(|model| !model.is_gone());
    json::ok(&json!({"object": "list", "data": present.map(Model::show).collect::<Vec<_>>()}))
}

pub(super) async fn fetch(_: Caller, Path(id): Path<String>) -> Taken<Response> {
    find(&id).map(|model| json::ok(&model.show()))
}
