//! Which values of a file settings or a stack gave, and where they stand in its tree.
//!
//! In: the places of a tree, from its root downwards. Out: [`Leaf`]s with path, origins and line of the stack.
//! Invariant: what leads to several leaves is held once, so that a file's leaves cost little until somebody asks.

use std::ops::Range;

use smol_str::SmolStr;

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
    Name(SmolStr),
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

/// Places of a file's tree, for who walks down the tree and wants the leaves beside it.
#[derive(Debug)]
pub struct Spots<'f> {
    leaves: &'f Leaves,
    /// The first place below each; the tree itself has number 0, steps follow.
    first: Vec<u32>,
    /// The place that follows below the same one.
    next: Vec<u32>,
    /// The number of the leaf that stands there.
    said: Vec<u32>,
}

/// Where a walk through [`Spots`] is.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    number: u32,
    /// Where to look first for the next place below.
    follows: u32,
}

/// No place, or no leaf.
const NONE: u32 = u32::MAX;

impl Leaves {
    /// The places, in the order of the file.
    #[must_use]
    pub fn spots(&self) -> Spots<'_> {
        let count = self.steps.len() + 1;
        let mut spots =
            Spots { leaves: self, first: vec![NONE; count], next: vec![NONE; count], said: vec![NONE; count] };
        let number = |place: Place| match place {
            Place::Root => 0,
            Place::Step(index) => index + 1,
        };
        for (index, step) in self.steps.iter().enumerate().rev() {
            let above = number(step.above);
            spots.next[index + 1] = spots.first[above];
            spots.first[above] = (index + 1) as u32;
        }
        for (index, said) in self.said.iter().enumerate() {
            spots.said[number(said.place)] = index as u32;
        }
        spots
    }
}

impl<'f> Spots<'f> {
    /// The tree itself.
    #[must_use]
    pub fn root(&self) -> Spot {
        Spot { number: 0, follows: self.first[0] }
    }

    /// The place of a key, or of an item by its number, below another; none where no leaf is there or below. Quick for
    /// who asks in the order of the file.
    pub fn below(&self, spot: &mut Spot, key: &str, item: Option<usize>) -> Option<Spot> {
        let is = |number: u32| match (&self.leaves.steps[number as usize - 1].key, item) {
            (Key::Name(name), None) => **name == *key,
            (Key::Item(number), Some(item)) => *number == item,
            _ => false,
        };
        let there = |number: u32| (number != NONE).then_some(number);
        let from = |first: u32| std::iter::successors(there(first), move |number| there(self.next[*number as usize]));
        let found = from(spot.follows).chain(from(self.first[spot.number as usize])).find(|number| is(*number))?;
        spot.follows = self.next[found as usize];
        Some(Spot { number: found, follows: self.first[found as usize] })
    }

    /// The leaf at a place.
    #[must_use]
    pub fn leaf(&self, spot: Spot) -> Option<Leaf<'f>> {
        self.leaves.said.get(self.said[spot.number as usize] as usize).map(|said| Leaf { leaves: self.leaves, said })
    }

    /// Does something with the leaf at a place and with all below it, in the order of the file.
    pub fn each(&self, spot: Spot, act: &mut dyn FnMut(Leaf<'f>)) {
        self.leaf(spot).into_iter().for_each(&mut *act);
        let mut number = self.first[spot.number as usize];
        while number != NONE {
            self.each(Spot { number, follows: NONE }, act);
            number = self.next[number as usize];
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_are_found_beside_a_tree_in_any_order() {
        let mut leaves = Leaves::default();
        let at = |start| Span::new(crate::source::SourceId(1), start, start + 1);
        let map = leaves.step(Place::Root, Key::Name("map".into()));
        let list = leaves.step(Place::Root, Key::Name("list".into()));
        for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
            let place = leaves.step(map, Key::Name(name.into()));
            leaves.say(place, &[], at(number));
            let item = leaves.step(list, Key::Item(number));
            leaves.say(item, &[], at(10 + number));
        }
        let spots = leaves.spots();
        let mut root = spots.root();
        let mut list = spots.below(&mut root, "list", None).expect("it is there");
        let mut map = spots.below(&mut root, "map", None).expect("also before what was asked for last");
        assert!(spots.below(&mut root, "other", None).is_none());
        let mut starts = |keys: &[&str]| -> Vec<Option<u32>> {
            let start = |spot| spots.leaf(spot).map(|leaf| leaf.at().start);
            keys.iter().map(|key| spots.below(&mut map, key, None).and_then(start)).collect()
        };
        assert_eq!(starts(&["a", "b", "c", "x", "b", "a"]), [Some(0), Some(1), Some(2), None, Some(1), Some(0)]);
        assert!(spots.below(&mut list, "", Some(3)).is_none());
        assert!(spots.below(&mut list, "1", None).is_none(), "a name is no number");
        let mut found = Vec::new();
        spots.each(spots.root(), &mut |leaf| found.push(leaf.at().start));
        assert_eq!(found, [0, 1, 2, 10, 11, 12]);
        assert!(spots.leaf(root).is_none());
        let empty = Leaves::default();
        let spots = empty.spots();
        assert!(spots.below(&mut spots.root(), "a", None).is_none());
    }
}
