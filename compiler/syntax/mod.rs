//! KDL text into a tree of our own, with a place on every piece. The only user of the `kdl` crate.
//!
//! In: a [`Source`]. Out: a [`Doc`] and findings.
//! Never: what a name means.
//! Invariant: hostile text gives findings, never a panic; depth and size are bounded before the crate sees the text.

mod authority;

use crate::diag::{Diags, codes};
use crate::source::{Source, Span};

/// Longest text that is read, in bytes.
const MAX_SIZE: usize = 4 << 20;
/// Deepest nesting of braces that is read.
const MAX_DEPTH: usize = 64;

/// Reads a text. Any mistake gives findings and an empty document.
#[must_use]
pub fn parse(source: &Source, diags: &mut Diags) -> Doc {
    let depth = depth(&source.text);
    if source.text.len() > MAX_SIZE || depth > MAX_DEPTH {
        diags.push(codes::SYNTAX.at(Span::new(source.id, 0, 0), "the text is too long or nested too deeply"));
        return Doc::default();
    }
    match authority::read(&source.text, source.id, depth) {
        Ok(doc) => doc,
        Err(objections) => {
            for found in objections {
                let place = Span::new(source.id, found.range.start, found.range.end);
                diags.push(codes::SYNTAX.at(place, found.message));
            }
            Doc::default()
        }
    }
}

/// An upper bound of the nesting of braces.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceId;

    fn read(text: &str) -> (Source, Doc) {
        let source = Source { id: SourceId(0), name: "dev.kdl".to_owned(), text: text.to_owned() };
        let mut diags = Diags::default();
        let doc = parse(&source, &mut diags);
        assert!(!diags.has_errors(), "{diags:?}");
        (source, doc)
    }

    #[test]
    fn spans_are_bytes() {
        let (source, doc) = read("(größe)\"näme\" /* ü */ (t)\"é\" k=(u8)7 { 子 #true; } // }\r\nz 1.5\r\n");
        let node = &doc.nodes[0];
        assert_eq!(source.slice(node.name.span), "\"näme\"");
        assert_eq!(source.slice(node.annotation.as_ref().unwrap().span), "größe");
        assert_eq!(source.slice(node.entries[0].span), "\"é\"");
        assert_eq!(source.slice(node.entries[1].span), "7");
        assert_eq!(source.slice(node.entries[1].name.as_ref().unwrap().span), "k");
        assert_eq!(source.slice(node.children[0].span), "子 #true");
        assert!(source.slice(node.span).starts_with("(größe)"), "{}", source.slice(node.span));
        assert!(source.slice(node.span).ends_with("#true; }"), "{}", source.slice(node.span));
        assert_eq!(source.slice(doc.nodes[1].span), "z 1.5");
    }
}
