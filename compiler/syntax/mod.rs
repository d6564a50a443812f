//! KDL text into a tree of our own, with a place on every piece. The only user of the `kdl` crate.
//!
//! In: a [`Source`]. Out: a [`Doc`] and findings.
//! Never: what a name means.
//! Invariant: hostile text gives findings, never a panic; depth and size are bounded before the crate sees the text.

use crate::source::Span;

/// A document: its top-level nodes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Doc {
    /// The nodes, in the order written.
    pub nodes: Vec<Node>,
}

/// A word with its place: the bare word or the string with its quotes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// The word, unescaped.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// A node: `(annotation)name arguments properties { children }`.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// The type annotation.
    pub annotation: Option<Name>,
    /// The name.
    pub name: Name,
    /// Arguments and properties, in the order written.
    pub entries: Vec<Entry>,
    /// Children, in the order written.
    pub children: Vec<Node>,
    /// Whether braces were written, even with nothing between them.
    pub braces: bool,
    /// The whole node, from its annotation to its last entry or closing brace.
    pub span: Span,
}

/// An argument (no name) or a property.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// The name of a property.
    pub name: Option<Name>,
    /// The type annotation of the value.
    pub annotation: Option<Name>,
    /// The value.
    pub value: Literal,
    /// The place of the value alone, with its quotes, without annotation or name.
    pub span: Span,
}

/// A value as KDL writes it.
#[derive(Clone, PartialEq, Debug)]
pub enum Literal {
    /// Text.
    String(String),
    /// A whole number.
    Integer(i128),
    /// A number with a fraction or exponent; always finite. Its text is under the entry's span.
    Float(f64),
    /// `#true` or `#false`.
    Bool(bool),
    /// `#null`.
    Null,
}

impl Node {
    /// The arguments, in order.
    pub fn arguments(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.name.is_none())
    }

    /// The properties, in order.
    pub fn properties(&self) -> impl Iterator<Item = (&Name, &Entry)> {
        self.entries.iter().filter_map(|entry| entry.name.as_ref().map(|name| (name, entry)))
    }

    /// The property of this name; the first, where a broken text repeats it.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Entry> {
        self.properties().find(|(found, _)| found.text == name).map(|(_, entry)| entry)
    }

    /// The children of this name.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.name.text == name)
    }
}
