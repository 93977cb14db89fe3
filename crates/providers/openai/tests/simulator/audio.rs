//! `/audio`.

use std::time::Duration;

use business_tools_sandbox::{sse, wav};
use serde_json::{Value, json};

use crate::lab::{Answer, Lab, Part};

fn recording(millis: u64) -> Vec<u8> {
    wav::file(8_000, &wav::tone(8_000, 200, Duration::from_millis(millis)))
}

/// Posts a recording of two and a half seconds with these fields.
async fn hear(lab: &Lab, path: &str, fields: &[(&str, &str)]) -> Answer {
    let sound = recording(2_500);
    let mut parts: Vec<Part<'_>> = vec![(
        "file",
        Some("sandbox-say-good-morning.-how_are-you.wav"),
        &sound,
    )];
    parts.extend(
        fields
            .iter()
            .map(|(name, value)| (*name, None, value.as_bytes())),
    );
    lab.form(path, &parts).await
}

async fn transcribe(lab: &Lab, fields: &[(&str, &str)]) -> Answer {
    hear(lab, "/audio/transcriptions", fields).await
}

#[tokio::test]
async fn a_recording_is_measured_and_its_words_follow_from_its_name() {
    let lab = Lab::new().await;
    let newest = transcribe(
        &lab,
        &[
            ("model", "gpt-transcribe"),
            ("languages[]", "en"),
            ("keywords[]", "x"),
        ],
    )
    .await;
    let newest = newest.ok();
    assert_eq!(newest["text"], "Good morning. how are you.");
    assert_eq!(newest["usage"]["input_token_details"]["audio_tokens"], 25);
    let oldest = transcribe(
        &lab,
        &[
            ("model", "whisper-1"),
            ("language", "de"),
            ("temperature", "0.2"),
        ],
    )
    .await
    .ok();
    assert_eq!(oldest["usage"], json!({"type": "duration", "seconds": 3.0}));
    let sound = recording(500);
    let parts: [Part<'_>; 2] = [
        ("file", Some("call 7.wav"), &sound),
        ("model", None, b"gpt-4o-transcribe"),
    ];
    let plain = lab.form("/audio/transcriptions", &parts).await.ok();
    assert_eq!(plain["text"], "This is the recording call 7.");
}

#[tokio::test]
async fn the_oldest_model_writes_every_format() {
    let lab = Lab::new().await;
    let write = async |format: &str, more: &[(&str, &str)]| {
        let fields = [&[("model", "whisper-1"), ("response_format", format)], more].concat();
        transcribe(&lab, &fields).await
    };
    assert_eq!(
        write("text", &[]).await.text(),
        "Good morning. how are you.\n"
    );
    let srt = write("srt", &[]).await;
    assert_eq!(srt.header("content-type"), "text/plain; charset=utf-8");
    assert!(
        srt.text().starts_with("1\n00:00:00,000 --> 00:00:01,"),
        "{}",
        srt.text()
    );
    assert!(
        srt.text().ends_with("--> 00:00:02,500\nhow are you.\n\n"),
        "{}",
        srt.text()
    );
    assert!(
        write("vtt", &[])
            .await
            .text()
            .starts_with("WEBVTT\n\n00:00:00.000 --> ")
    );
    let verbose = write("verbose_json", &[("language", "de")]).await.ok();
    assert_eq!(
        (&verbose["duration"], &verbose["language"]),
        (&2.5.into(), &"german".into())
    );
    assert_eq!(verbose["segments"].as_array().unwrap().len(), 2);
    assert_eq!(verbose.get("words"), None);
    let words = write("verbose_json", &[("timestamp_granularities[]", "word")])
        .await
        .ok();
    assert_eq!(words["words"][0]["word"], "Good");
    assert_eq!(words["words"][4]["end"], 2.5);
    assert_eq!(words.get("segments"), None);
}

#[tokio::test]
async fn speakers_are_told_apart_and_pieces_come_one_by_one() {
    let lab = Lab::new().await;
    let diarize = [
        ("model", "gpt-4o-transcribe-diarize"),
        ("response_format", "diarized_json"),
    ];
    let told = transcribe(&lab, &diarize).await.ok();
    let speakers = |told: &Value| {
        [
            told["segments"][0]["speaker"].clone(),
            told["segments"][1]["speaker"].clone(),
        ]
    };
    assert_eq!(speakers(&told), ["A", "B"]);
    let named = [
        ("known_speaker_names[]", "Ann"),
        ("known_speaker_names[]", "Bob"),
    ];
    let told = transcribe(&lab, &[&diarize[..], &named].concat())
        .await
        .ok();
    assert_eq!(speakers(&told), ["Ann", "Bob"]);

    let stream = transcribe(&lab, &[("model", "gpt-transcribe"), ("stream", "true")]).await;
    let events = sse::read(&stream.text());
    let events: Vec<Value> = events
        .iter()
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let text: String = events
        .iter()
        .filter_map(|event| event["delta"].as_str())
        .collect();
    assert_eq!(events[events.len() - 1]["text"], text);
}

#[tokio::test]
async fn translations_are_the_work_of_one_model() {
    let lab = Lab::new().await;
    let translate = async |fields: &[(&str, &str)]| hear(&lab, "/audio/translations", fields).await;
    let whisper = ("model", "whisper-1");
    assert_eq!(
        translate(&[whisper]).await.ok(),
        json!({"text": "Good morning. how are you."})
    );
    let verbose = translate(&[whisper, ("response_format", "verbose_json")])
        .await
        .ok();
    assert_eq!(
        (&verbose["duration"], &verbose["language"]),
        (&2.5.into(), &"english".into())
    );
    let answer = translate(&[("model", "gpt-transcribe")]).await;
    let message = answer.refused(400, "model", "invalid_value");
    assert!(message.contains("'whisper-1'"), "{message}");
    translate(&[whisper, ("language", "de")])
        .await
        .refused(400, "language", "unknown_parameter");
}

#[tokio::test]
async fn what_a_model_cannot_do_is_told() {
    let lab = Lab::new().await;
    let (newest, four, oldest) = ("gpt-transcribe", "gpt-4o-transcribe", "whisper-1");
    for (model, name, value, code) in [
        (newest, "response_format", "srt", "unsupported_value"),
        (four, "response_format", "verbose_json", "unsupported_value"),
        (
            "gpt-4o-transcribe-diarize",
            "response_format",
            "vtt",
            "unsupported_value",
        ),
        (
            oldest,
            "response_format",
            "diarized_json",
            "unsupported_value",
        ),
        (oldest, "response_format", "xml", "invalid_value"),
        (
            four,
            "timestamp_granularities",
            "word",
            "unsupported_parameter",
        ),
        (four, "keywords", "x", "unsupported_parameter"),
        (newest, "known_speaker_names", "x", "unsupported_parameter"),
        (
            "gpt-4o-transcribe-diarize",
            "prompt",
            "x",
            "unsupported_parameter",
        ),
        (oldest, "include", "logprobs", "unsupported_parameter"),
        (oldest, "language", "German", "invalid_language_format"),
        (oldest, "temperature", "2", "decimal_above_max_value"),
        (oldest, "colour", "red", "unknown_parameter"),
    ] {
        let answer = transcribe(&lab, &[("model", model), (name, value)]).await;
        answer.refused(400, name, code);
    }
    transcribe(&lab, &[])
        .await
        .refused(400, "model", "missing_required_parameter");
    transcribe(&lab, &[("model", "gpt-6-luna")])
        .await
        .refused(400, "model", "invalid_value");
}

#[tokio::test]
async fn what_is_no_recording_is_refused() {
    let lab = Lab::new().await;
    let large = vec![0_u8; 26 << 20];
    let (short, cut) = (recording(50), recording(500)[..30].to_vec());
    let model: Part<'_> = ("model", None, b"whisper-1");
    for (name, bytes, status, param, code) in [
        ("a.txt", &b"RIFF"[..], 400, "file", ""),
        ("a", b"RIFF", 400, "file", ""),
        ("a.mp3", b"not sound at all", 400, "file", "invalid_value"),
        ("a.wav", &cut, 400, "file", "invalid_value"),
        ("a.wav", &short, 400, "file", "audio_too_short"),
        ("a.wav", &large, 413, "", ""),
    ] {
        let answer = lab
            .form(
                "/audio/transcriptions",
                &[model, ("file", Some(name), bytes)],
            )
            .await;
        answer.refused(status, param, code);
    }
    let nothing = lab.form("/audio/transcriptions", &[model]).await;
    nothing.refused(400, "file", "missing_required_parameter");
    let mp3 = [&b"ID3"[..], &vec![0; 32_000]].concat();
    let known = lab
        .form(
            "/audio/transcriptions",
            &[model, ("file", Some("a.mp3"), &mp3)],
        )
        .await;
    assert_eq!(known.ok()["usage"]["seconds"], 3.0);
}

fn speech(more: Value) -> Value {
    let mut ask = json!({"model": "gpt-4o-mini-tts", "input": "Good morning, how are you?", "voice": "coral"});
    for (name, value) in more.as_object().unwrap() {
        ask[name] = value.clone();
    }
    ask
}

#[tokio::test]
async fn speech_is_sound_as_long_as_the_text() {
    let lab = Lab::new().await;
    let speak = async |more: Value| lab.post("/audio/speech", speech(more)).await;
    let said = speak(json!({"response_format": "wav", "instructions": "Kindly"})).await;
    assert_eq!(said.header("content-type"), "audio/wav");
    let sound = wav::read(&said.bytes).unwrap();
    assert_eq!((sound.rate, sound.duration.as_millis()), (24_000, 1_733));
    let fast = speak(json!({"response_format": "wav", "speed": 2})).await;
    assert_eq!(wav::read(&fast.bytes).unwrap().duration.as_millis(), 866);
    let raw = speak(json!({"response_format": "pcm"})).await;
    assert_eq!(raw.bytes, said.bytes[44..]);
    for (format, kind, mark) in [
        ("mp3", "audio/mpeg", &b"\xff\xf3"[..]),
        ("opus", "audio/opus", b"OggS"),
        ("aac", "audio/aac", b"\xff\xf1"),
        ("flac", "audio/flac", b"fLaC"),
    ] {
        let said = speak(json!({"response_format": format})).await;
        assert_eq!(said.header("content-type"), kind);
        assert!(said.bytes.starts_with(mark), "{format}");
        assert_eq!(
            said.bytes,
            speak(json!({"response_format": format})).await.bytes
        );
    }
    assert_eq!(speak(json!({})).await.header("content-type"), "audio/mpeg");
    let own = speak(json!({"voice": {"id": "voice_1"}, "response_format": "wav"})).await;
    assert_eq!(own.status, 200);
    let stream = speak(json!({"stream_format": "sse"})).await.text();
    assert!(stream.contains("speech.audio.done"), "{stream}");
}

#[tokio::test]
async fn speech_that_cannot_be_is_refused() {
    let lab = Lab::new().await;
    for (more, status, param, code) in [
        (
            json!({"model": "gpt-realtime-2.1-mini"}),
            404,
            "",
            "model_not_found",
        ),
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
        (
            json!({"input": ""}),
            400,
            "input",
            "string_below_min_length",
        ),
        (
            json!({"input": "x".repeat(4_097)}),
            400,
            "input",
            "string_above_max_length",
        ),
        (
            json!({"voice": null}),
            400,
            "voice",
            "missing_required_parameter",
        ),
        (json!({"voice": "darth"}), 400, "voice", "invalid_value"),
        (
            json!({"model": "tts-1", "voice": "marin"}),
            400,
            "voice",
            "invalid_value",
        ),
        (
            json!({"model": "tts-1", "instructions": "x"}),
            400,
            "instructions",
            "unsupported_parameter",
        ),
        (json!({"speed": 5}), 400, "speed", "decimal_above_max_value"),
        (
            json!({"response_format": "midi"}),
            400,
            "response_format",
            "invalid_value",
        ),
        (json!({"pitch": 1}), 400, "pitch", "unknown_parameter"),
    ] {
        lab.post("/audio/speech", speech(more))
            .await
            .refused(status, param, code);
    }
}
