//! Whole environments and what becomes of them, byte for byte.
//!
//! A case is a folder `tests/golden/NAME` with one environment, such as `dev.kdl`, and what it gives: `out/…` and, where
//! something was noticed, `notes.txt`; or `errors.txt`, one line for each finding. `TRUELINE_BLESS=1` rewrites them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use trueline::{compile::Compiled, schema::Kind};

use super::support::{compile, failed, findings, library, name_of, read, root, sorted, told};

/// One case.
pub(crate) struct Case {
    pub(crate) name: String,
    folder: PathBuf,
    pub(crate) environment: String,
    pub(crate) text: String,
}

impl Case {
    fn read(folder: PathBuf) -> Case {
        let files: Vec<PathBuf> =
            sorted(&folder).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "kdl")).collect();
        let [file] = files.as_slice() else { panic!("{}: one environment", folder.display()) };
        let environment = name_of(file).trim_end_matches(".kdl").to_owned();
        Case { name: name_of(&folder), text: read(file), environment, folder }
    }

    pub(crate) fn compile(&self) -> Compiled {
        compile(&self.environment, &self.text)
    }

    /// What the environment gives, by path below the case's folder.
    fn given(compiled: &Compiled) -> BTreeMap<String, Vec<u8>> {
        let mut given: BTreeMap<String, Vec<u8>> =
            compiled.files.iter().map(|file| (format!("out/{}", file.path), file.bytes.clone())).collect();
        let found = findings(compiled);
        if !found.is_empty() {
            let name = if failed(compiled) { "errors.txt" } else { "notes.txt" };
            given.insert(name.to_owned(), found.into_bytes());
        }
        given
    }

    /// What the case expects, by path below its folder.
    fn expected(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.folder, &self.folder, &mut files);
        files.retain(|path, _| !path.ends_with(".kdl"));
        files
    }
}

/// All cases, by name.
pub(crate) fn cases() -> Vec<Case> {
    sorted(&root().join("tests/golden")).into_iter().map(Case::read).collect()
}

fn collect(folder: &Path, root: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for path in sorted(folder) {
        if path.is_dir() {
            collect(&path, root, files);
        } else {
            let below = path.strip_prefix(root).expect("it lies below").to_string_lossy().replace('\\', "/");
            files.insert(below, fs::read(&path).expect("the file is readable"));
        }
    }
}

#[test]
fn every_case_gives_what_it_expects() {
    let bless = std::env::var_os("TRUELINE_BLESS").is_some();
    let wrong: Vec<String> = cases()
        .par_iter()
        .filter_map(|case| {
            let compiled = case.compile();
            let given = Case::given(&compiled);
            assert_eq!(given, Case::given(&case.compile()), "{}: another compile gives other bytes", case.name);
            let expected = case.expected();
            if bless {
                rewrite(case, &expected, &given);
                return None;
            }
            (given != expected).then(|| difference(case, &expected, &given, &compiled))
        })
        .collect();
    assert!(wrong.is_empty(), "TRUELINE_BLESS=1 rewrites what is expected\n{}", wrong.join("\n"));
}

fn rewrite(case: &Case, expected: &BTreeMap<String, Vec<u8>>, given: &BTreeMap<String, Vec<u8>>) {
    for path in expected.keys().filter(|path| !given.contains_key(*path)) {
        fs::remove_file(case.folder.join(path)).expect("the file can be removed");
    }
    for (path, bytes) in given {
        let path = case.folder.join(path);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("the folder can be made");
        fs::write(path, bytes).expect("the file can be written");
    }
}

/// The first file that differs, as a difference of lines.
fn difference(
    case: &Case,
    expected: &BTreeMap<String, Vec<u8>>,
    given: &BTreeMap<String, Vec<u8>>,
    compiled: &Compiled,
) -> String {
    let paths: BTreeSet<&String> = expected.keys().chain(given.keys()).collect();
    let path = paths.into_iter().find(|path| expected.get(*path) != given.get(*path)).expect("they differ");
    let text = |files: &BTreeMap<String, Vec<u8>>| {
        files.get(path).map_or_else(String::new, |bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let (before, after) = (text(expected), text(given));
    let lines = similar::TextDiff::from_lines(&before, &after).unified_diff().context_radius(2).to_string();
    format!("{}/{path}:\n{lines}{}", case.name, told(compiled))
}

#[test]
fn at_least_half_of_the_cases_are_mistakes() {
    let cases = cases();
    let wrong = cases.iter().filter(|case| case.folder.join("errors.txt").exists()).count();
    assert!(wrong * 2 >= cases.len(), "{wrong} of {}", cases.len());
}

/// What can be written and no case can compile: a rule refuses it wherever it stands, and says what to do instead.
const REFUSED: &[&str] = &["somafractalmemory: observability.alerts = true"];

/// Every variant of every choice, every switch on and off, every word of every enum of the shipped stacks.
#[test]
fn the_cases_exercise_every_variant() {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut stacks = BTreeMap::new();
    for case in cases() {
        let compiled = case.compile();
        let settings = compiled.settings();
        let deployments = settings["deployments"].as_object().into_iter().flatten();
        for (_, deployment) in deployments {
            let name = deployment["stack"].as_str().expect("a deployment names its stack");
            let stack = library().stack(name, &mut trueline::diag::Diags::default()).expect("it was compiled");
            for (path, value) in deployment["settings"].as_object().into_iter().flatten() {
                seen.entry(format!("{name}: {path}")).or_default().insert(spelled(value));
            }
            stacks.insert(name.to_owned(), stack);
        }
    }
    let mut missing = Vec::new();
    for (name, stack) in &stacks {
        for setting in stack.settings.iter().filter(|setting| setting.depth == 0) {
            let wanted: Vec<String> = match &setting.kind {
                Kind::Choice(variants) => variants.iter().map(ToString::to_string).collect(),
                Kind::Switch => vec!["false".to_owned(), "true".to_owned()],
                _ => continue,
            };
            let path = format!("{name}: {}", setting.path);
            let had = seen.get(&path).cloned().unwrap_or_default();
            missing.extend(wanted.iter().filter(|word| !had.contains(*word)).map(|word| format!("{path} = {word}")));
        }
    }
    assert_eq!(missing, REFUSED);
}

/// Every rule of the shipped stacks is broken by a case.
#[test]
fn every_rule_is_broken_by_a_case() {
    let mut broken = BTreeSet::new();
    let mut stacks = BTreeMap::new();
    for case in cases() {
        let compiled = case.compile();
        broken.extend(compiled.findings.iter().flat_map(|found| &found.labels).map(|label| label.text.clone()));
        for deployment in compiled.settings()["deployments"].as_object().into_iter().flatten() {
            let name = deployment.1["stack"].as_str().expect("a deployment names its stack").to_owned();
            let stack = library().stack(&name, &mut trueline::diag::Diags::default()).expect("it was compiled");
            stacks.insert(name, stack);
        }
    }
    let rules = stacks.iter().flat_map(|(name, stack)| stack.rules.iter().map(move |rule| (name, &rule.id)));
    let unbroken: Vec<String> = rules
        .map(|(name, id)| format!("rule {id} of stack `{name}`"))
        .filter(|label| !broken.contains(label))
        .collect();
    assert_eq!(unbroken, Vec::<String>::new());
}

fn spelled(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
