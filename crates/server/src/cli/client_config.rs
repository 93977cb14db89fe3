//! `client-config`: what to paste into an MCP client.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Done, print, say};

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// The client
    #[arg(long, value_enum)]
    client: Client,
    /// The URL of a running server; without it the client starts one over stdio
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Further arguments for `stdio`, such as --sandbox
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Client {
    ClaudeDesktop,
    ClaudeCode,
    Cursor,
    Vscode,
    Codex,
}

const NAME: &str = "business-tools";

pub(super) fn run(flags: &Flags) -> Done {
    // Clients with windows have a short PATH, so the command is absolute.
    let command = std::env::current_exe()?.display().to_string();
    let args: Vec<&str> = std::iter::once("stdio")
        .chain(flags.args.iter().map(String::as_str))
        .collect();
    let stdio = json!({"command": command, "args": args});
    let (place, text) = match (flags.client, &flags.url) {
        (Client::ClaudeDesktop, None) => (
            "claude_desktop_config.json (Settings, Developer, Edit Config)",
            format!("{:#}", json!({"mcpServers": {NAME: stdio}})),
        ),
        (Client::ClaudeDesktop, Some(url)) => (
            "Settings, Connectors, Add custom connector: this URL",
            url.clone(),
        ),
        (Client::ClaudeCode, None) => (
            "your shell",
            format!(
                "claude mcp add {NAME} -- {}",
                shell(std::iter::once(command.as_str()).chain(args))
            ),
        ),
        (Client::ClaudeCode, Some(url)) => (
            "your shell",
            format!(
                "claude mcp add --transport http {NAME} {}",
                shell(std::iter::once(url.as_str()))
            ),
        ),
        (Client::Cursor, None) => (
            "~/.cursor/mcp.json",
            format!("{:#}", json!({"mcpServers": {NAME: stdio}})),
        ),
        (Client::Cursor, Some(url)) => (
            "~/.cursor/mcp.json",
            format!("{:#}", json!({"mcpServers": {NAME: {"url": url}}})),
        ),
        (Client::Vscode, None) => (
            ".vscode/mcp.json",
            format!(
                "{:#}",
                json!({"servers": {NAME: {"type": "stdio", "command": command, "args": args}}})
            ),
        ),
        (Client::Vscode, Some(url)) => (
            ".vscode/mcp.json",
            format!(
                "{:#}",
                json!({"servers": {NAME: {"type": "http", "url": url}}})
            ),
        ),
        // A JSON string and a JSON array of strings are TOML as well.
        (Client::Codex, None) => (
            "~/.codex/config.toml",
            format!(
                "[mcp_servers.{NAME}]\ncommand = {}\nargs = {}",
                json!(command),
                json!(args)
            ),
        ),
        (Client::Codex, Some(url)) => (
            "~/.codex/config.toml",
            format!("[mcp_servers.{NAME}]\nurl = {}", json!(url)),
        ),
    };
    say(&format!("# for {place}"));
    print(&text);
    Ok(())
}

/// Words as a POSIX shell takes them.
fn shell<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words
        .map(|word| {
            let plain = !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_./:=,@".contains(c));
            if plain {
                word.to_owned()
            } else {
                format!("'{}'", word.replace('\'', "'\\''"))
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}
