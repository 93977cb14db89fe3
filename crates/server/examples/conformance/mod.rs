//! What the conformance suite expects to find on a server, beside the protocol itself.
//!
//! Whatever a business tool can do is a tool of [`Fixtures`] and goes through the registry and all its
//! layers. The rest, which no business tool needs, is protocol-level and lives in [`Extra`].

mod asks;
mod content;
mod provider;
mod tasks;

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use business_tools_core::call::confirm::Seal;
use business_tools_mcp::mcp::{Extras, Handler};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, ErrorData,
    GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskResult, Prompt,
    ReadResourceRequestParams, ReadResourceResponse, Resource, ResourceTemplate,
    ServerCapabilities, SubscriptionFilter, Tool, UpdateTaskParams,
};
use rmcp::service::{RequestContext, RoleServer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use provider::Fixtures;

type Context = RequestContext<RoleServer>;
type Called = Result<CallToolResponse, ErrorData>;

/// The protocol-level fixtures.
pub(crate) struct Extra {
    asks: asks::Asks,
    tasks: tasks::Tasks,
    handler: OnceLock<Handler>,
}

impl Extra {
    pub(crate) fn new(seal: Seal) -> Self {
        Self {
            asks: asks::Asks::new(seal),
            tasks: tasks::Tasks::default(),
            handler: OnceLock::new(),
        }
    }

    /// Tells the fixtures whose they are, so that they can announce changes.
    pub(crate) fn belongs_to(&self, handler: Handler) {
        let _ = self.handler.set(handler);
    }

    async fn tools_changed(&self) -> Called {
        if let Some(handler) = self.handler.get() {
            handler.tools_changed().await;
        }
        text("The list of tools was announced as changed.")
    }

    async fn prompts_changed(&self) -> Called {
        for listener in self
            .handler
            .get()
            .map(Handler::listeners)
            .unwrap_or_default()
        {
            let _ = tokio::time::timeout(
                Duration::from_secs(1),
                listener.notify_prompt_list_changed(),
            )
            .await;
        }
        text("The list of prompts was announced as changed.")
    }
}

#[async_trait]
impl Extras for Extra {
    fn capabilities(&self, capabilities: &mut ServerCapabilities) {
        let more = ServerCapabilities::builder()
            .enable_completions()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_tasks()
            .build();
        // Legacy clients set a level; what they would see of it is a fixture too.
        capabilities.logging = Some(serde_json::Map::new());
        capabilities.completions = more.completions;
        capabilities.prompts = more.prompts;
        capabilities.resources = more.resources;
        capabilities.extensions = more.extensions;
    }

    fn tools(&self) -> Vec<Tool> {
        let mut tools = content::tools();
        tools.extend(asks::tools());
        tools.extend(tasks::tools());
        tools.push(tool(
            "test_trigger_tool_change",
            "Announces a change of the list of tools.",
            json!({}),
        ));
        tools.push(tool(
            "test_trigger_prompt_change",
            "Announces a change of the list of prompts.",
            json!({}),
        ));
        tools
    }

    async fn call(&self, params: &CallToolRequestParams, context: &Context) -> Option<Called> {
        match &*params.name {
            "test_trigger_tool_change" => return Some(self.tools_changed().await),
            "test_trigger_prompt_change" => return Some(self.prompts_changed().await),
            _ => {}
        }
        if let Some(called) = content::call(params, context).await {
            return Some(called);
        }
        if let Some(called) = self.asks.call(params, context).await {
            return Some(called);
        }
        self.tasks.call(params, context).await
    }

    fn prompts(&self, _: &Context) -> Vec<Prompt> {
        content::prompts()
    }

    async fn prompt(
        &self,
        params: GetPromptRequestParams,
        _: &Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        match self.asks.prompt(&params) {
            Some(prompt) => prompt,
            None => content::prompt(&params),
        }
    }

    fn resources(&self, _: &Context) -> Vec<Resource> {
        content::resources()
    }

    fn resource_templates(&self, _: &Context) -> Vec<ResourceTemplate> {
        content::resource_templates()
    }

    async fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        _: &Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        content::read(&params.uri)
    }

    fn accept(&self, requested: SubscriptionFilter) -> SubscriptionFilter {
        requested
    }

    async fn task(&self, params: GetTaskParams, _: &Context) -> Result<GetTaskResult, ErrorData> {
        self.tasks.state(&params)
    }

    async fn update_task(&self, params: UpdateTaskParams, _: &Context) -> Result<(), ErrorData> {
        self.tasks.update(params)
    }

    async fn cancel_task(&self, params: CancelTaskParams, _: &Context) -> Result<(), ErrorData> {
        self.tasks.cancel(&params)
    }
}

/// A tool whose arguments are the given properties, all of them optional.
fn tool(name: &'static str, description: &'static str, properties: Value) -> Tool {
    whole(
        name,
        description,
        json!({"type": "object", "properties": properties}),
    )
}

/// A tool with a schema of its own.
fn whole(name: &'static str, description: &'static str, schema: Value) -> Tool {
    let schema = schema.as_object().cloned().unwrap_or_default();
    Tool::new(name, description, std::sync::Arc::new(schema))
}

/// One of the protocol's types, written as it stands on the wire.
fn wire<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn result(content: Value) -> Called {
    Ok(CallToolResult::success(wire(content)?).into())
}

fn text(text: impl Into<String>) -> Called {
    let text: String = text.into();
    result(json!([{"type": "text", "text": text}]))
}

/// A string among the arguments.
fn argument<'a>(params: &'a CallToolRequestParams, name: &str) -> &'a str {
    let value = params
        .arguments
        .as_ref()
        .and_then(|arguments| arguments.get(name));
    value.and_then(Value::as_str).unwrap_or_default()
}
