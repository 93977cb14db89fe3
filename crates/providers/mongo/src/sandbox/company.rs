//! The shop of the demo company, which makes lamps: products, customers and a year of orders.

use bson::{Bson, DateTime, Decimal128, Document, doc, oid::ObjectId};

use super::store::{Index, Store};

/// Ids that stay the same from one start to the next, so that a demonstration can name them.
fn id(kind: u8, number: u8) -> ObjectId {
    ObjectId::from_bytes([0x69, 0x5b, kind, 0, 0, 0, 0, 0, 0, 0, 0, number])
}

/// A day of 2026, the first being 0.
fn day(number: i64) -> DateTime {
    DateTime::from_millis(1_767_225_600_000 + number * 86_400_000)
}

/// An amount of money, of cents.
fn money(cents: u32) -> Bson {
    let text = format!("{}.{:02}", cents / 100, cents % 100);
    text.parse::<Decimal128>()
        .map_or(Bson::Null, Bson::Decimal128)
}

const PRODUCTS: &[(&str, &str, u32, i32)] = &[
    ("LN-100", "Harbor Lantern", 12_900, 240),
    ("LN-200", "Fjord Pendant", 24_900, 85),
    ("LN-300", "Quill Desk Lamp", 8900, 410),
    ("LN-400", "Atlas Floor Lamp", 31_900, 12),
];

const CUSTOMERS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "Harbor & Pine Hotels",
        "Ada Park",
        "ada.park@harborpine.example",
        "Portland",
        "hospitality",
    ),
    (
        "Studio Meridian",
        "Jonas Weber",
        "jonas.weber@studiomeridian.example",
        "Berlin",
        "architecture",
    ),
    (
        "Cobalt Coffee Roasters",
        "Lucia Romano",
        "lucia@cobaltcoffee.example",
        "Seattle",
        "food",
    ),
    (
        "Atlas Coworking",
        "Rui Carvalho",
        "rui@atlascowork.example",
        "Lisbon",
        "offices",
    ),
    (
        "Fjord Outdoor",
        "Ingrid Solberg",
        "ingrid@fjordoutdoor.example",
        "Oslo",
        "retail",
    ),
    (
        "Verdant Clinics",
        "Priya Nair",
        "priya.nair@verdantclinics.example",
        "Toronto",
        "health",
    ),
    (
        "Quill Books",
        "Hamish Reid",
        "hamish@quillbooks.example",
        "Edinburgh",
        "retail",
    ),
    (
        "Saffron Table",
        "Leila Haddad",
        "leila@saffrontable.example",
        "Chicago",
        "food",
    ),
    (
        "Pebble Schools",
        "Marcus Green",
        "marcus@pebbleschools.example",
        "Austin",
        "education",
    ),
    (
        "Lumen Theatre",
        "Klara Novak",
        "klara@lumentheatre.example",
        "Vienna",
        "culture",
    ),
    (
        "Tidewater Marine",
        "Owen Fitch",
        "owen@tidewater.example",
        "Boston",
        "marine",
    ),
    (
        "Orchard Row",
        "Mei Tan",
        "mei@orchardrow.example",
        "Melbourne",
        "housing",
    ),
];

const ORDERS: u8 = 48;

fn products() -> Vec<Document> {
    let product = |(sku, name, price, stock): &(&str, &str, u32, i32)| {
        doc! { "_id": *sku, "name": *name, "price": money(*price), "stock": *stock }
    };
    PRODUCTS.iter().map(product).collect()
}

fn customers() -> Vec<Document> {
    let customer = |(number, row): (u8, &(&str, &str, &str, &str, &str))| {
        let (company, contact, email, city, branch) = *row;
        doc! {
            "_id": id(1, number), "company": company, "contact": contact, "email": email,
            "address": { "city": city }, "branch": branch, "since": day(i64::from(number) * 11),
        }
    };
    (1..).zip(CUSTOMERS).map(customer).collect()
}

/// Orders that follow from their numbers: some customers buy often, and what is recent is still under way.
fn orders() -> Vec<Document> {
    (1..=ORDERS).map(order).collect()
}

fn order(number: u8) -> Document {
    let n = usize::from(number);
    let buyer = [0, 2, 0, 7, 1, 3, 10, 2, 5, 8, 0, 11, 4, 6, 9, 7][n % 16];
    let lines: Vec<(usize, u32)> = [(n % 4, 1 + u32::from(number) % 6), ((n / 3) % 4, 2)]
        .into_iter()
        .take(1 + n % 2)
        .collect();
    let total: u32 = lines
        .iter()
        .map(|(product, quantity)| PRODUCTS[*product].2 * quantity)
        .sum();
    let status = match number {
        47.. => "open",
        44.. => "shipped",
        _ if number.is_multiple_of(13) => "cancelled",
        _ => "paid",
    };
    let lines: Vec<Document> = lines
        .into_iter()
        .map(|(product, quantity)| {
            let (sku, _, price, _) = PRODUCTS[product];
            doc! { "sku": sku, "quantity": i64::from(quantity), "price": money(price) }
        })
        .collect();
    let customer = u8::try_from(buyer + 1).unwrap_or(1);
    doc! {
        "_id": id(2, number), "number": 4370 + i32::from(number), "customer_id": id(1, customer),
        "company": CUSTOMERS[buyer].0, "status": status, "total": money(total), "currency": "USD",
        "lines": lines, "created": day(40 + i64::from(number) * 6),
    }
}

/// Puts everything into the database `shop`.
pub(super) fn fill(store: &mut Store) {
    store.drop_database("shop");
    let parts = [
        ("products", products(), None),
        (
            "customers",
            customers(),
            Some(doc! { "key": { "email": 1 }, "name": "email_1", "unique": true }),
        ),
        (
            "orders",
            orders(),
            Some(
                doc! { "key": { "customer_id": 1, "created": -1 }, "name": "customer_id_1_created_-1" },
            ),
        ),
    ];
    for (name, documents, index) in parts {
        let collection = store.collection_or_create("shop", name);
        if let Some(index) = index.and_then(|spec| Index::parse(&spec).ok()) {
            // The collection is new, so nothing can conflict or be duplicate.
            let _ = collection.create_index(index);
        }
        for document in documents {
            let _ = collection.insert(document);
        }
    }
}
