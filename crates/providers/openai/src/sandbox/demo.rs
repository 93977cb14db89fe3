//! What `--sandbox-seed demo` puts into the account: files of a small company that makes lamps.

use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::ids::Sequence;

use super::Account;
use super::files::File;

/// How long ago in days, for what, and what is in it.
const FILES: &[(i64, &str, &str, &str)] = &[
    (
        21,
        "user_data",
        "returns-policy.txt",
        "Northwind Lantern Co. takes lamps back within 60 days. Cracked glass is replaced free of charge; send a \
         photo and the order number. Lamps made to measure cannot be returned.\n",
    ),
    (
        6,
        "fine-tune",
        "price-list.jsonl",
        concat!(
            r#"{"sku": "NL-100", "name": "Harbor Lantern", "price": 189.0, "currency": "USD", "stock": 42}"#,
            "\n",
            r#"{"sku": "NL-210", "name": "Quill Desk Lamp", "price": 129.0, "currency": "USD", "stock": 118}"#,
            "\n",
            r#"{"sku": "NL-320", "name": "Tide Pendant", "price": 249.0, "currency": "USD", "stock": 17}"#,
            "\n",
        ),
    ),
    (
        1,
        "user_data",
        "note-harbor-pine.txt",
        "Harbor & Pine Hotels want twelve Harbor Lanterns for the lobby, delivered before the holidays. Ada asked \
         for brass instead of steel; Mara promised an answer by Friday.\n",
    ),
];

/// Fills the account.
pub(super) fn fill(account: &mut Account, ids: &Sequence) {
    for (days, purpose, name, text) in FILES {
        let file = File::new(ids, name, purpose, Bytes::from_static(text.as_bytes()));
        account.keep(file.made_before(days * 24 * 3_600));
    }
}
