//! Keys that a surface says the values of: what is no fact, computed from the settings a second time, apart from the
//! projection.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{carried, chart::Chart};
use crate::{
    diag::codes,
    expr::{self, Evaluated, Expr},
    source::Span,
    surface,
    value::Value,
};

impl Chart<'_, '_> {
    /// Compares every key that has to say something with what it has to say. A key that the environment's `raw` writes
    /// says what its reason is for.
    pub(super) fn says(&mut self) {
        for number in 0..self.surface.keys.len() as u32 {
            let key = self.surface.key(number);
            let Some(says) = key.says.as_ref().filter(|_| self.is_read(number)) else { continue };
            let (origins, at, raw) = self.origins(&self.surface.words_of(number));
            let wanted = match self.reading().evaluate(says) {
                Evaluated::Value(value) => value,
                Evaluated::Missing => Value::Null,
                Evaluated::Unknown => continue,
            };
            let node = self.values.written(number);
            let Some(found) = node.map_or(Some(Value::Null), |node| surface::typed(self.surface, number, node).ok())
            else {
                continue; // reported as of the wrong type
            };
            let (found, wanted) = (said(&found), said(&wanted));
            if raw {
                continue;
            }
            if !carried::same(&found, &wanted) {
                self.says_otherwise(number, says, &found, &wanted, at);
                continue;
            }
            let named = self.named_by(says);
            let is_other = |path: &Arc<str>| !named.iter().any(|one| within(path, one));
            if origins.iter().any(is_other) || origins.is_empty() && !named.is_empty() && found != Value::Null {
                self.says_by_other(number, says, &origins, at);
            }
        }
    }

    fn says_by_other(&mut self, number: u32, says: &Expr, origins: &[Arc<str>], at: Span) {
        let words = |paths: &[Arc<str>]| if paths.is_empty() { "a constant".to_owned() } else { super::words(paths) };
        let (path, wanted) = (self.surface.path_of(number), words(&self.named_by(says)));
        let message = format!("`{path}` has to come from {wanted}, and comes from {}", words(origins));
        self.report(codes::OTHER_ORIGIN.at(at, message).label(says.span, "the surface says so"));
    }

    fn says_otherwise(&mut self, number: u32, says: &Expr, found: &Value, wanted: &Value, at: Span) {
        let (mut path, chart) = (self.surface.path_of(number), &self.surface.chart);
        let (found, wanted) = difference(found, wanted, &mut path);
        let named = self.named_by(says);
        let from = if named.is_empty() { String::new() } else { format!(" (from {})", super::words(&named)) };
        let (finds, wants) = (super::spell(found), super::spell(wanted));
        let message = format!("`{path}` has to say {wants}{from} to chart `{chart}`, and says {finds}");
        let code = match (found, wanted) {
            (Value::Null, _) => &codes::MISSING_KEY,
            (_, Value::Null) => &codes::EXTRA_KEY,
            _ => &codes::CARRIED_DIFFERS,
        };
        let at = if at == Span::default() { says.span } else { at };
        self.report(code.at(at, message).label(says.span, "the surface says so"));
    }

    /// The settings that an expression names.
    fn named_by(&self, expr: &Expr) -> Vec<Arc<str>> {
        let id = |found: &&expr::Ref| self.stack.setting_at(found.place);
        expr::references(expr).iter().filter_map(id).map(|id| self.stack.setting(id).path.clone()).collect()
    }
}

/// The first place at which two values differ, and what they are there; its path is added to that of the key.
fn difference<'v>(found: &'v Value, wanted: &'v Value, path: &mut String) -> (&'v Value, &'v Value) {
    let entries = |value: &'v Value| -> Vec<(String, &'v Value)> {
        match value {
            Value::Map(entries) => entries.iter().map(|(key, value)| (key.to_string(), value)).collect(),
            Value::List(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
            _ => Vec::new(),
        }
    };
    if std::mem::discriminant(found) != std::mem::discriminant(wanted) {
        return (found, wanted);
    }
    let (here, there) = (entries(found), entries(wanted));
    let at = |entries: &[(String, &'v Value)], key: &str| {
        entries.iter().find(|(known, _)| known == key).map_or(&Value::Null, |(_, value)| *value)
    };
    for (key, _) in there.iter().chain(&here) {
        let (one, other) = (at(&here, key), at(&there, key));
        if !carried::same(one, other) {
            path.push('.');
            path.push_str(key);
            return difference(one, other, path);
        }
    }
    (found, wanted)
}

/// Whether a setting is another one or below it; `*` in that stands for any key.
fn within(path: &str, of: &str) -> bool {
    let mut words = path.split('.');
    of.split('.').all(|wanted| words.next().is_some_and(|word| wanted == "*" || word == wanted))
}

/// A value without nulls, and without what holds nothing, which is how values say that there is none.
fn said(value: &Value) -> Value {
    match value {
        Value::Map(entries) => {
            let left: IndexMap<_, _> = entries
                .iter()
                .map(|(key, value)| (key.clone(), said(value)))
                .filter(|(_, value)| *value != Value::Null)
                .collect();
            if left.is_empty() { Value::Null } else { Value::Map(left) }
        }
        Value::List(items) if items.is_empty() => Value::Null,
        Value::List(items) => Value::List(items.iter().map(said).collect()),
        Value::String(text) if text.is_empty() => Value::Null,
        value => value.clone(),
    }
}
