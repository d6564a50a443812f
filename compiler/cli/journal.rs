//! The journal of an environment: what a compile is about to change, so that the next one can complete it.
//!
//! In: operations with all their bytes; or `.trueline/ENV.journal`, which anybody may have written.
//! Out: a folder that is wholly the old one, wholly the new one, or in between with a journal beside it.
//! Never: a path outside `out/ENV`, a link that is followed, a file that was edited after the compile was cut short.
//! Invariant: nothing below `out/ENV` changes before the journal is complete, and it goes when everything is done.
//! Doing it again does no harm, so that completing may be cut short, too.
//!
//! ```text
//! trueline journal 1
//! file OLD SIZE NEW SIZE PATH
//! end SIZE DIGEST
//! ```
//! and then the new bytes of all files, in order. `OLD` and `NEW` are BLAKE3 as 64 hexadecimal digits, or `-` where
//! there is no file before or after; the last line has the number of bytes that follow and the digest of the lines
//! before it. A journal that ends early was never acted on.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    claim,
    disk::{self, Disk},
    leftovers,
    output::{Applied, Folder, is_ours},
    problems::Problems,
    project::{ReadError, name_problem, read_regular},
};
use crate::{
    diag::codes,
    lock::{self, Entry, Lock},
    visible::visible_line,
};

const FORMAT: &str = "trueline journal 1";
const SUFFIX: &str = ".journal";

/// The most bytes that a journal may have, and so the most that one compile changes in one environment.
const MAX_BYTES: u64 = 128 << 20;

/// One file that is to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Operation {
    /// The path below `out/ENV`; it obeys [`lock::path_problem`].
    pub path: String,
    /// What is there; none where there is nothing.
    pub old: Option<Entry>,
    /// What is to be there; none where the file goes.
    pub new: Option<Vec<u8>>,
}

/// Why a journal is not followed.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Unusable {
    /// It ends early: its compile was cut short while writing it, and changed nothing.
    Torn,
    /// It is no journal of this version.
    Bad(String),
}

/// Where the journal of an environment lies.
#[must_use]
pub(super) fn path(root: &Path, environment: &str) -> PathBuf {
    root.join(claim::FOLDER).join(format!("{environment}{SUFFIX}"))
}

/// The same, as messages show it.
#[must_use]
pub(super) fn shown(environment: &str) -> String {
    format!("{}/{}{SUFFIX}", claim::FOLDER, visible_line(environment))
}

/// The environments that have a journal, sorted. What stands in the place of the folder is a problem.
pub(super) fn all(root: &Path, problems: &mut Problems) -> Vec<String> {
    if !claim::is_there(root, problems) {
        return Vec::new();
    }
    let entries = match fs::read_dir(root.join(claim::FOLDER)) {
        Ok(entries) => entries,
        Err(error) => {
            let message = format!("the folder cannot be read: {error}");
            problems.push(&codes::UNREADABLE_FILE, claim::FOLDER, message, None);
            return Vec::new();
        }
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.filter_map(|name| name.strip_suffix(SUFFIX).map(str::to_owned));
    let mut found: Vec<String> =
        names.filter(|name| name_problem(name).is_none() || name == leftovers::CHARTS).collect();
    found.sort();
    found
}

/// That an environment has a journal, for commands that do not complete it.
#[must_use]
pub(super) fn interrupted(environment: &str) -> Problems {
    let message = format!("a compile of `{environment}` was cut short, or is still running");
    let hint = match environment {
        leftovers::CHARTS => "complete it: `trueline compile`".to_owned(),
        _ => format!("complete it: `trueline compile {environment}`"),
    };
    Problems::one(&codes::INTERRUPTED, &shown(environment), message, Some(hint))
}

/// Changes the files of an environment. What went wrong is in `problems`; then either nothing was changed, or the
/// journal stays for the next compile.
pub(super) fn carry_out(
    disk: &impl Disk,
    folder: &Folder,
    operations: &[Operation],
    problems: &mut Problems,
) -> Applied {
    let mut applied = Applied::default();
    if let Err(error) = begin(disk, folder, operations) {
        cannot_write(problems, &shown(&folder.environment), &error, false);
        return applied;
    }
    let done = perform(disk, folder, operations, &mut applied);
    let changed = applied != Applied::default();
    // Where nothing was changed there is nothing to complete either.
    let ended = if done.is_ok() || !changed { disk.remove(&path(&folder.root, &folder.environment)) } else { Ok(()) };
    if let Err((path, error)) = done {
        cannot_write(problems, &folder.shown(&path), &error, changed || ended.is_err());
    } else if let Err(error) = ended {
        cannot_write(problems, &shown(&folder.environment), &error, true);
    }
    applied
}

/// Completes what an earlier compile began, or drops its journal where that one changed nothing.
///
/// With `overwrite`, files that were edited since are replaced. Whether there was something to complete; with a
/// problem, the journal stays and nothing else may be written to this environment.
pub(super) fn recover(disk: &impl Disk, folder: &Folder, overwrite: bool, problems: &mut Problems) -> bool {
    let journal = path(&folder.root, &folder.environment);
    let operations = match read(&journal) {
        Ok(operations) => operations,
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return false,
        Err(error) => {
            let shown = shown(&folder.environment);
            let code =
                if matches!(error, ReadError::NotRegular) { &codes::LINK_IN_THE_WAY } else { &codes::BAD_JOURNAL };
            problems.push(code, &shown, format!("`{shown}`: {error}"), Some(format!("remove it: `rm {shown}`")));
            return false;
        }
    };
    let (operations, torn) = match operations {
        Ok(operations) => (operations, false),
        Err(Unusable::Torn) => (Vec::new(), true),
        Err(Unusable::Bad(message)) => {
            let shown = shown(&folder.environment);
            let hint = format!("remove it and compile again: `rm {shown}`");
            problems.push(&codes::BAD_JOURNAL, &shown, message, Some(hint));
            return false;
        }
    };
    let left = left_to_do(folder, &operations, overwrite, problems);
    if problems.has_errors() {
        return false;
    }
    let done =
        perform(disk, folder, &left, &mut Applied::default()).map_err(|(path, error)| (folder.shown(&path), error));
    tidy(disk, folder, &operations);
    let ended = done.and_then(|()| disk.remove(&journal).map_err(|error| (shown(&folder.environment), error)));
    if let Err((path, error)) = ended {
        cannot_write(problems, &path, &error, true);
        return false;
    }
    !torn
}

/// That something cannot be written; what was changed until then has a journal.
pub(super) fn cannot_write(problems: &mut Problems, path: &str, error: &io::Error, changed: bool) {
    let hint = match changed {
        true => "make room or the folder writable, and compile again; that completes it",
        false => "make room or the folder writable, and compile again; nothing was changed",
    };
    problems.push(&codes::CANNOT_WRITE, path, format!("`{path}` cannot be written: {error}"), Some(hint.to_owned()));
}

fn begin(disk: &impl Disk, folder: &Folder, operations: &[Operation]) -> io::Result<()> {
    let text = text(operations);
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("more than {} MiB are to be changed at once", MAX_BYTES >> 20)));
    }
    let journal = path(&folder.root, &folder.environment);
    match disk.create(&journal, &text) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            disk.create_folder(&folder.root.join(claim::FOLDER))?;
            disk.create(&journal, &text)
        }
        other => other,
    }
}

fn perform(
    disk: &impl Disk,
    folder: &Folder,
    operations: &[Operation],
    applied: &mut Applied,
) -> Result<(), (String, io::Error)> {
    for Operation { path, new, .. } in operations {
        let on_disk = folder.on_disk(path);
        match new {
            Some(bytes) => {
                disk::replace(disk, &folder.root, &on_disk, bytes).map_err(|error| (path.clone(), error))?;
                applied.written.push(path.clone());
            }
            None => {
                disk.remove(&on_disk).map_err(|error| (path.clone(), error))?;
                applied.removed.push(path.clone());
                remove_empty_folders(disk, folder, path);
            }
        }
    }
    Ok(())
}

/// Removes the folders that a file left empty, but not `out/ENV` itself.
fn remove_empty_folders(disk: &impl Disk, folder: &Folder, path: &str) {
    let mut below = path;
    while let Some((parent, _)) = below.rsplit_once('/') {
        // A folder that still holds something stays, and that is no mistake; one may be gone since the first try.
        match disk.remove_folder(&folder.on_disk(parent)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => break,
            _ => below = parent,
        }
    }
}

/// Removes what a compile that was cut short may have left beside its files.
fn tidy(disk: &impl Disk, folder: &Folder, operations: &[Operation]) {
    let temporaries: BTreeSet<PathBuf> =
        operations.iter().map(|operation| disk::beside(&folder.on_disk(&operation.path))).collect();
    for temporary in temporaries {
        if fs::symlink_metadata(&temporary).is_ok_and(|found| found.is_file()) {
            // What stays is found by the next survey.
            _ = disk.remove(&temporary);
        }
    }
    for operation in operations.iter().filter(|operation| operation.new.is_none()) {
        remove_empty_folders(disk, folder, &operation.path);
        if operation.path == lock::NAME {
            _ = disk.remove_folder(&folder.on_disk(""));
        }
    }
}

/// The operations that are not done yet. A file that is neither the old nor the new one was edited since.
fn left_to_do(folder: &Folder, operations: &[Operation], overwrite: bool, problems: &mut Problems) -> Vec<Operation> {
    let mut left = Vec::new();
    if !folder.is_reachable("", problems) {
        return left;
    }
    let lock = folder.read_lock(&mut Problems::default()).unwrap_or_default();
    for operation in operations {
        match step(folder, operation, &lock, problems) {
            Step::Done => {}
            Step::ToDo => left.push(operation.clone()),
            Step::Edited if overwrite => left.push(operation.clone()),
            Step::Edited => {
                let shown = folder.shown(&operation.path);
                let message = format!("`{shown}` was edited since a compile was cut short");
                let name = &folder.environment;
                let hint = format!(
                    "move the change to `environments/{name}.kdl`, then drop it here: `trueline compile {name} --overwrite`"
                );
                problems.push(&codes::EDITED_BY_HAND, &shown, message, Some(hint));
            }
        }
    }
    left
}

/// How far an operation has come.
enum Step {
    Done,
    ToDo,
    Edited,
}

fn step(folder: &Folder, operation: &Operation, lock: &Lock, problems: &mut Problems) -> Step {
    let Operation { path, old, new } = operation;
    let Some(found) = folder.read(path, problems) else { return Step::Done };
    let is_old = |bytes: &[u8]| *old == Some(Entry::of(bytes));
    match (found, new) {
        (None, Some(_)) => Step::ToDo,
        (None, None) => Step::Done,
        (Some(bytes), Some(new)) if bytes == *new => Step::Done,
        // The lock is no source of anything, so nobody's work is lost with it.
        (Some(_), Some(_)) if path == lock::NAME => Step::ToDo,
        (Some(bytes), Some(_)) if is_old(&bytes) || lock.knows(path, &bytes) => Step::ToDo,
        (Some(_), Some(_)) => Step::Edited,
        // Only what the lock says, too, is removed: a journal is written by hand as easily as anything.
        (Some(bytes), None) if is_old(&bytes) && (path == lock::NAME || is_ours(path, &bytes, lock)) => Step::ToDo,
        (Some(_), None) => Step::Done,
    }
}

/// The text of a journal with the bytes behind it.
fn text(operations: &[Operation]) -> Vec<u8> {
    let mut lines = format!("{FORMAT}\n");
    let entry =
        |entry: Option<Entry>| entry.map_or("- 0".to_owned(), |entry| format!("{} {}", entry.digest, entry.size));
    for Operation { path, old, new } in operations {
        _ = writeln!(lines, "file {} {} {path}", entry(*old), entry(new.as_deref().map(Entry::of)));
    }
    let bytes: Vec<&[u8]> = operations.iter().filter_map(|operation| operation.new.as_deref()).collect();
    let digest = lock::digest(lines.as_bytes());
    _ = writeln!(lines, "end {} {digest}", bytes.iter().map(|bytes| bytes.len()).sum::<usize>());
    let mut text = lines.into_bytes();
    bytes.into_iter().for_each(|bytes| text.extend_from_slice(bytes));
    text
}

fn read(path: &Path) -> Result<Result<Vec<Operation>, Unusable>, ReadError> {
    read_regular(path, MAX_BYTES).map(|bytes| parse(&bytes))
}

fn parse(text: &[u8]) -> Result<Vec<Operation>, Unusable> {
    if FORMAT.as_bytes().starts_with(text) {
        return Err(Unusable::Torn);
    }
    let bad = |line: usize, what: &str| Unusable::Bad(format!("line {line}: {what}"));
    let (mut at, mut number) = (0, 0);
    let mut announced: Vec<(String, Option<Entry>, Option<Entry>)> = Vec::new();
    let mut folded = BTreeSet::new();
    loop {
        number += 1;
        let Some(length) = text[at..].iter().position(|byte| *byte == b'\n') else { return Err(Unusable::Torn) };
        let line = std::str::from_utf8(&text[at..at + length]).map_err(|_| bad(number, "it is not UTF-8"))?;
        let before = &text[..at];
        at += length + 1;
        match line.split_once(' ') {
            _ if number == 1 && line == FORMAT => {}
            _ if number == 1 => return Err(bad(1, &format!("wanted `{FORMAT}`"))),
            Some(("file", rest)) => {
                let (old, new, path) = file_line(rest).ok_or_else(|| bad(number, "it says no change of a file"))?;
                if let Some(problem) = lock::path_problem(path) {
                    return Err(bad(number, &format!("the path `{}` {problem}", visible_line(path))));
                }
                if !folded.insert(lock::fold(path)) || old.is_none() && new.is_none() {
                    return Err(bad(number, "it says no change of a file, or a second one"));
                }
                announced.push((path.to_owned(), old, new));
            }
            Some(("end", rest)) => {
                let size = announced
                    .iter()
                    .filter_map(|(_, _, new)| *new)
                    .try_fold(0, |sum: u64, new| sum.checked_add(new.size));
                let size = size.filter(|size| rest == format!("{size} {}", lock::digest(before)));
                return payload(
                    announced,
                    size.ok_or_else(|| bad(number, "it does not fit the lines before it"))?,
                    &text[at..],
                );
            }
            _ => return Err(bad(number, "it means nothing")),
        }
    }
}

fn file_line(rest: &str) -> Option<(Option<Entry>, Option<Entry>, &str)> {
    let mut words = rest.splitn(5, ' ');
    let mut entry = || -> Option<Option<Entry>> {
        let (digest, size) = (words.next()?, words.next()?);
        if (digest, size) == ("-", "0") {
            return Some(None);
        }
        let size = size.bytes().all(|byte| byte.is_ascii_digit()).then(|| size.parse().ok())??;
        Some(Some(Entry { size, digest: lock::Digest::read(digest)? }))
    };
    Some((entry()?, entry()?, words.next()?))
}

/// The operations with their bytes, which are those that were announced.
fn payload(
    announced: Vec<(String, Option<Entry>, Option<Entry>)>,
    size: u64,
    mut bytes: &[u8],
) -> Result<Vec<Operation>, Unusable> {
    match size.cmp(&(bytes.len() as u64)) {
        std::cmp::Ordering::Greater => return Err(Unusable::Torn),
        std::cmp::Ordering::Less => return Err(Unusable::Bad("more bytes follow than are announced".into())),
        std::cmp::Ordering::Equal => {}
    }
    let mut operations = Vec::new();
    for (path, old, new) in announced {
        let Some(entry) = new else {
            operations.push(Operation { path, old, new: None });
            continue;
        };
        let (new, rest) = bytes.split_at(entry.size as usize);
        if Entry::of(new) != entry {
            return Err(Unusable::Bad(format!(
                "the bytes of `{}` are not those that are announced",
                visible_line(&path)
            )));
        }
        bytes = rest;
        operations.push(Operation { path, old, new: Some(new.to_owned()) });
    }
    Ok(operations)
}

#[cfg(test)]
mod tests;
