use super::*;
use crate::source::SourceId;

fn source(text: &str) -> Source {
    Source { id: SourceId(0), name: "dev.kdl".to_owned(), text: text.to_owned() }
}

/// The text laid out, which is itself laid out.
fn laid_out(text: &str) -> String {
    let mut diags = Diags::default();
    let once = format(&source(text), &mut diags);
    let twice = format(&source(&once), &mut diags);
    assert!(!diags.has_errors(), "{text:?}: {diags:?}");
    assert_eq!(once, twice, "{text:?} laid out twice");
    once
}

#[test]
fn blanks_and_lines_have_one_form() {
    for (text, expected) in [
        ("", ""),
        (" \n\t\n", ""),
        ("\u{FEFF}a 1", "a 1\n"),
        ("\n\na\n\n\n\nb\n\n", "a\n\nb\n"),
        ("a   1\t2  ", "a 1 2\n"),
        ("a\u{A0}b\u{3000}c", "a b c\n"),
        ("a 1\r\n\r\n\r\nb 2\r\n", "a 1\n\nb 2\n"),
        ("a k = ( t ) 1 ( t ) 2", "a k=(t)1 (t)2\n"),
        ("( t ) a", "(t)a\n"),
        ("a { b 1 ;c  2; }", "a { b 1; c 2 }\n"),
        ("a{b}", "a { b }\n"),
        ("a { }\nb{}", "a {}\nb {}\n"),
        ("a {\n}", "a {\n}\n"),
        ("a; b;\nc;", "a\nb\nc\n"),
        ("a {\n\n\n  b; c\n\n   d { e; f }\n\n}", "a {\n    b\n    c\n\n    d { e; f }\n}\n"),
        ("a { b\n c }", "a {\n    b\n    c\n}\n"),
        ("a { b { c\n } }", "a {\n    b {\n        c\n    }\n}\n"),
        ("a { b {\n c }; d } ; e", "a {\n    b {\n        c\n    }\n    d\n}\ne\n"),
    ] {
        assert_eq!(laid_out(text), expected, "{text:?}");
    }
}

#[test]
fn comments_stay_where_they_are() {
    for (text, expected) in [
        ("//  one \n a // two\n", "//  one \na // two\n"),
        ("a {  //one\n\n b\n  // two\n\n}", "a { //one\n    b\n    // two\n}\n"),
        ("a; // one\nb;/* two */\nc; /* three */ d", "a // one\nb /* two */\nc\n/* three */ d\n"),
        ("a/* x */b /*\n  y\r\n */ 1", "a /* x */ b /*\n  y\n */ 1\n"),
        ("a { /* x */ }", "a { /* x */ }\n"),
        ("a { b;/* x */}", "a { b; /* x */ }\n"),
        ("a { /* x */ b\n}", "a {\n    /* x */ b\n}\n"),
        ("a { /* x */ // y\n\n b }", "a { /* x */ // y\n    b\n}\n"),
        ("a\n\n\n// b\n// c\n\nd", "a\n\n// b\n// c\n\nd\n"),
        ("a (/* x */t)1 k/* y */=/* z */2", "a (/* x */ t)1 k /* y */=/* z */ 2\n"),
        ("// \u{e9} end", "// \u{e9} end\n"),
        ("a { // x\r\n}\r\n", "a { // x\n}\n"),
    ] {
        assert_eq!(laid_out(text), expected, "{text:?}");
    }
}

#[test]
fn what_is_taken_out_is_laid_out_too() {
    for (text, expected) in [
        ("/-  a   1", "/- a 1\n"),
        ("/-a{b;c}", "/-a { b; c }\n"),
        ("a /-1   /-  k=2 /-{ b } { c }", "a /-1 /- k=2 /-{ b } { c }\n"),
        ("/-\n\n  // why\n  a\nb", "/-\n// why\na\nb\n"),
        ("a /-\n 1 2\nb", "a /-\n    1 2\nb\n"),
        ("/- a {\nb\n}", "/- a {\n    b\n}\n"),
    ] {
        assert_eq!(laid_out(text), expected, "{text:?}");
    }
}

#[test]
fn continued_lines_stay_continued() {
    for (text, expected) in [
        ("a 1\\\n2   \\  // why\n  3\nb", "a 1 \\\n    2 \\ // why\n    3\nb\n"),
        ("a \\\n\nb", "a \\\n\nb\n"),
        ("a \\\n;b", "a \\\n\nb\n"),
        ("a {\n b \\\n 1 { c }\n}", "a {\n    b \\\n        1 { c }\n}\n"),
        ("a { b \\\n 1; c \\\n }", "a { b \\\n    1; c \\\n    }\n"),
        ("a { b \\\n ; c }", "a { b \\\n    ; c }\n"),
        ("\\\n a", "\\\na\n"),
        ("a \\", "a \\\n"),
        ("a k= \\\n 1", "a k= \\\n    1\n"),
        ("a \\\n {\n  b\n }", "a \\\n    {\n    b\n}\n"),
    ] {
        assert_eq!(laid_out(text), expected, "{text:?}");
    }
}

#[test]
fn strings_are_left_alone() {
    for text in [
        "a \"x  y\" #\"raw  \\ \"# ##\"a \"# b\"##\n",
        "a \"one \\\n     line\"\n",
        "a {\n    b \"\"\"\n  first\n\n      second  \n  \"\"\"\n}\n",
        "a { b #\"\"\"\nraw { ; } // no comment\n\"\"\"# }\n",
        "a \"//\" \"/*\" \"{\" \"\\\"{\"\n",
    ] {
        assert_eq!(laid_out(text), text);
    }
    assert_eq!(laid_out("a \"\"\"\r\n  x\r\n  \"\"\"\r\n"), "a \"\"\"\n  x\n  \"\"\"\n");
}

#[test]
fn a_text_with_a_mistake_is_left_alone() {
    let mut diags = Diags::default();
    let text = "a   1\nb: 2\n";
    assert_eq!(format(&source(text), &mut diags), text);
    let codes: Vec<&str> = diags.sorted().iter().map(|finding| finding.code.id).collect();
    assert_eq!(codes, ["TL0011"]);
}

#[test]
fn values_are_hidden_and_names_are_not() {
    for (text, expected) in [
        ("a \"hunter2\" b=hunter2 c=(t)\"x y\" 80 #true", "a \"•••••••\" b=••••••• c=(t)\"• •\" 80 #true"),
        ("a 123456 \"\" \"\"\"\n  x\n  \"\"\"", "a •••••• \"\" \"\"\"\n  •\n  \"\"\""),
        ("a { \"b c\" #\"d\"#; e f }", "a { \"b c\" #\"•\"#; e • }"),
        ("(when)\"x\" { y }\n/- a b", "(when)\"x\" { y }\n/- a •"),
        ("a key=(secret)\"name/key\" b=(secret)\"hunter2\"", "a key=(secret)\"name/key\" b=(secret)\"•••••••\""),
        (
            "// plain words\n// password: hunter2\n/* x \"hunter2\" */",
            "// plain words\n// password• •••••••\n/* x \"•••••••• */",
        ),
        ("// see http://u:p@h", "// see http://•••••"),
        ("/*key*/", "/*key*/"),
        ("a \\\n  hunter2 /* x */ k /* y */ = hunter2", "a \\\n  ••••••• /* x */ k /* y */ = •••••••"),
    ] {
        assert_eq!(masked(text), expected, "{text:?}");
    }
}
