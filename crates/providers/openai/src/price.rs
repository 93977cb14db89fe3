//! What the operator's models cost, and what a request used.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What one model costs, in US dollars. What has no price is not counted.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Price {
    /// A million tokens of input.
    pub input_per_million: Option<f64>,
    /// A million tokens of input that were cached; without it they cost what others cost.
    pub cached_input_per_million: Option<f64>,
    /// A million tokens of output.
    pub output_per_million: Option<f64>,
    /// An image, for models that are paid by the piece.
    pub per_image: Option<f64>,
    /// A minute of audio.
    pub per_minute: Option<f64>,
    /// A million characters of text that was spoken.
    pub per_million_characters: Option<f64>,
}

impl Price {
    /// Whether every number is one that something can cost.
    pub(crate) fn is_sound(&self) -> bool {
        [
            self.input_per_million,
            self.cached_input_per_million,
            self.output_per_million,
            self.per_image,
            self.per_minute,
            self.per_million_characters,
        ]
        .into_iter()
        .flatten()
        .all(|number| number.is_finite() && number >= 0.0)
    }

    fn of(&self, usage: &Usage) -> f64 {
        let cached = usage.cached.min(usage.input);
        let per = |price: Option<f64>, count: f64, unit: f64| price.unwrap_or(0.0) * count / unit;
        per(self.input_per_million, float(usage.input - cached), MILLION)
            + per(
                self.cached_input_per_million.or(self.input_per_million),
                float(cached),
                MILLION,
            )
            + per(self.output_per_million, float(usage.output), MILLION)
            + per(self.per_image, float(usage.images), 1.0)
            + per(self.per_minute, usage.seconds, 60.0)
            + per(
                self.per_million_characters,
                float(usage.characters),
                MILLION,
            )
    }
}

const MILLION: f64 = 1e6;

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of what is paid are far below 2^52"
)]
fn float(count: u64) -> f64 {
    count as f64
}

/// The operator's prices, by model.
pub(crate) type Prices = BTreeMap<String, Price>;

/// The price of what was used; `None` if the operator priced neither the model that was asked for nor the one that
/// answered, which may be a dated edition of it.
pub(crate) fn cost(
    prices: &Prices,
    asked: &str,
    answered: Option<&str>,
    usage: &Usage,
) -> Option<f64> {
    let price = answered
        .and_then(|model| prices.get(model))
        .or_else(|| prices.get(asked))?;
    Some(price.of(usage))
}

/// What a request used, whatever the API calls it there.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
    pub(crate) images: u64,
    pub(crate) seconds: f64,
    pub(crate) characters: u64,
}

impl Usage {
    /// Reads `usage` of any answer: tokens under both names, or seconds of audio.
    pub(crate) fn read(usage: &Value) -> Self {
        let count = |paths: &[&str]| {
            let found = paths.iter().find_map(|path| usage.pointer(path)?.as_u64());
            found.unwrap_or_default()
        };
        Self {
            input: count(&["/input_tokens", "/prompt_tokens"]),
            cached: count(&[
                "/input_tokens_details/cached_tokens",
                "/prompt_tokens_details/cached_tokens",
            ]),
            output: count(&["/output_tokens", "/completion_tokens"]),
            reasoning: count(&[
                "/output_tokens_details/reasoning_tokens",
                "/completion_tokens_details/reasoning_tokens",
            ]),
            seconds: usage["seconds"].as_f64().unwrap_or_default(),
            ..Self::default()
        }
    }

    /// What was used as it is shown, with its price if there is one.
    pub(crate) fn show(&self, cost: Option<f64>) -> Option<Value> {
        let mut shown = Map::new();
        for (name, count) in [
            ("input_tokens", self.input),
            ("cached_input_tokens", self.cached),
            ("output_tokens", self.output),
            ("reasoning_tokens", self.reasoning),
            ("characters", self.characters),
        ] {
            if count > 0 {
                shown.insert(name.to_owned(), count.into());
            }
        }
        if self.seconds > 0.0 {
            shown.insert("seconds".to_owned(), self.seconds.into());
        }
        if let Some(cost) = cost {
            // A hundredth of a millionth is finer than any price; more digits are noise.
            shown.insert("cost_usd".to_owned(), ((cost * 1e8).round() / 1e8).into());
        }
        (!shown.is_empty()).then_some(Value::Object(shown))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prices() -> Prices {
        serde_json::from_value(json!({
            "gpt-x": {"input_per_million": 2, "cached_input_per_million": 0.5, "output_per_million": 8},
            "gpt-x-2026-01-01": {"input_per_million": 1},
            "painter": {"per_image": 0.04},
            "ear": {"per_minute": 0.006},
            "voice": {"per_million_characters": 15},
        }))
        .unwrap()
    }

    fn priced(asked: &str, answered: Option<&str>, usage: &Usage) -> Option<f64> {
        let cost = cost(&prices(), asked, answered, usage)?;
        Some((cost * 1e9).round() / 1e9)
    }

    #[test]
    fn tokens_cost_by_what_they_were() {
        let usage = Usage::read(
            &json!({"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100,
            "input_tokens_details": {"cached_tokens": 400}, "output_tokens_details": {"reasoning_tokens": 60}}),
        );
        assert_eq!(priced("gpt-x", None, &usage), Some(0.0022));
        assert_eq!(
            priced("gpt-x", Some("gpt-x-2026-01-01"), &usage),
            Some(0.001)
        );
        assert_eq!(
            priced("gpt-x", Some("gpt-x-2027-01-01"), &usage),
            Some(0.0022)
        );
        assert_eq!(priced("unknown", Some("unknown-1"), &usage), None);
        let chat = Usage::read(&json!({"prompt_tokens": 1000, "completion_tokens": 100,
            "prompt_tokens_details": {"cached_tokens": 400}, "completion_tokens_details": {"reasoning_tokens": 60}}));
        assert_eq!(chat, usage);
    }

    #[test]
    fn pieces_minutes_and_characters_cost_by_their_number() {
        let images = Usage {
            images: 3,
            ..Usage::default()
        };
        assert_eq!(priced("painter", None, &images), Some(0.12));
        let audio = Usage::read(&json!({"type": "duration", "seconds": 90}));
        assert_eq!(priced("ear", None, &audio), Some(0.009));
        let text = Usage {
            characters: 2000,
            ..Usage::default()
        };
        assert_eq!(priced("voice", None, &text), Some(0.03));
    }

    #[test]
    fn what_was_not_used_is_not_shown() {
        assert_eq!(Usage::default().show(None), None);
        let used = Usage {
            input: 3,
            ..Usage::default()
        };
        assert_eq!(
            used.show(Some(0.000_001_234_567)),
            Some(json!({"input_tokens": 3, "cost_usd": 0.000_001_23}))
        );
        // More of the input cached than there was of it: the API's slip, not a negative price.
        let odd = Usage {
            input: 1,
            cached: 5,
            ..Usage::default()
        };
        assert!(priced("gpt-x", None, &odd).unwrap() >= 0.0);
    }
}
