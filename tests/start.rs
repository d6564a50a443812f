//! `docs/start.md`: its files are written and its commands are run, in their order, in an empty folder; what the page says
//! that they print is what they print. `TRUELINE_BLESS=1` writes that into the page.
//!
//! What needs a container engine or a cluster is not run here: `docker compose … up` has to be the command that the compiled
//! Compose file names, `helm install` the command that `helm template` renders, and `kubectl` makes the secret that both use.

use std::{collections::BTreeMap, env, fs, process::Command};

use crate::{
    cli::Project,
    support::{read, root, skipped},
};

/// One step of the page.
enum Step {
    /// A file and its text.
    File(String, String),
    /// A block: its first line in the page, whether its last command fails, its commands.
    Block { first: usize, exit: i32, commands: Vec<(String, String)> },
}

/// The steps of the page, each with the lines that it takes.
fn steps(page: &str) -> Vec<Step> {
    let lines: Vec<&str> = page.lines().collect();
    let mut steps = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let file = lines[at].strip_prefix("<!-- file: ").and_then(|rest| rest.strip_suffix(" -->"));
        let block = |from: usize| -> Vec<&str> {
            lines[from..].iter().copied().take_while(|line| !line.starts_with("```")).collect()
        };
        if let Some(file) = file {
            let text = block(at + 2);
            at += 2 + text.len();
            steps.push(Step::File(file.to_owned(), text.join("\n") + "\n"));
        } else if let Some(rest) = lines[at].strip_prefix("```console") {
            let body = block(at + 1);
            let mut commands: Vec<(String, String)> = Vec::new();
            for line in &body {
                match (line.strip_prefix("$ "), commands.last_mut()) {
                    (Some(command), _) => commands.push((command.to_owned(), String::new())),
                    (None, Some((_, output))) => *output += &format!("{line}\n"),
                    (None, None) => panic!("a block begins with output: {line}"),
                }
            }
            let exit = rest.strip_prefix(" exit=").map_or(0, |code| code.parse().expect("an exit code"));
            steps.push(Step::Block { first: at + 1, exit, commands });
            at += body.len() + 1;
        }
        at += 1;
    }
    steps
}

/// A shell in a folder, with our program in its path.
struct Shell<'p> {
    project: &'p Project,
    folder: String,
    path: String,
}

impl Shell<'_> {
    /// Runs a command: what it prints, and its exit code. The folder that it changes to stays.
    fn run(&mut self, command: &str) -> (String, i32) {
        let script = format!(
            "umask 022; cd '{}' && {{ {command}\n}} 2>&1; code=$?; printf '\\001%s\\001%s' \"$code\" \"$PWD\"",
            self.folder
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.project.path(""))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "A Reader")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "reader@example.com")))
            .output()
            .expect("a shell starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let [printed, code, folder] = text.split('\u{1}').collect::<Vec<_>>()[..] else { panic!("{command}: {text}") };
        self.folder = folder.to_owned();
        (printed.to_owned(), code.parse().expect("an exit code"))
    }
}

#[test]
fn every_command_of_the_guide_prints_what_the_page_says() {
    let page = root().join("docs/start.md");
    let text = read(&page);
    let project = Project::new(&[("bin/.keep", "")]);
    let own = env!("CARGO_BIN_EXE_trueline");
    fs::hard_link(own, project.path("bin/trueline"))
        .or_else(|_| fs::copy(own, project.path("bin/trueline")).map(|_| ()))
        .expect("the program can be placed");
    let helm = env::var_os("TRUELINE_HELM");
    if let Some(helm) = &helm {
        // Helm 3 takes the version of a cluster that it does not reach from how it was built.
        let cluster = "[ \"$1\" != template ] || set -- \"$@\" --kube-version 1.33.0";
        let script = format!("#!/bin/sh\n{cluster}\nexec '{}' \"$@\"\n", helm.to_string_lossy());
        project.write("bin/helm", script);
        make_executable(&project, "bin/helm");
    } else {
        skipped("start::every_command_of_the_guide_prints_what_the_page_says", "TRUELINE_HELM is not set");
    }
    let path = format!("{}:{}", project.path("bin").display(), env::var("PATH").expect("a path"));
    let folder = project.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let mut shell = Shell { project: &project, folder, path };
    let (mut found, mut rendered) = (BTreeMap::new(), String::new());
    for step in steps(&text) {
        let (first, exit, commands) = match step {
            Step::File(name, content) => {
                let path = std::path::Path::new(&shell.folder).join(name);
                fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                continue;
            }
            Step::Block { first, exit, commands } => (first, exit, commands),
        };
        let mut printed = String::new();
        for (at, (command, said)) in commands.iter().enumerate() {
            let output = match command.split(' ').next() {
                Some("docker") => {
                    assert_eq!(*command, up(&shell, "secrets/dev.env"), "docs/start.md");
                    String::new()
                }
                Some("kubectl") => {
                    assert!(
                        command.contains(" generic db-credentials ") && command.contains("=password="),
                        "{command}"
                    );
                    String::new()
                }
                Some("helm") if command.starts_with("helm install ") => {
                    assert_eq!(command.replacen("helm install", "helm template", 1), rendered, "docs/start.md");
                    String::new()
                }
                Some("helm") if helm.is_none() => {
                    rendered = without_target(command);
                    // What is rendered is not known here; what the page says of it stands.
                    fs::write(format!("{}/rendered.yaml", shell.folder), "").expect("a file");
                    String::new()
                }
                // What needs Helm says here what the page does.
                Some("grep" | "trueline") if helm.is_none() && is_of_rendered(command) => said.clone(),
                Some(program) => {
                    if program == "helm" {
                        rendered = without_target(command);
                    }
                    let (output, code) = shell.run(command);
                    let wanted = if at + 1 == commands.len() { exit } else { 0 };
                    // `diff` says by its code that something would change.
                    assert!(code == wanted || command.starts_with("trueline diff"), "{command}: {code}\n{output}");
                    output
                }
                None => panic!("an empty command"),
            };
            printed += &format!("$ {command}\n{output}");
            if !output.is_empty() && !output.ends_with('\n') {
                printed.push('\n');
            }
        }
        found.insert(first, printed);
    }
    let wanted = with_outputs(&text, &found);
    if env::var_os("TRUELINE_BLESS").is_some() {
        fs::write(&page, wanted).expect("the page can be written");
    } else {
        assert_eq!(text, wanted, "docs/start.md says something else; TRUELINE_BLESS=1 rewrites it");
    }
}

/// Whether a command looks at what Helm rendered.
fn is_of_rendered(command: &str) -> bool {
    command.starts_with("grep ") || command.contains(" --rendered")
}

/// The command that the Compose file of the project names, with its file of variables.
fn up(shell: &Shell<'_>, variables: &str) -> String {
    let file =
        fs::read_to_string(format!("{}/out/dev/app/compose/compose.yaml", shell.folder)).expect("it was compiled");
    let line = file.lines().find_map(|line| line.strip_prefix("#   docker ")).expect("the header names the command");
    format!("docker {}", line.replace("FILE", variables))
}

fn without_target(command: &str) -> String {
    command.split(" > ").next().unwrap_or_default().to_owned()
}

/// The page with other outputs, by the first line of each block.
fn with_outputs(page: &str, outputs: &BTreeMap<usize, String>) -> String {
    let mut text = String::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(output) = outputs.get(&at) {
            text += output;
            let end = std::iter::once((at, line)).chain(lines.by_ref()).find(|(_, line)| line.starts_with("```"));
            text += &format!("{}\n", end.expect("a block ends").1);
        } else {
            text += &format!("{line}\n");
        }
    }
    text
}

#[cfg(unix)]
fn make_executable(project: &Project, path: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(project.path(path), fs::Permissions::from_mode(0o755)).expect("a mode can be set");
}

#[cfg(not(unix))]
fn make_executable(_project: &Project, _path: &str) {}
