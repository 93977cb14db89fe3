//! Which model does which kind of work, and what to say when one is gone.

use schemars::JsonSchema;
use serde::Deserialize;

/// The kinds of work that models do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Text,
    Vision,
    Image,
    Transcription,
    Translation,
    Speech,
    Embedding,
    Moderation,
}

/// The model of each kind of work, where a call names none.
///
/// The defaults are those of November 2026: names of models come and go, so all of them are settings.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Models {
    /// Text: openai_generate_text, openai_create_chat_completion.
    pub text: String,
    /// Looking at images: openai_analyze_image.
    pub vision: String,
    /// Making images: openai_generate_image, openai_edit_image.
    pub image: String,
    /// Speech to text: openai_transcribe_audio.
    pub transcription: String,
    /// Speech to English text: openai_translate_audio.
    pub translation: String,
    /// Text to speech: openai_generate_speech.
    pub speech: String,
    /// Vectors: openai_create_embedding.
    pub embedding: String,
    /// Content checks: openai_moderate_content.
    pub moderation: String,
}

impl Default for Models {
    fn default() -> Self {
        let name = str::to_owned;
        Self {
            text: name("gpt-6.1-terra"),
            vision: name("gpt-6-luna"),
            image: name("gpt-image-2"),
            transcription: name("gpt-transcribe"),
            translation: name("whisper-1"),
            speech: name("gpt-4o-mini-tts"),
            embedding: name("text-embedding-3-small"),
            moderation: name("omni-moderation-latest"),
        }
    }
}

impl Models {
    /// The default of one kind of work.
    pub(crate) fn of(&self, work: Work) -> &str {
        match work {
            Work::Text => &self.text,
            Work::Vision => &self.vision,
            Work::Image => &self.image,
            Work::Transcription => &self.transcription,
            Work::Translation => &self.translation,
            Work::Speech => &self.speech,
            Work::Embedding => &self.embedding,
            Work::Moderation => &self.moderation,
        }
    }

    /// Every default with the name of its kind of work.
    pub(crate) fn all(&self) -> [(&'static str, &str); 8] {
        [
            ("text", &self.text),
            ("vision", &self.vision),
            ("image", &self.image),
            ("transcription", &self.transcription),
            ("translation", &self.translation),
            ("speech", &self.speech),
            ("embedding", &self.embedding),
            ("moderation", &self.moderation),
        ]
    }
}

/// A model as the API lists it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Listed {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) created: i64,
    #[serde(default)]
    pub(crate) owned_by: Option<String>,
    /// `2026-12-11`.
    #[serde(default)]
    pub(crate) shutdown_date: Option<String>,
}

impl Listed {
    /// Whether it still answers on a day, `2026-11-22`.
    pub(crate) fn lives_on(&self, day: &str) -> bool {
        // Days of this form have the order of their texts.
        self.shutdown_date.as_deref().is_none_or(|end| end > day)
    }
}

/// Whether a model of this name does that kind of work, as far as its name tells.
fn does(work: Work, id: &str) -> bool {
    let has = |part: &str| id.contains(part);
    match work {
        Work::Image => has("image"),
        Work::Transcription => has("transcribe") && !has("live") || id.starts_with("whisper"),
        Work::Translation => id.starts_with("whisper"),
        Work::Speech => has("tts"),
        Work::Embedding => has("embedding"),
        Work::Moderation => has("moderation"),
        Work::Text | Work::Vision => {
            const OTHERS: [&str; 12] = [
                "image",
                "transcribe",
                "tts",
                "embedding",
                "moderation",
                "realtime",
                "audio",
                "live",
                "search",
                "instruct",
                "codex",
                "translate",
            ];
            (id.starts_with("gpt-") || id.starts_with('o')) && !OTHERS.iter().any(|part| has(part))
        }
    }
}

/// The models that could do the work in place of `gone`: the operator's choice first, then the newest, and those
/// that stay before those that end.
pub(crate) fn instead<'a>(
    listed: &'a [Listed],
    work: Work,
    gone: &str,
    default: &str,
    day: &str,
) -> Vec<&'a Listed> {
    let mut fit: Vec<&Listed> = listed
        .iter()
        .filter(|model| model.id != gone && model.lives_on(day))
        .filter(|model| does(work, &model.id) || model.id == default)
        .collect();
    fit.sort_by_key(|model| {
        let rank = (model.id != default, model.shutdown_date.is_some());
        (rank, std::cmp::Reverse(model.created))
    });
    fit
}

/// The next step for whoever asked for a model that is not there.
pub(crate) fn hint(listed: &[Listed], work: Work, gone: &str, default: &str, day: &str) -> String {
    let ended = listed
        .iter()
        .find(|model| model.id == gone)
        .and_then(|model| model.shutdown_date.as_deref());
    let what = match ended {
        Some(end) if end <= day => format!("`{gone}` was shut down on {end}. "),
        Some(end) => format!("`{gone}` is not for this project and shuts down on {end}. "),
        None => String::new(),
    };
    let Some(best) = instead(listed, work, gone, default, day).into_iter().next() else {
        return format!(
            "{what}No model for this work is left on this account: see openai_list_models and \
             https://developers.openai.com/api/docs/deprecations"
        );
    };
    let until = match &best.shutdown_date {
        Some(end) => format!(", which is there until {end}"),
        None => String::new(),
    };
    format!(
        "{what}Use model `{}`{until}, or another of openai_list_models",
        best.id
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DAY: &str = "2026-11-22";

    fn listed() -> Vec<Listed> {
        serde_json::from_value(json!([
            {"id": "gpt-4", "created": 1, "shutdown_date": "2026-10-23"},
            {"id": "gpt-5", "created": 2, "shutdown_date": "2026-12-11"},
            {"id": "gpt-6-luna", "created": 3, "shutdown_date": null},
            {"id": "gpt-6.1-terra", "created": 4},
            {"id": "gpt-image-2", "created": 5, "owned_by": "system", "object": "model"},
            {"id": "gpt-4o-mini-tts", "created": 6, "shutdown_date": "2027-01-06"},
            {"id": "gpt-realtime-2.1-mini", "created": 7},
        ]))
        .unwrap()
    }

    fn names(work: Work, gone: &str, default: &str) -> Vec<String> {
        let listed = listed();
        let found = instead(&listed, work, gone, default, DAY);
        found.into_iter().map(|model| model.id.clone()).collect()
    }

    #[test]
    fn the_operators_choice_comes_first_then_what_stays_then_the_newest() {
        assert_eq!(
            names(Work::Text, "gpt-4", "gpt-6-luna"),
            ["gpt-6-luna", "gpt-6.1-terra", "gpt-5"]
        );
        assert_eq!(
            names(Work::Vision, "gpt-4", "gone-too"),
            ["gpt-6.1-terra", "gpt-6-luna", "gpt-5"]
        );
        assert_eq!(
            names(Work::Image, "dall-e-3", "gpt-image-2"),
            ["gpt-image-2"]
        );
        assert!(names(Work::Speech, "gpt-4o-mini-tts", "gpt-4o-mini-tts").is_empty());
    }

    #[test]
    fn the_hint_names_a_model_and_the_days() {
        let listed = listed();
        let text = hint(&listed, Work::Text, "gpt-4", "gpt-6-luna", DAY);
        assert!(
            text.contains("shut down on 2026-10-23") && text.contains("`gpt-6-luna`"),
            "{text}"
        );
        let text = hint(&listed, Work::Speech, "tts-1", "gpt-4o-mini-tts", DAY);
        assert!(
            text.contains("`gpt-4o-mini-tts`, which is there until 2027-01-06"),
            "{text}"
        );
        let text = hint(
            &listed,
            Work::Speech,
            "tts-1",
            "gpt-4o-mini-tts",
            "2027-01-06",
        );
        assert!(text.contains("No model for this work is left"), "{text}");
    }
}
