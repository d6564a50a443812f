//! Stand-ins for functions of other modules, one line each once those are there.

use crate::{
    diag::{Diags, Finding, Severity},
    source::{Source, SourceId, Sources, Span},
    syntax::{Doc, Entry, Literal, Name, Node},
};

/// `diag::render::human`.
pub(super) fn human(findings: &[Finding], sources: &Sources, _colour: bool) -> String {
    let mut text = String::new();
    for finding in findings {
        let severity = match finding.code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let name = sources.get(finding.span.source).map_or("", |source| source.name.as_str());
        text.push_str(&format!("{severity}[{}]: {}\n  --> {name}\n", finding.code.id, finding.message));
        finding.help.iter().for_each(|help| text.push_str(&format!("  help: {help}\n")));
    }
    text
}

/// `diag::json::json`.
pub(super) fn json(findings: &[Finding], _sources: &Sources) -> String {
    let list: Vec<_> = findings.iter().map(|f| serde_json::json!({"code": f.code.id, "message": f.message})).collect();
    serde_json::Value::from(list).to_string()
}

/// `syntax::parse`.
pub(super) fn parse(source: &Source, _diags: &mut Diags) -> Doc {
    let span = Span::new(SourceId(0), 0, source.text.len());
    let node = |line: &str| {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let value = Literal::String(rest.trim_matches('"').to_owned());
        let entry = Entry { name: None, annotation: None, value, span };
        let name = Name { text: name.to_owned(), span };
        Node { annotation: None, name, entries: vec![entry], children: vec![], braces: false, span }
    };
    Doc { nodes: source.text.lines().filter(|line| !line.trim().is_empty()).map(node).collect() }
}
