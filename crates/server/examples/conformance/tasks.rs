//! Fixtures of the tasks extension, which the product does not offer.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, ClientCapabilities,
    ContentBlock, CreateTaskResult, ErrorData, GetTaskParams, GetTaskResult, InputRequiredResult,
    Tool, UpdateTaskParams,
};
use rmcp::task_manager::{TaskContext, TaskExit, TaskManager, TaskOptions};
use serde_json::{Value, json};

use super::{Called, Context, asks, text, tool, wire};

/// The running tasks.
#[derive(Default)]
pub(super) struct Tasks {
    manager: TaskManager,
}

pub(super) fn tools() -> Vec<Tool> {
    let wait = json!({"seconds": {"type": "number", "minimum": 0, "maximum": 120}, "label": {"type": "string"}});
    vec![
        tool(
            "confirm_delete",
            "A task that asks once.",
            json!({"filename": {"type": "string"}}),
        ),
        tool("failing_job", "A task that fails.", json!({})),
        tool(
            "multi_input",
            "A task that asks two things at once.",
            json!({}),
        ),
        tool(
            "protocol_error_job",
            "A task that ends with a protocol error.",
            json!({}),
        ),
        tool("slow_compute", "A task that takes its time.", wait),
        tool(
            "test_tool_with_task",
            "Asks for a name, then goes on as a task.",
            json!({}),
        ),
    ]
}

impl Tasks {
    pub(super) async fn call(
        &self,
        params: &CallToolRequestParams,
        context: &Context,
    ) -> Option<Called> {
        let has_tasks = context
            .client_capabilities()
            .is_some_and(|can| can.supports_tasks());
        Some(match &*params.name {
            "slow_compute" => {
                let seconds = params
                    .arguments
                    .as_ref()
                    .and_then(|arguments| arguments.get("seconds"));
                let seconds = seconds
                    .and_then(Value::as_f64)
                    .unwrap_or(1.0)
                    .clamp(0.0, 120.0);
                let wait = Duration::from_secs_f64(seconds);
                if !has_tasks {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = context.ct.cancelled() => {}
                    }
                    return Some(text("Computed."));
                }
                Ok(self.start(move |task| async move {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => Ok(said("Computed.")),
                        () = task.cancelled() => Err(TaskExit::Cancelled),
                    }
                }))
            }
            "failing_job"
            | "protocol_error_job"
            | "confirm_delete"
            | "multi_input"
            | "test_tool_with_task"
                if !has_tasks =>
            {
                Err(ErrorData::missing_required_client_capability(
                    ClientCapabilities::builder().enable_tasks().build(),
                ))
            }
            "failing_job" => Ok(self.start(|_| async {
                Ok(CallToolResult::error(vec![ContentBlock::text(
                    "This job always fails",
                )]))
            })),
            "protocol_error_job" => Ok(self.start(|_| async {
                Err(TaskExit::Error(ErrorData::internal_error(
                    "This job always breaks",
                    None,
                )))
            })),
            "confirm_delete" => Ok(self.start(|task| async move {
                let answer = input(&task, "confirm", "Delete the file?").await?;
                Ok(said(&format!("Confirmed: {answer}")))
            })),
            "multi_input" => Ok(self.start(|task| async move {
                let first = input(&task, "first", "The first thing?");
                let (first, second) =
                    tokio::join!(first, input(&task, "second", "The second thing?"));
                Ok(said(&format!("Given: {} and {}", first?, second?)))
            })),
            "test_tool_with_task" => {
                let answer = params
                    .input_responses
                    .as_ref()
                    .and_then(|answers| answers.get("user_name"));
                match answer.and_then(|answer| answer["content"]["name"].as_str()) {
                    Some(name) => {
                        let greeting = format!("Hello, {name}!");
                        Ok(self.start(move |_| async move { Ok(said(&greeting)) }))
                    }
                    None => ask_name().map(Into::into),
                }
            }
            _ => return None,
        })
    }

    fn start<F>(&self, work: impl FnOnce(TaskContext) -> F) -> CallToolResponse
    where
        F: Future<Output = Result<CallToolResult, TaskExit>> + Send + 'static,
    {
        let options = TaskOptions::new().with_poll_interval_ms(200);
        let task = self
            .manager
            .spawn(options, |context| Box::pin(work(context)));
        CreateTaskResult::new(task).into()
    }

    pub(super) fn state(&self, params: &GetTaskParams) -> Result<GetTaskResult, ErrorData> {
        self.manager
            .get_task(&params.task_id)
            .map(GetTaskResult::new)
    }

    pub(super) fn update(&self, params: UpdateTaskParams) -> Result<(), ErrorData> {
        self.manager
            .update_task(&params.task_id, params.input_responses)
    }

    pub(super) fn cancel(&self, params: &CancelTaskParams) -> Result<(), ErrorData> {
        self.manager.cancel_task(&params.task_id)
    }
}

fn said(text: &str) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

async fn input(task: &TaskContext, key: &str, question: &str) -> Result<Value, TaskExit> {
    let request = wire(asks::form(question, &["answer"])).map_err(TaskExit::Error)?;
    task.request_input(key, request).await
}

fn ask_name() -> Result<InputRequiredResult, ErrorData> {
    let requests = wire(json!({"user_name": asks::form("What is your name?", &["name"])}))?;
    Ok(InputRequiredResult::new(Some(requests), None))
}
