//! A project on disk: where it is, which environments it has, what they say.
//!
//! In: a folder. Out: the root, names of environments, texts.
//! Never: what a text means, but for `require` in `trueline.kdl`.
//! Invariant: only regular files of bounded size are read, and everything comes out sorted by name.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Failure, problems::Problems};
use crate::{
    compile::Stdlib,
    diag::{Diags, Finding, codes, nearest},
    schema::Stack,
    source::{Source, SourceId, Sources, Span},
    syntax::{Literal, Node},
    visible::visible_line,
};

/// The most bytes that a file which people write may have.
pub(super) const MAX_SOURCE_BYTES: u64 = 4 << 20;

const PROJECT_FILE: &str = "trueline.kdl";
/// The folder of environments.
pub(super) const ENVIRONMENTS: &str = "environments";

/// A project.
#[derive(Clone, Debug)]
pub(super) struct Project {
    /// The folder that holds `environments/` and `out/`.
    pub root: PathBuf,
}

/// A file in `environments/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct EnvironmentFile {
    /// The name of the file without `.kdl`: the name of the environment, if it is one.
    pub stem: String,
}

/// What stands in the way of reading the project, with the texts that it points into.
pub(super) type Unread = (Vec<Finding>, Sources);

impl From<Problems> for Unread {
    fn from(problems: Problems) -> Unread {
        (problems.findings().to_vec(), problems.sources())
    }
}

/// Finds the project: the given folder, or the nearest one upwards with `trueline.kdl` or `environments/`.
///
/// # Errors
/// There is none.
pub(super) fn find(root: Option<&Path>) -> Result<Project, Failure> {
    let is_root = |folder: &Path| folder.join(PROJECT_FILE).is_file() || folder.join(ENVIRONMENTS).is_dir();
    let help = "write `environments/dev.kdl`, or name the project's folder with `--root DIR`";
    if let Some(root) = root {
        let message = || format!("`{}` holds neither `{PROJECT_FILE}` nor `{ENVIRONMENTS}/`", shown(root));
        return if is_root(root) { Ok(Project { root: root.to_owned() }) } else { Err(Failure::new(message(), help)) };
    }
    let here = std::env::current_dir()
        .map_err(|error| Failure::new(format!("the current folder cannot be read: {error}"), help))?;
    match here.ancestors().find(|folder| is_root(folder)) {
        // A relative root keeps messages about the file system short and the same everywhere.
        Some(root) if root == here => Ok(Project { root: PathBuf::from(".") }),
        Some(root) => Ok(Project { root: root.to_owned() }),
        None => {
            let message = format!("neither `{PROJECT_FILE}` nor `{ENVIRONMENTS}/` in this folder or above it");
            Err(Failure::new(message, help))
        }
    }
}

impl Project {
    /// The environments that are asked for, or all; by name, each once.
    ///
    /// A name may be given as the path of its file, which is what completion in a shell yields.
    ///
    /// # Errors
    /// The folder cannot be read, or an environment is asked for that does not exist.
    pub(super) fn environments(&self, wanted: &[String]) -> Result<Vec<EnvironmentFile>, Failure> {
        let all = self.all_environments()?;
        if wanted.is_empty() {
            return match all.as_slice() {
                [] => {
                    Err(Failure::new(format!("`{ENVIRONMENTS}/` holds no environment"), "write `environments/dev.kdl`"))
                }
                _ => Ok(all),
            };
        }
        let mut found = Vec::new();
        for word in wanted {
            let stem = stem(word);
            match all.iter().find(|file| file.stem == stem) {
                Some(file) => found.push(file.clone()),
                None => return Err(unknown_environment(stem, &all)),
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// All environments, by name; none where there is no folder.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn all_environments(&self) -> Result<Vec<EnvironmentFile>, Failure> {
        let names = kdl_files(&self.root.join(ENVIRONMENTS)).map_err(|error| {
            Failure::new(
                format!("`{ENVIRONMENTS}/` cannot be read: {error}"),
                "check that it is a folder that you may read",
            )
        })?;
        Ok(names.into_iter().map(|name| EnvironmentFile { stem: name.trim_end_matches(".kdl").to_owned() }).collect())
    }

    /// The text of an environment.
    ///
    /// # Errors
    /// Findings, where its name or its bytes cannot be an environment's.
    pub(super) fn environment(&self, file: &EnvironmentFile) -> Result<Arc<Source>, Unread> {
        let name = format!("{ENVIRONMENTS}/{}.kdl", file.stem);
        if let Some(problem) = name_problem(&file.stem) {
            let message = format!("`{}` cannot be an environment: {problem}", visible_line(&file.stem));
            let hint = "use lower-case letters, digits and dashes, such as `environments/prod-eu.kdl`";
            return Err(Problems::one(&codes::BAD_ENVIRONMENT_NAME, &name, message, Some(hint.into())).into());
        }
        Ok(Arc::new(self.read(&name, SourceId(0))?))
    }

    /// The standard library with the project's own stacks and extensions, and what is worth knowing about them.
    ///
    /// # Errors
    /// Findings, where a file cannot be read or a stack is wrong.
    pub(super) fn stdlib(&self) -> Result<(Stdlib, Vec<Finding>), Unread> {
        let mut stacks = Vec::new();
        for name in folders(&self.root.join("stdlib/stacks")).map_err(|error| unreadable("stdlib/stacks", &error))? {
            let texts = self.texts(&format!("stdlib/stacks/{name}"))?;
            stacks.push((name, texts));
        }
        let extensions = self.texts("stdlib/extend")?;
        if stacks.is_empty() && extensions.is_empty() {
            return Ok((Stdlib::embedded(), Vec::new()));
        }
        let mut diags = Diags::default();
        let stdlib = Stdlib::with_project(stacks, extensions, &mut diags);
        if diags.has_errors() { Err((diags.sorted(), stdlib.sources().clone())) } else { Ok((stdlib, diags.sorted())) }
    }

    /// The stack of this name, with all texts that its places may lie in.
    ///
    /// # Errors
    /// There is none of this name; or findings, where a file cannot be read or the stack is wrong.
    pub(super) fn stack(&self, name: &str) -> Result<Result<(Sources, Arc<Stack>), Unread>, Failure> {
        let stdlib = match self.stdlib() {
            Ok((stdlib, _)) => stdlib,
            Err(unread) => return Ok(Err(unread)),
        };
        let known = stdlib.stacks();
        if !known.contains(&name) {
            let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| format!("there is {}", known.join(", ")));
            return Err(Failure::new(format!("there is no stack `{}`", visible_line(name)), help));
        }
        let mut diags = Diags::default();
        let stack = stdlib.stack(name, &mut diags);
        let sources = stdlib.sources().clone();
        Ok(stack.map(|stack| (sources.clone(), stack)).ok_or_else(|| (diags.sorted(), sources)))
    }

    /// Judges `trueline.kdl`, if there is one.
    ///
    /// # Errors
    /// Findings, where it is unreadable, says something unknown or asks for another compiler.
    pub(super) fn check_version(&self) -> Result<(), Unread> {
        if !self.root.join(PROJECT_FILE).exists() {
            return Ok(());
        }
        let source = self.read(PROJECT_FILE, SourceId(0))?;
        let mut diags = Diags::default();
        let doc = crate::syntax::parse(&source, &mut diags);
        if !diags.has_errors() {
            doc.nodes.iter().for_each(|node| check_node(node, &mut diags));
        }
        if diags.has_errors() { Err((diags.sorted(), Sources::new(vec![Arc::new(source)]))) } else { Ok(()) }
    }

    /// The KDL texts in a folder, by name, with the paths that messages show; none where there is no folder.
    fn texts(&self, folder: &str) -> Result<Vec<(String, String)>, Unread> {
        let names = kdl_files(&self.root.join(folder)).map_err(|error| unreadable(folder, &error))?;
        let read =
            |name: String| self.read(&format!("{folder}/{name}"), SourceId(0)).map(|source| (source.name, source.text));
        names.into_iter().map(read).collect()
    }

    /// A text of the project, by its path below the root.
    fn read(&self, name: &str, id: SourceId) -> Result<Source, Unread> {
        read_source(&self.root.join(name), name, id)
    }
}

/// The text of a file that people write; `name` is what messages call it.
///
/// # Errors
/// Findings, where it is no regular file of bounded size in UTF-8.
pub(super) fn read_source(path: &Path, name: &str, id: SourceId) -> Result<Source, Unread> {
    let bytes = read_regular(path, MAX_SOURCE_BYTES).map_err(|error| match error {
        ReadError::TooLarge => {
            let message = format!("more than {} MiB, which no environment or stack needs", MAX_SOURCE_BYTES >> 20);
            Problems::one(&codes::FILE_TOO_LARGE, name, message, None)
        }
        other => Problems::one(&codes::UNREADABLE_FILE, name, other.to_string(), None),
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        let hint = "save the file as UTF-8".to_owned();
        Problems::one(&codes::NOT_UTF8, name, format!("line {line} holds a byte that is not UTF-8"), Some(hint))
    })?;
    Ok(Source { id, name: name.to_owned(), text })
}

/// Why a file could not be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It has more bytes than allowed.
    TooLarge,
    /// It is a link, a folder, a pipe or a device.
    NotRegular,
    /// The system says no.
    Io(io::Error),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadError::TooLarge => f.write_str("the file is too large"),
            ReadError::NotRegular => f.write_str("not a regular file; links and folders are not read"),
            ReadError::Io(error) => write!(f, "the file cannot be read: {error}"),
        }
    }
}

/// The bytes of a regular file of at most `limit` bytes; a link is not followed.
///
/// # Errors
/// It is not there, not regular, too large or not readable.
pub(super) fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let found = fs::symlink_metadata(path).map_err(ReadError::Io)?;
    if !found.is_file() {
        return Err(ReadError::NotRegular);
    }
    if found.len() > limit {
        return Err(ReadError::TooLarge);
    }
    let mut bytes = Vec::with_capacity(found.len() as usize);
    let file = fs::File::open(path).map_err(ReadError::Io)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(ReadError::Io)?;
    if bytes.len() as u64 > limit { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

/// The name of the environment that a word on the command line means: itself, or that of a file.
#[must_use]
pub(super) fn stem(word: &str) -> &str {
    let name = word.rsplit('/').next().unwrap_or(word);
    name.strip_suffix(".kdl").unwrap_or(name)
}

/// What is wrong with the name of an environment, or nothing.
#[must_use]
pub(super) fn name_problem(name: &str) -> Option<&'static str> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match name {
        "" => Some("it has no name"),
        "charts" => Some("`out/charts` is where charts are written"),
        _ if name.len() > 63 => Some("its name is longer than 63 characters"),
        _ if !name.bytes().all(legal) => Some("its name is not all lower-case letters, digits and dashes"),
        _ if name.starts_with('-') || name.ends_with('-') => Some("its name begins or ends with a dash"),
        _ => None,
    }
}

fn unknown_environment(name: &str, all: &[EnvironmentFile]) -> Failure {
    let names: Vec<&str> = all.iter().map(|file| file.stem.as_str()).collect();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{}`?", visible_line(near)),
        None if names.is_empty() => format!("write `{ENVIRONMENTS}/{}.kdl`", visible_line(name)),
        None => format!("there is {}", visible_line(&names.join(", "))),
    };
    Failure::new(format!("there is no environment `{}`", visible_line(name)), help)
}

pub(super) fn unreadable(path: &str, error: &io::Error) -> Unread {
    Problems::one(&codes::UNREADABLE_FILE, path, format!("the folder cannot be read: {error}"), None).into()
}

fn check_node(node: &Node, diags: &mut Diags) {
    if node.name.text != "require" {
        let hint = "write `require \"0.1\"`, the only thing that this file says";
        let message = format!("`{}` is not known here", visible_line(&node.name.text));
        diags.push(codes::BAD_PROJECT_FILE.at(node.name.span, message).hint(hint));
        return;
    }
    let [entry] = node.entries.as_slice() else {
        return diags.push(wrong_require(node.span));
    };
    match &entry.value {
        Literal::String(version) if entry.name.is_none() && node.children.is_empty() => {
            match satisfies(version, VERSION) {
                Some(true) => {}
                Some(false) => diags.push(
                    codes::WRONG_VERSION
                        .at(entry.span, format!("the project requires version {version}, this is {VERSION}"))
                        .hint(format!("use version {version}, or write `require \"{VERSION}\"`")),
                ),
                None => diags.push(wrong_require(entry.span)),
            }
        }
        _ => diags.push(wrong_require(entry.span)),
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn wrong_require(span: Span) -> Finding {
    codes::BAD_PROJECT_FILE
        .at(span, "`require` takes one version as text, with one to three numbers")
        .hint("write `require \"0.1\"`")
}

/// Whether the numbers of `wanted` are the first ones of `version`; none where `wanted` is no version.
fn satisfies(wanted: &str, version: &str) -> Option<bool> {
    let numbers = |text: &str| text.split('.').map(|part| part.parse::<u32>().ok()).collect::<Option<Vec<u32>>>();
    let wanted = numbers(wanted).filter(|wanted| wanted.len() <= 3)?;
    Some(numbers(version)?.starts_with(&wanted))
}

/// The names in a folder that end in `.kdl`, sorted; hidden ones belong to editors. Missing folders are empty.
fn kdl_files(folder: &Path) -> io::Result<Vec<String>> {
    names(folder, |entry, name| (name.ends_with(".kdl") && !name.starts_with('.')).then_some(entry).is_some())
}

fn folders(folder: &Path) -> io::Result<Vec<String>> {
    names(folder, |entry, name| !name.starts_with('.') && entry.path().is_dir())
}

fn names(folder: &Path, keep: impl Fn(&fs::DirEntry, &str) -> bool) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if keep(&entry, &name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn shown(path: &Path) -> String {
    visible_line(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_environments_are_dns_labels() {
        for good in ["prod", "a", "prod-eu-1", "0"] {
            assert_eq!(name_problem(good), None, "{good}");
        }
        for bad in ["", "Prod", "a_b", "-a", "a-", "a.b", "ä", "charts", &"a".repeat(64)] {
            assert!(name_problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_required_version_is_a_beginning_of_ours() {
        assert_eq!(satisfies("0.1", "0.1.7"), Some(true));
        assert_eq!(satisfies("0", "0.1.7"), Some(true));
        assert_eq!(satisfies("0.1.7", "0.1.7"), Some(true));
        assert_eq!(satisfies("0.1.8", "0.1.7"), Some(false));
        assert_eq!(satisfies("0.2", "0.1.7"), Some(false));
        for wrong in ["", "latest", "0.1.7.1", "^0.1", "0.-1"] {
            assert_eq!(satisfies(wrong, "0.1.7"), None, "{wrong}");
        }
    }
}
