//! The `kdl` crate's reading of a text, as our own tree.
//!
//! In: a text of small depth. Out: nodes, or nothing where the crate objects, too.
//! Invariant: every span is a range of bytes of the text. The crate recurses, and so gets a stack of its own.

use kdl::{KdlDocument, KdlEntry, KdlIdentifier, KdlNode, KdlValue};

use super::{Entry, Literal, Name, Node};
use crate::source::{SourceId, Span};

/// The crate needs up to 40 KiB of stack a level without optimisation; test threads have 2 MiB.
const STACK: usize = 64 << 20;

/// Most `/-` in a text that the crate is asked about: where blocks behind them do not close, it takes twice the time for each.
const MAX_SLASHDASHES: usize = 6;

/// Whether the crate can be asked without harm: it recurses for every opening mark, and reads slowly.
pub(super) fn is_harmless(text: &str) -> bool {
    const OPENING: [&str; 4] = ["{", "(", "/*", "/-"];
    let count = |mark: &str| text.matches(mark).count();
    text.len() <= 64 << 10
        && OPENING.into_iter().map(count).sum::<usize>() <= super::MAX_DEPTH
        && count("/-") <= MAX_SLASHDASHES
}

/// Reads a text whose depth the reader in front has bounded; none where the crate objects.
pub(super) fn read(text: &str, id: SourceId) -> Option<Vec<Node>> {
    std::thread::scope(|scope| {
        let read = || KdlDocument::parse_v2(text).ok().map(|document| nodes(&document, text, id));
        std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, read).ok()?.join().ok()?
    })
}

fn nodes(document: &KdlDocument, text: &str, id: SourceId) -> Vec<Node> {
    document.nodes().iter().map(|found| node(found, text, id)).collect()
}

fn node(found: &KdlNode, text: &str, id: SourceId) -> Node {
    let name = name(found.name(), id);
    let entries: Vec<Entry> = found.entries().iter().map(|found| entry(found, id)).collect();
    let start = found.span().offset();
    let end = match found.children() {
        Some(_) => closing_brace(found, text),
        None => entries.last().map_or(name.span.end, |entry| entry.span.end) as usize,
    };
    Node {
        annotation: found.ty().map(|ty| self::name(ty, id)),
        name,
        entries,
        children: found.children().map(|children| nodes(children, text, id)).unwrap_or_default(),
        braces: found.children().is_some(),
        span: Span::new(id, start, end),
    }
}

/// The end of a node with children. The crate's span goes on through blanks and comments.
fn closing_brace(found: &KdlNode, text: &str) -> usize {
    let start = found.span().offset();
    let whole = text.get(start..start + found.span().len()).unwrap_or("");
    let after = found.format().map_or("", |format| &format.before_terminator);
    let before = if after.is_empty() { whole } else { whole.rfind(after).map_or(whole, |at| &whole[..at]) };
    before.rfind('}').map_or(start + whole.len(), |at| start + at + 1)
}

fn name(found: &KdlIdentifier, id: SourceId) -> Name {
    let start = found.span().offset();
    Name { text: found.value().to_owned(), span: Span::new(id, start, start + found.span().len()) }
}

fn entry(found: &KdlEntry, id: SourceId) -> Entry {
    // The crate has no span for the value alone, but an entry always ends with it.
    let end = found.span().offset() + found.span().len();
    let start = end - found.format().map_or(found.span().len(), |format| format.value_repr.len());
    Entry {
        name: found.name().map(|found| name(found, id)),
        annotation: found.ty().map(|found| name(found, id)),
        value: literal(found.value()),
        span: Span::new(id, start, end),
    }
}

fn literal(found: &KdlValue) -> Literal {
    match found {
        KdlValue::String(text) => Literal::String(text.clone()),
        KdlValue::Integer(number) => Literal::Integer(*number),
        KdlValue::Float(number) => Literal::Float(*number),
        KdlValue::Bool(value) => Literal::Bool(*value),
        KdlValue::Null => Literal::Null,
    }
}
