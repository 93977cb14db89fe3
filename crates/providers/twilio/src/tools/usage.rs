//! Usage and cost.

use business_tools_core::{Cx, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{READ, put};
use crate::client::Pairs;
use crate::{Twilio, View};

/// What of a usage record is shown.
const MEMBERS: &[&str] = &[
    "category",
    "description",
    "count",
    "count_unit",
    "usage",
    "usage_unit",
    "price",
    "price_unit",
    "start_date",
    "end_date",
];

/// A day, or days back from today.
const DAY: &str = r"^(\d{4}-\d\d-\d\d|-\d{1,4}days)$";

/// See usage and cost by category: messages, calls, numbers, lookups.
///
/// # Source
/// <https://www.twilio.com/docs/usage/api/usage-record> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetUsage {
    /// Category, such as `sms` or `totalprice`.
    #[schemars(length(min = 1, max = 100))]
    category: Option<String>,
    /// From: 2026-01-31, or -30days.
    #[schemars(regex(pattern = DAY))]
    start_date: Option<String>,
    /// To.
    #[schemars(regex(pattern = DAY))]
    end_date: Option<String>,
    /// With subaccounts.
    include_subaccounts: Option<bool>,
    /// Default 20.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// From `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

impl Tool for GetUsage {
    type Provider = Twilio;
    type Output = Page<View>;
    const SPEC: Spec = Spec::read("twilio_get_usage").scopes(READ).cached(300);

    async fn run(self, twilio: &Twilio, cx: &Cx) -> Result<Page<View>> {
        let mut query = Pairs::new();
        put(&mut query, "Category", self.category);
        put(&mut query, "StartDate", self.start_date);
        put(&mut query, "EndDate", self.end_date);
        put(&mut query, "IncludeSubaccounts", self.include_subaccounts);
        let url = twilio.client.of_account(&["Usage", "Records.json"]);
        let page = twilio
            .client
            .list(cx, url, query, self.limit, self.cursor.as_deref())
            .await?;
        Ok(View::page(page, MEMBERS, None))
    }
}
