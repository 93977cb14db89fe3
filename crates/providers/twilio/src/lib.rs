#![doc = include_str!("../README.md")]

mod client;
mod config;
mod fault;
mod policy;
#[cfg(feature = "sandbox")]
mod sandbox;
pub mod tools;
mod view;

use business_tools_core::{Cx, EnvVar, Info, Kind, Provider, Result, ToolDef, Upstream};

pub use config::TwilioConfig;
#[cfg(feature = "sandbox")]
pub use sandbox::{examples, sandbox_config, simulator};
pub use view::View;

use client::Client;

/// A Twilio account, as one set of credentials sees it.
pub struct Twilio {
    client: Client,
}

impl Provider for Twilio {
    type Config = TwilioConfig;

    const INFO: Info = Info {
        id: "twilio",
        title: "Twilio",
        summary: "Send and follow messages and calls, look numbers up, verify people.",
        docs: "https://www.twilio.com/docs/usage/api",
        policy: policy::POLICY,
        env: &[
            EnvVar {
                name: "TWILIO_ACCOUNT_SID",
                field: "account_sid",
            },
            EnvVar {
                name: "TWILIO_AUTH_TOKEN",
                field: "auth_token",
            },
            EnvVar {
                name: "TWILIO_API_KEY",
                field: "api_key",
            },
            EnvVar {
                name: "TWILIO_API_SECRET",
                field: "api_secret",
            },
            EnvVar {
                name: "TWILIO_ACCESS_TOKEN",
                field: "access_token",
            },
            EnvVar {
                name: "TWILIO_REGION",
                field: "region",
            },
            EnvVar {
                name: "TWILIO_EDGE",
                field: "edge",
            },
            EnvVar {
                name: "TWILIO_BASE_URL",
                field: "base_url",
            },
        ],
        credentials: &[
            "account_sid",
            "auth_token",
            "api_key",
            "api_secret",
            "access_token",
        ],
        auth_hint: fault::TOKEN_HINT,
        setup_hint: "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (or TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCESS_TOKEN)",
    };

    const TOOLS: &'static [ToolDef<Self>] = tools::TOOLS;

    fn check(config: &TwilioConfig) -> Result<()> {
        config.check()
    }

    fn connect(config: TwilioConfig, upstream: Upstream) -> Result<Self> {
        Ok(Self {
            client: Client::new(&config, &upstream)?,
        })
    }

    async fn health(&self, cx: &Cx) -> Result<()> {
        match self.client.balance(cx).await {
            // A restricted key may lack the balance and still be good for its work.
            Err(error) if error.kind() == Kind::PermissionDenied => {
                self.client.one_message(cx).await
            }
            done => done,
        }
    }
}
