//! What calls cost, as far as the operator knows the prices.

use std::time::Duration;

use business_tools_openai::OpenAi;
use business_tools_testkit::World;
use serde_json::json;

use crate::support::{file, hello, openai, wav, world};

/// What a tool cost so far.
fn spent(world: &World, tool: &str) -> f64 {
    let start = format!("mcp_cost_usd_total{{provider=\"openai\",tool=\"{tool}\"}} ");
    let metrics = world.metrics();
    let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
    line.map_or(0.0, |number| number.parse().unwrap())
}

async fn priced() -> World {
    let prices = json!({
        "gpt-6.1-terra": {"input_per_million": 1000, "output_per_million": 10000},
        "gpt-image-2": {"per_image": 0.25},
        "whisper-1": {"per_minute": 6},
        "gpt-4o-mini-tts": {"per_million_characters": 1000},
        "text-embedding-3-small": {"input_per_million": 100},
    });
    openai()
        .fields(json!({"prices": prices}))
        .start::<OpenAi>()
        .await
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-7
}

#[tokio::test]
async fn tokens_pieces_minutes_and_characters_are_counted() {
    let world = priced().await;
    let answer = world.ok("openai_generate_text", hello()).await;
    let usage = &answer["usage"];
    let (input, output) = (&usage["input_tokens"], &usage["output_tokens"]);
    let want = input.as_f64().unwrap() / 1e3 + output.as_f64().unwrap() / 1e2;
    assert!(near(usage["cost_usd"].as_f64().unwrap(), want), "{usage}");
    assert!(near(spent(&world, "openai_generate_text"), want));

    world
        .ok(
            "openai_generate_image",
            json!({"prompt": "A bicycle", "n": 2}),
        )
        .await;
    assert!(near(spent(&world, "openai_generate_image"), 0.5));

    let speech = world
        .ok("openai_generate_speech", json!({"input": "1234567890"}))
        .await;
    assert_eq!(speech["usage"], json!({"characters": 10, "cost_usd": 0.01}));
    assert!(near(spent(&world, "openai_generate_speech"), 0.01));

    let path = file("cost.wav", &wav());
    let heard = world
        .ok("openai_translate_audio", json!({"path": path}))
        .await;
    assert!(spent(&world, "openai_translate_audio") > 0.0, "{heard}");

    world
        .ok("openai_create_embedding", json!({"input": ["some words"]}))
        .await;
    assert!(spent(&world, "openai_create_embedding") > 0.0);
}

#[tokio::test]
async fn what_has_no_price_is_not_counted() {
    let world = world().await;
    let answer = world.ok("openai_generate_text", hello()).await;
    assert!(answer["usage"].get("cost_usd").is_none());
    assert!(near(spent(&world, "openai_generate_text"), 0.0));
}

#[tokio::test]
async fn work_in_the_background_is_paid_once_by_whoever_finds_it_done() {
    let world = priced().await;
    let begun = world
        .ok(
            "openai_generate_text",
            json!({"input": "Wait", "background": true}),
        )
        .await;
    assert!(near(spent(&world, "openai_generate_text"), 0.0));
    let args = json!({"response_id": begun["id"]});
    let mut done = 0;
    for _ in 0..100 {
        let now = world.ok("openai_get_response", args.clone()).await;
        if now["status"] == "completed" {
            let cost = now["usage"]["cost_usd"].as_f64().unwrap();
            assert!(
                near(spent(&world, "openai_get_response"), cost),
                "counted once"
            );
            done += 1;
            if done == 2 {
                return;
            }
            // Past the cache, so that OpenAI is really asked again.
            tokio::time::sleep(Duration::from_millis(2100)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("it never ended");
}

#[tokio::test]
async fn a_failed_call_costs_nothing() {
    let world = priced().await;
    world.fault(json!({"kind": "status", "status": 500}));
    world.err("openai_generate_text", hello()).await;
    assert!(near(spent(&world, "openai_generate_text"), 0.0));
}
