//! `raw TARGET because="…" { tree }`: keys that an environment adds to a target as they are.

use std::sync::Arc;

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::{TARGETS, because, only};
use crate::{
    diag::{Diags, codes},
    model::Raw,
    plan::{Leaf, Tree},
    schema::assign::free_tree,
    source::{Source, Span},
    syntax::{Literal, Node},
    value::Value,
};

/// Reads one `raw` node; `None` if it was wrong.
pub(super) fn read(node: &Node, source: &Arc<Source>, diags: &mut Diags) -> Option<Raw> {
    let entry = node.arguments().next();
    let target = match entry.map(|entry| (&entry.value, entry.span)) {
        Some((Literal::String(name), _)) if RAW_TARGETS.contains(&name.as_str()) => name.clone(),
        Some((Literal::String(name), span)) => {
            let near = super::nearest_target(name, RAW_TARGETS).map(|near| format!("did you mean `{near}`?"));
            let message = match TARGETS.contains(&name.as_str()) {
                true => format!("`{name}` takes no `raw` keys"),
                false => format!("`{name}` is no target"),
            };
            diags.push(
                codes::UNKNOWN_TARGET
                    .at(span, message)
                    .underline(format!("one of {}", RAW_TARGETS.join(", ")))
                    .maybe_hint(near),
            );
            return None;
        }
        _ => {
            diags.push(
                codes::NO_TARGET
                    .at(node.name.span, "`raw` names no target")
                    .hint("write `raw \"helm\" because=\"…\" { … }`"),
            );
            return None;
        }
    };
    only(node, 1, &["release", "because"], diags);
    let because = because(node, diags)?;
    let release = match node.property("release").map(|entry| &entry.value) {
        Some(Literal::String(name)) => name.as_str().into(),
        _ => "".into(),
    };
    let mut map = IndexMap::new();
    for child in &node.children {
        let value = free_tree(child, std::slice::from_ref(source), diags)?;
        if map.insert(SmolStr::from(child.name.text.as_str()), tree(value, child)).is_some() {
            diags.push(
                codes::WRITTEN_TWICE.at(child.name.span, format!("the key `{}` is written twice", child.name.text)),
            );
        }
    }
    Some(Raw { target: target.into(), release, because, span: node.name.span, tree: Tree::Map(map) })
}

/// Targets that take further keys.
const RAW_TARGETS: &[&str] = &["helm", "compose"];

/// A free value as a tree whose leaves stand where the node says them.
fn tree(value: Value, node: &Node) -> Tree {
    match value {
        Value::Map(map) => {
            // Both are in the order of the text, properties first, and no key stands twice.
            let mut values = map.into_iter();
            let properties = node.properties().zip(values.by_ref());
            let mut tree: IndexMap<SmolStr, Tree> =
                properties.map(|((_, entry), (key, value))| (key, leaf(value, entry.span))).collect();
            tree.extend(node.children.iter().zip(values).map(|(child, (key, value))| (key, self::tree(value, child))));
            Tree::Map(tree)
        }
        Value::List(items) if node.children.is_empty() => {
            Tree::List(node.arguments().zip(items).map(|(entry, value)| leaf(value, entry.span)).collect())
        }
        Value::List(items) => {
            Tree::List(node.children.iter().zip(items).map(|(child, item)| tree(item, child)).collect())
        }
        value => leaf(value, node.arguments().next().map_or(node.span, |entry| entry.span)),
    }
}

fn leaf(value: Value, at: Span) -> Tree {
    Tree::Leaf(Leaf { value, origins: Vec::new(), at })
}
