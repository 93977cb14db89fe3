//! Vectors of texts, and what they are mostly wanted for: which text is nearest to a question.

use business_tools_core::artifact::ResourceLink;
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{MODEL, READ, put};
use crate::OpenAi;
use crate::client::{Resource, bad_answer};
use crate::models::Work;
use crate::price::Usage;

/// The most texts of one request.
const MOST: usize = 2048;

/// The most texts that a ranking names.
const RANKED: usize = 100;

/// The most numbers that an answer holds; more become a file.
const INLINE: usize = 4096;

/// Embed texts, or rank them by similarity to `query`.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/embeddings/create> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEmbedding {
    /// Texts.
    #[schemars(length(min = 1, max = MOST), inner(length(min = 1, max = 100_000)))]
    input: Vec<String>,
    /// Rank by this.
    #[schemars(length(min = 1, max = 100_000))]
    query: Option<String>,
    /// Of vectors.
    #[schemars(range(min = 1, max = 10_000))]
    dimensions: Option<u32>,
    /// Model.
    #[schemars(regex(pattern = MODEL))]
    model: Option<String>,
}

/// Vectors, or the texts in the order of their nearness.
#[derive(Debug, Serialize)]
pub struct Embedded {
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<Near>>,
    /// In the order of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    vectors: Option<Vec<Vec<f64>>>,
    /// All vectors as a JSON array, when they are too many for this.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<ResourceLink>,
    count: usize,
    dimensions: usize,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

/// A text and how near it is.
#[derive(Debug, Serialize)]
pub struct Near {
    /// Its place in the input, from 0.
    index: usize,
    /// From -1 to 1.
    score: f64,
}

impl Tool for CreateEmbedding {
    type Provider = OpenAi;
    type Output = Embedded;
    // Equal texts have equal vectors for ever, but a file that holds them is forgotten after an hour.
    const SPEC: Spec = Spec::read("openai_create_embedding")
        .scopes(READ)
        .cached(3000);

    fn check(&self, faults: &mut Faults) {
        if self.query.is_some() && self.input.len() >= MOST {
            faults.add(
                "/input",
                format!("{} texts are the most with `query`", MOST - 1),
            );
        }
        for (n, text) in self.input.iter().enumerate() {
            if text.trim().is_empty() {
                faults.add(format!("/input/{n}"), "must hold more than white space");
            }
        }
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Embedded> {
        let service = &openai.service;
        let model = service.model(self.model, Work::Embedding);
        let count = self.input.len();
        let ranked = self.query.is_some();
        let texts: Vec<String> = self.query.into_iter().chain(self.input).collect();
        let mut body = Map::new();
        put(&mut body, "model", Some(&model));
        put(&mut body, "input", Some(&texts));
        put(&mut body, "dimensions", self.dimensions);
        put(&mut body, "encoding_format", Some("float"));
        let request = service.client.post(&["embeddings"], Value::Object(body));
        let mut given = service
            .ask_json(cx, Work::Embedding, &model, request)
            .await?;
        let vectors = vectors(&mut given, texts.len())?;
        let answered = given
            .get("model")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let usage = given.get("usage").map(Usage::read).unwrap_or_default();
        let usage = service.pay(cx, &model, answered.as_deref(), &usage);
        let dimensions = vectors.first().map_or(0, Vec::len);
        let mut embedded = Embedded {
            items: None,
            vectors: None,
            file: None,
            count,
            dimensions,
            model: answered.unwrap_or(model),
            usage,
        };
        if let (true, Some((query, texts))) = (ranked, vectors.split_first()) {
            let mut near = rank(query, texts);
            near.truncate(RANKED);
            embedded.items = Some(near);
        } else if count * dimensions > INLINE {
            let all = serde_json::to_vec(&vectors).unwrap_or_default();
            let file = service
                .keep(cx, "vectors.json", "application/json", Bytes::from(all))
                .await?;
            embedded.file = Some(file);
        } else {
            let round = |number: &f64| (number * 1e6).round() / 1e6;
            let short = vectors
                .iter()
                .map(|vector| vector.iter().map(round).collect());
            embedded.vectors = Some(short.collect());
        }
        Ok(embedded)
    }
}

/// The vectors of an answer in the order of the texts, whatever order they came in.
fn vectors(given: &mut Resource, count: usize) -> Result<Vec<Vec<f64>>> {
    #[derive(Deserialize)]
    struct Entry {
        index: usize,
        embedding: Vec<f64>,
    }
    let data = given.remove("data").unwrap_or_default();
    let mut entries: Vec<Entry> = serde_json::from_value(data)
        .map_err(|_| bad_answer("OpenAI sent vectors that cannot be read"))?;
    entries.sort_by_key(|entry| entry.index);
    let complete = entries.len() == count
        && entries
            .iter()
            .enumerate()
            .all(|(n, entry)| entry.index == n)
        && entries
            .windows(2)
            .all(|pair| pair[0].embedding.len() == pair[1].embedding.len());
    if !complete {
        return Err(bad_answer("OpenAI sent other vectors than were asked for"));
    }
    Ok(entries.into_iter().map(|entry| entry.embedding).collect())
}

/// The texts by the cosine of the angle between them and the query, the nearest first.
fn rank(query: &[f64], texts: &[Vec<f64>]) -> Vec<Near> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let length = |vector: &[f64]| dot(vector, vector).sqrt();
    let mut near: Vec<Near> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let both = length(query) * length(text);
            // A vector of nothing points nowhere.
            let cosine = if both > 0.0 {
                dot(query, text) / both
            } else {
                0.0
            };
            Near {
                index,
                score: (cosine * 1e6).round() / 1e6,
            }
        })
        .collect();
    near.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
    near
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_nearest_comes_first_whatever_its_length() {
        let texts = [
            vec![0.0, 9.0],
            vec![3.0, 4.0],
            vec![-1.0, 0.0],
            vec![0.1, 0.0],
            vec![0.0, 0.0],
        ];
        let near = rank(&[2.0, 0.0], &texts);
        let order: Vec<usize> = near.iter().map(|near| near.index).collect();
        assert_eq!(order, [3, 1, 0, 4, 2]);
        let scores: Vec<f64> = near.iter().map(|near| near.score).collect();
        assert_eq!(scores, [1.0, 0.6, 0.0, 0.0, -1.0]);
    }

    #[test]
    fn vectors_are_put_into_the_order_of_the_texts_and_none_may_lack() {
        let read = |data: Value, count| {
            let mut given = Resource::new();
            given.insert("data".to_owned(), data);
            vectors(&mut given, count)
        };
        let mixed = json!([{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]);
        assert_eq!(read(mixed.clone(), 2).unwrap(), [[1.0], [2.0]]);
        assert!(read(mixed, 3).is_err());
        let uneven =
            json!([{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]);
        assert!(read(uneven, 2).is_err());
        assert!(read(json!([{"index": 0, "embedding": "AAAA"}]), 1).is_err());
    }
}
