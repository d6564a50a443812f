//! What a mounted file holds: a tree where its name tells the format, else text.

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::{
    Names,
    text::{Marked, json_value, real_number, text_value},
};
use crate::{
    read::{self, Data, Node},
    value::{Map, Value, spell},
};

/// The content of a file in normal form. `path` is where it is mounted, `source` where it was found; the ending of
/// one of them tells the format.
pub(super) fn file_value(bytes: &[u8], path: &str, source: &str, names: &Names) -> Value {
    let text = String::from_utf8_lossy(bytes);
    let ending = [path, source].into_iter().find_map(|path| {
        let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
        matches!(ending, "toml" | "json" | "yaml" | "yml" | "ini").then_some(ending)
    });
    let tree = ending.and_then(|ending| parsed(&text, ending, names));
    tree.unwrap_or_else(|| Marked { text, ..Marked::default() }.value("", names))
}

/// Whether a text holds this tree, in one of the formats that it may be in.
pub(super) fn holds(text: &str, tree: &Value) -> bool {
    let names = Names::default();
    ["json", "toml", "yaml"].into_iter().any(|ending| parsed(text, ending, &names).as_ref() == Some(tree))
        || ini(text, &names).is_some_and(|found| found == texts(tree))
}

/// A tree as INI can say it, where every value is text.
fn texts(tree: &Value) -> Value {
    match tree {
        Value::Map(entries) => Value::Map(entries.iter().map(|(key, value)| (key.clone(), texts(value))).collect()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Value::string(spell(tree)),
        other => other.clone(),
    }
}

/// The tree of a text in the format that an ending tells: by our own readers, or else as others wrote it.
fn parsed(text: &str, ending: &str, names: &Names) -> Option<Value> {
    match ending {
        "json" => serde_json::from_str(text).ok().map(|tree| json_value(tree, "", names)),
        "toml" => match read::toml::parse(text) {
            Ok(tree) => Some(node_value(&tree, "", names)),
            Err(_) => toml::from_str(text).ok().map(|tree| json_value(tree, "", names)),
        },
        "ini" => ini(text, names),
        _ => {
            let documents = match read::yaml::parse(text) {
                Ok(tree) => vec![tree],
                Err(_) => read::foreign::documents(text).ok()?,
            };
            match documents.as_slice() {
                [tree] if !matches!(tree.data, Data::String(_)) => Some(node_value(tree, "", names)),
                _ => None,
            }
        }
    }
}

/// A tree that was read, in normal form.
pub(super) fn node_value(node: &Node<'_>, name: &str, names: &Names) -> Value {
    match &node.data {
        Data::Null => Value::Null,
        Data::Bool(yes) => Value::Bool(*yes),
        Data::Int(number) => Value::Int(*number),
        Data::Float(number) => real_number(*number),
        Data::String(text) => text_value(text, name, names),
        Data::List(items) => Value::List(items.iter().map(|item| node_value(item, name, names)).collect()),
        Data::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (SmolStr::from(&**key), node_value(value, key, names)));
            Value::Map(entries.collect())
        }
    }
}

/// INI: sections, `key = value`, comments; the section `a.b` is a map in a map.
fn ini(text: &str, names: &Names) -> Option<Value> {
    let mut root = IndexMap::new();
    let mut section: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            section = name.strip_suffix(']')?.split('.').collect();
            within(&mut root, &section)?;
            continue;
        }
        let (key, value) = line.split_once('=')?;
        let key = key.trim();
        within(&mut root, &section)?.insert(key.into(), text_value(value.trim(), key, names));
    }
    Some(Value::Map(root.into()))
}

/// The map of a section, made where it is not there.
fn within<'m>(root: &'m mut IndexMap<SmolStr, Value>, section: &[&str]) -> Option<&'m mut IndexMap<SmolStr, Value>> {
    let mut map = root;
    for name in section {
        match map.entry((*name).into()).or_insert_with(|| Value::Map(Map::default())) {
            Value::Map(inner) => map = inner,
            _ => return None,
        }
    }
    Some(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_that_the_name_tells_is_read_as_a_tree() {
        let names = Names::default();
        let same = [
            ("a = 1\n", "x.toml", "{\"a\": 1}", "x.json"),
            ("a: 1\n", "x.yaml", "{\"a\": 1}", "x.json"),
            ("# why\na = 1.0 # one\n", "x.toml", "a: 1\n", "x.yml"),
            ("[s]\nb = x\n[s.t]\nc = y\n", "x.ini", "{\"s\": {\"t\": {\"c\": \"y\"}, \"b\": \"x\"}}", "x.json"),
        ];
        for (one, path, other, others) in same {
            let (one, other) =
                (file_value(one.as_bytes(), path, "", &names), file_value(other.as_bytes(), others, "", &names));
            assert!(matches!(one, Value::Map(_)), "{path}");
            assert_eq!(one, other);
        }
        for (text, path) in
            [("a = [", "x.toml"), ("a: [", "x.yaml"), ("plain", "x.yaml"), ("plain", "x.ini"), ("a=1", "x")]
        {
            assert_eq!(file_value(text.as_bytes(), path, "", &names), Value::string(text), "{path}");
        }
    }
}
