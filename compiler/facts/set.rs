//! Many facts, sorted by what they are about.

use std::{ops::Range, slice, vec};

use super::Fact;
use crate::plan::{FactPath, Kind};

/// Facts by what they are about, each once.
///
/// A list and no tree: facts are made all at once, mostly in order, and afterwards walked along or asked for by the
/// number of their place.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Facts {
    /// Sorted, each path once.
    sorted: Vec<(FactPath, Fact)>,
}

impl Facts {
    /// No facts.
    #[must_use]
    pub fn new() -> Facts {
        Facts::default()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Where the fact about this stands among all, counted from 0.
    #[must_use]
    pub fn position(&self, path: &FactPath) -> Option<usize> {
        self.search(path).ok()
    }

    /// The fact about this.
    #[must_use]
    pub fn get(&self, path: &FactPath) -> Option<&Fact> {
        self.position(path).map(|at| &self.sorted[at].1)
    }

    /// Whether there is a fact about this.
    #[must_use]
    pub fn contains_key(&self, path: &FactPath) -> bool {
        self.position(path).is_some()
    }

    /// What there are facts about, in order.
    pub fn keys(&self) -> impl Iterator<Item = &FactPath> {
        self.sorted.iter().map(|(path, _)| path)
    }

    /// The facts without what they are about, in order.
    pub fn values(&self) -> impl Iterator<Item = &Fact> {
        self.sorted.iter().map(|(_, fact)| fact)
    }

    /// All facts with what they are about, in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.sorted.iter())
    }

    /// The facts about a workload, in order.
    #[must_use]
    pub fn of_workload(&self, workload: &str) -> Iter<'_> {
        let from = self.sorted.partition_point(|(path, _)| *path.workload < *workload);
        let length = self.sorted[from..].partition_point(|(path, _)| *path.workload == *workload);
        Iter(self.sorted[from..from + length].iter())
    }

    /// Where the facts of a kind about a workload stand among all.
    #[must_use]
    pub fn range_of(&self, workload: &str, kind: Kind) -> Range<usize> {
        let from = self.sorted.partition_point(|(path, _)| (&*path.workload, path.kind) < (workload, kind));
        let is_one = |(path, _): &(FactPath, Fact)| path.kind == kind && *path.workload == *workload;
        from..from + self.sorted[from..].partition_point(is_one)
    }

    /// The fact at a place, with what it is about.
    ///
    /// # Panics
    /// There is no such place.
    #[must_use]
    pub fn at(&self, place: usize) -> (&FactPath, &Fact) {
        let (path, fact) = &self.sorted[place];
        (path, fact)
    }

    /// Adds a fact; one about the same thing is replaced.
    pub fn insert(&mut self, path: FactPath, fact: Fact) {
        match self.search(&path) {
            Ok(at) => self.sorted[at].1 = fact,
            Err(at) => self.sorted.insert(at, (path, fact)),
        }
    }

    /// Takes the fact about this away.
    pub fn remove(&mut self, path: &FactPath) -> Option<Fact> {
        self.position(path).map(|at| self.sorted.remove(at).1)
    }

    /// Keeps some facts.
    pub fn retain(&mut self, keep: impl Fn(&FactPath, &Fact) -> bool) {
        self.sorted.retain(|(path, fact)| keep(path, fact));
    }

    fn search(&self, path: &FactPath) -> Result<usize, usize> {
        self.sorted.binary_search_by(|(known, _)| known.cmp(path))
    }
}

/// In any order; of two facts about the same thing the later stays.
impl From<Vec<(FactPath, Fact)>> for Facts {
    fn from(mut facts: Vec<(FactPath, Fact)>) -> Facts {
        // This sort keeps the order of equals, and is short where most is in order already.
        facts.sort_by(|(one, _), (other, _)| one.cmp(other));
        facts.dedup_by(|later, kept| {
            let again = later.0 == kept.0;
            if again {
                std::mem::swap(later, kept);
            }
            again
        });
        Facts { sorted: facts }
    }
}

impl FromIterator<(FactPath, Fact)> for Facts {
    fn from_iter<I: IntoIterator<Item = (FactPath, Fact)>>(facts: I) -> Facts {
        facts.into_iter().collect::<Vec<_>>().into()
    }
}

impl IntoIterator for Facts {
    type Item = (FactPath, Fact);
    type IntoIter = vec::IntoIter<(FactPath, Fact)>;

    fn into_iter(self) -> Self::IntoIter {
        self.sorted.into_iter()
    }
}

impl<'f> IntoIterator for &'f Facts {
    type Item = (&'f FactPath, &'f Fact);
    type IntoIter = Iter<'f>;

    fn into_iter(self) -> Iter<'f> {
        self.iter()
    }
}

/// Facts with what they are about, in order.
#[derive(Clone, Debug)]
pub struct Iter<'f>(slice::Iter<'f, (FactPath, Fact)>);

impl<'f> Iterator for Iter<'f> {
    type Item = (&'f FactPath, &'f Fact);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(path, fact)| (path, fact))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}
