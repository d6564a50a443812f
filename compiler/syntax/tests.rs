use super::*;
use crate::diag::Finding;
use crate::source::SourceId;

fn source(text: &str) -> Source {
    Source { id: SourceId(0), name: "dev.kdl".to_owned(), text: text.to_owned() }
}

fn read(text: &str) -> (Source, Doc) {
    let source = source(text);
    let mut diags = Diags::default();
    let doc = parse(&source, &mut diags);
    assert!(!diags.has_errors(), "{text:?}: {diags:?}");
    (source, doc)
}

fn findings(text: &str) -> (Source, Vec<Finding>) {
    let source = source(text);
    let mut diags = Diags::default();
    let doc = parse(&source, &mut diags);
    let findings = diags.sorted();
    assert!(findings.is_empty() || doc == Doc::default(), "{text:?} gives findings and a tree");
    (source, findings)
}

/// The code, the text under the place and the first thing to type, of each finding.
fn told(text: &str) -> Vec<(String, String, String)> {
    let (source, findings) = findings(text);
    let first = |finding: &Finding| finding.help.first().cloned().unwrap_or_default();
    findings.iter().map(|it| (it.code.id.to_owned(), source.slice(it.span).to_owned(), first(it))).collect()
}

fn one(text: &str) -> (String, String, String) {
    let mut told = told(text);
    assert_eq!(told.len(), 1, "{text:?}: {told:?}");
    told.remove(0)
}

fn codes_of(text: &str) -> Vec<String> {
    told(text).into_iter().map(|(code, _, _)| code).collect()
}

/// Compares with the `kdl` crate, places included.
fn agrees(text: &str) {
    let (source, doc) = read(text);
    let theirs = authority::read(text, source.id).map(|nodes| Doc { nodes });
    let theirs = theirs.unwrap_or_else(|| panic!("{text:?}: the crate objects"));
    assert_eq!(doc, theirs, "{text:?}");
}

#[test]
fn spans_are_bytes() {
    let (source, doc) = read("(größe)\"näme\" /* ü */ (t)\"é\" k=(u8)7 { 子 #true; } // }\r\nz 1.5\r\n");
    let node = &doc.nodes[0];
    assert_eq!(source.slice(node.name.span), "\"näme\"");
    assert_eq!(source.slice(node.annotation.as_ref().unwrap().span), "größe");
    assert_eq!(source.slice(node.entries[0].span), "\"é\"");
    assert_eq!(source.slice(node.entries[1].span), "7");
    assert_eq!(source.slice(node.entries[1].name.as_ref().unwrap().span), "k");
    assert_eq!(source.slice(node.children[0].span), "子 #true");
    assert_eq!(source.slice(node.span), "(größe)\"näme\" /* ü */ (t)\"é\" k=(u8)7 { 子 #true; }");
    assert_eq!(source.slice(doc.nodes[1].span), "z 1.5");
}

#[test]
fn a_byte_order_mark_may_stand_first() {
    let (source, doc) = read("\u{FEFF}a 1\r\n");
    assert_eq!(source.slice(doc.nodes[0].span), "a 1");
    assert_eq!(codes_of("a 1\n\u{FEFF}b"), ["TL0004"]);
}

#[test]
fn the_crate_reads_the_same() {
    for text in [
        "",
        "\n\n",
        "a",
        "a;b;c",
        "a 1 -2 +3 0x1F -0xff 0b101 0o17 1_000 1.5 -1.5e3 1E-4 2e+5 0 -0 0.10",
        "a 170141183460469231731687303715884105727 -170141183460469231731687303715884105727",
        "a #true #false #null",
        "- @if $for * ... !x %x &x <x> ~ a.b.c a:b a? a|b 日本 + -x -- .a -.a",
        "a b=1 \"c d\"=\"e\" f = (t)2 g=( u8 )3",
        "(when)\"app.mode == 'x'\" { a { b { c } }; d }",
        "(list)k; (\"a b\")x ( y )z",
        "a \"\\n\\t\\\\\\\"\\s\\u{e9}\\u{1F600}\\b\\f\\r\" \"one \\\n     line\"",
        "a #\"raw \\n \"quoted\" \"# ##\"a \"# b\"##",
        "a \"\"\"\n    first\n      second\n\n    third \"quoted\" \"\" \\\"\"\"\n    \"\"\" 5",
        "a \"\"\"\n\"\"\"\nb \"\"\"\n  x\\\n   y\n  \"\"\"",
        "a #\"\"\"\n    raw \\n\n     \"\"\n    \"\"\"#",
        "a \"\"\"\r\n  crlf\r\n  two\r\n  \"\"\"\r\nb",
        "a /* x /* y */ z */ 1 /* end */\nb \\\n  1 \\ // more\n  2",
        "/- a 1 { b }\nc /-1 2 /- k=3 { /- d { e }\n f } /- { g }",
        "a /-{ x } { y }",
        "a{b}",
        "a {}\nb { }\nc { /* nothing */ }",
        "// only a comment",
        "a // x\n/* y */ b",
        "a\u{A0}b\u{3000}c",
        "environment \"prod\" stack=\"aeterna\" {\n    app size=\"medium\" ha=#true { image tag=\"v0.1.0\" }\n}\n",
    ] {
        agrees(text);
    }
}

#[test]
fn where_it_is_plain_what_was_meant_there_is_a_document() {
    let meant = |text: &str| {
        let source = source(text);
        let (mut strict, mut lenient) = (Diags::default(), Diags::default());
        let is_empty = parse(&source, &mut strict).nodes.is_empty();
        let doc = parse_as_meant(&source, &mut lenient);
        let codes = |diags: Diags| diags.sorted().iter().map(|finding| finding.code.id).collect::<Vec<_>>();
        let (strict, lenient) = (codes(strict), codes(lenient));
        assert_eq!(strict, lenient, "{text}");
        assert_eq!(is_empty, !strict.is_empty(), "{text}");
        doc
    };
    let right = "a \"500m\" b=\"10.0.0.1/8\" { c #true; d #false #null; e \"1.10.2\" \"30s\" }";
    let wrong = "a 500m b=10.0.0.1/8 { c true; d #False null; e 1.10.2 30s }";
    let shape = |doc: Doc| {
        let values = |node: &Node| node.entries.iter().map(|entry| entry.value.clone()).collect::<Vec<_>>();
        let outer = &doc.nodes[0];
        (values(outer), outer.children.iter().map(values).collect::<Vec<_>>())
    };
    assert_eq!(meant(wrong).map(shape), meant(right).map(shape));
    // What is left out may be what all else depends on, also where it stands behind another mistake.
    for text in
        ["a 500m {", "a 500m b c=}", "500m 1", "true 1", "a 5x", "a 500m=1", "a true=1", "a b: 500m", "a 500m, 1"]
    {
        assert_eq!(meant(text), None, "{text}");
    }
}

#[test]
fn habits_are_answered_with_what_to_type() {
    for (text, code, place, hint) in [
        ("replicas: 3", "TL0011", ":", "write `replicas 3`"),
        ("mode: hybrid", "TL0011", ":", "write `mode \"hybrid\"`"),
        ("ha: true", "TL0011", ":", "write `ha #true`"),
        ("app: {\n}", "TL0011", ":", "write `app { … }`"),
        ("app replicas: 3", "TL0011", ":", "write `replicas=3`"),
        ("\"replicas\": 3", "TL0011", ":", "write `name 3`"),
        ("replicas = 3", "TL0012", "=", "write `replicas 3`"),
        ("replicas=3", "TL0012", "=", "write `replicas 3`"),
        ("app mode=\nb", "TL0013", "mode=", "write `mode=\"…\"`, or take `mode=` out"),
        ("app mode= { a; }", "TL0013", "mode= ", "write `mode=\"…\"`, or take `mode=` out"),
        (
            "a ${VAR}",
            "TL0014",
            "${VAR}",
            "write the value, or `(secret)\"name/key\"` for something that may not stand in a file",
        ),
        (
            "a x=pre-${VAR}-post",
            "TL0014",
            "pre-${VAR}-post",
            "write the value, or `(secret)\"name/key\"` for something that may not stand in a file",
        ),
        (
            "a $HOME/x",
            "TL0014",
            "$HOME/x",
            "write the value, or `(secret)\"name/key\"` for something that may not stand in a file",
        ),
        (
            "a { b k=$REPLICAS }",
            "TL0014",
            "$REPLICAS",
            "write the value, or `(secret)\"name/key\"` for something that may not stand in a file",
        ),
        (
            "a { b ${{ x }} }",
            "TL0014",
            "${{ x }}",
            "write the value, or `(secret)\"name/key\"` for something that may not stand in a file",
        ),
        ("a \"http:\\/\\/x\"", "TL0066", "\\/", "write `/`"),
        (
            "a {\n  b \"one\n  two\"\n  c \"d\"\n}",
            "TL0067",
            "\"one",
            "write `\"\"\"`, the lines, and `\"\"\"`, each on a line of its own",
        ),
        (
            "a \"\"\"\n\tx\n    \"\"\"",
            "TL0065",
            "\t",
            "indent every line of the text, and the closing quotes, with blanks: no tabs",
        ),
        ("a true", "TL0015", "true", "write `#true`, or `\"true\"` for text"),
        ("a k=null", "TL0015", "null", "write `#null`, or `\"null\"` for text"),
        ("null 1", "TL0015", "null", "write `\"null\"` for text"),
        ("# comment", "TL0016", "#", "write `// …`"),
        ("a 1 # comment", "TL0016", "#", "write `// …`"),
        ("a #True", "TL0016", "#True", "write `#true`"),
        ("a #fff", "TL0016", "#fff", "write `\"#fff\"` for text, or `//` for a comment"),
        ("a r\"x\" 500m", "TL0017", "r\"", "write `#\"…\"#`"),
        ("a k=r##\"x\"##", "TL0017", "r##\"", "write `##\"…\"##`"),
        ("a 500m", "TL0060", "500m", "write `\"500m\"`"),
        ("a memory=2Gi", "TL0060", "2Gi", "write `\"2Gi\"`"),
        ("a 30s", "TL0061", "30s", "write `\"30s\"`"),
        ("a 10.0.0.1", "TL0062", "10.0.0.1", "write `\"10.0.0.1\"`"),
        ("a 10.0.0.0/8", "TL0062", "10.0.0.0/8", "write `\"10.0.0.0/8\"`"),
        ("a 1.10.2", "TL0063", "1.10.2", "write `\"1.10.2\"`"),
        ("a 2024-01-01", "TL0018", "2024-01-01", "write `\"2024-01-01\"`"),
        ("a 8080:80", "TL0018", "8080:80", "write `\"8080:80\"`"),
        ("a .5", "TL0018", ".5", "write `0.5`"),
        ("a ghcr.io/acme/api:1.4", "TL0018", "ghcr.io/acme/api:1.4", "write `\"ghcr.io/acme/api:1.4\"`"),
        ("a /etc/x", "TL0018", "/etc/x", "write `\"/etc/x\"`"),
        ("app.kubernetes.io/name x", "TL0018", "app.kubernetes.io/name", "write `\"app.kubernetes.io/name\"`"),
        ("a OPTS=b=c", "TL0018", "b=c", "write `\"b=c\"`"),
        ("a http://x.y/z", "TL0010", "http://x.y/z", "write `\"http://x.y/z\"`, or a space before a comment"),
        ("a u=http://x", "TL0010", "http://x", "write `\"http://x\"`, or a space before a comment"),
        ("a 1, 2", "TL0019", ",", "separate values by a space: `\"a\" \"b\"`, and nodes by `;` or a line break"),
        (
            "a \"b\", \"c\"",
            "TL0019",
            ",",
            "separate values by a space: `\"a\" \"b\"`, and nodes by `;` or a line break",
        ),
        ("a b, c", "TL0019", ",", "separate values by a space: `\"a\" \"b\"`, and nodes by `;` or a line break"),
        ("a k=1,", "TL0019", ",", "separate values by a space: `\"a\" \"b\"`, and nodes by `;` or a line break"),
        ("a [\"b\", \"c\"]\nd", "TL0020", "[", "write the values side by side: `name \"a\" \"b\"`"),
        ("a [\n  \"b\",\n  \"c\"\n]\nd", "TL0020", "[", "write the values side by side: `name \"a\" \"b\"`"),
        ("a 'b c'", "TL0021", "'b c'", "write `\"b c\"`"),
        (
            "<<<<<<<;",
            "TL0025",
            "<<<<<<<",
            "keep one of the two sides and take out the lines with `<<<<<<<`, `=======` and `>>>>>>>`",
        ),
        ("r#é b", "TL0018", "r#é", "write `\"r#é\"`"),
        ("a 0500", "TL0022", "0500", "write `\"0500\"` for text, `0o…` for an octal number, or take the zero out"),
        ("a 1e400", "TL0023", "1e400", "write `\"1e400\"` if it is text"),
        ("a #inf", "TL0023", "#inf", "write a number, or take it out"),
        (
            "a 170141183460469231731687303715884105728",
            "TL0023",
            "170141183460469231731687303715884105728",
            "write `\"170141183460469231731687303715884105728\"` if it is text",
        ),
        ("a \"b\"\"c\"", "TL0024", "\"", "write a space here, or `\\\"` for a quote inside a string"),
        ("a { b } c", "TL0024", "c", "write a line break or `;` after `}`"),
        (
            "\u{feff} <<<<<<< HEAD\na",
            "TL0025",
            "<<<<<<<",
            "keep one of the two sides and take out the lines with `<<<<<<<`, `=======` and `>>>>>>>`",
        ),
        (
            "<<<<<<< HEAD\na",
            "TL0025",
            "<<<<<<<",
            "keep one of the two sides and take out the lines with `<<<<<<<`, `=======` and `>>>>>>>`",
        ),
        (
            "a\n=======\nb",
            "TL0025",
            "=======",
            "keep one of the two sides and take out the lines with `<<<<<<<`, `=======` and `>>>>>>>`",
        ),
    ] {
        let expected = (code.to_owned(), place.to_owned(), hint.to_owned());
        assert_eq!(one(text), expected, "{text:?}");
    }
}

#[test]
fn what_is_taken_out_may_look_as_it_likes() {
    read("/- url: http://x\n/- a b, { b: 0500; }\nc /- k: /- 'x'");
    read("a /-k=1 k=2");
    assert_eq!(codes_of("/- a ${x}"), ["TL0014"]);
}

#[test]
fn a_property_written_twice_labels_both() {
    let (source, found) = findings("a k=1 \"k\"=2 x=3 k=4");
    let places: Vec<_> =
        found.iter().map(|it| (it.code.id, source.slice(it.span), source.slice(it.labels[0].span))).collect();
    assert_eq!(places, [("TL0009", "\"k\"", "k"), ("TL0009", "k", "k")]);
    let many: String = (0..20).map(|n| format!(" k{n}=1")).collect();
    assert_eq!(codes_of(&format!("a{many} k3=2 {{\n}}")), ["TL0009"]);
}

#[test]
fn one_mistake_gives_one_message() {
    let all = ["TL0060", "TL0060", "TL0062", "TL0015", "TL0061", "TL0018"];
    assert_eq!(codes_of("a 500m 2Gi 10.0.0.1\nb true\nc 1\nd 30s { e 5x 5y 10s }"), all);
    assert_eq!(codes_of("a b=\nc d\ne=\n"), ["TL0013", "TL0012"]);
}

#[test]
fn braces_without_partners() {
    assert_eq!(one("a {\n  b {\n    c\n  }\n").1, "{");
    let (source, found) = findings("a {\n  b {\n    c\n}\nd {\n}\n");
    assert_eq!(source.line_column(found[0].span.start), (2, 5), "the block whose brace is missing, by its indentation");
    assert_eq!(codes_of("a }\nb {\n}"), ["TL0005"]);
    assert_eq!(codes_of(&"}".repeat(1000)), ["TL0005"]);
}

#[test]
fn what_is_not_closed() {
    assert_eq!(one("a \"b c\nd 1").1, "\"b c");
    assert_eq!(one("a #\"b c\"\nd 1").0, "TL0006");
    assert_eq!(one("a \"\"\"\n b {\n").1, "\"\"\"");
    assert_eq!(one("a {\n /* /* */\n}").1, "/*");
    assert_eq!(one("a {\n b \"c\n}\n").0, "TL0006");
}

#[test]
fn strings_with_mistakes() {
    assert_eq!(one("a \"é\\d\"").1, "\\d");
    assert_eq!(one("a \"\\u{110000}\"").1, "\\u");
    assert_eq!(one("a \"\"\"x\"\"\"").0, "TL0008");
    assert_eq!(one("a \"\"\"\n  x\n y\n  \"\"\"\nb").1, " ");
    assert_eq!(one("a \"\"\"\n  x\n  y\"\"\"\nb").1, "  y");
    assert_eq!(one("a \"\"\"\n  x\n  \\q\n  \"\"\"\nb").1, "\\q");
}

#[test]
fn hidden_characters_are_refused() {
    for text in ["a\0", "// \u{202E}x", "a \"\u{2066}\"", "// x\u{2028}b 1", "a\u{B}b", "a\rb", "a\u{7F}", "a \u{85}"] {
        assert_eq!(codes_of(text), ["TL0004"], "{text:?}");
    }
    read("a \"\\u{202E}\" \"→\" \"€\" \"Â\"");
}

#[test]
fn hostile_texts_are_answered_at_once() {
    let deep = "a {".repeat(100_000);
    assert_eq!(codes_of(&deep), ["TL0003"]);
    assert_eq!(codes_of(&"a{".repeat(64).replace("a{", "a {\n")), ["TL0005"]);
    let nested = format!("{}{}", "a {\n".repeat(64), "}\n".repeat(64));
    read(&nested);
    let (_, doc) = read(&"a\n".repeat(1_000_000)); // a tenth of a second without debug checks
    assert_eq!(doc.nodes.len(), 1_000_000);
    for unit in [
        "a;", "a{};", "a{} ", ")", "[", "(", "\"", "#", "/*", "*/", "=", "\\", "a=", "{", "}", "a /-{} ", "/-", "\t",
        "r\"", "${",
    ] {
        let long = unit.repeat((MAX_SIZE / 4) / unit.len());
        let mut diags = Diags::default();
        let _ = parse(&source(&long), &mut diags);
        assert!(diags.as_slice().len() <= 50, "{unit}");
    }
    let comment = format!("/*{}*/ a", "*".repeat(1_000_000));
    read(&comment);
    assert_eq!(codes_of(&"a".repeat(MAX_SIZE + 1)), ["TL0002"]);
    let properties: String = (0..200_000).map(|n| format!(" k{n}=1")).collect();
    read(&format!("a{properties}"));
    let repeated = format!("a{}", " k=1".repeat(500_000));
    assert!(codes_of(&repeated).iter().all(|code| code == "TL0009"));
}

#[test]
fn what_follows_the_last_mistake_that_is_looked_at_is_no_more_read() {
    let mut given_up = 0;
    for unit in ["a=}", "a=", "}", "{", ";", "a;", "a{};", "=", ")", "/-", "\"x\"y"] {
        for count in 1..40 {
            given_up += usize::from(unit.len() * count > 20 && !findings(&unit.repeat(count)).1.is_empty());
        }
    }
    assert!(given_up > 200, "{given_up}");
}

#[test]
fn secrets_are_not_repeated() {
    for text in [
        "password: hunter2x",
        "a token=9hunter2x",
        "api-key 0123hunter2x",
        "a \"hunter2x",
        "a \"hunter2x\"b",
        "a secret='hunter2x'",
    ] {
        let (_, found) = findings(text);
        let all = format!(
            "{:?}",
            found.iter().map(|it| (&it.message, &it.help, &it.underline, &it.labels)).collect::<Vec<_>>()
        );
        assert!(!found.is_empty() && !all.contains("hunter2x"), "{text:?}: {all}");
    }
}

/// Pieces that texts are put together from at random: valid ones, habits and rubbish.
const PIECES: [&str; 52] = [
    "a",
    "b",
    " ",
    " ",
    " ",
    "\n",
    "\n",
    ";",
    "{",
    "}",
    " { ",
    " }\n",
    "=",
    "k=1",
    "k=",
    " (t)",
    "(",
    ")",
    "\"s\"",
    "\"",
    "\"\\n\\u{e9}\"",
    "\"\\",
    "\\\n",
    "\\",
    "#\"r\"#",
    "#",
    "##\"",
    "\"##",
    "#true",
    "#null",
    "true",
    "1",
    "-1.5",
    "1e3",
    "0x1F",
    "07",
    "1_0",
    ".5",
    "-",
    "ü",
    "\u{A0}",
    "// c\n",
    "/* c */",
    "/*",
    "*/",
    "/-",
    " /- ",
    "/",
    "\"\"\"\n x\n \"\"\"",
    "#\"\"\"\n  y\n  z\n  \"\"\"#",
    "\r\n",
    ",",
];

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_the_reader_accepts_the_crate_reads_the_same(pieces in proptest::collection::vec(0..PIECES.len(), 0..14)) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        let mut diags = Diags::default();
        let doc = parse(&source(&text), &mut diags);
        for finding in diags.as_slice() {
            proptest::prop_assert!(text.get(finding.span.start as usize..finding.span.end as usize).is_some());
        }
        if !diags.has_errors() {
            match authority::read(&text, SourceId(0)) {
                // The crate refuses some of what KDL allows behind `/-`.
                None if text.contains("/-") => {}
                theirs => proptest::prop_assert_eq!(Some(doc.nodes), theirs, "{:?}", text),
            }
        }
    }
}

#[test]
fn what_a_string_gets_wrong_is_whole_characters() {
    for text in ["a \"\"\"\n\u{cc2de}c\n \"\"\"\n", "a #\"\"\"\n\u{3000}é\n\t\"\"\"#\n"] {
        let (source, found) = findings(text);
        assert!(!found.is_empty(), "{text:?}");
        for finding in found {
            let (start, end) = (finding.span.start as usize, finding.span.end as usize);
            assert!(source.text.get(start..end).is_some(), "{text:?} {start}..{end}");
        }
    }
}
