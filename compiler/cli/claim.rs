//! `.trueline/`: the folder of a compile that is under way, and the claim of one process to write.
//!
//! In: the project's root. Out: a claim that ends with the process, however that ends.
//! Never: a wait of more than some seconds, a link that is followed.
//! Invariant: only who holds the claim writes below `out/` and reads journals to complete them. A run that finds
//! nothing to write never asks for it, and writes nothing at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
    thread,
    time::Duration,
};

use super::{
    disk::{Disk as _, System},
    problems::Problems,
};
use crate::diag::codes;

/// The folder below the project's root.
pub(super) const FOLDER: &str = ".trueline";

const LOCK: &str = "lock";
const PAUSE: Duration = Duration::from_millis(50);
/// About five seconds, in which a thousand environments are written.
const PAUSES: u32 = 100;

/// The claim of this process to write, asked for when something is to be written.
#[derive(Debug)]
pub(super) struct Claim {
    root: PathBuf,
    pauses: u32,
    taken: OnceLock<Result<Option<fs::File>, Problems>>,
}

impl Claim {
    /// A claim that was not asked for yet.
    #[must_use]
    pub(super) fn new(root: &Path) -> Claim {
        Claim { root: root.to_owned(), pauses: PAUSES, taken: OnceLock::new() }
    }

    /// Whether it was asked for and given: what was read since then is not changed by another process.
    #[must_use]
    pub(super) fn is_held(&self) -> bool {
        matches!(self.taken.get(), Some(Ok(_)))
    }

    /// Asks for it, once; waits a little for another process. Whether it is held now.
    pub(super) fn hold(&self) -> bool {
        self.taken.get_or_init(|| take(&self.root, self.pauses)).is_ok()
    }

    /// Why it was not given, if so.
    #[must_use]
    pub(super) fn refused(&self) -> Option<&Problems> {
        self.taken.get().and_then(|taken| taken.as_ref().err())
    }
}

/// Whether the folder is there; a link or a file in its place is a problem.
pub(super) fn is_there(root: &Path, problems: &mut Problems) -> bool {
    match fs::symlink_metadata(root.join(FOLDER)) {
        Ok(found) if found.is_dir() => true,
        Ok(_) => {
            let message = format!("`{FOLDER}` is a link or a file, and a folder belongs there");
            problems.push(&codes::LINK_IN_THE_WAY, FOLDER, message, Some(format!("remove it: `rm {FOLDER}`")));
            false
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => {
            problems.push(&codes::UNREADABLE_FILE, FOLDER, format!("the folder cannot be read: {error}"), None);
            false
        }
    }
}

/// The open file whose lock is the claim; none on a file system without locks.
fn take(root: &Path, pauses: u32) -> Result<Option<fs::File>, Problems> {
    let mut problems = Problems::default();
    let folder = root.join(FOLDER);
    if !is_there(root, &mut problems) {
        if problems.has_errors() {
            return Err(problems);
        }
        match System.create_folder(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(unwritable(FOLDER, &error)),
            _ => {}
        }
    }
    // Nothing in it belongs into a repository. Where this cannot be written, the next file cannot be written either.
    if fs::symlink_metadata(folder.join(".gitignore")).is_err() {
        _ = System.create(&folder.join(".gitignore"), b"*\n");
    }
    wait(open(&folder.join(LOCK))?, pauses)
}

fn open(path: &Path) -> Result<fs::File, Problems> {
    let shown = format!("{FOLDER}/{LOCK}");
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => {
            let message = format!("`{shown}` is no regular file");
            return Err(Problems::one(
                &codes::LINK_IN_THE_WAY,
                &shown,
                message,
                Some(format!("remove it: `rm {shown}`")),
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => match System.create(path, b"") {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(unwritable(&shown, &error)),
            _ => {}
        },
        _ => {}
    }
    fs::File::open(path).map_err(|error| unwritable(&shown, &error))
}

fn wait(file: fs::File, pauses: u32) -> Result<Option<fs::File>, Problems> {
    let shown = format!("{FOLDER}/{LOCK}");
    for pause in 0..=pauses {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) if pause < pauses => thread::sleep(PAUSE),
            Err(fs::TryLockError::WouldBlock) => {}
            Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(unwritable(&shown, &error)),
        }
    }
    let message = "another compile of this project is writing, and did not end";
    let hint = "wait for it, then compile again; the lock ends with its process";
    Err(Problems::one(&codes::BUSY, &shown, message, Some(hint.into())))
}

fn unwritable(path: &str, error: &io::Error) -> Problems {
    let hint = "make the project's folder writable and compile again";
    Problems::one(&codes::CANNOT_WRITE, path, format!("`{path}` cannot be written: {error}"), Some(hint.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes_of(problems: &Problems) -> Vec<&'static str> {
        problems.findings().iter().map(|finding| finding.code.id).collect()
    }

    #[test]
    fn one_process_holds_it_and_the_next_gets_it_when_it_ends() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let claim = || Claim { pauses: 1, ..Claim::new(folder.path()) };
        let (first, second) = (claim(), claim());
        assert!(!first.is_held() && !folder.path().join(FOLDER).exists(), "nothing is written before it is asked for");
        assert!(first.hold() && first.is_held() && first.refused().is_none());
        assert!(!second.hold() && !second.is_held());
        assert_eq!(second.refused().map(codes_of), Some(vec!["TL1020"]));
        drop(first);
        assert!(claim().hold());
        assert_eq!(fs::read_to_string(folder.path().join(FOLDER).join(".gitignore")).expect("a file"), "*\n");
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        use std::os::unix::fs::symlink;
        let elsewhere = tempfile::tempdir().expect("a temporary folder");
        let folder = tempfile::tempdir().expect("a temporary folder");
        symlink(elsewhere.path(), folder.path().join(FOLDER)).expect("a link");
        let claim = Claim::new(folder.path());
        assert!(!claim.hold());
        assert_eq!(claim.refused().map(codes_of), Some(vec!["TL1014"]));
        assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join(FOLDER)).expect("a folder");
        symlink(elsewhere.path().join("x"), folder.path().join(FOLDER).join(LOCK)).expect("a link");
        let claim = Claim::new(folder.path());
        assert!(!claim.hold());
        assert_eq!(claim.refused().map(codes_of), Some(vec!["TL1014"]));
        assert!(!elsewhere.path().join("x").exists());
    }
}
