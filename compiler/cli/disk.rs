//! The few things that are done to the disk, so that tests can stop or fail at each of them.
//!
//! In: paths below the project's root. Out: what the system says.
//! Never: which path is right; callers have looked at the way to it.
//! Invariant: no call follows a link in the last part of a path, and none replaces a file but [`Disk::rename`].

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

/// The name of a file that is being written, next to the one that it will replace.
pub(super) const TEMPORARY: &str = ".trueline.tmp";

/// What a compile does to the disk.
pub(super) trait Disk {
    /// Creates a folder, whose parent is there.
    ///
    /// # Errors
    /// What the system says, also that something is there already.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Creates a file with these bytes, which everybody may read.
    ///
    /// # Errors
    /// What the system says, also that something is there already. A file that could not be filled is gone again.
    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Gives a file another name in the same folder, in place of what has that name; or a folder another place, where
    /// nothing is or an empty folder.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder, if it is empty.
    ///
    /// # Errors
    /// What the system says, also that something is in it.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct System;

impl Disk for System {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        let filled = file.write_all(bytes).and_then(|()| readable_by_all(&file));
        if filled.is_err() {
            // What is left of it is found again by its name, so the first trouble is the one to tell.
            _ = fs::remove_file(path);
        }
        filled
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }
}

/// Puts a file in place: a temporary one beside it, then a rename, so that a reader sees the old bytes or the new ones.
///
/// Folders on the way from `root` are created.
///
/// # Errors
/// What the system says; then the file is as before, or not there as before.
pub(super) fn replace(disk: &impl Disk, root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path);
    match disk.create(&temporary, bytes) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_folders(disk, root, path.parent().unwrap_or(root))?;
            disk.create(&temporary, bytes)?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(&temporary)?;
            disk.create(&temporary, bytes)?;
        }
        other => other?,
    }
    disk.rename(&temporary, path).inspect_err(|_| {
        _ = disk.remove(&temporary);
    })
}

/// Where the bytes of a file are written before it is renamed.
#[must_use]
pub(super) fn beside(path: &Path) -> PathBuf {
    path.with_file_name(TEMPORARY)
}

/// Creates a folder, and those above it below `root` that are missing; most often only one is.
///
/// # Errors
/// What the system says, but not that a folder is there.
pub(super) fn create_folders(disk: &impl Disk, root: &Path, folder: &Path) -> io::Result<()> {
    let created = match (disk.create_folder(folder), folder.parent()) {
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound && folder != root => {
            create_folders(disk, root, parent)?;
            disk.create_folder(folder)
        }
        (created, _) => created,
    };
    match created {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
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
