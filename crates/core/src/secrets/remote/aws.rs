//! AWS Secrets Manager: `GetSecretValue`, signed with the credentials of the environment.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{
    Library, Text, address, by_status, client, explained, filled, first, info, member, read,
};
use crate::Env;
use crate::cx::Cx;
use crate::egress::transport::{Body, Http, HttpRequest, HttpResponse};
use crate::error::{Error, Kind, Result, Status};
use crate::plugin::Info;
use crate::secret::Secret;
use crate::secrets::{Local, Remote, Service, Wrong};
use crate::sigv4::{PathRule, Signer, Signing, hash};
use crate::tool::Repeat;

const TITLE: &str = Service::SecretsManager.title();
const INFO: Info = info("secrets_aws", Service::SecretsManager);
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const TARGET: &str = "secretsmanager.GetSecretValue";

/// Who asks, and where.
#[derive(Clone, PartialEq)]
pub(super) struct Settings {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    region: Option<String>,
    pub(super) endpoint: Option<Url>,
}

impl Settings {
    pub(super) fn read(local: &Local<'_>) -> Result<Self, Wrong> {
        let unset = |name: &str| {
            Wrong::new(
                format!("needs {name}, which is not set"),
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if they are temporary",
            )
        };
        let region = first(local, &["AWS_REGION", "AWS_DEFAULT_REGION"]);
        if let Some((name, _)) = region.filter(|(_, region)| !is_region(region)) {
            return Err(Wrong::new(
                format!("needs {name}, which is not the name of a region"),
                "write it like eu-west-1",
            ));
        }
        let names = ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"];
        Ok(Self {
            access_key_id: local
                .variable("AWS_ACCESS_KEY_ID")
                .ok_or_else(|| unset("AWS_ACCESS_KEY_ID"))?
                .to_owned(),
            secret_access_key: local
                .secret("AWS_SECRET_ACCESS_KEY")?
                .ok_or_else(|| unset("AWS_SECRET_ACCESS_KEY"))?,
            session_token: local.secret("AWS_SESSION_TOKEN")?,
            region: region.map(|(_, region)| region.to_owned()),
            endpoint: address(
                local,
                &names,
                "https://secretsmanager.eu-west-1.amazonaws.com",
            )?,
        })
    }
}

fn is_region(text: &str) -> bool {
    text.contains('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The region that an ARN names.
fn region_of(id: &str) -> Option<&str> {
    let mut parts = id.split(':');
    (parts.next() == Some("arn")).then_some(())?;
    parts.nth(2).filter(|region| is_region(region))
}

/// Secrets Manager, as one access key sees it.
pub(super) struct SecretsManager {
    settings: Settings,
    http: Http,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Value {
    secret_string: Option<Secret>,
    /// Base64.
    secret_binary: Option<Secret>,
}

impl SecretsManager {
    pub(super) fn new(settings: Settings, env: &Env) -> Self {
        Self {
            settings,
            http: client(const { &INFO }, env, refusal),
        }
    }

    fn request(&self, id: &str) -> Result<HttpRequest> {
        let region = region_of(id)
            .or(self.settings.region.as_deref())
            .ok_or_else(|| {
                Error::new(Kind::NotConfigured, "needs AWS_REGION, which is not set")
                    .hint("Set it, or name the secret by its ARN")
            })?;
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let url = match &self.settings.endpoint {
            Some(url) => url.clone(),
            None => Url::parse(&format!(
                "https://secretsmanager.{region}.amazonaws.com{suffix}/"
            ))
            .map_err(Error::internal)?,
        };
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let body = json!({"SecretId": id}).to_string();
        let signer = Signer {
            access_key_id: self.settings.access_key_id.clone(),
            secret_access_key: self.settings.secret_access_key.clone(),
            session_token: self.settings.session_token.clone(),
            region: region.to_owned(),
            service: "secretsmanager",
            path: PathRule::OTHERS,
        };
        let headers = signer.sign(
            Timestamp::now(),
            &Signing {
                method: "POST",
                path: url.path(),
                query: "",
                headers: &[
                    ("content-type", CONTENT_TYPE),
                    ("host", &host),
                    ("x-amz-target", TARGET),
                ],
                payload: &hash(body.as_bytes()),
            },
        );
        let date = HeaderValue::from_str(&headers.date).map_err(Error::internal)?;
        let mut request = HttpRequest::new(Method::POST, url)
            .header(
                HeaderName::from_static("x-amz-target"),
                HeaderValue::from_static(TARGET),
            )
            .header(HeaderName::from_static("x-amz-date"), date)
            .credential(AUTHORIZATION, headers.authorization)
            .body(Body::Bytes(
                Bytes::from(body),
                HeaderValue::from_static(CONTENT_TYPE),
            ));
        if let Some(token) = headers.security_token {
            request = request.credential(HeaderName::from_static("x-amz-security-token"), token);
        }
        Ok(request)
    }
}

#[async_trait]
impl Library for SecretsManager {
    type Document = Secret;

    async fn read(&self, cx: &Cx, wanted: &Remote) -> Result<Secret> {
        let (id, _) = wanted.document();
        let request = self.request(id)?;
        let answer = self.http.send_as(cx, Repeat::Safe, request).await;
        let answer =
            answer.map_err(|error| explained(error, Service::SecretsManager, "AWS_REGION"))?;
        let value: Value = read(answer, TITLE)?;
        if let Some(text) = value.secret_string {
            return Ok(text);
        }
        let bytes = value
            .secret_binary
            .and_then(|text| STANDARD.decode(text.expose()).ok());
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(Secret::new).ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                format!("the secret in {TITLE} is not a text"),
            )
            .hint("Keep it there as a text")
        })
    }

    fn pick(&self, document: &Secret, wanted: &Remote) -> Result<Secret> {
        let Remote::SecretsManager { key: Some(key), .. } = wanted else {
            return filled(document.clone(), TITLE);
        };
        let members: BTreeMap<String, Text> =
            serde_json::from_str(document.expose()).map_err(|_| {
                Error::new(
                    Kind::NotFound,
                    format!("the secret in {TITLE} is no object with keys"),
                )
                .hint("Leave out `#` and the key to use it as a whole")
            })?;
        member(&members, key, TITLE)
    }
}

/// What the errors of Secrets Manager mean. Their texts stay there: they repeat what was asked.
fn refusal(answer: &HttpResponse) -> Error {
    let body = answer.value().unwrap_or_default();
    let code = body["__type"]
        .as_str()
        .or_else(|| answer.header("x-amzn-errortype"));
    let code = code.unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    let error = |kind: Kind, message: &'static str, hint: &'static str| {
        let error = answer.error(message).with_kind(kind);
        let error = error.status(match kind {
            Kind::RateLimited => Status::Temporary,
            _ => Status::Permanent,
        });
        error.hint(hint)
    };
    match code {
        "ResourceNotFoundException" => error(
            Kind::NotFound,
            "AWS Secrets Manager has no such secret in this region",
            "Check the name and AWS_REGION",
        ),
        "AccessDeniedException" => error(
            Kind::PermissionDenied,
            "AWS Secrets Manager does not give the secret to these credentials",
            "Allow them secretsmanager:GetSecretValue on it, and kms:Decrypt if it has a key of its own",
        ),
        "DecryptionFailure" => error(
            Kind::PermissionDenied,
            "AWS Secrets Manager cannot decrypt the secret",
            "Check its key in KMS and that the credentials may use it",
        ),
        "InvalidRequestException" => error(
            Kind::NotFound,
            "AWS Secrets Manager does not give the secret in its present state",
            "Check whether it is marked for deletion",
        ),
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => error(
            Kind::AuthFailed,
            "the credentials for AWS have expired",
            "Set new ones, with their AWS_SESSION_TOKEN",
        ),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException" => error(
            Kind::AuthFailed,
            "AWS refused the credentials",
            "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and the clock",
        ),
        "ThrottlingException" | "TooManyRequestsException" | "LimitExceededException" => error(
            Kind::RateLimited,
            "AWS Secrets Manager is asked too often",
            "Try again in a moment",
        ),
        _ => by_status(answer, TITLE),
    }
}
