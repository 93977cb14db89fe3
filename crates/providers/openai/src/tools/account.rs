//! The account itself.

use business_tools_core::{Cx, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpenAi;

/// Get the account that the credentials belong to.
///
/// # Source
/// <https://example.com/docs/account> (read YYYY-MM)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetAccount {}

/// The account.
#[derive(Debug, Serialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl Tool for GetAccount {
    type Provider = OpenAi;
    type Output = Account;
    const SPEC: Spec = Spec::read("openai_get_account").cached(300);

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Account> {
        let account = openai.client.account(cx).await?;
        Ok(Account {
            id: account.id,
            name: account.name,
        })
    }
}
