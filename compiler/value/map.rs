//! The entries of a map, behind one pointer: a map is rare, and a value that is none should not be as large as one.

use std::ops::{Deref, DerefMut};

use indexmap::{IndexMap, map};
use smol_str::SmolStr;

use super::Value;
use crate::pack::pack;

type Inner = IndexMap<SmolStr, Value>;

/// Values by key, in the order of declaration or writing.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Map(Box<Inner>);

pack!(struct Map(entries));

impl Deref for Map {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl DerefMut for Map {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.0
    }
}

impl From<Inner> for Map {
    fn from(entries: Inner) -> Map {
        Map(Box::new(entries))
    }
}

impl FromIterator<(SmolStr, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (SmolStr, Value)>>(entries: I) -> Map {
        Map::from(entries.into_iter().collect::<Inner>())
    }
}

impl IntoIterator for Map {
    type Item = (SmolStr, Value);
    type IntoIter = map::IntoIter<SmolStr, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
