//! Pictures as they are shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::sse::{self, Event};
use business_tools_sandbox::{json, picture};
use serde_json::{Value, json};

use super::super::files::now;
use super::ask::Ask;

pub(super) fn answer(ask: &Ask, kind: &str) -> Response {
    let size = format!("{}x{}", ask.width, ask.height);
    let background = if ask.transparent {
        "transparent"
    } else {
        "opaque"
    };
    if ask.stream {
        return stream(ask, kind, &size, background);
    }
    let data: Vec<Value> = (0..ask.count)
        .map(|index| json!({"b64_json": picture(ask, index)}))
        .collect();
    json::ok(
        &json!({"created": now(), "background": background, "data": data, "output_format": ask.format,
                     "quality": ask.quality, "size": size, "usage": usage(ask, ask.count)}),
    )
}

/// Partial pictures, each nearer to the last one, and then that.
fn stream(ask: &Ask, kind: &str, size: &str, background: &str) -> Response {
    let event = |name: &str, index: usize| {
        json!({"type": format!("{kind}.{name}"), "b64_json": picture(ask, index), "created_at": now(), "size": size,
               "quality": ask.quality, "background": background, "output_format": ask.format})
    };
    let mut events: Vec<Value> = (0..ask.partial)
        .map(|index| {
            let mut partial = event("partial_image", index + 1);
            partial["partial_image_index"] = index.into();
            partial
        })
        .collect();
    for index in 0..ask.count {
        let mut done = event("completed", index);
        done["usage"] = usage(ask, 1);
        events.push(done);
    }
    let named = |event: Value| Event::named(event["type"].as_str().unwrap_or_default(), &event);
    sse::answer(events.into_iter().map(named).collect())
}

fn usage(ask: &Ask, count: usize) -> Value {
    let (text, image) = ask.input();
    let made = ask.output() * count;
    json!({"input_tokens": text + image, "input_tokens_details": {"text_tokens": text, "image_tokens": image},
           "output_tokens": made, "total_tokens": text + image + made})
}

/// The picture in base64. Its colour is that of the prompt and of its number.
fn picture(ask: &Ask, index: usize) -> String {
    let hash = ask
        .prompt
        .bytes()
        .chain([u8::try_from(index).unwrap_or(u8::MAX)])
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    let [_, red, green, blue] = hash.to_be_bytes();
    let colour = [red, green, blue];
    let bytes = match ask.format {
        "jpeg" => picture::jpeg(ask.width, ask.height, colour),
        "webp" => picture::webp(ask.width, ask.height, colour, ask.transparent),
        _ => picture::png(ask.width.into(), ask.height.into(), colour, ask.transparent),
    };
    STANDARD.encode(bytes)
}
