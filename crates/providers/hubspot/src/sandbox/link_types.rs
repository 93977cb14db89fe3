//! HubSpot's own types of associations.

/// Between objects of two types: its number in each direction, and its label.
pub(super) struct Row {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) there: u32,
    pub(super) back: u32,
    /// Of each direction; without one it is the plain association.
    pub(super) labels: Option<(&'static str, &'static str)>,
}

const fn plain(from: &'static str, to: &'static str, there: u32, back: u32) -> Row {
    Row {
        from,
        to,
        there,
        back,
        labels: None,
    }
}

const fn primary(from: &'static str, to: &'static str, there: u32, back: u32) -> Row {
    Row {
        labels: Some((PRIMARY, PRIMARY)),
        ..plain(from, to, there, back)
    }
}

/// An object has at most one company of this label.
pub(super) const PRIMARY: &str = "Primary";

const CONTACT: &str = "0-1";
const COMPANY: &str = "0-2";
const DEAL: &str = "0-3";
const TICKET: &str = "0-5";
const PRODUCT_LINE: &str = "0-8";
const QUOTE: &str = "0-14";
const TASK: &str = "0-27";
const NOTE: &str = "0-46";
const MEETING: &str = "0-47";
const CALL: &str = "0-48";
const EMAIL: &str = "0-49";
const LEAD: &str = "0-136";

pub(super) const ROWS: &[Row] = &[
    plain(CONTACT, COMPANY, 279, 280),
    primary(CONTACT, COMPANY, 1, 2),
    plain(DEAL, CONTACT, 3, 4),
    plain(DEAL, COMPANY, 341, 342),
    primary(DEAL, COMPANY, 5, 6),
    plain(TICKET, CONTACT, 16, 15),
    plain(TICKET, COMPANY, 339, 340),
    primary(TICKET, COMPANY, 26, 25),
    plain(TICKET, DEAL, 28, 27),
    plain(CONTACT, CONTACT, 449, 449),
    plain(COMPANY, COMPANY, 450, 450),
    Row {
        labels: Some(("Child Company", "Parent Company")),
        ..plain(COMPANY, COMPANY, 13, 14)
    },
    plain(DEAL, DEAL, 451, 451),
    plain(TICKET, TICKET, 452, 452),
    plain(DEAL, PRODUCT_LINE, 19, 20),
    plain(QUOTE, DEAL, 64, 63),
    plain(QUOTE, PRODUCT_LINE, 67, 68),
    plain(QUOTE, CONTACT, 69, 70),
    plain(QUOTE, COMPANY, 71, 72),
    plain(QUOTE, TASK, 217, 218),
    plain(CALL, COMPANY, 182, 181),
    plain(CALL, CONTACT, 194, 193),
    plain(CALL, DEAL, 206, 205),
    plain(CALL, TICKET, 220, 219),
    plain(CALL, MEETING, 399, 400),
    plain(EMAIL, COMPANY, 186, 185),
    plain(EMAIL, CONTACT, 198, 197),
    plain(EMAIL, DEAL, 210, 209),
    plain(EMAIL, TICKET, 224, 223),
    plain(MEETING, COMPANY, 188, 187),
    plain(MEETING, CONTACT, 200, 199),
    plain(MEETING, DEAL, 212, 211),
    plain(MEETING, TICKET, 226, 225),
    plain(NOTE, COMPANY, 190, 189),
    plain(NOTE, CONTACT, 202, 201),
    plain(NOTE, DEAL, 214, 213),
    plain(NOTE, TICKET, 228, 227),
    plain(TASK, COMPANY, 192, 191),
    plain(TASK, CONTACT, 204, 203),
    plain(TASK, DEAL, 216, 215),
    plain(TASK, TICKET, 230, 229),
    primary(LEAD, CONTACT, 578, 579),
    plain(LEAD, CONTACT, 608, 609),
    plain(LEAD, COMPANY, 610, 611),
];

/// One direction of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) id: u32,
    pub(super) back: u32,
    pub(super) label: Option<&'static str>,
    pub(super) back_label: Option<&'static str>,
}

/// HubSpot's types from one type of objects to another.
pub(super) fn between(from: &str, to: &str) -> Vec<Known> {
    let mut found = Vec::new();
    for row in ROWS {
        let (label, back_label) = row.labels.unzip();
        let there = Known {
            id: row.there,
            back: row.back,
            label,
            back_label,
        };
        let back = Known {
            id: row.back,
            back: row.there,
            label: back_label,
            back_label: label,
        };
        if (row.from, row.to) == (from, to) {
            found.push(there);
        }
        if (row.to, row.from) == (from, to) && !found.contains(&back) {
            found.push(back);
        }
    }
    found
}

/// Where a type leads that starts at objects of `from`.
pub(super) fn target(from: &str, id: u32) -> Option<&'static str> {
    ROWS.iter().find_map(|row| match () {
        () if row.from == from && row.there == id => Some(row.to),
        () if row.to == from && row.back == id => Some(row.from),
        () => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_leads_back() {
        for row in ROWS {
            let known = between(row.from, row.to);
            let there = known.iter().find(|known| known.id == row.there).unwrap();
            let back = between(row.to, row.from);
            let back = back.iter().find(|known| known.id == there.back).unwrap();
            assert_eq!(back.back, row.there);
            assert_eq!(target(row.from, row.there), Some(row.to));
        }
        assert_eq!(target("0-1", 202), None);
    }

    #[test]
    fn numbers_are_those_of_the_documentation() {
        let plain = |from, to| {
            between(from, to)
                .iter()
                .find(|known| known.label.is_none())
                .unwrap()
                .id
        };
        assert_eq!(plain("0-46", "0-1"), 202);
        assert_eq!(plain("0-1", "0-46"), 201);
        assert_eq!(plain("0-3", "0-1"), 3);
        assert_eq!(plain("0-1", "0-2"), 279);
        assert_eq!(between("0-2", "0-2").len(), 3);
    }
}
