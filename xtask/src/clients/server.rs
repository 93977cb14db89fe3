//! The product with simulated providers, over HTTP.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::service::{self, Service};
use crate::sh;

/// A running server; dropping it stops it.
pub(super) struct Server {
    /// The MCP endpoint.
    pub(super) url: String,
    /// Where the simulators and their fault switchboard are.
    pub(super) sandbox: String,
    _service: Service,
}

impl Server {
    pub(super) fn start(binary: &Path) -> Result<Self> {
        let port = service::free_port()?;
        let listen = format!("127.0.0.1:{port}");
        let mut service = Service::start(
            &sh::program(binary, ["serve", "--sandbox", "--listen", &listen]),
            "TERM",
            None,
            Stdio::null(),
            Stdio::piped(),
        )?;
        let stderr = service.stderr().context("the server has no error output")?;
        let (sender, receiver) = mpsc::channel();
        // Reads to the end, so that the server never waits for somebody to read its log.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(address) = address(&line) {
                    sender.send(address.to_owned()).unwrap_or_default();
                }
            }
        });
        let Ok(sandbox) = receiver.recv_timeout(Duration::from_secs(20)) else {
            bail!("`serve --sandbox` did not say `sandbox: http://…` on stderr within 20 s");
        };
        service::wait_for_port(port, Duration::from_secs(20))?;
        Ok(Self {
            url: format!("http://{listen}/mcp"),
            sandbox,
            _service: service,
        })
    }
}

/// The address in a line that names the simulators.
fn address(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("sandbox: http://")?;
    let end = rest.find(|letter: char| !(letter.is_ascii_digit() || ".:".contains(letter)));
    let length = "http://".len() + end.unwrap_or(rest.len());
    let start = line.len() - rest.len() - "http://".len();
    line.get(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn the_address_is_found_in_a_line_of_the_log() {
        assert_eq!(
            address("sandbox: http://127.0.0.1:4011"),
            Some("http://127.0.0.1:4011")
        );
        assert_eq!(
            address("x sandbox: http://127.0.0.1:1/ y"),
            Some("http://127.0.0.1:1")
        );
        assert_eq!(address("listening on http://127.0.0.1:8080"), None);
    }
}
