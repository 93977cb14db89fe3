//! What comes of a call when nothing is wrong.

use std::sync::Arc;

use business_tools_core::{Origin, Untrusted};
use serde_json::Value;

use super::Suite;
use super::report::Report;

/// The largest result, as the server bounds it.
const LARGEST: usize = 64 << 10;

/// Each example gives an object of bounded size, fresh from the provider.
pub async fn every_example_is_answered(suite: &Suite) {
    let report = Report::new(suite);
    report
        .each(suite.specs.iter(), async |spec| {
            let stage = match suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            let reply = match stage.call().await {
                Ok(reply) => reply,
                Err(error) => return report.fault(spec.name, "an answer", format!("{error:?}")),
            };
            let value = &reply.value;
            let members = value.as_object();
            report.need(
                members.is_some_and(|members| !members.is_empty()),
                spec.name,
                "an object with members",
                value,
            );
            let bytes = value.to_string().len();
            report.need(
                bytes <= LARGEST,
                spec.name,
                format!("at most {LARGEST} bytes"),
                bytes,
            );
            report.need(
                reply.origin == Origin::Fresh,
                spec.name,
                "a fresh answer",
                reply.origin.as_str(),
            );
            if let Untrusted::Strip(named) | Untrusted::Mark(named) = spec.untrusted {
                let marked = value["untrusted"].as_array().cloned().unwrap_or_default();
                report.need(
                    !marked.is_empty() && marked.iter().all(|name| named.iter().any(|n| name == n)),
                    spec.name,
                    format!(
                        "`untrusted` to name what came from outsiders: {}",
                        named.join(", ")
                    ),
                    &value["untrusted"],
                );
            }
            if let Some(items) = value.get("items") {
                report.need(
                    items.as_array().is_some_and(|items| !items.is_empty()),
                    spec.name,
                    "items: an example of a list has something to list",
                    items,
                );
            }
            let requests = stage.world.requests().len();
            report.need(
                requests > 0,
                spec.name,
                "a request to the provider",
                requests,
            );
            report.keep(&stage);
        })
        .await;
    report.finish("results");
}

/// The provider's own description, where it is at hand, has every request and every answer.
pub async fn what_the_provider_describes_is_what_goes_over_the_wire(suite: &Suite) {
    let Some(contract) = suite.contract() else {
        return;
    };
    let report = Report::new(suite);
    report
        .each(suite.specs.iter(), async |spec| {
            let stage = match suite.stage(spec.name).await {
                Ok(stage) => stage,
                Err(fault) => {
                    return report.fault(spec.name, "an example that can be prepared", fault);
                }
            };
            if let Err(error) = stage.call().await {
                return report.fault(spec.name, "an answer", format!("{error:?}"));
            }
            // What makes the example ready is seen as well.
            let exchanges = stage.world.exchanges();
            report.need(
                !exchanges.is_empty(),
                spec.name,
                "exchanges that the simulator answered",
                exchanges.len(),
            );
            for fault in contract.faults(&exchanges) {
                report.fault(spec.name, "what the description says", fault);
            }
            report.keep(&stage);
        })
        .await;
    for fields in &suite.examples.credentials {
        let builder = suite.builder().fields(fields.clone()).secret("wrong");
        if let Ok(world) = builder.try_start_with(Arc::clone(&suite.connect)).await {
            let health = world.health().await;
            report.need(
                !health.ok,
                "health",
                "a refusal of wrong credentials",
                Value::Null,
            );
            for fault in contract.faults(&world.exchanges()) {
                report.fault("wrong credentials", "what the description says", fault);
            }
        }
    }
    report.finish("contract");
}
