//! Speech to text and text to speech.

use business_tools_core::Kind;
use business_tools_openai::OpenAi;
use business_tools_testkit::World;
use serde_json::{Value, json};

use crate::support::{
    behind, file, openai, places, reading_loopback, sent, sent_text, stand_in, wav, world,
};
use crate::web::Web;

/// The fields of the last form, and the head of its file.
fn form(world: &World) -> (Vec<(String, String)>, String) {
    let text = sent_text(world);
    let mut fields = Vec::new();
    let mut file = String::new();
    for part in text
        .split("\r\n--")
        .map(|part| part.trim_start_matches("--"))
    {
        let Some((head, body)) = part.split_once("\r\n\r\n") else {
            continue;
        };
        let name = head
            .split("name=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        if head.contains("filename=") {
            head.clone_into(&mut file);
        } else if let Some(name) = name {
            fields.push((name.to_owned(), body.to_owned()));
        }
    }
    (fields, file)
}

fn field(fields: &[(String, String)], name: &str) -> Vec<String> {
    let found = fields.iter().filter(|(known, _)| known == name);
    found.map(|(_, value)| value.clone()).collect()
}

#[tokio::test]
async fn a_recording_is_sent_whole_with_name_and_type_and_transcribed() {
    let world = world().await;
    let path = file("call of monday.wav", &wav());
    let args =
        json!({"path": path, "language": "en", "keywords": ["Ada", "HubSpot"], "prompt": "A call"});
    let transcript = world.ok("openai_transcribe_audio", args).await;
    assert!(
        !transcript["text"].as_str().unwrap().is_empty(),
        "{transcript}"
    );
    assert_eq!(transcript["model"], "gpt-transcribe");
    assert_eq!(
        transcript["untrusted"],
        json!(["text", "segments", "words"])
    );
    let (fields, head) = form(&world);
    assert_eq!(field(&fields, "model"), ["gpt-transcribe"]);
    assert_eq!(field(&fields, "languages[]"), ["en"]);
    assert_eq!(field(&fields, "keywords[]"), ["Ada", "HubSpot"]);
    assert_eq!(field(&fields, "prompt"), ["A call"]);
    assert!(head.contains("filename=\"call of monday.wav\""), "{head}");
    assert!(
        head.to_ascii_lowercase()
            .contains("content-type: audio/wav"),
        "{head}"
    );
    let exchange = world.exchanges().pop().unwrap();
    let whole = wav();
    assert!(
        exchange
            .body
            .windows(whole.len())
            .any(|window| window == whole)
    );
}

#[tokio::test]
async fn subtitles_and_times_come_from_the_models_that_have_them() {
    let world = world().await;
    let path = file("subtitles.wav", &wav());
    let args = json!({"path": path, "model": "whisper-1", "response_format": "srt"});
    let srt = world.ok("openai_transcribe_audio", args).await;
    assert!(srt["text"].as_str().unwrap().contains("-->"), "{srt}");

    let args = json!({"path": path, "model": "whisper-1", "response_format": "verbose_json"});
    let verbose = world.ok("openai_transcribe_audio", args).await;
    assert!(verbose["segments"][0]["start"].is_number(), "{verbose}");
    assert!(verbose["words"][0]["word"].is_string(), "{verbose}");
    assert!(verbose["duration"].as_f64().unwrap() > 0.0, "{verbose}");
    let (fields, _) = form(&world);
    assert_eq!(
        field(&fields, "timestamp_granularities[]"),
        ["segment", "word"]
    );

    let args = json!({"path": path, "model": "gpt-4o-transcribe-diarize", "response_format": "diarized_json"});
    let diarized = world.ok("openai_transcribe_audio", args).await;
    assert!(diarized["segments"][0]["speaker"].is_string(), "{diarized}");
    assert_eq!(field(&form(&world).0, "chunking_strategy"), ["auto"]);

    // Every model gives plain text.
    let args = json!({"path": path, "model": "gpt-4o-transcribe", "response_format": "text", "language": "de"});
    world.ok("openai_transcribe_audio", args).await;
    let (fields, _) = form(&world);
    assert_eq!(field(&fields, "response_format"), ["json"]);
    assert_eq!(field(&fields, "language"), ["de"]);
}

#[tokio::test]
async fn what_a_model_cannot_do_is_told_before_anything_is_sent() {
    let world = world().await;
    let path = file("formats.wav", &wav());
    for (model, more, at) in [
        (
            "gpt-transcribe",
            json!({"response_format": "srt"}),
            "/response_format",
        ),
        (
            "gpt-4o-mini-transcribe",
            json!({"response_format": "verbose_json"}),
            "/response_format",
        ),
        (
            "whisper-1",
            json!({"response_format": "diarized_json"}),
            "/response_format",
        ),
        ("whisper-1", json!({"keywords": ["a"]}), "/keywords"),
        (
            "gpt-4o-transcribe-diarize",
            json!({"prompt": "x"}),
            "/prompt",
        ),
        (
            "gpt-4o-transcribe-diarize",
            json!({"response_format": "vtt"}),
            "/response_format",
        ),
    ] {
        let mut args = json!({"path": path, "model": model});
        for (name, value) in more.as_object().unwrap() {
            args[name] = value.clone();
        }
        let error = world.err("openai_transcribe_audio", args).await;
        assert_eq!(places(&error), [at], "{model} {more}");
    }
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn files_that_are_none_of_ours_or_too_large_are_not_sent() {
    let world = world().await;
    let text = file("notes.txt", b"Dear diary");
    let empty = file("empty.wav", b"");
    let large = folder_file_of("large.wav", (25 << 20) + 1);
    for path in [text.as_str(), &empty, &large, "/etc/hostname", "none.wav"] {
        for tool in ["openai_transcribe_audio", "openai_translate_audio"] {
            let error = world.err(tool, json!({"path": path})).await;
            assert_eq!(places(&error), ["/path"], "{tool} {path}");
        }
    }
    for args in [
        json!({}),
        json!({"path": text, "url": "https://example.com/a.mp3"}),
    ] {
        assert_eq!(
            places(&world.err("openai_transcribe_audio", args).await),
            ["/path"]
        );
    }
    assert!(world.requests().is_empty());
}

/// A file of so many bytes that takes no room.
fn folder_file_of(name: &str, len: u64) -> String {
    let path = file(name, b"");
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(len)
        .unwrap();
    path
}

#[tokio::test]
async fn a_recording_behind_a_url_is_fetched_and_sent() {
    let web = Web::start().await;
    let world = openai().env(reading_loopback).start::<OpenAi>().await;
    for (path, name) in [
        ("/call.wav", "call.wav"),
        ("/moved", "call.wav"),
        // The name says nothing, but the type does.
        ("/download", "download.wav"),
    ] {
        let transcript = world
            .ok("openai_transcribe_audio", json!({"url": web.url(path)}))
            .await;
        assert!(
            !transcript["text"].as_str().unwrap().is_empty(),
            "{transcript}"
        );
        let (_, head) = form(&world);
        assert!(head.contains(&format!("filename=\"{name}\"")), "{head}");
    }
    let sent = world.requests().len();
    for path in ["/page.html", "/large.wav", "/secret", "/nothing"] {
        let error = world
            .err("openai_transcribe_audio", json!({"url": web.url(path)}))
            .await;
        assert_eq!(places(&error), ["/url"], "{path}");
    }
    assert_eq!(world.requests().len(), sent);
}

#[tokio::test]
async fn urls_to_private_places_are_refused() {
    let web = Web::start().await;
    let world = world().await;
    for url in [
        web.url("/call.wav"),
        web.url("/call.wav").replace("127.0.0.1", "localhost"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://[::1]/a.mp3".to_owned(),
        "http://10.0.0.1/a.mp3".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://example.com/a.mp3".to_owned(),
    ] {
        for (tool, args, at) in [
            ("openai_transcribe_audio", json!({"url": url}), "/url"),
            ("openai_translate_audio", json!({"url": url}), "/url"),
            (
                "openai_upload_file",
                json!({"url": url, "purpose": "user_data"}),
                "/url",
            ),
            (
                "openai_analyze_image",
                json!({"prompt": "x", "image": url}),
                "/image",
            ),
            (
                "openai_edit_image",
                json!({"prompt": "x", "images": [url]}),
                "/images/0",
            ),
        ] {
            let error = world.err(tool, args).await;
            assert_eq!(places(&error), [at], "{tool} {url}");
        }
    }
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn speech_in_any_language_becomes_english() {
    let world = world().await;
    let path = file("foreign.wav", &wav());
    let transcript = world
        .ok("openai_translate_audio", json!({"path": path}))
        .await;
    assert!(
        !transcript["text"].as_str().unwrap().is_empty(),
        "{transcript}"
    );
    assert!(world.last_request().path.ends_with("/audio/translations"));
    assert_eq!(field(&form(&world).0, "model"), ["whisper-1"]);
}

#[tokio::test]
async fn a_long_transcript_is_kept_whole_as_a_file() {
    let segments: Vec<Value> = (0..2000)
        .map(|n| json!({"id": n, "start": n, "end": n + 1, "text": "a sentence of some length", "tokens": [1, 2]}))
        .collect();
    let answer = json!({"language": "english", "duration": 2000.0, "text": "word ".repeat(20_000),
        "segments": segments, "usage": {"type": "duration", "seconds": 2000}});
    let world = stand_in(200, &[], answer.clone()).await;
    let path = file("long.wav", &wav());
    let args = json!({"path": path, "model": "whisper-1", "response_format": "verbose_json"});
    let transcript = world.ok("openai_transcribe_audio", args).await;
    assert!(transcript.get("segments").is_none());
    assert!(transcript["text"].as_str().unwrap().len() <= 10_000);
    assert_eq!(transcript["usage"]["seconds"], 2000.0);
    let kept = behind(&world, &transcript["file"]).await;
    assert_eq!(
        serde_json::from_slice::<Value>(&kept.bytes).unwrap(),
        answer
    );
}

#[tokio::test]
async fn speech_is_kept_and_can_be_transcribed_again() {
    let world = world().await;
    for (format, kind) in [("mp3", "audio/mpeg"), ("wav", "audio/wav")] {
        let args = json!({"input": "Good morning", "response_format": format, "instructions": "Cheerfully", "speed": 1.5});
        let speech = world.ok("openai_generate_speech", args).await;
        let link = &speech["audio"];
        assert_eq!(
            (&link["mime_type"], &link["name"]),
            (&json!(kind), &json!(format!("speech.{format}")))
        );
        let kept = behind(&world, link).await;
        assert_eq!(json!(kept.bytes.len()), link["size"]);
        let body = sent(&world);
        assert_eq!(
            (&body["voice"], &body["model"]),
            (&json!("alloy"), &json!("gpt-4o-mini-tts"))
        );
        assert_eq!(kept.bytes, world.exchanges().pop().unwrap().answer);
        assert!(!speech.to_string().contains("base64"));
        let heard = world
            .ok("openai_transcribe_audio", json!({"url": link["uri"]}))
            .await;
        assert!(!heard["text"].as_str().unwrap().is_empty(), "{heard}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_audio_is_not_kept_as_such() {
    let world = stand_in(200, &[], json!({"surprise": true})).await;
    let error = world
        .err("openai_generate_speech", json!({"input": "x"}))
        .await;
    assert_eq!(error.kind(), Kind::BadUpstreamResponse);
}
