//! Vault: the KV store of version 2, tokens and AppRoles.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use business_tools_core::http::{HeaderMap, StatusCode};
use business_tools_sandbox::Simulator;
use business_tools_sandbox::axum::extract::{Path, State};
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use business_tools_sandbox::axum::routing::{get, post};
use business_tools_sandbox::axum::{Json, Router};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Refused, answer, header, lock};

/// A Vault in memory. Times are those of the runtime, so that a test may advance them.
#[derive(Clone, Default)]
pub struct Vault(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    namespace: String,
    sealed: bool,
    /// Versions, oldest first, by `mount/path`; nothing in the place of a deleted one.
    secrets: BTreeMap<String, Vec<Option<Value>>>,
    tokens: BTreeMap<String, Token>,
    roles: BTreeMap<String, Role>,
    denied: Vec<String>,
    made: usize,
}

struct Token {
    lease: Option<Duration>,
    renewable: bool,
    ends: Option<Instant>,
    /// No renewal leads beyond it.
    last: Option<Instant>,
}

struct Role {
    secret_id: String,
    lease: Duration,
    renewable: bool,
    /// How often the secret id may still be used.
    uses: Option<u32>,
}

impl Token {
    fn new(lease: Option<Duration>, renewable: bool) -> Self {
        let ends = lease.map(|lease| Instant::now() + lease);
        Self {
            lease,
            renewable,
            ends,
            last: None,
        }
    }

    fn left(&self) -> u64 {
        let left = self
            .ends
            .map(|ends| ends.saturating_duration_since(Instant::now()));
        left.unwrap_or_default().as_secs()
    }
}

impl Vault {
    /// Writes a version of a secret.
    pub fn put(&self, mount: &str, path: &str, data: Value) -> &Self {
        let mut inside = lock(&self.0);
        let versions = inside.secrets.entry(format!("{mount}/{path}"));
        versions.or_default().push(Some(data));
        drop(inside);
        self
    }

    /// Deletes the newest version of a secret, so that it can be restored.
    pub fn delete(&self, mount: &str, path: &str) {
        let mut inside = lock(&self.0);
        let versions = inside.secrets.get_mut(&format!("{mount}/{path}"));
        *versions
            .and_then(|versions| versions.last_mut())
            .expect("there is such a secret") = None;
    }

    /// Lets a token in; without a lease it never ends.
    pub fn token(&self, token: &str, lease: Option<Duration>, renewable: bool) -> &Self {
        let made = Token::new(lease, renewable);
        lock(&self.0).tokens.insert(token.to_owned(), made);
        self
    }

    /// Lets a role log in, as often as `uses` says.
    pub fn role(
        &self,
        role_id: &str,
        secret_id: &str,
        lease: Duration,
        renewable: bool,
        uses: Option<u32>,
    ) -> &Self {
        let role = Role {
            secret_id: secret_id.to_owned(),
            lease,
            renewable,
            uses,
        };
        lock(&self.0).roles.insert(role_id.to_owned(), role);
        self
    }

    /// Makes every token invalid.
    pub fn revoke_all(&self) {
        lock(&self.0).tokens.clear();
    }

    /// No token may read this path any more.
    pub fn deny(&self, mount: &str, path: &str) {
        lock(&self.0).denied.push(format!("{mount}/{path}"));
    }

    /// Seals or unseals it.
    pub fn seal(&self, sealed: bool) {
        lock(&self.0).sealed = sealed;
    }

    /// Everything is in this namespace.
    pub fn namespace(&self, name: &str) -> &Self {
        name.clone_into(&mut lock(&self.0).namespace);
        self
    }

    /// It behind HTTP, as `vault`.
    pub fn simulator(&self) -> Simulator {
        let routes = Router::new()
            .route("/v1/auth/token/lookup-self", get(look_up))
            .route("/v1/auth/token/renew-self", post(renew))
            .route("/v1/auth/approle/login", post(log_in))
            .route("/v1/{*path}", get(read))
            .with_state(self.clone());
        Simulator::http("vault", routes)
            .on_fault_status(|status| json!({"errors": [status.canonical_reason()]}))
    }

    /// What stands before every answer.
    fn enter(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let inside = lock(&self.0);
        if inside.sealed {
            return Err(errors(503, &["Vault is sealed"]));
        }
        if header(headers, "x-vault-request") != "true" {
            return Err(errors(
                412,
                &["missing required request header X-Vault-Request"],
            ));
        }
        if header(headers, "x-vault-namespace").trim_matches('/') != inside.namespace {
            return Err(errors(403, &["permission denied"]));
        }
        Ok(())
    }

    fn authenticated(&self, headers: &HeaderMap) -> Result<String, Refused> {
        self.enter(headers)?;
        let token = header(headers, "x-vault-token");
        let inside = lock(&self.0);
        let good = inside
            .tokens
            .get(token)
            .is_some_and(|held| held.ends.is_none_or(|ends| ends > Instant::now()));
        if good {
            return Ok(token.to_owned());
        }
        Err(errors(403, &["permission denied"]))
    }
}

fn errors(status: u16, errors: &[&str]) -> Refused {
    Refused(status, json!({"errors": errors}))
}

/// What every success looks like.
fn envelope(data: Value, auth: Value) -> Value {
    json!({
        "request_id": "7a1f3c3e-5d5a-4b0c-9b0e-0d8f6f1f5a11", "lease_id": "", "renewable": false, "lease_duration": 0,
        "data": data, "wrap_info": null, "warnings": null, "auth": auth,
    })
}

fn auth(token: &str, lease: u64, renewable: bool) -> Value {
    json!({
        "client_token": token, "accessor": "fd6c9a00-d2dc-3b11-0be5-af7ae0e1d374", "policies": ["default", "app"],
        "token_policies": ["default", "app"], "metadata": {}, "lease_duration": lease, "renewable": renewable,
        "entity_id": "", "token_type": "service", "orphan": true,
    })
}

async fn look_up(State(vault): State<Vault>, headers: HeaderMap) -> Result<Response, Refused> {
    let token = vault.authenticated(&headers)?;
    let inside = lock(&vault.0);
    let held = &inside.tokens[&token];
    let data = json!({
        "id": token, "ttl": held.left(), "renewable": held.renewable, "policies": ["default", "app"], "type": "service",
    });
    Ok(answer(200, envelope(data, Value::Null)))
}

async fn renew(State(vault): State<Vault>, headers: HeaderMap) -> Result<Response, Refused> {
    let token = vault.authenticated(&headers)?;
    let mut inside = lock(&vault.0);
    let held = inside.tokens.get_mut(&token).expect("it was looked at");
    if !held.renewable {
        return Err(errors(400, &["lease is not renewable"]));
    }
    let now = Instant::now();
    let ends = now + held.lease.unwrap_or_default();
    held.ends = Some(held.last.map_or(ends, |last| last.min(ends)));
    let lease = held.left();
    Ok(answer(
        200,
        envelope(Value::Null, auth(&token, lease, true)),
    ))
}

async fn log_in(
    State(vault): State<Vault>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Response, Refused> {
    vault.enter(&headers)?;
    let mut inside = lock(&vault.0);
    let refused = || errors(400, &["invalid role or secret ID"]);
    let role_id = body["role_id"].as_str().ok_or_else(refused)?;
    let role = inside.roles.get_mut(role_id).ok_or_else(refused)?;
    if body["secret_id"] != role.secret_id.as_str() || role.uses == Some(0) {
        return Err(refused());
    }
    if let Some(uses) = &mut role.uses {
        *uses -= 1;
    }
    let (lease, renewable) = (role.lease, role.renewable);
    inside.made += 1;
    let token = format!("hvs.CAESIsimulatedtoken{:08}", inside.made);
    let made = Token::new(Some(lease), renewable);
    inside.tokens.insert(token.clone(), made);
    let body = envelope(Value::Null, auth(&token, lease.as_secs(), renewable));
    Ok(answer(200, body))
}

async fn read(
    State(vault): State<Vault>,
    headers: HeaderMap,
    Path(path): Path<String>,
) -> Result<Response, Refused> {
    vault.authenticated(&headers)?;
    let inside = lock(&vault.0);
    let Some((mount, path)) = path.split_once("/data/") else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let at = format!("{mount}/{path}");
    if inside.denied.contains(&at) {
        let text = "1 error occurred:\n\t* permission denied\n\n";
        return Err(errors(403, &[text]));
    }
    let Some(versions) = inside.secrets.get(&at) else {
        return Err(errors(404, &[]));
    };
    let newest = versions.last().cloned().flatten();
    let deleted = newest.is_none();
    let deletion_time = if deleted { "2026-11-01T00:00:00Z" } else { "" };
    let data = json!({
        "data": newest,
        "metadata": {
            "created_time": "2026-03-22T02:24:06.945319214Z", "custom_metadata": null, "deletion_time": deletion_time,
            "destroyed": false, "version": versions.len(),
        },
    });
    let status = if deleted { 404 } else { 200 };
    Ok(answer(status, envelope(data, Value::Null)))
}
