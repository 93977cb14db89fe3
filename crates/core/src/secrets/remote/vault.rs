//! HashiCorp Vault and OpenBao: the KV store of version 2, with a token or an AppRole.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use http::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::{
    Library, Text, address, below, by_status, client, explained, first, info, member, not_asked,
    read,
};
use crate::Env;
use crate::cx::Cx;
use crate::egress::transport::{Body, Http, HttpRequest, HttpResponse};
use crate::error::{Error, Fate, Kind, Result, Status};
use crate::plugin::Info;
use crate::secret::Secret;
use crate::secrets::{Local, Remote, Service, Wrong};
use crate::tool::Repeat;

const TITLE: &str = Service::Vault.title();
const INFO: Info = info("secrets_vault", Service::Vault);

/// A token that ends sooner is replaced rather than renewed.
const SHORT: Duration = Duration::from_secs(10);

/// Where Vault is and who asks.
#[derive(Clone, PartialEq)]
pub(super) struct Settings {
    pub(super) address: Url,
    namespace: Option<String>,
    login: Login,
    own_certificates: bool,
}

#[derive(Clone, PartialEq)]
enum Login {
    Token(Secret),
    AppRole {
        mount: String,
        role_id: String,
        secret_id: Option<Secret>,
    },
}

impl Settings {
    pub(super) fn read(local: &Local<'_>) -> Result<Self, Wrong> {
        let example = "https://vault.example.com:8200";
        let address = address(local, &["VAULT_ADDR", "BAO_ADDR"], example)?.ok_or_else(|| {
            Wrong::new(
                "needs VAULT_ADDR, which is not set",
                format!("set it to the address of Vault, such as {example}"),
            )
        })?;
        let namespace = first(local, &["VAULT_NAMESPACE", "BAO_NAMESPACE"]);
        let login = if let Some(role_id) = local.variable("VAULT_ROLE_ID") {
            let mount = local.variable("VAULT_APPROLE_MOUNT").unwrap_or("approle");
            Login::AppRole {
                mount: mount.trim_matches('/').to_owned(),
                role_id: role_id.to_owned(),
                secret_id: local.secret("VAULT_SECRET_ID")?,
            }
        } else {
            let token = match local.secret("VAULT_TOKEN")? {
                Some(token) => Some(token),
                None => local.secret("BAO_TOKEN")?,
            };
            Login::Token(token.ok_or_else(|| {
                Wrong::new(
                    "needs VAULT_TOKEN, which is not set",
                    "set it, or VAULT_ROLE_ID and VAULT_SECRET_ID",
                )
            })?)
        };
        let own_certificates = ["VAULT_CACERT", "VAULT_CAPATH", "VAULT_SKIP_VERIFY"];
        Ok(Self {
            address,
            namespace: namespace.map(|(_, name)| name.to_owned()),
            login,
            own_certificates: first(local, &own_certificates).is_some(),
        })
    }

    pub(super) fn warning(&self) -> Option<Wrong> {
        self.own_certificates.then(|| {
            Wrong::new(
                "is fetched without regard to VAULT_CACERT, VAULT_CAPATH and VAULT_SKIP_VERIFY",
                "add the certificate to those of the system, or name it in SSL_CERT_FILE",
            )
        })
    }
}

/// One Vault, as one token or role sees it.
pub(super) struct Vault {
    settings: Settings,
    http: Http,
    session: Mutex<Option<Session>>,
}

/// A token that is good, as far as is known.
#[derive(Clone)]
struct Session {
    token: Secret,
    /// How long it was good for at first; `None` for good.
    lease: Option<Duration>,
    renewable: bool,
    renew_at: Option<Instant>,
    ends_at: Option<Instant>,
}

impl Session {
    fn new(token: Secret, lease_secs: u64, renewable: bool) -> Self {
        let lease = (lease_secs > 0).then(|| Duration::from_secs(lease_secs));
        let now = Instant::now();
        Self {
            token,
            lease,
            renewable,
            renew_at: lease.filter(|_| renewable).map(|lease| now + lease * 2 / 3),
            ends_at: lease.map(|lease| now + lease),
        }
    }

    fn has_ended(&self) -> bool {
        self.ends_at.is_some_and(|at| at <= Instant::now())
    }

    fn is_due(&self) -> bool {
        self.renew_at.is_some_and(|at| at <= Instant::now())
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Kv {
    data: Option<BTreeMap<String, Text>>,
}

#[derive(Deserialize)]
struct Authenticated {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Secret,
    lease_duration: u64,
    renewable: bool,
}

#[derive(Deserialize)]
struct Looked {
    ttl: u64,
    #[serde(default)]
    renewable: bool,
}

impl Vault {
    pub(super) fn new(settings: Settings, env: &Env) -> Self {
        Self {
            settings,
            http: client(const { &INFO }, env, refusal),
            session: Mutex::new(None),
        }
    }

    async fn send(
        &self,
        cx: &Cx,
        repeat: Repeat,
        method: Method,
        path: &[&str],
        token: Option<&Secret>,
        body: Option<Value>,
    ) -> Result<HttpResponse> {
        let parts = path.iter().flat_map(|part| part.split('/'));
        let url = below(&self.settings.address, std::iter::once("v1").chain(parts));
        let mut request = HttpRequest::new(method, url).header(
            HeaderName::from_static("x-vault-request"),
            HeaderValue::from_static("true"),
        );
        if let Some(namespace) = &self.settings.namespace {
            let value = HeaderValue::from_str(namespace).map_err(|_| {
                Error::new(
                    Kind::NotConfigured,
                    "VAULT_NAMESPACE holds what no header can carry",
                )
                .hint("Write the path of the namespace, such as team-a")
            })?;
            request = request.header(HeaderName::from_static("x-vault-namespace"), value);
        }
        if let Some(token) = token {
            request = request.credential(HeaderName::from_static("x-vault-token"), token.clone());
        }
        if let Some(body) = body {
            request = request.body(Body::Json(body));
        }
        let answer = self.http.send_as(cx, repeat, request).await;
        answer.map_err(|error| explained(error, Service::Vault, "VAULT_ADDR"))
    }

    /// A token that is good now.
    async fn token(&self, cx: &Cx) -> Result<Secret> {
        let mut session = self.session.lock().await;
        if let Some(held) = session.as_ref().filter(|held| held.is_due()) {
            let renewed = self.renew(cx, held).await;
            match renewed {
                Ok(renewed) => *session = Some(renewed),
                Err(error) => tell_unrenewed(&error),
            }
        }
        let by_role = matches!(self.settings.login, Login::AppRole { .. });
        match session.as_ref() {
            // A fixed token that has ended is sent all the same: Vault has the last word.
            Some(held) if !(by_role && held.has_ended()) => Ok(held.token.clone()),
            _ => {
                let new = self.log_in(cx).await?;
                let token = new.token.clone();
                *session = Some(new);
                Ok(token)
            }
        }
    }

    async fn log_in(&self, cx: &Cx) -> Result<Session> {
        match &self.settings.login {
            Login::Token(token) => {
                let looked = self.look_up(cx, token).await;
                match looked {
                    Ok(looked) => Ok(Session::new(token.clone(), looked.ttl, looked.renewable)),
                    // A token need not be allowed to look at itself, so this decides nothing.
                    Err(error) if error.kind() == Kind::PermissionDenied => {
                        Ok(Session::new(token.clone(), 0, false))
                    }
                    Err(error) => Err(error),
                }
            }
            Login::AppRole {
                mount,
                role_id,
                secret_id,
            } => {
                let mut body = json!({"role_id": role_id});
                if let Some(secret_id) = secret_id {
                    body["secret_id"] = secret_id.expose().into();
                }
                let path = ["auth", mount, "login"];
                // An id that may be used once is used up by an answer that is lost.
                let answer = self
                    .send(
                        cx,
                        Repeat::IfUnprocessed,
                        Method::POST,
                        &path,
                        None,
                        Some(body),
                    )
                    .await
                    .map_err(not_logged_in)?;
                let Auth {
                    client_token,
                    lease_duration,
                    renewable,
                } = read::<Authenticated>(answer, TITLE)?.auth;
                Ok(Session::new(client_token, lease_duration, renewable))
            }
        }
    }

    async fn look_up(&self, cx: &Cx, token: &Secret) -> Result<Looked> {
        let path = ["auth", "token", "lookup-self"];
        let answer = self
            .send(cx, Repeat::Safe, Method::GET, &path, Some(token), None)
            .await?;
        Ok(read::<Envelope<Looked>>(answer, TITLE)?.data)
    }

    async fn renew(&self, cx: &Cx, held: &Session) -> Result<Session> {
        let path = ["auth", "token", "renew-self"];
        let lease = held.lease.unwrap_or_default();
        let body = json!({"increment": format!("{}s", lease.as_secs())});
        let answer = self
            .send(
                cx,
                Repeat::Safe,
                Method::POST,
                &path,
                Some(&held.token),
                Some(body),
            )
            .await?;
        let auth = read::<Authenticated>(answer, TITLE)?.auth;
        let mut renewed = Session::new(held.token.clone(), auth.lease_duration, auth.renewable);
        // Near its last possible moment a token gets less each time; a role gets another one instead.
        if renewed.lease.is_some_and(|lease| lease < SHORT) && held.lease > renewed.lease {
            renewed.renewable = false;
            renewed.renew_at = None;
        }
        renewed.lease = held.lease.max(renewed.lease);
        Ok(renewed)
    }

    /// Whether a refusal was about the token itself and a role can get another one.
    async fn is_void(&self, cx: &Cx, token: &Secret) -> bool {
        let by_role = matches!(self.settings.login, Login::AppRole { .. });
        if !by_role || self.look_up(cx, token).await.is_ok() {
            return false;
        }
        let mut session = self.session.lock().await;
        if session.as_ref().is_some_and(|held| held.token == *token) {
            *session = None;
        }
        true
    }
}

#[async_trait]
impl Library for Vault {
    type Document = BTreeMap<String, Text>;

    async fn read(&self, cx: &Cx, wanted: &Remote) -> Result<Self::Document> {
        let (mount, path) = wanted.document();
        let token = self.token(cx).await?;
        let at = [mount, "data", path];
        let get = |token: Secret| async move {
            self.send(cx, Repeat::Safe, Method::GET, &at, Some(&token), None)
                .await
        };
        let answer = match get(token.clone()).await {
            Err(error)
                if error.kind() == Kind::PermissionDenied && self.is_void(cx, &token).await =>
            {
                get(self.token(cx).await?).await?
            }
            answer => answer?,
        };
        read::<Envelope<Kv>>(answer, TITLE)?
            .data
            .data
            .ok_or_else(deleted)
    }

    fn pick(&self, document: &Self::Document, wanted: &Remote) -> Result<Secret> {
        match wanted {
            Remote::Vault { key, .. } => member(document, key, TITLE),
            _ => Err(not_asked()),
        }
    }

    async fn keep_alive(&self, cx: &Cx) -> Option<Instant> {
        let mut session = self.session.lock().await;
        let held = session.as_ref()?;
        if held.is_due() {
            match self.renew(cx, held).await {
                Ok(renewed) => *session = Some(renewed),
                Err(error) => {
                    tell_unrenewed(&error);
                    let left = held.ends_at?.saturating_duration_since(Instant::now());
                    if let Some(held) = session.as_mut() {
                        // Sooner each time, until there is nothing left to renew.
                        let wait = (left / 3).max(Duration::from_secs(1));
                        held.renew_at = (!left.is_zero()).then(|| Instant::now() + wait);
                    }
                }
            }
        }
        session.as_ref()?.renew_at
    }
}

fn tell_unrenewed(error: &Error) {
    tracing::warn!(
        code = error.code(),
        "the token for Vault was not renewed: {}",
        error.message()
    );
}

/// A refused login is about the role, and not about the request.
fn not_logged_in(error: Error) -> Error {
    match error.kind() {
        Kind::InvalidRequest | Kind::PermissionDenied | Kind::NotFound => error
            .with_kind(Kind::AuthFailed)
            .with_message("Vault refused the login of the AppRole")
            .hint("Check VAULT_ROLE_ID, VAULT_SECRET_ID and VAULT_APPROLE_MOUNT; a secret id may be used up"),
        Kind::OutcomeUnknown => error
            .with_kind(Kind::Unavailable)
            .with_message("Vault did not answer the login of the AppRole")
            .hint("Check VAULT_ADDR, the network and the state of Vault"),
        _ => error,
    }
}

fn deleted() -> Error {
    Error::new(
        Kind::NotFound,
        "the newest version of the secret in Vault is deleted",
    )
    .hint("Restore it there, or write another one")
}

/// What Vault's errors mean. Their texts stay there: they repeat what was asked.
fn refusal(answer: &HttpResponse) -> Error {
    let body = answer.value().unwrap_or_default();
    let says = |word: &str| {
        let errors = body["errors"].as_array();
        errors.is_some_and(|all| {
            all.iter()
                .filter_map(Value::as_str)
                .any(|text| text.contains(word))
        })
    };
    match answer.status.as_u16() {
        403 => answer
            .error("Vault refused the token, or the token may not read this path")
            .hint("Check VAULT_TOKEN or the role, and that a policy grants `read` on MOUNT/data/PATH"),
        404 if body["data"]["metadata"].is_object() => deleted().detail("upstream_status", 404),
        404 => answer
            .error("Vault has no secret at this path")
            .hint("Write the mount, then the path without `data/`; a mount of several parts ends with `//`"),
        // A replica that has not caught up.
        412 => by_status(answer, TITLE).status(Status::Temporary),
        503 if says("sealed") => answer
            .error("Vault is sealed")
            .fate(Fate::Refused)
            .status(Status::Permanent)
            .hint("Unseal it"),
        _ => by_status(answer, TITLE),
    }
}
