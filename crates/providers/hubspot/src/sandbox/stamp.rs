//! What surrounds every request: who calls, which version is asked for, and the headers of every answer.

use business_tools_sandbox::axum::extract::{RawPathParams, Request, State};
use business_tools_sandbox::axum::http::HeaderValue;
use business_tools_sandbox::axum::middleware::Next;
use business_tools_sandbox::axum::response::{IntoResponse, Response};

use super::World;
use super::auth::Caller;
use super::desk::Whole;
use super::refusal::{Correlation, Refusal};
use super::state::{Account, PER_DAY, PER_WINDOW};

/// The versions with a month that there are.
const VERSIONS: &[&str] = &["2026-03", "2026-09"];

/// Of the paths with a version, those of the versions there are.
pub(super) async fn version(params: RawPathParams, request: Request, next: Next) -> Response {
    let version = params
        .iter()
        .find(|(name, _)| *name == "version")
        .map(|(_, version)| version.to_owned());
    let version = version.unwrap_or_default();
    if VERSIONS.contains(&&*version) {
        return next.run(request).await;
    }
    Refusal::not_found("Resource not found").into_response()
}

/// Who calls, and the headers of every answer.
pub(super) async fn stamp(
    State(world): State<World>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let open = path.starts_with("/oauth/");
    let mut response = if open {
        next.run(request).await
    } else {
        match world.grants.caller(request.headers()) {
            Err(refused) => refused.into_response(),
            Ok(caller) => {
                request.extensions_mut().insert(caller.clone());
                request.extensions_mut().insert(Whole(path.clone()));
                let mut response = next.run(request).await;
                // Searches have a limit of their own that no header tells.
                if !path.ends_with("/search") {
                    limits(&world, &caller, &mut response);
                }
                response
            }
        }
    };
    Correlation::new().stamp(&mut response);
    response
}

fn limits(world: &World, caller: &Caller, response: &mut Response) {
    let (window, day) = world.accounts.with(&caller.account, Account::count_call);
    let mut put = |name: &'static str, number: usize| {
        response
            .headers_mut()
            .insert(name, HeaderValue::from(number));
    };
    put("x-hubspot-ratelimit-max", PER_WINDOW);
    put("x-hubspot-ratelimit-remaining", window);
    put("x-hubspot-ratelimit-interval-milliseconds", 10_000);
    // Apps that users connect have no limit of the day.
    if !caller.oauth {
        put("x-hubspot-ratelimit-daily", PER_DAY);
        put("x-hubspot-ratelimit-daily-remaining", day);
    }
}
