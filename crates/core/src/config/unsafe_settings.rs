//! What is fine on a desk and dangerous in production, and must be named there to be done all the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report::Report;
use super::{Config, Confirmation};

/// The environment in which the rules hold.
const PRODUCTION: &str = "production";

/// Something that `production` refuses unless `allow_unsafe` names it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unsafe {
    /// Simulators in the place of the providers.
    Sandbox,
    /// An address that others can reach, where nobody has to authenticate.
    Unauthenticated,
    /// A log so detailed that libraries write headers and bodies to it.
    DebugLogs,
    /// Nobody is asked before something is destroyed.
    AutoConfirm,
}

impl Unsafe {
    const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Unauthenticated => "unauthenticated",
            Self::DebugLogs => "debug_logs",
            Self::AutoConfirm => "auto_confirm",
        }
    }
}

/// What the command line adds to the configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Simulators stand in the place of the providers.
    pub sandbox: bool,
    /// An address that others can reach is served, and nobody has to authenticate.
    pub unauthenticated: bool,
}

impl Config {
    /// What `production` does not bear and `allow_unsafe` does not name; nothing in any other environment.
    pub fn unsafe_settings(&self, circumstances: Circumstances) -> Report {
        let mut report = Report::default();
        if self.environment != PRODUCTION {
            return report;
        }
        let public = !self.server.listen.ip().is_loopback()
            && self.server.allow_unauthenticated
            && self.server.auth.keys.is_empty();
        let found = [
            (
                Unsafe::Sandbox,
                circumstances.sandbox,
                "--sandbox",
                "leave it out",
            ),
            (
                Unsafe::Unauthenticated,
                circumstances.unauthenticated || public,
                "server.allow_unauthenticated",
                "set `server.auth.keys`, or listen on 127.0.0.1",
            ),
            (
                Unsafe::DebugLogs,
                shows_bodies(&self.log.level),
                "log.level",
                "write info, or debug for parts of the server alone: info,business_tools_core=debug",
            ),
            (
                Unsafe::AutoConfirm,
                self.confirm == Confirmation::Auto,
                "confirm",
                "write ask",
            ),
        ];
        for (what, is, path, remedy) in found {
            if is && !self.allow_unsafe.contains(&what) {
                report.add(
                    path,
                    "is not safe in production",
                    format!(
                        "{remedy}; or name it on purpose: `allow_unsafe: [{}]`",
                        what.name()
                    ),
                );
            }
        }
        report
    }
}

/// Whether a log level reaches the libraries: at `debug` and `trace` they write what they send and receive.
fn shows_bodies(level: &str) -> bool {
    level.split(',').any(|part| {
        let (target, level) = match part.split_once('=') {
            Some((target, level)) => (target.trim(), level),
            None => ("", part),
        };
        let detailed = matches!(
            level.trim().to_ascii_lowercase().as_str(),
            "debug" | "trace"
        );
        detailed && !target.starts_with("business_tools")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_reach_the_libraries_are_known() {
        for level in ["info", "warn", "info,business_tools_core=debug", "off"] {
            assert!(!shows_bodies(level), "{level}");
        }
        for level in [
            "debug",
            "TRACE",
            "info,hyper=trace",
            "info, reqwest = debug",
        ] {
            assert!(shows_bodies(level), "{level}");
        }
    }
}
