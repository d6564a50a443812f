//! Text of a file into a tree with lines: strict readers of what we print, and a lenient one for what others wrote.
//!
//! In: text. Out: a [`Node`], or the line on which it cannot be read.
//! Never: what a key means, the printers' code.
//! Invariant: a strict reader takes exactly what `emit` prints, so that what it takes every reader takes alike.

pub mod foreign;
pub mod json;
mod keys;
mod number;
pub mod toml;
pub mod yaml;

use std::borrow::Cow;

/// A value in a file, with its line.
#[derive(Clone, PartialEq, Debug)]
pub struct Node<'t> {
    /// The line of its key or of its dash, counted from 1; of the whole tree 1.
    pub line: u32,
    /// The value.
    pub data: Data<'t>,
}

/// What a value in a file is.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Data<'t> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(Cow<'t, str>),
    List(Vec<Node<'t>>),
    /// Entries in the order of the file; no key stands twice.
    Map(Vec<(Cow<'t, str>, Node<'t>)>),
}

/// Why a text cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable {
    /// The line, counted from 1.
    pub line: u32,
    /// What was found and what was wanted; lower case, without a full stop.
    pub message: String,
}

impl<'t> Node<'t> {
    /// The value below a key of a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node<'t>> {
        match &self.data {
            Data::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The value below several keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Node<'t>> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    /// The entries of a map; none of anything else.
    #[must_use]
    pub fn entries(&self) -> &[(Cow<'t, str>, Node<'t>)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Node<'t>] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests;
