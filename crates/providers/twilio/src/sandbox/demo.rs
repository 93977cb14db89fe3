//! What `--sandbox-seed demo` puts into the account: messages and calls of a small company that makes lamps.

use std::time::{Duration, Instant};

use business_tools_sandbox::{clock, ids};

use super::state::{Account, Call, Message, Told};

/// The company's own number, one that every account has.
const DESK: &str = "+14155550100";

/// How long ago in minutes, to whom, and what.
const MESSAGES: &[(u64, &str, &str)] = &[
    (
        2880,
        "+14155552301",
        "Hi Ada, the samples of the Harbor Lantern left our workshop today. Mara, Northwind Lantern Co.",
    ),
    (
        1620,
        "+14155552303",
        "Hi Lucia, sorry about the two cracked pendants. Replacements go out tomorrow, free of charge.",
    ),
    (
        1500,
        "+13125550108",
        "Your order of four Quill Desk Lamps has shipped. Track it at https://northwindlantern.example/t/4411",
    ),
    (
        410,
        "+14155552301",
        "Hi Ada, the contract for the lobby lanterns is in your inbox. Any question, call me: Mara",
    ),
    (
        95,
        "+16175550111",
        "Reminder: our installer visits Tidewater Marine tomorrow at 9:00. Reply C to cancel.",
    ),
    (
        12,
        "+14155552303",
        "Your replacement pendants were handed to the carrier.",
    ),
];

/// How long ago in minutes, to whom, whether recorded.
const CALLS: &[(u64, &str, bool)] = &[
    (3000, "+14155552301", true),
    (1640, "+14155552303", true),
    (200, "+15125550109", false),
];

/// Fills the account.
pub(super) fn fill(account: &mut Account) {
    let now = clock::now();
    // What happened long ago is at the end of its way; a machine that has just started knows no such instant.
    let long_ago = Instant::now()
        .checked_sub(Duration::from_mins(1))
        .unwrap_or_else(Instant::now);
    for (number, (minutes, to, body)) in MESSAGES.iter().enumerate() {
        let at = now - Duration::from_mins(*minutes);
        let message = Message {
            sid: ids::hex32_of("SM", &format!("demo {number}")),
            to: (*to).to_owned(),
            from: Some(DESK.to_owned()),
            service: None,
            body: (*body).to_owned(),
            media: 0,
            scheduled: false,
            canceled: false,
            made: long_ago,
            created: clock::rfc2822(at),
            day: clock::date(at),
            callback: None,
            told: Told::default(),
        };
        account.messages.insert(message.sid.clone(), message);
    }
    for (number, (minutes, to, record)) in CALLS.iter().enumerate() {
        let at = now - Duration::from_mins(*minutes);
        let call = Call {
            sid: ids::hex32_of("CA", &format!("demo {number}")),
            recording: ids::hex32_of("RE", &format!("demo {number}")),
            made: long_ago,
            created: clock::rfc2822(at),
            day: clock::date(at),
            ..Call::new((*to).to_owned(), DESK.to_owned(), *record)
        };
        account.calls.insert(call.sid.clone(), call);
    }
}
