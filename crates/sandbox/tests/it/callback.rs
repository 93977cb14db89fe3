//! Webhooks from a simulator.

use business_tools_sandbox::callback::Failed;
use business_tools_sandbox::{Callback, Form};

use crate::client::{fetch, send, shop};

/// The callbacks that the sandbox lists, when there are `count` and each has its outcome.
async fn listed(shop: &crate::client::Shop, count: usize) -> Vec<serde_json::Value> {
    let all = async {
        loop {
            let seen = fetch(shop.addr(), "/_sandbox/callbacks?provider=shop").await;
            let all = seen.json()["callbacks"].as_array().unwrap().clone();
            let over =
                |sent: &serde_json::Value| sent["status"].is_number() || sent["error"].is_string();
            if all.len() == count && all.iter().all(over) {
                return all;
            }
        }
    };
    tokio::time::timeout(crate::client::PATIENCE, all)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_goes_out_behind_an_answer_is_listed_masked_and_forgotten() {
    let shop = shop().await;
    let url = format!(
        "http://ada:s3cret@localhost:{}/shop/echo?token=s3cret",
        shop.addr().port()
    );
    for target in [url.as_str(), "http://192.0.2.1/"] {
        let told = send(shop.addr(), "POST", "/shop/tell", target).await;
        assert_eq!(told.status(), 204);
        // The second of a pair may overtake the first.
        listed(&shop, if target == url { 1 } else { 2 }).await;
    }
    let all = listed(&shop, 2).await;
    assert_eq!(
        (&all[0]["seq"], &all[0]["status"]),
        (&1.into(), &200.into())
    );
    assert_eq!(all[0]["method"], "POST");
    assert_eq!(all[0]["body"], "password=***&n=1");
    let shown = all[0].to_string();
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(all[0]["url"].as_str().unwrap().ends_with("/echo?token=***"));
    assert!(all[1]["error"].as_str().unwrap().contains("loopback only"));

    let after = fetch(shop.addr(), "/_sandbox/callbacks?after=1&limit=5").await;
    assert_eq!(after.json()["callbacks"][0]["seq"], 2);
    let other = fetch(shop.addr(), "/_sandbox/callbacks?provider=bare").await;
    assert!(other.json()["callbacks"].as_array().unwrap().is_empty());
    let cleared = send(shop.addr(), "DELETE", "/_sandbox/callbacks", "").await;
    assert_eq!(cleared.json()["cleared"], 2);
    assert!(shop.running.callbacks().is_empty());
}

#[tokio::test]
async fn what_waits_to_be_told_is_bounded_and_ends_with_a_reset() {
    let shop = shop().await;
    let waiting = async |count: usize| {
        for _ in 0..count {
            send(shop.addr(), "POST", "/shop/wait", "").await;
        }
        let seen = fetch(shop.addr(), "/_sandbox/callbacks").await;
        seen.json()["not_followed"].as_u64().unwrap()
    };
    assert_eq!(waiting(1_000).await, 0);
    assert_eq!(waiting(2).await, 2);
    let reset = send(shop.addr(), "POST", "/_sandbox/reset", "").await;
    assert_eq!(reset.status(), 200);
    // Tasks that were told to end give their places back when they are next run.
    let free = async {
        while waiting(1).await > 0 {
            send(shop.addr(), "DELETE", "/_sandbox/callbacks", "").await;
        }
    };
    tokio::time::timeout(crate::client::PATIENCE, free)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_callback_reaches_an_application_on_loopback() {
    let shop = shop().await;
    let form: Form = [("From", "+1555"), ("Body", "a b")].into_iter().collect();
    let url = format!("http://localhost:{}/shop/echo?x=1", shop.addr().port());
    let answered = Callback::post(&url)
        .header("X-Sig", "s")
        .form(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (answered.status.as_u16(), &answered.body[..]),
        (200, &b"From=%2B1555&Body=a+b"[..])
    );

    let seen = &shop.running.switchboard().requests(Some("shop"))[0];
    assert_eq!((seen.method.as_str(), seen.query.as_str()), ("POST", "x=1"));
    let host = (
        "host".to_owned(),
        format!("localhost:{}", shop.addr().port()),
    );
    assert!(seen.headers.contains(&host), "{seen:?}");
    assert!(seen.headers.contains(&("x-sig".into(), "s".into())));
}

#[tokio::test]
async fn an_error_status_is_an_answer() {
    let shop = shop().await;
    let url = format!("{}/nothing", shop.running.base_url("shop"));
    assert_eq!(
        Callback::post(&url)
            .json("{}")
            .send()
            .await
            .unwrap()
            .status
            .as_u16(),
        404
    );
}

#[tokio::test]
async fn callbacks_never_leave_the_machine() {
    for (url, failed) in [
        ("http://192.0.2.1/hook", Failed::NotLoopback),
        ("http://169.254.169.254/", Failed::NotLoopback),
        ("http://hooks.example/", Failed::NotLoopback),
        ("http://localhost.example/", Failed::NotLoopback),
        ("http://[::ffff:192.0.2.1]/", Failed::NotLoopback),
        ("http://0.0.0.0/", Failed::NotLoopback),
        ("https://127.0.0.1/", Failed::Url),
        ("file:///etc/passwd", Failed::Url),
        ("hook", Failed::Url),
    ] {
        assert_eq!(
            Callback::post(url).send().await.unwrap_err(),
            failed,
            "{url}"
        );
    }
    let split = Callback::post("http://127.0.0.1:1/").header("X", "a\r\nY: b");
    assert_eq!(split.send().await.unwrap_err(), Failed::Header);
    let nobody = Callback::post("http://127.0.0.1:1/").send().await;
    assert_eq!(nobody.unwrap_err(), Failed::Connect);
}
