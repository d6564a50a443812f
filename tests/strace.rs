//! What a compile asks of the system, seen from outside: which files it touches, and what is left of a compile that is
//! killed at any of its calls. Linux with `strace`.
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
};

use super::{cli::Project, support};

const STACK: &str = r#"stack "tiny" version="1" {
    settings { (int)replicas default=1; (string)name default="x"; (map)part of="string" }
    workload "app" {
        image (f)"example.com/{name}:1"
        replicas (ref)"replicas"
        env { NAME (ref)"name"; (each)"k, v in part" { (ref)"k" (ref)"v" } }
        port "http" 80
    }
    helm "1" {
        release "app" chart="app" version="1" file="values.yaml" {
            names { "app" "app" }
            values { replicas (ref)"replicas"; name (ref)"name"; part (ref)"part" }
        }
    }
}
"#;
const OLD: &str = "environment \"prod\" stack=\"tiny\" {\n    targets \"compose\"\n}\n";
const NEW: &str = "environment \"prod\" stack=\"tiny\" {\n    replicas 3\n    name \"y\"\n    targets \"helm\"\n}\n";

/// Why a test cannot run here, if so.
fn missing() -> Option<&'static str> {
    static MISSING: OnceLock<Option<&'static str>> = OnceLock::new();
    *MISSING.get_or_init(|| {
        let mut strace = Command::new("strace");
        let tried = strace.args(["-f", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
        match tried {
            Err(_) => Some("`strace` is not installed"),
            Ok(status) if !status.success() => Some("`strace` may not trace here"),
            Ok(_) => None,
        }
    })
}

/// A project with the new source: after the old one was compiled, or with nothing compiled yet.
fn project(is_new: bool) -> Project {
    let project = Project::new(&[("stdlib/stacks/tiny/stack.kdl", STACK), ("environments/prod.kdl", OLD)]);
    if !is_new {
        let ran = project.run(&["compile"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    project.write("environments/prod.kdl", NEW);
    project
}

/// Compiles under `strace`; whether it ended well, and the log.
fn traced(project: &Project, options: &[&str]) -> (bool, String) {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-s", "4096", "-o"]).arg(project.path("trace")).args(options);
    strace.arg(env!("CARGO_BIN_EXE_trueline")).arg("compile").current_dir(project.path(""));
    // Cargo's search path for libraries is no part of the program.
    let status =
        strace.env_remove("LD_LIBRARY_PATH").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let log = fs::read(project.path("trace")).unwrap_or_default();
    (status.expect("strace starts").success(), String::from_utf8_lossy(&log).into_owned())
}

#[test]
fn a_compile_killed_at_any_call_is_completed_by_the_next_one() {
    if let Some(reason) = missing() {
        support::skipped("strace::a_compile_killed_at_any_call_is_completed_by_the_next_one", reason);
        return;
    }
    for is_new in [false, true] {
        let fresh = project(is_new);
        assert!(fresh.run(&["compile"]).code == 0);
        let wanted = fresh.tree("out");
        let mut kills = 0;
        let calls =
            ["openat", "write", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "fchmod", "flock"];
        for call in calls {
            for at in 1.. {
                // Opening files begins with the loader's; from then on each one counts.
                let project = project(is_new);
                let before = project.tree("out");
                let inject = format!("inject={call}:signal=KILL:when={at}");
                let (ended, log) = traced(&project, &["-e", &format!("trace={call}"), "-e", &inject]);
                if ended {
                    break;
                }
                kills += 1;
                let between = project.tree("out");
                let verified = project.run(&["verify"]);
                let has_journal = project.path(".trueline/prod.journal").exists();
                // Where nothing was compiled yet, there is nothing to verify, and that is said.
                let is_fine = verified.code == 0 || is_new && between == before && verified.stdout.contains("TL1025");
                let is_whole = between == before || between == wanted;
                assert!(is_whole && is_fine || has_journal, "{call} {at}: {verified:?}\n{log}");
                let names_it = verified.code == 1 && verified.stdout.contains(".trueline/prod.journal");
                assert!(is_fine || names_it, "{call} {at}: {verified:?}\n{log}");
                let next = project.run(&["compile"]);
                assert_eq!(next.code, 0, "{call} {at}: {next:?}\n{log}");
                assert_eq!(project.tree("out"), wanted, "{call} {at}\n{log}");
                for left in ["prod.journal", "prod.new"] {
                    assert!(!project.path(".trueline").join(left).exists(), "{call} {at}: {left}");
                }
            }
        }
        assert!(kills > 20, "{kills} kills");
    }
}

#[test]
fn a_compile_refused_at_any_call_loses_nothing() {
    if let Some(reason) = missing() {
        support::skipped("strace::a_compile_refused_at_any_call_loses_nothing", reason);
        return;
    }
    for is_new in [false, true] {
        let fresh = project(is_new);
        assert!(fresh.run(&["compile"]).code == 0);
        let wanted = fresh.tree("out");
        for call in ["rename", "unlink", "mkdir", "fchmod", "flock"] {
            for at in 1..100 {
                let project = project(is_new);
                let before = project.tree("out");
                let inject = format!("inject={call}:error=ENOSPC:when={at}");
                let (_, log) = traced(&project, &["-e", &format!("trace={call}"), "-e", &inject]);
                if !log.contains("(INJECTED)") {
                    break;
                }
                let between = project.tree("out");
                let is_whole = between == before || between == wanted;
                assert!(is_whole || project.path(".trueline/prod.journal").exists(), "{call} {at}\n{log}");
                assert_eq!(project.run(&["compile"]).code, 0, "{call} {at}\n{log}");
                assert_eq!(project.tree("out"), wanted, "{call} {at}\n{log}");
            }
        }
    }
}

/// Files that every program on the system reads, or that say how many processors there are.
const OF_THE_SYSTEM: &[&str] = &[
    "/etc/ld.so",
    "/lib",
    "/usr/lib",
    "/proc/self",
    "/proc/stat",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
    "/dev/null",
];

/// A call of the log: its name, the paths in it, and the whole line.
fn calls(log: &str) -> Vec<(&str, Vec<&str>, &str)> {
    let call = |line| -> Option<(&str, Vec<&str>, &str)> {
        let line: &str = line;
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let (name, arguments) = rest.split_once('(')?;
        Some((name, arguments.split('"').skip(1).step_by(2).collect(), line))
    };
    log.lines().filter_map(call).collect()
}

#[test]
fn a_compile_reads_what_is_declared_and_writes_nowhere_else() {
    if let Some(reason) = missing() {
        support::skipped("strace::a_compile_reads_what_is_declared_and_writes_nowhere_else", reason);
        return;
    }
    let project = project(false);
    project.write("environments/dev.kdl", NEW.replace("\"prod\"", "\"dev\""));
    project.write("environments/notes.txt", "not an environment");
    project.write("elsewhere.kdl", "not read");
    let (ended, log) = traced(&project, &["-e", "trace=%file,%process,%network,fchmod,fchown,ftruncate"]);
    assert!(ended, "{log}");
    let root = project.path("").canonicalize().expect("it is there");
    let place = |path: &str| {
        let path = Path::new(path);
        let below = path.strip_prefix(&root).or_else(|_| path.strip_prefix(project.path(""))).unwrap_or(path);
        below.strip_prefix(".").unwrap_or(below).to_string_lossy().into_owned()
    };
    let mut wrong = Vec::new();
    let (mut read, mut written) = (BTreeSet::new(), BTreeSet::new());
    for (name, paths, line) in calls(&log) {
        let changes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| line.contains(flag))
            || ["rename", "unlink", "mkdir", "rmdir", "link", "symlink", "chmod", "truncate"]
                .iter()
                .any(|it| name.starts_with(it));
        match name {
            "execve" | "exit_group" | "exit" | "fchmod" => {}
            // Threads are no processes.
            "clone" | "clone3" if line.contains("CLONE_THREAD") => {}
            "clone" | "clone3" | "fork" | "vfork" | "wait4" | "kill" => wrong.push(line),
            _ if name.contains("socket") || ["connect", "bind", "sendto", "recvfrom"].contains(&name) => {
                wrong.push(line)
            }
            _ => {
                for path in paths.into_iter().map(place) {
                    let ours = ["out", ".trueline"].iter().any(|folder| Path::new(&path).starts_with(folder));
                    let declared = path.is_empty()
                        || path == "trueline.kdl"
                        || ["environments", "stdlib"].iter().any(|folder| Path::new(&path).starts_with(folder));
                    let systems = OF_THE_SYSTEM.iter().any(|start| path.starts_with(start));
                    // Looking for the root asks whether files are there, and opens none.
                    if changes && !ours || !(ours || declared || systems) {
                        wrong.push(line);
                    }
                    if name.starts_with("open") && (ours || declared) {
                        if changes {
                            written.insert(path)
                        } else {
                            read.insert(path)
                        };
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(read.contains("environments/dev.kdl") && read.contains("stdlib/stacks/tiny/stack.kdl"), "{read:?}");
    assert!(!read.contains("environments/notes.txt"), "{read:?}");
    for folder in [".trueline/dev.new/", "out/prod/"] {
        assert!(written.iter().any(|path| path.starts_with(folder)), "{folder} {written:?}");
    }
}
