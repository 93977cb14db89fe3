//! The command line: one file a subcommand.

mod call;
mod client_config;
mod config;
mod doctor;
mod providers;
#[cfg(feature = "sandbox")]
mod sandbox;
mod secrets;
mod serve;
mod stdio;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Business systems as MCP tools.
#[derive(Debug, Parser)]
#[command(name = "business-tools-mcp", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve one MCP client over stdin and stdout
    Stdio(Common),
    /// Serve MCP, REST, health and metrics over HTTP
    Serve(serve::Flags),
    /// List the tools
    Tools(tools::Flags),
    /// Call one tool and print its result
    Call(call::Flags),
    /// Check everything and say what to do
    Doctor(doctor::Flags),
    /// List the providers of this build and what each needs
    Providers(providers::Flags),
    /// Check, show or describe the configuration
    Config(config::Flags),
    /// Make keys, and encrypt the secrets of a configuration
    Secrets(secrets::Flags),
    /// Print the configuration that makes an MCP client use this server
    ClientConfig(client_config::Flags),
    /// Serve the simulators of the providers alone
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Flags),
}

/// The flags of everything that has tools.
#[derive(Debug, Args, Clone)]
pub(crate) struct Common {
    /// The configuration file [default: config.yaml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The environment: picks `.env.NAME` [default: development]
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Use simulators of the providers; nothing real is touched
    #[cfg(feature = "sandbox")]
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Where the simulators of --sandbox listen
    #[cfg(feature = "sandbox")]
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) sandbox_listen: std::net::SocketAddr,
    /// What the simulators of --sandbox hold at the start
    #[cfg(feature = "sandbox")]
    #[arg(long, value_name = "empty|demo", default_value_t)]
    pub(crate) sandbox_seed: business_tools_sandbox::Seed,
    /// Only the tools of these providers
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub(crate) toolsets: Vec<String>,
    /// Only these tools, beside those of --toolsets
    #[arg(long, value_delimiter = ',', value_name = "X,Y")]
    pub(crate) tools: Vec<String>,
    /// Without these tools or providers
    #[arg(long, value_delimiter = ',', value_name = "Z")]
    pub(crate) exclude: Vec<String>,
    /// Only tools that read
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Three tools that find, describe and call the others, in place of the list
    #[arg(long)]
    pub(crate) catalog: bool,
}

impl Common {
    /// Whether simulators stand in for the providers.
    #[cfg_attr(
        not(feature = "sandbox"),
        expect(clippy::unused_self, reason = "without simulators there is no flag")
    )]
    pub(crate) fn sandboxed(&self) -> bool {
        #[cfg(feature = "sandbox")]
        let sandboxed = self.sandbox;
        #[cfg(not(feature = "sandbox"))]
        let sandboxed = false;
        sandboxed
    }
}

/// What ends the process with something else than 0.
pub(crate) enum Failure {
    /// The call failed: the error object is on stderr already. Exit code 1.
    Call,
    /// Wrong usage or configuration, in words. Exit code 2.
    Usage(String),
}

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Usage(format!("{error:#}"))
    }
}

pub(crate) type Done = Result<(), Failure>;

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        // These need no runtime.
        Command::Providers(flags) => providers::run(flags),
        Command::ClientConfig(flags) => client_config::run(flags),
        Command::Secrets(flags) => secrets::run(flags),
        command => runtime(command).and_then(|runtime| {
            let done = runtime.block_on(run(command));
            // A blocked stdin read or a client that will not go must not hold up the exit.
            runtime.shutdown_timeout(std::time::Duration::from_millis(500));
            done
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Call) => ExitCode::from(1),
        Err(Failure::Usage(what)) => {
            say(&format!("error: {what}"));
            ExitCode::from(2)
        }
    }
}

fn runtime(command: &Command) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    // Two threads serve one client; a service takes what the machine has.
    if !matches!(command, Command::Serve(_)) {
        builder.worker_threads(2);
    }
    Ok(builder.enable_all().build()?)
}

async fn run(command: &Command) -> Done {
    match command {
        Command::Stdio(flags) => stdio::run(flags).await,
        Command::Serve(flags) => serve::run(flags).await,
        Command::Tools(flags) => tools::run(flags).await,
        Command::Call(flags) => call::run(flags).await,
        Command::Doctor(flags) => doctor::run(flags).await,
        Command::Config(flags) => config::run(flags).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(flags) => sandbox::run(flags).await,
        Command::Providers(_) | Command::ClientConfig(_) | Command::Secrets(_) => Ok(()),
    }
}

/// A line for people, on stderr: stdout is for results and for the protocol.
#[expect(clippy::print_stderr, reason = "this is the command line")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

/// A result, on stdout. A reader that has gone away is no error.
pub(crate) fn print(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
