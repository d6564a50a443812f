//! The folder `out/ENV` on disk, against the files that it should hold.
//!
//! In: files in memory; the folder and its lock, which anybody may have written.
//! Out: a [`Survey`] of what differs; changes on disk.
//! Never: a file outside `out/ENV`, a link that is followed, a file overwritten that somebody edited by hand.
//! Invariant: nothing is written unless everything can be; the lock is written last, so that a run that is
//! cut short is completed by the next one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    problems::Problems,
    project::{ReadError, read_regular},
};
use crate::{
    diag::codes,
    lock::{self, Lock},
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
    /// Every file that it should hold, by path.
    pub states: BTreeMap<String, State>,
    /// Files of an earlier compile that are no longer outputs and still have the bytes of the lock.
    pub orphans: Vec<String>,
    /// Files that no compile wrote, or that were edited since.
    pub strays: Vec<String>,
    /// What is wrong with the folder, whatever is done next.
    pub problems: Problems,
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
    root: PathBuf,
    environment: String,
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

    fn on_disk(&self, path: &str) -> PathBuf {
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
        let lock = self.read_lock(&mut survey.problems);
        for file in files {
            let state = self.state(file, lock.as_ref(), &mut survey.problems);
            survey.states.insert(file.path.clone(), state);
        }
        self.find_extras(&lock.unwrap_or_default(), &mut survey);
        survey
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
    /// an error there means that the folder is as before, but for [`codes::CANNOT_WRITE`].
    pub(super) fn apply(&self, files: &[File], survey: &Survey, overwrite: bool, problems: &mut Problems) -> Applied {
        for (path, state) in &survey.states {
            self.refuse(path, *state, overwrite, problems);
        }
        let mut applied = Applied::default();
        if problems.has_errors() || survey.problems.has_errors() {
            return applied;
        }
        if let Err((path, error)) = self.change(files, survey, &mut applied) {
            let message = format!("`{}` cannot be written: {error}", self.shown(&path));
            let hint = "make the folder writable and compile again; what is missing is then written";
            problems.push(&codes::CANNOT_WRITE, &self.shown(&path), message, Some(hint.into()));
        }
        applied
    }

    /// Removes the folder of an environment that is gone, as far as the lock says that a compile wrote it.
    pub(super) fn prune(&self, problems: &mut Problems) -> Applied {
        let survey = self.survey(&[]);
        let mut applied = self.apply(&[], &survey, false, problems);
        // Without a lock nobody could tell any more which of the files that stay were outputs.
        if problems.has_errors() || survey.problems.has_errors() || !survey.strays.is_empty() {
            return applied;
        }
        match fs::remove_file(self.on_disk(lock::NAME)) {
            Ok(()) => applied.removed.push(lock::NAME.to_owned()),
            Err(error) => problems.push(&codes::CANNOT_WRITE, &self.shown(lock::NAME), error.to_string(), None),
        }
        _ = fs::remove_dir(self.on_disk(""));
        applied
    }

    /// Whether the folder is a folder, or can become one: nothing on the way to it is a link.
    fn is_reachable(&self, below: &str, problems: &mut Problems) -> bool {
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

    fn read_lock(&self, problems: &mut Problems) -> Option<Lock> {
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

    fn state(&self, file: &File, lock: Option<&Lock>, problems: &mut Problems) -> State {
        let parent = file.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if !self.is_reachable(parent, problems) {
            return State::Blocked;
        }
        match read_regular(&self.on_disk(&file.path), MAX_OUTPUT_BYTES) {
            Ok(bytes) if bytes == file.bytes => State::Same,
            // The lock is no source of anything: it is replaced by what the files say.
            Ok(_) if file.path == lock::NAME => State::Stale,
            Ok(bytes) => judge(&file.path, &bytes, lock),
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => State::Missing,
            Err(ReadError::NotRegular) => {
                let shown = self.shown(&file.path);
                let message = format!("`{shown}` is no regular file");
                problems.push(&codes::LINK_IN_THE_WAY, &shown, message, Some(format!("remove it: `rm {shown}`")));
                State::Blocked
            }
            Err(error) => {
                problems.push(&codes::UNREADABLE_FILE, &self.shown(&file.path), error.to_string(), None);
                State::Blocked
            }
        }
    }

    fn find_extras(&self, lock: &Lock, survey: &mut Survey) {
        for path in self.walk(&mut survey.problems) {
            if survey.states.contains_key(&path) || path == lock::NAME {
                continue;
            }
            let bytes = read_regular(&self.on_disk(&path), MAX_OUTPUT_BYTES);
            if bytes.is_ok_and(|bytes| judge(&path, &bytes, Some(lock)) == State::Stale) {
                survey.orphans.push(path);
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
    }

    /// Everything below the folder that is no folder, sorted; links are not followed.
    fn walk(&self, problems: &mut Problems) -> Vec<String> {
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
        let hint = format!(
            "move the change to `environments/{0}.kdl`, then drop it here: `trueline compile {0} --overwrite`",
            self.environment
        );
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

    fn change(&self, files: &[File], survey: &Survey, applied: &mut Applied) -> Result<(), (String, io::Error)> {
        let differs = |file: &&File| survey.states.get(&file.path) != Some(&State::Same);
        let (lock, others): (Vec<_>, Vec<_>) = files.iter().filter(differs).partition(|file| file.path == lock::NAME);
        for file in others {
            self.write(file, applied)?;
        }
        for path in &survey.orphans {
            self.remove(path).map_err(|error| (path.clone(), error))?;
            applied.removed.push(path.clone());
        }
        lock.into_iter().try_for_each(|file| self.write(file, applied))
    }

    fn write(&self, file: &File, applied: &mut Applied) -> Result<(), (String, io::Error)> {
        self.replace(file).map_err(|error| (file.path.clone(), error))?;
        applied.written.push(file.path.clone());
        Ok(())
    }

    /// A temporary file in the same folder, then a rename: a reader sees the old bytes or the new ones.
    fn replace(&self, file: &File) -> io::Result<()> {
        let path = self.on_disk(&file.path);
        let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(parent)?;
        let mut temporary = tempfile::Builder::new().prefix(".trueline-").suffix(".tmp").tempfile_in(parent)?;
        temporary.write_all(&file.bytes)?;
        readable_by_all(temporary.as_file())?;
        temporary.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes a file and the folders that it leaves empty.
    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.on_disk(path))?;
        let mut folder = path;
        while let Some((parent, _)) = folder.rsplit_once('/') {
            // A folder that still holds something stays, and that is no mistake.
            if fs::remove_dir(self.on_disk(parent)).is_err() {
                break;
            }
            folder = parent;
        }
        Ok(())
    }
}

/// Folders in `out/` with a lock but without an environment, sorted.
#[must_use]
pub(super) fn forgotten(root: &Path, environments: &BTreeSet<&str>) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join("out")) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_forgotten = |name: &String| {
        let lock = root.join("out").join(name).join(lock::NAME);
        !environments.contains(name.as_str()) && fs::symlink_metadata(lock).is_ok()
    };
    let mut found: Vec<String> = names.filter(is_forgotten).collect();
    found.sort();
    found
}

/// What other bytes than the wanted ones mean.
fn judge(path: &str, bytes: &[u8], lock: Option<&Lock>) -> State {
    let Some(lock) = lock else { return State::Unknown };
    let known = |text: &str| lock.knows(path, text.as_bytes());
    let merged = || std::str::from_utf8(bytes).ok().and_then(lock::sides);
    if lock.knows(path, bytes) || merged().is_some_and(|(ours, theirs)| known(&ours) && known(&theirs)) {
        State::Stale
    } else if lock.files.contains_key(path) {
        State::Edited
    } else {
        State::Unknown
    }
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

#[cfg(unix)]
fn readable_by_all(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &fs::File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
