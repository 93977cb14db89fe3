//! `/moderations`: words decide. An address of a picture is read like a text.

use std::sync::Arc;

use business_tools_sandbox::axum::extract::State;
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::json;
use serde_json::{Map, Value, json};

use super::answer::{Refusal, Taken};
use super::args::{Json, missing, unsupported, wrong_type};
use super::models::{self, Job};
use super::{Caller, World};

/// A category: its name, whether pictures are looked at too, and the words that flag it.
const CATEGORIES: &[(&str, bool, &[&str])] = &[
    ("harassment", false, &["idiot", "loser", "moron"]),
    ("harassment/threatening", false, &["hurt you", "find you"]),
    ("hate", false, &["subhuman", "vermin"]),
    ("hate/threatening", false, &["exterminate them"]),
    ("illicit", false, &["bomb", "meth", "counterfeit"]),
    ("illicit/violent", false, &["bomb"]),
    ("self-harm", true, &["suicide", "hurt myself"]),
    ("self-harm/intent", true, &["hurt myself"]),
    ("self-harm/instructions", true, &["how to commit suicide"]),
    ("sexual", true, &["porn", "nude"]),
    ("sexual/minors", false, &["child porn"]),
    ("violence", true, &["kill", "murder", "bomb", "hurt you"]),
    ("violence/graphic", true, &["gore", "dismember"]),
];

const FLAGGED: f64 = 0.98;
const CLEAR: f64 = 0.000_012;

pub(super) async fn create(
    State(world): State<Arc<World>>,
    _: Caller,
    Json(args): Json,
) -> Taken<Response> {
    args.only(&["input", "model"], &[])?;
    let name = args.text("model")?.unwrap_or("omni-moderation-latest");
    let model = models::find_for(name, |job| job == Job::Moderate)?;
    let results = match args.need("input")? {
        Value::String(text) => vec![result(&[text], &[])],
        Value::Array(items) if items.is_empty() => {
            let message = "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty \
                           array instead.";
            return Err(Refusal::at("input", "empty_array", message.to_owned()));
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts = items.iter().filter_map(Value::as_str);
            texts.map(|text| result(&[text], &[])).collect()
        }
        Value::Array(parts) => vec![of_parts(parts)?],
        other => return Err(wrong_type("input", "a string or an array", other)),
    };
    let id = world.ids.hex32("modr-");
    Ok(json::ok(
        &json!({"id": id, "model": model.id, "results": results}),
    ))
}

/// Texts and pictures that are looked at together.
fn of_parts(parts: &[Value]) -> Taken<Value> {
    let (mut texts, mut pictures) = (Vec::new(), Vec::new());
    for (index, part) in parts.iter().enumerate() {
        let at = format!("input[{index}]");
        match part["type"].as_str() {
            Some("text") => {
                let text = part["text"].as_str();
                texts.push(text.ok_or_else(|| missing(&format!("{at}.text")))?);
            }
            Some("image_url") => {
                let url = part["image_url"]["url"].as_str();
                pictures.push(url.ok_or_else(|| missing(&format!("{at}.image_url.url")))?);
            }
            Some(other) => {
                return Err(unsupported(
                    &format!("{at}.type"),
                    other,
                    &["text", "image_url"],
                ));
            }
            None => return Err(missing(&format!("{at}.type"))),
        }
    }
    for url in &pictures {
        super::sight::url("input", url)?;
    }
    Ok(result(&texts, &pictures))
}

fn result(texts: &[&str], pictures: &[&str]) -> Value {
    let all_texts = texts.join(" ").to_lowercase();
    let all_pictures = pictures.join(" ").to_lowercase();
    let (mut categories, mut scores, mut applied) = (Map::new(), Map::new(), Map::new());
    for (name, looks, words) in CATEGORIES {
        let in_text = words.iter().any(|word| all_texts.contains(word));
        let in_picture = *looks && words.iter().any(|word| all_pictures.contains(word));
        let flagged = in_text || in_picture;
        let score = if flagged { FLAGGED } else { CLEAR };
        let kinds = [
            (!texts.is_empty(), "text"),
            (*looks && !pictures.is_empty(), "image"),
        ];
        let kinds: Vec<_> = kinds
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, kind)| *kind)
            .collect();
        categories.insert((*name).to_owned(), flagged.into());
        scores.insert((*name).to_owned(), score.into());
        applied.insert((*name).to_owned(), kinds.into());
    }
    let flagged = categories.values().any(|flagged| *flagged == true);
    json!({"flagged": flagged, "categories": categories, "category_scores": scores,
           "category_applied_input_types": applied})
}
