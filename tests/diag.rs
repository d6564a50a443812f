//! Annotated cases, `tests/diag/*.kdl`.
//!
//! Below a line with mistakes stand comment lines such as `//  ^^^ error[TL0018]`: the carets span the columns of
//! the place (its part on that line), and the code is that of the finding. Where a place begins too far left for a
//! comment, `//< 1:3 error[TL0011]` gives the first column and the one past the last, counted from 1. Every
//! finding is annotated and every annotation is found. `TRUELINE_BLESS=1` rewrites the annotations.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use trueline::diag::{Diags, Finding, Severity};
use trueline::source::{Source, SourceId, Sources};

/// What is checked: the findings of a text.
fn findings(text: &str) -> (Vec<Finding>, Sources) {
    let source = Source { id: SourceId(0), name: "case.kdl".to_owned(), text: text.to_owned() };
    let mut diags = Diags::default();
    let _ = trueline::syntax::parse(&source, &mut diags);
    (diags.sorted(), Sources::new(vec![Arc::new(source)]))
}

/// A finding as its annotation says it: line, first column, column past the last (both from 1), `error[TLnnnn]`.
type Mark = (usize, usize, usize, String);

#[test]
fn every_annotation_is_found_and_every_finding_annotated() {
    let bless = std::env::var_os("TRUELINE_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in cases() {
        let text = fs::read_to_string(&path).expect("a case is UTF-8");
        let (bare, expected) = split(&text);
        let found = marks(&bare);
        if bless {
            fs::write(&path, annotate(&bare, &found)).expect("a case can be written");
        } else if found != expected {
            wrong.push(format!("{}\n  expected {expected:?}\n  found    {found:?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}\nrun with TRUELINE_BLESS=1 to rewrite", wrong.join("\n"));
}

#[test]
fn annotations_are_read_as_they_are_written() {
    let bare = "a 500m\nb \"ü\" true\n";
    let marks = vec![(1, 3, 7, "error[TL0018]".to_owned()), (2, 7, 11, "error[TL0015]".to_owned())];
    let text = annotate(bare, &marks);
    assert_eq!(text, "a 500m\n//^^^^ error[TL0018]\nb \"ü\" true\n//    ^^^^ error[TL0015]\n");
    assert_eq!(split(&text), (bare.to_owned(), marks));
    let left = vec![(1, 1, 2, "error[TL0005]".to_owned())];
    assert_eq!(split(&annotate("}\n", &left)), ("}\n".to_owned(), left));
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diag");
    let entries = fs::read_dir(folder).expect("the folder of cases is there");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "kdl"));
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

/// The text without annotations, and the annotations.
fn split(text: &str) -> (String, Vec<Mark>) {
    let (mut bare, mut marks, mut line) = (String::new(), Vec::new(), 0);
    for row in text.split_inclusive('\n') {
        match annotation(row.trim_end()) {
            Some((start, end, code)) => marks.push((line, start, end, code)),
            None => {
                line += 1;
                bare.push_str(row);
            }
        }
    }
    marks.sort();
    (bare, marks)
}

/// Columns and code of an annotation, if the line is one.
fn annotation(row: &str) -> Option<(usize, usize, String)> {
    let (place, code) = row.rsplit_once(' ')?;
    if !code.ends_with(']') || !code.contains("[TL") {
        return None;
    }
    if let Some(columns) = place.strip_prefix("//< ") {
        let (start, end) = columns.split_once(':')?;
        return Some((start.parse().ok()?, end.parse().ok()?, code.to_owned()));
    }
    let carets = place.strip_prefix("//")?;
    let blanks = carets.len() - carets.trim_start_matches(' ').len();
    let count = carets.len() - blanks;
    (count > 0 && carets[blanks..].bytes().all(|byte| byte == b'^'))
        .then(|| (blanks + 3, blanks + 3 + count, code.to_owned()))
}

/// The text with annotations.
fn annotate(bare: &str, marks: &[Mark]) -> String {
    let mut text = String::new();
    for (number, row) in bare.split_inclusive('\n').enumerate() {
        text.push_str(row.trim_end_matches('\n'));
        text.push('\n');
        for (_, start, end, code) in marks.iter().filter(|mark| mark.0 == number + 1) {
            if *start >= 3 && end > start {
                text.push_str(&format!("//{}{} {code}\n", " ".repeat(start - 3), "^".repeat(end - start)));
            } else {
                text.push_str(&format!("//< {start}:{end} {code}\n"));
            }
        }
    }
    text
}

/// The findings of a text as annotations.
fn marks(text: &str) -> Vec<Mark> {
    let (findings, sources) = findings(text);
    let mut marks: Vec<Mark> = findings.iter().map(|finding| mark(finding, &sources)).collect();
    marks.sort();
    marks
}

fn mark(finding: &Finding, sources: &Sources) -> Mark {
    let source = sources.get(finding.span.source).expect("a finding lies in a known text");
    let (line, start) = source.line_column(finding.span.start);
    let (last, end) = source.line_column(finding.span.end);
    let length = source.text.lines().nth(line - 1).map_or(0, |row| row.chars().count());
    let end = if last == line { end } else { length + 1 };
    let severity = match finding.code.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    (line, start, end, format!("{severity}[{}]", finding.code.id))
}

#[test]
fn pages_of_syntax_show_what_they_say() {
    // A dash is a name like others until it is known that a list of settings stands around it.
    let read = |id: &str| id.starts_with("TL00") && id != "TL0064";
    for (id, page) in trueline::diag::codes::PAGES.iter().filter(|(id, _)| read(id)) {
        let wrong = block(page, "## Wrong").replace("⟨U+202E⟩", "\u{202e}");
        let wrong = if *id == "TL0002" { wrong.repeat(100_000) } else { wrong };
        let codes: Vec<&str> = findings(&wrong).0.iter().map(|finding| finding.code.id).collect();
        assert_eq!(codes, [*id], "{wrong}");
        let right = block(page, "## Right");
        assert_eq!(findings(&right).0, [], "{id}");
    }
}

/// The KDL below a heading of a page.
fn block(page: &str, heading: &str) -> String {
    let below = page.split(heading).nth(1).and_then(|rest| rest.split("```kdl\n").nth(1)).unwrap_or_default();
    below.split("\n```").next().unwrap_or_default().to_owned() + "\n"
}
