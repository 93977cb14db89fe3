//! Lists, page by page.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Suite;
use super::report::Report;
use super::stage::Stage;

/// The most pages that an example is worth.
const PAGES: usize = 200;

/// One thing at a time, everything comes once, and the last page says that it is the last.
pub async fn every_list_is_visited_page_by_page_to_its_end(suite: &Suite) {
    let report = Report::new(suite);
    let plugin = suite.plugin();
    let lists = plugin.tools().iter().filter_map(|tool| {
        let has = |name: &str| tool.schema.value()["properties"].get(name).is_some();
        has("cursor").then(|| (tool.spec, has("limit")))
    });
    report
        .each(lists, async |(spec, limited)| {
            if suite.leaves_out(spec.name, "pages") {
                return;
            }
            let stage = match suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            visit(&report, &stage, limited).await;
            report.keep(&stage);
        })
        .await;
    report.finish("pages");
}

async fn visit(report: &Report<'_>, stage: &Stage, limited: bool) {
    let name = stage.spec.name;
    let whole = match stage.call().await {
        Ok(reply) => reply.value,
        Err(error) => return report.fault(name, "a first page", format!("{error:?}")),
    };
    let Some(all) = whole["items"].as_array() else {
        return report.fault(name, "`items`, as every list has them", whole);
    };
    report.need(
        whole.get("next_cursor").is_none_or(Value::is_string),
        name,
        "a `next_cursor` that is a text, or none",
        &whole["next_cursor"],
    );
    if !limited {
        return;
    }
    report.need(
        all.len() >= 2,
        name,
        "an example with at least two things to list, so that there is a second page",
        all.len(),
    );
    let (mut seen, mut cursors, mut args) = (Vec::new(), BTreeSet::new(), stage.args.clone());
    args["limit"] = 1.into();
    loop {
        let page = match stage.call_with(args.clone()).await {
            Ok(reply) => reply.value,
            Err(error) => {
                let at = format!("{name}, page {}", seen.len() + 1);
                return report.fault(at, "the next page", format!("{error:?}"));
            }
        };
        let items = page["items"].as_array().cloned().unwrap_or_default();
        report.need(
            items.len() <= 1,
            name,
            "at most 1 thing with `limit` 1",
            items.len(),
        );
        seen.extend(items);
        let Some(cursor) = page.get("next_cursor").and_then(Value::as_str) else {
            report.need(
                page["truncated"] != true,
                name,
                "a last page that is not `truncated`, or a `next_cursor`",
                &page,
            );
            break;
        };
        if !cursors.insert(cursor.to_owned()) || cursors.len() > PAGES {
            return report.fault(
                name,
                "an end of the list",
                format!("cursor `{cursor}` again"),
            );
        }
        args["cursor"] = cursor.into();
    }
    let once: BTreeSet<_> = seen.iter().map(Value::to_string).collect();
    report.need(
        once.len() == seen.len(),
        name,
        "everything once",
        format!("{} things, {} different", seen.len(), once.len()),
    );
    // A first page without a bound may be shorter than the list.
    let complete = whole.get("next_cursor").is_none();
    report.need(
        if complete {
            seen.len() == all.len()
        } else {
            seen.len() >= all.len()
        },
        name,
        format!("the {} things of one page, one by one", all.len()),
        seen.len(),
    );
}
