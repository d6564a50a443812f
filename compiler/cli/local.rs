//! `trueline verify --local`: whether this machine has what the compiled Compose files ask of it.
//!
//! In: `compose.yaml` of each deployment in `out/ENV`, the variables of the process, the file of `--env-file`, and of the
//! files of secrets whether they are there, their size, owner and mode. Out: what is absent, by name.
//! Never: what a secret or a variable holds; nothing of a file of secrets is read.
//! Invariant: paths mean what they mean to Compose: a relative one is seen from the folder of the Compose file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    Failure, Outcome,
    console::{Console, Format, Looks, Style},
    leftovers,
    output::{Folder, MAX_OUTPUT_BYTES},
    problems::Problems,
    project::{Project, read_regular},
    report::{self, FindingsTo, Report},
};
use crate::{
    diag::codes,
    diff::counted,
    read::{Node, yaml},
    visible::visible_line,
};

/// The most bytes of a file of variables.
const MAX_ENV_FILE: u64 = 1 << 20;

/// The variable that names the folder of secrets, as the printed files do.
const SECRETS: &str = "TRUELINE_SECRETS";

/// How something that a machine has to have was found, as the JSON form says it.
const THERE: &str = "there";

/// What is set on this machine: names alone, and the folder of secrets.
struct Machine {
    /// Variables that hold something.
    set: BTreeSet<String>,
    /// Where secrets are, if elsewhere than the file says.
    secrets: Option<String>,
}

/// What was asked about and how it was found, in the order of the files.
#[derive(Default)]
struct Asked {
    secrets: BTreeMap<String, &'static str>,
    variables: BTreeMap<String, &'static str>,
    folders: BTreeMap<String, &'static str>,
    problems: Problems,
}

/// Asks about the environments of these names.
///
/// # Errors
/// The file of variables cannot be read.
pub(super) fn run(
    console: &Console,
    project: &Project,
    names: &[String],
    env_file: Option<&Path>,
) -> Result<Outcome, Failure> {
    let machine = machine(env_file)?;
    let reports: Vec<Report> = names.iter().map(|name| one(console.looks, project, name, &machine)).collect();
    let outcome = report::print(console, &reports, FindingsTo::Answer);
    if console.looks.format == Format::Human && reports.len() > 1 {
        let fine = reports.iter().filter(|report| report.outcome == Outcome::Fine).count();
        console.remark(&format!("{}: {fine} can start here", counted(reports.len(), "environment")));
    }
    Ok(outcome)
}

fn machine(env_file: Option<&Path>) -> Result<Machine, Failure> {
    let mut set: BTreeSet<String> = std::env::vars_os()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    let mut secrets = std::env::var(SECRETS).ok().filter(|folder| !folder.is_empty());
    if let Some(path) = env_file {
        let bytes = read_regular(path, MAX_ENV_FILE).map_err(|error| {
            let shown = path.to_string_lossy();
            Failure::new(
                format!("`{}`: {error}", visible_line(&shown)),
                "name the file that Compose gets by `--env-file`",
            )
        })?;
        for (name, value) in lines(&String::from_utf8_lossy(&bytes)) {
            // The shell is stronger than the file.
            if name == SECRETS && secrets.is_none() {
                secrets = Some(value.to_owned());
            }
            set.insert(name.to_owned());
        }
    }
    Ok(Machine { set, secrets })
}

/// The variables that a file sets to something: `NAME=value`, `export NAME="value"`, with comments between.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        let value = value.trim();
        let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        let value = quoted.unwrap_or_else(|| if value.starts_with('#') { "" } else { value });
        (!line.starts_with('#') && !value.is_empty()).then_some((name.trim(), value))
    })
}

fn one(looks: Looks, project: &Project, name: &str, machine: &Machine) -> Report {
    let folder = Folder::new(&project.root, name);
    if !leftovers::has_lock(&project.root, name) {
        let mut report = Report::new(name);
        report.worsen(Outcome::NotAsked);
        report.lines = report::line(looks, name, Style::Red, &format!("not compiled: `trueline compile {name}`"));
        return report;
    }
    let mut asked = Asked::default();
    let files: Vec<String> = folder.walk(&mut asked.problems).into_iter().filter(|path| is_compose(path)).collect();
    for path in &files {
        match text(&folder, path, &mut asked.problems) {
            Some(text) => asked.file(&text, &folder, path, machine),
            None => continue,
        }
    }
    let mut report = Report::new(name);
    report.add_problems(looks, &asked.problems);
    report.json = asked.to_json(&files);
    let (style, said) = match report::count(report.counts) {
        _ if files.is_empty() && report.counts.0 == 0 => {
            (Style::Green, "no Compose file, so nothing is asked".to_owned())
        }
        None => (Style::Green, format!("{}: all there", asked.summary())),
        Some(found) if report.counts.0 > 0 => (Style::Red, format!("{}: {found}", asked.summary())),
        Some(found) => (Style::Cyan, format!("{}: {found}", asked.summary())),
    };
    report.lines = report::line(looks, name, style, &said);
    report
}

/// `DEPLOYMENT/compose/compose.yaml`
fn is_compose(path: &str) -> bool {
    path.split_once('/').is_some_and(|(_, rest)| rest == "compose/compose.yaml")
}

fn text(folder: &Folder, path: &str, problems: &mut Problems) -> Option<String> {
    let (shown, limit) = (folder.shown(path), MAX_OUTPUT_BYTES);
    let read = read_regular(&folder.on_disk(path), limit).map_err(|error| error.to_string());
    match read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())) {
        Ok(text) => Some(text),
        Err(message) => {
            problems.push(&codes::UNREADABLE_FILE, &shown, message, None);
            None
        }
    }
}

impl Asked {
    fn summary(&self) -> String {
        let counts = [(self.secrets.len(), "secret file"), (self.variables.len(), "variable")];
        counts.map(|(many, what)| counted(many, what)).join(", ")
    }

    fn to_json(&self, files: &[String]) -> Value {
        let list = |found: &BTreeMap<String, &str>| -> Vec<Value> {
            found.iter().map(|(name, state)| json!({"name": name, "state": state})).collect()
        };
        json!({
            "files": files,
            "secrets": list(&self.secrets),
            "variables": list(&self.variables),
            "folders": list(&self.folders),
        })
    }

    fn file(&mut self, text: &str, folder: &Folder, path: &str, machine: &Machine) {
        let shown = folder.shown(path);
        let file = match yaml::parse(text) {
            Ok(file) => file,
            Err(_) => {
                let hint = format!("compile again: `trueline compile {}`", folder.environment);
                let message = "this is not what a compile writes";
                return self.problems.push(&codes::UNREADABLE_FILE, &shown, message, Some(hint));
            }
        };
        let below = folder.on_disk(path).parent().map(Path::to_path_buf).unwrap_or_default();
        for (source, secret) in file.get("secrets").map_or(&[][..], Node::entries) {
            let Some(place) = secret.get("file").and_then(Node::as_str) else { continue };
            let place = self::place(place, machine);
            self.secret(&below.join(&place), &name_of(&place), &shown, &users(&file, source));
        }
        for name in wanted(text) {
            let state = if machine.set.contains(&name) { THERE } else { "absent" };
            if self.variables.insert(name.clone(), state).is_none() && state != THERE {
                let hint = "set it in the file that `--env-file` names, there and here";
                self.problems.push(&codes::NO_VARIABLE, &shown, format!("nothing sets `{name}`"), Some(hint.into()));
            }
        }
        for (service, node) in file.get("services").map_or(&[][..], Node::entries) {
            if let Some(context) = node.at(&["build", "context"]).and_then(Node::as_str) {
                self.build_folder(&below, context, service, &shown);
            }
        }
    }

    fn secret(&mut self, path: &Path, name: &str, shown: &str, users: &[(String, u32, Option<u32>)]) {
        let found = fs::metadata(path);
        let (code, what, hint): (_, _, String) = match &found {
            Err(_) => (&codes::NO_SECRET_FILE, "is not there", format!("write it to `{}`", told(path))),
            Ok(found) if found.is_dir() => {
                (&codes::EMPTY_SECRET_FILE, "is a folder", format!("remove `{}`", told(path)))
            }
            Ok(found) if found.len() == 0 => (&codes::EMPTY_SECRET_FILE, "is empty", format!("write `{}`", told(path))),
            Ok(found) => {
                let readers = self.secrets.insert(name.to_owned(), THERE).is_none();
                for (service, user, _) in
                    users.iter().filter(|(_, user, group)| readers && !reads(found, *user, *group))
                {
                    let message =
                        format!("`{service}` runs as user {user}, which may not read the file of the secret `{name}`");
                    let hint =
                        format!("let others read it, in a folder that they cannot enter: `chmod o+r {}`", told(path));
                    self.problems.push(&codes::SECRET_UNREADABLE, shown, message, Some(hint));
                }
                return;
            }
        };
        let state = if found.is_err() { "absent" } else { "empty" };
        if self.secrets.insert(name.to_owned(), state).is_none() {
            self.problems.push(code, shown, format!("the file of the secret `{name}` {what}"), Some(hint));
        }
    }

    fn build_folder(&mut self, below: &Path, context: &str, service: &str, shown: &str) {
        if context.contains("://") {
            return;
        }
        let context = context.replace("$$", "$");
        let path = below.join(&context);
        let there = path.is_dir();
        let name = context.trim_start_matches("../").to_owned();
        if self.folders.insert(name, if there { THERE } else { "absent" }).is_none() && !there {
            let message = format!("the folder from which `{service}` is built is not there");
            let hint = format!("make `{}`, or write another `build`", told(&path));
            self.problems.push(&codes::NO_BUILD_FOLDER, shown, message, Some(hint));
        }
    }
}

/// A path as it is told: without steps up and down.
fn told(path: &Path) -> String {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if plain.file_name().is_some() => _ = plain.pop(),
            part => plain.push(part),
        }
    }
    visible_line(&plain.to_string_lossy()).into_owned()
}

/// Where the file of a secret lies, with the folder of secrets put in: `${TRUELINE_SECRETS:-…}/NAME/KEY`.
fn place(text: &str, machine: &Machine) -> String {
    let split = text.strip_prefix("${TRUELINE_SECRETS:-").and_then(|rest| rest.split_once('}'));
    match split {
        Some((folder, rest)) => format!("{}{rest}", machine.secrets.as_deref().unwrap_or(folder)),
        None => text.replace("$$", "$"),
    }
}

/// `NAME/KEY`, the last two steps of a path.
fn name_of(place: &str) -> String {
    let mut steps = place.rsplit('/');
    let (key, name) = (steps.next().unwrap_or_default(), steps.next().unwrap_or_default());
    format!("{name}/{key}")
}

/// The services that mount a secret as a user of a known number, with the group where it is known.
fn users(file: &Node<'_>, secret: &str) -> Vec<(String, u32, Option<u32>)> {
    let services = file.get("services").map_or(&[][..], Node::entries).iter();
    let mounts = |service: &Node<'_>| {
        service
            .get("secrets")
            .map_or(&[][..], Node::items)
            .iter()
            .any(|mount| mount.as_str().or_else(|| mount.get("source").and_then(Node::as_str)) == Some(secret))
    };
    let user = |service: &Node<'_>| {
        let (user, group) = match service.get("user")?.as_str()?.split_once(':') {
            Some((user, group)) => (user, group.parse().ok()),
            None => (service.get("user")?.as_str()?, None),
        };
        Some((user.parse().ok()?, group))
    };
    services
        .filter(|(_, service)| mounts(service))
        .filter_map(|(name, service)| user(service).map(|(user, group)| (name.to_string(), user, group)))
        .collect()
}

/// Whether a user may read a file: its owner, one of its group, others.
#[cfg(unix)]
fn reads(found: &fs::Metadata, user: u32, group: Option<u32>) -> bool {
    use std::os::unix::fs::MetadataExt;
    let shift = match () {
        () if user == 0 => return true,
        () if found.uid() == user => 6,
        () if Some(found.gid()) == group => 3,
        () => 0,
    };
    found.mode() >> shift & 0o4 != 0
}

/// Elsewhere Docker maps users, and modes say nothing of them.
#[cfg(not(unix))]
fn reads(_found: &fs::Metadata, _user: u32, _group: Option<u32>) -> bool {
    true
}

/// The variables without which Compose does not start: `${NAME:?…}` and `${NAME?…}`; `$$` is a dollar.
fn wanted(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // Comments are no part of the file.
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let mut rest = line;
        while let Some(at) = rest.find('$') {
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                rest = after;
                continue;
            }
            let Some(inner) = rest.strip_prefix('{') else { continue };
            let length = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            let (name, operator) = inner.split_at(length);
            if !name.is_empty() && (operator.starts_with(":?") || operator.starts_with('?')) {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_without_a_default_are_wanted() {
        let text =
            "# ${NOT_IN:?comment}\na: ${ONE:?set it}-${TWO?}\nb: ${THREE:-x} $${FOUR:?no} ${FIVE}\nc: x$$y${SIX:?it}\n";
        assert_eq!(wanted(text).into_iter().collect::<Vec<_>>(), ["ONE", "SIX", "TWO"]);
    }

    #[test]
    fn a_file_of_variables_is_read_as_compose_reads_it() {
        let text = "# A=1\nB=2\nexport C=\"3\"\nD=\nE=''\nF\n  G = 7 \nH=#\n";
        let names: Vec<(&str, &str)> = lines(text).collect();
        assert_eq!(names, [("B", "2"), ("C", "3"), ("G", "7")]);
    }

    #[test]
    fn the_folder_of_secrets_is_the_one_that_is_named() {
        let mut machine = Machine { set: BTreeSet::new(), secrets: None };
        let text = "${TRUELINE_SECRETS:-../../../../secrets}/db/password";
        assert_eq!(place(text, &machine), "../../../../secrets/db/password");
        machine.secrets = Some("/run/keys".to_owned());
        assert_eq!(place(text, &machine), "/run/keys/db/password");
        assert_eq!(name_of("/run/keys/db/password"), "db/password");
        assert_eq!(told(Path::new("/a/b/../../c")), "/c");
    }

    #[test]
    #[cfg(unix)]
    fn a_mode_lets_owner_group_and_others_read() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let path = std::env::temp_dir().join(format!("trueline-local-{}", std::process::id()));
        fs::write(&path, "x").expect("a file can be written");
        let found = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode can be set");
            fs::metadata(&path).expect("the file is there")
        };
        let own = found(0o600);
        let other = own.uid() + 7;
        assert!(reads(&own, 0, None) && (own.uid() == 0 || reads(&own, own.uid(), None)));
        assert!(!reads(&own, other, Some(own.gid())));
        assert!(reads(&found(0o640), other, Some(own.gid())) && !reads(&found(0o640), other, None));
        assert!(reads(&found(0o604), other, None));
        fs::remove_file(&path).expect("the file can be removed");
    }
}
