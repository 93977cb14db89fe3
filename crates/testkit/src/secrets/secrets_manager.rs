//! AWS Secrets Manager: `GetSecretValue`, with the signature checked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use business_tools_core::Secret;
use business_tools_core::http::HeaderMap;
use business_tools_core::sigv4::{PathRule, Signer, Signing, hash};
use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::extract::State;
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::axum::routing::post;
use business_tools_sandbox::{Mount, Simulator};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{answer, header, lock};

/// Secrets Manager in memory, for one account in one region.
#[derive(Clone)]
pub struct SecretsManager(Arc<Mutex<Inside>>);

struct Inside {
    signer: Signer,
    secrets: BTreeMap<String, Value>,
    denied: Vec<String>,
    expired: bool,
}

impl SecretsManager {
    /// The region it is in.
    pub const REGION: &'static str = "eu-west-1";

    /// An account with this access key.
    pub fn new(access_key_id: &str, secret_access_key: &str, session_token: Option<&str>) -> Self {
        Self(Arc::new(Mutex::new(Inside {
            signer: Signer {
                access_key_id: access_key_id.to_owned(),
                secret_access_key: Secret::new(secret_access_key),
                session_token: session_token.map(Secret::new),
                region: Self::REGION.to_owned(),
                service: "secretsmanager",
                path: PathRule::OTHERS,
            },
            secrets: BTreeMap::new(),
            denied: Vec::new(),
            expired: false,
        })))
    }

    /// Keeps a secret that is a text.
    pub fn put(&self, name: &str, text: impl Into<String>) -> &Self {
        let value = json!({"SecretString": text.into()});
        lock(&self.0).secrets.insert(name.to_owned(), value);
        self
    }

    /// Keeps a secret of bytes, given in base64.
    pub fn put_binary(&self, name: &str, base64: &str) -> &Self {
        let value = json!({"SecretBinary": base64});
        lock(&self.0).secrets.insert(name.to_owned(), value);
        self
    }

    /// The credentials may not read this secret.
    pub fn deny(&self, name: &str) {
        lock(&self.0).denied.push(name.to_owned());
    }

    /// The session token has ended.
    pub fn expire(&self) {
        lock(&self.0).expired = true;
    }

    /// It behind HTTP, as `secretsmanager`.
    pub fn simulator(&self) -> Simulator {
        let routes = Router::new()
            .route("/", post(get_secret_value))
            .with_state(self.clone());
        Simulator::http("secretsmanager", routes).on_fault_status(
            |_| json!({"__type": "InternalServiceError", "Message": "An error occurred on the server side."}),
        )
    }
}

fn error(kind: &str, message: &str) -> Response {
    answer(400, json!({"__type": kind, "Message": message}))
}

impl Inside {
    /// Signs the request as its sender should have done.
    fn is_signed(&self, mount: &Mount, headers: &HeaderMap, body: &[u8]) -> bool {
        let given = header(headers, "authorization");
        let date = header(headers, "x-amz-date");
        let Ok(at) = format!(
            "{}-{}-{}T{}:{}:{}Z",
            &date[0..4],
            &date[4..6],
            &date[6..8],
            &date[9..11],
            &date[11..13],
            &date[13..15]
        )
        .parse() else {
            return false;
        };
        let signed = self.signer.sign(
            at,
            &Signing {
                method: "POST",
                path: &mount.prefix,
                query: "",
                headers: &[
                    ("content-type", header(headers, "content-type")),
                    ("host", header(headers, "host")),
                    ("x-amz-target", header(headers, "x-amz-target")),
                ],
                payload: &hash(body),
            },
        );
        let token = self.signer.session_token.as_ref().map(Secret::expose);
        given == signed.authorization.expose()
            && header(headers, "x-amz-security-token") == token.unwrap_or_default()
    }
}

async fn get_secret_value(
    State(manager): State<SecretsManager>,
    mount: Mount,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let inside = lock(&manager.0);
    let key = format!("Credential={}/", inside.signer.access_key_id);
    if header(&headers, "x-amz-target") != "secretsmanager.GetSecretValue" {
        return error("UnknownOperationException", "");
    }
    if !header(&headers, "authorization").contains(&key) {
        return error(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        );
    }
    if header(&headers, "x-amz-date").len() != 16 || !inside.is_signed(&mount, &headers, &body) {
        return error(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
        );
    }
    if inside.expired {
        return error(
            "ExpiredTokenException",
            "The security token included in the request is expired",
        );
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let id = asked["SecretId"].as_str().unwrap_or_default();
    // An ARN ends with the name and six characters.
    let name = id.rsplit_once(":secret:").map_or(id, |(_, name)| {
        name.rsplit_once('-').map_or(name, |(name, _)| name)
    });
    if inside.denied.iter().any(|denied| denied == name) {
        let who = "User: arn:aws:iam::123456789012:user/app is not authorized to perform: secretsmanager:GetSecretValue";
        return error("AccessDeniedException", who);
    }
    let Some(value) = inside.secrets.get(name) else {
        return error(
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
        );
    };
    let mut body = json!({
        "ARN": format!("arn:aws:secretsmanager:{}:123456789012:secret:{name}-AbCdEf", SecretsManager::REGION),
        "Name": name, "CreatedDate": 1_790_000_000.123, "VersionId": "EXAMPLE1-90ab-cdef-fedc-ba987SECRET1",
        "VersionStages": ["AWSCURRENT"],
    });
    if let (Some(body), Some(value)) = (body.as_object_mut(), value.as_object()) {
        body.extend(value.clone());
    }
    answer(200, body)
}
