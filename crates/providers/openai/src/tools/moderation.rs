//! Content checks.

use business_tools_core::{Cx, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{MODEL, READ, put};
use crate::OpenAi;
use crate::media;
use crate::models::Work;

/// Scores below this say nothing.
const WORTH_TELLING: f64 = 0.01;

/// Check texts or images for harmful content.
///
/// Each text gets a result of its own. Texts and images together are one thing and get one.
///
/// # Source
/// <https://developers.openai.com/api/docs/guides/moderation> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModerateContent {
    /// Texts, image URLs.
    #[schemars(length(min = 1, max = 500), inner(length(min = 1, max = 20_971_520)))]
    input: Vec<String>,
    /// Model.
    #[schemars(regex(pattern = MODEL))]
    model: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct Verdicts {
    /// Whether anything was.
    flagged: bool,
    /// In the order of the input.
    results: Vec<Verdict>,
    model: String,
}

/// What was found in one thing.
#[derive(Debug, Serialize)]
pub struct Verdict {
    flagged: bool,
    /// The kinds of harm that were found.
    categories: Vec<String>,
    /// How sure the model is, where there is anything to say.
    scores: Map<String, Value>,
}

impl Tool for ModerateContent {
    type Provider = OpenAi;
    type Output = Verdicts;
    const SPEC: Spec = Spec::read("openai_moderate_content")
        .scopes(READ)
        .cached(300);

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Verdicts> {
        let service = &openai.service;
        let model = service.model(self.model, Work::Moderation);
        let input: Value = if self.input.iter().any(|item| is_image(item)) {
            self.input.into_iter().map(part).collect()
        } else {
            self.input.into()
        };
        let mut body = Map::new();
        put(&mut body, "model", Some(&model));
        put(&mut body, "input", Some(input));
        let request = service.client.post(&["moderations"], Value::Object(body));
        let given = service
            .ask_json(cx, Work::Moderation, &model, request)
            .await?;
        let results = given.get("results").and_then(Value::as_array);
        let results: Vec<Verdict> = results.into_iter().flatten().map(verdict).collect();
        Ok(Verdicts {
            flagged: results.iter().any(|result| result.flagged),
            results,
            model,
        })
    }
}

/// Whether a text is nothing but the address of an image, or holds one.
fn is_image(text: &str) -> bool {
    const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];
    if text.starts_with("data:image/") {
        return true;
    }
    let url = Some(text).filter(|text| text.starts_with("https://"));
    let url = url.and_then(|text| url::Url::parse(text).ok());
    let ending = url.and_then(|url| media::extension(url.path()));
    !text.contains(char::is_whitespace) && ending.is_some_and(|ending| ENDINGS.contains(&&*ending))
}

fn part(item: String) -> Value {
    if is_image(&item) {
        json!({"type": "image_url", "image_url": {"url": item}})
    } else {
        json!({"type": "text", "text": item})
    }
}

fn verdict(given: &Value) -> Verdict {
    let all = |name: &str| given[name].as_object().into_iter().flatten();
    let found = all("categories").filter(|(_, found)| *found == true);
    let mut scores: Vec<(&String, f64)> = all("category_scores")
        .filter_map(|(name, score)| Some((name, score.as_f64()?)))
        .filter(|(_, score)| *score >= WORTH_TELLING)
        .collect();
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    Verdict {
        flagged: given["flagged"] == true,
        categories: found.map(|(name, _)| name.clone()).collect(),
        scores: scores
            .into_iter()
            .map(|(name, score)| (name.clone(), ((score * 1e4).round() / 1e4).into()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_an_address_of_one_and_nothing_else() {
        for image in [
            "data:image/png;base64,AAAA",
            "https://example.com/a/photo.JPG?size=1",
        ] {
            assert!(is_image(image), "{image}");
        }
        for text in [
            "see https://example.com/photo.jpg",
            "https://example.com/photo.jpg is mine",
            "https://example.com/page",
            "http://example.com/photo.jpg",
            "photo.jpg",
        ] {
            assert!(!is_image(text), "{text}");
        }
    }
}
