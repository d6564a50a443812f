//! The folder `out/ENV` on disk, against the files that it should hold.
//!
//! In: files in memory; the folder and its lock, which anybody may have written.
//! Out: a [`Survey`] of what differs; changes on disk.
//! Never: a file outside `out/ENV`, a link that is followed, a file overwritten that somebody edited by hand.
//! Invariant: nothing is written unless everything may be. What goes is removed first, because a file system may hold
//! its name and a new one for the same; the lock is written last, because it says what everything else is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    aside,
    disk::{Disk, TEMPORARY},
    journal::{self, Operation},
    leftovers,
    problems::Problems,
    project::{ReadError, read_regular},
};
use crate::{
    diag::codes,
    lock::{self, Digest, Entry, Lock},
    targets::File,
    visible::visible_line,
};

/// The most bytes of an output file that are read to be compared.
pub(super) const MAX_OUTPUT_BYTES: u64 = 64 << 20;

/// How a file on disk stands to the file in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// The same bytes.
    Same,
    /// Not there.
    Missing,
    /// Other bytes, which an earlier compile wrote.
    Stale,
    /// Other bytes, and not those that the lock says.
    Edited,
    /// Other bytes, and no lock says who wrote them.
    Unknown,
    /// A link, a folder or something else that is no file, here or on the way.
    Blocked,
}

/// What the folder of one environment holds, compared with what it should hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    /// Whether there is no folder yet.
    pub is_new: bool,
    /// Every file that it should hold, by path.
    pub states: BTreeMap<String, State>,
    /// What stands where other bytes are to be, by path.
    pub replaced: BTreeMap<String, Entry>,
    /// Files of an earlier compile that are no longer outputs and still have the bytes of the lock.
    pub orphans: BTreeMap<String, Entry>,
    /// Files that no compile wrote, or that were edited since.
    pub strays: Vec<String>,
    /// Files that a compile which was killed left beside outputs.
    pub temporaries: Vec<String>,
    /// What is wrong with the folder, whatever is done next.
    pub problems: Problems,
}

impl Survey {
    /// Whether anything is to be written or removed.
    #[must_use]
    pub(super) fn is_current(&self) -> bool {
        self.orphans.is_empty()
            && self.temporaries.is_empty()
            && self.states.values().all(|state| *state == State::Same)
    }

    /// Some file systems hold `a` and `A` for the same: where one goes and the other comes, removing takes both.
    fn write_what_goes_by_another_name(&mut self) {
        let gone: BTreeSet<String> = self.orphans.keys().map(|path| lock::fold(path)).collect();
        let states =
            self.states.iter_mut().filter(|(path, state)| **state == State::Same && gone.contains(&lock::fold(path)));
        states.for_each(|(_, state)| *state = State::Missing);
    }
}

/// What was changed on disk.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Applied {
    /// Paths that were written.
    pub written: Vec<String>,
    /// Paths that were removed.
    pub removed: Vec<String>,
}

/// Where the outputs of one environment are.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// The project's root.
    pub root: PathBuf,
    /// The environment: a DNS label.
    pub environment: String,
}

impl Folder {
    /// The folder of an environment, whose name is a DNS label, below the project's root.
    #[must_use]
    pub(super) fn new(root: &Path, environment: &str) -> Folder {
        Folder { root: root.to_owned(), environment: environment.to_owned() }
    }

    /// The path of the folder, or of a file in it, as messages show it.
    #[must_use]
    pub(super) fn shown(&self, path: &str) -> String {
        let separator = if path.is_empty() { "" } else { "/" };
        format!("out/{}{separator}{}", self.environment, visible_line(path))
    }

    /// Where a file of the folder is, or the folder itself for an empty path.
    #[must_use]
    pub(super) fn on_disk(&self, path: &str) -> PathBuf {
        let folder = self.root.join("out").join(&self.environment);
        if path.is_empty() { folder } else { folder.join(path) }
    }

    /// Compares the folder with the files that it should hold; changes nothing.
    #[must_use]
    pub(super) fn survey(&self, files: &[File]) -> Survey {
        let mut survey = Survey::default();
        check_paths(self, files, &mut survey.problems);
        if survey.problems.has_errors() || !self.is_reachable("", &mut survey.problems) {
            survey.states = files.iter().map(|file| (file.path.clone(), State::Blocked)).collect();
            return survey;
        }
        if matches!(fs::symlink_metadata(self.on_disk("")), Err(error) if error.kind() == io::ErrorKind::NotFound) {
            survey.states = files.iter().map(|file| (file.path.clone(), State::Missing)).collect();
            survey.is_new = true;
            return survey; // a new environment, of which nothing more has to be asked
        }
        let lock = self.read_lock(&mut survey.problems);
        for file in files {
            self.look_at(file, lock.as_ref(), &mut survey);
        }
        self.find_extras(&lock.unwrap_or_default(), &mut survey);
        survey
    }

    /// How many files the folder holds, if its lock has this digest and it holds the files of the lock, byte for byte, and
    /// nothing else.
    #[must_use]
    pub(super) fn holds(&self, lock: Digest) -> Option<usize> {
        let mut problems = Problems::default();
        if !self.is_reachable("", &mut problems) {
            return None;
        }
        let found = self.walk(&mut problems);
        let bytes = read_regular(&self.on_disk(lock::NAME), lock::MAX_BYTES as u64).ok()?;
        if problems.has_errors() || lock::digest(&bytes) != lock {
            return None;
        }
        let lock = lock::parse(str::from_utf8(&bytes).ok()?).ok()?;
        let as_locked = |path: &String| {
            path == lock::NAME
                || lock.files.contains_key(path)
                    && read_regular(&self.on_disk(path), MAX_OUTPUT_BYTES).is_ok_and(|bytes| lock.knows(path, &bytes))
        };
        (found.len() == lock.files.len() + 1 && found.iter().all(as_locked)).then_some(found.len())
    }

    /// The files that are there, by path, as far as they are regular files.
    #[must_use]
    pub(super) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        if !self.is_reachable("", &mut Problems::default()) {
            return BTreeMap::new();
        }
        let read = |path: String| read_regular(&self.on_disk(&path), MAX_OUTPUT_BYTES).ok().map(|bytes| (path, bytes));
        self.walk(&mut Problems::default()).into_iter().filter_map(read).collect()
    }

    /// The settings that were compiled before; null where there are none.
    pub(super) fn settings(&self) -> serde_json::Value {
        const NAME: &str = "settings.json";
        if !self.is_reachable("", &mut Problems::default()) {
            return serde_json::Value::Null;
        }
        let bytes = read_regular(&self.on_disk(NAME), MAX_OUTPUT_BYTES).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes what differs and removes orphans, or does nothing where something must not be touched.
    ///
    /// With `overwrite`, files that were edited by hand are replaced. What went wrong is in `problems`;
    /// an error there means that the folder is as before, or has a journal.
    pub(super) fn apply(
        &self,
        disk: &impl Disk,
        files: &[File],
        survey: &Survey,
        overwrite: bool,
        problems: &mut Problems,
    ) -> Applied {
        for (path, state) in &survey.states {
            self.refuse(path, *state, overwrite, problems);
        }
        if problems.has_errors() || survey.problems.has_errors() {
            return Applied::default();
        }
        self.carry_out(disk, survey, &operations(files, survey), problems)
    }

    /// Removes the folder of an environment that is gone, as far as the lock says that a compile wrote it.
    pub(super) fn prune(&self, disk: &impl Disk, problems: &mut Problems) -> Applied {
        let survey = self.survey(&[]);
        if survey.problems.has_errors() {
            return Applied::default();
        }
        let mut operations = operations(&[], &survey);
        // Without a lock nobody could tell any more which of the files that stay were outputs.
        let lock = if survey.strays.is_empty() { self.read(lock::NAME, problems).flatten() } else { None };
        operations.extend(lock.iter().map(|bytes| Operation {
            path: lock::NAME.to_owned(),
            old: Some(Entry::of(bytes)),
            new: None,
        }));
        let applied = self.carry_out(disk, &survey, &operations, problems);
        if lock.is_some() && !problems.has_errors() {
            // An empty folder that stays is no output.
            _ = disk.remove_folder(&self.on_disk(""));
        }
        applied
    }

    fn carry_out(
        &self,
        disk: &impl Disk,
        survey: &Survey,
        operations: &[Operation],
        problems: &mut Problems,
    ) -> Applied {
        for path in &survey.temporaries {
            if let Err(error) = disk.remove(&self.on_disk(path)) {
                let message = format!("`{}` cannot be removed: {error}", self.shown(path));
                problems.push(&codes::CANNOT_WRITE, &self.shown(path), message, None);
                return Applied::default();
            }
        }
        if operations.is_empty() {
            return Applied::default();
        }
        let placed = if survey.is_new { aside::place(disk, self, operations, problems) } else { None };
        placed.unwrap_or_else(|| journal::carry_out(disk, self, operations, problems))
    }

    /// Whether the folder is a folder, or can become one: nothing on the way to it is a link.
    pub(super) fn is_reachable(&self, below: &str, problems: &mut Problems) -> bool {
        let mut folder = self.root.join("out");
        let mut parts = vec![self.environment.as_str()];
        parts.extend(below.split('/').filter(|part| !part.is_empty()));
        let mut shown = "out".to_owned();
        for part in [None].into_iter().chain(parts.into_iter().map(Some)) {
            if let Some(part) = part {
                folder.push(part);
                shown = format!("{shown}/{part}");
            }
            match fs::symlink_metadata(&folder) {
                Ok(found) if found.is_dir() => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
                Ok(_) => {
                    let message = format!("`{shown}` is a link or a file, and a folder belongs there");
                    let hint = format!("remove it: `rm {shown}`");
                    problems.push(&codes::LINK_IN_THE_WAY, &shown, message, Some(hint));
                    return false;
                }
                Err(error) => {
                    problems.push(&codes::UNREADABLE_FILE, &shown, format!("the folder cannot be read: {error}"), None);
                    return false;
                }
            }
        }
        true
    }

    /// The lock, if there is one that can be read.
    pub(super) fn read_lock(&self, problems: &mut Problems) -> Option<Lock> {
        let trouble = match read_regular(&self.on_disk(lock::NAME), lock::MAX_BYTES as u64) {
            Ok(bytes) => match std::str::from_utf8(&bytes).map(lock::parse) {
                Ok(Ok(lock)) => return Some(lock),
                Ok(Err(error)) => format!("line {}: {}", error.line, error.message),
                Err(_) => "it is not UTF-8".into(),
            },
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => error.to_string(),
        };
        let hint = format!("compile again, or take it from the last commit: `git checkout {}`", self.shown(lock::NAME));
        problems.push(&codes::BAD_LOCK, &self.shown(lock::NAME), trouble, Some(hint));
        None
    }

    /// The bytes of a file, none where there is no file; nothing where something else stands there or on the way.
    pub(super) fn read(&self, path: &str, problems: &mut Problems) -> Option<Option<Vec<u8>>> {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if !self.is_reachable(parent, problems) {
            return None;
        }
        let shown = self.shown(path);
        match read_regular(&self.on_disk(path), MAX_OUTPUT_BYTES) {
            Ok(bytes) => return Some(Some(bytes)),
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Some(None),
            Err(ReadError::NotRegular) => {
                let message = format!("`{shown}` is no regular file");
                problems.push(&codes::LINK_IN_THE_WAY, &shown, message, Some(format!("remove it: `rm {shown}`")));
            }
            Err(error) => problems.push(&codes::UNREADABLE_FILE, &shown, error.to_string(), None),
        }
        None
    }

    fn look_at(&self, file: &File, lock: Option<&Lock>, survey: &mut Survey) {
        let state = match self.read(&file.path, &mut survey.problems) {
            None => State::Blocked,
            Some(None) => State::Missing,
            Some(Some(bytes)) if bytes == file.bytes => State::Same,
            Some(Some(bytes)) => {
                survey.replaced.insert(file.path.clone(), Entry::of(&bytes));
                // The lock is no source of anything: it is replaced by what the files say.
                if file.path == lock::NAME { State::Stale } else { judge(&file.path, &bytes, lock) }
            }
        };
        survey.states.insert(file.path.clone(), state);
    }

    fn find_extras(&self, lock: &Lock, survey: &mut Survey) {
        for path in self.walk(&mut survey.problems) {
            if survey.states.contains_key(&path) || path == lock::NAME {
                continue;
            }
            let bytes = read_regular(&self.on_disk(&path), MAX_OUTPUT_BYTES);
            if is_temporary(&path) && bytes.is_ok() {
                survey.temporaries.push(path);
                continue;
            }
            if let Some(bytes) = bytes.ok().filter(|bytes| is_ours(&path, bytes, lock)) {
                survey.orphans.insert(path, Entry::of(&bytes));
                continue;
            }
            let shown = self.shown(&path);
            let message = match lock.files.contains_key(&path) {
                true => format!("`{shown}` is no longer an output, and was edited by hand"),
                false => format!("`{shown}` is not an output"),
            };
            let hint = "keep files of your own outside `out/`, or remove it";
            survey.problems.push(&codes::STRAY_FILE, &shown, message, Some(hint.into()));
            survey.strays.push(path);
        }
        survey.write_what_goes_by_another_name();
    }

    /// Everything below the folder that is no folder, sorted; links are not followed.
    pub(super) fn walk(&self, problems: &mut Problems) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![String::new()]);
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(self.on_disk(&folder)) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let message = format!("the folder cannot be read: {error}");
                    problems.push(&codes::UNREADABLE_FILE, &self.shown(&folder), message, None);
                    continue;
                }
            };
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder { folders.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    }

    fn refuse(&self, path: &str, state: State, overwrite: bool, problems: &mut Problems) {
        let shown = self.shown(path);
        let hint = match self.environment.as_str() {
            leftovers::CHARTS => {
                "drop the change: `trueline compile --overwrite`; a chart of your own lives elsewhere".to_owned()
            }
            name => format!(
                "move the change to `environments/{name}.kdl`, then drop it here: `trueline compile {name} --overwrite`"
            ),
        };
        match state {
            State::Edited if !overwrite => {
                let message = format!("`{shown}` was edited since it was written");
                problems.push(&codes::EDITED_BY_HAND, &shown, message, Some(hint));
            }
            State::Unknown if !overwrite => {
                let message = format!("`{shown}` is not in the lock, so somebody else wrote it");
                problems.push(&codes::IN_THE_WAY, &shown, message, Some(hint));
            }
            _ => {}
        }
    }
}

/// What is to be done, in this order: remove, write, write the lock.
fn operations(files: &[File], survey: &Survey) -> Vec<Operation> {
    let removed = survey.orphans.iter().map(|(path, old)| Operation { path: path.clone(), old: Some(*old), new: None });
    let differs = |file: &&File| survey.states.get(&file.path) != Some(&State::Same);
    let (lock, others): (Vec<_>, Vec<_>) = files.iter().filter(differs).partition(|file| file.path == lock::NAME);
    let written = others.into_iter().chain(lock).map(|file| Operation {
        path: file.path.clone(),
        old: survey.replaced.get(&file.path).copied(),
        new: Some(file.bytes.clone()),
    });
    removed.chain(written).collect()
}

/// Whether a file is one that a compile writes before it is renamed.
#[must_use]
pub(super) fn is_temporary(path: &str) -> bool {
    path.rsplit('/').next() == Some(TEMPORARY)
}

/// Whether an earlier compile wrote these bytes: the lock has their hash, or that of both sides of a merge.
#[must_use]
pub(super) fn is_ours(path: &str, bytes: &[u8], lock: &Lock) -> bool {
    let known = |text: &str| lock.knows(path, text.as_bytes());
    let merged = || std::str::from_utf8(bytes).ok().and_then(lock::sides);
    lock.knows(path, bytes) || merged().is_some_and(|(ours, theirs)| known(&ours) && known(&theirs))
}

/// Whether a file holds the conflict markers of a merge, each where it belongs.
#[must_use]
pub(super) fn is_conflict(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| lock::sides(text).is_some())
}

/// What other bytes than the wanted ones mean.
fn judge(path: &str, bytes: &[u8], lock: Option<&Lock>) -> State {
    let Some((lock, entries)) = lock.and_then(|lock| Some((lock, lock.files.get(path)?))) else {
        return State::Unknown;
    };
    // Git merged two outputs, line by line, into something that neither side wrote: with markers, or without them while
    // both sides of a conflict in the lock name other bytes. Both sides are in its history, so nothing is lost.
    let merged = is_conflict(bytes) || lock.conflicted && entries.len() > 1;
    if merged || lock.knows(path, bytes) { State::Stale } else { State::Edited }
}

fn check_paths(folder: &Folder, files: &[File], problems: &mut Problems) {
    let mut folded = BTreeSet::new();
    for file in files {
        let twice = || (!folded.insert(lock::fold(&file.path))).then_some("stands twice, if case is ignored");
        if let Some(problem) = lock::path_problem(&file.path).or_else(twice) {
            let shown = visible_line(&file.path).into_owned();
            problems.push(
                &codes::UNSAFE_PATH,
                &folder.shown(&file.path),
                format!("the output path `{shown}` {problem}"),
                None,
            );
        }
    }
    for file in files {
        let parents = file.path.match_indices('/').map(|(at, _)| lock::fold(&file.path[..at]));
        for parent in parents.filter(|parent| folded.contains(parent)) {
            let message = format!("`{}` is to be a file and a folder", folder.shown(&parent));
            problems.push(&codes::UNSAFE_PATH, &folder.shown(&parent), message, None);
        }
    }
}

#[cfg(test)]
mod tests;
