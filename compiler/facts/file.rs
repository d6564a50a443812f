//! What a mounted file holds: a tree where its name tells the format, else text.

use super::{
    Names,
    text::{Marked, json_value},
};
use crate::value::Value;

/// The content of a file in normal form. `path` is where it is mounted, `source` where it was found; the ending of
/// one of them tells the format.
pub(super) fn file_value(bytes: &[u8], path: &str, source: &str, names: &Names) -> Value {
    let text = String::from_utf8_lossy(bytes);
    let ending = [path, source].into_iter().find_map(|path| {
        let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
        matches!(ending, "toml" | "json" | "yaml" | "yml" | "ini").then_some(ending)
    });
    let tree = ending.and_then(|ending| parsed(&text, ending)).map(|tree| json_value(tree, "", names));
    tree.unwrap_or_else(|| Marked { text, secrets: Vec::new() }.value("", names))
}

/// The tree of a text in the format that an ending tells.
fn parsed(text: &str, ending: &str) -> Option<serde_json::Value> {
    match ending {
        "toml" => toml::from_str(text).ok(),
        "json" => serde_json::from_str(text).ok(),
        _ => None,
    }
}
