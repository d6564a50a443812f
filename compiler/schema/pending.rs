//! Expressions of declarations, compiled once every setting is declared.
//!
//! In: what `declare` noted in [`Later`]. Out: conditions, defaults and `in=` of the declarations.
//! Never: new settings.
//! Invariant: each noted expression is compiled once, in the order of writing.

use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::{
    diag::codes,
    expr::{self, Expr, Form, Kind as ExprKind, Type},
    schema::{
        Assignment, Given, Kind, SettingId,
        assign::Reader,
        build::Builder,
        declare::{Later, Pending, PendingOf, UseDefaults, Written, is_annotated},
        names::Scope,
    },
    source::Span,
    syntax::{Entry, Name, Node},
    value::Value,
};

impl<'d> Builder<'d> {
    pub(super) fn compile_pending(&mut self, later: &Later<'d>) {
        let mut lists: IndexMap<(SettingId, usize), Vec<Expr>> = IndexMap::new();
        for Pending { of, text, record } in &later.expressions {
            let scope = Scope { record: *record, ..Scope::default() };
            match of {
                PendingOf::Condition(index) => {
                    let compiled = self.condition_text(*text, &scope);
                    self.conditions[*index as usize] = compiled;
                }
                PendingOf::KeyOf(id, declaration) => {
                    let Written::Entry(entry) = text else { continue };
                    let found = self.key_of(entry, &scope);
                    self.settings[id.index()].declarations[*declaration].key_of = found.map(Box::new);
                }
                PendingOf::Default(id, declaration) => {
                    let Written::Entry(entry) = text else { continue };
                    let setting = &self.settings[id.index()];
                    if matches!(setting.kind, Kind::Map(_)) {
                        continue; // reported
                    }
                    if let (Kind::List(item), None) = (&setting.kind, &entry.annotation) {
                        if matches!(self.settings[item.index()].kind, Kind::Group) {
                            continue; // reported
                        }
                        if let Some(expr) = self.default(*item, 0, entry, &scope) {
                            lists.entry((*id, *declaration)).or_default().push(expr);
                        }
                        continue;
                    }
                    let compiled = self.default(*id, *declaration, entry, &scope);
                    self.settings[id.index()].declarations[*declaration].defaults.extend(compiled);
                }
            }
        }
        for ((id, declaration), items) in lists {
            let span = items[0].span.to(items[items.len() - 1].span);
            let list = Expr { kind: ExprKind::List(items), span };
            self.settings[id.index()].declarations[declaration].defaults.push(list);
        }
        for given in &later.defaults {
            self.use_defaults(given);
        }
    }

    /// The map that `in="…"` names.
    fn key_of(&self, entry: &Entry, scope: &Scope) -> Option<expr::Ref> {
        let path = self.plain(entry, "`in`")?;
        let (found, _) = self.path(&path, entry.span, scope)?;
        let is_map =
            self.setting_at(found.place).is_some_and(|id| matches!(self.settings[id.index()].kind, Kind::Map(_)));
        if !is_map {
            self.report(
                codes::NOT_A_COLLECTION.at(entry.span, format!("`{path}` is no map")).hint("name a `(map)` setting"),
            );
            return None;
        }
        Some(found)
    }

    fn default(&self, id: SettingId, declaration: usize, entry: &Entry, scope: &Scope) -> Option<Expr> {
        let setting = &self.settings[id.index()];
        let wanted = self.type_of(id);
        let attributes = &setting.declarations[declaration].attributes;
        let (expr, _) = self.typed(entry, Some(&wanted), scope)?;
        if let (ExprKind::Literal(value), Kind::Scalar(scalar)) = (&expr.kind, &setting.kind)
            && let Some(of) = crate::value::scalar(scalar)
            && let Err(bad) = crate::value::fit(of, value.clone(), attributes)
        {
            self.report(super::build::bad_value(bad, entry.span));
            return None;
        }
        Some(expr)
    }

    /// Values that the use of a record gives its fields: they become the fields' defaults.
    fn use_defaults(&mut self, given: &UseDefaults<'d>) {
        let scope = Scope { record: given.record, ..Scope::default() };
        let depth = self.settings[given.setting.index()].depth;
        let keys: Vec<SmolStr> = (0..depth).map(|_| SmolStr::from("*")).collect();
        self.no_conditions(given.node);
        let values = {
            let builder = &*self;
            let compile = |entry: &Entry, of: &Type| builder.value(entry, Some(of), &scope);
            let mut reader = Reader::new(&builder.settings, builder.sources, Some(&compile));
            let node = declared_values(given.node);
            match builder.settings[given.setting.index()].kind {
                Kind::Map(_) => reader.nodes(
                    &[Node {
                        name: Name {
                            text: builder.settings[given.setting.index()].name.to_string(),
                            span: node.name.span,
                        },
                        ..node
                    }],
                    builder.settings[given.setting.index()].parent.unwrap_or(SettingId::ROOT),
                    &keys,
                ),
                _ => reader.fields(&node, given.setting, &keys),
            }
            builder.diags.borrow_mut().extend(reader.diags);
            reader.values
        };
        for assignment in values {
            let Assignment { setting, span, .. } = assignment;
            self.refuse_derived(&assignment);
            if assignment.keys.iter().any(|key| key.as_str() != "*") {
                if depth == 0 {
                    self.entries.push(assignment);
                    continue;
                }
                self.report(
                    codes::NOT_IN_USE
                        .at(span, "entries of a map cannot be given here")
                        .hint("give them in `defaults { … }`"),
                );
                continue;
            }
            let defaults = match assignment.given {
                // A choice or a switch that is written for what it holds keeps its own default.
                Given::Here | Given::Wrong => continue,
                Given::Null => Vec::new(),
                Given::Part(part, _) => {
                    self.report(
                        codes::NOT_IN_USE
                            .at(span, format!("the part `{part}` alone cannot be given here"))
                            .hint("write the whole value"),
                    );
                    continue;
                }
                value => as_expression(value, span).into_iter().collect(),
            };
            for declaration in &mut self.settings[setting.index()].declarations {
                declaration.defaults.clone_from(&defaults);
            }
        }
    }

    /// Refuses `(when)` and the like around the values that a use gives its fields.
    fn no_conditions(&self, node: &Node) {
        for child in &node.children {
            if let Some(annotation) = child.annotation.as_ref().filter(|name| name.text == "when") {
                self.report(
                    codes::NOT_IN_USE
                        .at(annotation.span, "values at a declaration hold always")
                        .hint("give them in `defaults when=\"…\" { … }`"),
                );
            }
        }
    }

    /// Compiles a condition that stands as a value or as the name of a node.
    pub(super) fn condition_text(&self, text: Written<'_>, scope: &Scope) -> Option<Expr> {
        let wanted = Type::Scalar("bool".into());
        match text {
            Written::Entry(entry) => self.expression(entry, Form::Cel, Some(&wanted), scope),
            Written::Name(name) => {
                self.compiled(&name.text, name.span, Form::Cel, Some(&wanted), scope).map(|(expr, _)| expr)
            }
        }
    }
}

/// The values in a use of a record: its attributes and reserved words left out.
fn declared_values(node: &Node) -> Node {
    const WORDS: &[&str] = &["about", "absent", "change", "rule", "carries"];
    let mut values = node.clone();
    if node.name.text != "default" {
        values.entries.retain(|entry| {
            entry.name.as_ref().is_some_and(|name| !["when", "required", "override"].contains(&name.text.as_str()))
        });
    }
    values.children.retain(|child| !WORDS.contains(&child.name.text.as_str()) && !is_annotated(child, "when"));
    values
}

/// What an assignment gives, as an expression.
pub(super) fn as_expression(given: Given, span: Span) -> Option<Expr> {
    match given {
        Given::Value(value) => Some(expr::constant(value, span)),
        Given::Expr(expr) => Some(expr),
        Given::List(items) => {
            let items = items.into_iter().map(|item| as_expression(item, span)).collect::<Option<Vec<_>>>()?;
            Some(Expr { kind: ExprKind::List(items), span })
        }
        Given::Here => Some(expr::constant(Value::Bool(true), span)),
        Given::Part(..) | Given::Null | Given::Wrong => None,
    }
}
