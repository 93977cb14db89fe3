//! Resources of one kind, by id and in the order they were made.

use std::collections::{BTreeMap, HashMap};

/// Resources by id, listed newest or oldest first.
///
/// Bounded: when it is full the oldest makes room, so that a load test cannot fill the memory.
#[derive(Clone, Debug)]
pub struct Shelf<V> {
    next: u64,
    bound: usize,
    numbers: HashMap<String, u64>,
    items: BTreeMap<u64, (String, V)>,
}

impl<V> Default for Shelf<V> {
    /// Room for 100,000.
    fn default() -> Self {
        Self::bounded(100_000)
    }
}

impl<V> Shelf<V> {
    /// Room for `bound` resources, at least one.
    pub fn bounded(bound: usize) -> Self {
        Self {
            next: 0,
            bound: bound.max(1),
            numbers: HashMap::new(),
            items: BTreeMap::new(),
        }
    }

    /// Put a resource; one with the same id keeps its place in the order.
    pub fn insert(&mut self, id: impl Into<String>, value: V) -> &mut V {
        let id = id.into();
        let number = self.numbers.get(&id).copied().unwrap_or(self.next);
        if number == self.next {
            self.next += 1;
            self.numbers.insert(id.clone(), number);
            if self.items.len() >= self.bound
                && let Some((_, (oldest, _))) = self.items.pop_first()
            {
                self.numbers.remove(&oldest);
            }
        } else {
            self.items.remove(&number);
        }
        &mut self.items.entry(number).or_insert((id, value)).1
    }

    /// The resource with this id.
    pub fn get(&self, id: &str) -> Option<&V> {
        self.items
            .get(self.numbers.get(id)?)
            .map(|(_, value)| value)
    }

    /// The resource with this id, to change it.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut V> {
        self.items
            .get_mut(self.numbers.get(id)?)
            .map(|(_, value)| value)
    }

    /// Take the resource with this id away.
    pub fn remove(&mut self, id: &str) -> Option<V> {
        self.items
            .remove(&self.numbers.remove(id)?)
            .map(|(_, value)| value)
    }

    /// Oldest first; `.rev()` for newest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &V)> {
        self.items.values().map(|(id, value)| (id.as_str(), value))
    }

    /// Oldest first, to change them.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&str, &mut V)> {
        self.items
            .values_mut()
            .map(|(id, value)| (id.as_str(), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_listed_in_the_order_they_were_made() {
        let mut shelf = Shelf::default();
        for id in ["c", "a", "b"] {
            shelf.insert(id, id.len());
        }
        shelf.insert("a", 9);
        let ids: Vec<_> = shelf.iter().rev().map(|(id, value)| (id, *value)).collect();
        assert_eq!(ids, [("b", 1), ("a", 9), ("c", 1)]);
        assert_eq!(shelf.remove("a"), Some(9));
        assert_eq!(
            (shelf.get("a"), shelf.get("b"), shelf.len()),
            (None, Some(&1), 2)
        );
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut shelf = Shelf::bounded(2);
        for id in ["a", "b", "c"] {
            shelf.insert(id, ());
        }
        assert_eq!(
            shelf.iter().map(|(id, ())| id).collect::<Vec<_>>(),
            ["b", "c"]
        );
        assert!(shelf.get("a").is_none());
    }
}
