//! Trees under construction that remember which leaf each value came from.
//!
//! In: leaves and trees of the plan. Out: an [`Output`] and, per value, its path with origins.
//! Never: text of a format.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::{
    leaves::{Key, Leaves, Place},
    words::{self, Speaker},
};
use crate::{
    emit::{self, Output},
    plan::{Format, Leaf, Origin, Tree},
    source::Span,
};

/// A tree under construction, of what a plan says.
#[derive(Clone, Debug)]
pub(super) enum Node<'p> {
    /// A value that settings or a line of the stack gave.
    Said(Output, Cow<'p, [Origin]>, Span),
    /// A value that follows from the target alone.
    Fixed(Output),
    /// A map.
    Map(Entries<'p>),
    /// A list.
    List(Vec<Node<'p>>),
}

/// The entries of a map, in the order of the file. No key stands twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries<'p>(Vec<(SmolStr, Node<'p>)>);

impl<'p> Node<'p> {
    /// A value printed from this leaf.
    pub(super) fn of(output: Output, leaf: &'p Leaf) -> Node<'p> {
        Node::Said(output, Cow::Borrowed(&leaf.origins), leaf.at)
    }

    /// A value printed from several leaves, the first of which says where.
    pub(super) fn joined(output: Output, leaves: &[&Leaf]) -> Node<'p> {
        let mut origins: Vec<Origin> = Vec::new();
        for origin in leaves.iter().flat_map(|leaf| &leaf.origins) {
            if !origins.contains(origin) {
                origins.push(origin.clone());
            }
        }
        Node::Said(output, origins.into(), leaves.first().map(|leaf| leaf.at).unwrap_or_default())
    }

    /// A text that follows from the target alone.
    pub(super) fn word(text: impl Into<String>) -> Node<'p> {
        Node::Fixed(Output::string(text))
    }

    /// The value of a leaf, in a target's words.
    pub(super) fn value(leaf: &'p Leaf, speaker: &dyn Speaker) -> Node<'p> {
        Node::of(words::output(&leaf.value, speaker), leaf)
    }

    /// The value of a leaf as text, in a target's words.
    pub(super) fn text(leaf: &'p Leaf, speaker: &dyn Speaker) -> Node<'p> {
        Node::of(Output::String(words::text(&leaf.value, speaker)), leaf)
    }

    /// The values of leaves as texts, in a target's words.
    pub(super) fn texts(leaves: &'p [Leaf], speaker: &dyn Speaker) -> Node<'p> {
        Node::List(leaves.iter().map(|leaf| Node::text(leaf, speaker)).collect())
    }

    /// A tree of the plan, in a target's words.
    pub(super) fn tree(tree: &'p Tree, speaker: &dyn Speaker) -> Node<'p> {
        match tree {
            Tree::Leaf(leaf) => Node::value(leaf, speaker),
            Tree::List(items) => Node::List(items.iter().map(|item| Node::tree(item, speaker)).collect()),
            Tree::Map(entries) => {
                let entries = entries.iter().map(|(key, item)| (key.clone(), Node::tree(item, speaker)));
                Node::Map(Entries(entries.collect()))
            }
            Tree::Embedded(format, inner) => Node::embedded(*format, inner, speaker),
        }
    }

    /// A tree of the plan as text in another format, in a target's words.
    pub(super) fn embedded(format: Format, tree: &'p Tree, speaker: &dyn Speaker) -> Node<'p> {
        let (mut output, said) = Node::tree(tree, speaker).finish();
        // The keys are part of a text now, and so are read by whoever reads texts.
        rename_keys(&mut output, &|key| speaker.literal(key));
        let at = said.iter().next().map(|leaf| leaf.at()).unwrap_or_default();
        Node::Said(Output::String(emit::embedded(format, &output)), said.origins().into(), at)
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Node::Map(entries) => entries.0.is_empty(),
            Node::List(items) => items.is_empty(),
            Node::Said(..) | Node::Fixed(_) => false,
        }
    }

    /// Puts `other` over this tree: maps merge, everything else is replaced.
    pub(super) fn merge(&mut self, other: Node<'p>) {
        match (self, other) {
            (Node::Map(below), Node::Map(above)) => {
                let few = below.0.len();
                for (key, value) in above.0 {
                    match below.0[..few].iter_mut().find(|(known, _)| *known == key) {
                        Some((_, under)) => under.merge(value),
                        None => below.0.push((key, value)),
                    }
                }
            }
            (under, over) => *under = over,
        }
    }

    /// Puts `other` under this tree: only what is not there comes in.
    pub(super) fn beneath(&mut self, other: Node<'p>) {
        let (Node::Map(above), Node::Map(below)) = (self, other) else { return };
        for (key, value) in below.0 {
            match above.0.iter_mut().find(|(known, _)| *known == key) {
                Some((_, over)) => over.beneath(value),
                None => above.0.push((key, value)),
            }
        }
    }

    /// The tree, and for each value that was said its path in it.
    pub(super) fn finish(self) -> (Output, Leaves) {
        let mut leaves = Leaves::default();
        let output = self.walk(Place::Root, &mut leaves);
        (output, leaves)
    }

    fn walk(self, place: Place, leaves: &mut Leaves) -> Output {
        let mut below = |key: Key, node: Node<'_>| match node {
            Node::Fixed(output) => output,
            node => {
                let place = leaves.step(place, key);
                node.walk(place, leaves)
            }
        };
        match self {
            Node::Fixed(output) => output,
            Node::Said(output, origins, at) => {
                leaves.say(place, &origins, at);
                output
            }
            Node::List(items) => {
                Output::List(items.into_iter().enumerate().map(|(at, item)| below(Key::Item(at), item)).collect())
            }
            Node::Map(entries) => {
                let entry = |(key, node): (SmolStr, _)| (key.clone(), below(Key::Name(key), node));
                Output::Map(entries.0.into_iter().map(entry).collect())
            }
        }
    }
}

impl<'p> From<Entries<'p>> for Node<'p> {
    fn from(entries: Entries<'p>) -> Node<'p> {
        Node::Map(entries)
    }
}

impl<'p> Entries<'p> {
    /// The values without their keys.
    pub(super) fn into_list(self) -> Node<'p> {
        Node::List(self.0.into_iter().map(|(_, node)| node).collect())
    }

    /// Adds an entry, or puts it in the place of that with the same key. There should be few.
    pub(super) fn put(&mut self, key: &str, node: impl Into<Node<'p>>) {
        match self.0.iter_mut().find(|(known, _)| **known == *key) {
            Some((_, known)) => *known = node.into(),
            None => self.0.push((key.into(), node.into())),
        }
    }

    /// Adds an entry whose key is known to be new.
    pub(super) fn add(&mut self, key: &SmolStr, node: impl Into<Node<'p>>) {
        self.0.push((key.clone(), node.into()));
    }

    /// Adds an entry if there is one.
    pub(super) fn maybe(&mut self, key: &str, node: Option<Node<'p>>) {
        if let Some(node) = node {
            self.put(key, node);
        }
    }

    /// Adds an entry unless it is an empty map or list.
    pub(super) fn unless_empty(&mut self, key: &str, node: impl Into<Node<'p>>) {
        let node = node.into();
        if !node.is_empty() {
            self.put(key, node);
        }
    }
}

fn rename_keys(output: &mut Output, rename: &dyn Fn(&str) -> String) {
    match output {
        Output::List(items) => items.iter_mut().for_each(|item| rename_keys(item, rename)),
        Output::Map(entries) => {
            for (key, value) in entries {
                rename_keys(value, rename);
                *key = rename(key).into();
            }
        }
        _ => {}
    }
}
