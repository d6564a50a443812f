//! `trueline verify`: whether `out/` is what a compile wrote, without the source.
//!
//! In: `out/ENV` and its lock. Out: every byte that is changed, missing or extra, by the name of its file.
//! Never: an environment's text, a compile, unless charts are rendered; what is in a file, because it may be a secret.
//! Invariant: who edits a file can edit its lock, so this finds accidents; the gate is `compile --check`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
};

use rayon::prelude::*;
use serde_json::json;

use super::{
    Failure, Outcome,
    console::{Console, Format, Looks, Style},
    journal, leftovers, local,
    output::{Folder, is_conflict},
    problems::Problems,
    project::{Project, ReadError, name_problem, read_regular, stem},
    rendered,
    report::{self, FindingsTo, Report},
};
use crate::{
    diag::{codes, nearest},
    diff::counted,
    lock::{self, Lock},
    visible::visible_line,
};

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The environments; everything in `out/`, where none is named
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    #[command(flatten)]
    rendered: rendered::Arguments,
    /// Whether this machine has the files and variables that the Compose files ask for, instead
    #[arg(long, conflicts_with = "rendered")]
    local: bool,
    /// The file of variables that Compose gets by `--env-file`
    #[arg(long, value_name = "FILE", requires = "local")]
    env_file: Option<PathBuf>,
}

/// How the files of a folder stand to its lock, by path below `out/ENV`.
#[derive(Default)]
struct Compared {
    /// How many files the lock names, and the lock itself.
    files: usize,
    /// What differs, and how: `changed`, `conflict`, `extra`, `missing`.
    differences: BTreeMap<String, &'static str>,
    problems: Problems,
}

pub(super) fn run(console: &Console, project: &Project, arguments: &Arguments) -> Result<Outcome, Failure> {
    let looks = console.looks;
    let mut problems = Problems::default();
    let journals: BTreeSet<String> = journal::all(&project.root, &mut problems).into_iter().collect();
    let names = names(project, &journals, &arguments.environments)?;
    if arguments.local {
        let names: Vec<String> = names.into_iter().filter(|name| name != leftovers::CHARTS).collect();
        return local::run(console, project, &names, arguments.env_file.as_deref());
    }
    let mut reports: Vec<Report> =
        names.par_iter().map(|name| verify(looks, project, name, journals.contains(name))).collect();
    if arguments.rendered.rendered {
        // What differs in a tree in between says nothing.
        let whole: Vec<String> = names.iter().filter(|name| !journals.contains(*name)).cloned().collect();
        rendered::add(looks, project, &arguments.rendered, &whole, &mut reports)?;
    }
    if arguments.environments.is_empty() {
        add_leftovers(looks, project, &names, &mut reports, &mut problems)?;
    }
    if !problems.findings().is_empty() {
        let mut report = Report { is_environment: false, ..Report::new("out") };
        report.add_problems(looks, &problems);
        report.worsen(Outcome::No);
        let found = report::count(report.counts).unwrap_or_default();
        report.lines = report::line(looks, "out", Style::Red, &found);
        reports.push(report);
    }
    let outcome = report::print(console, &reports, FindingsTo::Answer);
    if looks.format == Format::Human {
        console.remark(&summary(&reports));
    }
    Ok(outcome)
}

/// What is to be verified: what is named, or every environment and every folder that a compile wrote.
fn names(project: &Project, journals: &BTreeSet<String>, wanted: &[String]) -> Result<Vec<String>, Failure> {
    let written = leftovers::entries(&project.root).into_iter().filter(|name| leftovers::has_lock(&project.root, name));
    let mut all: BTreeSet<String> = leftovers::known(project)?;
    all.extend(written);
    all.extend(journals.iter().cloned());
    all.retain(|name| name_problem(name).is_none() || name == leftovers::CHARTS);
    if wanted.is_empty() {
        return match all.is_empty() {
            false => Ok(all.into_iter().collect()),
            true => Err(Failure::new("there is nothing to verify in `out/`", "write it: `trueline compile`")),
        };
    }
    let wanted: BTreeSet<&str> = wanted.iter().map(|word| stem(word)).collect();
    for name in &wanted {
        if !all.contains(*name) {
            let help = match nearest(name, all.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{}`?", visible_line(near)),
                None => format!("there is {}", all.iter().cloned().collect::<Vec<_>>().join(", ")),
            };
            return Err(Failure::new(format!("there is no output `out/{}`", visible_line(name)), help));
        }
    }
    Ok(wanted.into_iter().map(str::to_owned).collect())
}

fn verify(looks: Looks, project: &Project, name: &str, has_journal: bool) -> Report {
    let mut report = Report { is_environment: name != leftovers::CHARTS, ..Report::new(name) };
    if has_journal {
        // What differs in a tree in between says nothing.
        report.add_problems(looks, &journal::interrupted(name));
        report.lines = report::line(looks, name, Style::Red, "in between: a compile was cut short");
        return report;
    }
    let folder = Folder::new(&project.root, name);
    let Compared { files, differences, problems } = compare(&folder);
    report.add_problems(looks, &problems);
    let shown: Vec<(&str, String)> = differences.iter().map(|(path, what)| (*what, folder.shown(path))).collect();
    report.json = json!({
        "files": files,
        "differences": shown.iter().map(|(what, path)| json!({"what": what, "path": path})).collect::<Vec<_>>(),
    });
    if !shown.is_empty() || !problems.findings().is_empty() {
        report.worsen(Outcome::No);
    }
    report.lines = match (shown.len(), report::count(report.counts)) {
        (0, None) => report::line(looks, name, Style::Green, &format!("{}, as written", counted(files, "file"))),
        (0, Some(found)) => report::line(looks, name, Style::Red, &found),
        (many, _) => report::line(looks, name, Style::Red, &format!("{} not as written", counted(many, "file"))),
    };
    shown.iter().for_each(|(what, path)| report.lines.push_str(&format!("  {what:<8} {path}\n")));
    report
}

fn compare(folder: &Folder) -> Compared {
    let mut compared = Compared::default();
    if !folder.is_reachable("", &mut compared.problems) {
        return compared;
    }
    let paths = folder.walk(&mut compared.problems);
    find_secrets(folder, &paths, &mut compared.problems);
    let Some(lock) = read_lock(folder, &mut compared) else { return compared };
    compared.files = lock.files.len() + 1;
    for path in lock.files.keys() {
        if let Some(what) = difference(folder, path, &lock, &mut compared.problems) {
            compared.differences.insert(path.clone(), what);
        }
    }
    let extra = paths.into_iter().filter(|path| path != lock::NAME && !lock.files.contains_key(path));
    compared.differences.extend(extra.map(|path| (path, "extra")));
    compare_settings(folder, &lock, &mut compared);
    add_conflict(folder, &mut compared);
    compared
}

/// The lock; where there is none that says anything, the reason is a problem.
fn read_lock(folder: &Folder, compared: &mut Compared) -> Option<Lock> {
    let path = folder.on_disk(lock::NAME);
    let bytes = match read_regular(&path, lock::MAX_BYTES as u64) {
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            let shown = folder.shown("");
            let message = format!("`{shown}` has no lock, so nobody can say what belongs there");
            let hint = format!("write it: `trueline compile {}`", folder.environment);
            compared.problems.push(&codes::NO_LOCK, &shown, message, Some(hint));
            return None;
        }
        bytes => bytes.unwrap_or_default(),
    };
    let lock = folder.read_lock(&mut compared.problems);
    // A conflict that was solved in part is no lock any more, and still what is wrong.
    let conflicted = lock.as_ref().is_some_and(|lock| lock.conflicted) || has_marker(&bytes);
    if conflicted {
        compared.differences.insert(lock::NAME.to_owned(), "conflict");
        if lock.is_none() {
            compared.problems = Problems::default();
            add_conflict(folder, compared);
        }
    } else if lock.as_ref().is_some_and(|lock| !lock.sealed) {
        let shown = folder.shown(lock::NAME);
        let message = "the last line is not the digest of the lines above it";
        let hint = format!("compile again, or take it from the last commit: `git checkout {shown}`");
        compared.problems.push(&codes::BAD_LOCK, &shown, message, Some(hint));
    }
    lock
}

fn has_marker(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"<<<<<<< ") || line.starts_with(b">>>>>>> "))
}

fn difference(folder: &Folder, path: &str, lock: &Lock, problems: &mut Problems) -> Option<&'static str> {
    match folder.read(path, problems)? {
        None => Some("missing"),
        Some(bytes) if lock.knows(path, &bytes) => None,
        Some(bytes) if is_conflict(&bytes) || has_marker(&bytes) => Some("conflict"),
        Some(_) => Some("changed"),
    }
}

/// The digest of the settings has a line of its own, which `diff` and rules about history go by.
fn compare_settings(folder: &Folder, lock: &Lock, compared: &mut Compared) {
    const NAME: &str = "settings.json";
    if lock.conflicted || compared.differences.contains_key(NAME) {
        return;
    }
    let Some(bytes) = folder.read(NAME, &mut Problems::default()).flatten() else { return };
    if !lock.settings.iter().eq([&lock::digest(&bytes)]) {
        let shown = folder.shown(lock::NAME);
        let message = format!("`{shown}` has another digest for `{}` than its bytes have", folder.shown(NAME));
        let hint = format!("compile again: `trueline compile {}`", folder.environment);
        compared.problems.push(&codes::SETTINGS_DIGEST, &shown, message, Some(hint));
    }
}

/// One merge is one mistake, however many files it is in.
fn add_conflict(folder: &Folder, compared: &mut Compared) {
    let conflicts: Vec<&String> =
        compared.differences.iter().filter(|(_, what)| **what == "conflict").map(|(path, _)| path).collect();
    let Some(first) = conflicts.first() else { return };
    let shown = folder.shown(first);
    let message = format!("{} with conflict markers", counted(conflicts.len(), "file"));
    let hint = format!(
        "merge `environments/{0}.kdl`, then write the output again: `trueline compile {0}`",
        folder.environment
    );
    compared.problems.push(&codes::OUTPUT_CONFLICT, &shown, message, Some(hint));
}

fn find_secrets(folder: &Folder, paths: &[String], problems: &mut Problems) {
    for path in paths.iter().filter(|path| is_for_secrets(path)) {
        push_secret(&folder.shown(path), problems);
    }
}

fn push_secret(shown: &str, problems: &mut Problems) {
    let message = format!("`{shown}` is a file for secrets, and `out/` is committed");
    let hint = "move it out of `out/`; if it was committed, replace what is in it";
    problems.push(&codes::SECRET_IN_OUTPUT, shown, message, Some(hint.into()));
}

/// Whether a file is where or what people keep secrets in. No output is ever called so.
fn is_for_secrets(path: &str) -> bool {
    let path = lock::fold(path);
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let is = |names: &[&str]| names.contains(&name);
    folders.split('/').any(|folder| matches!(folder, "secrets" | ".secrets" | ".ssh" | ".kube" | ".aws"))
        || is(&["secrets", ".env", ".envrc", ".netrc", ".npmrc", ".pgpass", ".htpasswd", "kubeconfig", "id_rsa"])
        || is(&["id_ed25519", "id_ecdsa", "credentials"])
        || name.starts_with(".env.")
        || [".env", ".pem", ".key", ".p12", ".pfx", ".jks", ".kdbx", ".kubeconfig"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// What is in `out/` and belongs to no environment.
fn add_leftovers(
    looks: Looks,
    project: &Project,
    names: &[String],
    reports: &mut [Report],
    problems: &mut Problems,
) -> Result<(), Failure> {
    let known = leftovers::known(project)?;
    for (name, found) in leftovers::find(&project.root, &known) {
        match reports.iter_mut().find(|report| report.name == name) {
            Some(report) => {
                report.add_problems(looks, &found);
                report.worsen(Outcome::No);
            }
            None => problems.extend(&found),
        }
    }
    if leftovers::entries(&project.root).is_empty() {
        return Ok(()); // also where `out` is a link, which each environment says
    }
    let seen: BTreeSet<&str> = names.iter().chain(&known).map(String::as_str).collect();
    for path in Folder::new(&project.root, "").walk(problems) {
        let (first, rest) = path.split_once('/').unwrap_or((&path, ""));
        if seen.contains(first) && !rest.is_empty() {
            continue;
        }
        let shown = format!("out/{}", visible_line(&path));
        if is_for_secrets(&path) {
            push_secret(&shown, problems);
        } else if !rest.is_empty() && first != leftovers::CHARTS && !leftovers::has_lock(&project.root, first) {
            let message = format!("`{shown}` is not an output");
            problems.push(&codes::STRAY_FILE, &shown, message, Some("keep files of your own outside `out/`".into()));
        }
    }
    Ok(())
}

/// `3 environments: 1 as written, 2 not`.
fn summary(reports: &[Report]) -> String {
    let all = reports.iter().filter(|report| report.is_environment);
    let (fine, not): (Vec<_>, Vec<_>) = all.partition(|report| report.outcome == Outcome::Fine);
    let not_text = if not.is_empty() { String::new() } else { format!(", {} not", not.len()) };
    format!("{}: {} as written{not_text}", counted(fine.len() + not.len(), "environment"), fine.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_for_secrets_are_known_by_their_name() {
        for path in [
            ".env",
            "a/.env",
            ".env.prod",
            "prod.env",
            "secrets/x/y",
            "a/secrets/b",
            "Secrets/x",
            "tls.key",
            "x/ca.PEM",
            "id_rsa",
            "kubeconfig",
            "secrets",
            ".kube/config",
        ] {
            assert!(is_for_secrets(path), "{path}");
        }
        for path in ["aeterna/helm/values.yaml", "environment", "mysecrets/x", "env", "a.environment", "keys.yaml"] {
            assert!(!is_for_secrets(path), "{path}");
        }
    }
}
