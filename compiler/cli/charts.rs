//! `out/charts`: one copy of each version of a chart that we ship and an environment uses.
//!
//! In: the charts that compiled environments use; the folder and its lock. Out: what the folder should hold.
//! Never: which stack names a chart; a chart that another environment may still use is not removed.
//! Invariant: what a run does not know stays: only one that compiled every environment lets a version go.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use super::{leftovers::CHARTS, output::Folder, problems::Problems};
use crate::{
    lock::Lock,
    shipped::{self, Version},
    targets::File,
};

/// The charts that environments use, gathered while these are compiled side by side.
#[derive(Default)]
pub(super) struct Used(Mutex<BTreeSet<Version>>);

impl Used {
    /// Adds those of one environment.
    pub(super) fn add(&self, charts: &BTreeSet<Version>) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.extend(charts.iter().cloned());
    }

    /// What the folder should hold; nothing where there is no folder and none is needed. `whole` says that every
    /// environment was compiled, so that what none of them uses may go.
    pub(super) fn files(&self, folder: &Folder, whole: bool) -> Vec<File> {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files = shipped::files(&used);
        // A lock that cannot be read is told when the folder is looked at.
        let lock = folder.read_lock(&mut Problems::default()).unwrap_or_default();
        if !whole {
            files.extend(kept(folder, &lock, &used));
        }
        if files.is_empty() { files } else { shipped::seal(files) }
    }
}

/// What an earlier compile wrote for others: as it is, and as it was where we still know it.
fn kept(folder: &Folder, lock: &Lock, used: &BTreeSet<Version>) -> Vec<File> {
    let of_others = |path: &str| used.iter().all(|version| !path.starts_with(&format!("{version}/")));
    let named = |version: &Version| lock.files.keys().any(|path| path.starts_with(&format!("{version}/")));
    let known: BTreeSet<Version> = shipped::all().iter().map(shipped::Chart::folder).filter(named).collect();
    let mut files: Vec<File> = shipped::files(&known).into_iter().filter(|file| of_others(&file.path)).collect();
    let others = lock.files.keys().filter(|path| of_others(path) && !files.iter().any(|file| file.path == **path));
    let bytes = |path: &String| Some((path.clone(), folder.read(path, &mut Problems::default())??));
    let found: Vec<File> = others
        .filter_map(bytes)
        .filter(|(path, bytes)| lock.knows(path, bytes))
        .map(|(path, bytes)| shipped::plain(path, bytes))
        .collect();
    files.extend(found);
    files
}

/// The folder of charts.
#[must_use]
pub(super) fn folder(root: &std::path::Path) -> Folder {
    Folder::new(root, CHARTS)
}
