#![doc = include_str!("../README.md")]

mod client;
mod config;
mod policy;
#[cfg(feature = "sandbox")]
mod sandbox;
pub mod tools;

use business_tools_core::{Cx, EnvVar, Info, Provider, Result, ToolDef, Upstream};

use client::Client;
pub use config::OpenAiConfig;
#[cfg(feature = "sandbox")]
pub use sandbox::{sandbox_config, simulator};

/// One account of OpenAI.
pub struct OpenAi {
    pub(crate) client: Client,
}

impl Provider for OpenAi {
    type Config = OpenAiConfig;

    const INFO: Info = Info {
        id: "openai",
        title: "OpenAI",
        summary: "Say in one sentence what its tools are for.",
        docs: "https://example.com/docs",
        policy: policy::POLICY,
        env: &[
            EnvVar {
                name: "OPENAI_API_KEY",
                field: "api_key",
            },
            EnvVar {
                name: "OPENAI_BASE_URL",
                field: "base_url",
            },
        ],
        credentials: &["api_key"],
        auth_hint: "Check OPENAI_API_KEY",
        setup_hint: "Set OPENAI_API_KEY",
    };

    const TOOLS: &'static [ToolDef<Self>] = tools::TOOLS;

    fn connect(config: OpenAiConfig, upstream: Upstream) -> Result<Self> {
        Ok(Self {
            client: Client::new(config, &upstream),
        })
    }

    async fn health(&self, cx: &Cx) -> Result<()> {
        self.client.account(cx).await.map(drop)
    }
}
