//! A person agrees before something is destroyed.

use business_tools_core::{Effect, Kind};
use business_tools_testkit::Person;
use serde_json::json;

use crate::dry_run::writes;
use crate::support::{NO_CALL, world};

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
