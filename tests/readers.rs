//! What `emit` prints is read by programs that we did not write, and must come back unchanged.
//!
//! YAML is read by PyYAML (YAML 1.1, as Helm reads it) and ruamel.yaml (1.2), TOML by `tomllib`, JSON and INI by
//! Python itself; the Compose file of the tests is held against the published schema. A reader that is not
//! installed skips its part and says so.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use trueline::{
    emit::{self, Output, ini_can_say_key, ini_can_say_value},
    plan::Format,
    read::{self, Data, Node},
};

use crate::support::{self, root, skipped, sorted};

/// Texts that some version of some format takes for something else.
const TRICKY: &[&str] = &[
    "",
    " ",
    "no",
    "No",
    "NO",
    "on",
    "off",
    "Off",
    "y",
    "Y",
    "n",
    "yes",
    "true",
    "True",
    "false",
    "null",
    "Null",
    "~",
    "nan",
    "NaN",
    ".nan",
    ".inf",
    "-.inf",
    "inf",
    "0",
    "-0",
    "+1",
    "017",
    "0o17",
    "0x1F",
    "0X1F",
    "0b101",
    "1_000",
    "1e3",
    "1E3",
    ".5",
    "5.",
    "1.",
    "1.10",
    "12:30",
    "12:30:00",
    "22:22",
    "190:20:30",
    "1000:1000",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "2001-12-14 21:59:43.10 -5",
    "<<",
    "=",
    "-",
    "--",
    "---",
    "--- a",
    "...",
    "- a",
    "-a",
    "?",
    "? a",
    "?a",
    ":",
    ": a",
    ":a",
    "a:",
    "a: b",
    "a:b",
    "a #b",
    "#a",
    "a#b",
    "!a",
    "!!str a",
    "&a",
    "*a",
    "%a",
    "@a",
    "`a`",
    "[",
    "]",
    "[a]",
    "{",
    "}",
    "{a}",
    "{{ x }}",
    ",",
    "a, b",
    "|",
    "|-",
    ">",
    "> a",
    "'",
    "''",
    "'a'",
    "\"",
    "\"a\"",
    "\\",
    "a\\n",
    "$",
    "$$",
    "${X}",
    "$(X)",
    "$${X:?a}",
    "é",
    "日本",
    "🦀",
    "\u{0}",
    "\u{7}",
    "\u{1b}[0m",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{feff}a",
    "\u{fffd}",
    "\u{10ffff}",
    "a\n",
    "\na",
    "\n",
    "a\nb",
    "a\n\nb",
    "a\nb\n",
    "a\nb\n\n",
    "a\n b",
    " a\nb",
    "\ta\nb",
    "a\n\tb",
    "a \nb",
    "a\t\nb",
    "a\n \nb",
    "a\r\nb",
    "a\rb",
    "\r",
    "\t",
    " a",
    "a ",
    "a\t",
    "a\n#b",
    "a\n- b\n",
    "key: |\n  x\n",
    "a\u{85}b\nc",
    "a\n\u{2028}\n",
    "a\n---\nb",
    "a\n...\nb",
    "\"\"\"",
    "'''\n",
    "\"\"\"\n'''",
    "set it: to # this",
    "http://a.b/c",
    "10.0.0.1",
    "::1",
    "0.0.0.0/0",
    "1.2.3",
    "6e23",
    "1e400",
    "9223372036854775808",
    "!!binary aGk=",
    "0o",
    "0x",
    "+",
    "-1",
    "+.inf",
    "1:2",
    "y: n",
    "a\u{0}b\nc",
    "'\n",
    "\\u0041",
    "\u{200b}",
    "\u{202e}x",
];

/// The same texts in each run: numbers from a fixed seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    /// Up to 24 characters that formats care about.
    fn text(&mut self) -> String {
        const ALPHABET: &[&str] = &[
            "a", "b", "0", "1", "9", "e", "x", "_", ".", "-", "+", ":", " ", " ", "\n", "\n", "\t", "\r", "#", "'",
            "\"", "\\", "|", ">", "%", "@", "`", "!", "&", "*", "?", "[", "]", "{", "}", ",", "=", "<", "~", "$", "é",
            "\u{85}", "\u{a0}", "\u{2028}", "\u{feff}", "🦀", "\u{1}", "word", "\n  ", "\n- ", ": ", " #",
        ];
        (0..self.roll(25)).map(|_| ALPHABET[self.roll(ALPHABET.len())]).collect()
    }

    /// A place between two characters of a text.
    fn place(&mut self, text: &str) -> usize {
        let at = self.roll(text.len() + 1);
        (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
    }
}

/// Trees in which each text stands as value, as key, in a list and deep down; fifty texts in each.
fn trees(texts: &[String]) -> Vec<Output> {
    let tree = |texts: &[String]| {
        let deep = |text: &String| Output::map([("x", Output::string(text)), ("y", Output::strings([text, text]))]);
        Output::map([
            (
                "values",
                Output::map(texts.iter().enumerate().map(|(at, text)| (format!("v{at}"), Output::string(text)))),
            ),
            ("keys", Output::map(texts.iter().enumerate().map(|(at, text)| (text, Output::Int(at as i64))))),
            ("items", Output::strings(texts)),
            ("deep", Output::List(texts.iter().map(deep).collect())),
            ("maps", Output::map(texts.iter().map(|text| (text, Output::map([(text, Output::string(text))]))))),
        ])
    };
    texts.chunks(50).map(tree).collect()
}

fn numbers() -> Output {
    let floats = [0.5, 1.0, -0.0, 1e21, 1e-7, 1.5e300, 0.1 + 0.2];
    let mut items: Vec<Output> = floats.into_iter().map(Output::Float).collect();
    items.extend([0, 1, -1, i64::MAX, i64::MIN, 8080].map(Output::Int));
    items.extend([true, false].map(Output::Bool));
    Output::map([
        ("numbers", Output::List(items)),
        ("empty", Output::List(vec![])),
        ("none", Output::map([("", Output::map::<String>([]))])),
    ])
}

/// INI knows texts and sections only.
fn ini_tree(texts: &[String]) -> Output {
    let values = texts.iter().filter(|text| ini_can_say_value(text)).enumerate();
    let keys = texts.iter().filter(|text| ini_can_say_key(text));
    Output::map([
        ("values", Output::map(values.map(|(at, text)| (format!("v{at}"), Output::string(text))))),
        ("keys", Output::map(keys.map(|text| (text, Output::string("x"))))),
    ])
}

/// Reads every text by every reader of its format; prints what came back otherwise.
pub(crate) const READ: &str = include_str!("readers.py");

#[test]
fn every_reader_gets_what_was_written() {
    let mut dice = Dice(20_261_121);
    let mut texts: Vec<String> = TRICKY.iter().map(|text| (*text).to_owned()).collect();
    texts.extend((0..600).map(|_| dice.text()));
    let mut cases = Vec::new();
    for tree in trees(&texts).iter().chain([&numbers()]) {
        for (name, format) in [("yaml", Format::Yaml), ("toml", Format::Toml), ("json", Format::Json)] {
            cases
                .push(json!({ "format": name, "expected": tree, "text": emit::file(format, tree, "head: er\n\n- x") }));
        }
    }
    let tree = ini_tree(&texts);
    cases.push(json!({ "format": "ini", "expected": tree, "text": emit::file(Format::Ini, &tree, "head") }));

    let Some(report) = python(READ, &Value::Array(cases)) else {
        return skipped("readers::every_reader_gets_what_was_written", "there is no python3");
    };
    for missing in report["missing"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        skipped("readers::every_reader_gets_what_was_written", &format!("{missing} is not installed"));
    }
    assert_eq!(report["wrong"], json!([]), "{report:#}");
    assert_eq!(report["counts"]["json"], json!(texts.len().div_ceil(50) + 1), "every tree was read");
}

/// What our own readers make of a text, in the terms of the printers.
fn output(node: &Node) -> Output {
    match &node.data {
        Data::Null => Output::Null,
        Data::Bool(value) => Output::Bool(*value),
        Data::Int(value) => Output::Int(*value),
        Data::Float(value) => Output::Float(*value),
        Data::String(text) => Output::string(&**text),
        Data::List(items) => Output::List(items.iter().map(output).collect()),
        Data::Map(entries) => Output::map(entries.iter().map(|(key, node)| (&**key, output(node)))),
    }
}

fn read_back(format: Format, text: &str) -> Option<Output> {
    let node = match format {
        Format::Yaml => read::yaml::parse(text),
        Format::Toml => read::toml::parse(text),
        Format::Json => read::json::parse(text),
        Format::Ini => return None,
    };
    node.ok().map(|node| output(&node))
}

/// The files below a folder whose name ends like this.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let below = |path: PathBuf| {
        if path.is_dir() {
            return files(&path, end);
        }
        let wanted = path.extension().is_some_and(|found| found == end);
        if wanted { vec![path] } else { Vec::new() }
    };
    sorted(folder).into_iter().flat_map(below).collect()
}

const FORMATS: [(&str, Format); 3] = [("yaml", Format::Yaml), ("toml", Format::Toml), ("json", Format::Json)];

/// A small tree with hostile texts.
fn small_tree(dice: &mut Dice, depth: usize) -> Output {
    let text = |dice: &mut Dice| match dice.roll(3) {
        0 => TRICKY[dice.roll(TRICKY.len())].to_owned(),
        _ => dice.text(),
    };
    match dice.roll(if depth > 3 { 5 } else { 9 }) {
        0 => Output::Int(i64::try_from(dice.roll(1 << 20)).expect("small") - 9),
        1 => Output::Bool(dice.roll(2) == 0),
        2..5 => Output::String(text(dice)),
        5 | 6 => Output::List((0..dice.roll(4)).map(|_| small_tree(dice, depth + 1)).collect()),
        _ => Output::map((0..dice.roll(5)).map(|_| (text(dice), small_tree(dice, depth + 1))).collect::<Vec<_>>()),
    }
}

/// What our own readers take is read alike by readers that share nothing with them: everything committed, generated
/// trees, and broken texts that they still take.
#[test]
fn our_readers_read_what_others_read() {
    let mut dice = Dice(1_121);
    let (mut cases, mut broken) = (Vec::new(), 0);
    let mut case = |name: &str, format: Format, text: &str| {
        let read = read_back(format, text);
        if let Some(tree) = &read {
            cases.push(json!({ "name": text, "format": name, "expected": tree, "text": text }));
        }
        read.is_some()
    };
    for (name, format) in FORMATS {
        let committed: Vec<PathBuf> =
            ["out", "tests/golden"].into_iter().flat_map(|folder| files(&root().join(folder), name)).collect();
        assert!(committed.len() > 5, "{name}");
        // charts are written by people
        for path in committed.into_iter().filter(|path| !path.starts_with(root().join("out/charts"))) {
            let text = support::read(&path);
            assert!(case(name, format, &text), "{} cannot be read", path.display());
        }
        for _ in 0..700 {
            let tree = Output::map([("root", small_tree(&mut dice, 0)), ("next", small_tree(&mut dice, 2))]);
            let text = emit::file(format, &tree, "head");
            assert!(case(name, format, &text), "{text} cannot be read");
            let (from, to) = (dice.place(&text), dice.place(&text));
            let piece = dice.text();
            let (from, to) = (from.min(to), to.min(from + 3).max(from));
            let to = (to..=text.len()).find(|to| text.is_char_boundary(*to)).unwrap_or(text.len());
            broken += usize::from(case(name, format, &format!("{}{piece}{}", &text[..from], &text[to..])));
        }
    }
    assert!(broken > 100, "{broken}");
    for path in files(&root().join("tests/fixtures/foreign"), "yaml") {
        let text = support::read(&path);
        let trees: Vec<Output> = read::foreign::documents(&text).expect("it can be read").iter().map(output).collect();
        cases.push(json!({ "name": path, "format": "foreign", "expected": trees, "text": text }));
    }
    let Some(report) = python(READ, &Value::Array(cases)) else {
        return skipped("readers::our_readers_read_what_others_read", "there is no python3");
    };
    for missing in report["missing"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        skipped("readers::our_readers_read_what_others_read", &format!("{missing} is not installed"));
    }
    assert_eq!(report["wrong"], json!([]), "{report:#}");
    let count = |name: &str| report["counts"][name].as_u64().unwrap_or(0);
    assert!(count("json") > 700 && report["missing"] != json!([]) || count("PyYAML") > 700 && count("foreign") == 2);
}

#[test]
fn the_compose_file_fits_the_published_schema() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("compiler/targets/tests/compose.yaml");
    let checked = Command::new(support::python())
        .args(["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"])
        .arg(file)
        .output();
    let absent = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).contains("No module named");
    match checked {
        Ok(output) if !absent(&output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        _ => skipped("readers::the_compose_file_fits_the_published_schema", "check-jsonschema is not installed"),
    }
}

/// Runs a Python program with `input` on its standard input; none where there is no Python.
pub(crate) fn python(program: &str, input: &Value) -> Option<Value> {
    let mut child = Command::new(support::python())
        .args(["-X", "utf8", "-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input.to_string().as_bytes()).expect("Python reads its input");
    let output = child.wait_with_output().expect("Python ends");
    assert!(output.status.success(), "the Python program failed");
    Some(serde_json::from_slice(&output.stdout).expect("the Python program prints JSON"))
}
