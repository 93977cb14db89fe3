# The verbs of the project; each is one command that can be typed without just.

# Lists them.
default:
    @just --list

# What a change must pass.
test *args:
    cargo xtask test {{ args }}

# Fast feedback: formatting, house rules, lints.
check:
    cargo fmt --all --check
    cargo xtask tidy
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# The tests of one provider: `just t twilio`.
t provider *args:
    cargo test --package business-tools-{{ provider }} --all-features {{ args }}

# The server with simulated providers.
run *args:
    cargo run --release -- serve --sandbox {{ args }}

# The simulators alone.
sandbox *args:
    cargo run --release -- sandbox {{ args }}

# The MCP conformance suite.
conformance *args:
    cargo xtask conformance {{ args }}

# Clients that nobody here wrote.
clients *args:
    cargo xtask clients {{ args }}

# The providers' official SDKs against the simulators.
sdk *args:
    cargo xtask sdk {{ args }}

# The generated pages.
docs:
    cargo xtask docs

# What a call costs.
bench *args:
    cargo xtask bench {{ args }}

# A new provider crate, wired into the server.
new-provider name:
    cargo xtask new-provider {{ name }}
