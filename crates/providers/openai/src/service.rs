//! What the tools share: requests to a model, what they cost, and what becomes of long results.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use business_tools_core::artifact::{Artifacts, ResourceLink};
use business_tools_core::egress::transport::{Fetcher, HttpRequest, HttpResponse};
use business_tools_core::files::Files;
use business_tools_core::metrics::Spend;
use business_tools_core::{Cx, Error, Result, Upstream};
use bytes::Bytes;
use serde_json::Value;

use crate::client::{Client, Resource};
use crate::config::OpenAiConfig;
use crate::fault;
use crate::models::{self, Models, Work};
use crate::price::{self, Prices, Usage};

/// The most text of an answer that is given as it is; longer text is kept as a file, and its start given.
const INLINE: usize = 40_000;

/// How many background responses may be under way before their costs are no longer followed.
const FOLLOWED: usize = 10_000;

/// One account: the client and everything around it.
pub(crate) struct Service {
    pub(crate) client: Client,
    pub(crate) models: Models,
    pub(crate) files: Files,
    pub(crate) fetcher: Fetcher,
    pub(crate) artifacts: Artifacts,
    prices: Prices,
    spend: Spend,
    /// Background responses whose cost is not counted yet: it is told when they are done, to whoever looks.
    unpaid: Mutex<HashSet<String>>,
}

impl Service {
    pub(crate) fn new(config: OpenAiConfig, upstream: &Upstream) -> Result<Self> {
        Ok(Self {
            client: Client::new(&config, upstream)?,
            models: config.models,
            files: upstream.files(),
            fetcher: upstream.fetcher(),
            artifacts: upstream.artifacts(),
            prices: config.prices,
            spend: upstream.spend(),
            unpaid: Mutex::default(),
        })
    }

    /// The model that a call names, or the operator's choice for this work.
    pub(crate) fn model(&self, named: Option<String>, work: Work) -> String {
        named.unwrap_or_else(|| self.models.of(work).to_owned())
    }

    /// Has a model do some work. When there is no such model, the error names one that there is.
    pub(crate) async fn ask(
        &self,
        cx: &Cx,
        work: Work,
        model: &str,
        request: HttpRequest,
    ) -> Result<HttpResponse> {
        match self.client.send(cx, request).await {
            Err(error) if fault::is_gone_model(&error) => {
                Err(self.point(cx, work, model, error).await)
            }
            outcome => outcome,
        }
    }

    /// As [`Service::ask`], with the answer read as an object.
    pub(crate) async fn ask_json(
        &self,
        cx: &Cx,
        work: Work,
        model: &str,
        request: HttpRequest,
    ) -> Result<Resource> {
        self.ask(cx, work, model, request).await?.json()
    }

    /// Adds to an error what could be used in place of a model that is not there.
    async fn point(&self, cx: &Cx, work: Work, model: &str, error: Error) -> Error {
        // That the list cannot be had says nothing that the error does not say already.
        let Ok(listed) = self.client.models(cx).await else {
            return error;
        };
        let day = today();
        let default = self.models.of(work);
        let error = error.hint(models::hint(&listed, work, model, default, &day));
        let others = models::instead(&listed, work, model, default, &day);
        let others: Vec<Value> = others
            .into_iter()
            .take(5)
            .map(|model| model.id.as_str().into())
            .collect();
        if others.is_empty() {
            error
        } else {
            error.detail("models", others)
        }
    }

    /// Counts what was used, and shows it.
    pub(crate) fn pay(
        &self,
        cx: &Cx,
        asked: &str,
        answered: Option<&str>,
        usage: &Usage,
    ) -> Option<Value> {
        let cost = self.price(asked, answered, usage);
        self.spend.add(cx, cost.unwrap_or_default());
        usage.show(cost)
    }

    /// What was used and what it cost, without counting it once more.
    pub(crate) fn price(&self, asked: &str, answered: Option<&str>, usage: &Usage) -> Option<f64> {
        price::cost(&self.prices, asked, answered, usage)
    }

    /// Remembers that a response that runs in the background will cost something.
    pub(crate) fn owe(&self, response: &str) {
        let mut unpaid = self.unpaid.lock().unwrap_or_else(PoisonError::into_inner);
        if unpaid.len() < FOLLOWED {
            unpaid.insert(response.to_owned());
        }
    }

    /// Whether the cost of a response is still to be counted; afterwards it is not.
    pub(crate) fn settle(&self, response: &str) -> bool {
        let mut unpaid = self.unpaid.lock().unwrap_or_else(PoisonError::into_inner);
        unpaid.remove(response)
    }

    /// Keeps bytes for the caller, and links to them.
    pub(crate) async fn keep(
        &self,
        cx: &Cx,
        name: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<ResourceLink> {
        self.artifacts.keep(cx, name, media_type, bytes).await
    }

    /// Text that is too long for an answer becomes a file, of which the start is left.
    pub(crate) async fn shorten(
        &self,
        cx: &Cx,
        text: &mut String,
        name: &str,
    ) -> Result<Option<ResourceLink>> {
        if text.len() <= INLINE {
            return Ok(None);
        }
        let whole = Bytes::copy_from_slice(text.as_bytes());
        let link = self.keep(cx, name, "text/plain", whole).await?;
        text.truncate(text.floor_char_boundary(INLINE / 4));
        Ok(Some(link))
    }

    /// Whether a value is too long for an answer.
    pub(crate) fn is_long(value: &Value) -> bool {
        value.to_string().len() > INLINE
    }
}

/// The day of today, `2026-11-22`.
pub(crate) fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}
