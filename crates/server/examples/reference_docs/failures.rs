//! What callers are told when something goes wrong, as the simulator was seen to bring it about.

use std::fmt::Write as _;
use std::sync::Arc;

use business_tools_mcp::providers::Row;
use business_tools_testkit::conformance::told::{Seen, Told, told};
use business_tools_testkit::conformance::{Parts, Suite};

use crate::Failure;

pub(crate) fn section(row: &Row) -> Result<String, Failure> {
    let connect = row.connect;
    let suite = Suite::made_of(Parts {
        info: row.info,
        connect: Arc::new(move |settings, env| connect(None, settings, env)),
        simulator: row.simulator,
        sandbox_config: row.sandbox_config,
        examples: row.examples,
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let all = runtime.block_on(told(&suite))?;
    let mut text = "\n## When something goes wrong\n\n\
         Codes of a read, and of a write that must not be done twice where that is another one. A read is sent again, a \
         write only where nothing can have been done.\n\n\
         | when | code | of a write | sent again | what to do |\n|---|---|---|---|---|\n"
        .to_owned();
    for one in &all {
        let (Some(read), write) = (&one.read, &one.write) else {
            continue;
        };
        let differs = |write: &&Seen| write.code != read.code;
        let of_write = write.as_ref().filter(differs);
        let of_write = of_write.map_or(String::new(), |write| format!("`{}`", write.code));
        let _ = writeln!(
            text,
            "| {} | `{}` | {of_write} | {} | {} |",
            one.when,
            read.code,
            again(one),
            read.hint.replace('|', "\\|")
        );
    }
    Ok(text)
}

fn again(one: &Told) -> &'static str {
    let repeated = |seen: &Option<Seen>| seen.as_ref().is_some_and(|seen| seen.repeated);
    match (repeated(&one.read), repeated(&one.write)) {
        (true, true) => "yes",
        (true, false) => "reads",
        (false, _) => "no",
    }
}
