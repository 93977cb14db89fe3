//! Types of objects: their names, and what each begins with.

/// What the simulator knows of a type.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) id: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    /// The property with the time of creation.
    pub(super) created: &'static str,
    /// The property with the time of the last change.
    pub(super) modified: &'static str,
    /// What is shown when no properties are asked for, beside the times and the id.
    pub(super) shown: &'static [&'static str],
    /// What `query` of a search looks into.
    pub(super) searched: &'static [&'static str],
    /// What a new object must have. `a|b` is one of them.
    pub(super) required: &'static [&'static str],
}

const MODIFIED: &str = "hs_lastmodifieddate";
const ENGAGED: &str = "hs_createdate";

/// The types that every account has.
pub(super) static KINDS: &[Kind] = &[
    Kind {
        id: "0-1",
        plural: "contacts",
        singular: "contact",
        created: "createdate",
        modified: "lastmodifieddate",
        shown: &["email", "firstname", "lastname"],
        searched: &[
            "firstname",
            "lastname",
            "email",
            "phone",
            "mobilephone",
            "company",
        ],
        required: &[],
    },
    Kind {
        id: "0-2",
        plural: "companies",
        singular: "company",
        created: "createdate",
        modified: MODIFIED,
        shown: &["domain", "name"],
        searched: &["website", "phone", "name", "domain"],
        required: &["name|domain"],
    },
    Kind {
        id: "0-3",
        plural: "deals",
        singular: "deal",
        created: "createdate",
        modified: MODIFIED,
        shown: &["amount", "closedate", "dealname", "dealstage", "pipeline"],
        searched: &[
            "dealname",
            "pipeline",
            "dealstage",
            "description",
            "dealtype",
        ],
        required: &["dealname", "dealstage"],
    },
    Kind {
        id: "0-5",
        plural: "tickets",
        singular: "ticket",
        created: "createdate",
        modified: MODIFIED,
        shown: &[
            "content",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_category",
            "hs_ticket_priority",
            "subject",
        ],
        searched: &["subject", "content", "hs_pipeline_stage"],
        required: &["subject", "hs_pipeline_stage"],
    },
    Kind {
        id: "0-46",
        plural: "notes",
        singular: "note",
        created: ENGAGED,
        modified: MODIFIED,
        shown: &[],
        searched: &["hs_note_body"],
        required: &["hs_timestamp"],
    },
    Kind {
        id: "0-27",
        plural: "tasks",
        singular: "task",
        created: ENGAGED,
        modified: MODIFIED,
        shown: &[],
        searched: &["hs_task_subject", "hs_task_body"],
        required: &["hs_timestamp"],
    },
    Kind {
        id: "0-48",
        plural: "calls",
        singular: "call",
        created: ENGAGED,
        modified: MODIFIED,
        shown: &[],
        searched: &["hs_call_title", "hs_call_body"],
        required: &["hs_timestamp"],
    },
    Kind {
        id: "0-49",
        plural: "emails",
        singular: "email",
        created: ENGAGED,
        modified: MODIFIED,
        shown: &[],
        searched: &["hs_email_subject", "hs_email_text"],
        required: &["hs_timestamp", "hs_email_direction"],
    },
    Kind {
        id: "0-47",
        plural: "meetings",
        singular: "meeting",
        created: ENGAGED,
        modified: MODIFIED,
        shown: &[],
        searched: &["hs_meeting_title", "hs_meeting_body"],
        required: &["hs_timestamp"],
    },
    Kind {
        id: "0-7",
        plural: "products",
        singular: "product",
        created: "createdate",
        modified: MODIFIED,
        shown: &["description", "name", "price"],
        searched: &["name", "description", "price", "hs_sku"],
        required: &["name"],
    },
    Kind {
        id: "0-8",
        plural: "line_items",
        singular: "line_item",
        created: "createdate",
        modified: MODIFIED,
        shown: &["amount", "hs_product_id", "quantity"],
        searched: &["name", "description"],
        required: &[],
    },
    Kind {
        id: "0-14",
        plural: "quotes",
        singular: "quote",
        created: ENGAGED,
        modified: MODIFIED,
        shown: &["hs_expiration_date", "hs_status", "hs_title"],
        searched: &["hs_title"],
        required: &["hs_title", "hs_expiration_date"],
    },
    Kind {
        id: "0-136",
        plural: "leads",
        singular: "lead",
        created: ENGAGED,
        modified: MODIFIED,
        shown: &[],
        searched: &["hs_lead_name"],
        required: &["hs_lead_name"],
    },
];

static CUSTOM: Kind = Kind {
    id: "2-",
    plural: "custom objects",
    singular: "custom object",
    created: ENGAGED,
    modified: MODIFIED,
    shown: &[],
    searched: &[],
    required: &[],
};

/// A type of objects, as it is named in a path.
#[derive(Clone, Debug)]
pub(super) struct Type {
    pub(super) kind: &'static Kind,
    custom: Option<String>,
}

impl Type {
    /// By plural, singular or id, in any case; for custom ones by id or by `p_name`.
    pub(super) fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let known = |kind: &&Kind| [kind.id, kind.plural, kind.singular].contains(&&*name);
        if let Some(kind) = KINDS.iter().find(known) {
            return Some(Self { kind, custom: None });
        }
        is_custom(&name).then_some(Self {
            kind: &CUSTOM,
            custom: Some(name),
        })
    }

    pub(super) fn known(id: &str) -> Option<Self> {
        let kind = KINDS.iter().find(|kind| kind.id == id)?;
        Some(Self { kind, custom: None })
    }

    pub(super) fn id(&self) -> &str {
        self.custom.as_deref().unwrap_or(self.kind.id)
    }

    pub(super) fn is_custom(&self) -> bool {
        self.custom.is_some()
    }

    /// As messages name it: `CONTACT`.
    pub(super) fn shout(&self) -> String {
        self.singular().to_uppercase()
    }

    pub(super) fn singular(&self) -> &str {
        self.custom.as_deref().unwrap_or(self.kind.singular)
    }

    /// As the associations of an object are filed.
    pub(super) fn plural(&self) -> &str {
        self.custom.as_deref().unwrap_or(self.kind.plural)
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

fn is_custom(name: &str) -> bool {
    let number =
        |rest: &str| (1..=12).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_digit());
    if let Some(rest) = name.strip_prefix("2-") {
        return number(rest);
    }
    // `p_boats`, or `p12345_boats` with the account's number.
    let word = |rest: &str| {
        rest.starts_with(|c: char| c.is_ascii_lowercase())
            && rest
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    name.strip_prefix('p')
        .and_then(|rest| rest.split_once('_'))
        .is_some_and(|(portal, rest)| (portal.is_empty() || number(portal)) && word(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_three_names() {
        for name in ["contacts", "CONTACT", "0-1"] {
            assert_eq!(Type::of(name).unwrap().id(), "0-1");
        }
        for name in ["2-1234567", "p_boats", "p123_boats"] {
            assert!(Type::of(name).unwrap().is_custom(), "{name}");
        }
        for name in ["", "2-", "2-x", "9-1", "people", "p_", "pies", "p_Boats!"] {
            assert!(Type::of(name).is_none(), "{name}");
        }
    }
}
