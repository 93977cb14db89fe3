//! Webhooks from a simulator.

use business_tools_sandbox::callback::Failed;
use business_tools_sandbox::{Callback, Form};

use crate::client::shop;

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
