//! Named texts and places in them.
//!
//! In: text from anywhere. Out: [`Source`]s with ids, [`Span`]s, lines and columns.
//! Never: what a text means.
//! Invariant: a [`Span`] lies within its source and on character boundaries.

use std::sync::{Arc, OnceLock};

use crate::pack::{Pack, Reader, Writer};

/// Which text a [`Span`] lies in.
///
/// `0` is the environment being compiled; every text of the standard library has an id of its own,
/// counted from 1 in the order of the file names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SourceId(pub u32);

/// A range of bytes in one text, `start..end`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
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

/// An image holds more spans than anything else, and fixed bytes are read faster than three numbers.
impl Pack for Span {
    fn write(&self, to: &mut Writer) {
        [self.source.0, self.start, self.end].into_iter().for_each(|number| to.bytes(&number.to_le_bytes()));
    }

    fn read(from: &mut Reader) -> Span {
        // All at once: there are so many that it shows.
        let [a, b, c, d, e, f, g, h, i, j, k, l] = from.bytes();
        let number = |bytes| u32::from_le_bytes(bytes);
        Span { source: SourceId(number([a, b, c, d])), start: number([e, f, g, h]), end: number([i, j, k, l]) }
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
pub struct Sources(Vec<Arc<Held>>);

/// A text of a set. One that lies in the program is copied when somebody asks for it, which most compiles never do.
#[derive(Debug)]
struct Held {
    id: SourceId,
    /// Name and text, where they lie in the program.
    embedded: (&'static str, &'static str),
    source: OnceLock<Arc<Source>>,
}

impl Held {
    fn of(source: Arc<Source>) -> Arc<Held> {
        Arc::new(Held { id: source.id, embedded: ("", ""), source: OnceLock::from(source) })
    }

    fn source(&self) -> &Arc<Source> {
        self.source.get_or_init(|| {
            let (name, text) = self.embedded;
            Arc::new(Source { id: self.id, name: name.to_owned(), text: text.to_owned() })
        })
    }
}

impl Sources {
    /// A set of texts, in any order.
    #[must_use]
    pub fn new(sources: Vec<Arc<Source>>) -> Sources {
        Sources(sources.into_iter().map(Held::of).collect()).sorted()
    }

    /// The same set with one more text.
    #[must_use]
    pub fn with(&self, source: Arc<Source>) -> Sources {
        let mut all = self.0.clone();
        all.push(Held::of(source));
        Sources(all).sorted()
    }

    fn sorted(mut self) -> Sources {
        self.0.sort_by_key(|held| held.id);
        self
    }

    /// Adds a text to a set that is numbered from 1; its number.
    pub fn add(&mut self, name: String, text: String) -> SourceId {
        let id = self.next();
        self.0.push(Held::of(Arc::new(Source { id, name, text })));
        id
    }

    /// Adds a text that lies in the program to a set that is numbered from 1; its number.
    pub fn embed(&mut self, name: &'static str, text: &'static str) -> SourceId {
        let id = self.next();
        self.0.push(Arc::new(Held { id, embedded: (name, text), source: OnceLock::new() }));
        id
    }

    fn next(&self) -> SourceId {
        SourceId(self.0.last().map_or(0, |held| held.id.0) + 1)
    }

    /// The text with this id.
    #[must_use]
    pub fn get(&self, id: SourceId) -> Option<&Arc<Source>> {
        self.0.binary_search_by_key(&id, |held| held.id).ok().map(|at| self.0[at].source())
    }

    /// All texts, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.after(0)
    }

    /// The texts but for so many of the first, by id.
    pub fn after(&self, first: usize) -> impl Iterator<Item = &Arc<Source>> {
        self.0.iter().skip(first).map(|held| held.source())
    }
}
