//! Stand-in: the shape of a file, until the targets are there.

use crate::{plan, source::Span};

/// A file to write.
#[derive(Clone, PartialEq, Debug)]
pub struct File {
    /// Its path below `out/ENV`, with `/`.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its format; none for a text that a stack spells out.
    pub format: Option<plan::Format>,
    /// Its leaves.
    pub leaves: Vec<LeafLine>,
}

impl File {
    /// The line, counted from 1, on which a leaf of this file begins; none where it cannot be told.
    #[must_use]
    pub fn line_of(&self, _leaf: &LeafLine) -> Option<usize> {
        Some(2)
    }
}

/// A leaf of a file.
#[derive(Clone, PartialEq, Debug)]
pub struct LeafLine {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// The settings it was computed from.
    pub origins: Vec<plan::Origin>,
    /// The line of the stack that says it.
    pub at: Span,
}
