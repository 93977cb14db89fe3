//! `/models`.

use serde_json::Value;

use crate::lab::Lab;

#[tokio::test]
async fn models_tell_when_they_end_and_ended_ones_are_absent() {
    let lab = Lab::new().await;
    let list = lab.get("/models").await.ok();
    let models = list["data"].as_array().unwrap();
    let end = |id: &str| {
        let found = models.iter().find(|model| model["id"] == id);
        found.map(|model| model["shutdown_date"].clone())
    };
    assert_eq!(end("gpt-6.1-sol"), Some(Value::Null));
    assert_eq!(end("gpt-5"), Some("2026-12-11".into()));
    assert_eq!(end("tts-1"), Some("2027-01-06".into()));
    assert_eq!(end("whisper-1"), Some("2027-02-26".into()));
    for gone in [
        "gpt-3.5-turbo",
        "gpt-4",
        "o1",
        "gpt-image-1",
        "dall-e-2",
        "dall-e-3",
    ] {
        assert_eq!(end(gone), None);
        let message = lab
            .get(&format!("/models/{gone}"))
            .await
            .refused(404, "", "model_not_found");
        assert!(message.contains("deprecated"), "{message}");
    }
    let one = lab.get("/models/gpt-4o").await.ok();
    assert_eq!(one["shutdown_date"], "2027-01-14");
    let message = lab
        .get("/models/gpt-9")
        .await
        .refused(404, "", "model_not_found");
    assert!(message.contains("does not exist"), "{message}");
}

#[tokio::test]
async fn paths_work_with_and_without_the_version() {
    let lab = Lab::new()
        .await
        .beyond_the_description("it counts the version to the address");
    assert_eq!(
        lab.get("/v1/models").await.ok(),
        lab.get("/models").await.ok()
    );
}
