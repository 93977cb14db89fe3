//! `/embeddings`: words and the letters they are made of decide, so that texts which share them are near.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use business_tools_sandbox::axum::extract::State;
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::json;
use serde_json::{Value, json};

use super::answer::{Refusal, Taken};
use super::args::{Args, Json, wrong_type};
use super::models::{self, Job};
use super::{Caller, World, tokens};

const KNOWN: &[&str] = &["dimensions", "encoding_format", "input", "model", "user"];

/// The most tokens of a text, and of a request.
const TEXT: usize = 8_192;
const REQUEST: usize = 300_000;
/// The most texts.
const TEXTS: usize = 2_048;

/// How many places of a vector a feature touches: enough that some are left when it is shortened.
const PLACES: u64 = 32;

/// A text to embed: the words, and what it costs.
struct Input {
    words: Vec<String>,
    tokens: usize,
}

pub(super) async fn create(
    State(_): State<Arc<World>>,
    _: Caller,
    Json(args): Json,
) -> Taken<Response> {
    args.only(KNOWN, &[])?;
    let name = args.need_text("model")?;
    let model = models::find_for(name, |job| matches!(job, Job::Embed { .. }))?;
    let Job::Embed { size, short } = model.job else {
        return Err(super::args::unsupported("model", name, &[]));
    };
    let length = length(&args, size, short)?;
    let packed = args.one_of("encoding_format", &["float", "base64"])? == Some("base64");
    let inputs = read(args.need("input")?)?;
    let total: usize = inputs.iter().map(|input| input.tokens).sum();
    if total > REQUEST {
        let message =
            format!("Invalid 'input': requested {total} tokens, max {REQUEST} tokens per request.");
        return Err(Refusal::at("input", "max_tokens_per_request", message));
    }
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vector(&input.words, size, length);
            let embedding: Value = if packed {
                let bytes: Vec<u8> = vector
                    .iter()
                    .flat_map(|number| number.to_le_bytes())
                    .collect();
                STANDARD.encode(bytes).into()
            } else {
                vector.iter().map(|number| rounded(*number)).collect()
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let usage = json!({"prompt_tokens": total, "total_tokens": total});
    Ok(json::ok(
        &json!({"object": "list", "data": data, "model": model.id, "usage": usage}),
    ))
}

fn length(args: &Args, size: usize, short: bool) -> Taken<usize> {
    let Some(wish) = args.integer("dimensions", 1..=i64::MAX)? else {
        return Ok(size);
    };
    if !short {
        return Err(Refusal::new(
            400,
            "This model does not support specifying dimensions.",
        ));
    }
    match usize::try_from(wish) {
        Ok(wish) if wish <= size => Ok(wish),
        _ => {
            let message = format!(
                "Invalid value for 'dimensions' = {wish}. Must be less than or equal to {size}."
            );
            Err(Refusal::new(400, message))
        }
    }
}

fn read(input: &Value) -> Taken<Vec<Input>> {
    let inputs = match input {
        Value::String(text) => vec![of_text(text)?],
        Value::Array(items) if items.is_empty() => {
            let message = "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty \
                           array instead.";
            return Err(Refusal::at("input", "empty_array", message.to_owned()));
        }
        Value::Array(items) if items.iter().all(Value::is_u64) => vec![of_tokens(items)?],
        Value::Array(items) if items.len() > TEXTS => {
            let message = format!(
                "Invalid 'input': array too long. Expected an array with maximum length {TEXTS}, but got an array \
                 with length {} instead.",
                items.len()
            );
            return Err(Refusal::at("input", "array_above_max_length", message));
        }
        Value::Array(items) => {
            let one = |item: &Value| match item {
                Value::String(text) => of_text(text),
                Value::Array(tokens) => of_tokens(tokens),
                other => Err(wrong_type(
                    "input",
                    "an array of strings or of tokens",
                    other,
                )),
            };
            items.iter().map(one).collect::<Taken<Vec<_>>>()?
        }
        other => return Err(wrong_type("input", "a string or an array", other)),
    };
    match inputs.iter().find(|input| input.tokens > TEXT) {
        Some(long) => {
            let message = format!(
                "This model's maximum context length is {TEXT} tokens, however you requested {0} tokens ({0} in \
                 your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
                long.tokens
            );
            Err(Refusal::new(400, message))
        }
        None => Ok(inputs),
    }
}

fn of_text(text: &str) -> Taken<Input> {
    if text.is_empty() {
        let message = "Invalid 'input': input cannot be an empty string.";
        return Err(Refusal::new(400, message).param("input"));
    }
    let words = text.to_lowercase();
    let words = words.split(|letter: char| !letter.is_alphanumeric());
    Ok(Input {
        words: words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect(),
        tokens: tokens::count(text),
    })
}

fn of_tokens(tokens: &[Value]) -> Taken<Input> {
    if tokens.is_empty() {
        let message = "Invalid 'input': input cannot be an empty array.";
        return Err(Refusal::new(400, message).param("input"));
    }
    let word = |token: &Value| match token.as_u64() {
        Some(number) => Ok(format!("token{number}")),
        None => Err(wrong_type("input", "an array of tokens", token)),
    };
    Ok(Input {
        words: tokens.iter().map(word).collect::<Taken<_>>()?,
        tokens: tokens.len(),
    })
}

/// A vector of length one.
fn vector(words: &[String], size: usize, length: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f32; size];
    for word in words {
        add(&mut sums, word, 1.0);
        // Parts of words bring `refund` and `refunded` together.
        let letters: Vec<char> = format!("^{word}$").chars().collect();
        for three in letters.windows(3) {
            add(&mut sums, &three.iter().collect::<String>(), 0.4);
        }
    }
    sums.truncate(length);
    let norm = sums
        .iter()
        .map(|number| number * number)
        .sum::<f32>()
        .sqrt();
    if norm == 0.0 {
        // Punctuation alone, or nothing left after shortening.
        if let Some(first) = sums.first_mut() {
            *first = 1.0;
        }
        return sums;
    }
    sums.into_iter().map(|number| number / norm).collect()
}

fn add(sums: &mut [f32], feature: &str, weight: f32) {
    let mut state = feature
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let size = sums.len() as u64;
    for _ in 0..PLACES {
        // The next number of a sequence that the feature begins (SplitMix64).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let sign = if mixed >> 63 == 0 { weight } else { -weight };
        if let Some(sum) = usize::try_from(mixed % size)
            .ok()
            .and_then(|at| sums.get_mut(at))
        {
            *sum += sign;
        }
    }
}

/// As many digits as the API writes.
fn rounded(number: f32) -> Value {
    json!((f64::from(number) * 1e9).round() / 1e9)
}
