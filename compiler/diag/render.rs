//! Findings as terminal text.
//!
//! In: findings and the texts that they point into. Out: text for people, with excerpts.
//! Never: text of a file as it stands; secrets are masked and hidden characters spelt out.
//! Invariant: the same findings give the same bytes.

use std::collections::BTreeMap;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{
    Finding, Severity,
    mask::{self, SecretLines},
};
use crate::source::{Source, Sources, Span};
use crate::visible::{is_hidden, visible_line};

/// Longest line that is shown whole, in characters.
const MAX_LINE: usize = 160;
/// Characters that a cut line keeps before the place.
const BEFORE: usize = 60;
/// Lines of one text that are shown for one finding.
const MAX_LINES: usize = 8;
/// Wider than any line that comes out of here: lines are cut around the place, not by the terminal.
const WIDTH: usize = 1000;

/// The findings as text for a terminal, in the order given. Each code's page is named once, where the code
/// comes last.
#[must_use]
pub fn human(findings: &[Finding], sources: &Sources, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Unicode).term_width(WIDTH);
    let last: BTreeMap<&str, usize> = findings.iter().enumerate().map(|(at, it)| (it.code.id, at)).collect();
    let secret = SecretLines::of(findings, sources);
    let mut out = String::new();
    for (at, finding) in findings.iter().enumerate() {
        let (group, columns) = group(finding, sources, &secret, last.get(finding.code.id) == Some(&at));
        let mut text = renderer.render(&[group]);
        for (shown, meant) in columns {
            text = text.replacen(&shown, &meant, 1);
        }
        out.extend(text.lines().flat_map(|line| [line.trim_end(), "\n"]));
        out.push('\n');
    }
    out
}

/// Headings `file:line:column` that count the column in the shown line, and the same by the real one.
type Columns = Vec<(String, String)>;

fn group<'a>(finding: &'a Finding, sources: &Sources, secret: &SecretLines, names_page: bool) -> (Group<'a>, Columns) {
    let mut columns = Vec::new();
    let level = match finding.code.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(visible_line(&finding.message)).id(finding.code.id));
    for (source, marks) in places(finding, sources) {
        group = excerpt(group, finding, source, secret, marks, &mut columns);
    }
    for help in &finding.help {
        group = group.element(Level::HELP.message(visible_line(help)));
    }
    if names_page {
        let page = format!("trueline explain {}", finding.code.id);
        group = group.element(Level::NOTE.with_name("docs").message(page));
    }
    (group, columns)
}

/// A place to show, and what stands under it.
struct Mark<'a> {
    span: Span,
    text: &'a str,
    primary: bool,
}

/// The places of a finding by text, the text of the finding itself first.
fn places<'a, 's>(finding: &'a Finding, sources: &'s Sources) -> Vec<(&'s Source, Vec<Mark<'a>>)> {
    let primary = Mark { span: finding.span, text: &finding.underline, primary: true };
    let labels = finding.labels.iter().map(|label| Mark { span: label.span, text: &label.text, primary: false });
    let mut places: Vec<(&Source, Vec<Mark<'_>>)> = Vec::new();
    for mark in std::iter::once(primary).chain(labels) {
        let Some(source) = sources.get(mark.span.source) else { continue };
        match places.iter_mut().find(|(found, _)| found.id == source.id) {
            Some((_, marks)) => marks.push(mark),
            None => places.push((source, vec![mark])),
        }
    }
    places
}

/// Adds the lines of one text. Lines between the shown ones are left out.
fn excerpt<'a>(
    mut group: Group<'a>,
    finding: &Finding,
    source: &Source,
    secret: &SecretLines,
    marks: Vec<Mark<'a>>,
    columns: &mut Columns,
) -> Group<'a> {
    let path = visible_line(&source.name).into_owned();
    if source.text.is_empty() {
        return group.element(Origin::path(path)); // an output that is named, not shown
    }
    let mut lines: BTreeMap<usize, (Range<usize>, Vec<Mark<'a>>)> = BTreeMap::new();
    for mark in marks {
        let range = line_range(&source.text, mark.span.start as usize);
        if lines.len() < MAX_LINES || lines.contains_key(&range.start) {
            lines.entry(range.start).or_insert_with(|| (range, Vec::new())).1.push(mark);
        }
    }
    let mut lines = lines.into_values().peekable();
    let mut named = false;
    while let Some((range, marks)) = lines.next() {
        let number = source.line_column(range.start as u32).0;
        let mut excerpt =
            Excerpt { finding, source, secret, text: String::new(), annotations: Vec::new(), headings: Vec::new() };
        let mut end = range.end;
        excerpt.line(range, marks);
        // Neighbouring lines stand together; every gap begins a snippet of its own, which shows as dots.
        while let Some((range, marks)) = lines.next_if(|(range, _)| is_next(&source.text, end, range.start)) {
            end = range.end;
            excerpt.text.push('\n');
            excerpt.line(range, marks);
        }
        columns.append(&mut excerpt.headings);
        let snippet = Snippet::source(excerpt.text).line_start(number).annotations(excerpt.annotations);
        group = group.element(if named { snippet } else { snippet.path(path.clone()) });
        named = true;
    }
    group
}

/// Whether nothing but a line break stands between two places.
fn is_next(text: &str, end: usize, start: usize) -> bool {
    matches!(text.get(end..start), Some("\n" | "\r\n"))
}

/// Lines that stand together.
struct Excerpt<'a, 'e> {
    finding: &'e Finding,
    source: &'e Source,
    secret: &'e SecretLines,
    text: String,
    annotations: Vec<annotate_snippets::Annotation<'a>>,
    headings: Columns,
}

impl<'a> Excerpt<'a, '_> {
    /// Adds one line as it may be shown, and its marks.
    fn line(&mut self, range: Range<usize>, marks: Vec<Mark<'a>>) {
        let line = self.source.text.get(range.clone()).unwrap_or("");
        let offset = |at: u32| (at as usize).clamp(range.start, range.end) - range.start;
        let focus = marks.first().map_or(0, |mark| offset(mark.span.start));
        let secret = self.secret.has(self.source.id, range.start);
        let shown = Shown::new(line, &mask::hidden(self.source.id, line, self.finding, secret), focus);
        let base = self.text.len();
        for mark in marks {
            let (start, end) = (shown.place(offset(mark.span.start)), shown.place(offset(mark.span.end)));
            self.heading(mark.span.start, shown.text[..start].chars().count() + 1);
            let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let mut annotation = kind.span(base + start..base + end.max(start));
            if !mark.text.is_empty() {
                annotation = annotation.label(visible_line(mark.text));
            }
            self.annotations.push(annotation);
        }
        self.text.push_str(&shown.text);
    }

    /// Remembers what the heading would say and what it should say.
    fn heading(&mut self, at: u32, shown: usize) {
        let (line, column) = self.source.line_column(at);
        if shown != column {
            let name = visible_line(&self.source.name);
            self.headings.push((format!("{name}:{line}:{shown}"), format!("{name}:{line}:{column}")));
        }
    }
}

/// The line of a place, without its line break. The end of a text belongs to its last line that has text.
fn line_range(text: &str, at: usize) -> Range<usize> {
    let at = if at >= text.len() { text.trim_end().len() } else { text.floor_char_boundary(at) };
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let end = text[at..].find('\n').map_or(text.len(), |found| at + found);
    let end = if end > start && text.as_bytes()[end - 1] == b'\r' { end - 1 } else { end };
    start..end
}

/// A line as it is shown.
struct Shown {
    text: String,
    /// Where each character of the line begins, and where it begins in `text`; both grow.
    places: Vec<(usize, usize)>,
}

impl Shown {
    /// Masks, spells out hidden characters, and cuts a long line around `focus`.
    fn new(line: &str, hidden: &[Range<usize>], focus: usize) -> Shown {
        let long = line.len() > MAX_LINE && line.chars().nth(MAX_LINE).is_some();
        let start = if long { back(line, focus, BEFORE) } else { 0 };
        let mut shown = Shown { text: String::new(), places: Vec::new() };
        if start > 0 {
            shown.text.push('…');
        }
        for (count, (offset, char)) in line[start..].char_indices().enumerate() {
            let at = start + offset;
            if long && count >= MAX_LINE {
                shown.places.push((at, shown.text.len()));
                shown.text.push('…');
                return shown;
            }
            shown.places.push((at, shown.text.len()));
            if hidden.iter().any(|range| range.contains(&at)) {
                shown.text.push(if char.is_whitespace() { ' ' } else { '•' });
            } else if is_hidden(char) {
                shown.text.push_str(&visible_line(char.encode_utf8(&mut [0; 4])));
            } else {
                shown.text.push(char);
            }
        }
        shown.places.push((line.len(), shown.text.len()));
        shown
    }

    /// Where a byte of the line is shown; the nearest place where it is cut off.
    fn place(&self, at: usize) -> usize {
        let next = self.places.partition_point(|(from, _)| *from < at);
        self.places.get(next).or(self.places.last()).map_or(0, |(_, to)| *to)
    }
}

/// The place `count` characters before `at`.
fn back(line: &str, at: usize, count: usize) -> usize {
    let at = (0..=at.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    line[..at].char_indices().rev().take(count).last().map_or(at, |(found, _)| found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Code;
    use super::*;
    use crate::source::SourceId;

    static CODE: Code = Code { id: "TL0213", severity: Severity::Error, title: "a value is not one of the words" };

    fn sources(text: &str) -> Sources {
        let source = |id, name: &str, text: &str| {
            Arc::new(Source { id: SourceId(id), name: name.to_owned(), text: text.to_owned() })
        };
        Sources::new(vec![
            source(0, "environments/prod.kdl", text),
            source(1, "stdlib/stacks/a/settings.kdl", "stack \"a\" {\n  (enum)mode \"x\" \"y\"\n}\n"),
        ])
    }

    fn at(text: &str, part: &str) -> Span {
        let start = text.find(part).expect("the part is in the text");
        Span::new(SourceId(0), start, start + part.len())
    }

    #[test]
    fn a_finding_with_places_in_two_texts() {
        let text = "environment \"prod\" stack=\"a\" {\n    app mode=\"hybird\" size=\"medium\"\n}\n";
        let finding = CODE
            .at(at(text, "\"hybird\""), "`hybird` is not a value of `app.mode`")
            .underline("not one of local, hybrid")
            .label(Span::new(SourceId(1), 20, 24), "`mode` is declared here")
            .hint("did you mean `hybrid`?");
        let shown = human(&[finding.clone(), finding], &sources(text), false);
        let expected = "\
error[TL0213]: `hybird` is not a value of `app.mode`
  ╭▸ environments/prod.kdl:2:14
  │
2 │     app mode=\"hybird\" size=\"medium\"
  │              ━━━━━━━━ not one of local, hybrid
  │
";
        assert!(shown.starts_with(expected), "{shown}");
        assert!(shown.contains("stdlib/stacks/a/settings.kdl:2:9"), "{shown}");
        assert!(shown.contains("help: did you mean `hybrid`?"), "{shown}");
        assert_eq!(shown.matches("docs: trueline explain TL0213").count(), 1, "{shown}");
    }

    #[test]
    fn hidden_characters_are_spelt_out_and_columns_stay() {
        let text = "a \u{1b}[31m\u{202e} \"é\" here\r\n";
        let shown = human(&[CODE.at(at(text, "here"), "x\u{1b}y")], &sources(text), false);
        assert!(shown.contains("x\\u{1b}y") && shown.contains("a \\u{1b}[31m\\u{202e} \"é\" here\n"), "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}') && !shown.contains('\r'), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let line = lines.iter().position(|line| line.ends_with("here")).expect("the line is shown");
        let column = |line: &str, what: char| line.chars().position(|char| char == what);
        let here = lines[line].chars().count() - "here".chars().count();
        assert_eq!(column(lines[line + 1], '━'), Some(here), "{shown}");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{} here {}", "é".repeat(3_000), "ü".repeat(3_000));
        let shown = human(&[CODE.at(at(&text, "here"), "far away")], &sources(&text), false);
        assert!(shown.len() < 2000 && shown.contains("… here") | shown.contains("é here ü"), "{shown}");
        assert!(shown.contains(":1:3002"), "{shown}");
        assert!(shown.contains("━━━━"), "{shown}");
    }

    #[test]
    fn secrets_are_masked_in_excerpts() {
        let text = "db password=\"hunter2\" port=0\n";
        let shown = human(&[CODE.at(at(text, "0"), "out of range")], &sources(text), false);
        assert!(!shown.contains("hunter2") && shown.contains("db password=\"•••••••\" port=0"), "{shown}");
    }

    #[test]
    fn odd_places_do_not_panic() {
        for text in ["", "\n", "a\n", "é"] {
            for (start, end) in [(0, 0), (0, 1), (1, 1), (5, 9), (9, 5), (2, 4000)] {
                let span = Span::new(SourceId(0), start, end);
                let finding = CODE.at(span, "odd").label(span, "again").label(Span::new(SourceId(7), 0, 0), "nowhere");
                assert!(human(&[finding], &sources(text), true).contains("odd"));
            }
        }
    }

    #[test]
    fn many_places_are_limited() {
        let text = "a 1\n".repeat(100);
        let mut finding = CODE.at(Span::new(SourceId(0), 0, 1), "many");
        for line in 0..100 {
            finding = finding.label(Span::new(SourceId(0), line * 4, line * 4 + 1), "here");
        }
        assert!(human(&[finding], &sources(&text), false).lines().count() < 250);
    }
}
