//! `trueline diff`: how `out/` would change.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Failure, Outcome,
    console::{Console, Format, Looks, Style},
    output::Folder,
    project::Project,
    report::{self, FindingsTo, Report},
};
use crate::{
    compile::Compiled,
    diag::Diags,
    diff::{self, FileChange, FileChangeKind, SettingChange},
    history, lock,
    visible::visible_line,
};

const SETTINGS: &str = "settings.json";

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The environments; all, where none is named
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
}

pub(super) fn run(console: &Console, project: &Project, arguments: &Arguments) -> Result<Outcome, Failure> {
    let looks = console.looks;
    let reports = report::each(looks, project, &arguments.environments, |compiled, report| {
        compare(looks, project, compiled, report);
    })?;
    let outcome = report::print(console, &reports, FindingsTo::Remarks);
    if looks.format == Format::Human {
        reports.iter().filter(|it| it.counts.0 > 0 && it.lines.is_empty()).for_each(|it| {
            console.remark(&format!("{}: not compared, because it has errors", it.name));
        });
    }
    Ok(outcome)
}

fn compare(looks: Looks, project: &Project, compiled: &Compiled, report: &mut Report) {
    let folder = Folder::new(&project.root, &report.name);
    let old = folder.contents();
    let new: BTreeMap<_, _> = compiled.files.iter().map(|file| (file.path.clone(), file.bytes.clone())).collect();
    let before = old.get(SETTINGS).and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or(Value::Null);
    let mut diags = Diags::default();
    history::judge(&before, compiled, &[], &mut diags);
    report.add(looks, &diags.sorted(), &compiled.sources);
    let settings = diff::settings(&before, &compiled.settings());
    let files = diff::files(&folder.shown(""), &old, &new);
    if !files.is_empty() {
        report.worsen(Outcome::No);
    }
    match looks.format {
        Format::Human => report.lines = text(looks, &report.name, &settings, &files),
        Format::Json => report.json = to_json(&settings, &files),
    }
}

fn text(looks: Looks, name: &str, settings: &[SettingChange], files: &[FileChange]) -> String {
    let mut text = String::new();
    for change in settings {
        text.push_str(&setting_line(looks, change));
    }
    for change in files {
        // Its settings stand above, and a lock changes whenever a file does: neither tells anything new.
        let told =
            change.path.ends_with(&format!("/{}", lock::NAME)) || is_settings(&change.path) && !settings.is_empty();
        if !(told && change.kind == FileChangeKind::Changed) {
            text.extend(change.text.split_inclusive('\n').map(|line| coloured(looks, line)));
        }
    }
    text.push_str(&report::line(looks, name, Style::Cyan, &diff::summary(settings, files)));
    text
}

fn is_settings(path: &str) -> bool {
    path.split('/').skip(2).eq([SETTINGS])
}

fn setting_line(looks: Looks, change: &SettingChange) -> String {
    let mut path = visible_line(&change.path).into_owned();
    if !change.view.is_empty() {
        path.push_str(&format!(" ({})", change.view));
    }
    let value = |value: &str| visible_line(value).into_owned();
    match (&change.old, &change.new) {
        (Some(old), Some(new)) => format!("~ {path}: {} → {}\n", value(old), value(new)),
        (Some(old), None) => looks.paint(Style::Red, &format!("- {path}: {}", value(old))) + "\n",
        (None, new) => {
            looks.paint(Style::Green, &format!("+ {path}: {}", value(new.as_deref().unwrap_or("null")))) + "\n"
        }
    }
}

/// A line of a unified difference, in its colour.
pub(super) fn coloured(looks: Looks, line: &str) -> String {
    let bare = line.trim_end_matches('\n');
    let style = match bare.as_bytes().first() {
        _ if bare.starts_with("+++ ") || bare.starts_with("--- ") => Style::Bold,
        Some(b'+') => Style::Green,
        Some(b'-') => Style::Red,
        Some(b'@') => Style::Cyan,
        _ => return line.to_owned(),
    };
    looks.paint(style, bare) + &line[bare.len()..]
}

fn to_json(settings: &[SettingChange], files: &[FileChange]) -> Value {
    let value = |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let settings: Vec<Value> = settings
        .iter()
        .map(|change| json!({"deployment": change.deployment, "view": change.view, "path": change.path, "old": value(&change.old), "new": value(&change.new)}))
        .collect();
    let kind = |kind| match kind {
        FileChangeKind::Added => "added",
        FileChangeKind::Removed => "removed",
        FileChangeKind::Changed => "changed",
    };
    let files: Vec<Value> = files
        .iter()
        .map(|change| {
            json!({"path": change.path, "kind": kind(change.kind), "added": change.added, "removed": change.removed, "text": change.text})
        })
        .collect();
    json!({"settings": settings, "files": files})
}
