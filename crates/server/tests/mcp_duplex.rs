//! The handler over an in-process connection, in both generations of the protocol.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use business_tools_mcp::mcp::Options;
use common::{Client, ERAS, Era, Person, World, params, value};
use futures_util::future::join_all;
use rmcp::ServiceExt as _;
use rmcp::model::{
    CallToolRequest, CallToolResponse, ClientRequest, ElicitationAction, ErrorCode,
    InputRequiredResult, PaginatedRequestParams, ServerNotification, SubscriptionFilter,
};
use rmcp::service::{PeerRequestOptions, RequestHandle, RoleClient, ServiceError};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

const REMOVE: &str = "fake_remove_thing";

fn direct() -> Options {
    Options::default()
}

fn catalog() -> Options {
    Options {
        catalog: true,
        ..Options::default()
    }
}

/// The code of the protocol's own error.
fn code<T: std::fmt::Debug>(outcome: Result<T, ServiceError>) -> ErrorCode {
    match outcome {
        Err(ServiceError::McpError(error)) => error.code,
        other => panic!("expected a protocol error, got {other:?}"),
    }
}

/// The first round of a call that asks.
async fn first_round(client: &Client, id: &str) -> InputRequiredResult {
    match client
        .running
        .call_tool_once(params(REMOVE, json!({"id": id})))
        .await
        .unwrap()
    {
        CallToolResponse::InputRequired(question) => question,
        other => panic!("expected a question, got {other:?}"),
    }
}

/// The second round, with a state and an answer.
async fn second_round(
    client: &Client,
    id: &str,
    state: &str,
    answer: Value,
) -> Result<CallToolResponse, ServiceError> {
    let answers = std::iter::once(("confirm".to_owned(), answer)).collect();
    let params = params(REMOVE, json!({"id": id}))
        .with_request_state(state)
        .with_input_responses(answers);
    client.running.call_tool_once(params).await
}

async fn soon(mut done: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        if done() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn the_list_is_sorted_whole_and_annotated() {
    for era in ERAS {
        let client = World::new(direct()).client(era, Person::default()).await;
        let list = client.running.list_tools(None).await.unwrap();
        let names: Vec<_> = list.tools.iter().map(|tool| &*tool.name).collect();
        let expected = [
            "fake_add_thing",
            "fake_count_things",
            "fake_draw_thing",
            "fake_get_thing",
            "fake_list_things",
            "fake_panic",
            REMOVE,
            "fake_wait",
        ];
        assert_eq!(names, expected, "{era:?}");
        assert!(list.next_cursor.is_none(), "{era:?}");
        for tool in &list.tools {
            let hints = tool.annotations.as_ref().unwrap();
            let removes = tool.name == REMOVE;
            let reads = !removes && tool.name != "fake_add_thing";
            assert_eq!(hints.read_only_hint, Some(reads), "{era:?} {}", tool.name);
            // What the protocol takes for granted is not said.
            assert_eq!(
                hints.destructive_hint,
                (!reads).then_some(removes),
                "{era:?} {}",
                tool.name
            );
            assert_eq!(hints.open_world_hint, None, "{era:?} {}", tool.name);
            assert!(tool.description.is_some(), "{era:?} {}", tool.name);
            assert_eq!(
                tool.input_schema["additionalProperties"], false,
                "{era:?} {}",
                tool.name
            );
        }
        let meta = list.meta.unwrap();
        assert_eq!(
            meta.0["io.modelcontextprotocol/serverInfo"]["name"],
            "business-tools-mcp"
        );
    }
}

#[tokio::test]
async fn a_cursor_that_was_never_given_is_refused() {
    for era in ERAS {
        let client = World::new(direct()).client(era, Person::default()).await;
        let page = PaginatedRequestParams::default().with_cursor(Some("forged".into()));
        assert_eq!(
            code(client.running.list_tools(Some(page.clone())).await),
            ErrorCode::INVALID_PARAMS
        );
        assert_eq!(
            code(client.running.list_prompts(Some(page)).await),
            ErrorCode::INVALID_PARAMS
        );
    }
}

#[tokio::test]
async fn a_result_comes_as_structure_and_as_the_same_text() {
    for era in ERAS {
        let client = World::new(direct()).client(era, Person::default()).await;
        let result = client.call("fake_get_thing", json!({"id": "7"})).await;
        assert_eq!(result.is_error, Some(false), "{era:?}");
        assert_eq!(
            value(&result),
            json!({"id": "7", "name": "Thing 7"}),
            "{era:?}"
        );
        // Clients leave the arguments out when there are none.
        let bare = rmcp::model::CallToolRequestParams::new("fake_list_things");
        let result = client.running.call_tool(bare).await.unwrap();
        assert_eq!(value(&result)["items"][0]["id"], "1", "{era:?}");
    }
}

#[tokio::test]
async fn an_error_is_a_result_with_the_error_object() {
    for era in ERAS {
        let client = World::new(direct()).client(era, Person::default()).await;
        let missing = client
            .call("fake_get_thing", json!({"id": "missing"}))
            .await;
        assert_eq!(missing.is_error, Some(true), "{era:?}");
        let error = &value(&missing)["error"];
        assert_eq!(error["code"], "FAKE_NOT_FOUND", "{era:?}");
        assert_eq!(error["message"], "There is no such thing", "{era:?}");
        assert_eq!(error["details"]["provider"], "fake", "{era:?}");
        assert!(error["details"]["request_id"].is_string(), "{era:?}");

        let wrong = client
            .call("fake_get_thing", json!({"id": 7, "idd": "7"}))
            .await;
        let error = &value(&wrong)["error"];
        assert_eq!(error["code"], "INVALID_ARGUMENTS", "{era:?}");
        assert_eq!(
            error["details"]["faults"].as_array().map(Vec::len),
            Some(2),
            "{era:?} {error}"
        );
    }
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_of_the_protocol() {
    for era in ERAS {
        for options in [direct(), catalog()] {
            let client = World::new(options).client(era, Person::default()).await;
            let outcome = client
                .running
                .call_tool(params("nobody_knows", json!({})))
                .await;
            assert_eq!(code(outcome), ErrorCode::INVALID_PARAMS, "{era:?}");
        }
    }
}

#[tokio::test]
async fn a_person_who_agrees_is_asked_once_and_obeyed() {
    for era in ERAS {
        let world = World::new(direct());
        let client = world
            .client(era, Person::who(ElicitationAction::Accept))
            .await;
        let result = client.call(REMOVE, json!({"id": "7"})).await;
        assert_eq!(value(&result)["name"], "removed", "{era:?}");
        assert_eq!(client.person.asked(), ["Remove thing 7?"], "{era:?}");
        assert_eq!(world.removed(), ["7"], "{era:?}");
    }
}

#[tokio::test]
async fn a_person_who_says_no_stops_it() {
    for era in ERAS {
        for answer in [ElicitationAction::Decline, ElicitationAction::Cancel] {
            let world = World::new(direct());
            let client = world.client(era, Person::who(answer)).await;
            let result = client.call(REMOVE, json!({"id": "7"})).await;
            assert_eq!(result.is_error, Some(true), "{era:?}");
            assert_eq!(
                value(&result)["error"]["code"],
                "CONFIRMATION_DECLINED",
                "{era:?}"
            );
            assert!(world.removed().is_empty(), "{era:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_cannot_ask_gets_a_token_that_works_once() {
    for era in ERAS {
        let world = World::new(direct());
        let client = world.client(era, Person::default()).await;
        let refused = value(&client.call(REMOVE, json!({"id": "7"})).await);
        let error = &refused["error"];
        assert_eq!(error["code"], "CONFIRMATION_REQUIRED", "{era:?}");
        assert_eq!(error["details"]["question"], "Remove thing 7?", "{era:?}");
        let token = error["details"]["confirm_token"].as_str().unwrap();

        let other = client
            .call(REMOVE, json!({"id": "8", "confirm_token": token}))
            .await;
        assert_eq!(
            value(&other)["error"]["code"],
            "CONFIRMATION_REQUIRED",
            "{era:?}: of another call"
        );
        assert!(world.removed().is_empty(), "{era:?}");

        let done = client
            .call(REMOVE, json!({"id": "7", "confirm_token": token}))
            .await;
        assert_eq!(value(&done)["name"], "removed", "{era:?}");
        let again = client
            .call(REMOVE, json!({"id": "7", "confirm_token": token}))
            .await;
        assert_eq!(
            value(&again)["error"]["code"],
            "CONFIRMATION_REQUIRED",
            "{era:?}: used up"
        );
        assert_eq!(world.removed(), ["7"], "{era:?}");
    }
}

#[tokio::test]
async fn a_modern_client_answers_in_a_second_round() {
    let world = World::new(direct());
    let client = world
        .client(Era::Modern, Person::who(ElicitationAction::Accept))
        .await;
    let question = first_round(&client, "7").await;
    let asked = serde_json::to_value(&question.input_requests.unwrap()["confirm"]).unwrap();
    assert_eq!(asked["method"], "elicitation/create");
    assert_eq!(asked["params"]["message"], "Remove thing 7?");
    assert!(world.removed().is_empty());
    let state = question.request_state.unwrap();
    let yes = json!({"action": "accept", "content": {"confirm": true}});
    let done = second_round(&client, "7", &state, yes).await.unwrap();
    assert!(matches!(done, CallToolResponse::Complete(_)), "{done:?}");
    assert_eq!(world.removed(), ["7"]);
}

#[tokio::test]
async fn a_forged_foreign_or_used_state_is_refused() {
    let world = World::new(direct());
    let client = world
        .client(Era::Modern, Person::who(ElicitationAction::Accept))
        .await;
    let yes = || json!({"action": "accept", "content": {"confirm": true}});
    let state = first_round(&client, "7").await.request_state.unwrap();

    let mut forged = state.clone().into_bytes();
    let last = forged.len() - 2;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    for forged in [
        String::from_utf8(forged).unwrap(),
        format!("{state}x"),
        "nonsense".into(),
        String::new(),
    ] {
        let outcome = second_round(&client, "7", &forged, yes()).await;
        assert_eq!(code(outcome), ErrorCode::INVALID_PARAMS, "{forged}");
    }
    assert_eq!(
        code(second_round(&client, "8", &state, yes()).await),
        ErrorCode::INVALID_PARAMS
    );
    assert!(world.removed().is_empty());

    second_round(&client, "7", &state, yes()).await.unwrap();
    assert_eq!(
        code(second_round(&client, "7", &state, yes()).await),
        ErrorCode::INVALID_PARAMS
    );
    assert_eq!(world.removed(), ["7"]);
}

#[tokio::test]
async fn an_answer_that_is_none_is_asked_for_again() {
    let world = World::new(direct());
    let client = world
        .client(Era::Modern, Person::who(ElicitationAction::Accept))
        .await;
    for nothing in [json!(5), json!("yes"), Value::Null, json!([])] {
        let state = first_round(&client, "7").await.request_state.unwrap();
        let outcome = second_round(&client, "7", &state, nothing.clone())
            .await
            .unwrap();
        assert!(
            matches!(outcome, CallToolResponse::InputRequired(_)),
            "{nothing}: {outcome:?}"
        );
    }
    let state = first_round(&client, "7").await.request_state.unwrap();
    let cleared = json!({"action": "accept", "content": {"confirm": false}});
    match second_round(&client, "7", &state, cleared).await.unwrap() {
        CallToolResponse::Complete(result) => {
            assert_eq!(value(&result)["error"]["code"], "CONFIRMATION_DECLINED");
        }
        other => panic!("{other:?}"),
    }
    // An answer without a state was never asked for by us.
    let answers = std::iter::once(("confirm".to_owned(), json!({"action": "accept"}))).collect();
    let unasked = params(REMOVE, json!({"id": "7"})).with_input_responses(answers);
    let outcome = client.running.call_tool_once(unasked).await.unwrap();
    assert!(
        matches!(outcome, CallToolResponse::InputRequired(_)),
        "{outcome:?}"
    );
    assert!(world.removed().is_empty());
}

#[tokio::test]
async fn progress_arrives_from_the_first_step_to_the_last() {
    for era in ERAS {
        let client = World::new(direct()).client(era, Person::default()).await;
        let result = client.call("fake_count_things", json!({"steps": 40})).await;
        assert_eq!(value(&result), json!({"count": 40}), "{era:?}");
        // Notifications are handled on tasks of their own, at the client too.
        let progress = &client.person.progress;
        assert!(
            soon(|| progress.lock().unwrap().len() >= 4).await,
            "{era:?}"
        );
        let mut seen = progress.lock().unwrap().clone();
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(seen.first(), Some(&(0.0, Some(40.0))), "{era:?}");
        assert_eq!(seen.last(), Some(&(40.0, Some(40.0))), "{era:?}");
        assert!(seen.len() <= 8, "{era:?}: a flood: {seen:?}");
        assert!(
            seen.windows(2).all(|two| two[0].0 < two[1].0),
            "{era:?}: {seen:?}"
        );
    }
}

/// Starts a call and gives its handle, once `begun` says so.
async fn start(
    client: &Client,
    call: rmcp::model::CallToolRequestParams,
    begun: impl FnMut() -> bool,
) -> RequestHandle<RoleClient> {
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(call));
    let options = PeerRequestOptions::no_options();
    let handle = client
        .running
        .send_cancellable_request(request, options)
        .await
        .unwrap();
    assert!(soon(begun).await, "it runs");
    handle
}

#[tokio::test]
async fn a_read_stops_when_it_is_cancelled() {
    for era in ERAS {
        let world = World::new(direct());
        let client = world.client(era, Person::default()).await;
        let happened = &world.happened;
        let wait = params("fake_wait", json!({"millis": 30_000}));
        let handle = start(&client, wait, || happened.begun.load(Ordering::SeqCst) == 1).await;
        handle.cancel(Some("changed my mind".into())).await.unwrap();
        assert!(
            soon(|| happened.stopped.load(Ordering::SeqCst) == 1).await,
            "{era:?}: it stopped"
        );
        let next = client.call("fake_get_thing", json!({"id": "7"})).await;
        assert_eq!(next.is_error, Some(false), "{era:?}: the connection lives");
    }
}

#[tokio::test]
async fn a_read_stops_when_its_client_is_gone() {
    // Both at once: what runs at the end of input is given five seconds to be answered.
    join_all(ERAS.map(async |era| {
        let world = World::new(direct());
        let client = world.client(era, Person::default()).await;
        let happened = &world.happened;
        let wait = params("fake_wait", json!({"millis": 30_000}));
        let _handle = start(&client, wait, || happened.begun.load(Ordering::SeqCst) == 1).await;
        client.running.cancel().await.unwrap();
        let until = Instant::now() + Duration::from_secs(8);
        while happened.stopped.load(Ordering::SeqCst) == 0 {
            assert!(Instant::now() < until, "{era:?}: it still runs");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }))
    .await;
}

#[tokio::test]
async fn a_write_that_went_out_is_finished_all_the_same() {
    for era in ERAS {
        let world = World::new(direct());
        let client = world.client(era, Person::default()).await;
        let happened = &world.happened;
        let add = params("fake_add_thing", json!({"id": "7"}));
        let handle = start(&client, add, || happened.begun.load(Ordering::SeqCst) == 1).await;
        handle.cancel(None).await.unwrap();
        assert!(
            soon(|| *happened.added.lock().unwrap() == ["7"]).await,
            "{era:?}"
        );
    }
}

#[tokio::test]
async fn a_question_without_an_answer_ends_with_the_call() {
    let world = World::new(direct());
    let person = Person {
        silent: true,
        ..Person::who(ElicitationAction::Accept)
    };
    let client = world.client(Era::Legacy, person).await;
    let asked = client.person.asked.clone();
    let remove = params(REMOVE, json!({"id": "7"}));
    let handle = start(&client, remove, || asked.lock().unwrap().len() == 1).await;
    handle.cancel(None).await.unwrap();
    world.handler.drain();
    tokio::time::timeout(Duration::from_secs(2), world.handler.idle())
        .await
        .unwrap();
    assert!(world.removed().is_empty());
}

#[tokio::test]
async fn a_change_of_the_list_is_told_to_whoever_listens() {
    let world = World::new(direct());
    let legacy = world.client(Era::Legacy, Person::default()).await;
    let modern = world.client(Era::Modern, Person::default()).await;
    let filter = SubscriptionFilter::builder()
        .tools_list_changed()
        .prompts_list_changed()
        .resource_subscription("bt://nobody/knows")
        .build();
    let mut listening = modern.running.listen(filter).await.unwrap();
    assert_eq!(
        listening.acknowledged(),
        &SubscriptionFilter::builder().tools_list_changed().build()
    );
    world.handler.tools_changed().await;
    let notice = listening.next().await.unwrap();
    assert!(
        matches!(
            notice,
            Some(ServerNotification::ToolListChangedNotification(_))
        ),
        "{notice:?}"
    );
    assert!(soon(|| legacy.person.changes.load(Ordering::SeqCst) == 1).await);

    world.handler.drain();
    let end = tokio::time::timeout(Duration::from_secs(2), listening.next())
        .await
        .unwrap();
    assert!(
        matches!(end, Ok(None)),
        "the stream ends as it should: {end:?}"
    );
    assert!(world.handler.listeners().is_empty());
}

#[tokio::test]
async fn a_panic_is_answered_and_gives_nothing_away() {
    for era in ERAS {
        let client = World::new(direct()).client(era, Person::default()).await;
        let call = client.call("fake_panic", json!({}));
        let result = tokio::time::timeout(Duration::from_secs(1), call)
            .await
            .unwrap();
        assert_eq!(result.is_error, Some(true), "{era:?}");
        let error = value(&result);
        assert_eq!(error["error"]["code"], "INTERNAL", "{era:?}");
        assert!(!error.to_string().contains("secret"), "{era:?}: {error}");
    }
}

#[tokio::test]
async fn three_hundred_calls_run_beside_each_other() {
    for era in ERAS {
        let client = World::new(direct()).client(era, Person::default()).await;
        let begun = Instant::now();
        let calls = (0..300).map(|_| client.call("fake_wait", json!({"millis": 100})));
        let results = join_all(calls).await;
        assert!(
            results.iter().all(|result| result.is_error == Some(false)),
            "{era:?}"
        );
        // One after another they would take half a minute.
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{era:?}: {:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test]
async fn more_calls_than_the_server_takes_are_told_to_wait() {
    let world = World::new(Options {
        max_calls: 2,
        ..Options::default()
    });
    let client = world.client(Era::Modern, Person::default()).await;
    let results = join_all((0..10).map(|_| client.call("fake_wait", json!({"millis": 300})))).await;
    let (done, refused): (Vec<_>, Vec<_>) = results
        .iter()
        .partition(|result| result.is_error == Some(false));
    assert_eq!((done.len(), refused.len()), (2, 8));
    for refused in refused {
        let error = &value(refused)["error"];
        assert_eq!(error["code"], "RATE_LIMITED");
        assert_eq!(error["details"]["retry_after_ms"], 1000);
    }
}

#[tokio::test]
async fn the_catalog_has_three_tools_that_lead_to_all_others() {
    for era in ERAS {
        let client = World::new(catalog()).client(era, Person::default()).await;
        let list = client.running.list_tools(None).await.unwrap();
        let names: Vec<_> = list.tools.iter().map(|tool| &*tool.name).collect();
        assert_eq!(
            names,
            ["bt_call_tool", "bt_describe_tool", "bt_search_tools"],
            "{era:?}"
        );

        let found = value(
            &client
                .call("bt_search_tools", json!({"query": "remove things"}))
                .await,
        );
        assert_eq!(found["items"][0]["name"], REMOVE, "{era:?} {found}");
        let all = value(&client.call("bt_search_tools", json!({"query": ""})).await);
        assert_eq!(all["total"], 8, "{era:?} {all}");

        let shown = value(
            &client
                .call("bt_describe_tool", json!({"name": "fake_get_thing"}))
                .await,
        );
        assert_eq!(
            shown["inputSchema"]["required"],
            json!(["id"]),
            "{era:?} {shown}"
        );
        assert_eq!(
            shown["annotations"]["readOnlyHint"], true,
            "{era:?} {shown}"
        );

        let call = json!({"name": "fake_get_thing", "arguments": {"id": "7"}});
        let got = value(&client.call("bt_call_tool", call).await);
        assert_eq!(got["name"], "Thing 7", "{era:?}");

        let unknown = json!({"name": "nobody_knows"});
        for tool in ["bt_call_tool", "bt_describe_tool"] {
            let error = client.call(tool, unknown.clone()).await;
            assert_eq!(error.is_error, Some(true), "{era:?}");
            assert_eq!(value(&error)["error"]["code"], "TOOL_NOT_FOUND", "{era:?}");
        }
        let wrong = client.call("bt_search_tools", json!({"querry": "x"})).await;
        assert_eq!(
            value(&wrong)["error"]["code"],
            "INVALID_ARGUMENTS",
            "{era:?}"
        );
    }
}

#[tokio::test]
async fn the_catalog_asks_as_the_tool_itself_would() {
    for era in ERAS {
        let world = World::new(catalog());
        let call = |id: &str| json!({"name": REMOVE, "arguments": {"id": id}});
        let yes = world
            .client(era, Person::who(ElicitationAction::Accept))
            .await;
        let done = yes.call("bt_call_tool", call("7")).await;
        assert_eq!(value(&done)["name"], "removed", "{era:?}");
        assert_eq!(yes.person.asked(), ["Remove thing 7?"], "{era:?}");

        let no = world
            .client(era, Person::who(ElicitationAction::Decline))
            .await;
        let declined = no.call("bt_call_tool", call("8")).await;
        assert_eq!(
            value(&declined)["error"]["code"],
            "CONFIRMATION_DECLINED",
            "{era:?}"
        );

        let mute = world.client(era, Person::default()).await;
        let refused = value(&mute.call("bt_call_tool", call("9")).await);
        let token = &refused["error"]["details"]["confirm_token"];
        let with_token = json!({"name": REMOVE, "arguments": {"id": "9", "confirm_token": token}});
        let done = mute.call("bt_call_tool", with_token).await;
        assert_eq!(value(&done)["name"], "removed", "{era:?} {refused}");
        assert_eq!(world.removed(), ["7", "9"], "{era:?}");
    }
}

#[tokio::test]
async fn what_a_tool_made_is_linked_to_and_read_as_a_resource() {
    for era in ERAS {
        let client = World::new(direct()).client(era, Person::default()).await;
        let drawn = client.call("fake_draw_thing", json!({})).await;
        assert!(!drawn.content[0].as_text().unwrap().text.contains("UElD"));
        let links: Vec<_> = drawn
            .content
            .iter()
            .filter_map(|block| block.as_resource_link())
            .collect();
        let [link] = links.as_slice() else {
            panic!("what only looks like a link is none: {links:?}");
        };
        assert_eq!(link.mime_type.as_deref(), Some("image/png"), "{era:?}");
        let read = rmcp::model::ReadResourceRequestParams::new(link.uri.clone());
        let got = client.running.read_resource(read).await.unwrap();
        let got = serde_json::to_value(got.contents).unwrap();
        assert_eq!(got[0]["blob"], "UElDVFVSRQ==", "{era:?}: {got}");
        assert_eq!(got[0]["mimeType"], "image/png", "{era:?}");
        for uri in ["file:///etc/passwd", "bt://artifacts/x/y.png"] {
            let read = rmcp::model::ReadResourceRequestParams::new(uri);
            assert!(client.running.read_resource(read).await.is_err(), "{uri}");
        }
    }
}

#[tokio::test]
async fn prompts_are_declared_listed_and_filled_in() {
    for era in ERAS {
        let client = World::new(direct()).client(era, Person::default()).await;
        let list = client.running.list_prompts(None).await.unwrap();
        assert!(!list.prompts.is_empty(), "{era:?}");
        let prompt = list.prompts[0].clone();
        let unknown = rmcp::model::GetPromptRequestParams::new("nobody_knows");
        assert_eq!(
            code(client.running.get_prompt(unknown).await),
            ErrorCode::INVALID_PARAMS,
            "{era:?}"
        );
        let name = prompt.arguments.unwrap()[0].name.clone();
        let given = serde_json::Map::from_iter([(name, json!("a message"))]);
        let params = rmcp::model::GetPromptRequestParams::new(prompt.name).with_arguments(given);
        let got = client.running.get_prompt(params).await.unwrap();
        assert!(
            format!("{:?}", got.messages).contains("a message"),
            "{era:?}"
        );
    }
}

#[tokio::test]
async fn what_the_modern_generation_dropped_is_answered_as_unknown() {
    for method in ["initialize", "logging/setLevel", "resources/subscribe"] {
        let world = World::new(direct());
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = world.handler.clone();
        tokio::spawn(async move {
            if let Ok(running) = server.serve(ours).await {
                let _ = running.waiting().await;
            }
        });
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }}});
        let (reader, mut writer) = tokio::io::split(theirs);
        writer
            .write_all(format!("{request}\n").as_bytes())
            .await
            .unwrap();
        let mut line = String::new();
        let mut reader = BufReader::new(reader);
        let read = reader.read_line(&mut line);
        let _ = tokio::time::timeout(Duration::from_secs(2), read)
            .await
            .expect(method);
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
    }
}
