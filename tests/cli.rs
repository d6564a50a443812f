//! The real program in a scratch folder: files and arguments in; both streams, exit code and files out.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// An environment that compiles, and the same with one setting changed.
const PROD: &str =
    "environment \"prod\" stack=\"aeterna\" {\n    app replicas=2 host-port=#null metrics-host-port=#null\n}\n";
const PROD_CHANGED: &str =
    "environment \"prod\" stack=\"aeterna\" {\n    app replicas=4 host-port=#null metrics-host-port=#null\n}\n";
/// An environment with a mistake.
const BROKEN: &str = "environment \"broken\" stack=\"aeterma\" {\n}\n";
/// An output of [`PROD`] that its change reaches.
const VALUES: &str = "out/prod/aeterna/helm/values.yaml";

/// A scratch project.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Project {
    /// A project with these files, by path.
    pub(crate) fn new(files: &[(&str, &str)]) -> Project {
        let project = Project { folder: tempfile::tempdir().expect("a temporary folder") };
        files.iter().for_each(|(path, text)| project.write(path, text));
        project
    }

    /// A project with [`PROD`], compiled.
    fn compiled() -> Project {
        let project = Project::new(&[("environments/prod.kdl", PROD)]);
        let ran = project.run(&["compile"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        project
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Runs the program in the project's root.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in("", arguments)
    }

    /// Runs the program in a folder of the project.
    pub(crate) fn run_in(&self, folder: &str, arguments: &[&str]) -> Ran {
        run(program().args(arguments).current_dir(self.path(folder)))
    }

    /// Runs the program with these variables.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        run(program().args(arguments).envs(variables.iter().copied()).current_dir(self.path("")))
    }

    /// All files below a folder, by path.
    pub(crate) fn tree(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut tree = BTreeMap::new();
        gather(&self.path(folder), "", &mut tree);
        tree
    }
}

fn gather(folder: &Path, prefix: &str, tree: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            gather(&entry.path(), &format!("{path}/"), tree);
        } else {
            tree.insert(path, fs::read(entry.path()).expect("a file"));
        }
    }
}

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_trueline"));
    program.env_remove("NO_COLOR");
    program
}

fn run(command: &mut Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code().expect("an exit code") }
}

#[test]
fn help_documents_the_exit_codes() {
    let ran = Project::new(&[]).run(&["--help"]);
    assert_eq!(ran.code, 0);
    for line in
        ["0  fine", "1  the answer is no", "2  the question could not be asked", "compile", "check", "diff", "explain"]
    {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
}

#[test]
fn wrong_usage_is_2_and_says_so_on_standard_error() {
    let project = Project::compiled();
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["compil"], "compile"),
        (&["compile", "--check", "--overwrite"], "cannot be used with"),
        (&["compile", "prode"], "did you mean `prod`?"),
        (&["compile", "zzz"], "there is prod"),
        (&["explain", "prod", "app.replica"], "did you mean `app.replicas`?"),
        (&["explain", "TL9999"], "there is no code `TL9999`"),
        (&["compile", "--root", "nowhere"], "--root DIR"),
        (&["compile", "--prune", "prod"], "remove `environments/prod.kdl` first"),
        (&["compile", "--prune", "../prod"], "there is no output"),
    ];
    for (arguments, wanted) in cases {
        let ran = project.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?} {ran:?}");
        assert!(ran.stderr.contains(wanted), "{arguments:?}: {}", ran.stderr);
    }
    let ran = Project::new(&[]).run(&["check"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("environments/"), "{ran:?}");
}

#[test]
fn compile_writes_once_and_leaves_alone_what_is_current() {
    let project = Project::compiled();
    let before = project.tree("out");
    assert!(before.contains_key("prod/trueline.lock") && before.contains_key("prod/settings.json"));
    let ran = project.run(&["compile", "prod"]);
    assert_eq!((ran.code, ran.stdout.contains("unchanged")), (0, true), "{ran:?}");
    assert!(ran.stderr.contains("1 environment: 1 compiled"), "{ran:?}");
    assert_eq!(project.tree("out"), before);
    project.write("environments/prod.kdl", PROD_CHANGED);
    let ran = project.run(&["compile"]);
    assert!(ran.code == 0 && ran.stdout.starts_with("prod: ") && ran.stdout.contains(" written"), "{ran:?}");
    assert_ne!(project.tree("out"), before);
}

#[test]
fn the_root_is_found_from_below_and_by_its_name() {
    let project = Project::compiled();
    let before = project.tree("out");
    for (folder, arguments) in [("out/prod", vec!["compile"]), ("environments", vec!["compile", "--root", ".."])] {
        let ran = project.run_in(folder, &arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert_eq!(project.tree("out"), before);
    assert!(
        project.run(&["compile", "environments/prod.kdl"]).code == 0,
        "a path from the shell's completion is a name"
    );
}

#[test]
fn an_environment_with_errors_is_not_written_and_others_are() {
    let project = Project::new(&[("environments/prod.kdl", PROD), ("environments/broken.kdl", BROKEN)]);
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("error[TL") && ran.stdout.contains("broken: 1 error, nothing written"), "{ran:?}");
    assert!(ran.stderr.contains("2 environments: 1 compiled, 1 with errors"), "{ran:?}");
    assert!(project.path(VALUES).exists() && !project.path("out/broken").exists());
    let order = ["broken: ", "prod: "].map(|name| ran.stdout.find(name).expect(name));
    assert!(order[0] < order[1], "by name: {}", ran.stdout);
}

#[test]
fn check_reports_and_writes_nothing() {
    let project = Project::new(&[("environments/prod.kdl", PROD), ("environments/broken.kdl", BROKEN)]);
    let ran = project.run(&["check", "prod"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "prod: fine\n"), "{ran:?}");
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("broken: 1 error") && ran.stderr.contains("2 environments: 1 error"), "{ran:?}");
    assert!(!project.path("out").exists());
}

#[test]
fn notes_are_counted_by_compile_and_shown_by_check() {
    let written = "environment \"prod\" stack=\"aeterna\" {\n    app replicas=1\n}\n";
    let project = Project::new(&[("environments/prod.kdl", written)]);
    let ran = project.run(&["compile"]);
    assert!(ran.code == 0 && !ran.stdout.contains("TL0506"), "{ran:?}");
    assert!(ran.stdout.contains(" written, 1 note: `trueline check prod` shows them\n"), "{ran:?}");
    let ran = project.run(&["compile"]);
    assert!(ran.stdout.ends_with("files, unchanged, 1 note: `trueline check prod` shows them\n"), "{ran:?}");
    let ran = project.run(&["check"]);
    assert!(ran.code == 0 && ran.stdout.contains("note[TL0506]"), "{ran:?}");
    assert!(ran.stdout.ends_with("prod: fine, 1 note\n"), "{ran:?}");
    let ran = project.run(&["compile", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(json["environments"][0]["findings"][0]["code"], "TL0506", "a program gets all findings");
    project.write("environments/prod.kdl", PROD);
    let ran = project.run(&["check"]);
    assert_eq!(ran.stdout, "prod: fine\n", "{ran:?}");
}

#[test]
fn what_compose_mounts_is_written_whatever_else_is_wanted() {
    let prod = |line: &str| PROD.replace("}\n", &format!("    {line}\n}}\n"));
    let project = Project::new(&[("environments/prod.kdl", &prod("targets \"compose\""))]);
    assert_eq!(project.run(&["compile"]).code, 0);
    assert!(project.read("out/prod/aeterna/compose/compose.yaml").contains("source: ../runtime/config.toml"));
    assert!(project.path("out/prod/aeterna/runtime/config.toml").exists());
    project.write("environments/prod.kdl", prod("targets \"helm\""));
    assert_eq!(project.run(&["compile"]).code, 0);
    assert!(!project.path("out/prod/aeterna/runtime/config.toml").exists());
}

#[test]
fn compile_check_names_what_is_stale_missing_or_extra() {
    let project = Project::compiled();
    assert_eq!(project.run(&["compile", "--check"]).code, 0);
    project.write(VALUES, "edited: true\n");
    fs::remove_file(project.path("out/prod/settings.json")).expect("it was written");
    project.write("out/prod/notes.md", "hello\n");
    let before = project.tree("out");
    let ran = project.run(&["compile", "--check"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for line in
        [&format!("  stale    {VALUES}\n"), "  missing  out/prod/settings.json\n", "  extra    out/prod/notes.md\n"]
    {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    assert_eq!(project.tree("out"), before);
}

#[test]
fn a_file_edited_by_hand_is_replaced_only_on_demand() {
    let project = Project::compiled();
    project.write(VALUES, "mine: true\n");
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("TL1010") && ran.stdout.contains("--overwrite"), "{ran:?}");
    assert_eq!(project.read(VALUES), "mine: true\n");
    assert_eq!(project.run(&["compile", "--overwrite"]).code, 0);
    assert_ne!(project.read(VALUES), "mine: true\n");
}

#[test]
fn output_without_its_environment_stays_until_it_is_pruned() {
    let project = Project::compiled();
    fs::remove_file(project.path("environments/prod.kdl")).expect("it is there");
    project.write("environments/test.kdl", PROD.replace("\"prod\"", "\"test\""));
    let ran = project.run(&["compile"]);
    assert!(ran.code == 0 && ran.stdout.contains("warning[TL1017]") && ran.stdout.contains("--prune prod"), "{ran:?}");
    assert_eq!(project.run(&["compile", "--check"]).code, 1);
    let ran = project.run(&["compile", "--prune", "prod"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!project.path("out/prod").exists());
    assert_eq!(project.run(&["compile", "--check"]).code, 0);
}

#[test]
fn diff_shows_settings_and_files() {
    let project = Project::compiled();
    let ran = project.run(&["diff"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "prod: no difference\n", ""));
    project.write("environments/prod.kdl", PROD_CHANGED);
    let before = project.tree("out");
    let ran = project.run(&["diff", "prod"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in ["replicas: 2 → 4\n", &format!("--- a/{VALUES}\n+++ b/{VALUES}\n@@"), "prod: 1 setting, "] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("b/out/prod/trueline.lock"), "{}", ran.stdout);
    assert_eq!(project.tree("out"), before);
    let new = Project::new(&[("environments/prod.kdl", PROD)]).run(&["diff"]);
    assert!(new.code == 1 && new.stdout.contains("--- /dev/null\n"), "{new:?}");
}

#[test]
fn hostile_text_in_an_output_is_not_printed_raw() {
    let project = Project::compiled();
    project.write(VALUES, "x: \u{1b}[2J\u{202e}\n");
    project.write("out/prod/\u{1b}[2J.txt", "");
    for arguments in [&["diff"][..], &["compile"], &["compile", "--check"]] {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(!(ran.stdout.clone() + &ran.stderr).contains(['\u{1b}', '\u{202e}']), "{ran:?}");
        assert!(ran.stdout.contains("\\u{1b}[2J"), "{ran:?}");
    }
}

#[test]
fn explain_says_where_a_value_comes_from_and_goes() {
    let project = Project::compiled();
    let ran = project.run(&["explain", "prod", "app.replicas"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in ["app.replicas = 2\n", "  set by   environments/prod.kdl:2:", &format!("  reaches  {VALUES}:")] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let ran = project.run(&["explain", "prod", "app"]);
    assert!(ran.code == 0 && ran.stdout.contains("app.replicas = 2  "), "{ran:?}");
    let ran = project.run(&["explain", "prod", "app.replicas", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let setting = &json["environments"][0]["settings"][0];
    assert_eq!(setting["value"], "2");
    assert!(setting["reaches"][0]["file"].as_str().is_some_and(|file| file.starts_with("out/prod/")), "{setting}");
}

/// The files beside the folders of the deployments hold settings of each of them, under one name.
#[test]
fn explain_tells_the_lines_of_its_own_deployment() {
    const TWO: &str = r#"environment "prod" {
    flux { source "helm" url="https://charts.example.com" }
    deploy "aeterna" { flux namespace="one" }
    deploy "aeterna" as="other" { flux namespace="two" }
}
"#;
    let project = Project::new(&[("environments/prod.kdl", TWO)]);
    assert_eq!(project.run(&["compile"]).code, 0);
    let written = String::from_utf8(project.tree("out/prod")["kustomization.yaml"].clone()).expect("UTF-8");
    let ran = project.run(&["explain", "prod", "flux", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let settings = json["environments"][0]["settings"].as_array().expect("a list");
    for (deployment, namespace) in [("aeterna", "one"), ("other", "two")] {
        let is_it = |it: &&serde_json::Value| it["deployment"] == deployment && it["path"] == "flux.namespace";
        let reaches = settings.iter().find(is_it).and_then(|it| it["reaches"].as_array()).expect("a list");
        let lines = reaches.iter().filter(|reach| reach["file"] == "out/prod/kustomization.yaml");
        let lines = lines.filter_map(|reach| written.lines().nth(reach["line"].as_u64()? as usize - 1));
        assert_eq!(lines.collect::<Vec<_>>(), [format!("  namespace: {namespace}")], "{reaches:?}");
    }
}

#[test]
fn explain_prints_the_page_of_a_code_anywhere() {
    let folder = Project::new(&[]);
    let ran = folder.run(&["explain", "tl1010"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("# TL1010: ") && ran.stdout.contains("## Right"), "{ran:?}");
}

#[test]
fn completions_are_printed_for_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = Project::new(&[]).run(&["completions", shell]);
        assert!(ran.code == 0 && ran.stdout.contains("trueline"), "{ran:?}");
    }
}

#[test]
fn json_is_one_document_with_everything() {
    let project = Project::new(&[("environments/prod.kdl", PROD), ("environments/broken.kdl", BROKEN)]);
    let ran = project.run(&["compile", "--format", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{ran:?}");
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let [broken, prod] = json["environments"].as_array().expect("a list").as_slice() else { panic!("{json}") };
    assert_eq!((broken["name"].as_str(), broken["ok"].as_bool()), (Some("broken"), Some(false)));
    assert!(broken["findings"][0]["code"].as_str().is_some_and(|code| code.starts_with("TL")), "{json}");
    assert_eq!((prod["name"].as_str(), prod["ok"].as_bool()), (Some("prod"), Some(true)));
    assert!(prod["written"].as_array().is_some_and(|written| !written.is_empty()), "{json}");
}

#[test]
fn files_that_are_no_environments_are_said_with_their_reason() {
    let cases: &[(&str, &[u8], &str, i32)] = &[
        ("Prod.kdl", b"", "TL1001", 1),
        ("a_b.kdl", b"", "TL1001", 1),
        ("charts.kdl", b"", "TL1001", 1),
        ("latin.kdl", b"\n\xff", "TL1003", 2),
        ("large.kdl", &[b' '; (4 << 20) + 1], "TL1004", 2),
        ("folder.kdl/x", b"", "TL1002", 2),
    ];
    for (name, bytes, code, exit) in cases {
        let project = Project::new(&[("environments/prod.kdl", PROD)]);
        project.write(&format!("environments/{name}"), bytes);
        let ran = project.run(&["compile"]);
        assert_eq!(ran.code, *exit, "{name}: {ran:?}");
        assert!(ran.stdout.contains(&format!("error[{code}]")), "{name}: {ran:?}");
        assert!(project.path(VALUES).exists(), "the others are compiled");
    }
}

#[cfg(unix)]
#[test]
fn links_in_environments_are_not_read() {
    let project = Project::new(&[("environments/prod.kdl", PROD), ("elsewhere/secret", "token")]);
    std::os::unix::fs::symlink(project.path("elsewhere/secret"), project.path("environments/x.kdl")).expect("a link");
    let ran = project.run(&["check"]);
    assert!(ran.code == 2 && ran.stdout.contains("error[TL1002]") && !ran.stdout.contains("token"), "{ran:?}");
}

#[test]
fn another_version_is_refused() {
    let project = Project::new(&[("environments/prod.kdl", PROD)]);
    for (text, code) in [
        ("", None),
        ("require \"0.1\"\n", None),
        ("require \"99\"\n", Some("TL1005")),
        ("colour \"red\"\n", Some("TL1006")),
    ] {
        project.write("trueline.kdl", text);
        let ran = project.run(&["check"]);
        assert_eq!(ran.code, i32::from(code.is_some()), "{text}: {ran:?}");
        assert!(code.is_none_or(|code| ran.stdout.contains(code)), "{text}: {ran:?}");
    }
}

#[test]
fn colours_obey_the_option_and_no_color() {
    let project = Project::compiled();
    let coloured = |ran: Ran| ran.stdout.contains('\u{1b}');
    assert!(!coloured(project.run(&["check"])), "no terminal");
    assert!(coloured(project.run(&["check", "--color", "always"])));
    assert!(!coloured(project.run(&["check", "--color", "never"])));
    let no_color = run(program().args(["check", "--color", "auto"]).env("NO_COLOR", "1").current_dir(project.path("")));
    assert!(!coloured(no_color));
}

#[cfg(unix)]
#[test]
fn a_reader_who_goes_away_is_no_error() {
    let project = Project::compiled();
    let mut child = program()
        .args(["completions", "bash"])
        .current_dir(project.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

#[test]
fn the_same_bytes_with_one_thread_and_with_many() {
    let names = ["a", "b", "c", "d", "e"];
    let tree = |threads: &str| {
        let project = Project::new(&[]);
        for name in names {
            project.write(&format!("environments/{name}.kdl"), PROD.replace("\"prod\"", &format!("\"{name}\"")));
        }
        let ran = run(program().arg("compile").env("RAYON_NUM_THREADS", threads).current_dir(project.path("")));
        assert_eq!(ran.code, 0, "{ran:?}");
        (ran.stdout, project.tree("out"))
    };
    assert_eq!(tree("1"), tree("4"));
}

#[test]
fn every_page_is_laid_out_alike() {
    use trueline::diag::codes::{CODES, PAGES};
    for (code, (id, page)) in CODES.iter().zip(PAGES) {
        assert_eq!(code.id, *id);
        assert!(page.starts_with(&format!("# {id}: {}\n", code.title)), "{id}: the heading is not the title");
        let parts = ["## Wrong\n\n```", "## Right\n\n```"].map(|part| page.find(part));
        assert!(parts[0].is_some() && parts[0] < parts[1], "{id}: `## Wrong` and `## Right` with a block each");
    }
}

#[test]
fn a_page_tells_what_a_stack_of_the_project_says() {
    let stack = concat!(
        "stack \"tiny\" version=\"1\" {\n    settings {\n        (image)image default=\"nginx:1.27\" { about \"What runs\" }\n",
        "        (int)copies default=1 min=1 { about \"How many\"; absent \"compose\" because=\"one is enough\" }\n    }\n",
        "    defaults when=\"image.repository == 'nginx'\" { copies 2 }\n",
        "    workload \"web\" { image (ref)\"image\" }\n",
        "    rule \"few\" severity=\"warning\" { require \"copies < 9\"; message \"`copies` {copies} are many\" }\n}\n",
    );
    let project = Project::new(&[("environments/dev.kdl", ""), ("stdlib/stacks/tiny/stack.kdl", stack)]);
    let page = project.run(&["docs", "tiny"]);
    assert_eq!(page.code, 0, "{page:?}");
    for part in [
        "### `image`\n\nWhat runs.\n\n- image, default `nginx:1.27`\n- compose: `web image`\n",
        "- int, at least 1, default `1`\n- `2` where `image.repository == 'nginx'`\n- in no target: one is enough\n",
        "### few\n\n`copies` {copies} are many\n\n- A warning.\n- It must hold that `copies < 9`.\n",
    ] {
        assert!(page.stdout.contains(part), "{part}\n{}", page.stdout);
    }
    let unknown = project.run(&["docs", "tinny"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean `tiny`?"), "{unknown:?}");
}

#[test]
fn a_rule_of_one_target_holds_where_that_target_is_written() {
    let stack = concat!(
        "stack \"tiny\" version=\"1\" {\n    settings { (image)image default=\"nginx:1.27\" { about \"What runs\" } }\n",
        "    workload \"web\" { image (ref)\"image\" }\n",
        "    rule \"pinned\" view=\"compose\" { require \"has(image.digest)\"; message \"`image` {image} has no digest\" }\n}\n",
    );
    let run = |targets: &str| {
        let environment = format!("environment \"dev\" stack=\"tiny\" {{\n{targets}}}\n");
        let files = [("environments/dev.kdl", environment.as_str()), ("stdlib/stacks/tiny/stack.kdl", stack)];
        Project::new(&files).run(&["check"])
    };
    let wrong = run("");
    assert!(wrong.code == 1 && wrong.stdout.contains("error[TL0601]: `image` nginx:1.27 has no digest"), "{wrong:?}");
    let other = run("    targets \"toml\"\n");
    assert!(!other.stdout.contains("TL0601"), "{other:?}");
}

#[test]
fn what_is_wrong_with_a_stack_is_said_once() {
    let stack = "stack \"tiny\" version=\"1\" {\n    settings { (integer)copies default=1 }\n}\n";
    let environment = |name: &str| format!("environment \"{name}\" stack=\"tiny\"\n");
    let (one, other, third) = (environment("one"), environment("two"), environment("three"));
    let files = [
        ("environments/one.kdl", one.as_str()),
        ("environments/three.kdl", &third),
        ("environments/two.kdl", &other),
        ("stdlib/stacks/tiny/stack.kdl", stack),
    ];
    let project = Project::new(&files);
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.stdout.matches("error[TL0406]").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("three: in its stack the same as above, at `one`\nthree: 1 error\n"), "{}", ran.stdout);
    let json = project.run(&["check", "--format", "json"]);
    assert_eq!(json.stdout.matches("TL0406").count(), 3, "{}", json.stdout);
}
