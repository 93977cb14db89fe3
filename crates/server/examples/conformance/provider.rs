//! The fixtures that are business tools: a provider without an upstream.

use std::time::Duration;

use business_tools_core::{
    Cx, Error, Info, Kind, Policy, Provider, Result, Spec, Tool, ToolDef, Upstream, tool,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The provider.
pub(crate) struct Fixtures;

/// There is nothing to configure.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl Provider for Fixtures {
    type Config = Nothing;
    const INFO: Info = Info {
        id: "fixtures",
        title: "Fixtures",
        summary: "What the conformance suite calls.",
        docs: "https://github.com/modelcontextprotocol/conformance",
        policy: Policy::DEFAULT,
        env: &[],
        credentials: &[],
        auth_hint: "",
        setup_hint: "",
    };
    const TOOLS: &'static [ToolDef<Self>] = &[
        tool::<AnswerNothing>(),
        tool::<Ask>(),
        tool::<Fail>(),
        tool::<Reconnect>(),
        tool::<ReportProgress>(),
        tool::<SayText>(),
    ];

    fn connect(_: Nothing, _: Upstream) -> Result<Self> {
        Ok(Self)
    }

    async fn health(&self, _: &Cx) -> Result<()> {
        Ok(())
    }
}

/// What most of them give.
#[derive(Serialize)]
pub(crate) struct Said {
    said: &'static str,
}

/// Does nothing. Some scenarios call whatever tool is listed first, without arguments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnswerNothing {}

impl Tool for AnswerNothing {
    type Provider = Fixtures;
    type Output = Said;
    const SPEC: Spec = Spec::read("answer_nothing");

    async fn run(self, _: &Fixtures, _: &Cx) -> Result<Said> {
        Ok(Said { said: "nothing" })
    }
}

/// Answers with a text.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SayText {}

impl Tool for SayText {
    type Provider = Fixtures;
    type Output = Said;
    const SPEC: Spec = Spec::read("test_simple_text");

    async fn run(self, _: &Fixtures, _: &Cx) -> Result<Said> {
        Ok(Said {
            said: "This is a simple text response for testing.",
        })
    }
}

/// Always fails.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fail {}

impl Tool for Fail {
    type Provider = Fixtures;
    type Output = Said;
    const SPEC: Spec = Spec::read("test_error_handling");

    async fn run(self, _: &Fixtures, _: &Cx) -> Result<Said> {
        Err(Error::new(
            Kind::InvalidRequest,
            "This tool intentionally returns an error for testing",
        ))
    }
}

/// Reports 0, 50 and 100 of 100.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReportProgress {}

impl Tool for ReportProgress {
    type Provider = Fixtures;
    type Output = Said;
    const SPEC: Spec = Spec::read("test_tool_with_progress");

    async fn run(self, _: &Fixtures, cx: &Cx) -> Result<Said> {
        for done in [0, 50, 100] {
            cx.progress(done, Some(100), "Working");
            // No more than four reports a second reach a client.
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        Ok(Said { said: "done" })
    }
}

/// Takes a while, so that a client may lose its stream and come back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reconnect {}

impl Tool for Reconnect {
    type Provider = Fixtures;
    type Output = Said;
    const SPEC: Spec = Spec::read("test_reconnection");

    async fn run(self, _: &Fixtures, _: &Cx) -> Result<Said> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(Said { said: "still here" })
    }
}

/// Asks before it does anything, as every destructive tool does.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ask {}

impl Tool for Ask {
    type Provider = Fixtures;
    type Output = Said;
    const SPEC: Spec = Spec::destructive("test_streaming_elicitation");

    fn confirm(&self) -> Option<String> {
        Some("Go on?".to_owned())
    }

    async fn run(self, _: &Fixtures, _: &Cx) -> Result<Said> {
        Ok(Said { said: "went on" })
    }
}
