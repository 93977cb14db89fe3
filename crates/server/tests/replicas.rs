//! Three processes behind a round-robin: whatever lands wherever, they are one server.
#![cfg(all(feature = "all", feature = "redis", feature = "sandbox"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod binary;
mod common;
mod fleet;

use std::time::Duration;

use binary::{FROM, MODERN, Server, TO};
use business_tools_core::secret::key::MasterKey;
use business_tools_sandbox::{FaultKind, FaultRule, Recorded};
use business_tools_testkit::redis::RedisServer;
use common::{Client, ERAS, Era, Person, value};
use fleet::{Fleet, message, metric, until};
use futures_util::future::join_all;
use rmcp::model::{ElicitationAction, ReadResourceRequestParams};
use serde_json::{Value, json};

fn state(redis: &RedisServer) -> Value {
    json!({"redis": {"url": redis.url(), "timeout": "2s"}})
}

/// Three replicas that know of each other.
async fn three(redis: &RedisServer, more: Value) -> Fleet {
    let fleet = Fleet::start(3, state(redis), more).await;
    acquainted(&fleet).await;
    fleet
}

async fn acquainted(fleet: &Fleet) {
    for server in &fleet.replicas {
        until("the replicas find each other", async || {
            metric(server, "mcp_state_replicas{store=\"redis\"}").await == Some(3.0)
        })
        .await;
    }
}

/// A message to be removed.
async fn sent(server: &Server) -> Value {
    let message = json!({"to": TO, "from": FROM, "body": "to be removed"});
    let (status, done) = server.rest("twilio_send_message", message).await;
    assert_eq!(status, 200, "{done}");
    done["sid"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_conversation_may_land_anywhere_in_both_generations() {
    let redis = RedisServer::start(&[]);
    let fleet = three(&redis, json!({})).await;
    for era in ERAS {
        let front = fleet.front().await;
        let person = Person::who(ElicitationAction::Accept);
        let client = Client::connect(front.transport(), era, person).await;
        let tools = client.running.list_all_tools().await.unwrap();
        assert!(tools.len() > 40, "{era:?}");

        let mut sids = Vec::new();
        for n in 0..4 {
            let args = json!({"to": TO, "from": FROM, "body": format!("{era:?} {n}")});
            let done = value(&client.call("twilio_send_message", args).await);
            sids.push(done["sid"].clone());
        }
        // A cursor that one replica gave is good at another.
        let (mut seen, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let mut args = json!({"limit": 1});
            if !cursor.is_null() {
                args["cursor"] = cursor;
            }
            let page = value(&client.call("twilio_list_messages", args).await);
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|item| item["sid"].clone()));
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert!(sids.iter().all(|sid| seen.contains(sid)), "{era:?}");

        let gone = json!({"sid": sids[0]});
        let answer = value(&client.call("twilio_delete_message", gone.clone()).await);
        match era {
            Era::Modern => {
                assert_eq!(answer["deleted"], true, "{answer}");
                assert_eq!(client.person.asked().len(), 1);
            }
            // Without a session nobody can be asked in between.
            Era::Legacy => {
                let mut again = gone;
                again["confirm_token"] = answer["error"]["details"]["confirm_token"].clone();
                let answer = value(&client.call("twilio_delete_message", again).await);
                assert_eq!(answer["deleted"], true, "{answer}");
            }
        }

        let made = client
            .call("openai_generate_speech", json!({"input": "Good morning"}))
            .await;
        let uri = value(&made)["audio"]["uri"].as_str().unwrap().to_owned();
        for _ in 0..3 {
            let params = ReadResourceRequestParams::new(uri.clone());
            let read = client.running.read_resource(params).await.unwrap();
            assert_eq!(read.contents.len(), 1, "{era:?}");
        }
        assert!(front.taken().iter().all(|&n| n > 2), "{:?}", front.taken());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_lands_anywhere_too() {
    let redis = RedisServer::start(&[]);
    let fleet = three(&redis, json!({})).await;
    let front = fleet.front().await;
    let mut first = Value::Null;
    for n in 0..6 {
        let (status, mut done) = front.rest("twilio_send_message", &message("k")).await;
        assert_eq!(status, 200, "{done}");
        let replayed = done.as_object_mut().unwrap().remove("replayed");
        assert_eq!(replayed.is_some(), n > 0);
        if n == 0 {
            first = done;
        } else {
            assert_eq!(done, first);
        }
    }
    assert_eq!(fleet.arrived("twilio", "POST").len(), 1);
    let mut other = message("k");
    other["body"] = "another".into();
    let (status, conflict) = front.rest("twilio_send_message", &other).await;
    assert_eq!(status, 409, "{conflict}");
    assert_eq!(front.taken(), [3, 2, 2]);
}

/// The parameters of a modern call whose client can be asked.
fn modern(tool: &str, args: &Value, more: &Value) -> Value {
    let mut params = json!({"name": tool, "arguments": args, "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    }});
    params
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    params
}

async fn ask(server: &Server, args: &Value, more: &Value) -> Value {
    let tool = "twilio_delete_message";
    let answer = server
        .http
        .post(format!("{}/mcp", server.base))
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "tools/call")
        .header("mcp-name", tool)
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": modern(tool, args, more)}));
    answer.send().await.unwrap().json().await.unwrap()
}

fn agreed(question: &Value) -> Value {
    let state = &question["result"]["requestState"];
    assert!(state.is_string(), "{question}");
    json!({"requestState": state,
           "inputResponses": {"confirm": {"action": "accept", "content": {"confirm": true}}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_of_one_replica_is_good_on_all_of_them_and_once() {
    let redis = RedisServer::start(&[]);
    let fleet = three(&redis, json!({})).await;
    let [a, b, c] = &fleet.replicas[..] else {
        unreachable!()
    };
    let args = json!({"sid": sent(a).await});
    let answer = agreed(&ask(a, &args, &json!({})).await);
    // A state fits the call that it was made for.
    let other = json!({"sid": sent(a).await});
    let stolen = ask(b, &other, &answer).await;
    assert_eq!(stolen["error"]["code"], -32602, "{stolen}");

    let all = [b, c, a].map(|server| ask(server, &args, &answer));
    let all = join_all(all).await;
    let done = all
        .iter()
        .filter(|one| one["result"]["structuredContent"]["deleted"] == true);
    assert_eq!(done.count(), 1, "{all:#?}");
    let refused = all.iter().filter(|one| one["error"]["code"] == -32602);
    assert_eq!(refused.count(), 2, "{all:#?}");
    assert_eq!(fleet.arrived("twilio", "DELETE").len(), 1);

    // The same for callers that cannot be asked.
    let (_, refused) = b.rest("twilio_delete_message", other.clone()).await;
    let mut with = other;
    with["confirm_token"] = refused["error"]["details"]["confirm_token"].clone();
    let all = [c, a, b].map(|server| server.rest("twilio_delete_message", with.clone()));
    let all = join_all(all).await;
    let done = all.iter().filter(|(_, one)| one["deleted"] == true);
    assert_eq!(done.count(), 1, "{all:#?}");
    assert_eq!(fleet.arrived("twilio", "DELETE").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_while_the_replicas_run() {
    let redis = RedisServer::start(&[]);
    let (old, new) = (
        MasterKey::generate().unwrap(),
        MasterKey::generate().unwrap(),
    );
    let (old, new) = (old.text(), new.text());
    let (old, new) = (old.expose(), new.expose());
    let mut fleet = Fleet::with_key(0, state(&redis), json!({}), "").await;
    let set = |fleet: &Fleet, keys: &str| {
        fleet
            .folder
            .replace(".env.local", &format!("BUSINESS_TOOLS_KEY={keys}\n"));
    };
    set(&fleet, old);
    fleet.replicas = (0..3).map(|_| fleet.replica()).collect();
    acquainted(&fleet).await;
    let rotated = async |fleet: &Fleet, times: usize| {
        for server in &fleet.replicas {
            until("the keys are taken", async || {
                let log = server.log.lock().unwrap();
                let taken = log
                    .iter()
                    .filter(|line| line.contains("keys of the project were"));
                taken.count() == times
            })
            .await;
        }
    };
    let [a, b, c] = [0, 1, 2];
    let sid = sent(&fleet.replicas[a]).await;
    let args = json!({"sid": sid});
    let before = ask(&fleet.replicas[a], &args, &json!({})).await;
    let unused = ask(&fleet.replicas[a], &args, &json!({})).await;
    let (_, first) = fleet.replicas[a]
        .rest("twilio_send_message", message("k"))
        .await;

    // The new key is told to all before anybody seals with it, then it seals, then the old one goes.
    set(&fleet, &format!("{old},{new}"));
    rotated(&fleet, 1).await;
    set(&fleet, &format!("{new},{old}"));
    rotated(&fleet, 2).await;
    let done = ask(&fleet.replicas[b], &args, &agreed(&before)).await;
    assert_eq!(
        done["result"]["structuredContent"]["deleted"], true,
        "{done}"
    );
    let (_, replayed) = fleet.replicas[c]
        .rest("twilio_send_message", message("k"))
        .await;
    assert_eq!(replayed["sid"], first["sid"]);
    assert_eq!(replayed["replayed"], true);

    set(&fleet, new);
    rotated(&fleet, 3).await;
    let lost = ask(&fleet.replicas[c], &args, &agreed(&unused)).await;
    assert_eq!(lost["error"]["code"], -32602, "{lost}");
    let (_, unreadable) = fleet.replicas[b]
        .rest("twilio_send_message", message("k"))
        .await;
    assert_eq!(
        unreadable["error"]["code"], "TWILIO_OUTCOME_UNKNOWN",
        "{unreadable}"
    );
    assert_eq!(
        fleet.arrived("twilio", "POST").len(),
        2,
        "nothing is sent again"
    );
    for server in &fleet.replicas {
        let log = server.log.lock().unwrap().join("\n");
        assert!(!log.contains(old) && !log.contains(new));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_on_another_replica_waits_for_the_first_and_gets_its_outcome() {
    let redis = RedisServer::start(&[]);
    let fleet = three(&redis, json!({})).await;
    fleet.slow_sends(Duration::from_millis(400));
    let all = fleet.replicas.iter().cycle().take(9);
    let all = join_all(all.map(|server| server.rest("twilio_send_message", message("k")))).await;
    assert_eq!(fleet.arrived("twilio", "POST").len(), 1);
    let sid = &all[0].1["sid"];
    assert!(sid.is_string(), "{:?}", all[0]);
    assert!(
        all.iter()
            .all(|(status, one)| *status == 200 && one["sid"] == *sid)
    );
    let fresh = all.iter().filter(|(_, one)| one.get("replayed").is_none());
    assert_eq!(fresh.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_replica_sent_is_of_unknown_outcome_everywhere_and_not_sent_again() {
    let redis = RedisServer::start(&[]);
    let mut fleet = three(&redis, json!({})).await;
    fleet.slow_sends(Duration::from_mins(1));
    let mut dying = fleet.replicas.remove(0);
    let url = format!("{}/v1/tools/twilio_send_message", dying.base);
    let cut = tokio::spawn(dying.http.post(url).json(&message("k")).send());
    until("it is sent", async || {
        fleet.arrived("twilio", "POST").len() == 1
    })
    .await;
    dying.process.0.kill().unwrap();
    assert!(cut.await.unwrap().is_err());

    let all = fleet.replicas.iter().cycle().take(4);
    let all = join_all(all.map(|server| server.rest("twilio_send_message", message("k")))).await;
    for (_, one) in &all {
        assert_eq!(one["error"]["code"], "TWILIO_OUTCOME_UNKNOWN", "{one}");
    }
    assert_eq!(fleet.arrived("twilio", "POST").len(), 1);
}

/// When each arrived, in milliseconds.
fn times(arrived: &[Recorded]) -> Vec<i64> {
    let at = |one: &Recorded| one.at.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let mut times: Vec<i64> = arrived.iter().map(at).collect();
    times.sort_unstable();
    times
}

/// The shortest time in which so many arrived.
fn shortest(times: &[i64], many: usize) -> i64 {
    let spans = times.windows(many).map(|some| some[many - 1] - some[0]);
    spans.min().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn together_they_keep_to_the_limit_of_the_provider_in_every_window() {
    let redis = RedisServer::start(&[]);
    let fleet = three(&redis, json!({})).await;
    // What checks of health sent before counts as well.
    let calls = (0..150).map(|n| {
        let args = json!({"object_type": "contacts", "id": format!("{}", 5_000_000 + n)});
        fleet.replicas[n % 3].rest("hubspot_get_record", args)
    });
    for (status, one) in join_all(calls).await {
        assert_eq!(
            (status, &one["error"]["code"]),
            (404, &json!("HUBSPOT_NOT_FOUND")),
            "{one}"
        );
    }
    let all = fleet.sandbox.switchboard().requests(Some("hubspot"));
    assert!(all.len() >= 150, "{}", all.len());
    let least = shortest(&times(&all), 101);
    assert!(
        least >= 10_000,
        "101 requests within {least} ms: HubSpot takes 100 in ten seconds"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn together_they_keep_to_the_places_in_flight_and_those_of_a_killed_one_are_free_again() {
    let redis = RedisServer::start(&[]);
    let twilio = json!({"rate_limits": {"max_in_flight": 2}, "timeouts": {"attempt": "3s"},
                        "retry": {"max_attempts": 1}});
    let mut fleet = three(&redis, json!({"providers": {"twilio": twilio}})).await;
    fleet.slow_sends(Duration::from_millis(300));
    let send = |n: usize| json!({"to": TO, "from": FROM, "body": format!("{n}")});
    let calls = (0..12).map(|n| fleet.replicas[n % 3].rest("twilio_send_message", send(n)));
    for (status, one) in join_all(calls).await {
        assert_eq!(status, 200, "{one}");
    }
    let least = shortest(&times(&fleet.arrived("twilio", "POST")), 3);
    assert!(
        least >= 295,
        "three began within {least} ms, and each takes 300"
    );

    let board = fleet.sandbox.switchboard();
    board.clear(None);
    board.inject(
        FaultRule::new("twilio", FaultKind::Hang)
            .method("POST")
            .times(2),
    );
    let mut dying = fleet.replicas.remove(0);
    let url = format!("{}/v1/tools/twilio_send_message", dying.base);
    let hung: Vec<_> = (12..14)
        .map(|n| tokio::spawn(dying.http.post(&url).json(&send(n)).send()))
        .collect();
    until("both hang", async || {
        fleet.arrived("twilio", "POST").len() == 14
    })
    .await;
    dying.process.0.kill().unwrap();
    let (status, one) = fleet.replicas[0]
        .rest("twilio_send_message", send(14))
        .await;
    assert_eq!(status, 200, "{one}");
    for call in hung {
        assert!(call.await.unwrap().is_err());
    }
}
