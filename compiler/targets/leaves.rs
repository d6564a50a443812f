//! Which values of a file settings or a stack gave, and where they stand in its tree.
//!
//! In: the places of a tree, from its root downwards. Out: [`Leaf`]s with path, origins and line of the stack.
//! Invariant: what leads to several leaves is held once, so that a file's leaves cost little until somebody asks.

use std::{ops::Range, sync::Arc};

use crate::{plan::Origin, source::Span};

/// Every value in a file that settings or a stack gave, in the order of the file's tree.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Leaves {
    steps: Vec<Step>,
    origins: Vec<Origin>,
    said: Vec<Said>,
}

/// A value in a printed file.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Leaf<'f> {
    leaves: &'f Leaves,
    said: &'f Said,
}

/// A place in the tree of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// The tree itself.
    Root,
    /// The place to which this step leads.
    Step(usize),
}

#[derive(Clone, PartialEq, Debug)]
struct Step {
    above: Place,
    key: Key,
}

/// How a place lies in the one above it.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Key {
    Name(Arc<str>),
    Item(usize),
}

#[derive(Clone, PartialEq, Debug)]
struct Said {
    place: Place,
    origins: Range<usize>,
    at: Span,
}

impl Leaves {
    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Leaf<'_>> {
        self.said.iter().map(|said| Leaf { leaves: self, said })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// The settings that any of them was computed from, each once, in their order.
    #[must_use]
    pub(super) fn origins(&self) -> Vec<Origin> {
        let mut all: Vec<Origin> = Vec::new();
        for origin in &self.origins {
            if !all.contains(origin) {
                all.push(origin.clone());
            }
        }
        all
    }

    /// The place below another.
    pub(super) fn step(&mut self, above: Place, key: Key) -> Place {
        self.steps.push(Step { above, key });
        Place::Step(self.steps.len() - 1)
    }

    /// Adds the leaf at a place.
    pub(super) fn say(&mut self, place: Place, origins: &[Origin], at: Span) {
        let first = self.origins.len();
        self.origins.extend_from_slice(origins);
        self.said.push(Said { place, origins: first..self.origins.len(), at });
    }
}

impl<'f> Leaf<'f> {
    /// Keys, and numbers of list items from 0, down to it. A list or map that is one value has no deeper paths.
    #[must_use]
    pub fn path(&self) -> Vec<String> {
        let mut path = Vec::new();
        let mut place = self.said.place;
        while let Place::Step(index) = place {
            let step = &self.leaves.steps[index];
            path.push(match &step.key {
                Key::Name(name) => name.to_string(),
                Key::Item(number) => number.to_string(),
            });
            place = step.above;
        }
        path.reverse();
        path
    }

    /// The settings that it was computed from; empty for a constant of the stack.
    #[must_use]
    pub fn origins(&self) -> &'f [Origin] {
        &self.leaves.origins[self.said.origins.clone()]
    }

    /// The line of the stack that says it.
    #[must_use]
    pub fn at(&self) -> Span {
        self.said.at
    }
}
