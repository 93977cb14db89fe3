//! Properties that follow from others.

use business_tools_sandbox::clock;
use business_tools_sandbox::jiff::Timestamp;

use super::kinds::Type;
use super::record::Record;
use super::state::Account;
use super::values::{Values, pipeline_names};

/// What HubSpot works out by itself, laid over what was given.
pub(super) fn derive(
    account: &Account,
    kind: &Type,
    values: &mut Values,
    before: Option<&Record>,
    now: Timestamp,
) {
    let after = |values: &Values, name: &str| -> Option<String> {
        let new = values.get(name).map(String::as_str);
        new.or_else(|| before?.get(name))
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    };
    let mut set = Values::new();
    let mut put =
        |name: &str, value: Option<String>| set.insert(name.to_owned(), value.unwrap_or_default());
    if values
        .get("hubspot_owner_id")
        .is_some_and(|owner| !owner.is_empty())
    {
        put(
            "hubspot_owner_assigneddate",
            Some(clock::rfc3339_millis(now)),
        );
    }
    let (pipeline_name, stage_name) = pipeline_names(kind);
    let stage = after(values, pipeline_name).zip(after(values, stage_name));
    let stage = stage.and_then(|(pipeline, stage)| account.stage(kind, &pipeline, &stage));
    match kind.id() {
        "0-1" | "0-2" if before.is_none() && after(values, "lifecyclestage").is_none() => {
            put("lifecyclestage", Some("lead".to_owned()));
        }
        "0-3" => {
            put("amount_in_home_currency", after(values, "amount"));
            if let Some(stage) = stage {
                let won = stage.closed && stage.probability == Some("1.0");
                put("hs_is_closed", Some(stage.closed.to_string()));
                put("hs_is_closed_won", Some(won.to_string()));
                put(
                    "hs_deal_stage_probability",
                    stage.probability.map(str::to_owned),
                );
            }
        }
        "0-5" => {
            if let Some(stage) = stage {
                let since = before
                    .and_then(|record| record.get("closed_date"))
                    .map(str::to_owned);
                let since = since.unwrap_or_else(|| clock::rfc3339_millis(now));
                put("closed_date", stage.closed.then_some(since));
            }
        }
        "0-46" => {
            put(
                "hs_body_preview",
                after(values, "hs_note_body").map(|body| preview(&body)),
            );
        }
        _ => {}
    }
    if kind.id() == "0-1" {
        let name = [after(values, "firstname"), after(values, "lastname")];
        let name: Vec<String> = name.into_iter().flatten().collect();
        let name = if name.is_empty() {
            after(values, "email")
        } else {
            Some(name.join(" "))
        };
        put("hs_full_name_or_email", name);
    }
    values.extend(set);
}

/// The beginning of a text without its tags.
fn preview(html: &str) -> String {
    let mut inside = false;
    let text = html.chars().filter(|c| {
        let shown = !inside && *c != '<';
        inside = if inside { *c != '>' } else { *c == '<' };
        shown
    });
    text.take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_has_no_tags() {
        assert_eq!(preview("<p>Hello <b>you</b></p>"), "Hello you");
    }
}
