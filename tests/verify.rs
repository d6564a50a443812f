//! `trueline verify`, and what `compile` does after a merge, a kill or beside another compile.

use std::{
    fs,
    process::{Command, Stdio},
};

use super::cli::{Project, Ran};

const PROD: &str =
    "environment \"prod\" stack=\"aeterna\" {\n    app replicas=2 host-port=#null metrics-host-port=#null\n}\n";
const LOCK: &str = "out/prod/trueline.lock";
const VALUES: &str = "out/prod/aeterna/helm/values.yaml";

/// A project with an environment, compiled.
fn compiled() -> Project {
    let project = Project::new(&[("environments/prod.kdl", PROD)]);
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    project
}

/// The lines that name a file, and the codes of the findings.
fn named(ran: &Ran) -> (Vec<String>, Vec<String>) {
    let lines = ran.stdout.lines().filter(|line| line.starts_with("  ") && line.contains(" out/"));
    let differences = ["  changed", "  missing", "  extra", "  conflict"];
    let lines = lines.filter(|line| differences.iter().any(|word| line.starts_with(word)));
    let codes = ran.stdout.lines().filter_map(|line| line.split_once("[TL")?.1.split_once(']'));
    (
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect(),
        codes.map(|(code, _)| format!("TL{code}")).collect(),
    )
}

fn verify(project: &Project) -> (i32, Vec<String>, Vec<String>) {
    let ran = project.run(&["verify"]);
    let (lines, codes) = named(&ran);
    (ran.code, lines, codes)
}

#[test]
fn what_a_compile_wrote_is_fine_and_needs_no_source() {
    let project = compiled();
    let before = project.tree("");
    let ran = project.run(&["verify"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "1 environment: 1 as written\n"), "{ran:?}");
    assert!(ran.stdout.starts_with("prod: ") && ran.stdout.ends_with(" files, as written\n"), "{ran:?}");
    assert_eq!(project.tree(""), before);
    project.write("environments/prod.kdl", "this is { no environment");
    assert_eq!(project.run(&["verify", "prod"]).code, 0);
}

#[test]
fn a_changed_byte_of_any_file_is_named_and_a_missing_and_an_extra_file_are() {
    let project = compiled();
    for (path, bytes) in project.tree("out") {
        let path = format!("out/{path}");
        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        project.write(&path, &changed);
        let (code, lines, codes) = verify(&project);
        let is_lock = path == LOCK;
        assert!(code == 1 && (is_lock || lines == [format!("changed {path}")]), "{path}: {lines:?} {codes:?}");
        fs::remove_file(project.path(&path)).expect("it is there");
        let (code, lines, codes) = verify(&project);
        match is_lock {
            true => assert_eq!((code, codes), (1, vec!["TL1025".to_owned()]), "{path}"),
            false => assert_eq!((code, lines), (1, vec![format!("missing {path}")]), "{path}"),
        }
        project.write(&path, &bytes);
    }
    project.write("out/prod/aeterna/extra.txt", "x");
    assert_eq!(verify(&project), (1, vec!["extra out/prod/aeterna/extra.txt".to_owned()], vec![]));
}

#[test]
fn what_else_may_be_wrong_has_a_code_of_its_own() {
    let cases: &[(&str, &str, &str)] = &[
        (".trueline/prod.journal", "", "TL1018"),
        (".trueline/dev.journal", "", "TL1018"),
        ("out/prod/aeterna/compose/.env", "A=b", "TL1022"),
        ("out/prod/secrets/openai/key", "k", "TL1022"),
        ("out/.env", "A=b", "TL1022"),
        ("out/charts/app/secrets/x", "k", "TL1022"),
        ("out/Prod/trueline.lock", "", "TL1024"),
        ("out/old/trueline.lock", "trueline lock 1\nsettings 00", "TL1017"),
        ("out/mine/notes.md", "", "TL1013"),
        ("environments/dev.kdl", "", "TL1025"),
        (LOCK, "trueline lock 2\n", "TL1012"),
        (LOCK, "trueline lock 1\nfile 00 1 ../../victim\n", "TL1012"),
    ];
    for (path, text, wanted) in cases {
        let project = compiled();
        project.write(path, text);
        let (code, _, codes) = verify(&project);
        assert!(code == 1 && codes.iter().any(|code| code == wanted), "{path}: {code} {codes:?}");
        assert!(*wanted == "TL1017" || codes.len() == 1, "{path}: one mistake, one message: {codes:?}");
    }
}

#[test]
fn a_text_is_never_shown_and_names_are_shown_safely() {
    let project = compiled();
    project.write("out/prod/secrets/\u{1b}[2J", "sk-canary-0123456789");
    project.write(VALUES, "sk-canary-0123456789\u{1b}[2J");
    let ran = project.run(&["verify"]);
    let all = ran.stdout + &ran.stderr;
    assert!(!all.contains("canary") && !all.contains('\u{1b}') && all.contains("\\u{1b}[2J"), "{all}");
}

#[test]
fn the_lock_and_the_settings_have_to_agree() {
    let project = compiled();
    let lock = project.read(LOCK);
    let line = lock.lines().find(|line| line.starts_with("settings ")).expect("it has one");
    let (lines, _) = lock.trim_end().rsplit_once('\n').expect("it has several lines");
    let forged = format!("{}\n", lines.replace(line, &format!("settings {}", "0".repeat(64))));
    project.write(LOCK, format!("{forged}lock {}\n", trueline::lock::digest(forged.as_bytes())));
    assert_eq!(verify(&project), (1, vec![], vec!["TL1023".to_owned()]));
    assert_eq!(project.run(&["compile"]).code, 0);
    assert_eq!(verify(&project).0, 0);
}

#[test]
fn words_that_name_no_output_are_2_and_json_is_one_document() {
    let project = compiled();
    let ran = project.run(&["verify", "prode"]);
    assert!(ran.code == 2 && ran.stderr.contains("did you mean `prod`?"), "{ran:?}");
    assert_eq!(project.run(&["verify", "../prod/../x"]).code, 2);
    fs::remove_file(project.path(VALUES)).expect("it is there");
    let ran = project.run(&["verify", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let prod = &json["environments"][0];
    assert_eq!((ran.code, prod["ok"].as_bool(), ran.stderr.as_str()), (1, Some(false), ""));
    assert_eq!(prod["differences"], serde_json::json!([{"what": "missing", "path": VALUES}]));
}

#[test]
fn a_merge_conflict_is_named_and_repaired_without_an_option() {
    let git = |project: &Project, arguments: &[&str]| {
        let ran = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"])
            .args(["-c", "init.defaultBranch=main", "-c", "core.autocrlf=false", "-c", "merge.conflictStyle=diff3"])
            .args(arguments)
            .current_dir(project.path(""))
            .output();
        ran.expect("Git is installed").status.success()
    };
    let project = compiled();
    let commit = |text: &str| {
        project.write("environments/prod.kdl", text);
        assert_eq!(project.run(&["compile"]).code, 0);
        assert!(git(&project, &["add", "-A"]) && git(&project, &["commit", "-qm", "x"]));
    };
    assert!(git(&project, &["init", "-q"]));
    commit(PROD);
    assert!(git(&project, &["checkout", "-qb", "topic"]));
    commit(&PROD.replace("replicas=2", "replicas=3"));
    assert!(git(&project, &["checkout", "-q", "main"]));
    commit(&PROD.replace("replicas=2", "replicas=4"));
    assert!(!git(&project, &["merge", "-q", "topic"]), "there is a conflict");
    project.write("environments/prod.kdl", PROD.replace("replicas=2", "replicas=5"));
    let (code, lines, codes) = verify(&project);
    assert_eq!((code, codes), (1, vec!["TL1021".to_owned()]), "{lines:?}");
    assert!(lines.contains(&format!("conflict {LOCK}")) && lines.contains(&format!("conflict {VALUES}")), "{lines:?}");
    assert_eq!(project.run(&["compile", "--check"]).code, 1);
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((verify(&project).0, project.run(&["compile", "--check"]).code), (0, 0));
}

#[test]
fn a_journal_is_named_by_the_gate_and_completed_by_the_next_compile() {
    let project = compiled();
    let before = project.tree("out");
    project.write(".trueline/prod.journal", "trueline jour");
    for arguments in [&["verify"][..], &["verify", "prod"], &["compile", "--check"], &["compile", "--check", "prod"]] {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stdout.contains("TL1018") && ran.stdout.contains(".trueline/prod.journal"), "{ran:?}");
    }
    assert_eq!(project.run(&["compile"]).code, 0);
    assert!(!project.path(".trueline/prod.journal").exists());
    assert_eq!((verify(&project).0, project.tree("out")), (0, before));
    project.write(".trueline/prod.journal", "trueline journal 2\n");
    let ran = project.run(&["compile"]);
    assert!(ran.code == 1 && ran.stdout.contains("TL1019") && ran.stdout.contains("nothing written"), "{ran:?}");
}

#[test]
fn a_compile_that_changes_nothing_writes_nothing() {
    let project = compiled();
    fs::remove_dir_all(project.path(".trueline")).expect("the folder of the first compile");
    for arguments in [&["compile"][..], &["compile", "--check"], &["verify"], &["diff"], &["check"]] {
        assert_eq!(project.run(arguments).code, 0, "{arguments:?}");
        assert!(!project.path(".trueline").exists(), "{arguments:?}");
    }
}

#[test]
fn a_compile_waits_for_another_one_and_then_says_so() {
    let project = compiled();
    let lock = fs::File::open(project.path(".trueline/lock")).expect("the first compile made it");
    lock.lock().expect("nobody holds it");
    assert_eq!(project.run(&["compile"]).code, 0, "there is nothing to write");
    project.write("environments/prod.kdl", PROD.replace("replicas=2", "replicas=3"));
    let before = project.tree("out");
    for arguments in [&["verify"][..], &["check"]] {
        assert_eq!(project.run(arguments).code, 0, "commands that only read do not wait");
    }
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.contains("error[TL1020]") && project.tree("out") == before, "{ran:?}");
    drop(lock);
    assert_eq!(project.run(&["compile"]).code, 0);
}

#[test]
fn compiles_at_once_do_not_mix() {
    let project = Project::new(&[]);
    let names = ["a", "b", "c"];
    let write = |replicas: usize| {
        for name in names {
            let text = PROD.replace("\"prod\"", &format!("\"{name}\"")).replace("=2", &format!("={replicas}"));
            project.write(&format!("environments/{name}.kdl"), text);
        }
    };
    let compile = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_trueline"));
        program.arg("compile").current_dir(project.path("")).stdin(Stdio::null());
        program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    };
    for replicas in 2..5 {
        write(replicas);
        let running = [compile(), compile(), compile()];
        for mut child in running {
            assert_eq!(child.wait().expect("it ends").code(), Some(0));
        }
        assert_eq!(project.run(&["compile", "--check"]).code, 0);
        assert_eq!(project.run(&["verify"]).code, 0);
    }
    assert!(
        project.tree(".trueline").keys().eq([".gitignore", "lock", "made"]),
        "{:?}",
        project.tree(".trueline").keys()
    );
}

/// Compiles in a shell that limits or prepares something first.
#[cfg(unix)]
fn shell(project: &Project, before: &str) -> std::process::Output {
    let script = format!("{before}\nexec \"$0\" compile");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_trueline")]).current_dir(project.path(""));
    shell.output().expect("a shell")
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_is_an_error_or_the_end_and_loses_nothing() {
    let project = compiled();
    let before = project.tree("out");
    project.write("environments/prod.kdl", PROD.replace("replicas=2", "replicas=3"));
    let refused = shell(&project, "trap '' XFSZ; ulimit -f 1");
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("error[TL1015]"), "{refused:?}");
    assert_eq!((project.tree("out"), verify(&project).0), (before.clone(), 0));
    let killed = shell(&project, "ulimit -f 1");
    assert_eq!(killed.status.code(), None, "a signal ends it: {killed:?}");
    assert_eq!(project.tree("out"), before);
    assert_eq!(project.run(&["compile"]).code, 0);
    assert_eq!((verify(&project).0, project.run(&["compile", "--check"]).code), (0, 0));
}

/// Only where a file system can be mounted; the case before this one runs everywhere.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_at_any_point_loses_nothing() {
    let project = Project::new(&[("project/environments/prod.kdl", PROD)]);
    let mount = |option: &str| {
        let options = format!("{option},mode=755");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(project.path("project")).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success())
    };
    let unmount = || Command::new("umount").arg(project.path("project")).status();
    let run = |arguments: &[&str]| project.run_in("project", arguments);
    let mut refused = 0;
    for pages in 1..200 {
        if !mount(&format!("size={}k", pages * 4)) {
            return;
        }
        project.write("project/environments/prod.kdl", PROD);
        let first = run(&["compile"]);
        let whole = run(&["verify"]).code == 0 || project.path("project/.trueline/prod.journal").exists();
        let nothing = project.tree("project/out").is_empty();
        let grown = mount("remount,size=4m");
        let next = run(&["compile"]);
        let checked = run(&["compile", "--check"]);
        _ = unmount();
        assert!(first.code == 0 || first.code == 2 && first.stdout.contains("TL1015"), "{pages}: {first:?}");
        assert!(whole || nothing, "{pages}");
        assert!(grown && next.code == 0 && checked.code == 0, "{pages}: {next:?}");
        refused += usize::from(first.code == 2);
        if first.code == 0 {
            break;
        }
    }
    assert!(refused > 3, "{refused}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_said_and_the_next_compile_completes() {
    use std::os::unix::fs::PermissionsExt;
    let project = compiled();
    let before = project.tree("out");
    project.write("environments/prod.kdl", PROD.replace("replicas=2", "replicas=3"));
    let mode = |path: &str, mode: u32| {
        fs::set_permissions(project.path(path), fs::Permissions::from_mode(mode)).expect("a mode");
    };
    for path in [".trueline", "out/prod/aeterna/helm"] {
        mode(path, 0o555);
        // The super-user may write everywhere.
        let refused = fs::write(project.path(path).join("probe"), "").is_err();
        _ = fs::remove_file(project.path(path).join("probe"));
        let ran = if refused {
            project.run(&["compile"])
        } else {
            Ran { stdout: "TL1015".into(), stderr: String::new(), code: 2 }
        };
        mode(path, 0o755);
        assert!(ran.code == 2 && ran.stdout.contains("TL1015"), "{path}: {ran:?}");
        assert!(project.tree("out") == before || project.path(".trueline/prod.journal").exists(), "{path}");
    }
    assert_eq!(project.run(&["compile"]).code, 0);
    assert_eq!(project.run(&["compile", "--check"]).code, 0);
}
