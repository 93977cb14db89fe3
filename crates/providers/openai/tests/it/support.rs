//! What the tests share.

use std::path::PathBuf;

use business_tools_core::artifact::Artifact;
use business_tools_core::files::Files;
use business_tools_core::{Env, Error, Kind, Principal};
use business_tools_openai::{OpenAi, sandbox_config, simulator};
pub(crate) use business_tools_testkit::errors::places;
use business_tools_testkit::{World, WorldBuilder, errors};
use serde_json::{Value, json};

/// A world with OpenAI in it, where the files of one folder may be read.
pub(crate) fn openai() -> WorldBuilder {
    World::of(simulator(), sandbox_config).env(reading)
}

/// The usual one.
pub(crate) async fn world() -> World {
    openai().start::<OpenAi>().await
}

fn reading(mut env: Env) -> Env {
    env.files = Files::of([folder()]);
    env
}

/// The same, where URLs may lead to this machine.
pub(crate) fn reading_loopback(env: Env) -> Env {
    reading(env).allow_private_fetch()
}

/// The folder whose files may be read.
pub(crate) fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("bt-openai-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A file in that folder.
pub(crate) fn file(name: &str, bytes: &[u8]) -> String {
    let path = folder().join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A second of a tone, as a WAV file: 16 kHz, 16 bits, one channel.
pub(crate) fn wav() -> Vec<u8> {
    const RATE: u32 = 16_000;
    let samples = (0..RATE).map(|n| {
        let phase = f64::from(n) * 440.0 * std::f64::consts::TAU / f64::from(RATE);
        #[expect(clippy::cast_possible_truncation, reason = "the sine is small enough")]
        let sample = (phase.sin() * 8_000.0) as i16;
        sample
    });
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let len = u32::try_from(data.len()).unwrap();
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + len).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend(1_u16.to_le_bytes());
    wav.extend(1_u16.to_le_bytes());
    wav.extend(RATE.to_le_bytes());
    wav.extend((RATE * 2).to_le_bytes());
    wav.extend(2_u16.to_le_bytes());
    wav.extend(16_u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend(len.to_le_bytes());
    wav.extend(data);
    wav
}

/// The smallest PNG there is: one transparent pixel.
pub(crate) const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0,
    0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0, 1, 0, 0, 5, 0, 1, 0x0d, 0x0a, 0x2d, 0xb4, 0, 0, 0, 0, b'I', b'E', b'N',
    b'D', 0xae, 0x42, 0x60, 0x82,
];

/// A text to write.
pub(crate) fn hello() -> Value {
    json!({"input": "Hello"})
}

/// What a link of a result leads to.
pub(crate) async fn behind(world: &World, link: &Value) -> Artifact {
    assert_eq!(link["type"], "resource_link", "{link}");
    let artifacts = &world.registry.env().artifacts;
    let uri = link["uri"].as_str().unwrap();
    let kept = artifacts.get(uri, &Principal::local()).await;
    kept.unwrap_or_else(|| panic!("nothing is behind {link}"))
}

/// The body of the last request that arrived, as JSON.
pub(crate) fn sent(world: &World) -> Value {
    let exchange = world.exchanges().pop().expect("a request arrived");
    serde_json::from_slice(&exchange.body).expect("it was JSON")
}

/// The body of the last request that arrived, as text.
pub(crate) fn sent_text(world: &World) -> String {
    let exchange = world.exchanges().pop().expect("a request arrived");
    String::from_utf8_lossy(&exchange.body).into_owned()
}

/// Checks what an error says to the caller.
pub(crate) fn assert_error(error: &Error, kind: Kind, code: Option<&str>, hint: &str) {
    errors::assert_error(error, kind, code.map(Value::from), hint);
}

/// A host that answers every request in one way, in the simulator's place.
pub(crate) async fn stand_in(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: Value,
) -> World {
    use business_tools_sandbox::Simulator;
    use business_tools_sandbox::axum::Router;
    use business_tools_sandbox::axum::http::{HeaderValue, StatusCode, header};
    use business_tools_sandbox::axum::response::{IntoResponse, Response};
    let answer = move || {
        let text = match &body {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut answer: Response = (StatusCode::from_u16(status).unwrap(), text).into_response();
        let kind = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
        for (name, value) in headers {
            answer
                .headers_mut()
                .insert(*name, HeaderValue::from_static(value));
        }
        async move { answer }
    };
    let simulator = Simulator::http("openai", Router::new().fallback(answer));
    World::of(simulator, sandbox_config)
        .env(reading)
        .start::<OpenAi>()
        .await
}
