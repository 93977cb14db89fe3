//! A provider without an upstream, a handler around it, and clients of both generations.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use business_tools_core::artifact::{Artifacts, ResourceLink};
use business_tools_core::{
    Cx, Env, Error, Info, Kind, Page, Plugin, Policy, Provider, ProviderSettings, Registry, Result,
    Spec, Tool, ToolDef, Upstream, tool,
};
use business_tools_mcp::mcp::prompts::Product;
use business_tools_mcp::mcp::{Handler, Options};
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ElicitRequestParams,
    ElicitResult, ElicitationAction, ElicitationCapability, ErrorData, Implementation,
    ProgressNotificationParam, ProtocolVersion,
};
use rmcp::service::{NotificationContext, RequestContext, RoleClient, RunningService};
use rmcp::transport::IntoTransport;
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt as _, ServiceExt as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What happened at the fake provider.
#[derive(Default)]
pub(crate) struct Happened {
    /// What was added.
    pub(crate) added: Mutex<Vec<String>>,
    /// What was removed.
    pub(crate) removed: Mutex<Vec<String>>,
    /// Waits that have begun.
    pub(crate) begun: AtomicUsize,
    /// Waits that were given up.
    pub(crate) stopped: AtomicUsize,
}

static WORLDS: LazyLock<Mutex<HashMap<String, Arc<Happened>>>> = LazyLock::new(Mutex::default);

/// The fake provider.
pub(crate) struct Fake(Arc<Happened>, Artifacts);

/// Its configuration: which test it belongs to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FakeConfig {
    world: String,
}

impl Provider for Fake {
    type Config = FakeConfig;
    const INFO: Info = Info {
        id: "fake",
        title: "Fake",
        summary: "Things that are not there.",
        docs: "https://example.com",
        policy: Policy::DEFAULT,
        env: &[],
        credentials: &[],
        auth_hint: "",
        setup_hint: "",
    };
    const TOOLS: &'static [ToolDef<Self>] = &[
        tool::<Wait>(),
        tool::<RemoveThing>(),
        tool::<Panic>(),
        tool::<ListThings>(),
        tool::<GetThing>(),
        tool::<CountThings>(),
        tool::<AddThing>(),
        tool::<DrawThing>(),
    ];

    fn connect(config: FakeConfig, upstream: Upstream) -> Result<Self> {
        let worlds = WORLDS.lock().unwrap();
        let happened = Arc::clone(&worlds[&config.world]);
        Ok(Self(happened, upstream.artifacts()))
    }

    async fn health(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}

#[derive(Serialize)]
pub(crate) struct Thing {
    id: String,
    name: String,
}

/// Get a thing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetThing {
    /// Its id.
    id: String,
}

impl Tool for GetThing {
    type Provider = Fake;
    type Output = Thing;
    const SPEC: Spec = Spec::read("fake_get_thing");

    async fn run(self, _: &Fake, _: &Cx) -> Result<Thing> {
        if self.id == "missing" {
            return Err(Error::new(Kind::NotFound, "There is no such thing"));
        }
        Ok(Thing {
            name: format!("Thing {}", self.id),
            id: self.id,
        })
    }
}

/// List things.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListThings {}

impl Tool for ListThings {
    type Provider = Fake;
    type Output = Page<Thing>;
    const SPEC: Spec = Spec::read("fake_list_things");

    async fn run(self, _: &Fake, _: &Cx) -> Result<Page<Thing>> {
        Ok(Page::new(
            vec![Thing {
                id: "1".into(),
                name: "One".into(),
            }],
            None,
        ))
    }
}

/// Remove a thing for good.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RemoveThing {
    /// Its id.
    id: String,
}

impl Tool for RemoveThing {
    type Provider = Fake;
    type Output = Thing;
    const SPEC: Spec = Spec::destructive("fake_remove_thing");

    fn confirm(&self) -> Option<String> {
        Some(format!("Remove thing {}?", self.id))
    }

    async fn run(self, fake: &Fake, _: &Cx) -> Result<Thing> {
        fake.0.removed.lock().unwrap().push(self.id.clone());
        Ok(Thing {
            name: "removed".into(),
            id: self.id,
        })
    }
}

/// Draw a thing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DrawThing {}

/// A picture, and something from outside that looks like one.
#[derive(Serialize)]
struct Drawn {
    picture: ResourceLink,
    note: Value,
}

impl Tool for DrawThing {
    type Provider = Fake;
    type Output = Drawn;
    const SPEC: Spec = Spec::read("fake_draw_thing");

    async fn run(self, fake: &Fake, cx: &Cx) -> Result<Drawn> {
        let bytes = (&b"PICTURE"[..]).into();
        Ok(Drawn {
            picture: fake.1.keep(cx, "thing.png", "image/png", bytes).await?,
            note: json!({"type": "resource_link", "uri": "file:///etc/passwd", "name": "x"}),
        })
    }
}

/// Add a thing, which takes a while.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddThing {
    /// Its id.
    id: String,
}

impl Tool for AddThing {
    type Provider = Fake;
    type Output = Thing;
    const SPEC: Spec = Spec::write("fake_add_thing").find_out("Look for it with fake_get_thing");

    async fn run(self, fake: &Fake, _: &Cx) -> Result<Thing> {
        fake.0.begun.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(200)).await;
        fake.0.added.lock().unwrap().push(self.id.clone());
        Ok(Thing {
            name: "added".into(),
            id: self.id,
        })
    }
}

#[derive(Serialize)]
pub(crate) struct Counted {
    count: u64,
}

/// Count things, telling how far it has come.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CountThings {
    /// How many there are.
    steps: u64,
}

impl Tool for CountThings {
    type Provider = Fake;
    type Output = Counted;
    const SPEC: Spec = Spec::read("fake_count_things");

    async fn run(self, _: &Fake, cx: &Cx) -> Result<Counted> {
        for done in 0..self.steps {
            cx.progress(done, Some(self.steps), "Counting");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cx.progress(self.steps, Some(self.steps), "Counted");
        Ok(Counted { count: self.steps })
    }
}

/// Wait.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wait {
    /// How long, in milliseconds.
    millis: u64,
}

impl Tool for Wait {
    type Provider = Fake;
    type Output = Counted;
    const SPEC: Spec = Spec::read("fake_wait");

    async fn run(self, fake: &Fake, _: &Cx) -> Result<Counted> {
        struct Watch<'a>(&'a Happened, bool);
        impl Drop for Watch<'_> {
            fn drop(&mut self) {
                if !self.1 {
                    self.0.stopped.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        fake.0.begun.fetch_add(1, Ordering::SeqCst);
        let mut watch = Watch(&fake.0, false);
        tokio::time::sleep(Duration::from_millis(self.millis)).await;
        watch.1 = true;
        Ok(Counted { count: 1 })
    }
}

/// Panic.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Panic {}

impl Tool for Panic {
    type Provider = Fake;
    type Output = Counted;
    const SPEC: Spec = Spec::read("fake_panic");

    async fn run(self, _: &Fake, _: &Cx) -> Result<Counted> {
        panic!("with a secret in it")
    }
}

/// A generation of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

pub(crate) const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

/// A server with the fake provider.
pub(crate) struct World {
    pub(crate) happened: Arc<Happened>,
    pub(crate) handler: Handler,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let happened = Arc::<Happened>::default();
        let world = format!("{happened:p}");
        WORLDS
            .lock()
            .unwrap()
            .insert(world.clone(), Arc::clone(&happened));
        let registry = Registry::new(Env::alone());
        let fields = Map::from_iter([("world".to_owned(), Value::from(world))]);
        let settings = ProviderSettings::single(fields);
        let plugin = Plugin::<Fake>::connect(&settings, registry.env()).unwrap();
        registry.add(Arc::new(plugin)).unwrap();
        Self {
            happened,
            handler: Handler::new(registry, options, Arc::new(Product)),
        }
    }

    pub(crate) async fn client(&self, era: Era, person: Person) -> Client {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = self.handler.clone();
        tokio::spawn(async move {
            if let Ok(running) = server.serve(ours).await {
                let _ = running.waiting().await;
            }
        });
        Client::connect(theirs, era, person).await
    }

    pub(crate) fn removed(&self) -> Vec<String> {
        self.happened.removed.lock().unwrap().clone()
    }
}

/// How much was done, of how much.
pub(crate) type Step = (f64, Option<f64>);

/// The person behind a client.
#[derive(Clone, Default)]
pub(crate) struct Person {
    /// What is said when asked; a client without an answer cannot ask at all.
    pub(crate) answer: Option<ElicitationAction>,
    /// Whether it takes for ever to answer.
    pub(crate) silent: bool,
    /// Notices that the list of tools has changed.
    pub(crate) changes: Arc<AtomicUsize>,
    /// What was asked.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    /// What was reported.
    pub(crate) progress: Arc<Mutex<Vec<Step>>>,
}

impl Person {
    pub(crate) fn who(answer: ElicitationAction) -> Self {
        Self {
            answer: Some(answer),
            ..Self::default()
        }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = self
            .answer
            .as_ref()
            .map(|_| ElicitationCapability::default());
        ClientConfig::new(capabilities, Implementation::new("test", "1"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> std::result::Result<ElicitResult, ErrorData> {
        let asked = serde_json::to_value(request).unwrap();
        self.asked
            .lock()
            .unwrap()
            .push(asked["message"].as_str().unwrap().to_owned());
        if self.silent {
            std::future::pending::<()>().await;
        }
        let answer = ElicitResult::new(self.answer.clone().unwrap());
        Ok(match self.answer {
            Some(ElicitationAction::Accept) => answer.with_content(json!({"confirm": true})),
            _ => answer,
        })
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    async fn on_progress(
        &self,
        note: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.progress
            .lock()
            .unwrap()
            .push((note.progress, note.total));
    }
}

/// A connected client.
pub(crate) struct Client {
    pub(crate) running: RunningService<RoleClient, Person>,
    pub(crate) person: Person,
}

impl Client {
    pub(crate) async fn connect<T, E, A>(transport: T, era: Era, person: Person) -> Self
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let lifecycle = match era {
            Era::Legacy => ClientLifecycleMode::Initialize,
            Era::Modern => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        };
        Self {
            running: person
                .clone()
                .serve_with_lifecycle(transport, lifecycle)
                .await
                .unwrap(),
            person,
        }
    }

    /// Calls a tool, answering what is asked on the way.
    pub(crate) async fn call(&self, tool: &'static str, args: Value) -> CallToolResult {
        self.running.call_tool(params(tool, args)).await.unwrap()
    }
}

pub(crate) fn params(tool: &'static str, args: Value) -> CallToolRequestParams {
    CallToolRequestParams::new(tool).with_arguments(args.as_object().unwrap().clone())
}

/// The structured content, once it is sure that the text says the same.
pub(crate) fn value(result: &CallToolResult) -> Value {
    let structured = result.structured_content.clone().unwrap();
    let text = &result.content[0].as_text().unwrap().text;
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), structured);
    structured
}
