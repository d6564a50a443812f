//! Endpoints: who answers where we run nothing, and further addresses.
//!
//! In: `endpoint` nodes. Out: [`Endpoint`]s with their guards.
//! Never: links, which are made when a plan is.
//! Invariant: an endpoint has a field or a provider.

use crate::{
    diag::codes,
    expr::{Expr, Kind as ExprKind},
    schema::{
        Endpoint, External, Guarded, Stack,
        body::{Item, guarded},
        build::Builder,
        declare::Written,
        names::Scope,
        shape::Shape,
    },
    syntax::Node,
};

impl<'d> Builder<'d> {
    pub(super) fn endpoint(&self, item: &Item<'d>) -> Option<Guarded<Endpoint>> {
        let node = item.node;
        self.shape(node, Shape { arguments: 1, properties: &["when"], children: true });
        let name = self.argument(node, Some(&Self::scalar("string")), &item.scope)?;
        let mut endpoint = Endpoint { name, span: node.name.span, external: None, fields: indexmap::IndexMap::new() };
        let field_scope = Scope { provider: true, ..item.scope.clone() };
        self.children_once(node, &["external"]);
        for child in &node.children {
            if let Some(annotation) = &child.annotation {
                self.report(
                    codes::MISPLACED
                        .at(annotation.span, format!("`({})` cannot stand in an endpoint", annotation.text))
                        .hint("write `external when=\"…\"`, or `(when)` around the endpoint"),
                );
            } else if child.name.text == "external" {
                endpoint.external = endpoint.external.or(self.external(child, &item.scope));
            } else {
                self.endpoint_field(child, &field_scope, &mut endpoint);
            }
        }
        if node.children.is_empty() {
            self.empty(
                node.span,
                "the endpoint says nothing",
                "give it `external host=…` or a field such as `url`, or delete it",
            );
        }
        Some(guarded(&self.guards(item), endpoint))
    }

    fn external(&self, node: &'d Node, scope: &Scope) -> Option<External> {
        self.shape(node, Shape { arguments: 0, properties: &["when", "host", "port"], children: false });
        let when = node.property("when").map(|entry| self.condition_text(Written::Entry(entry), scope));
        if node.property("host").is_none() {
            self.report(codes::MISSING_PROPERTY.at(node.name.span, "`external` needs `host=`"));
        }
        let host = self.property(node, "host", "string", scope);
        let port = self.property(node, "port", "port", scope);
        let when = match when {
            Some(when) => Some(when?),
            None => None,
        };
        Some(External { when, host: host?, port, span: node.name.span })
    }

    fn endpoint_field(&self, node: &'d Node, scope: &Scope, endpoint: &mut Endpoint) {
        let name = node.name.text.as_str();
        if ["host", "port", "ports"].contains(&name) {
            self.report(
                codes::RESERVED_NAME
                    .at(node.name.span, format!("no field of an endpoint may be called `{name}`"))
                    .hint(format!("write `external {name}=…`, or choose another name")),
            );
            return;
        }
        self.entries(node, Shape { arguments: 1, properties: &[], children: false });
        let Some(value) = self.argument(node, None, scope) else { return };
        if endpoint.fields.insert(name.into(), value).is_some() {
            self.report(
                codes::DECLARED_TWICE.at(node.name.span, format!("the field `{name}` stands here a second time")),
            );
        }
    }

    /// Reports an endpoint at which nothing ever answers.
    pub(super) fn provided(&self, stack: &Stack) {
        for found in stack.endpoints.iter().filter(|found| found.node.external.is_none()) {
            let ExprKind::Literal(name) = &found.node.name.kind else { continue };
            let name = crate::value::spell(name);
            let same = |other: &Expr| match &other.kind {
                ExprKind::Literal(other) => crate::value::spell(other) == name,
                _ => true,
            };
            let answered = stack.workloads.iter().any(|other| same(&other.node.name))
                || stack.endpoints.iter().any(|other| other.node.external.is_some() && same(&other.node.name));
            if !answered && !found.node.fields.is_empty() {
                self.report(
                    codes::NO_PROVIDER
                        .at(found.node.span, format!("nothing answers at `{name}`"))
                        .hint("add `external host=… port=…`, or a workload of that name"),
                );
            }
        }
    }
}
