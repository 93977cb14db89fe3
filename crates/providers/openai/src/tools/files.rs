//! Uploaded files.

use business_tools_core::egress::transport::{Body, Part};
use business_tools_core::http::Method;
use business_tools_core::{Cx, Faults, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ID, READ, WRITE, word};
use crate::OpenAi;
use crate::client::Pairs;
use crate::policy::UPLOADS;
use crate::source::{self, Source};

/// What is shown where a call does not say how many.
const DEFAULT_LIMIT: u32 = 20;

const PURPOSE: &str = "^(assistants|batch|fine-tune|vision|user_data|evals)$";

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Purpose {
    Assistants,
    Batch,
    #[serde(rename = "fine-tune")]
    FineTune,
    Vision,
    UserData,
    Evals,
}

/// A file as it is shown.
#[derive(Debug, Serialize)]
pub struct File(Map<String, Value>);

impl File {
    fn of(mut given: Map<String, Value>) -> Self {
        let mut shown = Map::new();
        for name in [
            "id",
            "filename",
            "bytes",
            "purpose",
            "status",
            "status_details",
            "created_at",
            "expires_at",
        ] {
            let Some(value) = given.remove(name).filter(|value| !value.is_null()) else {
                continue;
            };
            let value = match name.strip_suffix("_at") {
                Some(_) => time(&value).unwrap_or(value),
                None => value,
            };
            shown.insert(name.to_owned(), value);
        }
        Self(shown)
    }
}

/// Seconds of the epoch become RFC 3339.
pub(crate) fn time(secs: &Value) -> Option<Value> {
    let at = jiff::Timestamp::from_second(secs.as_i64()?).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into())
}

/// List uploaded files.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/files/list> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListFiles {
    /// Filter.
    #[schemars(regex(pattern = "^[a-z_-]{1,64}$"))]
    purpose: Option<String>,
    /// asc, desc.
    #[schemars(regex(pattern = "^(asc|desc)$"))]
    order: Option<String>,
    /// Default 20.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// From `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

impl Tool for ListFiles {
    type Provider = OpenAi;
    type Output = Page<File>;
    const SPEC: Spec = Spec::read("openai_list_files")
        .scopes(READ)
        .cached(15)
        .untrusted(&["filename"]);

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Page<File>> {
        let mut query = Pairs::new();
        query.extend(self.purpose.map(|purpose| ("purpose", purpose)));
        query.extend(self.order.map(|order| ("order", order)));
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let page = openai
            .service
            .client
            .list(cx, &["files"], query, limit, self.cursor)
            .await?;
        let files = page.items.into_iter().map(File::of).collect();
        Ok(Page::new(files, page.next_cursor))
    }
}

/// Upload a file to OpenAI.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/files/create> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadFile {
    /// Local file.
    #[schemars(length(min = 1, max = 4096))]
    path: Option<String>,
    /// URL or result link.
    #[schemars(length(min = 1, max = 4096))]
    url: Option<String>,
    /// user_data, vision, batch…
    #[schemars(with = "String", regex(pattern = PURPOSE))]
    purpose: Purpose,
    /// Seconds it is kept.
    #[schemars(range(min = 3600, max = 2_592_000))]
    expires_after: Option<u32>,
}

impl Tool for UploadFile {
    type Provider = OpenAi;
    type Output = File;
    const SPEC: Spec = Spec::write("openai_upload_file")
        .scopes(WRITE)
        .forgets(&["openai_list_files"])
        .quota(UPLOADS)
        .untrusted(&["filename"])
        .find_out("Look with openai_list_files whether it is there before you upload again");

    fn check(&self, faults: &mut Faults) {
        source::check_one(self.path.as_deref(), self.url.as_deref(), faults);
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<File> {
        let service = &openai.service;
        let source = Source::of(self.path.as_deref(), self.url.as_deref())?;
        let mut parts = vec![Part::text("purpose", word(&self.purpose))];
        if let Some(secs) = self.expires_after {
            parts.push(Part::text("expires_after[anchor]", "created_at"));
            parts.push(Part::text("expires_after[seconds]", secs.to_string()));
        }
        parts.push(service.file(cx, source).await?);
        let request = service.client.request(Method::POST, &["files"]);
        let file = service
            .client
            .json(cx, request.body(Body::Multipart(parts)))
            .await?;
        Ok(File::of(file))
    }
}

/// Delete an uploaded file.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/files/delete> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteFile {
    /// file-…
    #[schemars(regex(pattern = ID))]
    file_id: String,
}

/// A file that is gone.
#[derive(Debug, Serialize)]
pub struct Deleted {
    id: String,
    deleted: bool,
}

impl Tool for DeleteFile {
    type Provider = OpenAi;
    type Output = Deleted;
    const SPEC: Spec = Spec::destructive("openai_delete_file")
        .idempotent()
        .scopes(WRITE)
        .forgets(&["openai_list_files"]);

    fn confirm(&self) -> Option<String> {
        Some(format!(
            "Delete the file {} at OpenAI for good?",
            self.file_id
        ))
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Deleted> {
        openai
            .service
            .client
            .delete(cx, &["files", &self.file_id])
            .await?;
        Ok(Deleted {
            id: self.file_id,
            deleted: true,
        })
    }
}
