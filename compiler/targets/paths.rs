//! Paths for files whose names others chose.
//!
//! In: the path at which a program finds a file. Out: a path below a folder, as every file system takes it.
//! Invariant: no two paths of one [`Paths`] meet, also where capitals are not told apart, and none lies below another.

use std::collections::{BTreeMap, BTreeSet};

/// Longest step of a path, in bytes, and the most steps; the last ones say most.
const LONGEST: usize = 100;
const MOST: usize = 6;

/// A path as a relative one that every file system takes.
pub(super) fn tame(path: &str) -> String {
    let steps: Vec<String> = path.split('/').filter(|step| !["", ".", ".."].contains(step)).map(tame_step).collect();
    if steps.is_empty() { "file".to_owned() } else { steps[steps.len().saturating_sub(MOST)..].join("/") }
}

fn tame_step(step: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let mut tame: String = step.chars().take(LONGEST).map(|c| if fits(c) { c } else { '-' }).collect();
    if tame.ends_with('.') {
        tame.pop();
        tame.push('-'); // some file systems drop a dot at the end
    }
    tame
}

/// The paths below one folder, in small letters.
#[derive(Default)]
pub(super) struct Paths {
    files: BTreeSet<String>,
    /// Everything that lies above a file.
    folders: BTreeSet<String>,
    /// The last number that was put behind a path.
    numbers: BTreeMap<String, usize>,
}

impl Paths {
    /// This path, or with a number where another file has it, lies below it or above it.
    pub(super) fn free(&mut self, wanted: &str) -> String {
        let mut path = wanted.to_owned();
        if self.is_taken(wanted) {
            // A number at the end alone would not help a path that lies below a file.
            let flat = wanted.replacen('/', "\0", 2).replace('/', "-").replace('\0', "/");
            let mut number = self.numbers.get(&flat).copied().unwrap_or(1);
            while self.is_taken(&path) {
                number += 1;
                path = format!("{flat}-{number}");
            }
            self.numbers.insert(flat, number);
        }
        self.take(&path);
        path
    }

    fn is_taken(&self, path: &str) -> bool {
        let path = path.to_ascii_lowercase();
        let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
        self.files.contains(&path) || self.folders.contains(&path) || above.any(|folder| self.files.contains(folder))
    }

    fn take(&mut self, path: &str) {
        let path = path.to_ascii_lowercase();
        self.folders.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
        self.files.insert(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lead_nowhere_else() {
        let long = "x".repeat(300);
        for (path, wanted) in [
            ("/etc/app.toml", "etc/app.toml"),
            ("/../../x", "x"),
            ("/etc/con.", "etc/con-"),
            ("/a/...", "a/..-"),
            ("/a b/ä:", "a-b/--"),
            ("/", "file"),
            ("/1/2/3/4/5/6/7", "2/3/4/5/6/7"),
            (long.as_str(), &long[..100]),
        ] {
            assert_eq!(tame(path), wanted);
        }
    }

    #[test]
    fn no_two_paths_meet() {
        let mut paths = Paths::default();
        let wanted = ["f/w/a", "f/w/A", "f/w/a/b", "f/w/c/d", "f/w/c", "f/w/a"];
        let found: Vec<String> = wanted.iter().map(|path| paths.free(path)).collect();
        assert_eq!(found, ["f/w/a", "f/w/A-2", "f/w/a-b-2", "f/w/c/d", "f/w/c-2", "f/w/a-3"]);
        let many: BTreeSet<String> = (0..20_000).map(|_| paths.free("f/w/same")).collect();
        assert_eq!(many.len(), 20_000);
    }
}
