//! AWS Signature Version 4, for requests with an `Authorization` header.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::secret::Secret;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, for which service and where.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The id of the access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// The token of temporary credentials.
    pub session_token: Option<Secret>,
    /// `eu-west-1`.
    pub region: String,
    /// As it stands in signatures, `secretsmanager`.
    pub service: &'static str,
    /// How the service reads paths.
    pub path: PathRule,
}

/// How a service reads the path of a request when it checks the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathRule {
    /// Whether `.`, `..` and empty segments are removed.
    pub normalise: bool,
    /// Whether the path, encoded already, is encoded once more.
    pub encode: bool,
}

impl PathRule {
    /// S3, which takes the path as it is.
    pub const S3: Self = Self {
        normalise: false,
        encode: false,
    };
    /// Every other service.
    pub const OTHERS: Self = Self {
        normalise: true,
        encode: true,
    };
}

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub struct Signing<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// The path as it is sent.
    pub path: &'a str,
    /// The query as it is sent, without `?`; empty when there is none.
    pub query: &'a str,
    /// The headers to sign, `host` among them; date and session token are added.
    pub headers: &'a [(&'a str, &'a str)],
    /// The SHA-256 of the body in hex, or what stands for it; see [`hash`].
    pub payload: &'a str,
}

/// The headers that a signed request carries besides those that were signed.
#[derive(Debug, Clone)]
pub struct Signed {
    /// `x-amz-date`.
    pub date: String,
    /// `x-amz-security-token`, with temporary credentials.
    pub security_token: Option<Secret>,
    /// `authorization`.
    pub authorization: Secret,
}

/// The SHA-256 in hex.
pub fn hash(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

impl Signer {
    /// Signs a request as of `at`; the service takes it for some minutes.
    pub fn sign(&self, at: Timestamp, request: &Signing<'_>) -> Signed {
        let date = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = &date[..8];
        let (canonical, names) = self.canonical(&date, request);
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!(
            "{ALGORITHM}\n{date}\n{scope}\n{}",
            hash(canonical.as_bytes())
        );
        let secret = format!("AWS4{}", self.secret_access_key.expose());
        let mut key = hmac(secret.as_bytes(), day);
        crate::secret::wipe(secret);
        for part in [&self.region, self.service, "aws4_request"] {
            key = hmac(&key, part);
        }
        let signature = hex(&hmac(&key, &to_sign));
        let authorization = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.access_key_id
        );
        Signed {
            date,
            security_token: self.session_token.clone(),
            authorization: Secret::new(authorization),
        }
    }

    /// The canonical request and the names of the signed headers.
    fn canonical(&self, date: &str, request: &Signing<'_>) -> (String, String) {
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let own = [("x-amz-date", date)];
        let token = self.session_token.as_ref();
        let token = token.map(|token| ("x-amz-security-token", token.expose()));
        for (name, value) in request.headers.iter().copied().chain(own).chain(token) {
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            headers
                .entry(name.to_ascii_lowercase())
                .or_default()
                .push(value);
        }
        let names = headers
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(";");
        let mut canonical = format!(
            "{}\n{}\n{}\n",
            request.method,
            self.path.apply(request.path),
            query(request.query)
        );
        for (name, values) in &headers {
            let _ = writeln!(canonical, "{name}:{}", values.join(","));
        }
        let _ = write!(canonical, "\n{names}\n{}", request.payload);
        (canonical, names)
    }
}

impl PathRule {
    fn apply(self, path: &str) -> String {
        let mut path = match path {
            "" => "/".to_owned(),
            path => path.to_owned(),
        };
        if self.normalise {
            let mut kept: Vec<&str> = Vec::new();
            for segment in path.split('/') {
                match segment {
                    "" | "." => {}
                    ".." => drop(kept.pop()),
                    segment => kept.push(segment),
                }
            }
            let folder = path.ends_with('/') && !kept.is_empty();
            path = format!("/{}{}", kept.join("/"), if folder { "/" } else { "" });
        }
        if self.encode {
            path = encode(path.as_bytes(), b"/");
        }
        path
    }
}

/// The query, encoded in the one way that counts, sorted by name and then by value.
fn query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&decode(name), b""), encode(&decode(value), b""))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

fn encode(bytes: &[u8], keep: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        match (byte, after) {
            (b'%', [high, low, after @ ..]) if digit(*high).and(digit(*low)).is_some() => {
                let value = digit(*high).unwrap_or(0) * 16 + digit(*low).unwrap_or(0);
                out.extend(u8::try_from(value));
                rest = after;
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    // HMAC takes keys of any length, so this cannot fail.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!());
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example account of AWS's own test suite.
    fn suite(normalise: bool) -> Signer {
        Signer {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            region: "us-east-1".to_owned(),
            service: "service",
            path: PathRule {
                normalise,
                encode: false,
            },
        }
    }

    fn signature(
        signer: &Signer,
        at: &str,
        (method, target): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let payload = hash(body.as_bytes());
        let request = Signing {
            method,
            path,
            query,
            headers,
            payload: &payload,
        };
        let done = signer.sign(at.parse().unwrap(), &request);
        let (_, signature) = done
            .authorization
            .expose()
            .rsplit_once("Signature=")
            .unwrap();
        signature.to_owned()
    }

    /// Cases of AWS's test suite for this version: name, method, target, headers beside `host`, body, signature.
    type Case<'a> = (
        &'a str,
        &'a str,
        &'a str,
        &'a [(&'a str, &'a str)],
        &'a str,
        &'a str,
    );

    #[test]
    fn the_cases_of_awss_test_suite_come_out_as_published() {
        let letters = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let unreserved = format!("/{letters}");
        let unreserved_query = format!("/?{letters}={letters}");
        let form = "application/x-www-form-urlencoded";
        let form_utf8 = "application/x-www-form-urlencoded; charset=utf-8";
        let cases: &[Case<'_>] = &[
            (
                "get-vanilla",
                "GET",
                "/",
                &[],
                "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "get-header-key-duplicate",
                "GET",
                "/",
                &[
                    ("My-Header1", "value2"),
                    ("My-Header1", "value2"),
                    ("My-Header1", "value1"),
                ],
                "",
                "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
            ),
            (
                "get-header-value-order",
                "GET",
                "/",
                &[
                    ("My-Header1", "value4"),
                    ("My-Header1", "value1"),
                    ("My-Header1", "value3"),
                    ("My-Header1", "value2"),
                ],
                "",
                "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
            ),
            (
                "get-header-value-trim",
                "GET",
                "/",
                &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
                "",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
            (
                "get-relative-normalized",
                "GET",
                "/example/..",
                &[],
                "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "get-slash-pointless-dot-normalized",
                "GET",
                "/./example",
                &[],
                "",
                "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
            ),
            (
                "get-slashes-normalized",
                "GET",
                "//example//",
                &[],
                "",
                "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
            ),
            (
                "get-space-normalized",
                "GET",
                "/example%20space/",
                &[],
                "",
                "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
            ),
            (
                "get-utf8",
                "GET",
                "/%E1%88%B4",
                &[],
                "",
                "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
            ),
            (
                "get-unreserved",
                "GET",
                &unreserved,
                &[],
                "",
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            ),
            (
                "get-vanilla-empty-query-key",
                "GET",
                "/?Param1=value1",
                &[],
                "",
                "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
            ),
            (
                "get-vanilla-query-order-encoded",
                "GET",
                "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
                &[],
                "",
                "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
            ),
            (
                "get-vanilla-query-order-key-case",
                "GET",
                "/?Param2=value2&Param1=value1",
                &[],
                "",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "get-vanilla-query-unreserved",
                "GET",
                &unreserved_query,
                &[],
                "",
                "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
            ),
            (
                "get-vanilla-utf8-query",
                "GET",
                "/?\u{1234}=bar",
                &[],
                "",
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
            ),
            (
                "post-vanilla",
                "POST",
                "/",
                &[],
                "",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "post-header-key-sort",
                "POST",
                "/",
                &[("My-Header1", "value1")],
                "",
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
            ),
            (
                "post-vanilla-query",
                "POST",
                "/?Param1=value1",
                &[],
                "",
                "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
            ),
        ];
        for (name, method, target, headers, body, want) in cases {
            let headers = [&[("Host", "example.amazonaws.com")], *headers].concat();
            let got = signature(
                &suite(true),
                "2015-08-30T12:36:00Z",
                (method, target),
                &headers,
                body,
            );
            assert_eq!(got, *want, "{name}");
        }
        // Forms are signed with their length and the hash of the body, which some services want as a header.
        for (kind, want) in [
            (
                form,
                "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
            ),
            (
                form_utf8,
                "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
            ),
        ] {
            let sum = hash(b"Param1=value1");
            let headers = [
                ("Content-Type", kind),
                ("Host", "example.amazonaws.com"),
                ("Content-Length", "13"),
                ("x-amz-content-sha256", &sum),
            ];
            let got = signature(
                &suite(true),
                "2015-08-30T12:36:00Z",
                ("POST", "/"),
                &headers,
                "Param1=value1",
            );
            assert_eq!(got, want, "{kind}");
        }
    }

    #[test]
    fn paths_that_are_not_normalised_come_out_as_published() {
        for (path, want) in [
            (
                "/example1/example2/../..",
                "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b",
            ),
            (
                "/./",
                "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145",
            ),
            (
                "//",
                "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e",
            ),
            (
                "//example//",
                "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5",
            ),
        ] {
            let headers = [("Host", "example.amazonaws.com")];
            let got = signature(
                &suite(false),
                "2015-08-30T12:36:00Z",
                ("GET", path),
                &headers,
                "",
            );
            assert_eq!(got, want, "{path}");
        }
    }

    #[test]
    fn the_token_of_temporary_credentials_is_signed_too() {
        let mut signer = suite(true);
        signer.session_token = Some(Secret::new(
            "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
        ));
        let headers = [("Host", "example.amazonaws.com")];
        let got = signature(&signer, "2015-08-30T12:36:00Z", ("GET", "/"), &headers, "");
        assert_eq!(
            got,
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"
        );
    }

    #[test]
    fn real_services_are_signed_as_botocore_does() {
        let signer = |service, path| Signer {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            region: "us-east-1".to_owned(),
            service,
            path,
        };
        let at = "2026-11-22T10:00:00Z";
        let json = ("content-type", "application/x-amz-json-1.0");
        let dynamodb = signature(
            &signer("dynamodb", PathRule::OTHERS),
            at,
            ("POST", "/"),
            &[
                ("host", "dynamodb.us-east-1.amazonaws.com"),
                json,
                ("x-amz-target", "DynamoDB_20120810.GetItem"),
            ],
            r#"{"TableName":"Orders","Key":{"id":{"S":"o-1"}}}"#,
        );
        assert_eq!(
            dynamodb,
            "cd79fc9f4a97ed2ee16a7d66c94bbda12543d8d01fe80ccf14454bf30fb6a22b"
        );
        let function = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Areport/invocations";
        let lambda = signature(
            &signer("lambda", PathRule::OTHERS),
            at,
            ("POST", &format!("{function}?Qualifier=%24LATEST")),
            &[
                ("host", "lambda.us-east-1.amazonaws.com"),
                ("x-amz-invocation-type", "RequestResponse"),
            ],
            "{}",
        );
        assert_eq!(
            lambda,
            "3a2ee93880e7e12f293c2a98a0efd99320c20f9c401af16d4a0948857d1b5c03"
        );
        let empty = hash(b"");
        let s3 = signature(
            &signer("s3", PathRule::S3),
            at,
            (
                "GET",
                "/example-bucket?list-type=2&max-keys=2&prefix=reports%2F2026",
            ),
            &[
                ("host", "s3.us-east-1.amazonaws.com"),
                ("x-amz-content-sha256", &empty),
            ],
            "",
        );
        assert_eq!(
            s3,
            "fa1e983b85f746a9fe289bd46ff82e921696c286f905194a529b5359ae45aac5"
        );
    }
}
