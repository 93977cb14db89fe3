//! `/images`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use business_tools_sandbox::picture::{self, Format};
use business_tools_sandbox::sse;
use serde_json::{Value, json};

use crate::lab::{Lab, Part};

fn ask(more: Value) -> Value {
    let mut ask = json!({"model": "gpt-image-2", "prompt": "A red bicycle"});
    for (name, value) in more.as_object().unwrap() {
        ask[name] = value.clone();
    }
    ask
}

fn size(base64: &Value) -> (Format, u32, u32) {
    let bytes = STANDARD.decode(base64.as_str().unwrap()).unwrap();
    let picture = picture::read(&bytes).unwrap();
    (picture.format, picture.width, picture.height)
}

#[tokio::test]
async fn a_picture_has_the_size_and_the_coding_that_were_asked_for() {
    let lab = Lab::new().await;
    let made = lab.post("/images/generations", ask(json!({}))).await.ok();
    assert_eq!(
        size(&made["data"][0]["b64_json"]),
        (Format::Png, 1024, 1024)
    );
    assert_eq!(
        (&made["size"], &made["quality"]),
        (&"1024x1024".into(), &"high".into())
    );
    let again = lab.post("/images/generations", ask(json!({}))).await.ok();
    assert_eq!(again["data"], made["data"]);
    for (format, coding) in [
        ("png", Format::Png),
        ("jpeg", Format::Jpeg),
        ("webp", Format::Webp),
    ] {
        let more = json!({"size": "1536x1024", "output_format": format, "quality": "low", "n": 2,
                          "model": "gpt-image-1.5", "moderation": "low", "user": "u"});
        let made = lab.post("/images/generations", ask(more)).await.ok();
        let data = made["data"].as_array().unwrap();
        assert_eq!(data.len(), 2);
        assert_ne!(data[0], data[1]);
        assert_eq!(size(&data[1]["b64_json"]), (coding, 1536, 1024));
        assert_eq!(made["output_format"], format);
        let usage = &made["usage"];
        assert_eq!(usage["output_tokens"], 2 * 272 * 3 / 2);
        assert_eq!(
            usage["input_tokens_details"],
            json!({"text_tokens": 4, "image_tokens": 0})
        );
    }
    let clear = lab
        .post(
            "/images/generations",
            ask(json!({"background": "transparent"})),
        )
        .await
        .ok();
    assert_eq!(clear["background"], "transparent");
}

#[tokio::test]
async fn newer_models_make_any_size_that_fits() {
    let lab = Lab::new()
        .await
        .beyond_the_description("it answers with three sizes alone");
    let wide = json!({"size": "3840x2160", "model": "gpt-image-2.6-flare"});
    let made = lab.post("/images/generations", ask(wide)).await.ok();
    assert_eq!(
        size(&made["data"][0]["b64_json"]),
        (Format::Png, 3840, 2160)
    );
    for bad in ["1000x1000", "4096x1024", "2048x512", "0x16", "big", "16x"] {
        let answer = lab
            .post("/images/generations", ask(json!({"size": bad})))
            .await;
        answer.refused(400, "size", "invalid_value");
    }
    let older = json!({"size": "2048x2048", "model": "gpt-image-1.5"});
    lab.post("/images/generations", ask(older))
        .await
        .refused(400, "size", "invalid_value");
}

#[tokio::test]
async fn pictures_are_edited_from_a_form_and_from_json() {
    let lab = Lab::new().await;
    let png = picture::png(32, 32, [9, 9, 9], false);
    let webp = picture::webp(16, 16, [9, 9, 9], false);
    let model: Part<'_> = ("model", None, b"gpt-image-2");
    let prompt: Part<'_> = ("prompt", None, b"Make it blue");
    let parts: [Part<'_>; 7] = [
        model,
        prompt,
        ("image[]", Some("a.png"), &png),
        ("image[]", Some("b.webp"), &webp),
        ("mask", Some("m.png"), &png),
        ("n", None, b"2"),
        ("size", None, b"1024x1536"),
    ];
    let made = lab.form("/images/edits", &parts).await.ok();
    assert_eq!(made["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        size(&made["data"][0]["b64_json"]),
        (Format::Png, 1024, 1536)
    );
    assert_eq!(made["usage"]["input_tokens_details"]["image_tokens"], 400);
    let one = lab
        .form(
            "/images/edits",
            &[model, prompt, ("image", Some("a.png"), &png)],
        )
        .await;
    one.ok();

    let upload: [Part<'_>; 2] = [("purpose", None, b"vision"), ("file", Some("a.png"), &png)];
    let file = lab.form("/files", &upload).await.ok()["id"].clone();
    let url = format!("data:image/png;base64,{}", STANDARD.encode(&png));
    let images =
        json!([{"file_id": file}, {"image_url": url}, {"image_url": "https://example.com/a.png"}]);
    let json = json!({"model": "gpt-image-2", "prompt": "Make it blue", "images": images, "input_fidelity": "high"});
    let made = lab.post("/images/edits", json.clone()).await.ok();
    assert_eq!(made["usage"]["input_tokens_details"]["image_tokens"], 600);

    for (parts, param, code) in [
        (vec![model, prompt], "image", "missing_required_parameter"),
        (
            vec![model, ("image", Some("a.png"), &png[..])],
            "prompt",
            "missing_required_parameter",
        ),
        (
            vec![
                model,
                prompt,
                ("image", Some("a.gif"), b"GIF89a\x01\0\x01\0"),
            ],
            "image",
            "unsupported_file_mimetype",
        ),
        (
            vec![model, prompt, ("image", Some("a.png"), b"no")],
            "image",
            "unsupported_file_mimetype",
        ),
    ] {
        lab.form("/images/edits", &parts)
            .await
            .refused(400, param, code);
    }
    let many: Vec<Part<'_>> = std::iter::repeat_n(("image[]", Some("a.png"), &png[..]), 17)
        .chain([model, prompt])
        .collect();
    lab.form("/images/edits", &many)
        .await
        .refused(400, "image", "array_above_max_length");
    for (images, status, param, code) in [
        (json!([]), 400, "images", "missing_required_parameter"),
        (json!([{}]), 400, "images[0]", "invalid_value"),
        (
            json!([{"file_id": "file-none"}]),
            404,
            "images[0].file_id",
            "",
        ),
        (
            json!([{"image_url": "data:image/png;base64,AAAA"}]),
            400,
            "images[0].image_url",
            "invalid_image_format",
        ),
    ] {
        let mut bad = json.clone();
        bad["images"] = images;
        lab.post("/images/edits", bad)
            .await
            .refused(status, param, code);
    }
}

#[tokio::test]
async fn pictures_come_in_pieces() {
    let lab = Lab::new().await;
    let more = json!({"stream": true, "partial_images": 2});
    let stream = lab.post("/images/generations", ask(more)).await.text();
    let events = sse::read(&stream);
    let events: Vec<Value> = events
        .iter()
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    let partial = "image_generation.partial_image";
    assert_eq!(kinds, [partial, partial, "image_generation.completed"]);
    assert_eq!(events[1]["partial_image_index"], 1);
    assert!(stream.starts_with("event: image_generation.partial_image\n"));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told() {
    let lab = Lab::new().await;
    for (more, status, param, code) in [
        (
            json!({"prompt": null}),
            400,
            "prompt",
            "missing_required_parameter",
        ),
        (
            json!({"prompt": "x".repeat(32_001)}),
            400,
            "prompt",
            "string_above_max_length",
        ),
        (
            json!({"prompt": "sandbox:blocked"}),
            400,
            "",
            "moderation_blocked",
        ),
        (json!({"model": null}), 404, "", "model_not_found"),
        (json!({"model": "gpt-image-1"}), 404, "", "model_not_found"),
        (
            json!({"model": "gpt-6-luna"}),
            400,
            "model",
            "invalid_value",
        ),
        (json!({"n": 11}), 400, "n", "integer_above_max_value"),
        (json!({"quality": "hd"}), 400, "quality", "invalid_value"),
        (
            json!({"output_format": "gif"}),
            400,
            "output_format",
            "invalid_value",
        ),
        (
            json!({"output_compression": 50}),
            400,
            "output_compression",
            "invalid_png_output_compression",
        ),
        (
            json!({"output_compression": 101}),
            400,
            "output_compression",
            "integer_above_max_value",
        ),
        (
            json!({"background": "transparent", "output_format": "jpeg"}),
            400,
            "background",
            "invalid_value",
        ),
        (
            json!({"response_format": "url"}),
            400,
            "response_format",
            "unsupported_parameter",
        ),
        (json!({"colour": "red"}), 400, "colour", "unknown_parameter"),
    ] {
        let answer = lab.post("/images/generations", ask(more)).await;
        answer.refused(status, param, code);
        if code == "moderation_blocked" {
            assert_eq!(
                answer.json()["error"]["type"],
                "image_generation_user_error"
            );
        }
    }
}
