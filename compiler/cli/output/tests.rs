use super::*;
use crate::cli::disk::System;

/// A disk on which `.trueline` and `out` are different file systems.
struct Apart;

impl Disk for Apart {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        System.create_folder(path)
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        System.create(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if from.parent() != to.parent() {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        System.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        System.remove(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        System.remove_folder(path)
    }
}

/// A scratch project with the outputs of `prod`.
struct Scratch {
    folder: tempfile::TempDir,
}

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

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Surveys and applies; the codes of what is found, and what changed.
    fn compile(&self, files: &[File], overwrite: bool) -> (Vec<&'static str>, Applied) {
        self.compile_on(&System, files, overwrite)
    }

    fn compile_on(&self, disk: &impl Disk, files: &[File], overwrite: bool) -> (Vec<&'static str>, Applied) {
        let survey = self.prod().survey(files);
        let mut problems = Problems::default();
        let applied = self.prod().apply(disk, files, &survey, overwrite, &mut problems);
        let findings = survey.problems.findings().iter().chain(problems.findings());
        (findings.map(|finding| finding.code.id).collect(), applied)
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

#[test]
fn only_what_differs_is_written() {
    let it = Scratch::new();
    let (codes, applied) = it.compile(&files(&[("a/x.yaml", "1"), ("b", "2")]), false);
    assert_eq!((codes, applied.written), (vec![], vec!["a/x.yaml".into(), "b".into(), lock::NAME.into()]));
    let before = fs::metadata(it.path("out/prod/b")).and_then(|found| found.modified()).expect("a time");
    let (codes, applied) = it.compile(&files(&[("a/x.yaml", "1"), ("b", "2")]), false);
    assert_eq!((codes, applied), (vec![], Applied::default()));
    let (_, applied) = it.compile(&files(&[("a/x.yaml", "new"), ("b", "2")]), false);
    assert_eq!(applied.written, ["a/x.yaml", lock::NAME]);
    assert_eq!(it.read("out/prod/a/x.yaml"), "new");
    assert_eq!(fs::metadata(it.path("out/prod/b")).and_then(|found| found.modified()).expect("a time"), before);
}

#[cfg(unix)]
#[test]
fn files_can_be_read_by_all() {
    use std::os::unix::fs::PermissionsExt;
    let it = Scratch::new();
    it.compile(&files(&[("a", "1")]), false);
    assert_eq!(fs::metadata(it.path("out/prod/a")).expect("a file").permissions().mode() & 0o777, 0o644);
    assert_eq!(fs::read_dir(it.path("out/prod")).expect("a folder").count(), 2, "no temporary file stays");
}

#[test]
fn a_new_folder_is_made_where_folders_cannot_be_moved_too() {
    let it = Scratch::new();
    let wanted = files(&[("a/x.yaml", "1"), ("b", "2")]);
    let (codes, applied) = it.compile_on(&Apart, &wanted, false);
    assert_eq!((codes, applied.written), (vec![], vec!["a/x.yaml".into(), "b".into(), lock::NAME.into()]));
    assert_eq!(it.read("out/prod/a/x.yaml"), "1");
    assert_eq!(fs::read_dir(it.path(".trueline")).expect("a folder").count(), 0, "nothing is left aside");
}

#[cfg(unix)]
#[test]
fn what_lies_aside_goes_and_no_link_of_it_is_followed() {
    let wanted = files(&[("a/x.yaml", "1")]);
    for what in ["a folder", "a file", "a link"] {
        let it = Scratch::new();
        it.write("elsewhere/x", "precious");
        let link = |at: &str| std::os::unix::fs::symlink(it.path("elsewhere"), it.path(at)).expect("a link");
        match what {
            "a folder" => {
                it.write(".trueline/prod.new/a/deep/old.yaml", "0");
                link(".trueline/prod.new/a/link");
            }
            "a file" => it.write(".trueline/prod.new", "0"),
            _ => {
                fs::create_dir(it.path(".trueline")).expect("a folder");
                link(".trueline/prod.new");
            }
        }
        assert_eq!(it.compile(&wanted, false).0, [""; 0], "{what}");
        assert_eq!(it.prod().walk(&mut Problems::default()), ["a/x.yaml", lock::NAME], "{what}");
        assert_eq!(it.read("elsewhere/x"), "precious", "{what}");
        assert!(fs::symlink_metadata(it.path(".trueline/prod.new")).is_err(), "{what}");
    }
}

#[test]
fn a_file_edited_by_hand_stops_the_whole_environment() {
    let it = Scratch::new();
    it.compile(&files(&[("a", "1"), ("b", "1")]), false);
    it.write("out/prod/b", "mine");
    let (codes, applied) = it.compile(&files(&[("a", "2"), ("b", "2")]), false);
    assert_eq!((codes, applied), (vec!["TL1010"], Applied::default()));
    assert_eq!((it.read("out/prod/a"), it.read("out/prod/b")), ("1".into(), "mine".into()));
    let (codes, _) = it.compile(&files(&[("a", "2"), ("b", "2")]), true);
    assert!(codes.is_empty());
    assert_eq!(it.read("out/prod/b"), "2");
}

#[test]
fn an_edit_that_says_what_is_compiled_is_no_mistake() {
    let it = Scratch::new();
    it.compile(&files(&[("a", "1")]), false);
    it.write("out/prod/a", "2");
    let (codes, applied) = it.compile(&files(&[("a", "2")]), false);
    assert_eq!((codes, applied.written), (vec![], vec![lock::NAME.to_owned()]));
}

#[test]
fn a_file_that_no_lock_knows_is_not_overwritten() {
    let it = Scratch::new();
    it.write("out/prod/a", "somebody's");
    assert_eq!(it.compile(&files(&[("a", "1")]), false).0, ["TL1011"]);
    assert_eq!(it.read("out/prod/a"), "somebody's");
}

#[test]
fn orphans_go_with_their_folders_and_strays_stay() {
    let it = Scratch::new();
    it.compile(&files(&[("a", "1"), ("old/deep/x", "x"), ("old/edited", "e")]), false);
    it.write("out/prod/old/edited", "mine");
    it.write("out/prod/notes.md", "hello");
    let (codes, applied) = it.compile(&files(&[("a", "1")]), false);
    assert_eq!(codes, ["TL1013", "TL1013"]);
    assert_eq!(applied.removed, ["old/deep/x"]);
    assert!(!it.path("out/prod/old/deep").exists());
    assert_eq!(it.read("out/prod/old/edited"), "mine");
    assert_eq!(it.read("out/prod/notes.md"), "hello");
}

#[test]
fn a_hostile_lock_removes_nothing() {
    let it = Scratch::new();
    it.write("victim", "v");
    it.write("out/prod/a", "1");
    let line = format!("file {} 1 ../../victim\n", lock::digest(b"v"));
    it.write("out/prod/trueline.lock", &format!("trueline lock 1\n{line}"));
    let (codes, _) = it.compile(&files(&[("a", "1")]), false);
    assert_eq!(codes, ["TL1012"]);
    assert_eq!(it.read("victim"), "v");
    assert_eq!(it.compile(&files(&[("a", "1")]), false), (vec![], Applied::default()), "the lock is repaired");
}

/// A file that Git could not merge.
fn conflict(ours: &str, theirs: &str) -> String {
    format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> topic\n")
}

/// A lock that knows these bytes of `a` on the two sides of a merge.
fn merged_lock(ours: &str, theirs: &str) -> String {
    let line = |text: &str| format!("file {} {} a\n", lock::digest(text.as_bytes()), text.len());
    format!("trueline lock 1\n{}", conflict(&line(ours), &line(theirs)))
}

#[test]
fn a_merge_conflict_in_an_output_is_repaired() {
    let both = merged_lock("k: 1\n", "k: 2\n");
    let solved = |text: &str| format!("trueline lock 1\nfile {} {} a\n", lock::digest(text.as_bytes()), text.len());
    let cases = [
        ("both sides are known", both.clone(), conflict("k: 1\n", "k: 2\n")),
        ("one side is known", solved("k: 1\n"), conflict("k: 1\n", "k: 2\n")),
        (
            "other lines were merged without a conflict",
            solved("k: 1\n"),
            format!("x\n{}", conflict("k: 1\n", "k: 2\n")),
        ),
        ("Git merged all lines", both.clone(), "k: 1\nk: 2\n".to_owned()),
    ];
    for (what, lock, file) in cases {
        let it = Scratch::new();
        it.write("out/prod/trueline.lock", &lock);
        it.write("out/prod/a", &file);
        assert_eq!(it.compile(&files(&[("a", "k: 3\n")]), false).0, [""; 0], "{what}");
        assert_eq!(it.read("out/prod/a"), "k: 3\n", "{what}");
    }
    let it = Scratch::new();
    it.write("out/prod/trueline.lock", &solved("k: 1\n"));
    it.write("out/prod/a", "k: 1\nk: 2\n");
    assert_eq!(it.compile(&files(&[("a", "k: 3\n")]), false).0, ["TL1010"], "no conflict, so somebody edited it");
}

#[test]
fn what_a_merge_left_is_removed_only_if_both_sides_are_known() {
    let it = Scratch::new();
    it.write("out/prod/trueline.lock", &merged_lock("1\n", "2\n"));
    it.write("out/prod/a", &conflict("1\n", "mine\n"));
    assert_eq!(it.compile(&files(&[("b", "1")]), false).0, ["TL1013"]);
    assert!(it.path("out/prod/a").exists());
    let it = Scratch::new();
    it.write("out/prod/trueline.lock", &merged_lock("1\n", "2\n"));
    it.write("out/prod/a", &conflict("1\n", "2\n"));
    assert_eq!(it.compile(&files(&[("b", "1")]), false).0, [""; 0]);
    assert!(!it.path("out/prod/a").exists());
}

#[test]
fn what_goes_is_removed_before_what_comes_under_the_same_name_in_another_case() {
    let it = Scratch::new();
    it.compile(&files(&[("a/X", "1")]), false);
    let survey = it.prod().survey(&files(&[("a/x", "2")]));
    let steps = operations(&files(&[("a/x", "2")]), &survey);
    let steps: Vec<_> = steps.iter().map(|step| (step.path.as_str(), step.new.is_some())).collect();
    assert_eq!(steps, [("a/X", false), ("a/x", true), (lock::NAME, true)]);
    let mut survey = Survey::default();
    survey.states.insert("a/x".into(), State::Same);
    survey.orphans.insert("a/X".into(), Entry::of(b"1"));
    survey.write_what_goes_by_another_name();
    assert_eq!(survey.states["a/x"], State::Missing, "both are one file, and it is removed");
}

#[test]
fn a_temporary_file_of_a_killed_compile_goes() {
    let it = Scratch::new();
    it.compile(&files(&[("a/x", "1")]), false);
    it.write("out/prod/a/.trueline.tmp", "half");
    assert_eq!(it.compile(&files(&[("a/x", "1")]), false), (vec![], Applied::default()));
    assert!(!it.path("out/prod/a/.trueline.tmp").exists());
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_where_a_file_belongs() {
    let it = Scratch::new();
    fs::create_dir_all(it.path("out/prod/a")).expect("a folder");
    let _socket = std::os::unix::net::UnixListener::bind(it.path("out/prod/a/x")).expect("a socket");
    assert_eq!(it.compile(&files(&[("a/x", "1")]), true).0, ["TL1014"]);
    let pipe = std::process::Command::new("mkfifo").arg(it.path("out/prod/b")).status();
    if pipe.is_ok_and(|status| status.success()) {
        fs::remove_file(it.path("out/prod/a/x")).expect("a socket");
        assert_eq!(it.compile(&files(&[("b", "1")]), true).0, ["TL1014"], "and nobody waits for its other end");
    }
}

#[cfg(unix)]
#[test]
fn no_link_is_followed() {
    use std::os::unix::fs::symlink;
    for linked in ["out", "out/prod", "out/prod/a", "out/prod/a/x"] {
        let it = Scratch::new();
        it.write("elsewhere/x", "precious");
        let link = it.path(linked);
        fs::create_dir_all(link.parent().expect("a parent")).expect("a folder");
        symlink(it.path(if linked.ends_with('x') { "elsewhere/x" } else { "elsewhere" }), &link).expect("a link");
        let (codes, applied) = it.compile(&files(&[("a/x", "1")]), true);
        assert!(codes.contains(&"TL1014"), "{linked}: {codes:?}");
        assert_eq!(applied, Applied::default(), "{linked}");
        assert_eq!(it.read("elsewhere/x"), "precious", "{linked}");
        assert_eq!(fs::read_dir(it.path("elsewhere")).expect("a folder").count(), 1, "{linked}");
    }
}

#[test]
fn a_folder_where_a_file_belongs_is_refused() {
    let it = Scratch::new();
    fs::create_dir_all(it.path("out/prod/a")).expect("a folder");
    assert_eq!(it.compile(&files(&[("a", "1")]), true).0, ["TL1014"]);
    let it = Scratch::new();
    it.write("out/prod/a", "a file");
    let (codes, _) = it.compile(&files(&[("a/x", "1"), ("a/y", "1")]), true);
    assert!(codes.contains(&"TL1014"), "{codes:?}");
    assert_eq!(it.read("out/prod/a"), "a file");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let it = Scratch::new();
    it.compile(&files(&[("a/x", "1")]), false);
    let folder = it.path("out/prod/a");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("a mode");
    // The super-user may write everywhere.
    let refused = tempfile::tempfile_in(&folder).is_err();
    let (codes, _) = it.compile(&files(&[("a/x", "2")]), false);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("a mode");
    assert_eq!(codes, if refused { vec!["TL1015"] } else { vec![] });
    let (codes, _) = it.compile(&files(&[("a/x", "2")]), false);
    assert_eq!((codes, it.read("out/prod/a/x")), (vec![], "2".into()), "the next compile completes it");
}

#[test]
fn paths_that_lead_elsewhere_or_meet_are_refused() {
    let codes = |paths: &[&str]| {
        let texts: Vec<_> = paths.iter().map(|path| (*path, "1")).collect();
        let it = Scratch::new();
        let (codes, applied) = it.compile(&files(&texts), true);
        assert_eq!(applied == Applied::default(), !codes.is_empty());
        assert!(codes.is_empty() || !it.path("out").exists(), "nothing is written: {paths:?}");
        codes
    };
    assert_eq!(codes(&["../x"]), ["TL1016"]);
    assert_eq!(codes(&["/x"]), ["TL1016"]);
    assert_eq!(codes(&["a/X", "a/x"]), ["TL1016"]);
    assert_eq!(codes(&["a", "A/x"]), ["TL1016"]);
    assert_eq!(codes(&["a", "a.b", "ab/x"]), [""; 0]);
}

#[test]
fn pruning_removes_what_a_compile_wrote_and_nothing_else() {
    let it = Scratch::new();
    it.compile(&files(&[("a/x", "1"), ("b", "2")]), false);
    it.write("out/prod/mine", "m");
    let mut problems = Problems::default();
    assert_eq!(it.prod().prune(&System, &mut problems).removed, ["a/x", "b"]);
    assert_eq!(it.read("out/prod/mine"), "m");
    assert!(it.path("out/prod/trueline.lock").exists());
    fs::remove_file(it.path("out/prod/mine")).expect("it is there");
    assert_eq!(it.prod().prune(&System, &mut problems).removed, [lock::NAME]);
    assert!(!it.path("out/prod").exists() && problems.findings().is_empty());
}

#[test]
fn a_survey_changes_nothing_and_names_everything() {
    let it = Scratch::new();
    it.compile(&files(&[("same", "1"), ("stale", "1"), ("edited", "1"), ("orphan", "1")]), false);
    it.write("out/prod/edited", "mine");
    it.write("out/prod/stray", "mine");
    it.write("out/prod/unknown", "mine");
    let survey =
        it.prod().survey(&files(&[("same", "1"), ("stale", "2"), ("edited", "2"), ("new", "2"), ("unknown", "2")]));
    let state = |path: &str| survey.states[path];
    assert_eq!(
        ["same", "stale", "edited", "new", "unknown"].map(state),
        [State::Same, State::Stale, State::Edited, State::Missing, State::Unknown]
    );
    assert_eq!(
        (survey.orphans.keys().map(String::as_str).collect::<Vec<_>>(), survey.strays.as_slice()),
        (vec!["orphan"], ["stray".to_owned()].as_slice())
    );
    assert_eq!(it.read("out/prod/stale"), "1");
}
