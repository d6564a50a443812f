//! KDL text into the same text laid out well, and patches of single values.
//!
//! In: a [`Source`]. Out: text; findings where it cannot be read.
//! Never: what a name means; a tree that is printed, for a tree has no comments.
//! Invariant: words, strings and comments come out byte for byte and in their order (line ends apart, which become
//! `\n`), and the tree that is read from the text stays the same; laying out twice is laying out once.

mod layout;
mod masked;
pub mod patch;
#[cfg(test)]
mod tests;

use crate::{
    diag::Diags,
    source::Source,
    syntax::{self, Doc, Entry, Name, Node, TokenKind},
};

pub use masked::masked;

/// Lays a text out as the standard library is written: four blanks a level, one blank between words, one empty line at
/// most between nodes, `;` only between braces on one line. Lines that the author broke stay broken, and blocks that
/// stand on one line stay there.
///
/// A text that cannot be read comes back as it is, and findings say why.
#[must_use]
pub fn format(source: &Source, diags: &mut Diags) -> String {
    let mut found = Diags::default();
    let before = syntax::parse(source, &mut found);
    if found.has_errors() {
        found.sorted().into_iter().for_each(|finding| diags.push(finding));
        return source.text.clone();
    }
    let text = layout::lay_out(&source.text);
    // Nobody's comment may be lost to a mistake of ours: what does not say the same is not handed out.
    let laid_out = Source { text, ..source.clone() };
    let after = syntax::parse(&laid_out, &mut found);
    let same = !found.has_errors() && same_meaning(&before, &after) && same_words(&source.text, &laid_out.text);
    debug_assert!(same, "laid out, the text says something else:\n{}\n{}", source.text, laid_out.text);
    if same { laid_out.text } else { source.text.clone() }
}

/// Whether two trees say the same, wherever it stands.
#[must_use]
pub fn same_meaning(one: &Doc, other: &Doc) -> bool {
    same_nodes(&one.nodes, &other.nodes)
}

fn same_nodes(one: &[Node], other: &[Node]) -> bool {
    let same = |(one, other): (&Node, &Node)| {
        same_name(Some(&one.name), Some(&other.name))
            && same_name(one.annotation.as_ref(), other.annotation.as_ref())
            && one.braces == other.braces
            && one.entries.len() == other.entries.len()
            && one.entries.iter().zip(&other.entries).all(|(one, other)| same_entry(one, other))
            && same_nodes(&one.children, &other.children)
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

fn same_entry(one: &Entry, other: &Entry) -> bool {
    same_name(one.name.as_ref(), other.name.as_ref())
        && same_name(one.annotation.as_ref(), other.annotation.as_ref())
        && one.value == other.value
}

fn same_name(one: Option<&Name>, other: Option<&Name>) -> bool {
    one.map(|name| &name.text) == other.map(|name| &name.text)
}

/// Whether two texts have the same pieces: words, marks and comments, also in what `/-` takes out.
fn same_words(one: &str, other: &str) -> bool {
    words(one).eq(words(other))
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let layout = |kind| matches!(kind, TokenKind::LineEnd | TokenKind::ContinuedLineEnd | TokenKind::Semicolon);
    let tokens = syntax::tokens(text).into_iter().filter(move |token| !layout(token.kind));
    tokens.map(|token| token.text(text).replace("\r\n", "\n"))
}
