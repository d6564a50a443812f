//! What differs between two sets of facts.

use super::{Fact, Facts, Place};
use crate::plan::FactPath;

/// A fact that two sides do not state alike.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// What it is about.
    pub path: FactPath,
    /// Where the left side says it.
    pub left: Option<Place>,
    /// Where the right side says it.
    pub right: Option<Place>,
}

/// Everything that two sides do not state alike, in the order of facts.
#[must_use]
pub fn compare(left: &Facts, right: &Facts) -> Vec<Difference> {
    let same = |one: &Fact, other: &Fact| one.value == other.value && one.delivery == other.delivery;
    let mut found = Vec::new();
    for (path, fact) in left {
        match right.get(path) {
            Some(other) if same(fact, other) => {}
            other => found.push(Difference {
                path: path.clone(),
                left: Some(fact.place.clone()),
                right: other.map(|other| other.place.clone()),
            }),
        }
    }
    for (path, fact) in right.iter().filter(|(path, _)| !left.contains_key(*path)) {
        found.push(Difference { path: path.clone(), left: None, right: Some(fact.place.clone()) });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}
