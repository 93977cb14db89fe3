//! `cargo xtask sdk`: the providers' official Python SDKs against the simulators.
//!
//! Each script in `xtask/sdk` is given the address of its simulator and ends with an error if the
//! SDK is not satisfied. A simulator that an SDK believes is a promise somebody else has checked.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::metadata::Metadata;
use crate::service::{self, Service};
use crate::{env, product, python, sh};

/// An SDK: the simulator it talks to, and the package with its version.
struct Sdk {
    provider: &'static str,
    package: &'static str,
}

const SDKS: &[Sdk] = &[
    Sdk {
        provider: "hubspot",
        package: "hubspot-api-client==12.0.0",
    },
    Sdk {
        provider: "openai",
        package: "openai==3.57.0",
    },
    Sdk {
        provider: "twilio",
        package: "twilio==9.13.0",
    },
];

/// How one SDK fared.
struct Outcome<'sdk> {
    sdk: &'sdk Sdk,
    took: Duration,
    fault: Option<String>,
}

pub(crate) fn run(args: &[String]) -> Result<()> {
    let wanted = chosen(args)?;
    let metadata = Metadata::load()?;
    let binary = product::debug(&metadata)?;
    let simulators = Simulators::start(&binary)?;
    let mut outcomes = Vec::new();
    for sdk in wanted {
        let python = python::venv(sdk.package)?;
        let started = Instant::now();
        // -P: the folder of the script is not searched, where `twilio.py` would hide the package.
        let mut command = sh::program(python, ["-P"]);
        command.arg(script(sdk)).arg(simulators.address(sdk));
        let ran = sh::output(&mut command);
        outcomes.push(Outcome {
            sdk,
            took: started.elapsed(),
            fault: ran.err().map(|fault| format!("{fault:#}")),
        });
    }
    report(&outcomes)
}

/// All of them, or the one that is named.
fn chosen(args: &[String]) -> Result<Vec<&'static Sdk>> {
    let names: Vec<&str> = SDKS.iter().map(|sdk| sdk.provider).collect();
    let usage = format!("usage: cargo xtask sdk [--only {}]", names.join("|"));
    match args {
        [] => Ok(SDKS.iter().collect()),
        [flag, name] if flag == "--only" => {
            let one = SDKS.iter().find(|sdk| sdk.provider == name);
            Ok(vec![one.with_context(|| usage)?])
        }
        _ => bail!(usage),
    }
}

fn script(sdk: &Sdk) -> PathBuf {
    let file = format!("{}.py", sdk.provider);
    env::root().join("xtask/sdk").join(file)
}

/// Prints a row for each SDK, after what the failed ones said.
fn report(outcomes: &[Outcome<'_>]) -> Result<()> {
    for Outcome { sdk, fault, .. } in outcomes {
        if let Some(fault) = fault {
            println!("\n{}: {fault}", sdk.provider);
        }
    }
    println!(
        "\n{:10} {:28} {:>8}  outcome",
        "simulator", "SDK", "seconds"
    );
    for Outcome { sdk, took, fault } in outcomes {
        let word = if fault.is_none() { "ok" } else { "FAILED" };
        println!(
            "{:10} {:28} {:8.1}  {word}",
            sdk.provider,
            sdk.package,
            took.as_secs_f64()
        );
    }
    match outcomes.iter().filter(|o| o.fault.is_some()).count() {
        0 => Ok(()),
        failed => bail!("{failed} SDK(s) do not get along with their simulator"),
    }
}

/// `business-tools-mcp sandbox`; dropping it stops it.
struct Simulators {
    base: String,
    _service: Service,
}

impl Simulators {
    fn start(binary: &Path) -> Result<Self> {
        let port = service::free_port()?;
        let listen = format!("127.0.0.1:{port}");
        let service = Service::start(
            &sh::program(binary, ["sandbox", "--listen", &listen]),
            "TERM",
            None,
            Stdio::null(),
            Stdio::null(),
        )?;
        service::wait_for_port(port, Duration::from_secs(20))?;
        Ok(Self {
            base: format!("http://{listen}"),
            _service: service,
        })
    }

    fn address(&self, sdk: &Sdk) -> String {
        format!("{}/{}", self.base, sdk.provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sdk_has_a_script_and_a_pinned_version() {
        for sdk in SDKS {
            assert!(script(sdk).is_file(), "{}", script(sdk).display());
            assert!(sdk.package.contains("=="), "{}", sdk.package);
        }
    }

    #[test]
    fn one_sdk_or_all_can_be_chosen() {
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(chosen(&[]).unwrap().len(), SDKS.len());
        let one = chosen(&words(&["--only", "twilio"])).unwrap();
        assert_eq!(one[0].provider, "twilio");
        for wrong in [&["--only"][..], &["--only", "twi"], &["twilio"]] {
            assert!(chosen(&words(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn one_failure_fails_the_chore() {
        let outcome = |fault: Option<&str>| Outcome {
            sdk: &SDKS[0],
            took: Duration::ZERO,
            fault: fault.map(str::to_owned),
        };
        report(&[outcome(None)]).unwrap();
        report(&[outcome(None), outcome(Some("why"))]).unwrap_err();
    }
}
