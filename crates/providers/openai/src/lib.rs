#![doc = include_str!("../README.md")]

mod answer;
mod client;
mod config;
#[cfg(feature = "sandbox")]
mod examples;
mod fault;
mod media;
mod models;
mod pace;
mod policy;
mod price;
#[cfg(feature = "sandbox")]
mod sandbox;
mod service;
mod source;
pub mod tools;

use business_tools_core::{Cx, EnvVar, Info, Kind, Provider, Result, ToolDef, Upstream};

pub use config::OpenAiConfig;
#[cfg(feature = "sandbox")]
pub use examples::examples;
pub use models::Models;
pub use price::Price;
#[cfg(feature = "sandbox")]
pub use sandbox::{sandbox_config, simulator};

use service::Service;

/// An OpenAI project, as one key sees it.
pub struct OpenAi {
    service: Service,
}

impl Provider for OpenAi {
    type Config = OpenAiConfig;

    const INFO: Info = Info {
        id: "openai",
        title: "OpenAI",
        summary: "Text, vision, images, speech, transcription, embeddings and moderation by OpenAI's models.",
        docs: "https://developers.openai.com/api/docs",
        policy: policy::POLICY,
        env: &[
            EnvVar {
                name: "OPENAI_API_KEY",
                field: "api_key",
            },
            EnvVar {
                name: "OPENAI_ORG_ID",
                field: "organization",
            },
            EnvVar {
                name: "OPENAI_PROJECT_ID",
                field: "project",
            },
            EnvVar {
                name: "OPENAI_BASE_URL",
                field: "base_url",
            },
        ],
        credentials: &["api_key", "organization", "project"],
        auth_hint: fault::KEY_HINT,
        setup_hint: "Set OPENAI_API_KEY",
    };

    const TOOLS: &'static [ToolDef<Self>] = tools::TOOLS;

    fn check(config: &OpenAiConfig) -> Result<()> {
        config.check()
    }

    fn connect(config: OpenAiConfig, upstream: Upstream) -> Result<Self> {
        Ok(Self {
            service: Service::new(config, &upstream)?,
        })
    }

    async fn health(&self, cx: &Cx) -> Result<()> {
        match self.service.client.ping(cx).await {
            // A restricted key may not list models and still be good for its work: it was recognised.
            Err(error) if error.kind() == Kind::PermissionDenied => Ok(()),
            outcome => outcome,
        }
    }
}
