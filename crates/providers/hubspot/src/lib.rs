#![doc = include_str!("../README.md")]

mod client;
mod config;
mod policy;
#[cfg(feature = "sandbox")]
mod sandbox;
pub mod tools;

use business_tools_core::{Cx, EnvVar, Info, Provider, Result, ToolDef, Upstream};

use client::Client;
pub use config::HubSpotConfig;
#[cfg(feature = "sandbox")]
pub use sandbox::{sandbox_config, simulator};

/// One account of HubSpot.
pub struct HubSpot {
    pub(crate) client: Client,
}

impl Provider for HubSpot {
    type Config = HubSpotConfig;

    const INFO: Info = Info {
        id: "hubspot",
        title: "HubSpot",
        summary: "Say in one sentence what its tools are for.",
        docs: "https://example.com/docs",
        policy: policy::POLICY,
        env: &[
            EnvVar {
                name: "HUBSPOT_API_KEY",
                field: "api_key",
            },
            EnvVar {
                name: "HUBSPOT_BASE_URL",
                field: "base_url",
            },
        ],
        credentials: &["api_key"],
        auth_hint: "Check HUBSPOT_API_KEY",
        setup_hint: "Set HUBSPOT_API_KEY",
    };

    const TOOLS: &'static [ToolDef<Self>] = tools::TOOLS;

    fn connect(config: HubSpotConfig, upstream: Upstream) -> Result<Self> {
        Ok(Self {
            client: Client::new(config, &upstream),
        })
    }

    async fn health(&self, cx: &Cx) -> Result<()> {
        self.client.account(cx).await.map(drop)
    }
}
