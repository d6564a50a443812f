//! Sets of settings: what was read, what a rule asked, what reached an output.
//!
//! In: settings with the keys of the maps and lists above them. Out: the set.
//! Nearly all settings stand in no map, and nearly all of a stack are read, many times each: one bit notes that.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::Place;
use crate::schema::SettingId;

/// A set of settings, each with the keys of the maps and lists above it, outermost first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Instances {
    /// Those that stand in no map and no list: a bit each, by number.
    flat: Vec<u64>,
    deep: BTreeSet<Place>,
}

impl Instances {
    /// Adds one; whether it is new.
    pub fn insert(&mut self, id: SettingId, keys: &[SmolStr]) -> bool {
        if !keys.is_empty() {
            return self.deep.insert((id, keys.to_vec()));
        }
        let (word, bit) = place(id);
        if self.flat.len() <= word {
            self.flat.resize(word + 1, 0);
        }
        let is_new = self.flat[word] & bit == 0;
        self.flat[word] |= bit;
        is_new
    }

    /// Whether it is there.
    #[must_use]
    pub fn contains(&self, id: SettingId, keys: &[SmolStr]) -> bool {
        if !keys.is_empty() {
            return self.deep.contains(&(id, keys.to_vec()));
        }
        let (word, bit) = place(id);
        self.flat.get(word).is_some_and(|found| found & bit != 0)
    }

    /// Adds all of another set.
    pub fn add(&mut self, other: &Instances) {
        other.iter().for_each(|(id, keys)| _ = self.insert(id, keys));
    }

    /// All of them: first those that stand in no map and no list, each kind in the order of the stack.
    pub fn iter(&self) -> impl Iterator<Item = (SettingId, &[SmolStr])> {
        let flat = self.flat.iter().enumerate().flat_map(|(word, bits)| {
            let set = (0..u64::BITS).filter(move |bit| bits >> bit & 1 != 0);
            set.map(move |bit| (SettingId(word as u32 * u64::BITS + bit), [].as_slice()))
        });
        flat.chain(self.deep.iter().map(|(id, keys)| (*id, keys.as_slice())))
    }
}

/// The word of a setting's bit, and the bit in it.
fn place(id: SettingId) -> (usize, u64) {
    (id.index() / u64::BITS as usize, 1 << (id.0 % u64::BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_there_and_comes_out_once() {
        let (a, b): ([SmolStr; 1], [SmolStr; 1]) = (["a".into()], ["b".into()]);
        let all: [(u32, &[SmolStr]); 6] = [(0, &[]), (63, &[]), (64, &[]), (300, &[]), (3, &a), (3, &b)];
        let mut set = Instances::default();
        for (id, keys) in all.iter().rev() {
            assert!(!set.contains(SettingId(*id), keys));
            assert!(set.insert(SettingId(*id), keys) && !set.insert(SettingId(*id), keys));
            assert!(set.contains(SettingId(*id), keys));
        }
        assert!(!set.contains(SettingId(3), &[]) && !set.contains(SettingId(1000), &[]));
        assert!(set.iter().eq(all.into_iter().map(|(id, keys)| (SettingId(id), keys))));
        let mut sum = Instances::default();
        sum.insert(SettingId(5), &[]);
        sum.add(&set);
        assert_eq!(sum.iter().count(), 7);
    }
}
