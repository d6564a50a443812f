//! A folder that is not there yet: filled aside, then moved to its place.
//!
//! In: the files of a new `out/ENV`. Out: that folder with all of them, or nothing.
//! Never: a folder that holds anything is replaced; a link is followed.
//! Invariant: nothing is done to `out/ENV` but to give the filled folder that name. `.trueline/ENV.new` is nobody's: who
//! finds it there was preceded by a compile that was cut short before it changed anything.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    claim,
    disk::{self, Disk},
    journal::{Operation, cannot_write},
    output::{Applied, Folder},
    problems::Problems,
};

/// Makes the folder of an environment that has none. What went wrong is in `problems`; then nothing was changed.
///
/// None where the system moves no folder from `.trueline/` to `out/`, because these are on different file systems.
pub(super) fn place(
    disk: &impl Disk,
    folder: &Folder,
    operations: &[Operation],
    problems: &mut Problems,
) -> Option<Applied> {
    let aside = path(folder);
    let filled = fill(disk, folder, &aside, operations);
    let placed = filled.and_then(|()| move_to(disk, folder, &aside).map_err(|error| (String::new(), error)));
    let Err((path, error)) = placed else {
        let written = operations.iter().map(|operation| operation.path.clone()).collect();
        return Some(Applied { written, removed: Vec::new() });
    };
    // What stays of it is cleared by the next compile.
    _ = clear(disk, &aside);
    if error.kind() == io::ErrorKind::CrossesDevices {
        return None;
    }
    cannot_write(problems, &folder.shown(&path), &error, false);
    Some(Applied::default())
}

/// Where the folder of an environment is filled.
fn path(folder: &Folder) -> PathBuf {
    folder.root.join(claim::FOLDER).join(format!("{}.new", folder.environment))
}

/// Creates the folder and everything in it; an error comes with the path below the folder.
fn fill(disk: &impl Disk, folder: &Folder, aside: &Path, operations: &[Operation]) -> Result<(), (String, io::Error)> {
    begin(disk, &folder.root, aside).map_err(|error| (String::new(), error))?;
    let mut folders = BTreeSet::new();
    for Operation { path, new, .. } in operations {
        let failed = |error| (path.clone(), error);
        for (at, _) in path.match_indices('/').filter(|(at, _)| folders.insert(&path[..*at])) {
            disk.create_folder(&aside.join(&path[..at])).map_err(failed)?;
        }
        if let Some(bytes) = new {
            disk.create(&aside.join(path), bytes).map_err(failed)?;
        }
    }
    Ok(())
}

fn begin(disk: &impl Disk, root: &Path, aside: &Path) -> io::Result<()> {
    match disk.create_folder(aside) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            clear(disk, aside)?;
            disk.create_folder(aside)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => disk::create_folders(disk, root, aside),
        created => created,
    }
}

fn move_to(disk: &impl Disk, folder: &Folder, aside: &Path) -> io::Result<()> {
    let place = folder.on_disk("");
    match disk.rename(aside, &place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            disk::create_folders(disk, &folder.root, place.parent().unwrap_or(&folder.root))?;
            disk.rename(aside, &place)
        }
        moved => moved,
    }
}

/// Removes what is there, a folder with everything in it.
fn clear(disk: &impl Disk, path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return disk.remove(path);
    }
    for entry in fs::read_dir(path)? {
        clear(disk, &entry?.path())?;
    }
    disk.remove_folder(path)
}
