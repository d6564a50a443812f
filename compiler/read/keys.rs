//! Whether a map has a key already, in time that does not grow with the map.
//!
//! In: the entries so far, a key. Out: yes or no. Never: hashing where a look is cheaper.

use std::{borrow::Cow, collections::HashSet};

use super::Node;

/// Up to so many keys are compared one by one.
const FEW: usize = 16;

/// The keys of one map, once they are many.
#[derive(Default)]
pub(super) struct Keys<'t>(HashSet<Cow<'t, str>>);

impl<'t> Keys<'t> {
    /// Whether `key` is new beside `entries`, all of which were asked for before.
    #[expect(clippy::ptr_arg, reason = "many keys are kept, and most are borrowed")]
    pub(super) fn are_without(&mut self, key: &Cow<'t, str>, entries: &[(Cow<'t, str>, Node<'t>)]) -> bool {
        if entries.len() < FEW {
            return entries.iter().all(|(other, _)| other != key);
        }
        if self.0.is_empty() {
            self.0.reserve(4 * FEW);
            self.0.extend(entries.iter().map(|(key, _)| key.clone()));
        }
        self.0.insert(key.clone())
    }
}
