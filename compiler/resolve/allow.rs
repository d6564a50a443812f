//! `allow KIND SUBJECT because="…"`: something that is refused unless the environment declares that it is meant.

use smol_str::SmolStr;

use super::{because, only};
use crate::{
    diag::{Diags, codes, nearest},
    model::{Allow, KINDS},
    syntax::{Literal, Node},
};

/// The most that one deployment may allow: each is looked for by going through all.
const MOST: usize = 1000;

/// Reads one `allow` node and adds it to what is known, unless it is wrong.
pub(super) fn read(node: &Node, known: &mut Vec<Allow>, diags: &mut Diags) {
    let allow = allow(node, known, diags);
    if known.len() >= MOST {
        diags.push(codes::TOO_LARGE.at(known[0].span, format!("more than {MOST} times `allow` in one deployment")));
        return;
    }
    known.extend(allow);
}

fn allow(node: &Node, known: &[Allow], diags: &mut Diags) -> Option<Allow> {
    only_two(node, diags);
    let kind = kind(node, diags);
    let subject = subject(node, diags);
    let because = because(node, diags)?;
    let allow = Allow { kind: kind?, subject: subject?, because, span: node.name.span };
    if let Some(first) = known.iter().find(|other| (other.kind, &other.subject) == (allow.kind, &allow.subject)) {
        diags.push(
            codes::WRITTEN_TWICE
                .at(allow.span, format!("`{}` is allowed for `{}` twice", allow.kind, allow.subject))
                .underline("again here")
                .label(first.span, "first here")
                .hint("delete one of the two"),
        );
        return None;
    }
    Some(allow)
}

/// Refuses a third argument, properties that mean nothing, and children.
fn only_two(node: &Node, diags: &mut Diags) {
    only(node, usize::MAX, &["because"], diags);
    if let Some(entry) = node.arguments().nth(2) {
        diags.push(
            codes::TOO_MANY_VALUES
                .at(entry.span, "`allow` takes two arguments")
                .underline("one too many")
                .hint("write one `allow` for each subject"),
        );
    }
    if let Some(child) = node.children.first() {
        diags.push(codes::UNKNOWN_ATTRIBUTE.at(child.name.span, "`allow` has no block").hint("delete the braces"));
    }
}

fn kind(node: &Node, diags: &mut Diags) -> Option<&'static str> {
    let entry = node.arguments().next();
    let word = match entry.map(|entry| (&entry.value, entry.span)) {
        Some((Literal::String(word), _)) => word.as_str(),
        _ => "",
    };
    if let Some((kind, _)) = KINDS.iter().find(|(kind, _)| *kind == word) {
        return Some(kind);
    }
    let near = nearest(word, KINDS.iter().map(|(kind, _)| *kind)).map(|near| format!("did you mean `{near}`?"));
    let words: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    let (span, message) = match entry {
        Some(entry) => (entry.span, format!("`{word}` is nothing that can be allowed")),
        None => (node.name.span, "`allow` does not say what".to_owned()),
    };
    diags.push(
        codes::UNKNOWN_ALLOW.at(span, message).underline(format!("one of {}", words.join(", "))).maybe_hint(near),
    );
    None
}

fn subject(node: &Node, diags: &mut Diags) -> Option<SmolStr> {
    match node.arguments().nth(1).map(|entry| &entry.value) {
        Some(Literal::String(subject)) if !subject.is_empty() => Some(subject.as_str().into()),
        _ => {
            diags.push(
                codes::NO_SUBJECT
                    .at(node.name.span, "`allow` does not say for what")
                    .hint("write `allow \"KIND\" \"SUBJECT\" because=\"…\"`; the finding names both"),
            );
            None
        }
    }
}
