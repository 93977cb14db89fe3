//! What a server offers beside the registry's tools: prompts, resources, completions.

use async_trait::async_trait;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams,
    CompleteResult, ErrorData, GetPromptRequestParams, GetPromptResponse, GetTaskParams,
    GetTaskResult, Prompt, ReadResourceRequestParams, ReadResourceResponse, Resource,
    ResourceTemplate, ServerCapabilities, SubscribeRequestParams, SubscriptionFilter, Tool,
    UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, RoleServer};

type Context = RequestContext<RoleServer>;

/// The parts of a server that are not business tools. The defaults offer nothing.
#[async_trait]
pub trait Extras: Send + Sync + 'static {
    /// Adds to what the server says it can do.
    fn capabilities(&self, capabilities: &mut ServerCapabilities) {
        let _ = capabilities;
    }

    /// Protocol-level tools, listed beside the registry's.
    fn tools(&self) -> Vec<Tool> {
        Vec::new()
    }

    /// Runs one of [`Extras::tools`]; `None` for any other name.
    async fn call(
        &self,
        params: &CallToolRequestParams,
        context: &Context,
    ) -> Option<Result<CallToolResponse, ErrorData>> {
        let _ = (params, context);
        None
    }

    /// The prompts.
    fn prompts(&self, context: &Context) -> Vec<Prompt> {
        let _ = context;
        Vec::new()
    }

    /// One prompt, filled in.
    async fn prompt(
        &self,
        params: GetPromptRequestParams,
        context: &Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let _ = context;
        Err(ErrorData::invalid_params(
            format!("Unknown prompt: {}", shorten(&params.name)),
            None,
        ))
    }

    /// The resources.
    fn resources(&self, context: &Context) -> Vec<Resource> {
        let _ = context;
        Vec::new()
    }

    /// The templates of resources.
    fn resource_templates(&self, context: &Context) -> Vec<ResourceTemplate> {
        let _ = context;
        Vec::new()
    }

    /// One resource.
    async fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        context: &Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let _ = context;
        let uri = shorten(&params.uri);
        Err(ErrorData::resource_not_found(
            "There is no such resource",
            Some(serde_json::json!({ "uri": uri })),
        ))
    }

    /// Values for an argument that is being typed.
    async fn complete(
        &self,
        params: CompleteRequestParams,
        context: &Context,
    ) -> Result<CompleteResult, ErrorData> {
        let _ = (params, context);
        Ok(CompleteResult::default())
    }

    /// A legacy client wants to hear of changes of a resource.
    fn subscribe(
        &self,
        params: SubscribeRequestParams,
        context: &Context,
    ) -> Result<(), ErrorData> {
        let _ = (params, context);
        Ok(())
    }

    /// A legacy client no longer wants to.
    fn unsubscribe(
        &self,
        params: UnsubscribeRequestParams,
        context: &Context,
    ) -> Result<(), ErrorData> {
        let _ = (params, context);
        Ok(())
    }

    /// What of a subscription is served.
    fn accept(&self, mut requested: SubscriptionFilter) -> SubscriptionFilter {
        requested.resource_subscriptions = None;
        requested
    }

    /// The state of a task.
    async fn task(
        &self,
        params: GetTaskParams,
        context: &Context,
    ) -> Result<GetTaskResult, ErrorData> {
        let _ = (params, context);
        Err(no_task())
    }

    /// Answers to what a task asked.
    async fn update_task(
        &self,
        params: UpdateTaskParams,
        context: &Context,
    ) -> Result<(), ErrorData> {
        let _ = (params, context);
        Err(no_task())
    }

    /// A client gives up on a task.
    async fn cancel_task(
        &self,
        params: CancelTaskParams,
        context: &Context,
    ) -> Result<(), ErrorData> {
        let _ = (params, context);
        Err(no_task())
    }
}

fn no_task() -> ErrorData {
    ErrorData::invalid_params("There is no such task", None)
}

/// A name from outside, short enough to be repeated.
fn shorten(name: &str) -> String {
    name.chars().take(100).collect()
}
