//! Twilio's own SDK against the simulator, where Python has it.

use std::process::Stdio;

use tokio::process::Command;

use crate::support::world;

#[tokio::test]
async fn the_official_sdk_works_against_the_simulator() {
    let python = std::env::var_os("TWILIO_SDK_PYTHON").unwrap_or_else(|| "python3".into());
    let has_it = Command::new(&python)
        .args(["-c", "import twilio"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !has_it.await.is_ok_and(|status| status.success()) {
        println!("skipped: no Python with the `twilio` package");
        return;
    }
    let world = world().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk/official.py");
    let run = Command::new(&python)
        .arg(script)
        .arg(world.sandbox.base_url("twilio"))
        .output();
    let run = run.await.unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
}
