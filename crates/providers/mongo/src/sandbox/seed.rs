//! Data to look at: a shop with customers and orders.

use bson::{Bson, DateTime, Decimal128, Document, doc, oid::ObjectId};

use super::store::{Index, Store};

/// Ids that stay the same from one start to the next, so that examples can name them.
fn id(kind: u8, number: u8) -> ObjectId {
    ObjectId::from_bytes([0x65, 0xf0, kind, 0, 0, 0, 0, 0, 0, 0, 0, number])
}

fn day(number: i64) -> DateTime {
    // From 2026-01-01 on.
    DateTime::from_millis(1_767_225_600_000 + number * 86_400_000)
}

fn amount(text: &str) -> Bson {
    text.parse::<Decimal128>()
        .map_or(Bson::Null, Bson::Decimal128)
}

fn customers() -> Vec<Document> {
    let rows = [
        (1, "Ada Park", "ada@example.com", "Berlin", "pro"),
        (2, "Bo Lindqvist", "bo@example.com", "Malmö", "free"),
        (3, "Chidi Eze", "chidi@example.com", "Lagos", "pro"),
        (4, "Dana Novak", "dana@example.com", "Brno", "free"),
    ];
    let document = |(number, name, email, city, plan)| {
        doc! {
            "_id": id(1, number), "name": name, "email": email, "address": { "city": city },
            "plan": plan, "created": day(i64::from(number)),
        }
    };
    rows.map(document).to_vec()
}

fn orders() -> Vec<Document> {
    let rows = [
        (1, 1, "paid", "12.50", &["book", "pen"][..]),
        (2, 1, "shipped", "99.00", &["lamp"][..]),
        (3, 2, "paid", "7.25", &["pen"][..]),
        (4, 3, "cancelled", "45.10", &["chair", "book"][..]),
        (5, 3, "paid", "250.00", &["desk"][..]),
    ];
    let document = |(number, customer, status, total, items): (u8, u8, &str, &str, &[&str])| {
        let lines: Vec<Document> = items
            .iter()
            .map(|sku| doc! { "sku": *sku, "quantity": 1 })
            .collect();
        doc! {
            "_id": id(2, number), "customer_id": id(1, customer), "status": status,
            "total": amount(total), "lines": lines, "created": day(10 + i64::from(number)),
        }
    };
    rows.map(document).to_vec()
}

pub(super) fn shop(store: &mut Store) {
    store.drop_database("shop");
    let indexes = [
        (
            "customers",
            doc! { "key": { "email": 1 }, "name": "email_1", "unique": true },
        ),
        (
            "orders",
            doc! { "key": { "customer_id": 1, "created": -1 }, "name": "customer_id_1_created_-1" },
        ),
    ];
    for (name, documents) in [("customers", customers()), ("orders", orders())] {
        let collection = store.collection_or_create("shop", name);
        for (_, spec) in indexes.iter().filter(|(of, _)| *of == name) {
            if let Ok(index) = Index::parse(spec) {
                // The collection is new, so nothing can conflict or be duplicate.
                let _ = collection.create_index(index);
            }
        }
        for document in documents {
            let _ = collection.insert(document);
        }
    }
}
