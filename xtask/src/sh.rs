//! Running other programs, and saying so.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::env;

/// Cargo, in the root of the workspace.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(env::root());
    command
}

/// Any program with its arguments.
pub(crate) fn program<S: AsRef<OsStr>>(
    name: impl AsRef<OsStr>,
    args: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(name);
    command.args(args);
    command
}

/// Runs to the end with our own output, and fails unless it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    println!("\n$ {line}");
    let status = command
        .status()
        .with_context(|| format!("could not start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs quietly; the output of a failed program is part of the error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = shown(command);
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start `{line}`"))?;
    if !out.status.success() {
        bail!(
            "`{line}` ended with {}\n{}{}",
            out.status,
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Runs quietly; whether it succeeded, and what it said on both of its outputs.
pub(crate) fn outcome(command: &mut Command) -> Result<(bool, String)> {
    let line = shown(command);
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start `{line}`"))?;
    let text = [out.stdout, out.stderr].concat();
    Ok((
        out.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    ))
}

/// Whether a program of this name can be started.
pub(crate) fn have(name: &str) -> bool {
    find(name).is_some()
}

/// Where the program of this name is.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// The command as a person would type it, short.
fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program())
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut line = name;
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_is_an_error_with_its_output() {
        let fault = output(&mut program("sh", ["-c", "echo why >&2; exit 3"]))
            .expect_err("exit code 3 is a failure");
        assert!(fault.to_string().contains("why"), "{fault}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let fault = output(&mut Command::new("no-such-program")).expect_err("it is not there");
        assert!(fault.to_string().contains("no-such-program"), "{fault}");
    }
}
