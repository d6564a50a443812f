//! What is not compiled again because it was before: when that is right, and every way in which it could lie.

use std::{fs, process::Command};

use super::cli::{Project, Ran};

const STACK: &str = r#"stack "tiny" version="1" {
    settings { (int)replicas default=1 max=9; (string)name default="x" }
    rule "R1" severity="warning" { require "replicas < 5"; message "many replicas" }
    workload "app" { image (f)"example.com/{name}:1"; replicas (ref)"replicas"; port "http" 80 }
}
"#;
const PROD: &str = "environment \"prod\" stack=\"tiny\" {\n    replicas 2\n}\n";
const DEV: &str = "environment \"dev\" stack=\"tiny\" {\n    replicas 3\n}\n";
const COMPOSE: &str = "out/prod/tiny/compose/compose.yaml";
const LOCK: &str = "out/prod/trueline.lock";
const MADE: &str = ".trueline/made";

fn compiled() -> Project {
    let files =
        [("stdlib/stacks/tiny/stack.kdl", STACK), ("environments/prod.kdl", PROD), ("environments/dev.kdl", DEV)];
    let project = Project::new(&files);
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    project
}

/// The text with its last line as it has to be for the lines above it.
fn sealed(word: &str, text: &str) -> String {
    let (lines, _) = text.trim_end().rsplit_once('\n').expect("it has several lines");
    format!("{lines}\n{word} {}\n", trueline::lock::digest(format!("{lines}\n").as_bytes()))
}

/// A project in which an output, the lock and what is remembered say the same, and it is not what the environment says.
/// Nobody has such a project by accident; here it shows whether the environment was compiled.
fn forged() -> Project {
    let project = compiled();
    let compose = project.read(COMPOSE);
    assert!(compose.contains("example.com/x:1"), "{compose}");
    let digest = |text: &str| trueline::lock::digest(text.as_bytes()).to_string();
    let changed = compose.replace("example.com/x:1", "example.com/y:1");
    let lock = project.read(LOCK);
    let forged = sealed("lock", &lock.replace(&digest(&compose), &digest(&changed)));
    let made = project.read(MADE);
    assert!(made.contains(&digest(&lock)), "{made}");
    project.write(COMPOSE, &changed);
    project.write(LOCK, &forged);
    project.write(MADE, sealed("end", &made.replace(&digest(&lock), &digest(&forged))));
    project
}

/// Whether the environment was compiled, and not taken as it lies there.
fn is_compiled(project: &Project) -> bool {
    project.read(COMPOSE).contains("example.com/x:1")
}

fn without_made(project: &Project) -> Ran {
    fs::remove_file(project.path(MADE)).expect("it is there");
    project.run(&["compile"])
}

#[test]
fn what_was_made_of_the_same_texts_is_not_made_again_and_the_answer_is_the_same() {
    let project = forged();
    let before = project.tree("");
    let ran = project.run(&["compile"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "dev: 3 files, unchanged\nprod: 3 files, unchanged\n"), "{ran:?}");
    assert_eq!(ran.stderr, "2 environments: 2 compiled\n");
    assert_eq!(project.tree(""), before, "a run that finds nothing to change writes nothing");
    assert!(!is_compiled(&project));
    // Notes and declared differences are counted as before.
    let text = "environment \"prod\" stack=\"aeterna\" {\n    app size=\"small\" host-port=#null metrics-host-port=#null\n    \
                override \"compose\" because=\"a laptop has little room\" { postgres { resources { limits memory=\"3Gi\" } } }\n}\n";
    let project = Project::new(&[("environments/prod.kdl", text)]);
    assert_eq!(project.run(&["compile"]).code, 0);
    let known = project.run(&["compile"]);
    assert!(known.stdout.contains("declared difference") && known.stdout.contains("note"), "{known:?}");
    let compiled = without_made(&project);
    assert_eq!((known.code, &known.stdout, &known.stderr), (compiled.code, &compiled.stdout, &compiled.stderr));
    assert!(!project.path(MADE).exists(), "nothing was written, so nothing is remembered");
}

#[test]
fn the_gate_and_programs_are_told_what_a_compile_says() {
    let project = forged();
    let ran = project.run(&["compile", "--check"]);
    assert!(ran.code == 1 && ran.stdout.contains(COMPOSE), "{ran:?}");
    let ran = project.run(&["diff", "prod"]);
    assert!(ran.code == 1 && ran.stdout.contains("example.com/x:1"), "{ran:?}");
    assert!(!is_compiled(&project));
    assert_eq!(project.run(&["compile", "--format", "json"]).code, 0);
    assert!(is_compiled(&project));
}

#[test]
fn every_text_that_a_compile_reads_counts() {
    let rule = "extend \"tiny\" { rule \"H1\" { require \"replicas > 1\"; message \"one is none\" } }\n";
    let cases = [
        ("environments/prod.kdl", format!("// why\n{PROD}")),
        ("environments/prod.kdl", PROD.replace(" 2", " 4")),
        ("stdlib/stacks/tiny/stack.kdl", STACK.replace("default=\"x\"", "default=\"x\" ")),
        ("stdlib/stacks/tiny/more.kdl", "// more".to_owned()),
        ("stdlib/stacks/other/stack.kdl", STACK.replace("\"tiny\"", "\"other\"")),
        ("stdlib/extend/house.kdl", rule.to_owned()),
    ];
    for (path, text) in cases {
        let project = forged();
        project.write(path, &text);
        let ran = project.run(&["compile"]);
        assert!(ran.code == 0 && is_compiled(&project), "{path} {text}: {ran:?}");
    }
}

#[test]
fn every_byte_that_lies_there_counts() {
    let changed = |path: &str, change: &dyn Fn(Vec<u8>) -> Option<Vec<u8>>| {
        let project = forged();
        match change(fs::read(project.path(path)).unwrap_or_default()) {
            Some(bytes) => project.write(path, bytes),
            None => fs::remove_file(project.path(path)).expect("it is there"),
        }
        let ran = project.run(&["compile"]);
        (project, ran)
    };
    let flip = |bytes: Vec<u8>| Some([bytes, b"#".to_vec()].concat());
    for path in [LOCK, "out/prod/settings.json", MADE] {
        for change in [&flip as &dyn Fn(Vec<u8>) -> Option<Vec<u8>>, &|_| None] {
            let (project, ran) = changed(path, change);
            let refused = ran.code == 1 && ["TL1010", "TL1011"].iter().any(|code| ran.stdout.contains(code));
            assert!(refused || ran.code == 0 && is_compiled(&project), "{path}: {ran:?}");
        }
    }
    let (_, ran) = changed(COMPOSE, &flip);
    assert!(ran.code == 1 && ran.stdout.contains("was edited"), "{ran:?}");
    let (project, ran) = changed(COMPOSE, &|_| None);
    assert!(ran.code == 0 && is_compiled(&project), "{ran:?}");
    let (project, ran) = changed("out/prod/notes.md", &|_| Some(b"mine".to_vec()));
    assert!(ran.code == 0 && is_compiled(&project) && ran.stdout.contains("TL1013"), "{ran:?}");
    // A lock that is as it was remembered, but of other bytes of a file.
    let project = compiled();
    let (old, lock) = (project.read(COMPOSE), project.read(LOCK));
    project.write(COMPOSE, old.replace("example.com/x:1", "example.com/y:1"));
    assert_eq!(project.run(&["compile"]).code, 1);
    project.write(COMPOSE, &old);
    assert_eq!((project.run(&["compile"]).code, project.read(LOCK)), (0, lock));
}

#[cfg(unix)]
#[test]
fn another_compiler_compiles_and_a_link_is_no_file() {
    let project = forged();
    let other = project.path("trueline");
    fs::copy(env!("CARGO_BIN_EXE_trueline"), &other).expect("it can be copied");
    // While another test starts a program, that one holds the copy open for writing, and it cannot be run yet.
    let ran = loop {
        match Command::new(&other).arg("compile").current_dir(project.path("")).output() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            ran => break ran.expect("it starts"),
        }
    };
    assert!(ran.status.success() && is_compiled(&project), "{ran:?}");
    let project = forged();
    fs::rename(project.path(COMPOSE), project.path("elsewhere")).expect("it is there");
    std::os::unix::fs::symlink(project.path("elsewhere"), project.path(COMPOSE)).expect("a link");
    let ran = project.run(&["compile"]);
    assert!(ran.code == 1 && ran.stdout.contains("TL1014"), "{ran:?}");
}

#[test]
fn who_was_warned_is_warned_again() {
    let project = compiled();
    project.write("environments/prod.kdl", PROD.replace(" 2", " 7"));
    let ran = project.run(&["compile"]);
    assert!(ran.code == 0 && ran.stdout.contains("TL0602") && ran.stdout.contains("written"), "{ran:?}");
    assert!(project.read(MADE).contains("made dev "), "the other one is remembered");
    let again = project.run(&["compile"]);
    assert!(again.code == 0 && again.stdout.contains("TL0602") && again.stdout.contains("unchanged"), "{again:?}");
}

#[test]
fn only_what_is_still_there_is_remembered() {
    let project = compiled();
    fs::remove_file(project.path("environments/dev.kdl")).expect("it is there");
    project.write("environments/prod.kdl", PROD.replace(" 2", " 4"));
    assert_eq!(project.run(&["compile", "prod"]).code, 0);
    assert!(project.read(MADE).contains("made dev "), "nobody asked for it");
    project.write("environments/prod.kdl", PROD);
    assert_eq!(project.run(&["compile"]).code, 0);
    let made = project.read(MADE);
    assert!(made.contains("made prod ") && !made.contains("made dev "), "{made}");
    // What cannot be written is not needed.
    fs::remove_file(project.path(MADE)).expect("it is there");
    fs::create_dir(project.path(MADE)).expect("a folder");
    project.write("environments/prod.kdl", PROD.replace(" 2", " 4"));
    assert_eq!(project.run(&["compile"]).code, 0);
    assert_eq!(project.run(&["compile", "--check", "prod"]).code, 0);
}
