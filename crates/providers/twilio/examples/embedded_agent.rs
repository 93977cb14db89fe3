//! The tools in a Rust program of your own: no MCP, no server.
//!
//! `cargo run -p business-tools-twilio --example embedded_agent --features sandbox`
//!
//! The simulator makes it run without an account; in production only the configuration differs.

use std::error::Error;
use std::sync::Arc;

use business_tools_core::{Cx, Env, Kind, Plugin, ProviderSettings, Registry};
use business_tools_sandbox::Sandbox;
use business_tools_twilio::{Twilio, sandbox_config, simulator};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::new(vec![simulator()])
        .start(([127, 0, 0, 1], 0).into())
        .await?;

    // In production: ProviderSettings::single with account_sid and auth_token.
    let settings = ProviderSettings::single(sandbox_config(&sandbox.base_url("twilio")));
    let registry = Registry::new(Env::alone());
    registry.add(Arc::new(Plugin::<Twilio>::connect(
        &settings,
        registry.env(),
    )?))?;

    let message = json!({"to": "+14155552345", "from": "+15005550006", "body": "Hello"});
    let sent = call(&registry, "twilio_send_message", message).await?;
    print(&format!("sent {} ({})", sent["sid"], sent["status"]));

    // An error says what went wrong, whether to try again, and what to do next.
    let wrong = json!({"to": "+15005550001", "from": "+15005550006", "body": "Hello"});
    match call(&registry, "twilio_send_message", wrong).await {
        Err(error) if error.kind() == Kind::InvalidRequest => {
            print(&format!("{}: {}", error.code(), error.message()));
            print(&format!("hint: {}", error.hint_text().unwrap_or_default()));
        }
        other => return Err(format!("an impossible number was taken: {other:?}").into()),
    }
    sandbox.shutdown().await;
    Ok(())
}

async fn call(registry: &Registry, tool: &str, args: Value) -> business_tools_core::Result<Value> {
    let Value::Object(args) = args else {
        unreachable!("the arguments above are objects")
    };
    registry
        .call(tool, args, Cx::local())
        .await
        .map(|reply| reply.value)
}

#[expect(
    clippy::print_stdout,
    reason = "an example talks to the person who runs it"
)]
fn print(line: &str) {
    println!("{line}");
}
