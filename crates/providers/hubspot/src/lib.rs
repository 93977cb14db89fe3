#![doc = include_str!("../README.md")]

mod client;
mod config;
mod fault;
mod objects;
mod policy;
#[cfg(feature = "sandbox")]
mod sandbox;
pub mod tools;
mod types;
mod view;

use business_tools_core::{Cx, EnvVar, Info, Provider, Result, ToolDef, Upstream};

pub use config::HubSpotConfig;
#[cfg(feature = "sandbox")]
pub use sandbox::{examples, sandbox_config, simulator};
pub use view::Record;

use client::Client;

/// A HubSpot account, as one token sees it.
pub struct HubSpot {
    client: Client,
}

impl Provider for HubSpot {
    type Config = HubSpotConfig;

    const INFO: Info = Info {
        id: "hubspot",
        title: "HubSpot",
        summary: "Search, read and change CRM records: contacts, companies, deals, tickets, notes and their links.",
        docs: "https://developers.hubspot.com/docs/api-reference/overview",
        policy: policy::POLICY,
        env: &[
            EnvVar {
                name: "PRIVATE_APP_ACCESS_TOKEN",
                field: "access_token",
            },
            EnvVar {
                name: "HUBSPOT_ACCESS_TOKEN",
                field: "access_token",
            },
            EnvVar {
                name: "HUBSPOT_API_VERSION",
                field: "api_version",
            },
            EnvVar {
                name: "HUBSPOT_BASE_URL",
                field: "base_url",
            },
        ],
        credentials: &["access_token"],
        auth_hint: fault::TOKEN_HINT,
        setup_hint: "Set HUBSPOT_ACCESS_TOKEN to a service key (HubSpot: Settings > Integrations > Service Keys)",
    };

    const TOOLS: &'static [ToolDef<Self>] = tools::TOOLS;

    fn check(config: &HubSpotConfig) -> Result<()> {
        config.check().map(drop)
    }

    fn connect(config: HubSpotConfig, upstream: Upstream) -> Result<Self> {
        Ok(Self {
            client: Client::new(&config, &upstream)?,
        })
    }

    async fn health(&self, cx: &Cx) -> Result<()> {
        self.client.account(cx).await
    }
}
