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
    /// The deployment.
    pub deployment: String,
    /// The target whose view it is; empty for the values that all share.
    pub view: String,
    /// The setting's path.
    pub path: String,
    /// The old value as JSON, or none where it is new.
    pub old: Option<String>,
    /// The new value as JSON, or none where it is gone.
    pub new: Option<String>,
}

/// The settings that differ between two `settings.json`, by deployment, view and path; `null` is no value.
#[must_use]
pub fn settings(old: &Value, new: &Value) -> Vec<SettingChange> {
    let mut changes = Vec::new();
    let deployments = |side: &Value| side["deployments"].clone();
    let (old, new) = (deployments(old), deployments(new));
    for deployment in keys(&old, &new) {
        let (old, new) = (&old[&deployment], &new[&deployment]);
        compare(&deployment, "", &old["settings"], &new["settings"], &mut changes);
        for view in keys(&old["overrides"], &new["overrides"]) {
            let of = |side: &Value| side["overrides"][&view].clone();
            compare(&deployment, &view, &of(old), &of(new), &mut changes);
        }
    }
    changes
}

fn keys(old: &Value, new: &Value) -> BTreeSet<String> {
    [old, new].into_iter().filter_map(Value::as_object).flat_map(|map| map.keys().cloned()).collect()
}

fn compare(deployment: &str, view: &str, old: &Value, new: &Value, changes: &mut Vec<SettingChange>) {
    for path in keys(old, new) {
        let of = |side: &Value| side.get(&path).filter(|value| !value.is_null()).map(Value::to_string);
        let (old, new) = (of(old), of(new));
        if old != new {
            changes.push(SettingChange { deployment: deployment.to_owned(), view: view.to_owned(), path, old, new });
        }
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
    texts(path, kind, [&before, &after], [&old, &new])
}

/// How a text changes that is in a file of this path before and after.
#[must_use]
pub fn text(path: &str, old: &str, new: &str) -> FileChange {
    let shown = visible(path);
    let names = [format!("a/{shown}"), format!("b/{shown}")];
    texts(path.to_owned(), FileChangeKind::Changed, [&names[0], &names[1]], [old, new])
}

fn texts(path: String, kind: FileChangeKind, names: [&str; 2], sides: [&str; 2]) -> FileChange {
    let [old, new] = sides.map(|side| visible(side).into_owned());
    let difference = TextDiff::from_lines(old, new);
    let count = |tag| difference.iter_all_changes().filter(|change| change.tag() == tag).count();
    let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    let text = difference.unified_diff().context_radius(3).header(names[0], names[1]).to_string();
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

    fn document(settings: Value, compose: Value) -> Value {
        json!({"deployments": {"shop": {"settings": settings, "overrides": {"compose": compose}}}})
    }

    #[test]
    fn settings_are_compared_by_view_and_path() {
        let old = document(json!({"app.replicas": 1, "app.gone": "x", "same": true}), json!({}));
        let new = document(json!({"app.replicas": 3, "hosts": ["a"], "same": true}), json!({"app.replicas": 1}));
        let change = |view: &str, path: &str, old: Option<&str>, new: Option<&str>| SettingChange {
            deployment: "shop".into(),
            view: view.into(),
            path: path.into(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        };
        let expected = [
            change("", "app.gone", Some("\"x\""), None),
            change("", "app.replicas", Some("1"), Some("3")),
            change("", "hosts", None, Some("[\"a\"]")),
            change("compose", "app.replicas", None, Some("1")),
        ];
        assert_eq!(settings(&old, &new), expected);
        assert_eq!(settings(&new, &new), []);
        assert_eq!(settings(&Value::Null, &new).len(), 4);
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
        let one = settings(&Value::Null, &document(json!({"a": 1}), json!({})));
        assert_eq!(summary(&one, &changes), "1 setting, 3 files (+3 -2)");
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
