//! `/embeddings`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::lab::Lab;

const SMALL: &str = "text-embedding-3-small";

fn vector(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|number| number.as_f64().unwrap()).collect()
}

fn nearness(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[tokio::test]
async fn texts_that_share_words_are_near() {
    let lab = Lab::new().await;
    let texts = json!([
        "Please refund my order",
        "My orders should be refunded, please",
        "Rain in Paris today"
    ]);
    for more in [json!({}), json!({"dimensions": 256})] {
        let mut ask = json!({"model": SMALL, "input": texts});
        ask.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let made = lab.post("/embeddings", ask.clone()).await.ok();
        let vectors: Vec<_> = (0..3)
            .map(|at| vector(&made["data"][at]["embedding"]))
            .collect();
        for one in &vectors {
            assert!((nearness(one, one) - 1.0).abs() < 1e-5);
        }
        let (near, far) = (
            nearness(&vectors[0], &vectors[1]),
            nearness(&vectors[0], &vectors[2]),
        );
        assert!(near > 0.3 && near > far + 0.2, "{near} {far}");
        assert_eq!(lab.post("/embeddings", ask).await.ok(), made);
    }
}

#[tokio::test]
async fn models_have_their_sizes_and_tokens_are_taken_too() {
    let lab = Lab::new().await;
    for (model, size) in [
        (SMALL, 1536),
        ("text-embedding-3-large", 3072),
        ("text-embedding-ada-002", 1536),
    ] {
        let made = lab
            .post("/embeddings", json!({"model": model, "input": "Hello"}))
            .await
            .ok();
        assert_eq!(vector(&made["data"][0]["embedding"]).len(), size);
        assert_eq!(made["model"], model);
        assert_eq!(
            made["usage"],
            json!({"prompt_tokens": 2, "total_tokens": 2})
        );
    }
    let tokens = json!({"model": SMALL, "input": [15_339, 11, 1_917], "dimensions": 8});
    assert_eq!(
        lab.post("/embeddings", tokens).await.ok()["usage"]["total_tokens"],
        3
    );
    let many = json!({"model": SMALL, "input": [[1, 2], [3]], "dimensions": 8});
    assert_eq!(
        lab.post("/embeddings", many).await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let marks = json!({"model": SMALL, "input": "…!", "dimensions": 1});
    assert_eq!(
        lab.post("/embeddings", marks).await.ok()["data"][0]["embedding"],
        json!([1.0])
    );
}

#[tokio::test]
async fn packed_vectors_are_the_same() {
    let lab = Lab::new()
        .await
        .beyond_the_description("it has vectors as lists alone");
    let ask = |format| json!({"model": SMALL, "input": "Hello", "encoding_format": format, "dimensions": 16});
    let plain = lab.post("/embeddings", ask("float")).await.ok();
    let packed = lab.post("/embeddings", ask("base64")).await.ok();
    let bytes = STANDARD
        .decode(packed["data"][0]["embedding"].as_str().unwrap())
        .unwrap();
    let numbers = bytes
        .chunks(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()));
    let numbers: Vec<_> = numbers.map(f64::from).collect();
    assert_eq!(numbers.len(), 16);
    assert!((nearness(&numbers, &vector(&plain["data"][0]["embedding"])) - 1.0).abs() < 1e-5);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told() {
    let lab = Lab::new().await;
    for (more, status, param, code) in [
        (
            json!({"model": "gpt-6-luna"}),
            400,
            "model",
            "invalid_value",
        ),
        (
            json!({"input": null}),
            400,
            "input",
            "missing_required_parameter",
        ),
        (json!({"input": ""}), 400, "input", ""),
        (json!({"input": []}), 400, "input", "empty_array"),
        (json!({"input": {"a": 1}}), 400, "input", "invalid_type"),
        (
            json!({"input": vec!["x"; 2_049]}),
            400,
            "input",
            "array_above_max_length",
        ),
        (json!({"input": "x ".repeat(9_000)}), 400, "", ""),
        (
            json!({"input": vec!["x ".repeat(8_000); 40]}),
            400,
            "input",
            "max_tokens_per_request",
        ),
        (
            json!({"dimensions": 0}),
            400,
            "dimensions",
            "integer_below_min_value",
        ),
        (json!({"dimensions": 1537}), 400, "", ""),
        (
            json!({"dimensions": 8, "model": "text-embedding-ada-002"}),
            400,
            "",
            "",
        ),
        (
            json!({"encoding_format": "hex"}),
            400,
            "encoding_format",
            "invalid_value",
        ),
        (
            json!({"truncate": true}),
            400,
            "truncate",
            "unknown_parameter",
        ),
    ] {
        let mut ask = json!({"model": SMALL, "input": "Hello"});
        for (name, value) in more.as_object().unwrap() {
            ask[name] = value.clone();
        }
        lab.post("/embeddings", ask)
            .await
            .refused(status, param, code);
    }
}
