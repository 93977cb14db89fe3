//! 1Password Connect: vaults, items and their fields.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use business_tools_core::http::HeaderMap;
use business_tools_sandbox::Simulator;
use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::extract::{Path, Query, State};
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::axum::routing::get;
use serde_json::{Value, json};

use super::{Refused, answer, header, lock};

/// A Connect server in memory, with one access token.
#[derive(Clone)]
pub struct Connect(Arc<Mutex<Inside>>);

struct Inside {
    token: String,
    vaults: Vec<Vault>,
}

struct Vault {
    id: String,
    name: String,
    /// Whether the token may read it.
    open: bool,
    items: Vec<Value>,
}

impl Connect {
    /// A server that takes this token.
    pub fn new(token: &str) -> Self {
        Self(Arc::new(Mutex::new(Inside {
            token: token.to_owned(),
            vaults: Vec::new(),
        })))
    }

    /// Makes a vault, and gives its id.
    pub fn vault(&self, name: &str) -> String {
        let mut inside = lock(&self.0);
        let id = id('v', inside.vaults.len());
        inside.vaults.push(Vault {
            id: id.clone(),
            name: name.to_owned(),
            open: true,
            items: Vec::new(),
        });
        id
    }

    /// Puts an item into the vault of that id: sections as `{"id", "label"}`, fields as the API has them. Gives its id.
    pub fn item(&self, vault: &str, title: &str, sections: Value, fields: Value) -> String {
        let mut inside = lock(&self.0);
        let vault = inside.find(vault).expect("there is such a vault");
        let id = id('i', vault.items.len());
        vault.items.push(json!({
            "id": id, "title": title, "vault": {"id": vault.id}, "category": "API_CREDENTIAL", "version": 1,
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-02-01T00:00:00Z",
            "lastEditedBy": "DOIHOHSV2NHK5HMSOLCWJUXFDM", "sections": sections, "fields": fields,
        }));
        id
    }

    /// Sets the value of a field, named by its id.
    pub fn set(&self, vault: &str, item: &str, field: &str, value: &str) {
        let mut inside = lock(&self.0);
        let items = &mut inside.find(vault).expect("there is such a vault").items;
        let item = items.iter_mut().find(|one| one["id"] == item);
        let fields = item.and_then(|item| item["fields"].as_array_mut());
        let field = fields.and_then(|all| all.iter_mut().find(|one| one["id"] == field));
        field.expect("there is such a field")["value"] = value.into();
    }

    /// The token may not read this vault any more.
    pub fn close(&self, vault: &str) {
        let mut inside = lock(&self.0);
        inside.find(vault).expect("there is such a vault").open = false;
    }

    /// Takes another token from now on.
    pub fn take_token(&self, token: &str) {
        token.clone_into(&mut lock(&self.0).token);
    }

    /// It behind HTTP, as `connect`.
    pub fn simulator(&self) -> Simulator {
        let routes = Router::new()
            .route("/v1/vaults", get(vaults))
            .route("/v1/vaults/{vault}/items", get(items))
            .route("/v1/vaults/{vault}/items/{item}", get(item))
            .with_state(self.clone());
        Simulator::http("connect", routes).on_fault_status(
            |status| json!({"status": status.as_u16(), "message": status.canonical_reason()}),
        )
    }
}

/// An id as 1Password makes them: 26 small letters and digits.
fn id(kind: char, n: usize) -> String {
    format!("{kind}{n:0>25}")
}

impl Inside {
    fn find(&mut self, id: &str) -> Option<&mut Vault> {
        self.vaults.iter_mut().find(|vault| vault.id == id)
    }
}

fn refused(status: u16, message: &str) -> Refused {
    Refused(status, json!({"status": status, "message": message}))
}

/// The value of `NAME eq "value"`.
fn wanted(filter: Option<&String>, name: &str) -> Result<Option<String>, Refused> {
    let Some(filter) = filter else {
        return Ok(None);
    };
    let value = filter
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(" eq "))
        .and_then(|rest| serde_json::from_str::<String>(rest).ok());
    let value = value.ok_or_else(|| refused(400, "Unable to parse filter"))?;
    Ok(Some(value))
}

type Filters = Query<BTreeMap<String, String>>;

/// The server's state, for whoever has the token.
fn enter<'a>(connect: &'a Connect, headers: &HeaderMap) -> Result<MutexGuard<'a, Inside>, Refused> {
    let inside = lock(&connect.0);
    if header(headers, "authorization") == format!("Bearer {}", inside.token) {
        return Ok(inside);
    }
    Err(refused(401, "Invalid token signature"))
}

async fn vaults(
    State(connect): State<Connect>,
    headers: HeaderMap,
    Query(query): Filters,
) -> Result<Response, Refused> {
    let inside = enter(&connect, &headers)?;
    let name = wanted(query.get("filter"), "name")?;
    let found: Vec<Value> = inside
        .vaults
        .iter()
        .filter(|vault| vault.open && name.as_ref().is_none_or(|name| *name == vault.name))
        .map(|vault| json!({"id": vault.id, "name": vault.name, "items": vault.items.len()}))
        .collect();
    Ok(answer(200, found.into()))
}

/// An open vault.
fn open<'a>(inside: &'a mut Inside, id: &str) -> Result<&'a mut Vault, Refused> {
    let vault = inside
        .find(id)
        .ok_or_else(|| refused(404, "Invalid Vault UUID"))?;
    if vault.open {
        return Ok(vault);
    }
    Err(refused(403, &format!("vault {id} is not in scope")))
}

async fn items(
    State(connect): State<Connect>,
    headers: HeaderMap,
    Path(vault): Path<String>,
    Query(query): Filters,
) -> Result<Response, Refused> {
    let mut inside = enter(&connect, &headers)?;
    let vault = open(&mut inside, &vault)?;
    let title = wanted(query.get("filter"), "title")?;
    let found: Vec<Value> = vault
        .items
        .iter()
        .filter(|item| title.as_ref().is_none_or(|title| item["title"] == **title))
        .map(|item| {
            // A list has no values.
            let mut summary = item.clone();
            if let Some(summary) = summary.as_object_mut() {
                summary.retain(|name, _| !matches!(name.as_str(), "fields" | "sections"));
            }
            summary
        })
        .collect();
    Ok(answer(200, found.into()))
}

async fn item(
    State(connect): State<Connect>,
    headers: HeaderMap,
    Path((vault, item)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let mut inside = enter(&connect, &headers)?;
    let vault = open(&mut inside, &vault)?;
    let found = vault.items.iter().find(|one| one["id"] == *item);
    let found = found.ok_or_else(|| refused(404, "Invalid Item UUID"))?;
    Ok(answer(200, found.clone()))
}
