//! Lists over several pages.

use business_tools_core::{Cx, Kind, Principal};
use business_tools_testkit::{Heard, World};
use business_tools_twilio::Twilio;
use serde_json::{Value, json};

use crate::support::{FROM, TO, path, places, twilio, world};

async fn send(world: &World, count: usize) {
    for n in 0..count {
        world
            .ok(
                "twilio_send_message",
                json!({"to": TO, "from": FROM, "body": format!("{n}")}),
            )
            .await;
    }
    world.forget_requests();
}

fn bodies(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|item| item["body"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_list_goes_on_at_its_cursor_until_the_end() {
    let world = world().await;
    send(&world, 5).await;
    let mut seen = Vec::new();
    let mut args = json!({"to": TO, "limit": 2});
    loop {
        let list = world.ok("twilio_list_messages", args.clone()).await;
        seen.extend(bodies(&list));
        match list.get("next_cursor") {
            Some(cursor) => args["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    assert_eq!(world.requests().len(), 3);
    // The page is asked for as Twilio named it, its token included, on the list's own path.
    let last = world.last_request();
    assert_eq!(last.path, path("Messages.json"));
    assert!(
        last.query.contains("PageToken=") && last.query.contains("To=%2B14155552345"),
        "{}",
        last.query
    );
}

#[tokio::test]
async fn a_long_list_is_gathered_over_pages_and_progress_is_told() {
    let world = twilio()
        .overrides(json!({"timeouts": {"call": "20s", "attempt": "10s"}}))
        .start::<Twilio>()
        .await;
    send(&world, 130).await;
    let heard = Heard::default();
    let cx = Cx::builder(Principal::local())
        .progress(heard.clone())
        .build();
    let list = world
        .call_in("twilio_list_messages", json!({"limit": 120}), cx)
        .await
        .unwrap()
        .value;
    assert_eq!(list["items"].as_array().unwrap().len(), 120);
    let seen: Vec<_> = heard
        .all()
        .into_iter()
        .map(|(done, total, _)| (done, total))
        .collect();
    assert_eq!(seen, [(0, Some(120)), (60, Some(120)), (120, Some(120))]);
    assert_eq!(world.requests().len(), 2);
    let rest = world
        .ok(
            "twilio_list_messages",
            json!({"limit": 120, "cursor": list["next_cursor"]}),
        )
        .await;
    assert_eq!(
        bodies(&rest),
        ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"]
    );
    assert!(rest.get("next_cursor").is_none());
}

#[tokio::test]
async fn a_result_that_is_too_long_drops_whole_items_and_goes_on() {
    let world = twilio().env(|mut env| {
        env.max_result = 4096;
        env
    });
    let world = world.start::<Twilio>().await;
    send(&world, 30).await;
    let (mut seen, mut args) = (Vec::new(), json!({"limit": 30}));
    loop {
        let list = world.ok("twilio_list_messages", args.clone()).await;
        assert!(list.to_string().len() <= 4096);
        seen.extend(bodies(&list));
        match list.get("next_cursor") {
            Some(cursor) => {
                assert_eq!(list["truncated"], true);
                args["cursor"] = cursor.clone();
            }
            None => break,
        }
    }
    let all: Vec<String> = (0..30).rev().map(|n| n.to_string()).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_cursor_fits_its_own_query_alone() {
    let world = world().await;
    send(&world, 3).await;
    let list = world.ok("twilio_list_messages", json!({"limit": 1})).await;
    for args in [
        json!({"limit": 2, "cursor": list["next_cursor"]}),
        json!({"limit": 1, "to": TO, "cursor": list["next_cursor"]}),
        json!({"limit": 1, "cursor": "rubbish"}),
        json!({"limit": 1, "cursor": ""}),
    ] {
        assert_eq!(
            places(&world.err("twilio_list_messages", args).await),
            ["/cursor"]
        );
    }
    let args = json!({"cursor": list["next_cursor"], "limit": 1});
    assert_eq!(
        places(&world.err("twilio_list_calls", args).await),
        ["/cursor"]
    );
}

#[tokio::test]
async fn limits_are_bounded() {
    let world = world().await;
    for tool in [
        "twilio_list_messages",
        "twilio_list_calls",
        "twilio_list_recordings",
        "twilio_list_phone_numbers",
        "twilio_get_usage",
    ] {
        for limit in [0, 1001] {
            assert_eq!(
                places(&world.err(tool, json!({"limit": limit})).await),
                ["/limit"]
            );
        }
    }
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn a_page_that_leads_to_another_host_is_not_followed() {
    let world = stand_in(json!({"messages": [{"sid": "SM1"}], "next_page_uri": "https://evil.example/x?PageToken=1"})).await;
    let error = world.err("twilio_list_messages", json!({"limit": 5})).await;
    assert_eq!(error.kind(), Kind::BadUpstreamResponse);
    assert!(error.message().contains("another host"), "{error}");
}

#[tokio::test]
async fn a_page_that_leads_to_another_path_stays_on_the_list() {
    let keys = "/2010-04-01/Accounts/AC1/Keys.json?PageToken=1";
    let world = stand_in(json!({"messages": [{"sid": "SM1"}], "next_page_uri": keys})).await;
    let error = world.err("twilio_list_messages", json!({"limit": 5})).await;
    // The stand-in names the same page again and again, which ends the list.
    assert!(error.message().contains("same page"), "{error}");
    assert!(
        world
            .requests()
            .iter()
            .all(|request| request.path == path("Messages.json"))
    );
}

#[tokio::test]
async fn the_newer_paging_style_is_read_as_well() {
    let meta = json!({"key": "messages", "next_page_url": null, "page": 0});
    let world =
        stand_in(json!({"meta": meta, "messages": [{"sid": "SM1", "status": "some_new_status"}]}))
            .await;
    let list = world.ok("twilio_list_messages", json!({})).await;
    assert_eq!(
        list["items"],
        json!([{"sid": "SM1", "status": "some_new_status"}])
    );
}

/// A host that answers every request with this page.
async fn stand_in(page: Value) -> World {
    use business_tools_sandbox::axum::Router;
    use business_tools_sandbox::{Simulator, json};
    let answer = move || {
        let page = page.clone();
        async move { json::ok(&page) }
    };
    let simulator = Simulator::http("twilio", Router::new().fallback(answer));
    World::of(simulator, business_tools_twilio::sandbox_config)
        .start::<Twilio>()
        .await
}
