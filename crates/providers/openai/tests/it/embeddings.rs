//! Vectors, and what is nearest.

use business_tools_core::Kind;
use serde_json::{Value, json};

use crate::support::{behind, places, sent, stand_in, world};

#[tokio::test]
async fn texts_become_vectors_in_their_order() {
    let world = world().await;
    let args = json!({"input": ["one", "two"], "dimensions": 8});
    let embedded = world.ok("openai_create_embedding", args).await;
    let vectors = embedded["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 2);
    assert!(
        vectors
            .iter()
            .all(|vector| vector.as_array().unwrap().len() == 8)
    );
    assert_eq!(
        (&embedded["dimensions"], &embedded["count"]),
        (&json!(8), &json!(2))
    );
    assert!(
        embedded["usage"]["input_tokens"].as_u64().unwrap() > 0,
        "{embedded}"
    );
    assert_eq!(
        sent(&world),
        json!({"model": "text-embedding-3-small", "input": ["one", "two"], "dimensions": 8,
               "encoding_format": "float"})
    );
    // Equal texts have equal vectors: nothing is asked twice.
    let again = world
        .ok(
            "openai_create_embedding",
            json!({"dimensions": 8, "input": ["one", "two"]}),
        )
        .await;
    assert_eq!(
        (
            again["vectors"] == embedded["vectors"],
            world.requests().len()
        ),
        (true, 1)
    );
}

#[tokio::test]
async fn the_text_that_is_most_alike_comes_first() {
    let world = world().await;
    let texts = [
        "Invoices are due within thirty days",
        "The cat sat on the mat",
        "When must I pay the invoice?",
    ];
    let args = json!({"input": texts, "query": "Must I pay the invoice within thirty days?"});
    let ranked = world.ok("openai_create_embedding", args).await;
    let items = ranked["items"].as_array().unwrap();
    assert_eq!(items.len(), 3, "{ranked}");
    assert_eq!(items[2]["index"], 1, "the cat is farthest: {ranked}");
    let scores: Vec<f64> = items
        .iter()
        .map(|item| item["score"].as_f64().unwrap())
        .collect();
    assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "{ranked}");
    assert!(ranked.get("vectors").is_none());
    assert_eq!(
        sent(&world)["input"].as_array().unwrap().len(),
        4,
        "one request for all"
    );
    let same = json!({"input": texts, "query": texts[1]});
    let ranked = world.ok("openai_create_embedding", same).await;
    assert_eq!(ranked["items"][0]["index"], 1);
    assert!(
        ranked["items"][0]["score"].as_f64().unwrap() > 0.999,
        "{ranked}"
    );
}

#[tokio::test]
async fn many_numbers_become_a_file() {
    let world = world().await;
    let input: Vec<String> = (0..10).map(|n| format!("text {n}")).collect();
    let embedded = world
        .ok("openai_create_embedding", json!({"input": input}))
        .await;
    assert!(embedded.get("vectors").is_none());
    let kept = behind(&world, &embedded["file"]).await;
    let vectors: Vec<Vec<f64>> = serde_json::from_slice(&kept.bytes).unwrap();
    assert_eq!((vectors.len(), vectors[0].len()), (10, 1536));
}

#[tokio::test]
async fn what_cannot_be_embedded_is_refused_before_anything_is_sent() {
    let world = world().await;
    let many: Vec<&str> = vec!["x"; 2048];
    for (args, at) in [
        (json!({"input": []}), "/input"),
        (json!({"input": ["x", " \n"]}), "/input/1"),
        (json!({"input": ["x"], "dimensions": 0}), "/dimensions"),
        (json!({"input": many, "query": "x"}), "/input"),
    ] {
        let error = world.err("openai_create_embedding", args).await;
        assert_eq!(places(&error), [at]);
    }
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn vectors_that_lack_or_differ_are_no_answer() {
    let one = json!([{"index": 0, "embedding": [1.0], "object": "embedding"}]);
    let world = stand_in(
        200,
        &[],
        json!({"object": "list", "model": "m", "data": one}),
    )
    .await;
    let error = world
        .err("openai_create_embedding", json!({"input": ["a", "b"]}))
        .await;
    assert_eq!(error.kind(), Kind::BadUpstreamResponse);
}

#[tokio::test]
async fn content_is_judged_text_by_text() {
    let world = world().await;
    let args = json!({"input": ["Good morning", "I will kill you"]});
    let verdicts: Value = world.ok("openai_moderate_content", args).await;
    let results = verdicts["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "{verdicts}");
    assert_eq!(
        (&results[0]["flagged"], &results[1]["flagged"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(verdicts["flagged"], true);
    assert!(
        !results[1]["categories"].as_array().unwrap().is_empty(),
        "{verdicts}"
    );
    assert_eq!(sent(&world)["model"], "omni-moderation-latest");
}

#[tokio::test]
async fn content_with_an_image_is_judged_as_one() {
    let world = world().await;
    let image = "https://example.com/cat.png";
    let verdicts = world
        .ok(
            "openai_moderate_content",
            json!({"input": ["A cat", image]}),
        )
        .await;
    assert_eq!(
        verdicts["results"].as_array().unwrap().len(),
        1,
        "{verdicts}"
    );
    assert_eq!(
        sent(&world)["input"],
        json!([{"type": "text", "text": "A cat"}, {"type": "image_url", "image_url": {"url": image}}])
    );
}
