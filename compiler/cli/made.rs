//! `.trueline/made`: which lock this compiler made of which texts, so that nothing is made again that lies there already.
//!
//! In: the texts that a compile starts from, the lock that it ended with. Out: what the same compile gave before.
//! Never: what lies in `out/`; who asks compares every byte of it with the lock that is named here.
//! Invariant: an entry says something of texts and of one build of the compiler, and nothing of the disk, so no change
//! of a file makes it wrong. It is used only where the compile had nothing to say but notes, by a plain `compile`: the
//! gate, `compile --check`, compiles. Whatever is not exactly as it was written here counts as nothing.
//!
//! ```text
//! trueline made 1
//! made ENV FROM LOCK DECLARED NOTES CHART,CHART
//! end DIGEST
//! ```
//! `FROM` is the digest of the compiler and of all texts, `LOCK` that of the lock's bytes, `DECLARED` and `NOTES` are what
//! the answer counts, the charts those that it needs in `out/charts`; the last line has the digest of the lines above it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
    time::SystemTime,
};

use super::{
    claim,
    disk::{self, System},
    project::read_regular,
};
use crate::{
    compile::{Compiled, Stdlib},
    diag::Severity,
    lock::{self, Digest},
    shipped::{self, Chart, Version},
    source::{Source, SourceId},
};

const NAME: &str = "made";
const FORMAT: &str = "trueline made 1";

/// The digest of everything that this compiler was built from; `build.rs` takes it.
const BUILD: &str = env!("TRUELINE_BUILD");

/// The most bytes that are read: room for a hundred thousand environments.
const MAX_BYTES: u64 = 32 << 20;

/// What a compile gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// The compiler and the texts.
    from: Digest,
    /// The digest of the lock's bytes.
    pub lock: Digest,
    /// How many differences the environment declares.
    pub declared: usize,
    /// How many notes there are.
    pub notes: usize,
    /// The charts that belong into `out/charts` for it.
    pub charts: BTreeSet<Version>,
}

/// What earlier compiles of the project gave, and what those of this run add.
#[derive(Debug)]
pub(super) struct Made {
    path: PathBuf,
    before: OnceLock<BTreeMap<String, Entry>>,
    since: Mutex<BTreeMap<String, Entry>>,
    /// What all compiles of this run start from.
    start: OnceLock<Option<Digest>>,
}

impl Made {
    /// What earlier compiles of the project below `root` gave; read when it is first asked for.
    #[must_use]
    pub(super) fn of(root: &Path) -> Made {
        let path = root.join(claim::FOLDER).join(NAME);
        Made { path, before: OnceLock::new(), since: Mutex::default(), start: OnceLock::new() }
    }

    fn before(&self) -> &BTreeMap<String, Entry> {
        self.before.get_or_init(|| {
            let text = read_regular(&self.path, MAX_BYTES).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            text.and_then(|text| parse(&text)).unwrap_or_default()
        })
    }

    /// What this compiler made of the same texts before, if that is known.
    #[must_use]
    pub(super) fn find(&self, name: &str, environment: &Source, stdlib: &Stdlib) -> Option<Entry> {
        let start = (*self.start.get_or_init(|| start(stdlib)))?;
        let entry = self.before().get(name)?;
        (entry.from == from(start, environment)).then(|| entry.clone())
    }

    /// Remembers a compile, which [`Made::find`] was asked for before; not one that has anything to say but notes.
    pub(super) fn remember(&self, compiled: &Compiled) {
        let lock = compiled.files.iter().find(|file| file.path == lock::NAME);
        let silent = compiled.findings.iter().all(|finding| finding.code.severity == Severity::Note);
        let (Some(lock), Some(Some(start)), Some(environment), true) =
            (lock, self.start.get(), compiled.sources.get(SourceId::default()), silent)
        else {
            return;
        };
        let entry = Entry {
            from: from(*start, environment),
            lock: lock::digest(&lock.bytes),
            declared: compiled.declared().len(),
            notes: compiled.findings.len(),
            charts: compiled.charts.clone(),
        };
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.insert(compiled.environment.clone(), entry);
    }

    /// Writes what is known now of environments that `stays` names. Only who holds the claim to write may ask for it.
    ///
    /// Where it cannot be written, the next run compiles again, which is all that is lost.
    pub(super) fn write(&self, root: &Path, stays: impl Fn(&str) -> bool) {
        let mut entries = self.before().clone();
        entries.append(&mut self.since.lock().unwrap_or_else(PoisonError::into_inner));
        entries.retain(|name, _| stays(name));
        if entries != *self.before() {
            _ = disk::replace(&System, root, &self.path, text(&entries).as_bytes());
        }
    }
}

/// The compiler, and what the project adds to the standard library. None where the compiler cannot be told from others.
fn start(stdlib: &Stdlib) -> Option<Digest> {
    let mut text = format!("{BUILD}\n{}\n", program()?);
    for source in stdlib.own() {
        add(&mut text, source);
    }
    Some(lock::digest(text.as_bytes()))
}

/// Size and time of the program's file. They tell builds apart that come from the same sources with other libraries.
fn program() -> Option<String> {
    let own = fs::metadata("/proc/self/exe").or_else(|_| fs::metadata(std::env::current_exe()?)).ok()?;
    let time = own.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(format!("{} {}", own.len(), time.as_nanos()))
}

fn from(start: Digest, environment: &Source) -> Digest {
    let mut text = format!("{start}\n");
    add(&mut text, environment);
    lock::digest(text.as_bytes())
}

/// Adds a text so that no other name and text give the same.
fn add(to: &mut String, Source { name, text, .. }: &Source) {
    _ = write!(to, "{} {}\n{name}{text}", name.len(), text.len());
}

fn text(entries: &BTreeMap<String, Entry>) -> String {
    let mut lines = format!("{FORMAT}\n");
    for (name, Entry { from, lock, declared, notes, charts }) in entries {
        let charts = charts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        _ = writeln!(lines, "made {name} {from} {lock} {declared} {notes} {charts}");
    }
    let end = lock::digest(lines.as_bytes());
    _ = writeln!(lines, "end {end}");
    lines
}

/// The entries of a file that was written by [`text`]; of another one, none.
fn parse(text: &str) -> Option<BTreeMap<String, Entry>> {
    let (above, end) = text.strip_suffix('\n')?.rsplit_once('\n')?;
    let lines = text.get(..=above.len())?;
    if end.strip_prefix("end ").and_then(Digest::read) != Some(lock::digest(lines.as_bytes())) {
        return None;
    }
    above.strip_prefix(FORMAT)?.lines().skip(1).map(entry).collect()
}

fn entry(line: &str) -> Option<(String, Entry)> {
    let [_, name, from, lock, declared, notes, charts] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let shipped = |name: &str| shipped::all().iter().map(Chart::folder).find(|folder| folder.to_string() == name);
    let charts = charts.split(',').filter(|name| !name.is_empty()).map(shipped).collect::<Option<_>>()?;
    let (from, lock) = (Digest::read(from)?, Digest::read(lock)?);
    let (declared, notes) = (declared.parse().ok()?, notes.parse().ok()?);
    Some((name.to_owned(), Entry { from, lock, declared, notes, charts }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> BTreeMap<String, Entry> {
        let entry = |word: &str| Entry {
            from: lock::digest(word.as_bytes()),
            lock: lock::digest(b"lock"),
            declared: 2,
            notes: 30,
            charts: shipped::all().iter().take(usize::from(word == "dev")).map(Chart::folder).collect(),
        };
        BTreeMap::from([("dev".to_owned(), entry("dev")), ("prod".to_owned(), entry("prod"))])
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let written = text(&sample());
        assert_eq!(parse(&written), Some(sample()));
        assert_eq!(parse(&text(&BTreeMap::new())), Some(BTreeMap::new()));
        for at in 0..written.len() {
            let mut changed = written.clone().into_bytes();
            changed[at] ^= 1;
            assert_eq!(parse(&String::from_utf8(changed).expect("ASCII")), None, "{at}");
            assert_eq!(parse(&written[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn every_text_and_its_name_is_part_of_what_a_compile_starts_from() {
        let source = |name: &str, text: &str| Source { id: SourceId(0), name: name.into(), text: text.into() };
        let (one, other) = (lock::digest(b"1"), lock::digest(b"2"));
        let all = [
            from(one, &source("a", "b")),
            from(one, &source("a", "bc")),
            from(one, &source("ab", "c")),
            from(one, &source("ab", "")),
            from(other, &source("a", "b")),
        ];
        for (at, digest) in all.iter().enumerate() {
            assert!(!all[..at].contains(digest), "{at}");
        }
        let stacks = |text: &str| vec![("x".to_owned(), vec![("x/stack.kdl".to_owned(), text.to_owned())])];
        let library = |text: &str, more: &str| {
            let extensions = vec![("stdlib/extend/a.kdl".to_owned(), more.to_owned())];
            start(&Stdlib::with_project(stacks(text), extensions, &mut crate::diag::Diags::default()))
        };
        let first = library("stack \"x\"", "extend \"x\" { }");
        assert!(first.is_some());
        assert_eq!(first, library("stack \"x\"", "extend \"x\" { }"));
        assert_ne!(first, library("stack \"x\" ", "extend \"x\" { }"));
        assert_ne!(first, library("stack \"x\"", "extend \"x\" {}"));
        assert_ne!(first, start(&Stdlib::embedded()));
    }
}
