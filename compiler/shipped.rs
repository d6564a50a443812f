//! The charts that we ship, as they are placed in a project: one copy of each version that a release names.
//!
//! In: names and versions of charts; the folders `stdlib/charts/NAME`, embedded at build time. Out: files below
//! `out/charts`, with the lock over them.
//! Never: the disk, which stack names a chart.
//! Invariant: a version has the same bytes in every project; who changes a template gives the chart another version.

use std::{collections::BTreeSet, fmt};

use crate::{
    lock,
    targets::{File, Leaves},
};

/// A version of a chart.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    /// Its name, a DNS label.
    pub name: &'static str,
    /// Its version, as `Chart.yaml` has it.
    pub version: &'static str,
    /// Its files by path below the chart's folder, sorted.
    files: &'static [(&'static str, &'static [u8])],
}

/// Every chart that is shipped, by name.
static CHARTS: &[Chart] = include!(concat!(env!("OUT_DIR"), "/charts.rs"));

/// The name and the version of a chart, `app-1.0.0`: its folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version(String);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Chart {
    /// Its folder below `out/charts`.
    #[must_use]
    pub fn folder(&self) -> Version {
        Version(format!("{}-{}", self.name, self.version))
    }
}

/// All of them.
#[must_use]
pub fn all() -> &'static [Chart] {
    CHARTS
}

/// The folder of a chart in this version, if we ship it.
#[must_use]
pub fn folder(name: &str, version: &str) -> Option<Version> {
    CHARTS.iter().find(|chart| chart.name == name && chart.version == version).map(Chart::folder)
}

/// The files of charts, by path below `out/charts`.
#[must_use]
pub fn files(wanted: &BTreeSet<Version>) -> Vec<File> {
    let charts = CHARTS.iter().filter(|chart| wanted.contains(&chart.folder()));
    charts
        .flat_map(|chart| {
            let folder = chart.folder();
            chart.files.iter().map(move |(path, bytes)| plain(format!("{folder}/{path}"), bytes.to_vec()))
        })
        .collect()
}

/// Files of `out/charts`, with the lock over them, by path.
#[must_use]
pub fn seal(mut files: Vec<File>) -> Vec<File> {
    let paths = files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice()));
    // No settings: a chart is the same for all environments.
    let text = lock::text(&[], lock::digest(b""), &[], paths);
    files.push(plain(lock::NAME.to_owned(), text.into_bytes()));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// A file of these bytes.
#[must_use]
pub fn plain(path: String, bytes: Vec<u8>) -> File {
    File { path, bytes, format: None, leaves: Leaves::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_placed_as_a_whole_and_others_are_not() {
        let chart = all().first().expect("a chart is shipped");
        let wanted: BTreeSet<Version> = folder(chart.name, chart.version).into_iter().collect();
        let found = files(&wanted);
        assert_eq!(found.len(), chart.files.len());
        assert!(found.iter().any(|file| file.path == format!("{}/Chart.yaml", chart.folder())));
        assert!(found.iter().all(|file| lock::path_problem(&file.path).is_none()));
        assert!(files(&BTreeSet::new()).is_empty());
        assert_eq!(folder(chart.name, "0.0.0"), None);
    }

    #[test]
    fn the_lock_knows_every_file() {
        let wanted: BTreeSet<Version> = all().iter().map(Chart::folder).collect();
        let sealed = seal(files(&wanted));
        let text = sealed.iter().find(|file| file.path == lock::NAME).expect("a lock");
        let lock = lock::parse(std::str::from_utf8(&text.bytes).expect("text")).expect("a lock that can be read");
        assert!(lock.sealed);
        assert!(sealed.iter().all(|file| file.path == lock::NAME || lock.knows(&file.path, &file.bytes)));
    }
}
