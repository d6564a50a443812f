//! What changed between two outputs of one environment, as a reviewer wants to read it.
//!
//! In: two `settings.json` values; two sets of files. Out: [`SettingChange`]s, [`FileChange`]s, a summary.
//! Never: git, the disk, which of the two is newer.
//! Invariant: stable order (by path); text that came from files is shown without hidden characters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::visible::visible;

/// A setting that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingChange {
    /// Its path in `settings.json`: names joined by dots, others as `["a/b"]`, items of lists as `[0]`.
    pub path: String,
    /// The old value as JSON, or none where it is new.
    pub old: Option<String>,
    /// The new value as JSON, or none where it is gone.
    pub new: Option<String>,
}

/// The settings that differ, by path. Two values that are no maps are compared whole, `null` is no value.
#[must_use]
pub fn settings(old: &Value, new: &Value) -> Vec<SettingChange> {
    let mut changes = Vec::new();
    compare("", Some(old), Some(new), &mut changes);
    changes
}

fn compare(path: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<SettingChange>) {
    let (old, new) = (old.filter(|value| !value.is_null()), new.filter(|value| !value.is_null()));
    match (old, new) {
        (Some(old), Some(new)) if old == new => {}
        (Some(Value::Object(_)) | None, Some(Value::Object(_)) | None) => {
            let keys = |side: Option<&Value>| -> BTreeSet<String> {
                side.and_then(Value::as_object).map(|map| map.keys().cloned().collect()).unwrap_or_default()
            };
            for key in keys(old).union(&keys(new)) {
                let of = |side: Option<&'_ Value>| side.and_then(|map| map.get(key)).cloned();
                compare(&joined(path, key), of(old).as_ref(), of(new).as_ref(), changes);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if holds_maps(old) && holds_maps(new) => {
            for index in 0..old.len().max(new.len()) {
                compare(&format!("{path}[{index}]"), old.get(index), new.get(index), changes);
            }
        }
        (old, new) => changes.push(SettingChange {
            path: if path.is_empty() { ".".into() } else { path.to_owned() },
            old: old.map(Value::to_string),
            new: new.map(Value::to_string),
        }),
    }
}

fn holds_maps(items: &[Value]) -> bool {
    items.iter().any(Value::is_object)
}

fn joined(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    match (path.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{}]", Value::from(key)),
    }
}

/// What happened to a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FileChangeKind {
    Added,
    Removed,
    Changed,
}

/// A file that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileChange {
    /// Its path below the project's root, with `/`.
    pub path: String,
    /// What happened to it.
    pub kind: FileChangeKind,
    /// How many lines are new.
    pub added: usize,
    /// How many lines are gone.
    pub removed: usize,
    /// The unified difference with its header, ending in a line feed.
    pub text: String,
}

/// The files that differ, by path. `folder` stands before every path, without a `/` at its end.
#[must_use]
pub fn files(folder: &str, old: &BTreeMap<String, Vec<u8>>, new: &BTreeMap<String, Vec<u8>>) -> Vec<FileChange> {
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .map(|path| change(format!("{folder}/{path}"), old.get(path), new.get(path)))
        .collect()
}

fn change(path: String, old: Option<&Vec<u8>>, new: Option<&Vec<u8>>) -> FileChange {
    let kind = match (old, new) {
        (None, _) => FileChangeKind::Added,
        (_, None) => FileChangeKind::Removed,
        _ => FileChangeKind::Changed,
    };
    let shown = visible(&path).into_owned();
    let before = if kind == FileChangeKind::Added { "/dev/null".into() } else { format!("a/{shown}") };
    let after = if kind == FileChangeKind::Removed { "/dev/null".into() } else { format!("b/{shown}") };
    let bytes = |side: Option<&Vec<u8>>| side.cloned().unwrap_or_default();
    let (Ok(old), Ok(new)) = (String::from_utf8(bytes(old)), String::from_utf8(bytes(new))) else {
        let text = format!("--- {before}\n+++ {after}\nthe files differ, and one is not UTF-8\n");
        return FileChange { path, kind, added: 0, removed: 0, text };
    };
    let difference = TextDiff::from_lines(visible(&old).into_owned(), visible(&new).into_owned());
    let count = |tag| difference.iter_all_changes().filter(|change| change.tag() == tag).count();
    let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    let text = difference.unified_diff().context_radius(3).header(&before, &after).to_string();
    FileChange { path, kind, added, removed, text }
}

/// One line for all changes: `2 settings, 3 files (+4 -1)`, or `no difference`.
#[must_use]
pub fn summary(settings: &[SettingChange], files: &[FileChange]) -> String {
    if settings.is_empty() && files.is_empty() {
        return "no difference".into();
    }
    let added: usize = files.iter().map(|change| change.added).sum();
    let removed: usize = files.iter().map(|change| change.removed).sum();
    format!("{}, {} (+{added} -{removed})", counted(settings.len(), "setting"), counted(files.len(), "file"))
}

/// `1 file`, `2 files`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(files: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    fn spelt(old: &Value, new: &Value) -> Vec<String> {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        settings(old, new).iter().map(|c| format!("{} {} {}", c.path, side(&c.old), side(&c.new))).collect()
    }

    #[test]
    fn settings_are_compared_path_by_path() {
        let old = json!({"app": {"replicas": 1, "mode": "local", "gone": null}, "hosts": ["a"], "k": {"a/b": 1}});
        let new =
            json!({"hosts": ["a", "b"], "k": {"a/b": 2}, "app": {"mode": "local", "replicas": 3, "size": {"x": "s"}}});
        assert_eq!(
            spelt(&old, &new),
            ["app.replicas 1 3", "app.size.x - \"s\"", "hosts [\"a\"] [\"a\",\"b\"]", "k[\"a/b\"] 1 2"]
        );
        assert_eq!(spelt(&new, &new), [""; 0]);
    }

    #[test]
    fn a_setting_may_appear_vanish_or_change_its_shape() {
        assert_eq!(spelt(&json!({}), &json!({"a": {"b": 1}})), ["a.b - 1"]);
        assert_eq!(spelt(&json!({"a": {"b": 1}}), &Value::Null), ["a.b 1 -"]);
        assert_eq!(spelt(&json!({"a": {"b": 1}}), &json!({"a": 2})), ["a {\"b\":1} 2"]);
        assert_eq!(spelt(&json!({"a": [{"b": 1}]}), &json!({"a": [{"b": 1}, {"b": 2}]})), ["a[1].b - 2"]);
    }

    #[test]
    fn files_come_sorted_with_counts_and_headers() {
        let old = set(&[("b", "1\n2\n"), ("gone", "x\n"), ("same", "s\n")]);
        let new = set(&[("same", "s\n"), ("b", "1\n3\n4\n"), ("a", "new\n")]);
        let changes = files("out/prod", &old, &new);
        let lines: Vec<_> = changes.iter().map(|c| (c.path.as_str(), c.kind, c.added, c.removed)).collect();
        assert_eq!(
            lines,
            [
                ("out/prod/a", FileChangeKind::Added, 1, 0),
                ("out/prod/b", FileChangeKind::Changed, 2, 1),
                ("out/prod/gone", FileChangeKind::Removed, 0, 1),
            ]
        );
        assert_eq!(changes[0].text, "--- /dev/null\n+++ b/out/prod/a\n@@ -0,0 +1 @@\n+new\n");
        assert_eq!(changes[1].text, "--- a/out/prod/b\n+++ b/out/prod/b\n@@ -1,2 +1,3 @@\n 1\n-2\n+3\n+4\n");
        assert_eq!(summary(&settings(&json!(1), &json!(2)), &changes), "1 setting, 3 files (+3 -2)");
        assert_eq!(summary(&[], &[]), "no difference");
    }

    #[test]
    fn hidden_characters_are_spelt_out_and_binaries_are_not_shown() {
        let changes = files("o", &set(&[("a", "x\n")]), &set(&[("a", "x\u{1b}[2J\u{202e}\n")]));
        assert!(changes[0].text.contains("+x\\u{1b}[2J\\u{202e}\n"), "{}", changes[0].text);
        let binary = BTreeMap::from([("a".to_owned(), vec![0xff])]);
        assert!(files("o", &set(&[]), &binary)[0].text.contains("not UTF-8"));
    }
}
