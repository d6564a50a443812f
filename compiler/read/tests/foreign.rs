use std::fmt::Write as _;

use super::*;
use crate::read::foreign::documents;

/// The only document, as printed.
fn one(text: &str) -> String {
    let nodes = documents(text).unwrap_or_else(|why| panic!("{text:?}: {why:?}"));
    assert_eq!(nodes.len(), 1, "{text:?}");
    emit::json_compact(&output(&nodes[0]))
}

fn refused(text: &str) -> Unreadable {
    match documents(text) {
        Ok(nodes) => panic!("{text:?} is read as {nodes:?}"),
        Err(why) => why,
    }
}

#[test]
fn scalars_are_those_of_yaml_1_2() {
    let text =
        "[~, null, '', yes, No, on, true, FALSE, 1, -1, +1, 017, 0o17, 0x1F, 0b1, 1_000, 1.5, .5, 5., 1e3, 12:30,
        2026-11-21, \"1\", 'it''s', \"a\\tb\", -a, 0x, 1.2.3, e1, ., -0, 9223372036854775808, v1, '<<', {}]";
    let expected =
        r#"[null,null,"","yes","No","on",true,false,1,-1,1,17,15,31,"0b1","1_000",1.5,0.5,5.0,1000.0,"12:30","#
            .to_owned()
            + r#""2026-11-21","1","it's","a\tb","-a","0x","1.2.3","e1",".",0,9.223372036854776e+18,"v1","<<",{}]"#;
    assert_eq!(one(text), expected);
}

#[test]
fn styles_and_comments_are_read() {
    assert_eq!(
        one("# head\na: # why\n  - x # y\n  -   b: |\n        c\n         d\n\n      e: >-\n        f\n        g\n"),
        r#"{"a":["x",{"b":"c\n d\n","e":"f g"}]}"#
    );
    assert_eq!(one("{a: [1, {b: c}], \"d\": e}\r\n"), r#"{"a":[1,{"b":"c"}],"d":"e"}"#);
    assert_eq!(one("? a\n: b\n80: c\ntrue: d\n"), r#"{"a":"b","80":"c","true":"d"}"#);
    assert_eq!(one("a:\n- b\n-\n  c: d\n"), r#"{"a":["b",{"c":"d"}]}"#);
    assert_eq!(one("[!!str 1, !!int 2, !!float 3, !!null '', ! 4, !!bool true]"), r#"["1",2,3.0,null,"4",true]"#);
}

#[test]
fn documents_are_told_apart() {
    let kinds = |text: &str| {
        let nodes = documents(text).expect("YAML");
        nodes.iter().map(|node| (node.line, emit::json_compact(&output(node)))).collect::<Vec<_>>()
    };
    assert_eq!(kinds(""), []);
    assert_eq!(kinds("# nothing\n"), []);
    assert_eq!(
        kinds("---\na: 1\n---\n# Source: x\n---\nb: 2\n...\n")
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>(),
        ["{\"a\":1}", "null", "{\"b\":2}"]
    );
    assert_eq!(kinds("a: 1\n---\n\nb: 1\n"), [(1, "{\"a\":1}".to_owned()), (4, "{\"b\":1}".to_owned())]);
}

#[test]
fn aliases_and_merges_are_filled_in() {
    assert_eq!(
        one("a: &x {b: 1}\nc: *x\nd: [&y z, *y]\n*y : k\n"),
        r#"{"a":{"b":1},"c":{"b":1},"d":["z","z"],"z":"k"}"#
    );
    let merged =
        one("x-a: &a {image: i, env: {A: 1}, c: 1}\nx-b: &b {c: 2, d: 2}\ns:\n  c: 3\n  <<: [*a, *b]\n  e: 4\n");
    assert!(merged.ends_with(r#""s":{"c":3,"e":4,"image":"i","env":{"A":1},"d":2}}"#), "{merged}");
    assert_eq!(one("a: &a {b: 1}\nc: {<<: *a, b: 2}\n"), r#"{"a":{"b":1},"c":{"b":2}}"#);
    assert_eq!(one("a: &a 1\nb: &a 2\nc: *a\n"), r#"{"a":1,"b":2,"c":2}"#);
    let nodes = documents("a: &a\n  b: 1\nc:\n  <<: *a\n  d: 2\n").expect("YAML");
    assert_eq!(nodes[0].at(&["c", "b"]).map(|node| node.line), Some(2));
    assert_eq!(nodes[0].at(&["c", "d"]).map(|node| node.line), Some(5));
    assert_eq!(one("'<<': 1\n"), r#"{"<<":1}"#);
}

#[test]
fn what_cannot_be_read_has_a_line() {
    for (text, line, why) in [
        ("a: 1\nb: 2\na: 3\n", 3, "already"),
        ("a: {b: 1,\n  b: 2}\n", 2, "already"),
        ("1: x\n\"1\": y\n", 2, "already"),
        ("a: b: c\n", 1, "no YAML"),
        ("a: 1\n\tb: 2\n", 1, "no YAML"),
        ("a:\n  - b\n c: 1\n", 3, "no YAML"),
        ("a: *x\n", 1, "no YAML"),
        ("---\na: &x 1\n---\nb: *x\n", 4, "no YAML"),
        ("a: &x\n  b: *x\n", 2, "within"),
        ("a: 1\nb: !reset null\n", 2, "tag"),
        ("a: !!int x\n", 1, "tag"),
        ("? [a]\n: b\n", 1, "key"),
        ("? {a: 1}\n: b\n", 1, "key"),
        ("a: &x [1]\n*x : b\n", 2, "key"),
        ("a: 1\n<<: 2\n", 2, "merges"),
        ("a: 'x\n", 2, "no YAML"),
        ("a: [1\n", 1, "no YAML"),
        ("{{ x }}\n", 1, "key"),
    ] {
        let found = refused(text);
        assert!(found.message.contains(why), "{text:?}: {found:?}");
        assert_eq!(found.line, line, "{text:?}: {found:?}");
    }
}

#[test]
fn no_text_of_a_foreign_file_is_repeated() {
    for text in [
        "password: hunter2: x\n",
        "password: 'hunter2\n",
        "a: *hunter2\n",
        "hunter2: 1\nhunter2: 2\n",
        "a: !hunter2 b\n",
    ] {
        assert!(!refused(text).message.contains("hunter2"), "{text:?}");
    }
}

#[test]
fn bombs_are_refused_in_bounded_time() {
    let mut laughs = "a0: &a0 [lol, lol]\n".to_owned();
    for at in 1..60 {
        let names = vec![format!("*a{}", at - 1); 9].join(", ");
        writeln!(laughs, "a{at}: &a{at} [{names}]").expect("a string takes all");
    }
    assert!(refused(&laughs).message.contains("too large"));
    let long = format!("a: &a \"{}\"\nb:\n{}", "x".repeat(1 << 20), "- *a\n".repeat(1_000));
    assert!(refused(&long).message.contains("too large"));
    let mut deep = "a0: &a0 [x]\n".to_owned();
    for at in 1..200 {
        writeln!(deep, "a{at}: &a{at} [*a{}]", at - 1).expect("a string takes all");
    }
    assert!(refused(&deep).message.contains("too deep"));
    for nested in
        ["[", "{a: ", "- ", "? ", "a:\n", "- [", "!!str ", "&a ", "--- ", "\"", "|\n", "a: &a *a ", "#\n", "%a\n"]
    {
        let _ = documents(&nested.repeat(100_000));
    }
    let stairs: String = (0..1_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(documents(&stairs).is_err());
}

/// A time that grows with the square of the length would be minutes here, and is a second at most.
#[test]
fn time_grows_with_the_length() {
    let mut slow = Vec::new();
    for piece in [
        "- a\n",
        "a\n",
        "\"a\n",
        "- [a, b]\n",
        "# a\n",
        "- 'a\n",
        "k: |\n a\n",
        "- {a: b}\n",
        "? a\n",
        "- - a\n",
        "\n",
        " \n",
        "- \"\\u0041\"\n",
    ] {
        let text = piece.repeat(100_000);
        let seconds = spent(|| documents(&text).is_ok());
        if seconds > 8.0 {
            slow.push((piece, seconds));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
    let keys: String = (0..50_000).map(|at| format!("k{at}: 1\n")).collect();
    assert_eq!(documents(&keys).expect("YAML")[0].entries().len(), 50_000);
}
