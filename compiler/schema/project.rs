//! What a stack says beside settings, presets and rules: the nodes that become workloads and files.
//!
//! In: bodies of `stack` nodes, and a [`Builder`] in which every setting is declared. Out: the lists of a [`Stack`].
//! Never: values of an environment.
//! Invariant: a node that is not read is reported.

use crate::{
    diag::{codes, nearest},
    expr::{Expr, Kind as ExprKind, Type},
    schema::{Config, Guard, Stack, body::Item, build::Builder, declare::Written, load::KNOWN_NODES, names::Scope},
    syntax::{Entry, Node},
};

impl<'d> Builder<'d> {
    /// Reads everything but settings, presets and rules.
    pub(super) fn project(&self, bodies: &[&'d Node], stack: &mut Stack) {
        let mut items = Vec::new();
        for body in bodies {
            self.flatten(std::slice::from_ref(*body), &[], &Scope::default(), &mut items);
        }
        for item in &items {
            if item.node.annotation.is_some() {
                continue; // reported by `collect_names`, or by the next line
            }
            self.not_guarded(item);
            match item.node.name.text.as_str() {
                "endpoint" => stack.endpoints.extend(self.endpoint(item)),
                "workload" => stack.workloads.extend(self.workload(item)),
                "compose" => self.compose(item, stack),
                "config" => stack.configs.extend(self.config(&in_projection(item))),
                "mcp" => stack.mcp.extend(self.mcp(&in_projection(item))),
                "helm" => stack.helm.extend(self.helm(&in_projection(item))),
                "flux" => self.flux(&in_projection(item), stack),
                _ => {}
            }
        }
        self.named_once(stack);
        self.provided(stack);
    }

    /// Reports two things of one name where both always exist, and files of one name.
    fn named_once(&self, stack: &Stack) {
        let mut seen: indexmap::IndexMap<String, crate::source::Span> = indexmap::IndexMap::new();
        let mut once = |what: String, span: crate::source::Span| match seen.get(&what) {
            Some(first) => self.declared_twice(span, &what, *first),
            None => {
                seen.insert(what, span);
            }
        };
        for found in stack.workloads.iter().filter(|found| found.guards.is_empty()) {
            if let ExprKind::Literal(name) = &found.node.name.kind {
                once(format!("the workload `{}`", crate::value::spell(name)), found.node.span);
            }
        }
        for found in stack.endpoints.iter().filter(|found| found.guards.is_empty()) {
            if let ExprKind::Literal(name) = &found.node.name.kind {
                once(format!("the endpoint `{}`", crate::value::spell(name)), found.node.span);
            }
        }
        for found in &stack.helm {
            once(format!("the `helm` block `{}`", found.name), found.span);
        }
        for found in &stack.configs {
            once(format!("the configuration `{}`", found.name), found.span);
            let same = |other: &&Config| other.name == found.name && other.span != found.span;
            if found.when.is_empty() && !stack.configs.iter().any(|other| same(&other)) {
                once(format!("the file `{}`", found.file), found.span);
            }
        }
    }

    /// Refuses what cannot depend on anything, under a condition or in a loop.
    fn not_guarded(&self, item: &Item<'d>) {
        let word = item.node.name.text.as_str();
        if (item.guards.is_empty() && item.scope.fragments.is_empty())
            || ["endpoint", "workload", "config", "mcp", "helm"].contains(&word)
        {
            return;
        }
        let known = KNOWN_NODES.contains(&word);
        let finding = if known {
            let hint = match word {
                "defaults" | "rule" => "use its own `when=`",
                "settings" => "put the condition into `settings { … }`",
                _ => "move it out",
            };
            codes::MISPLACED
                .at(item.node.name.span, format!("`{word}` cannot stand under a condition, in a loop or in a fragment"))
                .hint(hint)
        } else {
            codes::UNKNOWN_NODE.at(item.node.name.span, format!("`{word}` means nothing in a stack"))
        };
        self.report(finding);
    }

    /// The nodes of a body, each with what is around it.
    pub(super) fn items_of(&self, nodes: &'d [Node], guards: &[Guard], scope: &Scope) -> Vec<Item<'d>> {
        let mut items = Vec::new();
        self.flatten(nodes, guards, scope, &mut items);
        items
    }

    pub(super) fn scalar(name: &str) -> Type {
        Type::Scalar(name.into())
    }

    /// A property as an expression of a scalar type.
    pub(super) fn property(&self, node: &Node, name: &str, of: &str, scope: &Scope) -> Option<Expr> {
        node.property(name).and_then(|entry| self.value(entry, Some(&Self::scalar(of)), scope))
    }

    /// The first argument as an expression.
    pub(super) fn argument(&self, node: &Node, wanted: Option<&Type>, scope: &Scope) -> Option<Expr> {
        match node.arguments().next() {
            Some(entry) => self.value(entry, wanted, scope),
            None => {
                self.report(codes::ONE_VALUE.at(node.span, format!("`{}` is given no value", node.name.text)));
                None
            }
        }
    }

    pub(super) fn arguments(&self, node: &Node, wanted: Option<&Type>, scope: &Scope) -> Vec<Expr> {
        node.arguments().filter_map(|entry| self.value(entry, wanted, scope)).collect()
    }

    pub(super) fn one_of<T: Copy>(&self, entry: &Entry, table: &[(&str, T)]) -> Option<T> {
        let word = self.plain(entry, "this word")?;
        if let Some((_, found)) = table.iter().find(|(name, _)| *name == word) {
            return Some(*found);
        }
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        let near = nearest(&word, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        self.report(
            codes::UNKNOWN_WORD.at(entry.span, format!("`{word}` is none of {}", names.join(", "))).maybe_hint(near),
        );
        None
    }

    /// Conditions of a node: the guards around it and its own `when=`.
    pub(super) fn guards(&self, item: &Item<'d>) -> Vec<Guard> {
        let own = item.node.property("when").and_then(|entry| self.condition_text(Written::Entry(entry), &item.scope));
        item.guards.iter().cloned().chain(own.map(Guard::When)).collect()
    }

    pub(super) fn conditions(&self, item: &Item<'d>) -> Vec<Expr> {
        let mut conditions = Vec::new();
        for guard in self.guards(item) {
            match guard {
                Guard::When(condition) => conditions.push(condition),
                Guard::Each(source) => {
                    self.report(
                        codes::NOT_IN_LOOP.at(source.span, format!("`{}` cannot stand in a loop", item.node.name.text)),
                    );
                }
            }
        }
        conditions
    }

    pub(super) fn unknown_node(&self, node: &Node, known: &[&str], place: &str) {
        let near = nearest(&node.name.text, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        self.report(
            codes::UNKNOWN_NODE
                .at(node.name.span, format!("`{}` means nothing in {place}", node.name.text))
                .maybe_hint(near),
        );
    }
}

/// A node that may go through the workloads.
fn in_projection<'d>(item: &Item<'d>) -> Item<'d> {
    let scope = Scope { projection: true, ..item.scope.clone() };
    Item { node: item.node, guards: item.guards.clone(), scope }
}
