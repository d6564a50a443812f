//! Findings as JSON, for programs.
//!
//! In: findings and the texts that they point into. Out: one JSON document.
//! Never: text of a file; a program reads the file itself.
//! Invariant: the same findings give the same bytes.
//!
//! ```json
//! { "version": 1, "findings": [
//!   { "code": "TL0213", "severity": "error", "title": "…", "message": "…",
//!     "file": "environments/dev.kdl", "start": { "line": 1, "column": 7 }, "end": { "line": 1, "column": 10 },
//!     "underline": "…", "help": ["…"],
//!     "labels": [{ "text": "…", "file": "…", "start": { … }, "end": { … } }] }
//! ] }
//! ```
//! `severity` is `error`, `warning` or `note`. Lines and columns count from 1, columns in characters, and the end is
//! one past the last character. A place in no file has an empty `file` and zeroes. Fields are added, never renamed
//! or removed, without another version. Each finding stands on a line of its own.
//!
//! Written by hand, because the build script compiles this module and needs no JSON library otherwise.

use super::{Finding, Severity};
use crate::source::{Sources, Span};

/// The findings as one JSON document, in the order given, with a line break at its end.
#[must_use]
pub fn json(findings: &[Finding], sources: &Sources) -> String {
    let mut out = String::from("{\"version\":1,\"findings\":[");
    for (at, finding) in findings.iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        push_finding(&mut out, finding, sources);
    }
    out.push_str("\n]}\n");
    out
}

fn push_finding(out: &mut String, finding: &Finding, sources: &Sources) {
    let severity = match finding.code.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    out.push('{');
    push_field(out, "code", finding.code.id);
    push_field(out, "severity", severity);
    push_field(out, "title", finding.code.title);
    push_field(out, "message", &finding.message);
    push_place(out, finding.span, sources);
    out.push(',');
    push_field(out, "underline", &finding.underline);
    out.push_str("\"help\":[");
    for (at, help) in finding.help.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        push_string(out, help);
    }
    out.push_str("],\"labels\":[");
    for (at, label) in finding.labels.iter().enumerate() {
        out.push_str(if at == 0 { "{" } else { ",{" });
        push_field(out, "text", &label.text);
        push_place(out, label.span, sources);
        out.push('}');
    }
    out.push_str("]}");
}

fn push_place(out: &mut String, span: Span, sources: &Sources) {
    let source = sources.get(span.source);
    push_field(out, "file", source.map_or("", |source| &source.name));
    let position = |at| source.map_or((0, 0), |source| source.line_column(at));
    let (start, end) = (position(span.start), position(span.end));
    out.push_str(&format!(
        "\"start\":{{\"line\":{},\"column\":{}}},\"end\":{{\"line\":{},\"column\":{}}}",
        start.0, start.1, end.0, end.1
    ));
}

/// A field with text, and the comma after it.
fn push_field(out: &mut String, name: &str, value: &str) {
    push_string(out, name);
    out.push(':');
    push_string(out, value);
    out.push(',');
}

fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\0'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => out.push(char),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Code;
    use super::*;
    use crate::source::{Source, SourceId};

    static CODE: Code = Code { id: "TL0213", severity: Severity::Error, title: "not a word" };

    #[test]
    fn the_shape_is_stable() {
        let text = "größe \"é\" 5\nb\n".to_owned();
        let source = Source { id: SourceId(0), name: "environments/dev.kdl".to_owned(), text };
        let sources = Sources::new(vec![Arc::new(source)]);
        let finding = CODE
            .at(Span::new(SourceId(0), 8, 12), "`\"é\"`\u{1b}\n is wrong")
            .label(Span::new(SourceId(0), 15, 16), "see here")
            .label(Span::new(SourceId(9), 1, 2), "and nowhere")
            .hint("write `5`");
        let shown = json(&[finding.clone(), finding], &sources);
        let value: serde_json::Value = serde_json::from_str(&shown).expect("it is JSON");
        let place = |line: u32, start: u32, end: u32| {
            (serde_json::json!({ "line": line, "column": start }), serde_json::json!({ "line": line, "column": end }))
        };
        let ((start, end), (label_start, label_end), (zero, _)) = (place(1, 7, 10), place(2, 1, 2), place(0, 0, 0));
        let expected = serde_json::json!({
            "code": "TL0213", "severity": "error", "title": "not a word", "message": "`\"é\"`\u{1b}\n is wrong",
            "file": "environments/dev.kdl", "start": start, "end": end, "underline": "", "help": ["write `5`"],
            "labels": [
                { "text": "see here", "file": "environments/dev.kdl", "start": label_start, "end": label_end },
                { "text": "and nowhere", "file": "", "start": zero.clone(), "end": zero },
            ],
        });
        assert_eq!(value, serde_json::json!({ "version": 1, "findings": [expected.clone(), expected] }));
        assert_eq!(shown.lines().count(), 4);
        assert_eq!(json(&[], &sources), "{\"version\":1,\"findings\":[\n]}\n");
    }
}
