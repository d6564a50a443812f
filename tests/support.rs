//! What several tests share: environments compiled in this process, the stacks of the tests, and how a test that
//! cannot run says so.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use trueline::{
    compile::{self, Compiled, Stdlib},
    diag::{Diags, Finding, Severity},
    source::{Source, SourceId},
    targets::File,
};

/// The folder of the package.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shipped standard library and the stacks below `tests/fixtures/stdlib/stacks`.
pub(crate) fn library() -> &'static Stdlib {
    static LIBRARY: OnceLock<Stdlib> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let stacks = sorted(&root().join("tests/fixtures/stdlib/stacks")).into_iter().map(|folder| {
            let name = name_of(&folder);
            let texts = sorted(&folder)
                .into_iter()
                .map(|file| (format!("stdlib/stacks/{name}/{}", name_of(&file)), read(&file)));
            (name.clone(), texts.collect())
        });
        let mut diags = Diags::default();
        let library = Stdlib::with_project(stacks.collect(), Vec::new(), &mut diags);
        assert_eq!(diags.as_slice(), []);
        library
    })
}

/// The entries of a folder, sorted; none where there is no folder.
pub(crate) fn sorted(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder is readable").path()).collect();
    paths.sort();
    paths
}

/// The last part of a path.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compiles a text as `environments/NAME.kdl`.
pub(crate) fn compile(name: &str, text: &str) -> Compiled {
    let name = format!("environments/{name}.kdl");
    compile::compile(Arc::new(Source { id: SourceId(0), name, text: text.to_owned() }), library())
}

/// The findings as lines, `LINE CODE` for those in the environment, `FILE CODE` for those in a stack.
///
/// Neither messages nor lines of a stack: rewording one, or a line more above it, is no change of what was found.
pub(crate) fn findings(compiled: &Compiled) -> String {
    let line = |finding: &Finding| {
        let source = compiled.sources.get(finding.span.source).expect("a finding lies in a text of this compile");
        let place = match finding.span.source {
            SourceId(0) => source.line_column(finding.span.start).0.to_string(),
            _ => source.name.clone(),
        };
        let word = match finding.code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        format!("{place} {word}[{}]\n", finding.code.id)
    };
    compiled.findings.iter().map(line).collect()
}

/// The same with messages, for people who read why a test failed.
pub(crate) fn told(compiled: &Compiled) -> String {
    let line = |finding: &Finding| {
        let source = compiled.sources.get(finding.span.source).expect("a finding lies in a text of this compile");
        let (line, column) = source.line_column(finding.span.start);
        format!("  {}:{line}:{column} {} {}\n", source.name, finding.code.id, finding.message)
    };
    compiled.findings.iter().map(line).collect()
}

/// Whether there was an error.
pub(crate) fn failed(compiled: &Compiled) -> bool {
    compiled.findings.iter().any(|finding| finding.code.severity == Severity::Error)
}

/// The environments of this repository: name and text.
pub(crate) fn environments() -> Vec<(String, String)> {
    let files = sorted(&root().join("environments"));
    files.iter().map(|file| (name_of(file).trim_end_matches(".kdl").to_owned(), read(file))).collect()
}

/// The Python that has the packages of `.ci/requirements.txt`.
pub(crate) fn python() -> String {
    std::env::var("TRUELINE_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Whether the checker that has a copy of the Compose schema is installed.
pub(crate) fn has_check_jsonschema() -> bool {
    let tried = std::process::Command::new(python()).args(["-m", "check_jsonschema", "--version"]).output();
    tried.is_ok_and(|output| output.status.success())
}

/// Says that a test did not run; `.ci/run` counts these lines. Written past the test runner, which would swallow it.
pub(crate) fn skipped(test: &str, reason: &str) {
    writeln!(std::io::stderr(), "skipped: {test}: {reason}").expect("standard error is open");
}

/// A generator of numbers that gives the same ones in each run.
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `below`, which is not 0.
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    /// True once in `out_of` times.
    pub(crate) fn once_in(&mut self, out_of: usize) -> bool {
        self.roll(out_of) == 0
    }

    /// One of some things.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }

    /// One of some words.
    pub(crate) fn word(&mut self, of: &[&'static str]) -> &'static str {
        of[self.roll(of.len())]
    }

    /// The same things in another order.
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for at in (1..things.len()).rev() {
            things.swap(at, self.roll(at + 1));
        }
    }
}

/// What a file says of its own: not the label that changes with whatever a service mounts.
pub(crate) fn own(file: &File) -> Vec<u8> {
    let lines = file.bytes.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| !line.trim_ascii().starts_with(b"trueline.files: ")).flatten().copied().collect()
}
