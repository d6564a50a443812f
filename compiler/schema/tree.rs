//! Trees: keys and values as a target prints them.
//!
//! In: nodes of a projection or a fact. Out: [`TreeNode`]s, with their conditions and loops in place.
//! Never: which keys a target knows.
//! Invariant: no node has both keys and items.

use crate::{
    diag::codes,
    expr::{Expr, Form, Kind as ExprKind},
    plan::Format,
    schema::{Keep, Other, TreeKey, TreeNode, TreeValue, build::Builder, declare::Written, names::Scope},
    syntax::{Entry, Node},
};

/// Words for formats.
pub(super) const FORMATS: &[(&str, Format)] =
    &[("yaml", Format::Yaml), ("toml", Format::Toml), ("json", Format::Json), ("ini", Format::Ini)];

impl<'d> Builder<'d> {
    /// The properties and children of a node as tree nodes.
    pub(super) fn tree(&self, node: &'d Node, scope: &Scope) -> Vec<TreeNode> {
        if let Some(entry) = node.arguments().next() {
            self.report(
                codes::STRAY_ARGUMENT
                    .at(entry.span, format!("`{}` takes keys, no value", node.name.text))
                    .hint(format!("write `{} {{ KEY VALUE }}`", node.name.text)),
            );
        }
        self.tree_keys(node, scope)
    }

    pub(super) fn tree_keys(&self, node: &'d Node, scope: &Scope) -> Vec<TreeNode> {
        let mut nodes: Vec<TreeNode> = Vec::new();
        for (name, entry) in node.properties() {
            if let Some(value) = self.printed(entry, scope) {
                nodes.push(TreeNode::Key {
                    key: TreeKey::Fixed(name.text.as_str().into()),
                    value: TreeValue::One(value),
                    span: name.span,
                });
            }
        }
        nodes.extend(self.tree_nodes(&node.children, scope));
        self.tree_once(&nodes);
        nodes
    }

    /// Refuses a key that always stands twice, and items beside keys.
    pub(super) fn tree_once(&self, nodes: &[TreeNode]) {
        let mut seen: indexmap::IndexMap<&str, crate::source::Span> = indexmap::IndexMap::new();
        for node in nodes {
            if let TreeNode::Key { key: TreeKey::Fixed(key), span, .. } = node
                && let Some(first) = seen.insert(key, *span)
            {
                self.report(
                    codes::KEY_TWICE
                        .at(*span, format!("the key `{key}` stands here a second time"))
                        .label(first, "first here"),
                );
            }
        }
        let key = nodes.iter().find_map(|node| match node {
            TreeNode::Key { span, .. } => Some(*span),
            _ => None,
        });
        let item = nodes.iter().find_map(|node| match node {
            TreeNode::Item { span, .. } => Some(*span),
            _ => None,
        });
        if let (Some(key), Some(item)) = (key, item) {
            self.report(
                codes::MIXED_TREE
                    .at(item, "items `-` and keys stand side by side")
                    .label(key, "a key")
                    .hint("write either"),
            );
        }
    }

    pub(super) fn tree_nodes(&self, nodes: &'d [Node], scope: &Scope) -> Vec<TreeNode> {
        let mut out = Vec::new();
        for node in nodes {
            match node.annotation.as_ref().map(|name| name.text.as_str()) {
                Some("when") => {
                    self.no_entries(node);
                    self.not_bare(node);
                    if let Some(condition) = self.condition_text(Written::Name(&node.name), scope) {
                        out.push(TreeNode::When(condition, self.tree_nodes(&node.children, scope)));
                    }
                }
                Some("each") => {
                    self.no_entries(node);
                    self.not_bare(node);
                    if let Some((source, inner)) = self.each(&node.name, scope) {
                        out.push(TreeNode::Each(source, self.tree_nodes(&node.children, &inner)));
                    }
                }
                Some("use") => {
                    if let Some((fragment, inner)) = self.fragment(node, scope) {
                        out.extend(self.tree_nodes(&fragment.children, &inner));
                    }
                }
                annotation => out.extend(self.tree_key(node, annotation, scope)),
            }
        }
        out
    }

    fn tree_key(&self, node: &'d Node, annotation: Option<&str>, scope: &Scope) -> Option<TreeNode> {
        let span = node.name.span;
        let fixed = || Some(TreeKey::Fixed(node.name.text.as_str().into()));
        let (key, value) = match annotation {
            None if node.name.text == "-" => {
                let value = self.tree_value(node, scope)?;
                return Some(TreeNode::Item { value, span });
            }
            None => (fixed(), self.tree_value(node, scope)?),
            Some("map") => (fixed(), TreeValue::Nodes { nodes: self.tree(node, scope), keep: Some(Keep::Map) }),
            Some("list") => {
                if let Some((name, _)) = node.properties().next() {
                    self.report(
                        codes::MIXED_TREE
                            .at(name.span, "a list has no keys")
                            .hint("write its items as values or as `- …`"),
                    );
                }
                let mut nodes: Vec<TreeNode> = Vec::new();
                for entry in node.arguments() {
                    if let Some(value) = self.printed(entry, scope) {
                        nodes.push(TreeNode::Item { value: TreeValue::One(value), span: entry.span });
                    }
                }
                nodes.extend(self.tree_nodes(&node.children, scope));
                (fixed(), TreeValue::Nodes { nodes, keep: Some(Keep::List) })
            }
            Some(word @ ("ref" | "f" | "cel")) => {
                let form = match word {
                    "ref" => Form::Path,
                    "f" => Form::Template,
                    _ => Form::Cel,
                };
                let key =
                    self.compiled(&node.name.text, span, form, None, scope).map(|(expr, _)| TreeKey::Computed(expr));
                (key, self.tree_value(node, scope)?)
            }
            Some(word) => match format_of(word) {
                Some(format) => (fixed(), TreeValue::Embedded(format, self.tree(node, scope))),
                None => {
                    self.report(
                        codes::UNKNOWN_ANNOTATION.at(node.span, format!("`({word})` is no form of a key in a tree")),
                    );
                    return None;
                }
            },
        };
        Some(TreeNode::Key { key: key?, value, span })
    }

    /// A value of a tree. In a workload it cannot be a workload: printing that would lead in a circle.
    fn printed(&self, entry: &Entry, scope: &Scope) -> Option<Expr> {
        let expr = self.value(entry, None, scope)?;
        if let ExprKind::Ref(found) = &expr.kind
            && !scope.projection
            && matches!(self.other_at(found.place), Some(Other::Workloads | Other::Workload(_)))
        {
            self.report(
                codes::MISPLACED
                    .at(found.span, "a workload cannot print workloads")
                    .hint("name a fact, such as `workloads.NAME.image`, or print them in a `config` that is mounted"),
            );
            return None;
        }
        Some(expr)
    }

    fn tree_value(&self, node: &'d Node, scope: &Scope) -> Option<TreeValue> {
        let arguments: Vec<&Entry> = node.arguments().collect();
        let nested = node.properties().next().is_some() || !node.children.is_empty() || node.braces;
        match (arguments.as_slice(), nested) {
            ([], _) => {
                if !nested {
                    self.report(
                        codes::ONE_VALUE.at(node.span, format!("the key `{}` is given no value", node.name.text)),
                    );
                    return None;
                }
                Some(TreeValue::Nodes { nodes: self.tree(node, scope), keep: None })
            }
            ([one], false) => self.printed(one, scope).map(TreeValue::One),
            (many, false) => {
                Some(TreeValue::Many(many.iter().filter_map(|entry| self.printed(entry, scope)).collect()))
            }
            _ => {
                self.report(
                    codes::MIXED_TREE
                        .at(node.span, format!("`{}` has values and keys of its own", node.name.text))
                        .hint("write either"),
                );
                None
            }
        }
    }
}

/// The format that a word names.
#[must_use]
pub(crate) fn format_of(word: &str) -> Option<Format> {
    FORMATS.iter().find(|(name, _)| *name == word).map(|(_, format)| *format)
}
