//! The simulator as a client of another make sees it.

use business_tools_testkit::World;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::support::{ACCOUNT, FROM, OTHER, TO, VERIFY, client, path, world};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn url(world: &World, path: &str) -> String {
    format!("{}{path}", world.sandbox.base_url("twilio"))
}

async fn get(world: &World, path: &str, user: &str, password: &str) -> Response {
    client()
        .get(url(world, path))
        .basic_auth(user, Some(password))
        .send()
        .await
        .unwrap()
}

async fn post(world: &World, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let request = client()
        .post(url(world, path))
        .basic_auth(ACCOUNT, Some(TOKEN))
        .form(form);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_the_load() {
    let world = world().await;
    for path in [path("Messages.json"), "/nowhere".to_owned()] {
        let answer = get(&world, &path, ACCOUNT, TOKEN).await;
        let id = answer.headers()["twilio-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(id.len() == 34 && id.starts_with("RQ"), "{id}");
        assert!(answer.headers().contains_key("twilio-concurrent-requests"));
    }
}

#[tokio::test]
async fn credentials_are_missing_ill_formed_wrong_or_of_another_account() {
    let world = world().await;
    let list = path("Messages.json");
    let missing = client().get(url(&world, &list)).send().await.unwrap();
    let mut refused = vec![missing];
    for (user, password) in [
        (ACCOUNT, ""),
        (ACCOUNT, "wrong"),
        ("AC1", TOKEN),
        ("wrong", TOKEN),
        (OTHER, TOKEN),
        ("OQ1", TOKEN),
    ] {
        refused.push(get(&world, &list, user, password).await);
    }
    for answer in refused {
        assert_eq!(answer.status(), 401);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            (&body["code"], &body["status"]),
            (&20003.into(), &401.into())
        );
        assert_eq!(
            body["more_info"],
            "https://www.twilio.com/docs/errors/20003"
        );
    }
    let key = "SK00000000000000000000000000000001";
    assert_eq!(get(&world, &list, key, "secret").await.status(), 200);
}

#[tokio::test]
async fn pages_lead_on_and_back_by_paths_of_the_host() {
    let world = world().await;
    for _ in 0..3 {
        post(
            &world,
            &path("Messages.json"),
            &[("To", TO), ("From", FROM), ("Body", "x")],
        )
        .await;
    }
    let mut next = format!("{}?PageSize=1", path("Messages.json"));
    let mut pages = Vec::new();
    loop {
        let page: Value = get(&world, &next, ACCOUNT, TOKEN)
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(page["messages"].as_array().unwrap().len(), 1);
        assert_eq!(page["page_size"], 1);
        pages.push(page.clone());
        match page["next_page_uri"].as_str() {
            Some(uri) => next = uri.to_owned(),
            None => break,
        }
    }
    assert_eq!(pages.len(), 3);
    assert_eq!(
        (&pages[2]["page"], &pages[2]["start"]),
        (&2.into(), &2.into())
    );
    let back = pages[2]["previous_page_uri"].as_str().unwrap();
    let back: Value = get(&world, back, ACCOUNT, TOKEN)
        .await
        .json()
        .await
        .unwrap();
    // Its state may have moved on meanwhile.
    assert_eq!(back["messages"][0]["sid"], pages[1]["messages"][0]["sid"]);
    for bad in ["PageSize=0", "PageSize=1001", "PageSize=x", "PageToken=x"] {
        let answer = get(
            &world,
            &format!("{}?{bad}", path("Messages.json")),
            ACCOUNT,
            TOKEN,
        )
        .await;
        assert_eq!(answer.status(), 400, "{bad}");
    }
}

#[tokio::test]
async fn what_a_message_lacks_has_a_code_of_its_own() {
    let world = world().await;
    let bad = "https://example.com/x";
    for (form, code) in [
        (vec![("From", FROM), ("Body", "x")], 21604),
        (vec![("To", TO), ("Body", "x")], 21603),
        (vec![("To", TO), ("From", FROM)], 21602),
        (vec![("To", TO), ("From", FROM), ("Body", "")], 21602),
        (
            vec![("To", TO), ("MessagingServiceSid", "MG1"), ("Body", "x")],
            21701,
        ),
        (vec![("To", TO), ("From", FROM), ("MediaUrl", "x")], 21620),
        (
            vec![
                ("To", TO),
                ("From", FROM),
                ("Body", "x"),
                ("StatusCallback", "x"),
            ],
            21609,
        ),
        (
            vec![("To", TO), ("From", "whatsapp:+14155550100"), ("Body", "x")],
            63007,
        ),
        (
            vec![
                ("To", TO),
                ("From", FROM),
                ("Body", "x"),
                ("SendAt", "2030-01-01T00:00:00Z"),
            ],
            35118,
        ),
        (
            vec![("To", TO), ("From", FROM), ("Body", &*"x".repeat(1601))],
            21617,
        ),
        (
            [("To", TO), ("From", FROM)]
                .into_iter()
                .chain([("MediaUrl", bad); 11])
                .collect(),
            21623,
        ),
    ] {
        let (status, body) = post(&world, &path("Messages.json"), &form).await;
        assert_eq!(
            (status, &body["code"]),
            (StatusCode::BAD_REQUEST, &code.into()),
            "{form:?}"
        );
        assert_eq!(
            body["more_info"],
            format!("https://www.twilio.com/docs/errors/{code}")
        );
    }
}

#[tokio::test]
async fn a_used_up_verification_says_when_to_come_back() {
    let world = world().await;
    let verifications = format!("/v2/Services/{VERIFY}/Verifications");
    let form = [("To", TO), ("Channel", "sms")];
    for _ in 0..5 {
        assert_eq!(post(&world, &verifications, &form).await.0, 201);
    }
    let request = client()
        .post(url(&world, &verifications))
        .basic_auth(ACCOUNT, Some(TOKEN))
        .form(&form);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "600");
    assert!(answer.headers().contains_key("twilio-reached-rate-limit"));
    for form in [
        vec![("To", TO), ("Channel", "pigeon")],
        vec![("To", "x"), ("Channel", "sms")],
    ] {
        assert_eq!(post(&world, &verifications, &form).await.1["code"], 60200);
    }
}

#[tokio::test]
async fn faults_have_the_form_of_twilios_own_errors() {
    let world = world().await;
    for (status, code) in [
        (401, 20003),
        (403, 20008),
        (404, 20404),
        (429, 20429),
        (500, 20500),
        (503, 20503),
    ] {
        world.fault(serde_json::json!({"kind": "status", "status": status, "times": 1}));
        let answer = get(&world, &path("Messages.json"), ACCOUNT, TOKEN).await;
        assert_eq!(answer.status(), status);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            (&body["code"], &body["status"]),
            (&code.into(), &status.into())
        );
    }
}

#[tokio::test]
async fn what_was_assumed_to_exist_is_listed() {
    let world = world().await;
    let service = crate::support::SERVICE;
    post(
        &world,
        &path("Messages.json"),
        &[("To", TO), ("MessagingServiceSid", service), ("Body", "x")],
    )
    .await;
    let described = client()
        .get(format!("http://{}/_sandbox", world.sandbox.http))
        .send()
        .await
        .unwrap();
    let described: Value = described.json().await.unwrap();
    let account = &described["simulators"][0]["state"]["accounts"][ACCOUNT];
    assert_eq!(
        (&account["messages"], &account["assumed"][0]),
        (&1.into(), &service.into())
    );
}

/// What becomes by itself of a thing that is made.
async fn becomes(world: &World, list: &str, form: &[(&str, &str)]) -> Value {
    let (_, made) = post(world, &path(&format!("{list}.json")), form).await;
    let one = path(&format!("{list}/{}.json", made["sid"].as_str().unwrap()));
    let passing = ["queued", "sending", "sent", "ringing"];
    loop {
        let now: Value = get(world, &one, ACCOUNT, TOKEN).await.json().await.unwrap();
        if !passing.contains(&now["status"].as_str().unwrap()) {
            return now;
        }
    }
}

#[tokio::test]
async fn some_numbers_are_never_reached() {
    let world = world().await;
    for (to, status, code) in [
        ("+15005550010", "undelivered", 30003),
        ("+15005550011", "failed", 30008),
    ] {
        let form = [("To", to), ("From", FROM), ("Body", "x")];
        let ended = becomes(&world, "Messages", &form).await;
        assert_eq!(
            (&ended["status"], &ended["error_code"]),
            (&status.into(), &code.into())
        );
        assert!(ended["error_message"].is_string(), "{ended}");
    }
    for (to, status) in [
        ("+15005550012", "busy"),
        ("+15005550013", "no-answer"),
        ("+15005550014", "failed"),
    ] {
        let form = [("To", to), ("From", FROM), ("Twiml", "<Response/>")];
        let ended = becomes(&world, "Calls", &form).await;
        assert_eq!(
            (&ended["status"], &ended["duration"]),
            (&status.into(), &"0".into())
        );
    }
}
