//! The prompts that the server ships: starting points for work that crosses tools.

use async_trait::async_trait;
use rmcp::model::{
    ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, Prompt, PromptArgument,
    PromptMessage, Role,
};
use rmcp::service::{RequestContext, RoleServer};

use super::Extras;

/// The product's own extras.
#[derive(Debug, Clone, Copy, Default)]
pub struct Product;

struct Row {
    name: &'static str,
    description: &'static str,
    argument: &'static str,
    about: &'static str,
    text: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        name: "find_out_what_happened",
        description: "Look up the state of something after an error or a lost answer.",
        argument: "what",
        about: "What was tried, with the error if there was one.",
        text: "Something was tried and its outcome is unclear: {}\n\nFind out with tools that only read whether it was \
               done. Do not repeat it. Tell me what you looked at, what you found, and what you suggest.",
    },
    Row {
        name: "preview_a_change",
        description: "Prepare a change and show it before anything is sent.",
        argument: "change",
        about: "The change in plain words.",
        text: "Prepare this change: {}\n\nUse dry_run on every write and show me the exact requests. Send nothing until \
               I agree.",
    },
];

#[async_trait]
impl Extras for Product {
    fn prompts(&self, _: &RequestContext<RoleServer>) -> Vec<Prompt> {
        ROWS.iter()
            .map(|row| {
                let argument = PromptArgument::new(row.argument)
                    .with_description(row.about)
                    .with_required(true);
                Prompt::new(row.name, Some(row.description), Some(vec![argument]))
            })
            .collect()
    }

    async fn prompt(
        &self,
        params: GetPromptRequestParams,
        _: &RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let Some(row) = ROWS.iter().find(|row| row.name == params.name) else {
            let name: String = params.name.chars().take(100).collect();
            return Err(ErrorData::invalid_params(
                format!("Unknown prompt: {name}"),
                None,
            ));
        };
        let given = params
            .arguments
            .as_ref()
            .and_then(|arguments| arguments.get(row.argument));
        let Some(given) = given.and_then(|value| value.as_str()) else {
            return Err(ErrorData::invalid_params(
                format!("The argument `{}` is required", row.argument),
                None,
            ));
        };
        let message = PromptMessage::new_text(Role::User, row.text.replace("{}", given));
        Ok(GetPromptResult::new(vec![message])
            .with_description(row.description)
            .into())
    }
}
