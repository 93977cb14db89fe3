//! A call of each tool that the simulator answers.

use business_tools_sandbox::{Example, Examples};
use serde_json::{Value, json};

const TEXT: &str = "openai_generate_text";
const UPLOAD: &str = "openai_upload_file";

/// The smallest PNG there is: one transparent pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0,
    0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0, 1, 0, 0, 5, 0, 1, 0x0d, 0x0a, 0x2d, 0xb4, 0, 0, 0, 0, b'I', b'E', b'N',
    b'D', 0xae, 0x42, 0x60, 0x82,
];

/// Calls that the simulator answers, one of each tool.
pub fn examples() -> Examples {
    let examples = Examples::new()
        .credentials(json!({"api_key": "sk-${secret}"}))
        .file("pixel.png", PIXEL)
        .file("call.wav", silence())
        .file("notes.txt", "Ada Lovelace called about the invoice.");
    [texts(), media(), meaning(), files()]
        .into_iter()
        .flatten()
        .fold(examples, Examples::with)
}

fn texts() -> Vec<Example> {
    let form = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
                      "additionalProperties": false});
    vec![
        Example::new(
            TEXT,
            json!({"input": "Who invented the first program?", "instructions": "Be brief",
                   "max_output_tokens": 500, "reasoning_effort": "low", "json_schema": form}),
        ),
        Example::new(
            "openai_get_response",
            json!({"response_id": "${answer/id}"}),
        )
        .after(
            "answer",
            TEXT,
            json!({"input": "Good morning", "store": true}),
        ),
        Example::new(
            "openai_cancel_response",
            json!({"response_id": "${work/id}"}),
        )
        .after(
            "work",
            TEXT,
            json!({"input": "Write a long story", "background": true}),
        ),
        Example::new(
            "openai_create_chat_completion",
            json!({"messages": [{"role": "system", "content": "Be brief"},
                                {"role": "user", "content": "Who invented the first program?"}],
                   "max_completion_tokens": 500}),
        ),
    ]
}

fn media() -> Vec<Example> {
    vec![
        Example::new(
            "openai_analyze_image",
            json!({"prompt": "What is in this image?", "image": "${file/pixel.png}", "detail": "low"}),
        ),
        Example::new(
            "openai_generate_image",
            json!({"prompt": "A red bicycle", "size": "1024x1024", "quality": "low"}),
        ),
        Example::new(
            "openai_edit_image",
            json!({"prompt": "Make it blue", "images": ["${file/pixel.png}"]}),
        ),
        Example::new(
            "openai_transcribe_audio",
            json!({"path": "${file/call.wav}", "language": "en", "keywords": ["Lovelace"]}),
        ),
        Example::new(
            "openai_translate_audio",
            json!({"path": "${file/call.wav}"}),
        ),
        Example::new(
            "openai_generate_speech",
            json!({"input": "Your order is on its way.", "voice": "marin"}),
        ),
    ]
}

fn meaning() -> Vec<Example> {
    vec![
        Example::new(
            "openai_create_embedding",
            json!({"input": ["The invoice is due in May", "A cat sat on a mat"], "query": "When is the invoice due?",
                   "dimensions": 256}),
        ),
        Example::new(
            "openai_moderate_content",
            json!({"input": ["Have a nice day"]}),
        ),
        Example::new("openai_list_models", json!({"search": "gpt"})),
    ]
}

fn files() -> Vec<Example> {
    vec![
        Example::new("openai_list_files", json!({"purpose": "user_data"})).after_many(
            3,
            "upload",
            UPLOAD,
            notes(),
        ),
        Example::new(UPLOAD, notes()),
        Example::new("openai_delete_file", json!({"file_id": "${upload/id}"})).after(
            "upload",
            UPLOAD,
            notes(),
        ),
    ]
}

fn notes() -> Value {
    json!({"path": "${file/notes.txt}", "purpose": "user_data"})
}

/// A quarter of a second of silence as a WAV file: 8 kHz, 8 bits, one channel.
fn silence() -> Vec<u8> {
    const SAMPLES: u32 = 2000;
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + SAMPLES).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8000_u32.to_le_bytes());
    wav.extend(8000_u32.to_le_bytes());
    wav.extend(b"\x01\0\x08\0data");
    wav.extend(SAMPLES.to_le_bytes());
    wav.resize(wav.len() + SAMPLES as usize, 0x80);
    wav
}
