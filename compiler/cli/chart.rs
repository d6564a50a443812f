//! `trueline chart`: what a chart reads, and what is wrong with values for it.
//!
//! In: a chart's folder, files of values. Out: a surface, or findings.
//! Never: a link followed, an archive unpacked, a project.
//! Invariant: at most [`MOST_FILES`] files of bounded size are read, and everything comes out sorted by path.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::json;

use super::{
    Failure, Outcome,
    console::{Console, Format, Style},
    project::{MAX_SOURCE_BYTES, ReadError, read_regular},
    report::{self, FindingsTo, Report},
};
use crate::{
    chart::{self, File, Scanned},
    diag::{Diags, Finding, codes},
    source::{Source, SourceId, Sources, Span},
    visible::visible_line,
};

/// Files that a chart's folder may have.
const MOST_FILES: usize = 5000;
/// Bytes that all of them may have together.
const MOST_BYTES: usize = 64 << 20;
/// Folders that may be nested.
const DEEPEST: usize = 32;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Print the keys that a chart's templates read, as a surface
    Surface(Surface),
    /// Say which keys of values nothing in the chart reads, and which its schema forbids
    Check(Check),
}

#[derive(clap::Args, Debug)]
struct Surface {
    /// The chart's folder, with `Chart.yaml`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A file to write it to; it must not exist yet
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
struct Check {
    /// The chart's folder, with `Chart.yaml`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Files of values, in the order in which Helm gets them
    #[arg(value_name = "VALUES", required = true)]
    values: Vec<PathBuf>,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        Command::Surface(arguments) => surface(console, arguments),
        Command::Check(arguments) => check(console, arguments),
    }
}

fn surface(console: &Console, arguments: &Surface) -> Result<Outcome, Failure> {
    let mut read = Read::default();
    let Some(scanned) = read.chart(&arguments.folder)? else { return Ok(read.broken(console)) };
    let mut report = read.report(console, "surface");
    let text = scanned.surface();
    match (&arguments.output, console.looks.format) {
        (Some(path), _) => {
            write_new(path, &text)?;
            report.json = json!({"written": shown(path)});
        }
        (None, Format::Human) => report.lines = text,
        (None, Format::Json) => {
            report.json = json!({"surface": text, "keys": scanned.keys(&read.sources())});
        }
    }
    Ok(report::print(console, &[report], FindingsTo::Remarks))
}

fn check(console: &Console, arguments: &Check) -> Result<Outcome, Failure> {
    let mut read = Read::default();
    let Some(scanned) = read.chart(&arguments.folder)? else { return Ok(read.broken(console)) };
    let mut values = Vec::new();
    for path in &arguments.values {
        let text = text_of(path).map_err(|message| Failure::new(message, "name a file of values that you may read"))?;
        values.push(read.source(shown(path), text));
    }
    scanned.check(&values, &mut read.diags);
    let mut report = read.report(console, "chart");
    if console.looks.format == Format::Human {
        let (style, text) = match report::count(report.counts) {
            None => (Style::Green, "every key is read".to_owned()),
            Some(text) if report.counts.0 > 0 => (Style::Red, text),
            Some(text) => (Style::Cyan, text),
        };
        report.lines = report::line(console.looks, &shown(&arguments.folder), style, &text);
    }
    Ok(report::print(console, &[report], FindingsTo::Answer))
}

/// The texts of one run, and what is wrong with them.
#[derive(Default)]
struct Read {
    texts: Vec<Arc<Source>>,
    diags: Diags,
    archives: Vec<String>,
    files: Vec<File>,
    bytes: usize,
}

impl Read {
    /// Reads a chart's folder.
    ///
    /// # Errors
    /// There is no such folder, or it is no chart.
    fn chart(&mut self, folder: &Path) -> Result<Option<Scanned>, Failure> {
        let help = "name the folder that holds the chart's `Chart.yaml`";
        // The folder that was asked for may be reached by a link; nothing in it may.
        let found = fs::metadata(folder)
            .map_err(|error| Failure::new(format!("`{}` cannot be read: {error}", shown(folder)), help))?;
        if !found.is_dir() {
            return Err(Failure::new(format!("`{}` is no folder", shown(folder)), help));
        }
        self.folder(folder, "", 0)
            .map_err(|error| Failure::new(format!("`{}` cannot be read: {error}", shown(folder)), help))?;
        if !self.files.iter().any(|file| file.path == "Chart.yaml") {
            return Err(Failure::new(format!("`{}` holds no `Chart.yaml` that can be read", shown(folder)), help));
        }
        let files = std::mem::take(&mut self.files);
        Ok(chart::scan(&files, &self.archives, &mut self.diags))
    }

    /// Reads what is in a folder of the chart, in order of the names.
    fn folder(&mut self, root: &Path, below: &str, depth: usize) -> io::Result<()> {
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(root.join(below))? {
            match entry?.file_name().into_string() {
                Ok(name) => names.push(name),
                Err(name) => self.leave_out(root, below, &format!("the name {name:?} is not UTF-8")),
            }
        }
        names.sort();
        for name in names {
            let path = format!("{below}{name}");
            let found = fs::symlink_metadata(root.join(&path))?;
            if found.is_dir() && holds_chart(&path) {
                if depth >= DEEPEST {
                    self.leave_out(root, &path, &format!("folders nest more than {DEEPEST} deep"));
                } else {
                    self.folder(root, &format!("{path}/"), depth + 1)?;
                }
            } else if found.is_symlink() && holds_chart(&path) {
                self.leave_out(root, &path, "links are not followed");
            } else if path.ends_with(".tgz") {
                self.archives.push(path);
            } else if is_of_chart(&path) {
                self.file(root, &path);
            }
        }
        Ok(())
    }

    fn file(&mut self, root: &Path, path: &str) {
        if self.texts.len() >= MOST_FILES || self.bytes >= MOST_BYTES {
            let message = format!("more than {MOST_FILES} files or {} MiB; the rest is not read", MOST_BYTES >> 20);
            return self.limit(root, message);
        }
        match text_of(&root.join(path)) {
            Ok(text) => {
                self.bytes += text.len();
                let source = self.source(format!("{}/{}", shown(root).trim_end_matches('/'), visible_line(path)), text);
                self.files.push(File { path: path.to_owned(), source });
            }
            Err(why) => self.leave_out(root, path, &why),
        }
    }

    fn source(&mut self, name: String, text: String) -> Arc<Source> {
        let source = Arc::new(Source { id: SourceId(self.texts.len() as u32 + 1), name, text });
        self.texts.push(source.clone());
        source
    }

    /// Says that a file of the chart is not read.
    fn leave_out(&mut self, root: &Path, path: &str, why: &str) {
        let source = self.source(format!("{}/{path}", shown(root).trim_end_matches('/')), String::new());
        self.diags.push(codes::CHART_NOT_READ.at(Span::new(source.id, 0, 0), format!("this is not read: {why}")));
    }

    fn limit(&mut self, root: &Path, message: String) {
        if self.diags.as_slice().iter().any(|finding| finding.code.id == codes::CHART_LIMIT.id) {
            return;
        }
        let source = self.source(shown(root), String::new());
        self.diags.push(codes::CHART_LIMIT.at(Span::new(source.id, 0, 0), message));
    }

    /// The texts as they may be shown.
    fn sources(&self) -> Sources {
        let shown = |source: &Arc<Source>| {
            let is_data = !source.name.contains("/templates/");
            if is_data { Arc::new(chart::masked(source)) } else { source.clone() }
        };
        Sources::new(self.texts.iter().map(shown).collect())
    }

    fn findings(&self) -> Vec<Finding> {
        self.diags.clone().sorted()
    }

    fn report(&self, console: &Console, name: &str) -> Report {
        let mut report = Report { is_environment: false, ..Report::new(name) };
        report.add(console.looks, &self.findings(), &self.sources());
        report
    }

    /// The chart cannot be read at all.
    fn broken(&self, console: &Console) -> Outcome {
        let report = self.report(console, "chart");
        report::print(console, &[report], FindingsTo::Answer).max(Outcome::No)
    }
}

/// Whether a folder below a chart's is one that Helm looks into for templates and charts.
fn holds_chart(path: &str) -> bool {
    let words: Vec<&str> = path.split('/').collect();
    match inner(&words) {
        [] => true,
        ["charts"] => true,
        [first, ..] => *first == "templates",
    }
}

/// Whether Helm reads a file.
fn is_of_chart(path: &str) -> bool {
    let words: Vec<&str> = path.split('/').collect();
    let named = ["Chart.yaml", "requirements.yaml", "values.yaml", "values.schema.json"];
    match inner(&words) {
        [name] => named.contains(name),
        [first, ..] => *first == "templates",
        [] => false,
    }
}

/// The way below the innermost chart's folder.
fn inner<'w>(words: &'w [&'w str]) -> &'w [&'w str] {
    match words {
        ["charts", _, rest @ ..] => inner(rest),
        _ => words,
    }
}

/// The text of a file.
///
/// # Errors
/// Why it cannot be read, for people.
fn text_of(path: &Path) -> Result<String, String> {
    let bytes = read_regular(path, MAX_SOURCE_BYTES).map_err(|error| match error {
        ReadError::TooLarge => format!("`{}` has more than {} MiB", shown(path), MAX_SOURCE_BYTES >> 20),
        other => format!("`{}`: {other}", shown(path)),
    })?;
    String::from_utf8(bytes).map_err(|_| format!("`{}` is not UTF-8", shown(path)))
}

/// Writes a file that does not exist yet.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    use io::Write as _;
    let written = fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(
            format!("`{}` exists, and what people wrote into it would be lost", shown(path)),
            "name another file, or print the surface and compare",
        ),
        _ => Failure::new(format!("`{}` cannot be written: {error}", shown(path)), "name a file that you may write"),
    })
}

fn shown(path: &Path) -> String {
    visible_line(&path.to_string_lossy()).into_owned()
}
