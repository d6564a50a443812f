//! Many facts, sorted by what they are about.

use std::{ops::Range, slice, vec};

use smol_str::SmolStr;

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
    /// Where the facts of each workload begin. Workloads are few, and their names long: a fact is looked for among those
    /// of its workload.
    starts: Vec<usize>,
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
        Iter(self.sorted[self.places_of(workload)].iter())
    }

    /// Where the facts of a kind about a workload stand among all.
    #[must_use]
    pub fn range_of(&self, workload: &str, kind: Kind) -> Range<usize> {
        let Range { start, end } = self.places_of(workload);
        let from = start + self.sorted[start..end].partition_point(|(path, _)| path.kind < kind);
        from..from + self.sorted[from..end].partition_point(|(path, _)| path.kind == kind)
    }

    /// Where the facts about a workload stand among all; where they would stand if there are none.
    fn places_of(&self, workload: &str) -> Range<usize> {
        let rank = self.starts.partition_point(|start| *self.sorted[*start].0.workload < *workload);
        let start_of = |rank: usize| self.starts.get(rank).copied().unwrap_or(self.sorted.len());
        let start = start_of(rank);
        let is_one = self.sorted.get(start).is_some_and(|(path, _)| *path.workload == *workload);
        start..if is_one { start_of(rank + 1) } else { start }
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
            Err(at) => {
                self.sorted.insert(at, (path, fact));
                self.find_starts();
            }
        }
    }

    /// Takes the fact about this away.
    pub fn remove(&mut self, path: &FactPath) -> Option<Fact> {
        let at = self.position(path)?;
        let (_, fact) = self.sorted.remove(at);
        self.find_starts();
        Some(fact)
    }

    /// Keeps some facts.
    pub fn retain(&mut self, keep: impl Fn(&FactPath, &Fact) -> bool) {
        self.sorted.retain(|(path, fact)| keep(path, fact));
        self.find_starts();
    }

    fn search(&self, path: &FactPath) -> Result<usize, usize> {
        let Range { start, end } = self.places_of(&path.workload);
        let found = self.sorted[start..end].binary_search_by(|(known, _)| known.cmp_within(path));
        found.map(|at| start + at).map_err(|at| start + at)
    }

    fn find_starts(&mut self) {
        self.starts.clear();
        for at in 0..self.sorted.len() {
            let workload = |at: usize| &self.sorted[at].0.workload;
            if at == 0 || workload(at) != workload(at - 1) {
                self.starts.push(at);
            }
        }
    }
}

/// In any order; of two facts about the same thing the later stays.
impl From<Vec<(FactPath, Fact)>> for Facts {
    fn from(mut facts: Vec<(FactPath, Fact)>) -> Facts {
        let beside = |one: &FactPath, other: &FactPath| one.kind == other.kind && one.workload == other.workload;
        let is_before = |(one, _): &(FactPath, Fact), (other, _): &(FactPath, Fact)| {
            beside(one, other) || (&one.workload, one.kind) <= (&other.workload, other.kind)
        };
        if !facts.is_sorted_by(is_before) {
            // Facts are large: numbers of their workloads are sorted, which keeps the order of equals.
            let mut names: Vec<SmolStr> = facts.iter().map(|(path, _)| path.workload.clone()).collect();
            names.dedup();
            names.sort_unstable();
            let rank = |path: &FactPath| names.partition_point(|name| *name < path.workload);
            facts.sort_by_cached_key(|(path, _)| (rank(path), path.kind));
        }
        // What is left are a few facts of one kind, or many that mostly are in order.
        for alike in facts.chunk_by_mut(|(one, _), (other, _)| beside(one, other)) {
            alike.sort_by(|(one, _), (other, _)| one.cmp_within(other));
        }
        facts.dedup_by(|later, kept| {
            let again = later.0 == kept.0;
            if again {
                std::mem::swap(later, kept);
            }
            again
        });
        let mut facts = Facts { sorted: facts, starts: Vec::new() };
        facts.find_starts();
        facts
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Delivery, Place, State},
        value::Value,
    };

    fn path(workload: &str, kind: Kind, key: &str, field: &'static str) -> FactPath {
        FactPath { workload: workload.into(), kind, key: key.into(), field }
    }

    fn fact(number: i64) -> Fact {
        Fact { value: Value::Int(number), delivery: Delivery::Literal, state: State::Set, place: Place::default() }
    }

    #[test]
    fn facts_are_found_among_those_of_their_workload() {
        let mut all = Vec::new();
        for workload in ["web", "api", "", "db"] {
            all.push((path(workload, Kind::Port, "http", "protocol"), fact(1)));
            all.push((path(workload, Kind::Port, "http", ""), fact(2)));
            all.push((path(workload, Kind::Env, "B", ""), fact(3)));
            all.push((path(workload, Kind::Env, "A", ""), fact(4)));
        }
        let mut facts = Facts::from(all.clone());
        for (path, fact) in &all {
            assert_eq!(facts.get(path), Some(fact), "{path}");
            assert!(facts.position(path).is_some_and(|at| facts.at(at).0 == path));
        }
        assert_eq!((facts.range_of("db", Kind::Env), facts.range_of("db", Kind::Port)), (8..10, 10..12));
        for other in ["a", "dc", "zzz"] {
            assert!(facts.of_workload(other).next().is_none() && facts.range_of(other, Kind::Env).is_empty());
            assert!(facts.get(&path(other, Kind::Env, "A", "")).is_none());
        }
        assert_eq!(facts.of_workload("api").count(), 4);
        facts.insert(path("cron", Kind::Env, "A", ""), fact(5));
        facts.insert(path("api", Kind::Env, "A", ""), fact(6));
        assert_eq!(facts.remove(&path("api", Kind::Env, "B", "")), Some(fact(3)));
        facts.retain(|path, _| &*path.workload != "db");
        assert_eq!((facts.len(), facts.of_workload("api").count(), facts.of_workload("web").count()), (12, 3, 4));
        assert_eq!(facts.get(&path("cron", Kind::Env, "A", "")), Some(&fact(5)));
        assert_eq!(facts.get(&path("api", Kind::Env, "A", "")), Some(&fact(6)));
    }
}
