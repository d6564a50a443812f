//! `trueline fmt`: the texts of environments and stacks, laid out.
//!
//! In: paths of files and folders, or a project. Out: files rewritten, or a difference with values hidden.
//! Never: a link that is followed, a file of another kind than `.kdl` unless it is named, a value that is shown.
//! Invariant: a file is the old one or the new one, whole, with its permissions; one that is laid out is not touched.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    Outcome,
    console::{Console, Format, Looks, Style},
    diff::coloured,
    disk::{Disk, System, TEMPORARY},
    problems::Problems,
    project::{MAX_SOURCE_BYTES, Project, Unread, read_regular, read_source, unreadable},
    report::{self, Report},
};
use crate::{
    diag::{Diags, codes},
    diff::{self, counted},
    fmt,
    sensitive::redacted,
    source::{Source, SourceId, Sources},
    visible::visible_line,
};

/// What is laid out where nothing is named.
const FOLDERS: [&str; 2] = ["environments", "stdlib"];
/// Deepest folder below a named one that is looked into.
const MAX_DEPTH: usize = 16;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Files, and folders with `.kdl` files; `environments` and `stdlib`, where none is named
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; show what would change, and exit with 1 if there is anything
    #[arg(long)]
    check: bool,
}

impl Arguments {
    /// Whether it is said what to lay out, so that no project is needed.
    pub(super) fn names_paths(&self) -> bool {
        !self.paths.is_empty()
    }
}

/// A file to lay out, or why there is none: where it is, and what messages call it.
struct Found {
    path: PathBuf,
    name: String,
    trouble: Option<Unread>,
}

/// Lays out the texts of a project.
pub(super) fn run(console: &Console, project: &Project, arguments: &Arguments) -> Outcome {
    let mut found = Vec::new();
    for folder in FOLDERS {
        let path = project.root.join(folder);
        if fs::symlink_metadata(&path).is_ok() {
            gather(path, folder.to_owned(), 0, &mut found);
        }
    }
    lay_out(console, &found, arguments.check)
}

/// Lays out the files and folders that are named.
pub(super) fn paths(console: &Console, arguments: &Arguments) -> Outcome {
    let mut found = Vec::new();
    for path in &arguments.paths {
        let name = path.to_string_lossy();
        gather(path.clone(), name.trim_end_matches('/').to_owned(), 0, &mut found);
    }
    lay_out(console, &found, arguments.check)
}

/// Adds a file, or the `.kdl` files of a folder, by name. Links are no files here.
fn gather(path: PathBuf, name: String, depth: usize, found: &mut Vec<Found>) {
    let is_folder = fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir());
    if !is_folder || depth > MAX_DEPTH {
        found.push(Found { path, name, trouble: None });
        return;
    }
    match entries(&path) {
        Ok(entries) => {
            for entry in entries {
                gather(path.join(&entry), format!("{name}/{entry}"), depth + 1, found);
            }
        }
        Err(error) => {
            let trouble = Some(unreadable(&name, &error));
            found.push(Found { path, name, trouble });
        }
    }
}

/// The folders and `.kdl` files in a folder, sorted; hidden ones belong to editors.
fn entries(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && (name.ends_with(".kdl") || entry.file_type()?.is_dir()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn lay_out(console: &Console, found: &[Found], check: bool) -> Outcome {
    let looks = console.looks;
    let reports: Vec<Report> = found.iter().map(|found| one(looks, found, check)).collect();
    let changed = reports.iter().filter(|report| report.json["changed"] == json!(true)).count();
    match looks.format {
        Format::Json => {
            let all: Vec<Value> = reports.iter().map(Report::to_json).collect();
            console.answer(&format!("{:#}\n", json!({ "files": all })));
        }
        Format::Human => {
            for report in &reports {
                console.answer(&report.findings);
                console.answer(&report.lines);
            }
            console.remark(&summary(&reports, changed, check));
        }
    }
    reports.iter().map(|report| report.outcome).max().unwrap_or(Outcome::Fine)
}

/// `4 files: 1 to lay out`, `4 files: 1 laid out, 1 error`, `4 files: nothing to do`.
fn summary(reports: &[Report], changed: usize, check: bool) -> String {
    let what = if check { "to lay out" } else { "laid out" };
    let mut parts = Vec::new();
    if changed > 0 {
        parts.push(format!("{changed} {what}"));
    }
    parts.extend(report::count((reports.iter().map(|report| report.counts.0).sum(), 0)));
    let parts = if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") };
    format!("{}: {parts}", counted(reports.len(), "file"))
}

fn one(looks: Looks, found: &Found, check: bool) -> Report {
    let mut report = Report { is_environment: false, json: json!({"changed": false}), ..Report::new(&found.name) };
    let read = || read_source(&found.path, &visible_line(&found.name), SourceId(0));
    let source = match found.trouble.clone().map_or_else(read, Err) {
        Ok(source) => source,
        Err((findings, sources)) => {
            report.add(looks, &findings, &sources);
            return report;
        }
    };
    let mut diags = Diags::default();
    let text = fmt::format(&source, &mut diags);
    if text == source.text {
        report.add(looks, &diags.sorted(), &Sources::new(vec![source.into()]));
    } else if check {
        compare(looks, &source, &text, &mut report);
    } else {
        rewrite(looks, found, &source, &text, &mut report);
    }
    report
}

/// Shows how a file would change. Only its layout does, so every value is hidden.
fn compare(looks: Looks, source: &Source, text: &str, report: &mut Report) {
    // Names are no values, but the lines of a key that was pasted without quotes read as names.
    let shown = |text: &str| redacted(&fmt::masked(text)).into_owned();
    let mut change = diff::text(&source.name, &shown(&source.text), &shown(text));
    if source.text.contains('\r') {
        change.text.push_str("the lines end with a carriage return, which goes\n");
    }
    report.worsen(Outcome::No);
    report.lines = change.text.split_inclusive('\n').map(|line| coloured(looks, line)).collect();
    report.json = json!({"changed": true, "added": change.added, "removed": change.removed, "text": change.text});
}

fn rewrite(looks: Looks, found: &Found, source: &Source, text: &str, report: &mut Report) {
    match replace(&found.path, &source.text, text) {
        Ok(()) => {
            report.lines = report::line(looks, &source.name, Style::Green, "laid out");
            report.json = json!({"changed": true});
        }
        Err(error) => {
            let message = format!("`{}` cannot be written: {error}", source.name);
            report.add_problems(looks, &Problems::one(&codes::CANNOT_REWRITE, &source.name, message, None));
        }
    }
}

/// A temporary file beside it, then a rename: whoever reads sees the old text or the new one.
fn replace(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let permissions = fs::symlink_metadata(path)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(TEMPORARY);
    let temporary = path.with_file_name(name);
    System.create(&temporary, new.as_bytes())?;
    let swap = || {
        fs::set_permissions(&temporary, permissions)?;
        // An editor may have saved it since it was read, and this would be lost.
        if !read_regular(path, MAX_SOURCE_BYTES).is_ok_and(|bytes| bytes == old.as_bytes()) {
            return Err(io::Error::other("it was changed meanwhile"));
        }
        System.rename(&temporary, path)
    };
    swap().inspect_err(|_| _ = System.remove(&temporary))
}
