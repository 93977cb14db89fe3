//! A configuration that changes while the binary runs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod binary;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use binary::{FROM, Folder, MODERN, Server, Stdio, TO};
use serde_json::{Value, json};

const FAST: &str = "reload: { interval: 100ms }\n";

fn with(more: &str) -> String {
    format!("{FAST}{more}")
}

async fn names(server: &Server) -> Vec<String> {
    let (status, page) = server.get("/v1/tools").await;
    assert_eq!(status, 200);
    let page: Value = serde_json::from_str(&page).unwrap();
    let name = |tool: &Value| tool["name"].as_str().unwrap().to_owned();
    page["items"].as_array().unwrap().iter().map(name).collect()
}

async fn health(server: &Server) -> Value {
    serde_json::from_str(&server.get("/health").await.1).unwrap()
}

/// Waits until `is` holds.
async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !is().await {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_file_that_is_saved_is_taken_and_one_with_faults_is_not() {
    let folder = Folder::new(&[("config.yaml", FAST), ("audit.jsonl", "")]);
    let server = Server::start_in(&folder.0, &[]);
    assert!(names(&server).await.contains(&"mongo_find".to_owned()));

    let next = with("exclude: [mongo]\naudit: { file: audit.jsonl }\nlog: { level: debug }\n");
    folder.replace("config.yaml", &next);
    until("the tools of MongoDB go", async || {
        !names(&server).await.contains(&"mongo_find".to_owned())
    })
    .await;
    server.logged(&["exclude was []", "mongo"]).await;
    assert_eq!(
        health(&server).await["checks"]["config"]["status"],
        "healthy"
    );

    // Written in place, with two slips of the pen.
    folder.write("config.yaml", &with("exclud: []\nread_only: maybe\n"));
    server
        .logged(&["exclud: is not a setting", "did you mean `exclude`?"])
        .await;
    server
        .logged(&["read_only", "must be of type boolean"])
        .await;
    let page = health(&server).await;
    let config = &page["checks"]["config"];
    assert_eq!(
        (&page["status"], &config["status"]),
        (&json!("degraded"), &json!("degraded"))
    );
    assert_eq!(config["error"]["code"], "CONFIG_REJECTED");
    assert_eq!(config["error"]["faults"], 2);
    let first = config["error"]["message"].as_str().unwrap();
    assert!(
        first.contains("exclud") || first.contains("read_only"),
        "{first}"
    );
    assert!(
        !names(&server).await.contains(&"mongo_find".to_owned()),
        "the old one stays"
    );

    folder.replace("config.yaml", FAST);
    until("the tools of MongoDB come back", async || {
        names(&server).await.contains(&"mongo_find".to_owned())
    })
    .await;
    until("health is well again", async || {
        health(&server).await["checks"]["config"]["status"] == "healthy"
    })
    .await;
    let audit = std::fs::read_to_string(folder.0.join("audit.jsonl")).unwrap();
    let lines: Vec<Value> = audit
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["event"] == "configuration")
        .collect();
    assert!(
        lines
            .iter()
            .any(|line| line["outcome"] == "CONFIG_REJECTED"),
        "{audit}"
    );
}

#[tokio::test]
async fn sighup_loads_again_and_what_needs_a_restart_is_named() {
    let folder = Folder::new(&[("config.yaml", "reload: { watch: false }\n")]);
    let server = Server::start_in(&folder.0, &[]);
    folder.replace(
        "config.yaml",
        "reload: { watch: false }\nserver: { listen: 127.0.0.1:9, max_body_bytes: 2048 }\n",
    );
    server.process.signal("HUP");
    server
        .logged(&["server.listen", "takes effect with the next start"])
        .await;
    let body = json!({"to": TO, "from": FROM, "body": "x".repeat(4000)});
    let (status, _) = server.rest("twilio_send_message", body).await;
    assert_eq!(status, 413, "the bound of bodies is in force at once");
}

#[cfg(unix)]
#[tokio::test]
async fn a_config_map_that_is_swapped_is_taken() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new(&[]);
    let version = |name: &str, text: &str| {
        std::fs::create_dir(folder.0.join(name)).unwrap();
        folder.write(&format!("{name}/config.yaml"), text);
    };
    version("..1", FAST);
    version("..2", &with("read_only: true\n"));
    symlink("..1", folder.0.join("..data")).unwrap();
    symlink("..data/config.yaml", folder.0.join("config.yaml")).unwrap();
    let server = Server::start_in(&folder.0, &[]);
    assert!(
        names(&server)
            .await
            .contains(&"twilio_send_message".to_owned())
    );
    symlink("..2", folder.0.join("..next")).unwrap();
    std::fs::rename(folder.0.join("..next"), folder.0.join("..data")).unwrap();
    until("only what reads is left", async || {
        !names(&server)
            .await
            .contains(&"twilio_send_message".to_owned())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_the_configuration_is_replaced_again_and_again() {
    replace_under_traffic(30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the same for minutes"]
async fn no_call_fails_while_the_configuration_is_replaced_a_thousand_times() {
    replace_under_traffic(1000).await;
}

async fn replace_under_traffic(count: usize) {
    let folder = Folder::new(&[("config.yaml", FAST)]);
    let server = Arc::new(Server::start_in(&folder.0, &[]));
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..4)
        .map(|caller| {
            let (server, stop, done) = (server.clone(), stop.clone(), done.clone());
            tokio::spawn(async move {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    if caller % 2 == 0 {
                        let body = format!("{caller} {n}");
                        let args = json!({"to": TO, "from": FROM, "body": body});
                        let (status, sent) = server.rest("twilio_send_message", args).await;
                        assert_eq!(status, 200, "{sent}");
                    } else {
                        let listed = server
                            .call("twilio_list_messages", json!({"limit": 1}))
                            .await;
                        assert!(listed["items"].is_array(), "{listed}");
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let reloads = |word: &str| {
        let log = server.log.lock().unwrap();
        log.iter().filter(|line| line.contains(word)).count()
    };
    let all = || reloads("the configuration was replaced") + reloads("is not taken");
    for n in 0..count {
        let before = (done.load(Ordering::Relaxed), all());
        match n % 5 {
            0 => folder.replace("config.yaml", &with("exclude: [mongo]\n")),
            1 => folder.write("config.yaml", &with("results: { max_bytes: 70000 }\n")),
            2 => folder.replace("config.yaml", &with("nonsense: true\n")),
            3 => folder.replace(
                "config.yaml",
                &with(&format!(
                    "providers: {{ twilio: {{ retry: {{ max_attempts: {} }} }} }}\n",
                    2 + n % 4
                )),
            ),
            _ => folder.write(
                ".env.local",
                &format!("BUSINESS_TOOLS_MAX_CONCURRENT_CALLS={}\n", 900 + n),
            ),
        }
        server.process.signal("HUP");
        until("it is loaded, and calls go on", async || {
            all() > before.1 && done.load(Ordering::Relaxed) > before.0 + 8
        })
        .await;
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    assert!(reloads("the configuration was replaced") >= count / 2);
    assert!(reloads("nonsense: is not a setting") >= count / 5);
}

#[test]
fn a_legacy_client_over_stdio_hears_that_the_list_changed() {
    let folder = Folder::new(&[("config.yaml", FAST)]);
    let mut client = Stdio::start_in(&folder.0, &["--sandbox"]);
    client.initialize();
    client.request("tools/list", json!({}));
    folder.replace("config.yaml", &with("exclude: [mongo]\n"));
    let notice = client.read().unwrap();
    assert_eq!(notice["method"], "notifications/tools/list_changed");
    let list = client.request("tools/list", json!({})).to_string();
    assert!(list.contains("twilio_send_message") && !list.contains("mongo_find"));
}

#[test]
fn a_modern_client_over_stdio_hears_that_the_list_changed() {
    let folder = Folder::new(&[("config.yaml", FAST)]);
    let mut client = Stdio::start_in(&folder.0, &["--sandbox"]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let filter = json!({"toolsListChanged": true});
    client.start_request(
        "subscriptions/listen",
        json!({"_meta": meta, "notifications": filter}),
    );
    let ack = client.read().unwrap();
    assert_eq!(
        ack["method"], "notifications/subscriptions/acknowledged",
        "{ack}"
    );
    folder.replace("config.yaml", &with("catalog: true\n"));
    let notice = client.read().unwrap();
    assert_eq!(
        notice["method"], "notifications/tools/list_changed",
        "{notice}"
    );
    let list = client
        .request("tools/list", json!({"_meta": meta}))
        .to_string();
    assert!(list.contains("bt_search_tools") && !list.contains("mongo_find"));
}
