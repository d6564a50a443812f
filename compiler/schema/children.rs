//! What stands below a setting or a key of a chart, by name.
//!
//! In: names, each once. Out: what they name, in the order of declaration.
//! Invariant: no name stands there twice.
//!
//! A list, not a hash map: there are many groups and few names in each, and to compare a few short names takes less than
//! to hash one. Only a large group has an index.

use std::{collections::BTreeMap, iter::Map, ops::Index, slice};

use smol_str::SmolStr;

/// Settings or keys by name.
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::box_collection, reason = "there are many groups, most have no index, and a pointer takes less room")]
pub struct Children<T> {
    list: Vec<(SmolStr, T)>,
    /// The places of the names in the list, where there are many.
    places: Option<Box<BTreeMap<SmolStr, usize>>>,
}

/// Up to how many names it takes no longer to look through them than to ask an index.
const FEW: usize = 64;

impl<T> Default for Children<T> {
    fn default() -> Children<T> {
        Children { list: Vec::new(), places: None }
    }
}

/// Each name once.
impl<T> From<Vec<(SmolStr, T)>> for Children<T> {
    fn from(list: Vec<(SmolStr, T)>) -> Children<T> {
        let places = || list.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
        let places = (list.len() > FEW).then(|| Box::new(places()));
        Children { list, places }
    }
}

impl<T> Children<T> {
    /// What has this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.place(name).map(|at| &self.list[at].1)
    }

    fn place(&self, name: &str) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(name).copied(),
            None => self.list.iter().position(|(own, _)| **own == *name),
        }
    }

    /// Whether something has this name.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Adds a name behind the others; one that is there keeps its place.
    pub fn insert(&mut self, name: SmolStr, child: T) {
        if let Some(at) = self.place(&name) {
            self.list[at].1 = child;
            return;
        }
        if let Some(places) = &mut self.places {
            places.insert(name.clone(), self.list.len());
        }
        self.list.push((name, child));
        if self.places.is_none() && self.list.len() > FEW {
            *self = std::mem::take(&mut self.list).into();
        }
    }

    /// Takes a name away.
    pub fn remove(&mut self, name: &str) {
        self.list.retain(|(own, _)| **own != *name);
        *self = std::mem::take(&mut self.list).into();
    }

    /// All of them.
    pub fn iter(&self) -> <&Children<T> as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// Their names.
    pub fn keys(&self) -> impl Iterator<Item = &SmolStr> + Clone {
        self.list.iter().map(|(name, _)| name)
    }

    /// What they name.
    pub fn values(&self) -> impl Iterator<Item = &T> + Clone {
        self.list.iter().map(|(_, child)| child)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }
}

impl<'c, T> IntoIterator for &'c Children<T> {
    type Item = (&'c SmolStr, &'c T);
    type IntoIter = Map<slice::Iter<'c, (SmolStr, T)>, fn(&'c (SmolStr, T)) -> (&'c SmolStr, &'c T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter().map(|(name, child)| (name, child))
    }
}

/// Of a name that is there.
impl<T> Index<&str> for Children<T> {
    type Output = T;

    fn index(&self, name: &str) -> &T {
        self.get(name).expect("the name is there")
    }
}

impl<T> FromIterator<(SmolStr, T)> for Children<T> {
    fn from_iter<I: IntoIterator<Item = (SmolStr, T)>>(all: I) -> Children<T> {
        let mut children = Children::default();
        all.into_iter().for_each(|(name, child)| children.insert(name, child));
        children
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_there_once_and_where_it_stood_first() {
        let mut children: Children<u32> =
            [("b", 1), ("a", 2)].map(|(name, child)| (name.into(), child)).into_iter().collect();
        children.insert("b".into(), 3);
        let found: Vec<(&str, u32)> = children.iter().map(|(name, child)| (&**name, *child)).collect();
        assert_eq!(found, [("b", 3), ("a", 2)]);
        assert_eq!((children.get("a"), children.get("c"), children["b"]), (Some(&2), None, 3));
        children.remove("b");
        assert_eq!((children.len(), children.contains_key("b")), (1, false));
    }

    #[test]
    fn many_names_are_found_as_few_are() {
        let name = |number: usize| -> SmolStr { number.to_string().into() };
        let mut children = Children::default();
        for number in 0..3 * FEW {
            assert!(!children.contains_key(&name(number)));
            children.insert(name(number), number);
            assert_eq!(
                (children.get(&name(number)), children.get("0"), children.len()),
                (Some(&number), Some(&0), number + 1)
            );
        }
        children.insert(name(FEW), 0);
        children.remove("1");
        assert_eq!(
            (children.len(), children.get("1"), children[&*name(FEW)], children["2"]),
            (3 * FEW - 1, None, 0, 2)
        );
        assert!(
            children
                .keys()
                .skip(1)
                .map(|name| &**name)
                .eq((2..3 * FEW).map(|number| number.to_string()).collect::<Vec<_>>())
        );
    }
}
