//! Deals, tickets, notes, tasks and calls.

use serde_json::{Value, json};

use super::super::refusal::Answer;
use super::customers::{Customer, MARA, NOOR, TOMAS};
use super::{Story, one, with};

/// Which customer, what, for how much, where it stands, days since it began and until it should close.
const DEALS: &[(usize, &str, &str, &str, i64, i64)] = &[
    (
        0,
        "Lobby lanterns, Portland",
        "38700",
        "contractsent",
        24,
        9,
    ),
    (
        0,
        "Corridor lights, third floor",
        "12400",
        "closedwon",
        140,
        -96,
    ),
    (0, "Harbor Lantern samples", "258", "closedwon", 61, -50),
    (
        1,
        "Meridian office fit-out",
        "21900",
        "presentationscheduled",
        33,
        30,
    ),
    (2, "Pendants for five cafés", "9960", "closedwon", 88, -70),
    (2, "Sixth café, Ballard", "2490", "qualifiedtobuy", 12, 41),
    (
        3,
        "Desk lamps for Lisbon floor 2",
        "17800",
        "decisionmakerboughtin",
        45,
        14,
    ),
    (4, "Winter windows 2026", "14940", "closedwon", 76, -40),
    (
        5,
        "Waiting rooms, two clinics",
        "31900",
        "appointmentscheduled",
        8,
        60,
    ),
    (6, "Reading corner", "1780", "closedwon", 120, -110),
    (7, "Terrace lights", "6450", "closedlost", 95, -65),
    (7, "Dining room refresh", "11205", "qualifiedtobuy", 17, 35),
    (
        9,
        "Foyer chandelier study",
        "54000",
        "presentationscheduled",
        52,
        75,
    ),
    (
        10,
        "Dockside lanterns, phase 2",
        "25800",
        "contractsent",
        30,
        6,
    ),
];

/// Which customer and whom there, what, the whole story, stage, priority, category, days ago.
type Ticket = (
    usize,
    usize,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    i64,
);

const TICKETS: &[Ticket] = &[
    (
        2,
        0,
        "Two pendants arrived cracked",
        "Two of the Fjord Pendants in order 4392 have cracked glass. Photos by mail.",
        "3",
        "HIGH",
        "PRODUCT_ISSUE",
        2,
    ),
    (
        0,
        1,
        "Dimmer hums at low level",
        "The corridor lights hum when dimmed below 20 %.",
        "2",
        "MEDIUM",
        "PRODUCT_ISSUE",
        6,
    ),
    (
        7,
        2,
        "Invoice 4411 shows the old address",
        "Please issue it again with the Halsted Street address.",
        "1",
        "LOW",
        "BILLING_ISSUE",
        1,
    ),
    (
        4,
        0,
        "Do lanterns come in matt black?",
        "For the winter windows we would need thirty.",
        "4",
        "LOW",
        "GENERAL_INQUIRY",
        44,
    ),
    (
        10,
        2,
        "Rust on the wall brackets",
        "After one season by the water. Is there a stainless version?",
        "3",
        "HIGH",
        "PRODUCT_ISSUE",
        4,
    ),
    (
        6,
        1,
        "A lamp with a longer cable",
        "Three metres would let us move the reading corner.",
        "1",
        "LOW",
        "FEATURE_REQUEST",
        9,
    ),
];

/// Which customer, the words, days ago.
const NOTES: &[(usize, &str, i64)] = &[
    (
        0,
        "Ada wants the contract split in two: lobby now, restaurant in spring. Agreed to 5 % if both are signed by the end of the month.",
        3,
    ),
    (
        0,
        "Samples were well received. Sofia prefers the brushed brass.",
        20,
    ),
    (
        1,
        "Jonas presents our study to his client on Thursday; he needs the photometric data before.",
        7,
    ),
    (
        2,
        "Lucia was kind about the cracked pendants. Replacements sent free of charge.",
        1,
    ),
    (
        3,
        "Budget is approved. Rui waits for the landlord's consent to drill.",
        5,
    ),
    (
        5,
        "First call with Priya: needs glare-free light and easy cleaning. Asked for references from clinics.",
        8,
    ),
    (
        7,
        "Lost the terrace to a cheaper offer; Leila promised to ask us first about the dining room.",
        65,
    ),
    (
        9,
        "Klara invited us to the rehearsal to see the foyer by night.",
        15,
    ),
    (
        10,
        "Owen is happy with phase 1 apart from the brackets. Phase 2 depends on the answer.",
        4,
    ),
    (
        11,
        "Met Mei at the trade fair. Forty flats, start of works next winter.",
        28,
    ),
];

/// Which customer, what is to be done, in how many days, by whom, how urgent.
const TASKS: &[(usize, &str, i64, &str, &str)] = &[
    (0, "Send Ada the revised contract", 1, MARA, "HIGH"),
    (1, "Photometric data for Jonas", 2, MARA, "MEDIUM"),
    (
        10,
        "Ask the workshop about stainless brackets",
        0,
        NOOR,
        "HIGH",
    ),
    (7, "Quote for the dining room", 4, TOMAS, "MEDIUM"),
    (11, "Follow up with Mei after the fair", 7, MARA, "LOW"),
];

/// Which customer, what it was about, for how many minutes, days ago.
const CALLS: &[(usize, &str, i64, i64)] = &[
    (0, "Contract and delivery dates", 14, 2),
    (2, "Cracked pendants", 6, 1),
];

pub(super) fn tell(story: &mut Story<'_>, customers: &[Customer]) -> Answer<()> {
    for (at, name, amount, stage, began, closes) in DEALS {
        let deal = json!({
            "dealname": name, "amount": amount, "dealstage": stage, "pipeline": "default",
            "closedate": story.time(-*closes), "hubspot_owner_id": MARA,
            "dealtype": if *began > 100 { "newbusiness" } else { "existingbusiness" },
        });
        let reason = match *stage {
            "closedlost" => one("closed_lost_reason", "Another offer was cheaper"),
            _ => serde_json::Map::new(),
        };
        about(
            story,
            &customers[*at],
            0,
            "deals",
            *began,
            with(deal, reason),
        )?;
    }
    for (at, who, subject, content, stage, priority, category, days) in TICKETS {
        let ticket = json!({
            "subject": subject, "content": content, "hs_pipeline_stage": stage, "hs_ticket_priority": priority,
            "hs_ticket_category": category, "hubspot_owner_id": NOOR, "source_type": "EMAIL",
        });
        about(story, &customers[*at], *who, "tickets", *days, ticket)?;
    }
    for (at, words, days) in NOTES {
        let note = json!({
            "hs_note_body": words, "hs_timestamp": story.time(*days), "hubspot_owner_id": MARA,
        });
        about(story, &customers[*at], 0, "notes", *days, note)?;
    }
    for (at, subject, due, owner, priority) in TASKS {
        let task = json!({
            "hs_task_subject": subject, "hs_timestamp": story.time(-*due), "hs_task_status": "NOT_STARTED",
            "hs_task_priority": priority, "hs_task_type": "TODO", "hubspot_owner_id": owner,
        });
        about(story, &customers[*at], 0, "tasks", 3, task)?;
    }
    for (at, title, minutes, days) in CALLS {
        let call = json!({
            "hs_call_title": title, "hs_timestamp": story.time(*days), "hs_call_direction": "OUTBOUND",
            "hs_call_status": "COMPLETED", "hs_call_duration": minutes * 60_000, "hubspot_owner_id": MARA,
        });
        about(story, &customers[*at], 0, "calls", *days, call)?;
    }
    Ok(())
}

/// Something about a customer and one of its people.
fn about(
    story: &mut Story<'_>,
    customer: &Customer,
    who: usize,
    kind: &str,
    days: i64,
    properties: Value,
) -> Answer<()> {
    let made = story.create(kind, days, properties)?;
    story.link(&made, &customer.company);
    if let Some(contact) = customer.contacts.get(who) {
        story.link(&made, contact);
    }
    Ok(())
}
