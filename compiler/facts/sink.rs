//! Facts while they are collected.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Delivery, Fact, Facts, Place, State};
use crate::{
    plan::{FactPath, Kind, Leaf},
    value::{Image, Value},
};

/// Tags that mean another image tomorrow.
const FLOATING: &[&str] = &["latest", "stable", "main", "master", "edge", "nightly", "dev", "develop"];

/// Facts in the order in which they are found.
#[derive(Default)]
pub(super) struct Sink {
    facts: Vec<(FactPath, Fact)>,
    /// The workload that facts are about.
    pub(super) workload: SmolStr,
}

impl Sink {
    /// A sink for about so many facts.
    pub(super) fn with_capacity(capacity: usize) -> Sink {
        Sink { facts: Vec::with_capacity(capacity), workload: SmolStr::default() }
    }

    /// Adds a fact that stands there as it is.
    pub(super) fn put(&mut self, kind: Kind, key: &SmolStr, field: &'static str, value: Value, place: Place) {
        self.push(kind, key, field, Fact { value, delivery: Delivery::Literal, state: State::Set, place });
    }

    /// Adds a fact.
    pub(super) fn push(&mut self, kind: Kind, key: &SmolStr, field: &'static str, fact: Fact) {
        debug_assert!(kind.row().field(field).is_some(), "no row for {kind:?}.{field}");
        let path = FactPath { workload: self.workload.clone(), kind, key: key.clone(), field };
        self.facts.push((path, fact));
    }

    /// Adds a fact of a workload that has one of the kind.
    pub(super) fn one(&mut self, kind: Kind, field: &'static str, value: Value, place: Place) {
        self.put(kind, &SmolStr::default(), field, value, place);
    }

    /// Adds an image, and whether it floats.
    pub(super) fn image(&mut self, value: Value, state: State, place: Place) {
        let state = match &value {
            Value::Image(image) if state == State::Set && floats(image) => State::Floating,
            _ => state,
        };
        self.push(Kind::Image, &SmolStr::default(), "", Fact { value, delivery: Delivery::Literal, state, place });
    }

    /// Takes facts about the workload away.
    pub(super) fn retain(&mut self, keep: impl Fn(&FactPath, &Fact) -> bool) {
        let workload = self.workload.clone();
        self.facts.retain(|(path, fact)| path.workload != workload || keep(path, fact));
    }

    /// Variables of the workload that hold the path of a mounted secret say that secret.
    pub(super) fn follow_secret_files(&mut self) {
        let own = |path: &FactPath, kind| path.workload == self.workload && path.kind == kind;
        let files: BTreeMap<SmolStr, Value> = self
            .facts
            .iter()
            .filter(|(path, fact)| own(path, Kind::File) && matches!(fact.value, Value::Secret(_)))
            .map(|(path, fact)| (path.key.clone(), fact.value.clone()))
            .collect();
        for (path, fact) in &mut self.facts {
            if path.workload == self.workload
                && path.kind == Kind::Env
                && let Value::String(text) = &fact.value
                && let Some(secret) = files.get(text)
            {
                (fact.value, fact.delivery) = (secret.clone(), Delivery::File);
            }
        }
    }

    /// Everything found, sorted; of two facts about the same thing the later.
    pub(super) fn finish(self) -> Facts {
        self.facts.into()
    }
}

/// Whether an image may be another tomorrow: no digest, and no tag or one that moves, such as `latest` or `4`.
pub(super) fn floats(image: &Image) -> bool {
    let tag = &*image.tag;
    let major =
        !tag.is_empty() && tag.len() < 4 && tag.trim_start_matches('v').bytes().all(|byte| byte.is_ascii_digit());
    image.digest.is_empty() && (tag.is_empty() || major || FLOATING.contains(&tag))
}

/// The place of a leaf of a plan.
pub(super) fn place(leaf: &Leaf) -> Place {
    Place { origins: leaf.origins.clone(), at: leaf.at, line: 0 }
}

/// A line of a file.
pub(super) fn line(line: u32) -> Place {
    Place { line, ..Place::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_out_in_order_and_the_later_of_two_stays() {
        let names = ["b", "a", "", "ab", "abcdefgh", "abcdefg", "abcdefga", "a\u{e9}", "a\u{1}"];
        let mut sink = Sink::default();
        for (at, workload) in [(0, "web"), (1, "api"), (2, "web")] {
            sink.workload = workload.into();
            for (number, name) in (10 * at..).zip(names) {
                sink.put(Kind::Port, &(*name).into(), "", Value::Int(number), Place::default());
                sink.put(Kind::Env, &(*name).into(), "", Value::Int(number), Place::default());
            }
        }
        let expected: BTreeMap<FactPath, Fact> = sink.facts.iter().cloned().collect();
        assert_eq!(expected.len(), 4 * names.len());
        let found = sink.finish();
        assert!(found.iter().eq(expected.iter()));
        assert!(found.values().filter(|fact| matches!(fact.value, Value::Int(20..))).count() == 2 * names.len());
    }
}
