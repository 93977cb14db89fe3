//! The kinds of records: their names, what of them is shown, and the numbers behind the names of their links.

/// One of HubSpot's own kinds of records.
struct Known {
    name: &'static str,
    singular: &'static str,
    /// Its number, in place of its name.
    id: &'static str,
    /// The properties an agent usually needs.
    properties: &'static [&'static str],
}

/// Read 2026-11 in <https://developers.hubspot.com/docs/api-reference/latest/crm/understanding-the-crm>.
const KNOWN: &[Known] = &[
    Known {
        name: "contacts",
        singular: "contact",
        id: "0-1",
        properties: &[
            "email",
            "firstname",
            "lastname",
            "phone",
            "company",
            "jobtitle",
            "lifecyclestage",
            "hubspot_owner_id",
        ],
    },
    Known {
        name: "companies",
        singular: "company",
        id: "0-2",
        properties: &[
            "name",
            "domain",
            "industry",
            "phone",
            "city",
            "country",
            "lifecyclestage",
            "hubspot_owner_id",
        ],
    },
    Known {
        name: "deals",
        singular: "deal",
        id: "0-3",
        properties: &[
            "dealname",
            "amount",
            "deal_currency_code",
            "pipeline",
            "dealstage",
            "closedate",
            "hubspot_owner_id",
        ],
    },
    Known {
        name: "tickets",
        singular: "ticket",
        id: "0-5",
        properties: &[
            "subject",
            "content",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_priority",
            "hubspot_owner_id",
        ],
    },
    Known {
        name: "notes",
        singular: "note",
        id: "0-46",
        properties: &["hs_note_body", "hs_timestamp", "hubspot_owner_id"],
    },
    Known {
        name: "tasks",
        singular: "task",
        id: "0-27",
        properties: &[
            "hs_task_subject",
            "hs_task_body",
            "hs_task_status",
            "hs_task_priority",
            "hs_timestamp",
            "hubspot_owner_id",
        ],
    },
    Known {
        name: "calls",
        singular: "call",
        id: "0-48",
        properties: &[
            "hs_call_title",
            "hs_call_body",
            "hs_call_direction",
            "hs_call_status",
            "hs_call_duration",
            "hs_timestamp",
            "hubspot_owner_id",
        ],
    },
    Known {
        name: "emails",
        singular: "email",
        id: "0-49",
        properties: &[
            "hs_email_subject",
            "hs_email_text",
            "hs_email_direction",
            "hs_email_status",
            "hs_timestamp",
            "hubspot_owner_id",
        ],
    },
    Known {
        name: "meetings",
        singular: "meeting",
        id: "0-47",
        properties: &[
            "hs_meeting_title",
            "hs_meeting_body",
            "hs_meeting_start_time",
            "hs_meeting_end_time",
            "hs_meeting_outcome",
            "hubspot_owner_id",
        ],
    },
    Known {
        name: "products",
        singular: "product",
        id: "0-7",
        properties: &["name", "price", "hs_sku", "description"],
    },
    Known {
        name: "line_items",
        singular: "line_item",
        id: "0-8",
        properties: &["name", "quantity", "price", "amount", "hs_product_id"],
    },
    Known {
        name: "quotes",
        singular: "quote",
        id: "0-14",
        properties: &[
            "hs_title",
            "hs_status",
            "hs_quote_amount",
            "hs_currency",
            "hs_expiration_date",
            "hubspot_owner_id",
        ],
    },
    Known {
        name: "leads",
        singular: "lead",
        id: "0-136",
        properties: &[
            "hs_lead_name",
            "hs_lead_type",
            "hs_lead_label",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hubspot_owner_id",
        ],
    },
];

/// The usual name of a kind of records, however it was written; a custom one stays as it is.
pub(crate) fn usual_name(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let known = |kind: &&Known| [kind.name, kind.singular, kind.id].contains(&text.as_str());
    KNOWN.iter().find(known).map(|kind| kind.name)
}

/// The properties that are asked for where the caller names none; for a custom kind those HubSpot gives unasked.
pub(crate) fn usual_properties(name: &str) -> &'static [&'static str] {
    let known = KNOWN.iter().find(|kind| kind.name == name);
    known.map_or(&[], |kind| kind.properties)
}

/// The link without a label that a new record of one kind gets to one of another.
///
/// Read 2026-11 in <https://developers.hubspot.com/docs/api-reference/latest/crm/associations/overview>.
pub(crate) fn plain_link(from: &str, to: &str) -> Option<u32> {
    Some(match (from, to) {
        ("contacts", "contacts") => 449,
        ("contacts", "companies") => 279,
        ("contacts", "deals") => 4,
        ("contacts", "tickets") => 15,
        ("companies", "companies") => 450,
        ("companies", "contacts") => 280,
        ("companies", "deals") => 342,
        ("companies", "tickets") => 340,
        ("deals", "deals") => 451,
        ("deals", "contacts") => 3,
        ("deals", "companies") => 341,
        ("deals", "tickets") => 27,
        ("tickets", "tickets") => 452,
        ("tickets", "contacts") => 16,
        ("tickets", "companies") => 339,
        ("tickets", "deals") => 28,
        ("notes", "contacts") => 202,
        ("notes", "companies") => 190,
        ("notes", "deals") => 214,
        ("notes", "tickets") => 228,
        _ => return None,
    })
}

/// The one link that HubSpot itself has a label for: the company a record belongs to first of all.
pub(crate) fn primary_link(from: &str, to: &str) -> Option<u32> {
    Some(match (from, to) {
        ("contacts", "companies") => 1,
        ("companies", "contacts") => 2,
        ("deals", "companies") => 5,
        ("companies", "deals") => 6,
        ("tickets", "companies") => 26,
        ("companies", "tickets") => 25,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_name_however_it_is_written() {
        for text in ["contacts", "contact", "Contacts", "0-1"] {
            assert_eq!(usual_name(text), Some("contacts"), "{text}");
        }
        assert_eq!(usual_name("2-123"), None);
        assert_eq!(usual_properties("2-123"), [""; 0]);
        assert!(KNOWN.iter().all(|kind| !kind.properties.is_empty()));
    }

    #[test]
    fn a_link_and_its_way_back_have_numbers_of_their_own() {
        let kinds = ["contacts", "companies", "deals", "tickets"];
        let mut numbers = std::collections::BTreeSet::new();
        for from in kinds {
            for to in kinds {
                assert!(numbers.insert(plain_link(from, to).unwrap()), "{from} {to}");
                if let Some(primary) = primary_link(from, to) {
                    assert!(numbers.insert(primary), "{from} {to}");
                    assert!(primary_link(to, from).is_some());
                }
            }
        }
        assert_eq!(plain_link("notes", "2-123"), None);
    }
}
