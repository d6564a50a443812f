//! What a strict reader takes is what the printers print: both ways, on generated trees and on broken texts.

mod foreign;

use smol_str::SmolStr;

use proptest::prelude::*;

use super::*;
use crate::{
    emit::{self, Output},
    plan::Format,
};

/// Words that some version of some format takes for something else, and characters that matter to one.
const PIECES: &[&str] = &[
    "a",
    "b",
    "0",
    "1",
    "9",
    "e",
    "x",
    "_",
    ".",
    "-",
    "+",
    ":",
    " ",
    " ",
    "\n",
    "\n",
    "\t",
    "\r",
    "#",
    "'",
    "\"",
    "\\",
    "|",
    ">",
    "%",
    "@",
    "`",
    "!",
    "&",
    "*",
    "?",
    "[",
    "]",
    "{",
    "}",
    ",",
    "=",
    "<",
    "~",
    "$",
    "é",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "🦀",
    "\u{1}",
    "\u{7f}",
    "\u{fffe}",
    "word",
    "\n  ",
    "\n- ",
    ": ",
    " #",
    "null",
    "No",
    "yes",
    "TRUE",
    "off",
    ".inf",
    "-.INF",
    ".nan",
    "<<",
    "0x1F",
    "0b1",
    "0o17",
    "017",
    "1_000",
    "1e3",
    "12:30",
    "2026-11-21",
    "T10:00:00",
    "1.10",
    "---",
    "...",
    "\u{3000}",
    "\u{0}",
    "\u{1b}",
    "\"\"\"",
    "'''",
    "\\u0041",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z][a-zA-Z0-9./-]{0,12}",
        3 => prop::collection::vec(prop::sample::select(PIECES), 0..6).prop_map(|pieces| pieces.concat()),
        1 => prop::collection::vec(any::<char>(), 0..6).prop_map(|chars| chars.into_iter().collect()),
        1 => "[0-9+._:eExob -]{1,8}",
        1 => "[a-z]{1,4}(\n[ a-z#:\t-]{0,5}){1,4}\n?",
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![40 => text(), 1 => "[a-zé]{1020,1028}", 1 => "[\"a]{1020,1028}"]
}

fn float() -> impl Strategy<Value = f64> {
    let wild = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |number| number.is_finite());
    let tame = (-100_000_i32..100_000, 0..8).prop_map(|(number, power)| f64::from(number) / 10_f64.powi(power));
    let edge = prop::sample::select(vec![0.0, -0.0, 1e15, 1e16, 1e17, 1e-4, 1e-5, 1e-6, 5e-324, f64::MAX]);
    prop_oneof![wild, tame, edge]
}

fn scalar() -> impl Strategy<Value = Output> {
    prop_oneof![
        1 => Just(Output::Null),
        1 => any::<bool>().prop_map(Output::Bool),
        1 => any::<i64>().prop_map(Output::Int),
        1 => (-3_i64..10_000).prop_map(Output::Int),
        1 => float().prop_map(Output::Float),
        6 => text().prop_map(Output::String),
    ]
}

fn tree() -> impl Strategy<Value = Output> {
    scalar().prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Output::List),
            prop::collection::vec((key(), inner), 0..6).prop_map(Output::map),
        ]
    })
}

/// A tree in the terms of the printers.
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

/// The lines of comments at the beginning of a text, as the printers take them.
fn header(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    lines.map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(""))).collect()
}

/// Whether every bit is the same; a comparison would let `-0.0` be `0.0`.
fn same(a: &Output, b: &Output) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

fn read(format: Format, text: &str) -> Result<Node<'_>, Unreadable> {
    match format {
        Format::Yaml => yaml::parse(text),
        Format::Toml => toml::parse(text),
        Format::Json => json::parse(text),
        Format::Ini => panic!("INI is not read"),
    }
}

const FORMATS: &[Format] = &[Format::Yaml, Format::Toml, Format::Json];

/// A tree as TOML has it: without nulls, and the values of a table before its sub-tables.
fn as_toml(tree: &Output) -> Output {
    let Output::Map(entries) = without_null(tree) else { panic!("the root is a map") };
    tables_last(entries)
}

fn tables_last(entries: Vec<(SmolStr, Output)>) -> Output {
    let is_map = |output: &Output| matches!(output, Output::Map(_));
    let is_table = |output: &Output| match output {
        Output::List(items) => !items.is_empty() && items.iter().all(is_map),
        other => is_map(other),
    };
    let (tables, values): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(_, value)| is_table(value));
    let below = |output: Output| match output {
        Output::Map(entries) => tables_last(entries),
        other => other,
    };
    let tables = tables.into_iter().map(|(key, value)| match value {
        Output::List(items) => (key, Output::List(items.into_iter().map(below).collect())),
        other => (key, below(other)),
    });
    Output::Map(values.into_iter().chain(tables).collect())
}

fn without_null(tree: &Output) -> Output {
    match tree {
        Output::List(items) => {
            Output::List(items.iter().filter(|item| **item != Output::Null).map(without_null).collect())
        }
        Output::Map(entries) => {
            let said = entries.iter().filter(|(_, value)| *value != Output::Null);
            Output::map(said.map(|(key, value)| (key.clone(), without_null(value))))
        }
        scalar => scalar.clone(),
    }
}

fn assert_reads_back(format: Format, tree: &Output, head: &str) {
    let text = emit::file(format, tree, head);
    match read(format, &text) {
        Ok(node) => assert!(same(&output(&node), tree), "{text}\nis read as {node:?}"),
        Err(why) => panic!("{format:?} line {}: {}\n{text}{text:?}", why.line, why.message),
    }
}

/// What is read would have been printed like this, to the byte.
fn assert_exact(format: Format, text: &str) -> bool {
    match read(format, text) {
        Ok(node) => {
            let again = emit::file(format, &output(&node), &header(text));
            assert_eq!(again, text, "{format:?} was read, and is printed otherwise");
            true
        }
        Err(why) => {
            let lines = text.split('\n').count();
            assert!(why.line >= 1 && why.line as usize <= lines, "{format:?} line {} of {lines}\n{text}", why.line);
            false
        }
    }
}

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }

    fn place(&mut self, text: &str) -> usize {
        let at = self.roll(text.len() + 1);
        (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
    }

    /// The text with something inserted, removed, replaced, repeated or moved.
    fn mutated(&mut self, text: &str) -> String {
        let piece = PIECES[self.roll(PIECES.len())];
        let (a, b) = (self.place(text), self.place(text));
        let end = text[a..].chars().next().map_or(a, |c| a + c.len_utf8());
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let (x, y) = (self.roll(lines.len()), self.roll(lines.len()));
        match self.roll(8) {
            0 => format!("{}{piece}{}", &text[..a], &text[a..]),
            1 => format!("{}{}", &text[..a], &text[end..]),
            2 => format!("{}{piece}{}", &text[..a], &text[end..]),
            3 => text[a.min(b)..a.max(b)].to_owned(),
            4 if !lines.is_empty() => {
                lines.remove(x);
                lines.concat()
            }
            5 if !lines.is_empty() => {
                lines.swap(x, y);
                lines.concat()
            }
            6 if !lines.is_empty() => {
                lines.insert(y, lines[x]);
                lines.concat()
            }
            _ => lines
                .iter()
                .enumerate()
                .map(|(at, line)| format!("{}{line}", if at == x { "  " } else { "" }))
                .collect(),
        }
    }
}

/// The seconds for which this thread ran, whatever else runs; by the clock where the system does not tell.
#[expect(clippy::disallowed_methods, reason = "a test takes the time")]
fn spent<R>(work: impl Fn() -> R) -> f64 {
    let start = std::time::Instant::now();
    let ran = || -> Option<f64> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
    };
    let before = ran();
    std::hint::black_box(work());
    before.zip(ran()).map_or(start.elapsed().as_secs_f64(), |(before, after)| after - before)
}

/// Files that were printed and committed.
fn committed(format: Format) -> Vec<String> {
    let end = match format {
        Format::Yaml => "yaml",
        Format::Toml => "toml",
        Format::Json => "json",
        Format::Ini => "ini",
    };
    let mut folders = vec!["out".into(), "tests/golden".into()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let folder: std::path::PathBuf = folder;
        for entry in folder.read_dir().expect("the tests run in the repository") {
            let path = entry.expect("readable").path();
            if path.ends_with("out/charts") {
                continue; // charts are written by people
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == end) {
                found.push(path);
            }
        }
    }
    found.sort();
    #[expect(clippy::disallowed_methods, reason = "a test reads files")]
    found.into_iter().map(|path| std::fs::read_to_string(path).expect("text")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_printed_is_read_back(tree in tree()) {
        assert_reads_back(Format::Yaml, &tree, "generated\n\ndo not edit");
        assert_reads_back(Format::Json, &tree, "");
        for root in [&tree, &Output::map([("root", tree.clone())])] {
            if matches!(root, Output::Map(_)) {
                assert_reads_back(Format::Toml, &as_toml(root), "generated\n\ndo not edit");
                assert_exact(Format::Toml, &emit::toml(root, ""));
            }
        }
    }

    /// What we print is YAML for everybody.
    #[test]
    fn what_is_printed_is_read_alike(tree in tree()) {
        let text = emit::yaml(&tree, "head");
        let alike = super::foreign::documents(&text).expect("YAML");
        prop_assert!(same(&output(&alike[0]), &tree), "{}\nis read as {:?}", text, alike);
    }

    #[test]
    fn texts_have_one_spelling(line in text(), word in "[ -~]{0,12}") {
        for line in [line, word] {
            for text in [format!("{line}\n"), format!("a: {line}\n"), format!("{line}: 1\n"), format!("- \"{line}\"\n"), format!("- '{line}'\n")] {
                assert_exact(Format::Yaml, &text);
            }
            for text in [format!("a = {line}\n"), format!("a = \"{line}\"\n"), format!("a = '{line}'\n"), format!("a = \"\"\"{line}\"\"\"\n"), format!("a = \"\"\"\n{line}\"\"\"\n"), format!("a = '''{line}'''\n"), format!("{line} = 1\n"), format!("\"{line}\" = 1\n")] {
                assert_exact(Format::Toml, &text);
            }
            for text in [format!("\"{line}\"\n"), format!("{line}\n"), format!("{{\n  \"{line}\": 1\n}}\n")] {
                assert_exact(Format::Json, &text);
            }
            for header in ["|", "|-", "|+", ">"] {
                assert_exact(Format::Yaml, &format!("a: {header}\n  {}\n", line.replace('\n', "\n  ")));
            }
        }
    }

    #[test]
    fn no_text_panics_a_reader(text in any::<String>(), pieces in prop::collection::vec(prop::sample::select(PIECES), 0..30)) {
        let text = if text.len() % 2 == 0 { text } else { pieces.concat() };
        for format in FORMATS {
            assert_exact(*format, &text);
        }
    }
}

#[test]
fn committed_files_are_read() {
    for format in FORMATS {
        let texts = committed(*format);
        assert!(texts.len() > 5, "{format:?}: {}", texts.len());
        for text in texts {
            assert!(assert_exact(*format, &text), "{format:?} {:?}\n{text}", read(*format, &text));
        }
    }
}

/// One byte, one line, one word: either the text is still one that is printed, or it is refused.
#[test]
fn broken_texts_are_refused_or_printed_like_that() {
    let mut dice = Dice(20_261_121);
    for format in FORMATS {
        let texts = committed(*format);
        let mut taken = 0;
        for turn in 0..7_000 {
            let mut text = texts[turn % texts.len()].clone();
            for _ in 0..=dice.roll(3) {
                text = dice.mutated(&text);
            }
            taken += usize::from(assert_exact(*format, &text));
            if turn % 4 == 0 {
                // Nothing panics the lenient reader either.
                let _ = super::foreign::documents(&text);
            }
        }
        assert!((200..6_000).contains(&taken), "{format:?}: {taken}");
    }
}

#[test]
fn lines_are_those_of_keys_and_items() {
    let text = "# head\na: 1\nb:\n- x\n- c: |\n    y\n\n    z\n  d: {}\ne:\n  f: \"g\\t\"\n";
    let node = yaml::parse(text).expect("printed like that");
    let line = |path: &[&str]| node.at(path).map(|node| node.line);
    assert_eq!((node.line, line(&["a"]), line(&["b"]), line(&["e", "f"])), (1, Some(2), Some(3), Some(11)));
    let items = node.get("b").expect("there").items();
    assert_eq!(items.iter().map(|item| item.line).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(items[1].entries().iter().map(|(_, node)| node.line).collect::<Vec<_>>(), [5, 9]);
    assert_eq!(items[1].get("c").and_then(Node::as_str), Some("y\n\nz\n"));
}

#[test]
fn yaml_that_is_not_printed_is_refused_with_its_line() {
    let cases = [
        ("", 1, "line break"),
        ("a: 1", 1, "line break"),
        ("# x\n", 2, "nothing"),
        ("#x\na: 1\n", 1, "comment"),
        ("a: 1\n# x\n", 2, "key"),
        ("a: 1 # x\n", 1, "needs quotes"),
        ("a: &x 1\n", 1, "needs quotes"),
        ("a: *x\n", 1, "needs quotes"),
        ("a: !!str 1\n", 1, "needs quotes"),
        ("<<: 1\n", 1, "key"),
        ("a: [1]\n", 1, "lines of their own"),
        ("a: {b: 1}\n", 1, "lines of their own"),
        ("a: 1\n\tb: 2\n", 2, "key"),
        ("a: 1\na: 2\n", 2, "already"),
        ("a:\n  b: 1\n  b: 2\n", 3, "already"),
        ("a:\n  - x\n", 2, "indented"),
        ("a:\n   b: 1\n", 2, "indented"),
        ("a:\n  b: 1\n c: 2\n", 3, "indented"),
        ("a:\n  x\n", 2, "colon"),
        ("a: yes\n", 1, "needs quotes"),
        ("a: 017\n", 1, "needs quotes"),
        ("a: 12:30:00\n", 1, "needs quotes"),
        ("a: 2026-11-21\n", 1, "needs quotes"),
        ("a: 1e3\n", 1, "needs quotes"),
        ("a: ~\n", 1, "needs quotes"),
        ("a:\n", 2, "indented"),
        ("a: x \n", 1, "blanks"),
        ("a: \n", 1, "blanks"),
        ("a: x\r\n", 1, "needs quotes"),
        ("a: x\n\nb: y\n", 2, "empty line"),
        ("a: \"x\"\n", 1, "no quotes"),
        ("a: 'x'\n", 1, "single quotes"),
        ("a: \"\\x41\"\n", 1, "escape"),
        ("a: \"1\n", 1, "closing"),
        ("a: \"1\" x\n", 1, "behind"),
        ("a: |\n  x\n", 1, ""),
        ("a: |-\n  x\n", 3, "literal"),
        ("a: |2\n  x\n", 1, "literal"),
        ("a: >\n  x\n", 1, "needs quotes"),
        ("a: |\n  x\n\n", 4, "literal"),
        ("---\na: 1\n", 1, "readers"),
        ("a: 1\n---\nb: 1\n", 2, "key"),
        ("a: 9223372036854775808\n", 1, "needs quotes"),
        ("- a\nb: 1\n", 2, "belong"),
        ("? a\n: 1\n", 1, "1024"),
        (" a: 1\n", 1, "indented"),
        ("\u{feff}a: 1\n", 1, "key"),
    ];
    for (text, line, why) in cases {
        match yaml::parse(text) {
            Ok(node) => assert_eq!(why, "", "{text:?} is read as {node:?}"),
            Err(found) => {
                assert!(!why.is_empty() && found.message.contains(why), "{text:?}: {found:?}");
                assert_eq!(found.line, line, "{text:?}: {found:?}");
            }
        }
    }
}

#[test]
fn toml_and_json_that_are_not_printed_are_refused_with_their_line() {
    let cases = [
        ("a = 1\n\n[b]\nc = 1\n\n[b]\nd = 1\n", 6, "already"),
        ("[a.b]\nc = 1\n\n[d]\n\n[a.e]\nf = 1\n", 6, "above already"),
        ("[a.b]\nc = 1\n\n[a]\nd = 1\n", 4, "already"),
        ("[a]\n\n[a.b]\nc = 1\n", 3, "nothing in it"),
        ("a = 1\n[b]\n", 2, "empty line"),
        ("a = 1\na = 2\n", 2, "already"),
        ("a = 1\n\n[a]\n", 3, "above already"),
        ("a = [1]\n\n[[a]]\n", 3, "above already"),
        ("a = { b = 1 }\n", 1, "header"),
        ("a = [{ b = 1 }]\n", 1, "headers"),
        ("a.b = 1\n", 1, "equals"),
        ("a = 1979-05-27\n", 1, "value"),
        ("a = 1_000\n", 1, "value"),
        ("a = 'b'\n", 1, "spelled"),
        ("a = 1 # b\n", 1, "behind"),
        ("# a\na = 1\n", 2, "empty line"),
        ("# a\n\n", 3, "empty line at the end"),
        ("\na = 1\n", 1, "header"),
        ("a = \"\"\"\nb\nc\"\"\"\nd = x\n", 4, "value"),
        ("a = 1", 1, "behind"),
    ];
    for (text, line, why) in cases {
        let found = toml::parse(text).expect_err(text);
        assert!(found.message.contains(why) && found.line == line, "{text:?}: {found:?}");
    }
    let cases = [
        ("", 1, "value"),
        ("{}", 1, "line break"),
        ("{}\n\n", 1, "behind"),
        ("{ }\n", 1, "line break"),
        ("{\n  \"a\": 1,\n  \"a\": 2\n}\n", 3, "already"),
        ("{\n  \"a\": 1,\n}\n", 3, "indented"),
        ("{\n \"a\": 1\n}\n", 2, "indented"),
        ("{\n  \"a\":1\n}\n", 2, "colon"),
        ("[\n  01\n]\n", 2, "value"),
        ("[\n  1.50\n]\n", 2, "value"),
        ("\"\\u0041\"\n", 1, "spelled"),
        ("\"\\/\"\n", 1, "spelled"),
        ("\"a\n", 1, "quote"),
    ];
    for (text, line, why) in cases {
        let found = json::parse(text).expect_err(text);
        assert!(found.message.contains(why) && found.line == line, "{text:?}: {found:?}");
    }
}

/// A time that grows with the square of the length would be minutes here, read or refused.
#[test]
fn time_grows_with_the_length() {
    let pieces = [
        "- a\n",
        "k: 1\n",
        "- k: 1\n",
        "- \"\\t\"\n",
        "  a\n",
        "# a\n",
        "- \"a\\\n",
        "- a:b\n",
        "a #",
        "\"",
        "a = 1\n",
        "[a]\n",
        "\n[[a]]\n",
        "x",
        "'",
        "\"\"\"",
        "\\",
        " ",
        "\n",
        "  1,\n",
        "0",
        "_",
        "9.",
        "1:",
    ];
    let mut slow = Vec::new();
    for (format, piece) in FORMATS.iter().flat_map(|format| pieces.map(|piece| (format, piece))) {
        for head in ["", "|\n", "a: |\n  x\n", "a: ", "- \"", "a = ", "a = \"\"\"", "a = '''", "{\n", "[\n", "\""] {
            let text = format!("{head}{}\n", piece.repeat(100_000));
            let seconds = spent(|| read(*format, &text).is_ok());
            if seconds > 8.0 {
                slow.push((*format, head, piece, seconds));
            }
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
    let keys = |spelled: fn(usize) -> String| (0..50_000).map(spelled).collect::<String>();
    assert_eq!(yaml::parse(&keys(|at| format!("k{at}: 1\n"))).expect("printed so").entries().len(), 50_000);
    assert_eq!(toml::parse(&keys(|at| format!("k{at} = 1\n"))).expect("printed so").entries().len(), 50_000);
    let tables = keys(|at| format!("\n[t.k{at}]\na = 1\n"));
    assert_eq!(toml::parse(&tables[1..]).expect("printed so").entries()[0].1.entries().len(), 50_000);
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| (0..depth).fold(Output::Null, |inner, _| Output::List(vec![inner]));
    assert_reads_back(Format::Yaml, &nested(yaml::MAX_DEPTH), "");
    assert_reads_back(Format::Json, &nested(100), "");
    assert_reads_back(Format::Toml, &Output::map([("a", without_null(&nested(100)))]), "");
    for deep in [
        "[\n".repeat(100_000),
        "[".repeat(100_000),
        "{ a = ".repeat(100_000),
        "a = ".to_owned() + &"[".repeat(100_000),
        "[".to_owned() + &"a.".repeat(100_000),
    ] {
        assert!(json::parse(&deep).is_err() && toml::parse(&deep).is_err());
    }
    for deep in ["- ".repeat(1_000_000), "[".repeat(1_000_000), "a:\n".repeat(100_000)] {
        assert!(yaml::parse(&(deep + "x\n")).is_err());
    }
    let stairs: String = (0..2_000).map(|depth| format!("{}a:\n", "  ".repeat(depth))).collect();
    assert!(yaml::parse(&stairs).is_err_and(|why| why.line == 129 && why.message.contains("deep")));
}
