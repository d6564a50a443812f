//! What the repository says of itself, compared with what is there: directions between modules, tables, names, paths,
//! output and commands.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::CommandFactory as _;
use trueline::{
    check::CHECKS,
    compile::{Compiled, Stdlib, compile},
    diag::{Diags, Severity, codes::CODES},
    expr::FUNCTIONS,
    source::{Source, SourceId},
    targets::TARGETS,
    value::{PARTS, SCALARS, scalar},
};

use crate::cli::Project;

/// Words of a shipped stack's settings that Rust may say all the same, and whose words they are there.
const GENERAL_WORDS: &[(&str, &str)] = &[
    ("app", "the labels `app.kubernetes.io/…`"),
    ("pull-policy", "`pull_policy` of a Compose service"),
    ("read-only-root", "`security` of a workload"),
    ("service-account", "`serviceAccountName` of a Flux release"),
];

/// Folders that a project may have, and this one has not.
const OF_PROJECTS: &[&str] = &["stdlib/extend"];

/// A path in the repository.
pub(crate) fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of the repository, with line feeds alone.
pub(crate) fn read(path: &str) -> String {
    let text = fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.replace("\r\n", "\n")
}

/// Whether expectations are to be rewritten.
pub(crate) fn blessing() -> bool {
    std::env::var_os("TRUELINE_BLESS").is_some()
}

/// Every file below a folder of the repository, by path from its root.
fn files_below(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(at(folder)) else { return files };
    for entry in entries {
        let entry = entry.expect("the folder is readable");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// The text of a page between `<!-- NAME -->` and the next `<!-- end -->`.
pub(crate) fn marked<'a>(page: &'a str, name: &str) -> &'a str {
    let begin = format!("<!-- {name} -->\n");
    let (_, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("the page has no `<!-- {name} -->`"));
    rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("`<!-- {name} -->` has no end")).0
}

/// The texts in backticks, outside of blocks.
fn code_spans(page: &str) -> Vec<&str> {
    let mut spans = Vec::new();
    let mut block = false;
    for line in page.lines() {
        if line.starts_with("```") {
            block = !block;
        } else if !block {
            spans.extend(line.split('`').skip(1).step_by(2));
        }
    }
    spans
}

/// The blocks of a page in a language.
pub(crate) fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("\n```{language}\n");
    page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// Compiles a text as the environment of this name.
pub(crate) fn compile_text(name: &str, text: &str, stdlib: &Stdlib) -> Compiled {
    let name = format!("environments/{name}.kdl");
    compile(Arc::new(Source { id: SourceId(0), name, text: text.to_owned() }), stdlib)
}

/// What was found, a line for each finding: code, place, message.
pub(crate) fn told(compiled: &Compiled, least: Severity) -> String {
    let found = compiled.findings.iter().filter(|finding| finding.code.severity <= least);
    let line = |finding: &trueline::diag::Finding| {
        let source = compiled.sources.get(finding.span.source).expect("findings point into known texts");
        let (line, column) = source.line_column(finding.span.start);
        format!("{}:{line}:{column}: {} {} {:?}\n", source.name, finding.code.id, finding.message, finding.help)
    };
    found.map(line).collect()
}

/// The Rust files of the compiler but those of tests.
fn rust_files() -> Vec<String> {
    let is_code = |path: &String| path.ends_with(".rs") && !path.ends_with("tests.rs") && !path.contains("/tests/");
    files_below("compiler").into_iter().filter(is_code).collect()
}

/// A Rust file without comments and without the module of tests at its end.
fn code_of(path: &str) -> String {
    let text = read(path);
    let tests = text.match_indices("#[cfg(test)]").find(|(at, _)| {
        let next = text[*at..].lines().nth(1).unwrap_or_default();
        next.contains("mod ") && next.ends_with('{')
    });
    let text = &text[..tests.map_or(text.len(), |(at, _)| at)];
    let line =
        |line: &str| match line.match_indices("//").find(|(at, _)| line[..*at].trim_end().len() < *at || *at == 0) {
            Some((at, _)) => format!("{}\n", &line[..at]),
            None => format!("{line}\n"),
        };
    text.lines().map(line).collect()
}

/// The modules that a text names behind `crate::`.
fn modules_named(code: &str) -> BTreeSet<String> {
    let word = |text: &str| {
        text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
    };
    let mut found = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let rest = &code[at + path.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut item = 0;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    found.insert(word(&group[item..at]));
                    item = at + 1;
                }
                _ => {}
            }
            if c == '}' && depth == 0 && item == at + 1 {
                break;
            }
        }
    }
    found.remove("");
    found
}

/// A row of the table of modules.
struct Module {
    name: String,
    may_use: Vec<String>,
}

fn modules() -> Vec<Module> {
    let page = read("docs/architecture.md");
    let rows = marked(&page, "modules").lines().skip(2);
    let mut modules: Vec<Module> = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _, may_use, _] = cells[..] else { panic!("four columns: {row}") };
        let may_use = match may_use {
            "–" => Vec::new(),
            "all above" => modules.iter().map(|module| module.name.clone()).collect(),
            list => list.split(", ").map(str::to_owned).collect(),
        };
        modules.push(Module { name: name.trim_matches('`').to_owned(), may_use });
    }
    modules
}

#[test]
fn modules_use_what_their_row_says() {
    let modules = modules();
    let names: BTreeSet<&str> = modules.iter().map(|module| module.name.as_str()).collect();
    let library = read("compiler/lib.rs");
    let real = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(names, real, "the rows of docs/architecture.md and the modules of compiler/lib.rs");
    let mut wrong = Vec::new();
    for (at, module) in modules.iter().enumerate() {
        for used in &module.may_use {
            if !modules[..at].iter().any(|above| above.name == *used) {
                wrong.push(format!("row `{}` allows `{used}`, which is no row above it", module.name));
            }
        }
    }
    for path in rust_files() {
        let name = path.split('/').nth(1).expect("below compiler/").trim_end_matches(".rs");
        let Some(module) = modules.iter().find(|module| module.name == name) else { continue };
        for used in modules_named(&code_of(&path)) {
            if used != module.name && !module.may_use.contains(&used) {
                wrong.push(format!("{path} uses `{used}`, which its row does not allow"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_edge_is_seen() {
    let seen = |code| modules_named(code).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(
        seen("use crate::{diag::{Diags, codes}, image, ledger,\n    value::{self, Value},\n};"),
        "diag image ledger value"
    );
    assert_eq!(seen("pub(crate) fn f() { crate::expr::constant(crate::value::Value::Null) }"), "expr value");
    assert_eq!(seen("use crate::{check}; use std::{fs, io};"), "check");
}

/// Whether a word stands in a text as a whole, spelled with dashes or as an identifier.
fn says(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    [word.to_owned(), word.replace('-', "_")].iter().any(|word| {
        code.match_indices(word.as_str())
            .any(|(at, _)| !code[..at].ends_with(part) && !code[at + word.len()..].starts_with(part))
    })
}

#[test]
fn rust_knows_no_stack() {
    let stdlib = Stdlib::embedded();
    let mut words: BTreeSet<String> = BTreeSet::new();
    for name in stdlib.stacks() {
        let stack = stdlib.stack(name, &mut Diags::default()).expect("a shipped stack loads");
        words.insert(name.to_owned());
        // Words without a dash are everybody's: `port`, `image`, `size`.
        words.extend(stack.settings.iter().map(|setting| setting.name.to_string()).filter(|name| name.contains('-')));
    }
    assert!(words.len() > 20, "{words:?}");
    let code: BTreeMap<String, String> = rust_files().into_iter().map(|path| (path.clone(), code_of(&path))).collect();
    let mut wrong = Vec::new();
    for word in &words {
        let general = GENERAL_WORDS.iter().any(|(allowed, _)| allowed == word);
        let mut places = code.iter().filter(|(_, code)| says(code, word)).map(|(path, _)| path);
        if general {
            assert!(places.next().is_some(), "no Rust says `{word}` any more: take it off the list");
        } else {
            wrong.extend(places.map(|path| format!("{path} says `{word}`, a word of a stack")));
        }
    }
    for (word, _) in GENERAL_WORDS {
        assert!(words.contains(*word), "no stack says `{word}` any more: take it off the list");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn codes_are_sorted_and_raised_and_have_pages() {
    assert!(CODES.is_sorted_by(|a, b| a.id < b.id), "by id, each once");
    let titles: BTreeSet<&str> = CODES.iter().map(|code| code.title).collect();
    assert_eq!(titles.len(), CODES.len(), "a title is used twice");
    for code in CODES {
        let number = code.id.strip_prefix("TL").unwrap_or_default();
        assert!(number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()), "{}", code.id);
        assert!(!code.title.ends_with('.') && !code.title.is_empty(), "{}: a title is no sentence", code.id);
    }
    let pages: Vec<String> = CODES.iter().map(|code| format!("docs/errors/{}.md", code.id)).collect();
    assert_eq!(files_below("docs/errors"), pages, "a page for each code, and no other");
    let table = read("compiler/diag/codes.rs");
    let code: String =
        rust_files().into_iter().filter(|path| path != "compiler/diag/codes.rs").map(|path| code_of(&path)).collect();
    let unused: Vec<&str> = table
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("\"TL")?.split_once("\" "))
        .filter_map(|(_, row)| row.split(' ').next())
        .filter(|name| !says(&code, name))
        .collect();
    assert!(unused.is_empty(), "nothing raises {unused:?}");
}

#[test]
fn tables_are_sorted_and_complete() {
    assert!(SCALARS.is_sorted_by(|a, b| a.name < b.name));
    assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
    let about = |texts: Vec<&str>| {
        assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len(), "each row says something of its own");
        texts.iter().for_each(|text| assert!(!text.is_empty() && !text.contains('\n'), "{text:?}"));
    };
    about(CHECKS.iter().map(|check| check.about).collect());
    about(TARGETS.iter().map(|target| target.about).collect());
    about(FUNCTIONS.iter().map(|function| function.about).collect());
    let parts: BTreeSet<_> = PARTS.iter().map(|part| (part.of, part.name)).collect();
    assert_eq!(parts.len(), PARTS.len(), "a part is named twice");
    for part in PARTS {
        assert!(scalar(part.of).is_some() && scalar(part.result).is_some(), "{}.{}", part.of, part.name);
        let about = scalar(part.of).expect("just looked up").about;
        assert!(about.contains(&format!("`{}`", part.name)), "`{}` does not name its part `{}`", part.of, part.name);
    }
}

#[test]
fn commands_and_their_options_are_in_the_readme() {
    let readme = read("README.md");
    let described: Vec<Vec<&str>> = code_spans(&readme)
        .into_iter()
        .filter_map(|span| span.strip_prefix("trueline "))
        .map(|span| span.split(' ').collect())
        .collect();
    let program = trueline::cli::Arguments::command();
    for command in program.get_subcommands() {
        assert!(
            described.iter().any(|words| words[0] == command.get_name()),
            "README: `trueline {}`",
            command.get_name()
        );
    }
    for words in described {
        let command = program.find_subcommand(words[0]).unwrap_or_else(|| panic!("README: `trueline {}`", words[0]));
        for option in words.iter().filter_map(|word| word.strip_prefix("--")) {
            let known = command.get_arguments().any(|argument| argument.get_long() == Some(option));
            assert!(known, "README: `trueline {} --{option}`", words[0]);
        }
    }
}

/// The pages for people, without those of single codes.
pub(crate) fn pages() -> Vec<String> {
    let pages = files_below("docs").into_iter().filter(|path| !path.starts_with("docs/errors/"));
    pages.chain(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned)).collect()
}

#[test]
fn paths_named_in_pages_exist() {
    let folders = ["compiler/", "docs/", "environments/", "fuzz/", "stdlib/", "tests/", ".ci/"];
    let files = [".rs", ".md", ".txt"];
    let mut missing = Vec::new();
    for page in pages() {
        let text = read(&page);
        for span in code_spans(&text) {
            let is_file = !span.contains('/') && !span.starts_with('.') && files.iter().any(|end| span.ends_with(end));
            let is_path = folders.iter().any(|folder| span.starts_with(folder)) || is_file;
            if span.contains(' ') || !is_path || OF_PROJECTS.iter().any(|folder| span.starts_with(folder)) {
                continue;
            }
            // From the first word that stands for others, such as NAME, TLnnnn or `*`, there is nothing to look for.
            let stands_for = |word: &&str| {
                !word.contains(['*', '…'])
                    && !word.contains("nnnn")
                    && !["NAME", "ENV"].contains(&word.split('.').next().unwrap_or(""))
            };
            let known: Vec<&str> = span.trim_end_matches('/').split('/').take_while(stands_for).collect();
            let anywhere = is_file && rust_files().iter().any(|path| path.ends_with(&format!("/{span}")));
            if !known.is_empty() && !at(&known.join("/")).exists() && !anywhere {
                missing.push(format!("{page}: `{span}`"));
            }
        }
        let folder = Path::new(&page).parent().expect("a page is in a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let is_path =
                link.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) && !link.contains("://");
            if is_path && !at("").join(folder).join(link).exists() {
                missing.push(format!("{page}: ({link})"));
            }
        }
    }
    assert!(missing.is_empty(), "these paths do not exist:\n{}", missing.join("\n"));
}

#[test]
fn output_is_current() {
    let stdlib = Stdlib::embedded();
    let mut folders = BTreeSet::new();
    for path in files_below("environments") {
        let name = path.trim_start_matches("environments/").trim_end_matches(".kdl");
        let compiled = compile_text(name, &read(&path), &stdlib);
        assert_eq!(told(&compiled, Severity::Warning), "");
        folders.insert(name.to_owned());
        let committed: Vec<String> = files_below(&format!("out/{name}"));
        let wanted: Vec<String> = compiled.files.iter().map(|file| format!("out/{name}/{}", file.path)).collect();
        assert_eq!(committed, wanted, "`cargo run --release -- compile` writes them");
        for (file, path) in compiled.files.iter().zip(wanted) {
            let same = fs::read(at(&path)).expect("it was just listed") == file.bytes;
            assert!(same, "{path} is not what `cargo run --release -- compile` writes");
        }
    }
    let entries = fs::read_dir(at("out")).expect("out/ is committed");
    let found: BTreeSet<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    folders.insert("charts".to_owned());
    assert_eq!(found, folders, "a folder in out/ for each environment, and no other");
}

/// The arguments of a command that runs the program.
fn arguments(line: &str) -> Option<Vec<&str>> {
    let rest = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("trueline "))?;
    Some(rest.split_whitespace().collect())
}

#[test]
fn commands_in_pages_run() {
    let project = Project::new(&[]);
    for folder in ["environments", "stdlib", "out", "tests/fixtures/charts"] {
        for path in files_below(folder) {
            project.write(&path, fs::read(at(&path)).expect("it was just listed"));
        }
    }
    let mut count = 0;
    for page in pages() {
        let text = read(&page);
        let lines = blocks(&text, "sh").into_iter().flat_map(str::lines);
        // What is said in passing with `trueline` has words that stand for others.
        let spans = code_spans(&text).into_iter().filter(|span| span.starts_with("cargo run "));
        for arguments in lines.chain(spans).filter_map(arguments) {
            count += 1;
            let ran = project.run(&arguments);
            assert_eq!(ran.code, 0, "{page}: {arguments:?}: {ran:?}");
        }
    }
    assert!(count > 2, "the pages show how to run the program");
}
