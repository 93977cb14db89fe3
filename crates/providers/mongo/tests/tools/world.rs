//! A registry with the provider, connected to a server of the test's.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use business_tools_core::call::audit::AuditSink;
use business_tools_core::policy::{Overrides, Span, Timeouts};
use business_tools_core::{
    Answer, Asker, Cx, Env, Error, Plugin, Principal, ProviderSettings, Registry, Reply, ToolPlugin,
};
use business_tools_mongo::Mongo;
use business_tools_sandbox::async_trait;
use serde_json::{Map, Value, json};

use crate::script::Script;

pub struct World {
    pub registry: Registry,
    pub env: Env,
    pub audit: Arc<Lines>,
    pub plugin: Arc<dyn ToolPlugin>,
}

#[derive(Default)]
pub struct Lines(pub Mutex<Vec<Value>>);

impl AuditSink for Lines {
    fn record(&self, line: &Value) {
        self.0.lock().unwrap().push(line.clone());
    }
}

/// Someone who gives the same answer to every question, and remembers the questions.
#[derive(Clone)]
pub struct Person(pub Answer, pub Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Asker for Person {
    async fn ask(&self, question: &str, _: &str) -> Answer {
        self.1.lock().unwrap().push(question.to_owned());
        self.0.clone()
    }
}

impl World {
    /// A provider for the script, with these settings beside the connection string.
    pub fn with(script: &Script, settings: Value) -> Self {
        let uri = format!(
            "mongodb://{}/shop?directConnection=true&serverSelectionTimeoutMS=1500",
            script.address
        );
        Self::at(&uri, settings)
    }

    pub fn new(script: &Script) -> Self {
        Self::with(script, json!({}))
    }

    pub fn at(uri: &str, settings: Value) -> Self {
        Self::timed(uri, settings, Duration::from_secs(10))
    }

    /// With so much time for one attempt.
    pub fn timed(uri: &str, settings: Value, attempt: Duration) -> Self {
        let mut fields = settings.as_object().cloned().unwrap();
        fields.entry("uri").or_insert(uri.into());
        let audit = Arc::<Lines>::default();
        let env = Env::alone().audit(audit.clone());
        let settings = ProviderSettings {
            overrides: Overrides {
                timeouts: Timeouts {
                    call: Some(Span(attempt * 3)),
                    attempt: Some(Span(attempt)),
                },
                ..Overrides::default()
            },
            ..ProviderSettings::single(fields)
        };
        let plugin: Arc<dyn ToolPlugin> =
            Arc::new(Plugin::<Mongo>::connect(&settings, &env).unwrap());
        let registry = Registry::new(env.clone());
        registry.add(Arc::clone(&plugin)).unwrap();
        Self {
            registry,
            env,
            audit,
            plugin,
        }
    }

    pub async fn reply(&self, tool: &str, args: Value, cx: Cx) -> Result<Reply, Error> {
        let args: Map<String, Value> = args.as_object().cloned().unwrap();
        self.registry.call(tool, args, cx).await
    }

    /// A call of somebody who agrees to everything.
    pub async fn call(&self, tool: &str, args: Value) -> Result<Value, Error> {
        let cx = cx_of(Answer::Yes).0;
        self.reply(tool, args, cx).await.map(|reply| reply.value)
    }

    pub async fn ok(&self, tool: &str, args: Value) -> Value {
        match self.call(tool, args).await {
            Ok(value) => value,
            Err(error) => panic!("{tool}: {error:?}"),
        }
    }

    pub async fn err(&self, tool: &str, args: Value) -> Error {
        match self.call(tool, args).await {
            Ok(value) => panic!("{tool} gave {value}"),
            Err(error) => error,
        }
    }

    /// The places of the faults that a call is refused for.
    pub async fn faults(&self, tool: &str, args: Value) -> Vec<(String, String)> {
        let error = self.err(tool, args).await;
        assert_eq!(error.code(), "INVALID_ARGUMENTS", "{error:?}");
        error.details()["faults"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| {
                let text = |key: &str| fault[key].as_str().unwrap().to_owned();
                (text("at"), text("message"))
            })
            .collect()
    }
}

/// A context with a person behind it, and the questions that the person got.
pub fn cx_of(answer: Answer) -> (Cx, Arc<Mutex<Vec<String>>>) {
    let questions = Arc::<Mutex<Vec<String>>>::default();
    let person = Person(answer, Arc::clone(&questions));
    let cx = Cx::builder(Principal::local()).asker(person).build();
    (cx, questions)
}
