//! Rules that can never apply, because what they read never exists at once.
//!
//! In: a checked [`Stack`]. Out: findings.
//! Never: a guess. Only conditions that fix a choice, an enum or a switch count; everything else may be true.

use std::collections::BTreeMap;

use crate::{
    diag::{Diags, codes},
    expr::{Expr, Key, Kind as ExprKind, Operator, Ref},
    schema::{Kind, Rule, SettingId, Stack},
    source::Span,
    value::spell,
};

/// Reports rules that can never apply.
pub(super) fn check(stack: &Stack, diags: &mut Diags) {
    for rule in &stack.rules {
        let mut known = Known { stack, allowed: BTreeMap::new(), clash: None };
        for when in &rule.when {
            known.holds(when);
        }
        // Each requirement stands for itself: one that can apply is enough.
        let clash = match rule.require.iter().map(|require| known.with(require)).collect::<Option<Vec<_>>>() {
            Some(clashes) => clashes.into_iter().next(),
            None => None,
        };
        if let Some((place, words)) = known.clash.or(clash) {
            report(rule, place, &words, diags);
        }
    }
}

fn report(rule: &Rule, place: Span, words: &str, diags: &mut Diags) {
    diags.push(
        codes::NEVER_APPLIES
            .at(rule.span, format!("the rule `{}` can never apply: {words}", rule.id))
            .label(place, "exists only then")
            .hint("ask with `has(…)`, or write one rule per variant"),
    );
}

/// What must be so for something to apply.
#[derive(Clone)]
struct Known<'a> {
    stack: &'a Stack,
    /// The words that a choice, enum or switch can still have, by setting and keys, and where that was said.
    allowed: BTreeMap<(SettingId, String), Vec<String>>,
    /// The first contradiction.
    clash: Option<(Span, String)>,
}

impl Known<'_> {
    /// What contradicts what is known, if `expr` must have a value.
    fn with(&self, expr: &Expr) -> Option<(Span, String)> {
        let mut inner = self.clone();
        inner.exists(expr);
        inner.clash
    }

    /// A condition is true.
    fn holds(&mut self, expr: &Expr) {
        if let ExprKind::Binary(Operator::And, a, b) = &expr.kind {
            self.holds(a);
            self.holds(b);
            return;
        }
        self.exists(expr);
        match &expr.kind {
            ExprKind::Ref(found) => self.is_one_of(found, vec!["true".to_owned()], expr.span),
            ExprKind::Not(inner) => {
                if let ExprKind::Ref(found) = &inner.kind {
                    self.is_one_of(found, vec!["false".to_owned()], expr.span);
                }
            }
            ExprKind::Binary(Operator::Equal, a, b) => {
                if let (ExprKind::Ref(found), ExprKind::Literal(value))
                | (ExprKind::Literal(value), ExprKind::Ref(found)) = (&a.kind, &b.kind)
                {
                    self.is_one_of(found, vec![spell(value)], expr.span);
                }
            }
            ExprKind::Binary(Operator::In, a, b) => {
                if let (ExprKind::Ref(found), ExprKind::List(items)) = (&a.kind, &b.kind) {
                    let words: Option<Vec<String>> = items
                        .iter()
                        .map(|item| match &item.kind {
                            ExprKind::Literal(value) => Some(spell(value)),
                            _ => None,
                        })
                        .collect();
                    if let Some(words) = words {
                        self.is_one_of(found, words, expr.span);
                    }
                }
            }
            _ => {}
        }
    }

    /// An expression has a value: so has everything that it reads in any case.
    fn exists(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Ref(found) => self.is_there(found),
            ExprKind::Not(inner) | ExprKind::Negate(inner) | ExprKind::Part(inner, ..) => self.exists(inner),
            ExprKind::Binary(operator, a, b) if !matches!(operator, Operator::And | Operator::Or) => {
                self.exists(a);
                self.exists(b);
            }
            ExprKind::If(condition, ..) => self.exists(condition),
            ExprKind::List(parts) | ExprKind::Text(parts) | ExprKind::Call(_, parts) => {
                parts.iter().for_each(|part| self.exists(part));
            }
            _ => {}
        }
    }

    fn is_there(&mut self, found: &Ref) {
        let Some(id) = self.stack.setting_at(found.place) else { return };
        let setting = self.stack.setting(id);
        // Of several declarations any may be the one.
        let [only] = setting.declarations.as_slice() else { return };
        if setting.depth > 0 {
            return;
        }
        let stack = self.stack;
        for condition in &only.available {
            self.holds(&stack.conditions[*condition as usize]);
        }
    }

    fn is_one_of(&mut self, found: &Ref, words: Vec<String>, span: Span) {
        let Some(id) = self.stack.setting_at(found.place) else { return };
        let setting = self.stack.setting(id);
        let fixed = match &setting.kind {
            Kind::Choice(_) | Kind::Switch => true,
            Kind::Scalar(name) => name.as_str() == "enum" || name.as_str() == "bool",
            _ => false,
        };
        let constant = found.keys.iter().all(|key| matches!(key, Key::Literal(_) | Key::Own(_)));
        if !fixed || !constant {
            return;
        }
        let key = (id, format!("{:?}", found.keys));
        let before = self.allowed.get(&key).cloned();
        let both: Vec<String> = match &before {
            Some(before) => words.iter().filter(|word| before.contains(word)).cloned().collect(),
            None => words.clone(),
        };
        if let (true, Some(before), None) = (both.is_empty(), before, &self.clash) {
            let text =
                format!("`{}` would be {} and {} at once", setting.path, before.join(" or "), words.join(" or "));
            self.clash = Some((span, text));
        }
        self.allowed.insert(key, both);
    }
}
