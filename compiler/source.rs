//! Named texts and places in them.
//!
//! In: text from anywhere. Out: [`Source`]s with ids, [`Span`]s, lines and columns.
//! Never: what a text means.
//! Invariant: a [`Span`] lies within its source and on character boundaries.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Which text a [`Span`] lies in.
///
/// `0` is the environment being compiled; every text of the standard library has an id of its own,
/// counted from 1 in the order of the file names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct SourceId(pub u32);

/// A range of bytes in one text, `start..end`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end` of `source`. Texts longer than 4 GiB are refused before this is called.
    #[must_use]
    pub fn new(source: SourceId, start: usize, end: usize) -> Span {
        Span { source, start: start as u32, end: end as u32 }
    }

    /// The range that covers `self` and `other`, which lie in the same text.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The part of this range that begins `start` bytes into it and ends before byte `end` of it.
    #[must_use]
    pub fn within(self, start: usize, end: usize) -> Span {
        Span { source: self.source, start: self.start + start as u32, end: self.start + end as u32 }
    }
}

/// A text with a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Its number.
    pub id: SourceId,
    /// The path that messages show, with `/`, relative to the project's root.
    pub name: String,
    /// The text, valid UTF-8, as it was read.
    pub text: String,
}

impl Source {
    /// The text under `span`; empty where the span does not fit.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Line and column of a byte, both counted from 1, the column in characters.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let offset = (offset as usize).min(self.text.len());
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

/// The texts that spans of one compile may point into.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Arc<Source>>);

impl Sources {
    /// A set of texts, in any order.
    #[must_use]
    pub fn new(mut sources: Vec<Arc<Source>>) -> Sources {
        sources.sort_by_key(|source| source.id);
        Sources(sources)
    }

    /// The same set with one more text.
    #[must_use]
    pub fn with(&self, source: Arc<Source>) -> Sources {
        let mut all = self.0.clone();
        all.push(source);
        Sources::new(all)
    }

    /// The text with this id.
    #[must_use]
    pub fn get(&self, id: SourceId) -> Option<&Arc<Source>> {
        self.0.binary_search_by_key(&id, |source| source.id).ok().map(|at| &self.0[at])
    }

    /// All texts, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.0.iter()
    }
}
