//! The binary: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    business_tools_mcp::cli::main()
}
