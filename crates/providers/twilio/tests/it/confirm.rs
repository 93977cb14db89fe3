//! A person agrees before something is destroyed.

use business_tools_core::{Effect, Kind};
use business_tools_testkit::Person;
use serde_json::json;

use crate::dry_run::writes;
use crate::support::{NO_CALL, NO_MESSAGE, hello, sid, world};

#[tokio::test]
async fn every_destructive_tool_asks_and_names_the_object() {
    let world = world().await;
    let no = Person::who_says_no();
    let mut asked = 0;
    for (tool, args) in writes() {
        let destructive = world.registry.get(tool).unwrap().tool.spec.effect == Effect::Destructive;
        if !destructive {
            continue;
        }
        let error = world.call_with(&no, tool, args.clone()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::ConfirmationDeclined, "{tool}");
        asked += 1;
        let question = no.asked().pop().unwrap();
        assert!(
            question.contains(args["sid"].as_str().unwrap()),
            "{tool}: {question}"
        );
        assert!(question.ends_with('?'), "{question}");
    }
    assert!(
        no.asked()
            .iter()
            .any(|question| question.contains("https://example.com/twiml"))
    );
    assert_eq!((asked, no.asked().len()), (5, 5));
    assert!(world.requests().is_empty(), "no is no");
}

#[tokio::test]
async fn what_destroys_nothing_asks_nobody() {
    let world = world().await;
    let person = Person::who_says_no();
    world
        .call_with(&person, "twilio_send_message", hello())
        .await
        .unwrap();
    assert!(person.asked().is_empty());
}

#[tokio::test]
async fn where_nobody_can_be_asked_a_token_lets_the_same_call_through_once() {
    let world = world().await;
    let sid = sid(&world.ok("twilio_send_message", hello()).await);
    world.forget_requests();
    let args = json!({"sid": sid});
    let error = world
        .call_with(&Person::nobody(), "twilio_delete_message", args.clone())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::ConfirmationRequired);
    assert!(error.message().contains(&sid), "{error}");
    let token = error.details()["confirm_token"].clone();
    assert!(world.requests().is_empty());

    // Neither another object nor another tool.
    let other = json!({"sid": NO_MESSAGE, "confirm_token": token});
    assert_eq!(
        world.err("twilio_delete_message", other).await.kind(),
        Kind::ConfirmationRequired
    );
    let other = json!({"sid": sid, "confirm_token": token});
    assert_eq!(
        world.err("twilio_redact_message", other).await.kind(),
        Kind::ConfirmationRequired
    );
    let forged = json!({"sid": sid, "confirm_token": "AAAA"});
    assert_eq!(
        world.err("twilio_delete_message", forged).await.kind(),
        Kind::ConfirmationRequired
    );
    assert!(world.requests().is_empty());

    let agreed = json!({"sid": sid, "confirm_token": token});
    assert_eq!(
        world.ok("twilio_delete_message", agreed.clone()).await["deleted"],
        true
    );
    let spent = world.err("twilio_delete_message", agreed).await;
    assert_eq!(spent.kind(), Kind::ConfirmationRequired);
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn a_bad_call_is_refused_before_anybody_is_asked() {
    let world = world().await;
    let yes = Person::who_says_yes();
    let both = json!({"sid": NO_CALL, "url": "https://example.com", "twiml": "<Response/>"});
    let error = world
        .call_with(&yes, "twilio_redirect_call", both)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidArguments);
    assert!(yes.asked().is_empty());
}
