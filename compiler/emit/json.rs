//! JSON.
//!
//! In: an [`Output`] tree. Out: JSON text. Never: comments.

use super::Output;

/// The tree as JSON, indented by two blanks, with a line break at the end.
#[must_use]
pub fn json(output: &Output) -> String {
    serde_json::to_string_pretty(output).expect(ALWAYS) + "\n"
}

/// The tree as JSON without blanks and without a line break at the end.
#[must_use]
pub fn json_compact(output: &Output) -> String {
    serde_json::to_string(output).expect(ALWAYS)
}

const ALWAYS: &str = "a tree of scalars, lists and maps with string keys is always JSON";
