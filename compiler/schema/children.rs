//! What stands below a setting or a key of a chart, by name.
//!
//! In: names, each once. Out: what they name, in the order of declaration.
//! Invariant: no name stands there twice.
//!
//! A list, not a hash map: there are many groups and few names in each, and to compare a few short names takes less than
//! to hash one.

use std::{iter::Map, ops::Index, slice, sync::Arc};

/// Settings or keys by name.
#[derive(Clone, PartialEq, Debug)]
pub struct Children<T>(pub(super) Vec<(Arc<str>, T)>);

impl<T> Default for Children<T> {
    fn default() -> Children<T> {
        Children(Vec::new())
    }
}

impl<T> Children<T> {
    /// What has this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.iter().find(|(own, _)| ***own == *name).map(|(_, child)| child)
    }

    /// Whether something has this name.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Adds a name behind the others; one that is there keeps its place.
    pub fn insert(&mut self, name: Arc<str>, child: T) {
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            Some((_, own)) => *own = child,
            None => self.0.push((name, child)),
        }
    }

    /// Takes a name away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| **own != *name);
    }

    /// All of them.
    pub fn iter(&self) -> <&Children<T> as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// Their names.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<str>> + Clone {
        self.0.iter().map(|(name, _)| name)
    }

    /// What they name.
    pub fn values(&self) -> impl Iterator<Item = &T> + Clone {
        self.0.iter().map(|(_, child)| child)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'c, T> IntoIterator for &'c Children<T> {
    type Item = (&'c Arc<str>, &'c T);
    type IntoIter = Map<slice::Iter<'c, (Arc<str>, T)>, fn(&'c (Arc<str>, T)) -> (&'c Arc<str>, &'c T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(name, child)| (name, child))
    }
}

/// Of a name that is there.
impl<T> Index<&str> for Children<T> {
    type Output = T;

    fn index(&self, name: &str) -> &T {
        self.get(name).expect("the name is there")
    }
}

impl<T> FromIterator<(Arc<str>, T)> for Children<T> {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, T)>>(all: I) -> Children<T> {
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
}
