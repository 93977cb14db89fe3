//! The Inspector's command line.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::server::Server;
use super::tally::Tally;
use crate::node::Packages;

const SCRIPT: &str = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";
/// Its exit code for a call that failed.
const TOOL_ERROR: i32 = 5;

pub(super) fn run(
    node: &Packages,
    server: &Server,
    binary: &Path,
    tally: &mut Tally,
) -> Result<()> {
    println!();
    let binary = binary
        .to_str()
        .context("the path of the binary is not UTF-8")?;
    let http = [server.url.as_str(), "--transport", "http"];
    let stdio = [binary, "stdio", "--sandbox"];
    for (transport, target) in [("http", http), ("stdio", stdio)] {
        for era in ["legacy", "modern"] {
            let call = Inspector {
                node,
                target: &target,
                era,
            };
            let title = |case: &str| format!("inspector {era} over {transport}: {case}");
            tally.case(&title("lists tools, with portable schemas"), call.lists());
            tally.case(&title("sends a message"), call.sends());
            tally.case(&title("names what is not there"), call.misses());
        }
    }
    Ok(())
}

struct Inspector<'run> {
    node: &'run Packages,
    target: &'run [&'run str],
    era: &'run str,
}

impl Inspector<'_> {
    fn lists(&self) -> Result<()> {
        let (code, answer) = self.start(&["--method", "tools/list", "--strict"])?;
        let listed = answer.to_string();
        if code != 0 || !listed.contains("twilio_send_message") {
            bail!("exit code {code}: {}", short(&listed));
        }
        Ok(())
    }

    fn sends(&self) -> Result<()> {
        let arguments = r#"{"to":"+14155552345","from":"+15005550006","body":"Hello"}"#;
        let (code, answer) = self.call("twilio_send_message", arguments)?;
        if code != 0 {
            bail!("exit code {code}: {}", short(&answer.to_string()));
        }
        Ok(())
    }

    fn misses(&self) -> Result<()> {
        let arguments = format!(r#"{{"sid":"SM{}"}}"#, "0".repeat(32));
        let (code, answer) = self.call("twilio_get_message", &arguments)?;
        if code != TOOL_ERROR || !answer.to_string().contains("TWILIO_NOT_FOUND") {
            bail!("exit code {code}: {}", short(&answer.to_string()));
        }
        Ok(())
    }

    fn call(&self, tool: &str, arguments: &str) -> Result<(i32, Value)> {
        self.start(&[
            "--method",
            "tools/call",
            "--tool-name",
            tool,
            "--tool-args-json",
            arguments,
        ])
    }

    /// Its exit code and what it printed; its error output is noise on a machine without a desktop.
    fn start(&self, request: &[&str]) -> Result<(i32, Value)> {
        let out = self
            .node
            .node(&self.node.file(SCRIPT))
            .arg("--cli")
            .args(self.target)
            .args(["--protocol-era", self.era, "--format", "json", "-q"])
            .args(request)
            .output()
            .context("could not start node")?;
        let text = String::from_utf8_lossy(&out.stdout);
        let answer = serde_json::from_str(&text).unwrap_or_else(|_| {
            Value::String(format!("{text}{}", String::from_utf8_lossy(&out.stderr)))
        });
        Ok((out.status.code().unwrap_or(-1), answer))
    }
}

fn short(text: &str) -> String {
    text.chars().take(400).collect()
}
