//! What is there before the first request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use business_tools_sandbox::{Running, Sandbox, Seed};
use serde_json::{Value, json};

use crate::client::{fetch, send, simulator};

/// A shop whose demo has three orders.
async fn shop(seed: Option<Seed>) -> Running {
    let orders = Arc::new(AtomicUsize::new(0));
    let sown = Arc::clone(&orders);
    let simulator = simulator(&orders).on_seed(move |seed| {
        if seed == Seed::Demo {
            sown.fetch_add(3, Ordering::SeqCst);
        }
    });
    let mut sandbox = Sandbox::new(vec![simulator]);
    if let Some(seed) = seed {
        sandbox = sandbox.seed(seed);
    }
    sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap()
}

async fn orders(shop: &Running) -> Value {
    fetch(shop.http, "/shop/orders").await.json()["orders"].clone()
}

#[tokio::test]
async fn a_sandbox_starts_empty_unless_told_otherwise() {
    for (seed, count) in [(None, 0), (Some(Seed::Empty), 0), (Some(Seed::Demo), 3)] {
        assert_eq!(orders(&shop(seed).await).await, json!(count), "{seed:?}");
    }
}

#[tokio::test]
async fn a_reset_goes_back_to_the_seed() {
    let shop = shop(Some(Seed::Demo)).await;
    send(shop.http, "POST", "/shop/orders", "").await;
    assert_eq!(orders(&shop).await, json!(4));
    send(shop.http, "POST", "/_sandbox/reset", "").await;
    assert_eq!(orders(&shop).await, json!(3));
}
