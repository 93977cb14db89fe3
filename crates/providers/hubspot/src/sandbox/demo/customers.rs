//! Companies that buy lamps, and the people there.

use serde_json::json;

use super::super::links::End;
use super::super::refusal::Answer;
use super::Story;

/// Mara sells, Tomás looks after customers, Noor helps when something broke.
pub(super) const MARA: &str = "70100001";
pub(super) const TOMAS: &str = "70100002";
pub(super) const NOOR: &str = "70100003";

struct Company {
    name: &'static str,
    domain: &'static str,
    city: &'static str,
    country: &'static str,
    industry: &'static str,
    people: u32,
    stage: &'static str,
    owner: &'static str,
    /// First name, last name, mail before the `@`, phone, job title.
    contacts: &'static [(
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
    )],
}

/// In the order of their arrival.
const COMPANIES: &[Company] = &[
    Company {
        name: "Harbor & Pine Hotels",
        domain: "harborpine.example",
        city: "Portland",
        country: "United States",
        industry: "HOSPITALITY",
        people: 420,
        stage: "customer",
        owner: MARA,
        contacts: &[
            (
                "Ada",
                "Park",
                "ada.park",
                "+14155552301",
                "Head of Procurement",
            ),
            (
                "Ben",
                "Okafor",
                "ben.okafor",
                "+15035550142",
                "Facilities Manager",
            ),
            ("Sofia", "Marin", "sofia.marin", "", "Interior Designer"),
        ],
    },
    Company {
        name: "Studio Meridian",
        domain: "studiomeridian.example",
        city: "Berlin",
        country: "Germany",
        industry: "ARCHITECTURE_PLANNING",
        people: 35,
        stage: "opportunity",
        owner: MARA,
        contacts: &[
            ("Jonas", "Weber", "jonas.weber", "+493055501182", "Partner"),
            ("Elif", "Yildiz", "elif.yildiz", "", "Lighting Planner"),
        ],
    },
    Company {
        name: "Cobalt Coffee Roasters",
        domain: "cobaltcoffee.example",
        city: "Seattle",
        country: "United States",
        industry: "FOOD_BEVERAGES",
        people: 64,
        stage: "customer",
        owner: TOMAS,
        contacts: &[
            ("Lucia", "Romano", "lucia", "+14155552303", "Owner"),
            ("Theo", "Brandt", "theo", "+12065550177", "Store Manager"),
            ("Hana", "Sato", "hana", "", "Bookkeeper"),
        ],
    },
    Company {
        name: "Atlas Coworking",
        domain: "atlascowork.example",
        city: "Lisbon",
        country: "Portugal",
        industry: "REAL_ESTATE",
        people: 48,
        stage: "opportunity",
        owner: MARA,
        contacts: &[
            (
                "Rui",
                "Carvalho",
                "rui",
                "+351215550134",
                "Chief Operating Officer",
            ),
            ("Inês", "Duarte", "ines", "", "Community Manager"),
        ],
    },
    Company {
        name: "Fjord Outdoor",
        domain: "fjordoutdoor.example",
        city: "Oslo",
        country: "Norway",
        industry: "RETAIL",
        people: 210,
        stage: "customer",
        owner: TOMAS,
        contacts: &[
            ("Ingrid", "Solberg", "ingrid", "+4722555019", "Purchasing"),
            ("Lars", "Moen", "lars", "", "Store Planner"),
            ("Anja", "Holm", "anja", "", "Accounts Payable"),
        ],
    },
    Company {
        name: "Verdant Clinics",
        domain: "verdantclinics.example",
        city: "Toronto",
        country: "Canada",
        industry: "HOSPITAL_HEALTH_CARE",
        people: 350,
        stage: "salesqualifiedlead",
        owner: MARA,
        contacts: &[
            (
                "Priya",
                "Nair",
                "priya.nair",
                "+14165550163",
                "Director of Operations",
            ),
            ("Daniel", "Cho", "daniel.cho", "", "Project Manager"),
        ],
    },
    Company {
        name: "Quill Books",
        domain: "quillbooks.example",
        city: "Edinburgh",
        country: "United Kingdom",
        industry: "RETAIL",
        people: 22,
        stage: "customer",
        owner: TOMAS,
        contacts: &[
            ("Hamish", "Reid", "hamish", "+441315550128", "Owner"),
            ("Fiona", "Grant", "fiona", "", "Events"),
        ],
    },
    Company {
        name: "Saffron Table",
        domain: "saffrontable.example",
        city: "Chicago",
        country: "United States",
        industry: "RESTAURANTS",
        people: 90,
        stage: "customer",
        owner: TOMAS,
        contacts: &[
            ("Leila", "Haddad", "leila", "+13125550108", "Chef and Owner"),
            ("Omar", "Said", "omar", "", "General Manager"),
            ("Grace", "Lin", "grace", "", "Office Manager"),
        ],
    },
    Company {
        name: "Pebble Schools",
        domain: "pebbleschools.example",
        city: "Austin",
        country: "United States",
        industry: "EDUCATION_MANAGEMENT",
        people: 180,
        stage: "marketingqualifiedlead",
        owner: MARA,
        contacts: &[
            (
                "Marcus",
                "Green",
                "marcus",
                "+15125550109",
                "Facilities Director",
            ),
            ("Ruth", "Alvarez", "ruth", "", "Principal"),
        ],
    },
    Company {
        name: "Lumen Theatre",
        domain: "lumentheatre.example",
        city: "Vienna",
        country: "Austria",
        industry: "MUSEUMS_AND_INSTITUTIONS",
        people: 120,
        stage: "opportunity",
        owner: MARA,
        contacts: &[
            (
                "Klara",
                "Novak",
                "klara",
                "+4315550176",
                "Technical Director",
            ),
            ("Emil", "Bauer", "emil", "", "Stage Manager"),
        ],
    },
    Company {
        name: "Tidewater Marine",
        domain: "tidewater.example",
        city: "Boston",
        country: "United States",
        industry: "MARITIME",
        people: 75,
        stage: "customer",
        owner: TOMAS,
        contacts: &[
            ("Owen", "Fitch", "owen", "+16175550111", "Yard Manager"),
            ("Carla", "Mendes", "carla", "", "Purchasing"),
            ("Pete", "Walsh", "pete", "", "Electrician"),
        ],
    },
    Company {
        name: "Orchard Row",
        domain: "orchardrow.example",
        city: "Melbourne",
        country: "Australia",
        industry: "REAL_ESTATE",
        people: 40,
        stage: "lead",
        owner: MARA,
        contacts: &[
            ("Mei", "Tan", "mei", "+61395550145", "Development Manager"),
            ("Jack", "Doyle", "jack", "", "Site Manager"),
            ("Zoe", "Papas", "zoe", "", "Marketing"),
        ],
    },
];

/// A company with the people there.
pub(super) struct Customer {
    pub(super) company: End,
    pub(super) contacts: Vec<End>,
}

/// The customers, in the order of the table.
pub(super) fn tell(story: &mut Story<'_>) -> Answer<Vec<Customer>> {
    let mut customers = Vec::new();
    for (n, row) in (0_i64..).zip(COMPANIES) {
        let since = 320 - n * 21;
        let company = json!({
            "name": row.name, "domain": row.domain, "website": format!("https://www.{}", row.domain),
            "city": row.city, "country": row.country, "industry": row.industry,
            "numberofemployees": row.people, "lifecyclestage": row.stage, "hubspot_owner_id": row.owner,
            "phone": row.contacts[0].3,
        });
        let company = story.create("companies", since, company)?;
        let mut contacts = Vec::new();
        for (m, (first, last, mail, phone, title)) in (0_i64..).zip(row.contacts) {
            let contact = json!({
                "email": format!("{mail}@{}", row.domain), "firstname": first, "lastname": last,
                "phone": phone, "jobtitle": title, "company": row.name, "city": row.city,
                "country": row.country, "lifecyclestage": row.stage, "hubspot_owner_id": row.owner,
            });
            let contact = story.create("contacts", since - m * 9, contact)?;
            story.link(&contact, &company);
            contacts.push(contact);
        }
        customers.push(Customer { company, contacts });
    }
    Ok(customers)
}
