//! `trueline fmt`: what stays when a text is laid out, tried on every text of this repository, on the same with its
//! layout disturbed and on generated ones; and the command itself.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt};

use rayon::prelude::*;
use trueline::{
    diag::Diags,
    fmt::{self, patch},
    source::{Source, SourceId},
    syntax::{self, Doc, Node},
};

use super::{
    cli::{Project, Ran},
    support::{Dice, compile, environments, failed, name_of, read, root, sorted},
    tidy,
};

fn source(text: &str) -> Source {
    Source { id: SourceId(0), name: "dev.kdl".to_owned(), text: text.to_owned() }
}

/// The tree of a text, or none where it has a mistake.
fn tree(text: &str) -> Option<Doc> {
    let mut diags = Diags::default();
    let doc = syntax::parse(&source(text), &mut diags);
    (!diags.has_errors()).then_some(doc)
}

fn laid_out(text: &str) -> String {
    fmt::format(&source(text), &mut Diags::default())
}

/// What a tree says, without places.
fn said(doc: &Doc) -> String {
    let mut said = format!("{doc:?}");
    while let Some(start) = said.find("span: Span {") {
        let end = said[start..].find("} }").map_or(said.len(), |end| start + end + 1);
        let end =
            said[start..end].find("end: ").and_then(|at| said[start + at..].find('}').map(|n| start + at + n + 1));
        said.replace_range(start..end.unwrap_or(said.len()), "");
    }
    said
}

fn comments(text: &str) -> Vec<String> {
    let tokens = syntax::tokens(text).into_iter().filter(|token| token.is_comment());
    tokens.map(|token| token.text(text).replace("\r\n", "\n")).collect()
}

/// Checks what has to hold for a text without mistakes.
fn holds(text: &str, doc: &Doc) {
    let once = laid_out(text);
    assert_eq!(laid_out(&once), once, "laid out twice:\n{text}");
    let after = tree(&once).unwrap_or_else(|| panic!("laid out, it has a mistake:\n{text}\n{once}"));
    assert_eq!(said(doc), said(&after), "it says something else:\n{text}\n{once}");
    assert_eq!(comments(text), comments(&once), "its comments:\n{text}");
    assert!(
        !once.contains('\r') && !once.contains("\n\n\n") || text.contains("\"\"\"") || text.contains("/*"),
        "{once}"
    );
    assert!(once.is_empty() || once.ends_with('\n') && !once.ends_with("\n\n"), "its end:\n{once}");
    // Something that no mistake of ours could let through: only blanks, line ends and `;` come or go.
    let solid = |text: &str| {
        text.chars().filter(|char| !char.is_whitespace() && *char != ';' && *char != '\u{FEFF}').collect::<String>()
    };
    assert_eq!(solid(text), solid(&once), "its characters:\n{text}");
}

/// Every KDL text of this repository that has no mistake, by path; also the blocks of pages.
fn corpus() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let mut folders: Vec<_> = ["environments", "stdlib", "tests"].iter().map(|name| root().join(name)).collect();
    folders.push(root().join("../shared/reference"));
    while let Some(folder) = folders.pop() {
        for path in sorted(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if name_of(&path).ends_with(".kdl") {
                texts.insert(path.display().to_string(), read(&path));
            }
        }
    }
    let errors = sorted(&root().join("docs/errors"));
    let errors = errors.iter().map(|page| format!("docs/errors/{}", name_of(page)));
    for page in tidy::pages().into_iter().chain(errors) {
        for (number, block) in tidy::blocks(&tidy::read(&page), "kdl").into_iter().enumerate() {
            texts.insert(format!("{page} {number}"), block.to_owned());
        }
    }
    texts.retain(|_, text| tree(text).is_some());
    texts
}

#[test]
fn texts_of_this_repository_say_the_same_when_laid_out() {
    let corpus = corpus();
    assert!(corpus.len() > 150, "{} texts", corpus.len());
    corpus.par_iter().for_each(|(_, text)| holds(text, &tree(text).expect("it has no mistake")));
}

/// What may stand between pieces, or damages them.
const DISTURBANCES: &[&str] = &[
    " ",
    "\t",
    "   ",
    "\n",
    "\r\n",
    "\n\n\n",
    "\u{A0}",
    ";",
    " ; ",
    " /* c */ ",
    "/* d\n  e */",
    " // f  \n",
    "\n// g\n",
    " \\\n",
    " \\ // h\r\n",
    " /- ",
    "/-",
    "\n/- ",
    "{ i; }",
    " { }\n",
    " k = 1 ",
    "\nl \"\"\"\n   m\n     n\n   \"\"\"\n",
    " #\"o  // p\"# ",
    "(q)",
];

#[test]
fn disturbed_texts_say_the_same_when_laid_out() {
    let corpus: Vec<String> = corpus().into_values().filter(|text| text.len() < 6000).collect();
    let tried: usize = corpus
        .par_iter()
        .enumerate()
        .map(|(seed, text)| {
            let mut dice = Dice(seed as u64);
            (0..12).filter(|_| disturbed(text, &mut dice)).count()
        })
        .sum();
    assert!(tried > corpus.len() * 3, "{tried} of {} texts", corpus.len());
}

/// Disturbs a text at a few places; says whether it could still be read.
fn disturbed(text: &str, dice: &mut Dice) -> bool {
    let tokens = syntax::tokens(text);
    if tokens.is_empty() {
        return false;
    }
    let mut other = text.to_owned();
    for _ in 0..1 + dice.roll(4) {
        let token = dice.pick(&tokens);
        let at = if dice.once_in(2) { token.start } else { token.end };
        // Places shift with each insertion, and land anywhere: that is as good.
        let at = (0..=at).rev().find(|at| other.is_char_boundary(*at)).unwrap_or(0);
        other.insert_str(at, dice.word(DISTURBANCES));
    }
    let doc = tree(&other);
    if let Some(doc) = &doc {
        holds(&other, doc);
    }
    doc.is_some()
}

/// A generated text, with every piece of syntax and any blanks between.
struct Writer {
    dice: Dice,
    text: String,
}

impl Writer {
    fn blanks(&mut self, least: &'static str) {
        let gap = ["", " ", "  ", "\t", " /* a */ ", "/*b\n  c*/", " \\\n ", "\\ // d\r\n", "\u{3000}"];
        let gap = if self.dice.once_in(2) { least } else { self.dice.word(&gap) };
        self.text.push_str(if gap.is_empty() { least } else { gap });
    }

    fn ends(&mut self, least: &'static str) {
        let end = ["\n", "\r\n", ";", " ;\n\n", "\n\n\n\n", " // e  \n", "\n  // f\n\n", "; /* g */", "; // h\n"];
        self.text.push_str(if self.dice.once_in(3) { least } else { self.dice.word(&end) });
    }

    fn value(&mut self) {
        if self.dice.once_in(4) {
            self.text.push_str(self.dice.word(&["(t)", "( t )", "(\"t u\") "]));
        }
        self.text.push_str(self.dice.word(&[
            "1",
            "-2.5",
            "x",
            "#true",
            "\"\"",
            "\"y  z // {\"",
            "#\"r\\\"#",
            "\"\"\"\n    a\n      b\n    \"\"\"",
            "\"\\\n   q\"",
        ]));
    }

    fn node(&mut self, depth: usize) {
        if self.dice.once_in(8) {
            self.text.push_str(self.dice.word(&["/-", "/- ", "/-\n", "/- // i\n"]));
        }
        if self.dice.once_in(6) {
            self.text.push_str(self.dice.word(&["(w)", "( w ) "]));
        }
        self.text.push_str(self.dice.word(&["a", "b-c", "\"d e\"", "-", "größe"]));
        for number in 0..self.dice.roll(4) {
            self.blanks(" ");
            if self.dice.once_in(8) {
                self.text.push_str(self.dice.word(&["/-", "/- ", "/-\n "]));
            }
            if self.dice.once_in(3) {
                self.text.push_str(&format!("k{number}"));
                self.text.push_str(self.dice.word(&["=", " = ", "= "]));
            }
            self.value();
        }
        if depth > 0 && self.dice.once_in(2) {
            self.blanks(" ");
            self.text.push_str(if self.dice.once_in(8) { "/-{" } else { "{" });
            if !self.dice.once_in(4) {
                self.text.push_str(self.dice.word(&["", " ", "\n", " // j\n\n", " /* k */ "]));
                self.nodes(depth - 1);
            }
            self.text.push('}');
        }
    }

    fn nodes(&mut self, depth: usize) {
        for _ in 0..self.dice.roll(4) {
            self.node(depth);
            let least = self.dice.word(&[";", "\n"]);
            self.ends(least);
        }
    }
}

#[test]
fn generated_texts_say_the_same_when_laid_out() {
    let read = (0..3000u64)
        .into_par_iter()
        .filter(|seed| {
            let mut writer = Writer { dice: Dice(*seed), text: String::new() };
            writer.nodes(3);
            let doc = tree(&writer.text);
            if let Some(doc) = &doc {
                holds(&writer.text, doc);
            }
            doc.is_some()
        })
        .count();
    assert!(read > 2400, "{read} could be read");
}

/// A text at which laying out, or hiding, would take minutes if anything looked back or ahead without a bound.
#[test]
fn long_rows_take_no_longer_than_short_ones() {
    for (unit, end) in
        [("/**/ ", "\n}"), ("b /**/ = /**/ 1 ", "}"), ("b;", "}"), ("b{}\n", "}"), ("/- c\n", "}"), ("\\\n", "}")]
    {
        let text = format!("a {{ {}{end}\n", unit.repeat(200_000 / unit.len()));
        let once = laid_out(&text);
        assert_eq!(laid_out(&once), once, "{unit:?}");
        assert_eq!(fmt::masked(&text).lines().count(), text.lines().count(), "{unit:?}");
    }
}

#[test]
fn environments_compile_to_the_same_bytes_when_laid_out() {
    for (name, text) in environments() {
        let flat = text.replace("    ", "\t\t").replace(" {", "{").replace('\n', "\r\n\r\n");
        let (first, second) = (compile(&name, &text), compile(&name, &laid_out(&flat)));
        assert!(!failed(&first) && !failed(&second), "{name}");
        let bytes = |compiled: &trueline::compile::Compiled| {
            compiled.files.iter().map(|file| (file.path.clone(), file.bytes.clone())).collect::<Vec<_>>()
        };
        assert_eq!(bytes(&first), bytes(&second), "{name}");
        assert_eq!(laid_out(&flat).replace("\n\n", "\n"), text.replace("\n\n", "\n"), "{name}");
    }
}

#[test]
fn this_repository_is_laid_out() {
    let root = root().display().to_string();
    let ran = Project::new(&[]).run(&["--root", &root, "fmt", "--check"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "`cargo run -- fmt` lays it out\n{}", ran.stderr);
}

/// A value that is set and set back leaves every byte as it was; one that comes and goes, too.
#[test]
fn patches_change_one_value_and_nothing_else() {
    let corpus: Vec<String> = corpus().into_values().filter(|text| text.len() < 6000).collect();
    let tried: usize = corpus.par_iter().map(|text| patched(text, &tree(text).expect("it has no mistake"))).sum();
    assert!(tried > corpus.len(), "{tried} values of {} texts", corpus.len());
}

/// Patches the values of a text; says how many could be.
fn patched(text: &str, doc: &Doc) -> usize {
    let Some(top) = doc.nodes.first() else { return 0 };
    let mut tried = 0;
    let mut open: Vec<(Vec<&str>, &Node)> =
        top.children.iter().map(|child| (vec![child.name.text.as_str()], child)).collect();
    while let Some((path, node)) = open.pop().filter(|_| tried < 8) {
        let below = |name| path.iter().copied().chain([name]).collect::<Vec<&str>>();
        open.extend(node.children.iter().map(|child| (below(child.name.text.as_str()), child)));
        for (name, entry) in node.properties().filter(|(_, entry)| entry.annotation.is_none()) {
            let (path, old) = (below(&name.text), source(text).slice(entry.span).to_owned());
            let Ok(there) = patch::set(text, &path, "(t)\"é // {\"") else { continue };
            assert_ne!(there, text, "{path:?}");
            assert_eq!(comments(text), comments(&there), "{path:?}");
            // What stands on several lines, or taken apart by a comment, is a value that nobody would type.
            if let Ok(back) = patch::set(&there, &path, &old) {
                assert_eq!(back, text, "{path:?} set back");
                tried += 1;
            }
        }
        let fresh = below("fresh-setting");
        if let Ok(there) = patch::set(text, &fresh, "1") {
            let back = patch::unset(&there, &fresh).expect("it can be taken out");
            // Braces that came stay: with or without them a switch is written or not.
            assert_eq!(said(&tree(&back).expect("KDL")), said(doc), "{fresh:?}\n{there}");
            tried += 1;
        }
    }
    tried
}

const CROOKED: &str = "environment \"dev\"  stack=\"aeterna\" {\n  app replicas=2   // two\n\n\n}\n\n";
const STRAIGHT: &str = "environment \"dev\" stack=\"aeterna\" {\n    app replicas=2 // two\n}\n";
const DEV: &str = "environments/dev.kdl";

fn codes(ran: &Ran) -> Vec<&str> {
    ran.stdout.lines().filter_map(|line| Some(line.split_once('[')?.1.split_once("]:")?.0)).collect()
}

#[test]
fn files_are_rewritten_in_place() {
    let project = Project::new(&[(DEV, CROOKED), ("stdlib/extend/house.kdl", "extend  \"aeterna\" {}\n")]);
    project.write("environments/notes.txt", "a   b");
    fs::set_permissions(project.path(DEV), fs::Permissions::from_mode(0o640)).expect("it can be changed");
    let ran = project.run(&["fmt"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout, "environments/dev.kdl: laid out\nstdlib/extend/house.kdl: laid out\n");
    assert_eq!(ran.stderr, "2 files: 2 laid out\n");
    assert_eq!(project.read(DEV), STRAIGHT);
    assert_eq!(project.read("stdlib/extend/house.kdl"), "extend \"aeterna\" {}\n");
    let found = fs::metadata(project.path(DEV)).expect("it is there");
    assert_eq!(found.permissions().mode() & 0o777, 0o640);
    let again = project.run(&["fmt"]);
    assert_eq!((again.code, again.stdout.as_str(), again.stderr.as_str()), (0, "", "2 files: nothing to do\n"));
    let after = fs::metadata(project.path(DEV)).expect("it is there");
    assert_eq!(found.modified().expect("a time"), after.modified().expect("a time"), "it is not written again");
    let names: Vec<String> = project.tree("").into_keys().collect();
    assert_eq!(names, [DEV, "environments/notes.txt", "stdlib/extend/house.kdl"]);
}

#[test]
fn a_check_shows_the_difference_and_writes_nothing() {
    let project = Project::new(&[(DEV, CROOKED), ("environments/a.kdl", "a\r\n")]);
    let ran = project.run(&["fmt", "--check"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let expected = "--- a/environments/a.kdl\n+++ b/environments/a.kdl\n@@ -1 +1 @@\n-a\\u{d}\n+a\n\
        the lines end with a carriage return, which goes\n\
        --- a/environments/dev.kdl\n+++ b/environments/dev.kdl\n@@ -1,6 +1,3 @@\n\
        -environment \"•••\"  stack=\"•••••••\" {\n-  app replicas=2   // two\n-\n-\n\
        +environment \"•••\" stack=\"•••••••\" {\n+    app replicas=2 // two\n }\n-\n";
    assert_eq!(ran.stdout, expected);
    assert_eq!(ran.stderr, "2 files: 2 to lay out\n");
    assert_eq!(project.read(DEV), CROOKED);
}

#[test]
fn files_and_folders_can_be_named_without_a_project() {
    let project =
        Project::new(&[("x/a.kdl", "a  1\n"), ("x/y/b.kdl", "b  1\n"), ("x/c.txt", "c  1\n"), ("d.kdl", "d  1\n")]);
    let ran = project.run(&["fmt", "x/y", "x/c.txt"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "x/y/b.kdl: laid out\nx/c.txt: laid out\n"), "{ran:?}");
    assert_eq!(project.read("x/a.kdl"), "a  1\n");
    let ran = project.run_in("x", &["fmt", "../d.kdl", "./"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "../d.kdl: laid out\n./a.kdl: laid out\n"), "{ran:?}");
    let ran = project.run(&["fmt", "missing.kdl", "--format", "json"]);
    assert_eq!(ran.code, 2);
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(answer["files"][0]["changed"], false);
    assert_eq!(answer["files"][0]["findings"][0]["code"], "TL1002");
    assert_eq!(project.run(&["fmt"]).code, 2, "without a path it needs a project");
}

#[test]
fn a_file_with_a_mistake_is_left_alone() {
    let broken = "environment \"bad\"   stack=\"aeterna\" {\n  replicas: 3\n}\n";
    let project = Project::new(&[(DEV, CROOKED), ("environments/bad.kdl", broken)]);
    let ran = project.run(&["fmt"]);
    assert_eq!((ran.code, codes(&ran)), (1, vec!["TL0011"]), "{ran:?}");
    assert_eq!(ran.stderr, "2 files: 1 laid out, 1 error\n");
    assert_eq!(project.read("environments/bad.kdl"), broken);
    assert_eq!(project.read(DEV), STRAIGHT);
}

#[test]
fn links_and_read_only_files_are_not_written() {
    let project = Project::new(&[(DEV, CROOKED), ("elsewhere.kdl", "a  1\n"), ("other/b.kdl", "b  1\n")]);
    std::os::unix::fs::symlink(project.path("elsewhere.kdl"), project.path("environments/link.kdl")).expect("a link");
    std::os::unix::fs::symlink(project.path("other"), project.path("stdlib")).expect("a link");
    fs::set_permissions(project.path(DEV), fs::Permissions::from_mode(0o444)).expect("it can be changed");
    let ran = project.run(&["fmt"]);
    assert_eq!((ran.code, codes(&ran)), (2, vec!["TL1040", "TL1002", "TL1002"]), "{ran:?}");
    assert_eq!(project.read("elsewhere.kdl"), "a  1\n");
    assert_eq!(project.read("other/b.kdl"), "b  1\n");
    assert_eq!(project.read(DEV), CROOKED);
}

/// Wherever a value may stand: a check of the layout shows none, with and without a mistake beside it.
#[test]
fn no_value_is_shown() {
    const CANARY: &str = "cAnArY-7f3a91";
    let places = [
        "llm \"openai\"  api-key=CANARY",
        "llm \"openai\"  api-key=\"CANARY\"",
        "llm  { api-key (secret)\"CANARY\" }",
        "raw  \"helm\" because=\"a reason that is long\" { a { PLAIN  \"CANARY\"; - CANARY } }",
        "app  env=\"x\" { DB \"postgres://u:CANARY@host/db\" }",
        "app  #\"CANARY\"#",
        "app  \"\"\"\n      one\n      CANARY\n      \"\"\"",
        "/- app  password=\"CANARY\"",
        "// password:  CANARY\n  app  1",
        "/* a \"CANARY\" b */  app  1",
        "app  \\\n  \"CANARY\"",
        "app  (link)\"CANARY\" k=(t)CANARY",
    ];
    for place in places {
        for mistake in ["", "  replicas: 3\n"] {
            for format in ["human", "json"] {
                let text = format!("environment \"dev\"  stack=\"aeterna\" {{\n  {place}\n{mistake}}}\n");
                let project = Project::new(&[(DEV, &text.replace("CANARY", CANARY))]);
                let ran = project.run(&["fmt", "--check", "--format", format]);
                assert_eq!(ran.code, 1, "{text}");
                assert!(!format!("{ran:?}").contains("AnArY"), "{text}\n{}", ran.stdout);
            }
        }
    }
}
