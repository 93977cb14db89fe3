//! A web server on loopback, for URLs that callers name.

use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::http::{StatusCode, header};
use business_tools_sandbox::axum::response::IntoResponse;
use business_tools_sandbox::axum::routing::get;
use business_tools_sandbox::{Running, Sandbox, Simulator};

use crate::support::{PNG, wav};

/// It has a picture, a recording, and ways to them.
pub(crate) struct Web(Running);

impl Web {
    pub(crate) async fn start() -> Self {
        let kind = |kind: &'static str| [(header::CONTENT_TYPE, kind)];
        let to = |place: &'static str| (StatusCode::FOUND, [(header::LOCATION, place)]);
        let router = Router::new()
            .route(
                "/pixel.png",
                get(move || async move { (kind("image/png"), PNG) }),
            )
            .route(
                "/call.wav",
                get(move || async move { (kind("audio/wav"), wav()) }),
            )
            .route(
                "/download",
                get(move || async move { (kind("audio/x-wav"), wav()) }),
            )
            .route(
                "/page.html",
                get(move || async move { (kind("text/html"), "<html>") }),
            )
            .route(
                "/large.wav",
                get(move || async move { (kind("audio/wav"), vec![0_u8; (25 << 20) + 1]) }),
            )
            .route(
                "/moved",
                get(move || async move { to("/web/call.wav").into_response() }),
            )
            .route("/secret", get(|| async { StatusCode::FORBIDDEN }));
        let sandbox = Sandbox::new(vec![Simulator::http("web", router)]);
        Self(sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.base_url("web"))
    }
}
