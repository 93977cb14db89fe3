//! The simulator: the part of HubSpot's CRM that the tools use and what its own SDK needs besides, with state for
//! each account.

mod account_info;
mod associations;
mod auth;
mod batch;
mod demo;
mod derived;
mod desk;
mod examples;
mod fields;
mod fields_crm;
mod fields_engagement;
mod kinds;
mod link_types;
mod links;
mod oauth;
mod objects;
mod owners;
mod paged;
mod pipelines;
mod property_routes;
mod record;
mod refusal;
mod search;
mod stamp;
mod state;
mod values;
mod write;

use std::sync::Arc;

use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::middleware::{from_fn, from_fn_with_state};
use business_tools_sandbox::axum::routing::{get, post, put};
use business_tools_sandbox::{Accounts, Seed, Simulator};
use serde_json::{Map, Value, json};

pub use examples::examples;

use auth::{Caller, Grants};
use state::Account;

/// Everything the simulator remembers.
type World = Arc<Everything>;

#[derive(Default)]
struct Everything {
    accounts: Accounts<Account>,
    grants: Grants,
}

impl Everything {
    /// Tell the demo to the account of [`sandbox_config`].
    #[expect(clippy::expect_used, reason = "constants that a test reads")]
    fn demo(&self) {
        let caller = Caller::of(TOKEN);
        self.accounts
            .with(&caller.account, |account| {
                demo::fill(account, caller.portal())
            })
            .expect("the demo is as the simulator wants it");
    }
}

/// The token that `--sandbox` uses when none is configured.
const TOKEN: &str = "pat-na1-5a4db0c0-de5a-4db0-c0de-5a4db0c0de00";

/// HubSpot, simulated.
pub fn simulator() -> Simulator {
    let world: World = Arc::default();
    let (forgotten, shown) = (Arc::clone(&world), Arc::clone(&world));
    let told = Arc::clone(&world);
    Simulator::http("hubspot", router(world))
        .on_reset(move || {
            forgotten.accounts.clear();
            forgotten.grants.clear();
        })
        .on_seed(move |seed| {
            if seed == Seed::Demo {
                told.demo();
            }
        })
        .on_describe(move || json!({"accounts": shown.accounts.map(Account::describe)}))
        .on_fault_answer(refusal::fault)
}

/// The settings of an account of the simulator.
pub fn sandbox_config(base_url: &str) -> Map<String, Value> {
    let settings = [("access_token", TOKEN), ("base_url", base_url)];
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

fn router(world: World) -> Router {
    let objects = Router::new()
        .route("/{object_type}", get(objects::list).post(objects::create))
        .route("/{object_type}/search", post(search::search))
        .route("/{object_type}/batch/{action}", post(batch::act))
        .route(
            "/{object_type}/{object_id}",
            get(objects::fetch)
                .patch(objects::update)
                .delete(objects::archive),
        );
    let links = Router::new()
        .route(
            "/{object_type}/{object_id}/associations/{to_type}",
            get(associations::list),
        )
        .route(
            "/{object_type}/{object_id}/associations/{to_type}/{to_id}",
            put(associations::put).delete(associations::delete),
        )
        .route(
            "/{object_type}/{object_id}/associations/default/{to_type}/{to_id}",
            put(associations::put_default),
        );
    let associations = Router::new()
        .route(
            "/{from_type}/{to_type}/batch/{action}",
            post(associations::batch),
        )
        .route(
            "/{from_type}/{to_type}/batch/associate/default",
            post(associations::batch_default),
        )
        .route("/{from_type}/{to_type}/labels", get(associations::labels));
    let owners = Router::new()
        .route("/", get(owners::list))
        .route("/{owner}", get(owners::fetch));
    let pipelines = Router::new()
        .route("/{object_type}", get(pipelines::list))
        .route("/{object_type}/{pipeline}", get(pipelines::fetch))
        .route("/{object_type}/{pipeline}/stages", get(pipelines::stages));
    let properties = Router::new()
        .route(
            "/{object_type}",
            get(property_routes::list).post(property_routes::create),
        )
        .route(
            "/{object_type}/{property}",
            get(property_routes::fetch).delete(property_routes::archive),
        );
    let account = Router::new().route("/details", get(account_info::details));
    let oauth = Router::new()
        .route("/token", post(oauth::token))
        .route("/token/introspect", post(oauth::introspect))
        .route("/token/revoke", post(oauth::revoke));
    let older_oauth = Router::new()
        .route("/token", post(oauth::token))
        .route("/access-tokens/{token}", get(oauth::access))
        .route(
            "/refresh-tokens/{token}",
            get(oauth::refresh).delete(oauth::forget),
        );

    // Each API is there under the month of its release and, as the SDK still asks for it, under its older number.
    let dated = Router::new()
        .nest(
            "/crm/objects/{version}",
            objects.clone().merge(links.clone()),
        )
        .nest("/crm/associations/{version}", associations.clone())
        .nest("/crm/owners/{version}", owners.clone())
        .nest("/crm/pipelines/{version}", pipelines.clone())
        .nest("/crm/properties/{version}", properties.clone())
        .nest("/account-info/{version}", account.clone())
        .nest("/oauth/{version}", oauth.clone())
        .route_layer(from_fn(stamp::version));
    Router::new()
        .merge(dated)
        .nest("/crm/v3/objects", objects)
        .nest("/crm/v4/objects", links)
        .nest("/crm/v4/associations", associations)
        .nest("/crm/v3/owners", owners.clone())
        .route("/crm/v3/owners/", get(owners::list))
        .nest("/crm/v3/pipelines", pipelines)
        .nest("/crm/v3/properties", properties)
        .nest("/account-info/v3", account)
        .nest("/oauth/v3", oauth)
        .nest("/oauth/v1", older_oauth)
        .method_not_allowed_fallback(async || refusal::Refusal::method())
        .fallback(async || refusal::Refusal::not_found("Resource not found"))
        .layer(from_fn_with_state(Arc::clone(&world), stamp::stamp))
        .with_state(world)
}
