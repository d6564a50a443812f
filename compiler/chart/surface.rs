//! A chart's keys as a surface in KDL.
//!
//! In: the tree of keys. Out: text.
//! Never: what a key carries; that is for people to say.
//! Invariant: the same chart gives the same bytes, whatever its files hold.

use super::{
    Chart,
    model::{Entry, Holds, Shape},
    yaml::{Kind, Node},
};
use crate::visible::is_hidden;

/// Why a key is dead.
const UNREAD: &str = "no template reads it";

/// Words that mean something in a surface where they stand without a type.
const RESERVED: &[&str] = &["fragment", "runs", "fixed", "unsaid", "carries"];

/// The surface of a chart.
pub(super) fn text(chart: &Chart, entries: &[Entry]) -> String {
    let mut out = format!("surface {} version={} {{\n", quoted(&chart.name), quoted(&chart.version));
    push_all(&mut out, entries, 1);
    out.push_str("}\n");
    out
}

fn push_all(out: &mut String, entries: &[Entry], depth: usize) {
    for entry in entries {
        push(out, entry, depth);
    }
}

fn push(out: &mut String, entry: &Entry, depth: usize) {
    let indent = "    ".repeat(depth);
    if let Some(why) = &entry.unseen {
        let line: String =
            why.chars().map(|c| if is_hidden(c) || matches!(c, '\n' | '\t') { '?' } else { c }).collect();
        out.push_str(&format!("{indent}// {line}\n"));
    }
    let name = key(&entry.name);
    let (head, below): (String, &[Entry]) = match &entry.shape {
        Shape::Scalar(of) => (format!("({of}){name}"), &[]),
        Shape::Words(words) => {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            (format!("(enum){name} {}", words.join(" ")), &[])
        }
        Shape::Any(entries) => (format!("(any){name}"), entries),
        // A word of surfaces, or a group of nothing.
        Shape::Group(entries) if RESERVED.contains(&entry.name.as_str()) || entries.is_empty() => {
            (format!("(any){name}"), entries)
        }
        Shape::Group(entries) => (name, entries),
        Shape::List(Holds::Of(of)) => (format!("(list){name} of={}", quoted(of)), &[]),
        Shape::Map(Holds::Of(of)) => (format!("(map){name} of={}", quoted(of)), &[]),
        Shape::List(Holds::Keys(entries)) => (format!("(list){name}"), entries),
        Shape::Map(Holds::Keys(entries)) => (format!("(map){name}"), entries),
        Shape::Dead => (format!("(dead){name} because={}", quoted(UNREAD)), &[]),
    };
    out.push_str(&indent);
    out.push_str(&head);
    if let Some(default) = entry.default.as_ref().and_then(literal) {
        out.push_str(&format!(" default={default}"));
    }
    if entry.tpl && !matches!(entry.shape, Shape::Group(_) | Shape::Dead) {
        out.push_str(" tpl=#true");
    }
    if below.is_empty() {
        out.push('\n');
        return;
    }
    out.push_str(" {\n");
    push_all(out, below, depth + 1);
    out.push_str(&format!("{indent}}}\n"));
}

/// A default as KDL writes it; none for what no literal says.
fn literal(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Bool(value) => Some(format!("#{value}")),
        Kind::Int(value) if i64::try_from(*value).is_ok() => Some(value.to_string()),
        Kind::Float(value) if value.is_finite() => Some(format!("{value:?}")),
        Kind::Text(text) if !text.contains(is_hidden) => Some(quoted(text)),
        _ => None,
    }
}

/// A key as the name of a node.
fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let keyword = matches!(name, "true" | "false" | "null" | "inf" | "nan");
    if begins && name.chars().all(plain) && !keyword { name.to_owned() } else { quoted(name) }
}

/// A text between quotes; what nobody would see is spelt out.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
