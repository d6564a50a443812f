//! What lies in `out/` beside the folders of environments.
//!
//! In: the folder `out/`, the names of the environments. Out: a finding for each entry that is nobody's.
//! Never: a change; only `compile --prune` removes such a folder.
//! Invariant: entries come out sorted by name, and links are not followed.

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    Failure, Outcome,
    console::{Looks, Style},
    problems::Problems,
    project::{Project, name_problem},
    report::{self, Report},
};
use crate::{diag::codes, lock, visible::visible_line};

/// The only folder in `out/` that belongs to no environment.
pub(super) const CHARTS: &str = "charts";

/// The names in `out/`, sorted; none where there is no such folder. A link is no folder.
#[must_use]
pub(super) fn entries(root: &Path) -> Vec<String> {
    let out = root.join("out");
    if !fs::symlink_metadata(&out).is_ok_and(|found| found.is_dir()) {
        return Vec::new();
    }
    let entries = fs::read_dir(out).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Whether a compile wrote this folder, to judge by what is in it.
#[must_use]
pub(super) fn has_lock(root: &Path, name: &str) -> bool {
    let folder = root.join("out").join(name);
    fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir())
        && fs::symlink_metadata(folder.join(lock::NAME)).is_ok()
}

/// Outputs whose environment is gone, and those that differ from another one only in case: name and finding.
#[must_use]
pub(super) fn find(root: &Path, environments: &BTreeSet<String>) -> Vec<(String, Problems)> {
    let entries = entries(root);
    let others: BTreeSet<&str> = environments.iter().chain(&entries).map(String::as_str).collect();
    let nobodys = entries.iter().filter(|name| !environments.contains(*name) && *name != CHARTS);
    let finding = |name: &String| {
        let shown = visible_line(name);
        let path = format!("out/{shown}");
        let folded = lock::fold(name);
        if folded != **name && others.contains(folded.as_str()) {
            let message = format!("`{path}` and `out/{folded}` differ only in case");
            let hint = format!("remove or rename `{path}`; other systems hold both for one folder");
            return Some(Problems::one(&codes::CASE_TWINS, &path, message, Some(hint)));
        }
        let message = format!("`{path}` is left over: there is no `environments/{shown}.kdl`");
        let hint = match name_problem(name) {
            None => format!("remove it: `trueline compile --prune {shown}`"),
            Some(_) => format!("remove `{path}`"),
        };
        has_lock(root, name).then(|| Problems::one(&codes::FORGOTTEN_OUTPUT, &path, message, Some(hint)))
    };
    nobodys.filter_map(|name| Some((name.clone(), finding(name)?))).collect()
}

/// A report for each of them.
///
/// # Errors
/// The environments cannot be listed.
pub(super) fn reports(looks: Looks, project: &Project, outcome: Outcome) -> Result<Vec<Report>, Failure> {
    let report = |(name, problems): (String, Problems)| {
        let shown = visible_line(&name).into_owned();
        let mut report = Report { is_environment: false, ..Report::new(&shown) };
        report.add_problems(looks, &problems);
        report.lines = report::line(looks, &shown, Style::Cyan, "no environment");
        report.worsen(outcome);
        report
    };
    Ok(find(&project.root, &known(project)?).into_iter().map(report).collect())
}

/// The names of all environments.
///
/// # Errors
/// They cannot be listed.
pub(super) fn known(project: &Project) -> Result<BTreeSet<String>, Failure> {
    Ok(project.all_environments()?.into_iter().map(|file| file.stem).collect())
}
