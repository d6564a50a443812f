//! Which keys of its values a chart reads, and how.
//!
//! In: marks of the walk. Out: a tree of keys, each with how it is read and where first.
//! Never: templates, defaults.
//! Invariant: a node is live if it or something below it was read; the rest are steps that nobody took to the end.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::source::Span;

/// Keys that a tree may have.
const MOST: usize = 100_000;
/// How deep keys may be nested.
const DEEPEST: u32 = 24;

/// A key in the tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct NodeId(u32);

/// How one gets from a value to one in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Step {
    /// The value of this key.
    Key(Rc<str>),
    /// Any item of a list, or the value of any key of a map.
    Each,
}

/// How a value is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// Whether it is there, or true.
    Test,
    /// It is printed, compared or computed with.
    Scalar,
    /// It is handed on with everything in it.
    Whole,
    /// Something walks over its items.
    Items,
    /// Something walks over its keys, so it is a map.
    Keys,
}

/// What a use says of the type of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub(super) enum Hint {
    #[default]
    None,
    Int,
    Number,
    Text,
}

/// A key, and how it is read.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The value that holds it; none for the values as a whole.
    pub(super) parent: Option<NodeId>,
    /// How one gets there.
    pub(super) step: Step,
    /// What is taken from it.
    pub(super) children: BTreeMap<Step, NodeId>,
    /// Whether something asks if it is there.
    pub(super) tested: bool,
    /// Whether it is printed, compared or computed with.
    pub(super) scalar: bool,
    /// Whether it is handed on with everything in it.
    pub(super) whole: bool,
    /// Whether something walks over its items.
    pub(super) items: bool,
    /// Whether something walks over its keys.
    pub(super) keys: bool,
    /// Whether its text is a template itself.
    pub(super) tpl: bool,
    /// What uses say of its type.
    pub(super) hint: Hint,
    /// Where it is read first.
    pub(super) first: Option<Span>,
    /// Why everything in it counts as read although nobody looked.
    pub(super) unseen: Option<Rc<str>>,
}

/// All keys that are read.
#[derive(Clone, Debug)]
pub(super) struct Reads {
    keys: Vec<Key>,
    /// Whether there were more keys than are kept.
    pub(super) full: bool,
}

impl Reads {
    /// A tree in which nothing is read.
    pub(super) fn new() -> Reads {
        Reads { keys: vec![Key::new(None, Step::Each)], full: false }
    }

    /// The values as a whole.
    pub(super) fn root() -> NodeId {
        NodeId(0)
    }

    /// A key.
    pub(super) fn get(&self, node: NodeId) -> &Key {
        &self.keys[node.0 as usize]
    }

    /// What is taken from a value by this step, if anything is.
    pub(super) fn find(&self, node: NodeId, step: &Step) -> Option<NodeId> {
        self.get(node).children.get(step).copied()
    }

    /// What is taken from a value by this step. A tree that is full or too deep marks the value as read whole.
    pub(super) fn step(&mut self, node: NodeId, step: Step) -> NodeId {
        if let Some(found) = self.find(node, &step) {
            return found;
        }
        if self.keys.len() >= MOST || self.depth(node) >= DEEPEST {
            self.full = self.full || self.keys.len() >= MOST;
            self.keys[node.0 as usize].whole = true;
            return node;
        }
        let new = NodeId(self.keys.len() as u32);
        self.keys.push(Key::new(Some(node), step.clone()));
        self.keys[node.0 as usize].children.insert(step, new);
        new
    }

    /// The key of this name.
    pub(super) fn key(&mut self, node: NodeId, name: &str) -> NodeId {
        self.step(node, Step::Key(name.into()))
    }

    /// Says that a value is read.
    pub(super) fn mark(&mut self, node: NodeId, how: Use, at: Span) {
        let key = &mut self.keys[node.0 as usize];
        match how {
            Use::Test => key.tested = true,
            Use::Scalar => key.scalar = true,
            Use::Whole => key.whole = true,
            Use::Items => key.items = true,
            Use::Keys => key.keys = true,
        }
        key.first.get_or_insert(at);
    }

    /// Says what a use says of the type.
    pub(super) fn hint(&mut self, node: NodeId, hint: Hint) {
        let key = &mut self.keys[node.0 as usize];
        if key.hint == Hint::None {
            key.hint = hint;
        }
    }

    /// Says that the text of a value is a template.
    pub(super) fn tpl(&mut self, node: NodeId) {
        self.keys[node.0 as usize].tpl = true;
    }

    /// Says that everything in a value counts as read, and why.
    pub(super) fn unseen(&mut self, node: NodeId, why: &str, at: Span) {
        let key = &mut self.keys[node.0 as usize];
        key.whole = true;
        key.unseen.get_or_insert_with(|| why.into());
        key.first.get_or_insert(at);
    }

    /// Whether a value, or something in it, is read.
    pub(super) fn is_live(&self, node: NodeId) -> bool {
        let key = self.get(node);
        key.is_read() || key.children.values().any(|child| self.is_live(*child))
    }

    /// The way to a value, from the values as a whole.
    pub(super) fn path(&self, mut node: NodeId) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(parent) = self.get(node).parent {
            steps.push(self.get(node).step.clone());
            node = parent;
        }
        steps.reverse();
        steps
    }

    /// Every key that is read itself, with its way, in order.
    pub(super) fn live(&self) -> Vec<(Vec<Step>, &Key)> {
        let mut found = Vec::new();
        self.gather(Reads::root(), &mut Vec::new(), &mut found);
        found
    }

    fn gather<'r>(&'r self, node: NodeId, way: &mut Vec<Step>, found: &mut Vec<(Vec<Step>, &'r Key)>) {
        if self.get(node).is_read() && !way.is_empty() {
            found.push((way.clone(), self.get(node)));
        }
        for (step, child) in &self.get(node).children {
            way.push(step.clone());
            self.gather(*child, way, found);
            way.pop();
        }
    }

    fn depth(&self, mut node: NodeId) -> u32 {
        let mut depth = 0;
        while let Some(parent) = self.get(node).parent {
            depth += 1;
            node = parent;
        }
        depth
    }
}

impl Key {
    fn new(parent: Option<NodeId>, step: Step) -> Key {
        Key {
            parent,
            step,
            children: BTreeMap::new(),
            tested: false,
            scalar: false,
            whole: false,
            items: false,
            keys: false,
            tpl: false,
            hint: Hint::None,
            first: None,
            unseen: None,
        }
    }

    /// Whether the value itself is read.
    pub(super) fn is_read(&self) -> bool {
        self.tested || self.scalar || self.whole || self.items || self.keys
    }
}

/// A way as people write it: `a.b`, `a[].b`, `a."x/y"`.
pub(super) fn shown(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        match step {
            Step::Each => out.push_str("[]"),
            Step::Key(name) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(&shown_key(name));
            }
        }
    }
    out
}

/// A key as it stands in a way: quoted where it has a dot or another character that would mislead.
pub(super) fn shown_key(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { format!("{name:?}") }
}
