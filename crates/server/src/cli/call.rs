//! `call`: one tool, from the command line.

use std::io::{IsTerminal as _, Read as _, Write as _};

use async_trait::async_trait;
use business_tools_core::{Answer, Asker, Cx, Error, Principal, ProgressSink};
use clap::Args;
use serde_json::{Map, Value};

use super::{Common, Done, Failure, print, say};
use crate::app::{App, Seat};
use crate::signals;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// The tool
    tool: String,
    /// Its arguments: a JSON object, @FILE, or - for stdin
    #[arg(value_name = "JSON | @FILE | -")]
    args: Option<String>,
    #[command(flatten)]
    common: Common,
    /// The provider account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Show the request and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before something is destroyed
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(flags: &Flags) -> Done {
    let mut args = arguments(flags.args.as_deref())?;
    if let Some(account) = &flags.account {
        args.insert("account".into(), account.as_str().into());
    }
    if flags.dry_run {
        args.insert("dry_run".into(), true.into());
    }
    let app = App::start(&flags.common, Seat::Desk).await?;
    // `account` is offered only where there are several; naming the only one is fine all the same.
    if let (Some(account), Some(entry)) = (&flags.account, app.registry.get(&flags.tool))
        && entry.plugin.accounts() == [account.as_str()]
    {
        args.remove("account");
    }
    let cx = Cx::builder(Principal::local())
        .cancel(signals::stop())
        .asker(Terminal { yes: flags.yes })
        .progress(Stderr)
        .build();
    let outcome = app.registry.call(&flags.tool, args, cx.clone()).await;
    app.stop().await;
    match outcome {
        Ok(reply) => {
            print(&format!("{:#}", reply.value));
            Ok(())
        }
        Err(error) => Err(told(&error, &cx)),
    }
}

fn told(error: &Error, cx: &Cx) -> Failure {
    say(&format!("{:#}", error.wire(cx)));
    Failure::Call
}

fn arguments(text: Option<&str>) -> Result<Map<String, Value>, Failure> {
    let text = match text {
        None => return Ok(Map::new()),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text)?;
            text
        }
        Some(text) => match text.strip_prefix('@') {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| Failure::Usage(format!("{file}: {error}")))?,
            None => text.to_owned(),
        },
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(args)) => Ok(args),
        Ok(_) => Err(Failure::Usage(
            "the arguments must be a JSON object, such as '{\"limit\": 5}'".into(),
        )),
        Err(error) => Err(Failure::Usage(format!(
            "the arguments are not JSON: {error}"
        ))),
    }
}

/// Asks at the terminal.
struct Terminal {
    yes: bool,
}

#[async_trait]
impl Asker for Terminal {
    async fn ask(&self, question: &str, _: &str) -> Answer {
        if self.yes {
            return Answer::Yes;
        }
        if !std::io::stdin().is_terminal() {
            return Answer::CannotAsk;
        }
        let question = question.to_owned();
        let asked = tokio::task::spawn_blocking(move || {
            let mut answer = String::new();
            let mut err = std::io::stderr().lock();
            let _ = write!(err, "{question} [y/N] ");
            let _ = err.flush();
            std::io::stdin().read_line(&mut answer).map(|_| answer)
        });
        match asked.await {
            Ok(Ok(answer)) if matches!(answer.trim(), "y" | "Y" | "yes") => Answer::Yes,
            _ => Answer::No,
        }
    }
}

struct Stderr;

impl ProgressSink for Stderr {
    fn report(&self, done: u64, total: Option<u64>, message: &str) {
        match total {
            Some(total) => say(&format!("{done}/{total} {message}")),
            None => say(&format!("{done} {message}")),
        }
    }
}
