use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use super::*;
use crate::{cli::disk::System, targets::File};

/// What happens to the call that is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// The process is killed before it.
    Killed,
    /// The process is killed within it: a file is there, with this share of its bytes in percent.
    KilledWithin(usize),
    /// The system refuses it once, as a disk that is full for a moment does.
    Fails,
    /// The system refuses it and all calls that write, as a full disk does; files can be removed.
    Full,
}

/// A disk on which something happens at one of the calls.
struct Faulty {
    at: usize,
    fault: Fault,
    calls: Cell<usize>,
    log: RefCell<Vec<String>>,
}

impl Faulty {
    fn new(at: usize, fault: Fault) -> Faulty {
        Faulty { at, fault, calls: Cell::new(0), log: RefCell::new(Vec::new()) }
    }

    fn is_dead(&self) -> bool {
        self.calls.get() > self.at && matches!(self.fault, Fault::Killed | Fault::KilledWithin(_))
    }

    /// Does the call, or what happens instead.
    fn call(
        &self,
        what: &str,
        path: &Path,
        grows: bool,
        real: impl FnOnce() -> io::Result<()>,
        partly: impl FnOnce(usize),
    ) -> io::Result<()> {
        let now = self.calls.get();
        self.calls.set(now + 1);
        if self.is_dead() && now != self.at {
            return Err(io::Error::other("dead"));
        }
        self.log.borrow_mut().push(format!("{what} {}", path.display()));
        match self.fault {
            Fault::Full if now >= self.at && grows => Err(io::ErrorKind::StorageFull.into()),
            Fault::Fails if now == self.at => Err(io::ErrorKind::PermissionDenied.into()),
            Fault::Killed if now == self.at => Err(io::Error::other("dead")),
            Fault::KilledWithin(share) if now == self.at => {
                partly(share);
                Err(io::Error::other("dead"))
            }
            _ => real(),
        }
    }
}

impl Disk for Faulty {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.call("mkdir", path, true, || System.create_folder(path), |_| {})
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let partly = |share: usize| {
            // Where the folder is not there yet, nothing is created.
            if fs::symlink_metadata(path).is_err() {
                _ = fs::write(path, &bytes[..bytes.len() * share / 100]);
            }
        };
        self.call("create", path, true, || System.create(path, bytes), partly)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call("rename", to, true, || System.rename(from, to), |_| {})
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call("remove", path, false, || System.remove(path), |_| {})
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.call("rmdir", path, false, || System.remove_folder(path), |_| {})
    }
}

/// A scratch project with the outputs of `prod`.
struct Scratch {
    folder: tempfile::TempDir,
}

type Tree = BTreeMap<String, String>;

impl Scratch {
    fn new() -> Scratch {
        Scratch { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn prod(&self) -> Folder {
        Folder::new(self.folder.path(), "prod")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Completes and compiles, as the command does; the codes of what is found.
    fn compile_on(&self, disk: &impl Disk, files: &[File], overwrite: bool) -> Vec<&'static str> {
        let mut problems = Problems::default();
        recover(disk, &self.prod(), overwrite, &mut problems);
        if !problems.has_errors() {
            let survey = self.prod().survey(files);
            problems.extend(&survey.problems);
            self.prod().apply(disk, files, &survey, overwrite, &mut problems);
        }
        problems.findings().iter().map(|finding| finding.code.id).collect()
    }

    fn compile(&self, files: &[File]) -> Vec<&'static str> {
        self.compile_on(&System, files, false)
    }

    fn has_journal(&self) -> bool {
        !all(self.folder.path(), &mut Problems::default()).is_empty()
    }

    /// Everything below `out/`, also temporary files.
    fn tree(&self) -> Tree {
        let out = Folder::new(self.folder.path(), "");
        let read = |path: String| (path.clone(), fs::read_to_string(self.path("out").join(path)).expect("a file"));
        out.walk(&mut Problems::default()).into_iter().map(read).collect()
    }
}

/// The files with their lock.
fn files(texts: &[(&str, &str)]) -> Vec<File> {
    let file = |path: &str, text: &str| File {
        path: path.into(),
        bytes: text.into(),
        format: None,
        leaves: Default::default(),
    };
    let mut files: Vec<File> = texts.iter().map(|(path, text)| file(path, text)).collect();
    let all = files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice()));
    files.push(file(lock::NAME, &lock::text(&[], lock::digest(b""), &[], all)));
    files
}

fn old() -> Vec<File> {
    files(&[("app/helm/values.yaml", "old: 1\n"), ("app/same", "same"), ("gone/deep/x", "x"), ("settings.json", "{}")])
}

fn new() -> Vec<File> {
    files(&[
        ("app/compose/new.yaml", "n"),
        ("app/helm/values.yaml", "new: 2\n"),
        ("app/same", "same"),
        ("settings.json", "[]"),
    ])
}

fn tree_of(files: &[File]) -> Tree {
    let text = |file: &File| String::from_utf8(file.bytes.clone()).expect("text");
    files.iter().map(|file| (format!("prod/{}", file.path), text(file))).collect()
}

const KILLS: [Fault; 4] = [Fault::Killed, Fault::KilledWithin(0), Fault::KilledWithin(50), Fault::KilledWithin(100)];

/// Runs with a fault at the first call, the second one and so on, until one is not reached any more; how many there are.
fn at_every_call(fault: Fault, mut run: impl FnMut(usize, &Faulty)) -> usize {
    for at in 0.. {
        let disk = Faulty::new(at, fault);
        run(at, &disk);
        if disk.calls.get() <= at {
            return at;
        }
    }
    unreachable!("a run makes finitely many calls");
}

#[test]
fn a_compile_killed_anywhere_is_completed_by_the_next_one() {
    for (from, what) in [(Some(old()), "a change"), (None, "the first compile")] {
        for fault in KILLS {
            let points = at_every_call(fault, |at, disk| {
                let it = Scratch::new();
                from.iter().for_each(|files| assert_eq!(it.compile(files), [""; 0]));
                let before = it.tree();
                it.compile_on(disk, &new(), false);
                let between = it.tree();
                let is_whole = between == before || between == tree_of(&new());
                assert!(is_whole || it.has_journal(), "{what} {fault:?} {at}: {between:#?} {:#?}", disk.log);
                assert_eq!(it.compile(&new()), [""; 0], "{what} {fault:?} {at}: {:#?}", disk.log);
                assert_eq!(it.tree(), tree_of(&new()), "{what} {fault:?} {at}");
                assert!(!it.has_journal() && !it.path("out/prod/gone").exists(), "{what} {fault:?} {at}");
                assert!(!it.path(".trueline/prod.new").exists(), "{what} {fault:?} {at}");
            });
            assert!(points > 8, "{what} {fault:?}: {points} calls");
        }
    }
}

#[test]
fn what_was_begun_is_completed_whatever_comes_next() {
    // The next compile is of another source: neither the old nor the new tree.
    let next = files(&[("app/helm/values.yaml", "next: 3\n"), ("other", "o")]);
    for fault in KILLS {
        at_every_call(fault, |at, disk| {
            let it = Scratch::new();
            it.compile(&old());
            let before = it.tree();
            it.compile_on(disk, &new(), false);
            let mut problems = Problems::default();
            recover(&System, &it.prod(), false, &mut problems);
            assert!(problems.findings().is_empty() && !it.has_journal(), "{fault:?} {at}");
            let completed = it.tree();
            assert!(completed == before || completed == tree_of(&new()), "{fault:?} {at}: {completed:#?}");
            assert_eq!((it.compile(&next), it.tree()), (vec![], tree_of(&next)), "{fault:?} {at}");
        });
    }
}

#[test]
fn completing_may_be_killed_anywhere_too() {
    let begun = |it: &Scratch| {
        it.compile(&old());
        // The first file is removed, the second is written in part.
        it.compile_on(&Faulty::new(6, Fault::KilledWithin(50)), &new(), false);
        assert!(it.has_journal());
    };
    for fault in KILLS {
        let points = at_every_call(fault, |at, disk| {
            let it = Scratch::new();
            begun(&it);
            recover(disk, &it.prod(), false, &mut Problems::default());
            assert!(it.has_journal() || it.tree() == tree_of(&new()), "{fault:?} {at}");
            assert_eq!((it.compile(&new()), it.tree()), (vec![], tree_of(&new())), "{fault:?} {at}");
        });
        assert!(points > 4, "{points}");
    }
}

#[test]
fn a_disk_that_refuses_loses_nothing() {
    for (from, fault) in [(true, Fault::Fails), (true, Fault::Full), (false, Fault::Fails), (false, Fault::Full)] {
        let mut refused = 0;
        at_every_call(fault, |at, disk| {
            let it = Scratch::new();
            if from {
                it.compile(&old());
            }
            let before = it.tree();
            let codes = it.compile_on(disk, &new(), false);
            let between = it.tree();
            let is_whole = between == before || between == tree_of(&new());
            assert!(is_whole || it.has_journal(), "{fault:?} {at}: {between:#?}");
            // That a folder which became empty stays, and that a journal without a change stays, is nobody's trouble.
            assert!(codes == ["TL1015"] || codes.is_empty() && between == tree_of(&new()), "{fault:?} {at}: {codes:?}");
            refused += codes.len();
            assert_eq!((it.compile(&new()), it.tree()), (vec![], tree_of(&new())), "{fault:?} {at}");
            assert!(!it.path(".trueline/prod.new").exists(), "{fault:?} {at}");
        });
        assert!(refused > 5, "{fault:?}: {refused}");
    }
}

#[test]
fn pruning_killed_anywhere_is_completed() {
    for fault in KILLS {
        at_every_call(fault, |at, disk| {
            let it = Scratch::new();
            it.compile(&old());
            it.prod().prune(disk, &mut Problems::default());
            let whole = it.tree().is_empty() || it.tree() == tree_of(&old());
            assert!(whole || it.has_journal(), "{fault:?} {at}: {:?}", it.tree());
            let mut problems = Problems::default();
            recover(&System, &it.prod(), false, &mut problems);
            if it.path("out/prod").join(lock::NAME).exists() {
                it.prod().prune(&System, &mut problems);
            }
            assert!(problems.findings().is_empty(), "{fault:?} {at}: {problems:?}");
            assert!(it.tree().is_empty() && !it.has_journal(), "{fault:?} {at}: {:?}", it.tree());
        });
    }
}

#[test]
fn a_file_edited_since_is_kept_until_it_may_be_replaced() {
    let it = Scratch::new();
    it.compile(&old());
    it.compile_on(&Faulty::new(4, Fault::Killed), &new(), false);
    assert!(it.has_journal());
    it.write("out/prod/app/helm/values.yaml", "mine");
    assert_eq!(it.compile(&new()), ["TL1010"]);
    assert_eq!(it.tree()["prod/app/helm/values.yaml"], "mine");
    assert!(it.has_journal(), "nothing is forgotten meanwhile");
    assert_eq!((it.compile_on(&System, &new(), true), it.tree()), (vec![], tree_of(&new())));
}

#[test]
fn a_file_edited_before_is_no_mistake_once_it_may_be_replaced() {
    at_every_call(Fault::Killed, |at, disk| {
        let it = Scratch::new();
        it.compile(&old());
        it.write("out/prod/app/helm/values.yaml", "mine");
        it.compile_on(disk, &new(), true);
        let asked_again = it.compile(&new());
        // Where nothing was begun, the edit still stands and is refused as before.
        assert!(asked_again.is_empty() || at < 2 && asked_again == ["TL1010"], "{at}: {asked_again:?}");
        if asked_again.is_empty() {
            assert_eq!(it.tree(), tree_of(&new()), "{at}");
        }
    });
}

#[test]
fn nothing_is_done_where_nothing_differs() {
    let it = Scratch::new();
    it.compile(&new());
    fs::remove_dir(it.path(".trueline")).expect("an empty folder");
    let disk = Faulty::new(usize::MAX, Fault::Fails);
    assert_eq!(it.compile_on(&disk, &new(), false), [""; 0]);
    assert_eq!(*disk.log.borrow(), [""; 0]);
    assert!(!it.path(".trueline").exists());
}

#[test]
fn the_first_change_comes_after_the_journal_and_the_lock_is_last() {
    let it = Scratch::new();
    it.compile(&old());
    let disk = Faulty::new(usize::MAX, Fault::Fails);
    it.compile_on(&disk, &new(), false);
    let log = disk.log.borrow();
    let [first, .., lock, last] = log.as_slice() else { panic!("{log:?}") };
    assert!(first.starts_with("create ") && first.ends_with(".trueline/prod.journal"), "{log:?}");
    assert!(lock.starts_with("rename ") && lock.ends_with("out/prod/trueline.lock"), "{log:?}");
    assert!(last.starts_with("remove ") && last.ends_with(".trueline/prod.journal"), "{log:?}");
}

fn operation(path: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Operation {
    Operation { path: path.into(), old: old.map(Entry::of), new: new.map(<[u8]>::to_vec) }
}

fn sample() -> Vec<Operation> {
    vec![
        operation("gone", Some(b"x"), None),
        operation("a/b", None, Some(b"end 0\n\xff\0")),
        operation("empty", Some(b"was"), Some(b"")),
        operation(lock::NAME, Some(b"1"), Some(b"2")),
    ]
}

#[test]
fn a_journal_is_read_as_it_was_written_and_every_beginning_of_it_is_torn() {
    let whole = text(&sample());
    assert_eq!(parse(&whole), Ok(sample()));
    for length in 0..whole.len() {
        assert_eq!(parse(&whole[..length]), Err(Unusable::Torn), "{length} of {}", whole.len());
    }
}

#[test]
fn a_changed_byte_of_a_journal_is_found() {
    let whole = text(&sample());
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        // A line feed that is gone may make it end early, and then nothing is done.
        assert!(parse(&changed).is_err(), "{at}: {:?}", String::from_utf8_lossy(&changed));
    }
    let mut more = whole;
    more.push(b'x');
    assert!(matches!(parse(&more), Err(Unusable::Bad(_))));
}

#[test]
fn a_hostile_journal_changes_nothing_elsewhere() {
    for path in ["../victim", "/victim", "../dev/x", "a/../../x", "a\\b", "", "x\u{1b}[2J"] {
        for new in [None, Some(b"evil".as_slice())] {
            let it = Scratch::new();
            it.compile(&old());
            it.write("victim", "v");
            it.write("out/dev/x", "v");
            it.write(".trueline/prod.journal", text(&[operation(path, Some(b"v"), new)]));
            let before = it.tree();
            assert_eq!(it.compile(&old()), ["TL1019"], "{path}");
            assert_eq!(it.tree(), before, "{path}");
            assert_eq!(fs::read_to_string(it.path("victim")).expect("it is there"), "v");
        }
    }
    let it = Scratch::new();
    it.compile(&old());
    it.write("out/prod/notes", "mine");
    it.write(".trueline/prod.journal", text(&[operation("notes", Some(b"mine"), None)]));
    assert_eq!(it.compile(&old()), ["TL1013"], "what no lock knows is not removed");
    assert_eq!(it.tree()["prod/notes"], "mine");
    let twice = text(&[operation("a", None, Some(b"1")), operation("A", None, Some(b"2"))]);
    assert!(matches!(parse(&twice), Err(Unusable::Bad(_))));
}

#[cfg(unix)]
#[test]
fn a_journal_leads_through_no_link_and_is_none() {
    use std::os::unix::fs::symlink;
    let journal = text(&[operation("a/x", Some(b"precious"), Some(b"evil"))]);
    for linked in ["out", "out/prod", "out/prod/a", "out/prod/a/x", ".trueline/prod.journal"] {
        let it = Scratch::new();
        it.write("elsewhere/x", "precious");
        it.write("elsewhere/journal", &journal);
        if linked.starts_with("out") {
            it.write(".trueline/prod.journal", &journal);
        }
        let link = it.path(linked);
        fs::create_dir_all(link.parent().expect("a parent")).expect("a folder");
        let target = if linked.ends_with('x') { "elsewhere/x" } else { "elsewhere" };
        let target = if linked.ends_with("journal") { "elsewhere/journal" } else { target };
        symlink(it.path(target), &link).expect("a link");
        let mut problems = Problems::default();
        assert!(!recover(&System, &it.prod(), true, &mut problems), "{linked}");
        let codes: Vec<_> = problems.findings().iter().map(|finding| finding.code.id).collect();
        assert_eq!(codes, ["TL1014"], "{linked}");
        assert_eq!(fs::read_to_string(it.path("elsewhere/x")).expect("it is there"), "precious", "{linked}");
        assert!(it.has_journal(), "{linked}");
    }
}

#[test]
fn a_journal_of_another_version_or_too_large_is_not_touched() {
    for bytes in
        [&b"trueline journal 2\n"[..], b"\xff\n", b"trueline journal 1\nrm -rf\n", b"trueline journal 1\nend 0\n"]
    {
        let it = Scratch::new();
        it.write(".trueline/prod.journal", bytes);
        assert_eq!(it.compile(&new()), ["TL1019"], "{bytes:?}");
        assert!(it.has_journal() && it.tree().is_empty());
    }
    let it = Scratch::new();
    it.write(".trueline/prod.journal", "");
    let sparse = fs::OpenOptions::new().write(true).open(it.path(".trueline/prod.journal")).expect("a file");
    sparse.set_len(1 << 30).expect("a sparse file");
    assert_eq!(it.compile(&new()), ["TL1019"]);
}
