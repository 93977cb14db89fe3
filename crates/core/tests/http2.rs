//! HTTP/2 with a host that offers it, over TLS that the system trusts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![cfg(feature = "http")]

mod common;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use business_tools_core::egress::transport::{Http, HttpRequest, HttpResponse};
use business_tools_core::http::{Method, Response, Version};
use business_tools_core::{
    Connections, Cx, Env, Error, Info, Policy, Principal, Provider, Repeat, Upstream, secs,
};
use common::Acme;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

static INFO: Info = Acme::INFO;

/// By these the test tells the process that it starts where to go and what to speak.
const TO: &str = "TEST_HTTP2_URL";
const WITH: &str = "TEST_HTTP2_OFFERED";

struct Certificate(PathBuf);

impl Certificate {
    /// One for `localhost`, which whoever names its file trusts.
    fn make() -> Self {
        let folder = std::env::temp_dir().join(format!("http2-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
            .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
            ])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(folder.join("key.pem"))
            .arg("-out")
            .arg(folder.join("cert.pem"))
            .output();
        let made = made.is_ok_and(|made| made.status.success());
        assert!(
            made,
            "this test makes a certificate with the program openssl"
        );
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("cert.pem")
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// What a server has seen: the version of each request, by connection.
type Seen = Arc<Mutex<Vec<Vec<Version>>>>;

/// A server that speaks both versions and offers both.
async fn server(certificate: &Path) -> (u16, Seen) {
    let chain = CertificateDer::pem_file_iter(certificate).unwrap();
    let key = PrivateKeyDer::from_pem_file(certificate.with_file_name("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let here = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&here));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let place = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(Vec::new());
                    seen.len() - 1
                };
                let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let answer = service_fn(move |request: hyper::Request<Incoming>| {
                    seen.lock().unwrap()[place].push(request.version());
                    async { Ok::<_, Infallible>(Response::new("{}".to_owned())) }
                });
                let stream = TokioIo::new(stream);
                let _ = if two {
                    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    server.serve_connection(stream, answer).await
                } else {
                    let server = hyper::server::conn::http1::Builder::new();
                    server.serve_connection(stream, answer).await
                };
            });
        }
    });
    (port, seen)
}

/// Runs [`the_client`] in a process that trusts the certificate: that is decided for a process as a whole.
async fn versions(with_http2: bool) -> Vec<Vec<Version>> {
    let certificate = Certificate::make();
    let (port, seen) = server(&certificate.file()).await;
    let mut client = tokio::process::Command::new(std::env::current_exe().unwrap());
    client
        .args(["--exact", "the_client", "--ignored"])
        .env("SSL_CERT_FILE", certificate.file())
        .env(TO, format!("https://localhost:{port}/things"))
        .env(WITH, with_http2.to_string());
    let done = client.output().await.unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && told.contains("1 passed"), "{told}");
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[tokio::test]
async fn http2_that_is_offered_is_spoken_and_one_connection_carries_all_requests() {
    assert_eq!(versions(true).await, [vec![Version::HTTP_2; 9]]);
}

#[tokio::test]
async fn http2_that_is_switched_off_is_not_spoken() {
    let seen = versions(false).await;
    assert_eq!(seen.concat(), vec![Version::HTTP_11; 9]);
    assert!(seen.len() > 1, "each of these requests needs a connection");
}

fn map(response: &HttpResponse) -> Error {
    response.error("Acme says no")
}

#[tokio::test]
#[ignore = "a part of the others, in a process of its own"]
async fn the_client() {
    #[allow(clippy::disallowed_methods, reason = "so it is told by the test")]
    let told = |name: &str| std::env::var(name).unwrap();
    let url = Url::parse(&told(TO)).unwrap();
    let connections = Connections {
        http2: told(WITH) == "true",
        ..Connections::DEFAULT
    };
    let policy = Policy {
        connections,
        ..Policy::DEFAULT
    };
    let client = Http::new(&Upstream::new(&INFO, policy, Env::alone()), map);
    let get = || async {
        let deadline = tokio::time::Instant::now() + secs(20);
        let cx = Cx::builder(Principal::local()).deadline(deadline).build();
        let request = HttpRequest::new(Method::GET, url.clone());
        let answer = client.send_as(&cx, Repeat::IfUnprocessed, request).await;
        answer.unwrap();
    };
    get().await;
    futures_util::future::join_all((0..8).map(|_| get())).await;
}
