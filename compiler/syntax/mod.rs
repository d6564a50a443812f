//! KDL 2 text into a tree of our own, with a place on every piece.
//!
//! The reader in front is our own: the `kdl` crate is a hundred times slower and cannot say what a person meant.
//! The crate is the authority: what the reader declines without knowing why is asked of it, and tests compare the
//! two on everything else.
//!
//! In: a [`Source`]. Out: a [`Doc`] and findings.
//! Never: what a name means.
//! Invariant: hostile text gives findings, never a panic; depth, size and the number of pieces are bounded.

mod authority;
mod chars;
mod habits;
mod reader;
mod strings;
#[cfg(test)]
mod tests;
mod tokens;
mod unquoted;

use crate::diag::{Diags, codes};
use crate::source::{Source, Span};

pub use tokens::{Token, TokenKind, tokens};

/// Longest text that is read, in bytes.
pub const MAX_SIZE: usize = 4 << 20;
/// Deepest nesting of blocks that is read.
pub const MAX_DEPTH: usize = 64;
/// Most nodes and values in one text.
pub const MAX_PIECES: usize = 1 << 20;
/// Refused characters after which a text is given up.
const MAX_REFUSED: usize = 20;

/// Reads a text. Any mistake gives findings (at most 50, and none that may follow from another on its line) and an empty
/// document.
#[must_use]
pub fn parse(source: &Source, diags: &mut Diags) -> Doc {
    understand(source, diags).unwrap_or_default()
}

/// Reads a text, for who goes on to find further mistakes: there is a document also where each mistake is one of which it
/// is plain what was meant, such as an amount or a switch without its quotes or its `#`. The findings are the same.
#[must_use]
pub fn parse_as_meant(source: &Source, diags: &mut Diags) -> Option<Doc> {
    understand(source, diags).map_or_else(|meant| meant, Some)
}

/// What a text says; where it has mistakes, what was meant if that is plain.
fn understand(source: &Source, diags: &mut Diags) -> Result<Doc, Option<Doc>> {
    if source.text.len() > MAX_SIZE {
        let message = format!("the text has {} bytes, and at most {MAX_SIZE} are read", source.text.len());
        diags.push(codes::TEXT_TOO_LARGE.at(Span::new(source.id, 0, 0), message));
        return Err(None);
    }
    if refuse_characters(source, diags) {
        return Err(None);
    }
    let reading = reader::read(&source.text, source.id);
    if reading.findings.is_empty() {
        return Ok(Doc { nodes: reading.nodes });
    }
    let unexplained = reading.findings.iter().all(|finding| finding.code.id == codes::SYNTAX.id);
    if unexplained
        && authority::is_harmless(&source.text)
        && let Some(nodes) = authority::read(&source.text, source.id)
    {
        return Ok(Doc { nodes });
    }
    for finding in reading.findings {
        diags.push(finding);
    }
    Err(reading.is_meant.then_some(Doc { nodes: reading.nodes }))
}

/// Reports characters that may not stand in a text; they are looked for first, for they hide what follows.
fn refuse_characters(source: &Source, diags: &mut Diags) -> bool {
    let mut at = if source.text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
    for count in 0..MAX_REFUSED {
        let Some((start, char, why)) = chars::find_refused(&source.text, at) else {
            return count > 0;
        };
        at = start + char.len_utf8();
        let number = u32::from(char);
        diags.push(
            codes::REFUSED_CHARACTER
                .at(Span::new(source.id, start, at), format!("U+{number:04X} is {why}"))
                .hint(format!("take it out, or write `\\u{{{number:x}}}` inside a string")),
        );
    }
    true
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
