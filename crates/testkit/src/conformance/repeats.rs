//! Calls that are made again: the cache of reads, the keys of writes.

use business_tools_core::Origin;

use super::Suite;
use super::report::Report;

/// A second look asks again, unless the tool says that it may come from the cache.
pub async fn reads_are_cached_where_declared_and_only_there(suite: &Suite) {
    let report = Report::new(suite);
    let reads = suite.specs.iter().filter(|spec| !spec.writes());
    report
        .each(reads, async |spec| {
            if suite.leaves_out(spec.name, "cache") {
                return;
            }
            let stage = match suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            if let Err(error) = stage.call().await {
                return report.fault(spec.name, "an answer", format!("{error:?}"));
            }
            let first = stage.world.requests().len();
            let again = match stage.call().await {
                Ok(reply) => reply,
                Err(error) => {
                    return report.fault(spec.name, "a second answer", format!("{error:?}"));
                }
            };
            let second = stage.world.requests().len() - first;
            let cached = spec.cache_secs > 0;
            let (origin, asked) = if cached {
                (Origin::Cached, "no request")
            } else {
                (Origin::Fresh, "a request")
            };
            report.need(
                again.origin == origin && (second > 0) != cached,
                format!("{}, called twice", spec.name),
                format!("the second answer {}, with {asked}", origin.as_str()),
                format!("{}, with {second} request(s)", again.origin.as_str()),
            );
            report.keep(&stage);
        })
        .await;
    report.finish("cache");
}

/// A write that is made twice is sent twice, unless a key or the tool says that it is the same one.
pub async fn writes_are_never_answered_from_the_cache(suite: &Suite) {
    let report = Report::new(suite);
    let writes = suite.specs.iter().filter(|spec| spec.writes());
    report
        .each(writes, async |spec| {
            let stage = match suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            if let Err(error) = stage.call().await {
                return report.fault(spec.name, "an answer", format!("{error:?}"));
            }
            let first = stage.world.requests().len();
            // A thing that is gone may be refused; what counts is that the provider was asked.
            let again = stage.call().await;
            let second = stage.world.requests().len() - first;
            let origin = again.map(|reply| reply.origin);
            if spec.dedup_secs > 0 {
                report.need(
                    second == 0 && matches!(origin, Ok(Origin::Replayed)),
                    format!("{}, called twice", spec.name),
                    format!(
                        "one action, since equal calls within {} s are one",
                        spec.dedup_secs
                    ),
                    format!("{second} request(s) more, {origin:?}"),
                );
            } else {
                report.need(
                    second > 0 && !matches!(origin, Ok(Origin::Cached | Origin::Replayed)),
                    format!("{}, called twice", spec.name),
                    "two actions",
                    format!("{second} request(s) more, {origin:?}"),
                );
            }
            report.keep(&stage);
        })
        .await;
    report.finish("writes");
}

/// The same key again gives the first outcome, and nothing is sent.
pub async fn an_idempotency_key_does_it_once(suite: &Suite) {
    let report = Report::new(suite);
    let writes = suite.specs.iter().filter(|spec| !spec.idempotent);
    report
        .each(writes, async |spec| {
            let stage = match suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            let mut args = stage.args.clone();
            args["idempotency_key"] = "order-7".into();
            let first = match stage.call_with(args.clone()).await {
                Ok(reply) => reply,
                Err(error) => return report.fault(spec.name, "an answer", format!("{error:?}")),
            };
            let sent = stage.world.requests().len();
            match stage.call_with(args).await {
                Err(error) => report.fault(spec.name, "the first outcome", format!("{error:?}")),
                Ok(again) => {
                    let mut value = again.value;
                    report.need(
                        again.origin == Origin::Replayed && value["replayed"] == true,
                        format!("{}, the same key twice", spec.name),
                        "an outcome that is marked `replayed`",
                        format!("{}: {value}", again.origin.as_str()),
                    );
                    if let Some(members) = value.as_object_mut() {
                        members.remove("replayed");
                    }
                    report.need(
                        value == first.value,
                        format!("{}, the same key twice", spec.name),
                        &first.value,
                        &value,
                    );
                }
            }
            let more = stage.world.requests().len() - sent;
            report.need(
                more == 0,
                format!("{}, the same key twice", spec.name),
                "no request",
                more,
            );
            report.keep(&stage);
        })
        .await;
    report.finish("idempotency keys");
}
