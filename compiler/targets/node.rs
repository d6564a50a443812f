//! Trees under construction that remember which leaf each value came from.
//!
//! In: leaves and trees of the plan. Out: an [`Output`] and, per value, its path with origins.
//! Never: text of a format.

use indexmap::IndexMap;

use super::{
    LeafLine,
    words::{self, Speaker},
};
use crate::{
    emit::{Output, embedded},
    plan::{Leaf, Origin, Tree},
    source::Span,
};

/// A tree under construction.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A value that settings or a line of the stack gave.
    Said(Output, Vec<Origin>, Span),
    /// A value that follows from the target alone.
    Fixed(Output),
    /// A map.
    Map(Entries),
    /// A list.
    List(Vec<Node>),
}

/// The entries of a map, in the order of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries(IndexMap<String, Node>);

impl Node {
    /// A value printed from this leaf.
    pub(super) fn of(output: Output, leaf: &Leaf) -> Node {
        Node::Said(output, leaf.origins.clone(), leaf.at)
    }

    /// A value printed from several leaves, the first of which says where.
    pub(super) fn joined(output: Output, leaves: &[&Leaf]) -> Node {
        let mut origins: Vec<Origin> = Vec::new();
        for origin in leaves.iter().flat_map(|leaf| &leaf.origins) {
            if !origins.contains(origin) {
                origins.push(origin.clone());
            }
        }
        Node::Said(output, origins, leaves.first().map(|leaf| leaf.at).unwrap_or_default())
    }

    /// A text that follows from the target alone.
    pub(super) fn word(text: impl Into<String>) -> Node {
        Node::Fixed(Output::string(text))
    }

    /// The value of a leaf, in a target's words.
    pub(super) fn value(leaf: &Leaf, speaker: &dyn Speaker) -> Node {
        Node::of(words::output(&leaf.value, speaker), leaf)
    }

    /// The value of a leaf as text, in a target's words.
    pub(super) fn text(leaf: &Leaf, speaker: &dyn Speaker) -> Node {
        Node::of(Output::String(words::text(&leaf.value, speaker)), leaf)
    }

    /// The values of leaves as texts, in a target's words.
    pub(super) fn texts(leaves: &[Leaf], speaker: &dyn Speaker) -> Node {
        Node::List(leaves.iter().map(|leaf| Node::text(leaf, speaker)).collect())
    }

    /// A tree of the plan, in a target's words.
    pub(super) fn tree(tree: &Tree, speaker: &dyn Speaker) -> Node {
        match tree {
            Tree::Leaf(leaf) => Node::value(leaf, speaker),
            Tree::List(items) => Node::List(items.iter().map(|item| Node::tree(item, speaker)).collect()),
            Tree::Map(entries) => Node::Map(Entries(
                entries.iter().map(|(key, item)| (key.to_string(), Node::tree(item, speaker))).collect(),
            )),
            Tree::Embedded(format, inner) => {
                let (mut output, said) = Node::tree(inner, speaker).finish();
                // The keys are part of a text now, and so are read by whoever reads texts.
                rename_keys(&mut output, &|key| speaker.literal(key));
                let mut origins: Vec<Origin> = Vec::new();
                for origin in said.iter().flat_map(|line| &line.origins) {
                    if !origins.contains(origin) {
                        origins.push(origin.clone());
                    }
                }
                let at = said.first().map(|line| line.at).unwrap_or_default();
                Node::Said(Output::String(embedded(*format, &output)), origins, at)
            }
        }
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
    pub(super) fn merge(&mut self, other: Node) {
        match (self, other) {
            (Node::Map(below), Node::Map(above)) => {
                for (key, value) in above.0 {
                    match below.0.get_mut(&key) {
                        Some(under) => under.merge(value),
                        None => below.put(&key, value),
                    }
                }
            }
            (under, over) => *under = over,
        }
    }

    /// The tree, and for each value that was said its path in it.
    pub(super) fn finish(self) -> (Output, Vec<LeafLine>) {
        let mut lines = Vec::new();
        let output = self.walk(&mut Vec::new(), &mut lines);
        (output, lines)
    }

    fn walk(self, path: &mut Vec<String>, lines: &mut Vec<LeafLine>) -> Output {
        let mut below = |segment: String, node: Node| {
            path.push(segment);
            let output = node.walk(path, lines);
            path.pop();
            output
        };
        match self {
            Node::Fixed(output) => output,
            Node::Said(output, origins, at) => {
                lines.push(LeafLine { path: path.clone(), origins, at });
                output
            }
            Node::List(items) => {
                Output::List(items.into_iter().enumerate().map(|(at, item)| below(at.to_string(), item)).collect())
            }
            Node::Map(entries) => Output::map(entries.0.into_iter().map(|(key, node)| (key.clone(), below(key, node)))),
        }
    }
}

impl From<Entries> for Node {
    fn from(entries: Entries) -> Node {
        Node::Map(entries)
    }
}

impl Entries {
    /// The values without their keys.
    pub(super) fn into_list(self) -> Node {
        Node::List(self.0.into_values().collect())
    }

    /// Adds an entry.
    pub(super) fn put(&mut self, key: &str, node: impl Into<Node>) {
        self.0.insert(key.to_owned(), node.into());
    }

    /// Adds an entry if there is one.
    pub(super) fn maybe(&mut self, key: &str, node: Option<Node>) {
        if let Some(node) = node {
            self.put(key, node);
        }
    }

    /// Adds an entry unless it is an empty map or list.
    pub(super) fn unless_empty(&mut self, key: &str, node: impl Into<Node>) {
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
            for (key, mut value) in std::mem::take(entries) {
                rename_keys(&mut value, rename);
                entries.insert(rename(&key), value);
            }
        }
        _ => {}
    }
}
