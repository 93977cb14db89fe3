//! `/moderations`.

use serde_json::json;

use crate::lab::Lab;

#[tokio::test]
async fn words_flag_and_other_texts_pass() {
    let lab = Lab::new().await;
    let ask = json!({"input": ["I will kill you", "Good morning"]});
    let checked = lab.post("/moderations", ask).await.ok();
    let (bad, good) = (&checked["results"][0], &checked["results"][1]);
    assert_eq!(
        (&bad["flagged"], &good["flagged"]),
        (&true.into(), &false.into())
    );
    assert_eq!(bad["categories"]["violence"], true);
    assert!(bad["category_scores"]["violence"].as_f64() > bad["category_scores"]["hate"].as_f64());
    assert_eq!(checked["model"], "omni-moderation-latest");
    assert!(checked["id"].as_str().unwrap().starts_with("modr-"));
    let one = lab
        .post("/moderations", json!({"input": "You idiot"}))
        .await
        .ok();
    assert_eq!(one["results"][0]["categories"]["harassment"], true);
}

#[tokio::test]
async fn pictures_are_looked_at_with_the_text() {
    let lab = Lab::new().await;
    let picture =
        json!({"type": "image_url", "image_url": {"url": "https://example.com/gore.png"}});
    let ask = json!({"model": "omni-moderation-2024-09-26", "input": [{"type": "text", "text": "Hi"}, picture]});
    let checked = lab.post("/moderations", ask).await.ok();
    let result = &checked["results"][0];
    assert_eq!(result["categories"]["violence/graphic"], true);
    assert_eq!(
        result["category_applied_input_types"]["violence"],
        json!(["text", "image"])
    );
    assert_eq!(
        result["category_applied_input_types"]["hate"],
        json!(["text"])
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told() {
    let lab = Lab::new().await;
    for (ask, status, param, code) in [
        (json!({}), 400, "input", "missing_required_parameter"),
        (json!({"input": []}), 400, "input", "empty_array"),
        (json!({"input": 7}), 400, "input", "invalid_type"),
        (
            json!({"input": [{"type": "sound"}]}),
            400,
            "input[0].type",
            "invalid_value",
        ),
        (
            json!({"input": "x", "model": "text-moderation-007"}),
            404,
            "",
            "model_not_found",
        ),
        (
            json!({"input": "x", "model": "gpt-6-luna"}),
            400,
            "model",
            "invalid_value",
        ),
        (
            json!({"input": "x", "user": "u"}),
            400,
            "user",
            "unknown_parameter",
        ),
    ] {
        lab.post("/moderations", ask)
            .await
            .refused(status, param, code);
    }
}
