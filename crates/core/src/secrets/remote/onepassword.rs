//! 1Password Connect: fields of items, by id or by name.

use async_trait::async_trait;
use http::Method;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Library, address, below, by_status, client, explained, filled, info, not_asked, read};
use crate::Env;
use crate::cx::Cx;
use crate::egress::transport::{Http, HttpRequest, HttpResponse};
use crate::error::{Error, Kind, Result};
use crate::plugin::Info;
use crate::secret::Secret;
use crate::secrets::{Local, Remote, Service, Wrong};
use crate::tool::Repeat;

const TITLE: &str = Service::OnePassword.title();
const INFO: Info = info("secrets_1password", Service::OnePassword);

/// Where Connect is, and who asks.
#[derive(Clone, PartialEq)]
pub(super) struct Settings {
    pub(super) host: Url,
    token: Secret,
}

impl Settings {
    pub(super) fn read(local: &Local<'_>) -> Result<Self, Wrong> {
        let example = "https://connect.example.com";
        let unset = |name: &str, remedy: String| {
            Wrong::new(format!("needs {name}, which is not set"), remedy)
        };
        Ok(Self {
            host: address(local, &["OP_CONNECT_HOST"], example)?.ok_or_else(|| {
                let remedy =
                    format!("set it to the address of your Connect server, such as {example}");
                unset("OP_CONNECT_HOST", remedy)
            })?,
            token: local.secret("OP_CONNECT_TOKEN")?.ok_or_else(|| {
                unset(
                    "OP_CONNECT_TOKEN",
                    "set it to an access token of Connect".to_owned(),
                )
            })?,
        })
    }
}

/// One Connect server, as one token sees it.
pub(super) struct Connect {
    settings: Settings,
    http: Http,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
pub(super) struct Item {
    #[serde(default)]
    sections: Vec<Section>,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Section {
    id: String,
    #[serde(default)]
    label: String,
}

#[derive(Deserialize)]
struct Field {
    id: String,
    #[serde(default)]
    label: String,
    section: Option<Named>,
    value: Option<Secret>,
}

impl Item {
    /// The one field that is meant.
    fn field(&self, section: Option<&str>, field: &str) -> Result<Secret> {
        // By the very name if there is one, else without regard to capitals.
        let mut found = self.matching(section, field, |a, b| a == b);
        if found.is_empty() {
            found = self.matching(section, field, |a, b| a.to_lowercase() == b.to_lowercase());
        }
        if section.is_none() && found.len() > 1 {
            // A field outside all sections is the nearest.
            let outside: Vec<&Field> = found
                .iter()
                .copied()
                .filter(|f| f.section.is_none())
                .collect();
            if outside.len() == 1 {
                found = outside;
            }
        }
        match found.as_slice() {
            [one] => filled(one.value.clone().unwrap_or_else(|| Secret::new("")), TITLE),
            [] => Err(
                Error::new(Kind::NotFound, "the item in 1Password has no such field").hint(
                    "Name a field by its label or id, with its section before it if it has one",
                ),
            ),
            _ => Err(Error::new(
                Kind::Conflict,
                "the item in 1Password has several such fields",
            )
            .hint("Name the section before the field, or the field by its id")),
        }
    }

    fn matching(
        &self,
        section: Option<&str>,
        field: &str,
        same: fn(&str, &str) -> bool,
    ) -> Vec<&Field> {
        let in_section = |candidate: &&Field| {
            let Some(wanted) = section else { return true };
            let Some(own) = &candidate.section else {
                return false;
            };
            let label = self
                .sections
                .iter()
                .find(|s| s.id == own.id)
                .map(|s| s.label.as_str());
            same(&own.id, wanted) || label.is_some_and(|label| same(label, wanted))
        };
        let named =
            |candidate: &&Field| same(&candidate.id, field) || same(&candidate.label, field);
        self.fields
            .iter()
            .filter(in_section)
            .filter(named)
            .collect()
    }
}

/// What ids of 1Password look like; names that do are named by their id.
fn is_id(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

impl Connect {
    pub(super) fn new(settings: Settings, env: &Env) -> Self {
        Self {
            settings,
            http: client(const { &INFO }, env, refusal),
        }
    }

    async fn get<T: DeserializeOwned>(
        &self,
        cx: &Cx,
        path: &[&str],
        filter: Option<(&str, &str)>,
    ) -> Result<T> {
        let url = below(
            &self.settings.host,
            ["v1", "vaults"].into_iter().chain(path.iter().copied()),
        );
        let bearer = Secret::new(format!("Bearer {}", self.settings.token.expose()));
        let mut request = HttpRequest::new(Method::GET, url).credential(AUTHORIZATION, bearer);
        if let Some((name, value)) = filter {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            request = request.query([("filter", format!("{name} eq \"{value}\""))]);
        }
        let answer = self.http.send_as(cx, Repeat::Safe, request).await;
        let answer =
            answer.map_err(|error| explained(error, Service::OnePassword, "OP_CONNECT_HOST"))?;
        read(answer, TITLE)
    }

    /// The id of the one thing of that name.
    async fn id(&self, cx: &Cx, path: &[&str], filter: (&str, &str), what: &str) -> Result<String> {
        if is_id(filter.1) {
            return Ok(filter.1.to_owned());
        }
        let mut found: Vec<Named> = self.get(cx, path, Some(filter)).await?;
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one.id),
            (None, _) => Err(Error::new(
                Kind::NotFound,
                format!("1Password has no such {what} that the token may read"),
            )
            .hint("Check the name, and which vaults the token of Connect may read")),
            (Some(_), false) => Err(Error::new(
                Kind::Conflict,
                format!("1Password has several {what}s of that name"),
            )
            .hint("Use the id in place of the name")),
        }
    }
}

#[async_trait]
impl Library for Connect {
    type Document = Item;

    async fn read(&self, cx: &Cx, wanted: &Remote) -> Result<Item> {
        let (vault, item) = wanted.document();
        let vault = self.id(cx, &[], ("name", vault), "vault").await?;
        let items = [vault.as_str(), "items"];
        let item = self.id(cx, &items, ("title", item), "item").await?;
        self.get(cx, &[&vault, "items", &item], None).await
    }

    fn pick(&self, document: &Item, wanted: &Remote) -> Result<Secret> {
        match wanted {
            Remote::OnePassword { section, field, .. } => document.field(section.as_deref(), field),
            _ => Err(not_asked()),
        }
    }
}

/// What the errors of Connect mean.
fn refusal(answer: &HttpResponse) -> Error {
    match answer.status.as_u16() {
        401 => answer
            .error("1Password Connect refused the token")
            .hint("Check OP_CONNECT_TOKEN; it may have expired or belong to another server"),
        403 => answer
            .error("1Password Connect does not let the token read this vault")
            .hint("Give the token access to the vault"),
        404 => answer
            .error("1Password Connect has no such vault or item")
            .hint("Check both, and which vaults the token may read"),
        _ => by_status(answer, TITLE),
    }
}
