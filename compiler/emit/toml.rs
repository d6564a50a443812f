//! TOML.
//!
//! In: an [`Output`] tree whose root is a map. Out: TOML 1.0 text.
//! Never: dates, texts over several lines.
//! Invariant: the values of a table stand before its sub-tables, otherwise in the tree's order.

use super::{Output, comment};

/// The tree as TOML, below the lines of `header` as comments. Nulls are left out.
///
/// A root that is no map has no TOML; it gives the comments alone.
#[must_use]
pub fn toml(output: &Output, header: &str) -> String {
    let head = comment(header);
    match &*output.without_null() {
        root @ Output::Map(_) => {
            let text = toml::to_string(root).expect("a map of scalars, lists and maps without null is always TOML");
            if head.is_empty() || text.is_empty() { head + &text } else { head + "\n" + &text }
        }
        _ => head,
    }
}
