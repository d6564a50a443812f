use proptest::prelude::*;

use super::*;

fn all() -> Output {
    Output::map([
        ("plain", Output::string("text")),
        ("number", Output::string("1.10")),
        ("list", Output::strings(["x", "y"])),
        (
            "nested",
            Output::List(vec![
                Output::map([("c", Output::Int(1)), ("d", Output::List(vec![Output::strings(["p", "q"])]))]),
                Output::map([("e", Output::Bool(true))]),
            ]),
        ),
        ("block", Output::string("a\nb: 2\n\n- c\n")),
        ("quoted", Output::string("a: b\n\tc")),
        ("map", Output::map([("key: x", Output::Float(1.5)), ("no", Output::map([("empty", Output::string(""))]))])),
    ])
}

#[test]
fn yaml_looks_like_this() {
    let expected = "\
# first

# second
plain: text
number: \"1.10\"
list:
- x
- \"y\"
nested:
- c: 1
  d:
  - - p
    - q
- e: true
block: |
  a
  b: 2

  - c
quoted: \"a: b\\n\\tc\"
map:
  \"key: x\": 1.5
  \"no\":
    empty: \"\"
";
    assert_eq!(yaml(&all(), "first\n\nsecond"), expected.replace("first\n\n", "first\n#\n"));
}

#[test]
fn toml_looks_like_this() {
    let expected = "\
# first

plain = \"text\"
number = \"1.10\"
list = [\"x\", \"y\"]
block = \"\"\"
a
b: 2

- c
\"\"\"
quoted = \"\"\"
a: b
\\tc\"\"\"

[[nested]]
c = 1
d = [[\"p\", \"q\"]]

[[nested]]
e = true

[map]
\"key: x\" = 1.5

[map.no]
empty = \"\"
";
    assert_eq!(toml(&all(), "first"), expected);
}

#[test]
fn json_looks_like_this() {
    let output = Output::map([("a", Output::strings(["x"])), ("b", Output::map([("c", Output::Null)]))]);
    assert_eq!(json(&output), "{\n  \"a\": [\n    \"x\"\n  ],\n  \"b\": {\n    \"c\": null\n  }\n}\n");
    assert_eq!(json_compact(&output), r#"{"a":["x"],"b":{"c":null}}"#);
}

#[test]
fn ini_looks_like_this() {
    let inner = Output::map([("x", Output::Float(1.0)), ("deep", Output::map([("y", Output::Bool(false))]))]);
    let output = Output::map([("section", inner), ("list", Output::strings(["a", "b"])), ("gone", Output::Null)]);
    assert_eq!(ini(&output, "first"), "# first\nlist = a,b\n\n[section]\nx = 1.0\n\n[section.deep]\ny = false\n");
}

#[test]
fn ini_cannot_say_everything() {
    for text in ["a", "a=b", "/x:y", "", "50%", "a;b", "ä \"b\""] {
        assert!(ini_can_say_value(text), "{text:?}");
    }
    for text in ["a\nb", " a", "a\t", "# a", "a ; b", "\"a\"", "a\u{2028}b"] {
        assert!(!ini_can_say_value(text), "{text:?}");
    }
    assert!(ini_can_say_key("log_level") && !ini_can_say_key("a=b") && !ini_can_say_key(""));
}

#[test]
fn large_integers_are_not_safe() {
    assert!(safe_integer((1 << 53) - 1) && safe_integer(-(1 << 53) + 1));
    assert!(!safe_integer(1 << 53) && !safe_integer(i64::MIN));
}

#[test]
fn formats_without_null_leave_it_out() {
    let output = Output::map([("a", Output::Null), ("b", Output::List(vec![Output::Null, Output::Int(1)]))]);
    assert_eq!(toml(&output, ""), "b = [1]\n");
    assert_eq!(toml(&Output::Null, ""), "");
    assert_eq!(yaml(&output, ""), "a: null\nb:\n- null\n- 1\n");
}

#[test]
fn no_line_of_yaml_ends_with_blanks() {
    for text in ["a\n\nb", "a \nb", "a\n\n", "a\n \nb", "a\t\nb\n", "a\n\u{a0}\nb"] {
        let printed = yaml(&Output::map([("k", Output::List(vec![Output::string(text)]))]), "");
        assert!(printed.lines().all(|line| line.trim_end() == line), "{printed:?}");
    }
}

/// Replaces every scalar by a text that occurs once in the tree.
fn number_leaves(output: &mut Output, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, String)>) {
    match output {
        Output::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(index.to_string());
                number_leaves(item, path, leaves);
                path.pop();
            }
        }
        Output::Map(entries) => {
            for (key, value) in entries {
                path.push(key.to_string());
                number_leaves(value, path, leaves);
                path.pop();
            }
        }
        scalar => {
            let text = format!("leaf{}.", leaves.len());
            leaves.push((path.clone(), text.clone()));
            let tail = if *scalar == Output::Null { "\nkey: 1\n\n- item\n" } else { "" };
            *scalar = Output::String(text + tail);
        }
    }
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{1,2}",
        "[ -~]{0,6}",
        Just("no".to_owned()),
        Just("- a".to_owned()),
        Just("a: b".to_owned()),
        Just("a\nb".to_owned()),
        Just("0".to_owned()),
        Just("ä\"'".to_owned()),
    ]
}

fn trees(keys: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = Output> {
    let leaf = prop_oneof![Just(Output::Null), Just(Output::Bool(true))];
    let tree = leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Output::List),
            prop::collection::vec((keys.clone(), inner), 0..5).prop_map(Output::map),
        ]
    });
    prop::collection::vec(("[a-z]{1,8}", tree), 1..4).prop_map(Output::map)
}

fn assert_located(format: Format, tree: &Output) {
    let (mut tree, mut leaves) = (tree.clone(), Vec::new());
    number_leaves(&mut tree, &mut Vec::new(), &mut leaves);
    let text = file(format, &tree, "generated\n\ndo not edit");
    let lines: Vec<&str> = text.lines().collect();
    for (path, leaf) in leaves {
        let line = line_of(format, &text, &path).unwrap_or_else(|| panic!("no line for {path:?} in\n{text}"));
        // A text over several lines may begin below its key.
        let found = lines[line - 1].contains(&leaf)
            || (lines[line - 1].ends_with(['|', '-', '"']) && lines.get(line).is_some_and(|line| line.contains(&leaf)));
        assert!(found, "{path:?} = {leaf} is not on line {line} of\n{text}");
    }
}

proptest! {
    #[test]
    fn every_leaf_is_located(tree in trees(keys().boxed())) {
        assert_located(Format::Yaml, &tree);
        assert_located(Format::Json, &tree);
        assert_located(Format::Toml, &tree);
    }

    #[test]
    fn every_leaf_of_ini_is_located(root in prop::collection::vec(("[a-z]{1,3}", any::<bool>()), 1..6), inner in prop::collection::vec(("[a-z]{1,3}", any::<bool>()), 1..6)) {
        let section = |entries: &[(String, bool)]| Output::map(entries.iter().map(|(key, value)| (key, Output::Bool(*value))));
        let Output::Map(mut tree) = section(&root) else { unreachable!() };
        tree.push(("Section".into(), section(&inner)));
        tree.push(("List".into(), Output::strings(["a", "b"])));
        assert_located(Format::Ini, &Output::Map(tree));
    }
}

#[test]
fn a_path_that_is_not_there_has_no_line() {
    let text = yaml(&all(), "");
    for path in [vec!["nope"], vec!["list", "2"], vec!["list", "x"], vec!["plain", "deeper"], vec!["nested", "1", "c"]]
    {
        let path: Vec<String> = path.into_iter().map(str::to_owned).collect();
        assert_eq!(line_of(Format::Yaml, &text, &path), None, "{path:?}");
    }
}

/// Texts at the edges of what YAML takes for something else, and any others.
fn hostile() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "",
        "~",
        "y",
        "No",
        "ON",
        "TRUE",
        "null",
        "Nan",
        "-inf",
        "<<",
        "=",
        "-",
        ".",
        "#",
        "---",
        "...",
        "--- a",
        "- a",
        "? a",
        "a:",
        "a: b",
        "a #b",
        "a#b",
        "2001-01-01",
        "1:30",
        "0x1f",
        "0o7",
        "0b1",
        "1e5",
        "1_000",
        "+1",
        ".5",
        "-c",
        "--flag",
        "1Gi",
        "500m",
        "30s",
        "1.10",
        "0.0.0.0:8080",
        "/bin/sh",
        "${A}",
        "$(A)",
        "{\"a\": 1}",
        "[a]",
        "'",
        "\"",
        "a\\b",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        ",a",
        " a",
        "a ",
        "\t",
        "a\tb",
        "a\nb",
        "a\n",
        "a\nb\n",
        "a\n\nb\n\n",
        "\na",
        "a\n b\n",
        "a \nb",
        "ä",
        "\u{fffe}\na",
        "\u{feff}",
        "\u{85}",
        "a\r\nb",
        "none",
        "é: ü",
    ]);
    prop_oneof![
        4 => word.prop_map(str::to_owned),
        2 => "[0-9a-fA-FgGixobeEtTzZ_.:+, -]{1,12}",
        2 => "[ -~]{0,12}",
        1 => "[ -~\\n\\t]{0,16}",
        1 => "\\PC{0,6}",
        1 => any::<String>(),
    ]
}

fn scalars() -> impl Strategy<Value = Output> {
    prop_oneof![
        8 => hostile().prop_map(Output::String),
        1 => any::<i64>().prop_map(Output::Int),
        1 => prop::num::f64::NORMAL.prop_map(Output::Float),
        1 => any::<bool>().prop_map(Output::Bool),
        1 => Just(Output::Null),
    ]
}

fn hostile_trees() -> impl Strategy<Value = Output> {
    scalars().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Output::List),
            prop::collection::vec((hostile(), inner), 0..4).prop_map(Output::map),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn yaml_is_what_the_library_prints(tree in hostile_trees()) {
        prop_assert_eq!(yaml(&tree, ""), super::yaml::by_library(&tree));
    }

    #[test]
    fn a_text_is_spelled_as_the_library_spells_it(text in hostile()) {
        let tree = Output::map([(text.as_str(), Output::List(vec![Output::string(text.as_str())]))]);
        prop_assert_eq!(yaml(&tree, ""), super::yaml::by_library(&tree));
    }
}

#[test]
fn keys_that_need_a_line_of_their_own_are_left_to_the_library() {
    let tree = Output::map([("a".repeat(2000), Output::map([("b", Output::string("c\nd\n"))]))]);
    assert_eq!(yaml(&tree, ""), super::yaml::by_library(&tree));
    assert!(yaml(&tree, "").starts_with("? aaa"));
}
