//! Keys that a surface says the values of: what is no fact, computed from the settings a second time, apart from the
//! projection. And keys of which it says nothing at all.

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::{At, Chart, Written, is_empty};
use crate::{
    diag::{Finding, codes},
    expr::{self, Evaluated, Expr},
    readback::{self, carried},
    schema::{ChartKey, KeyShape, Kind, Setting},
    source::Span,
    targets::Leaf,
    value::Value,
};

impl<'a> Chart<'a, '_> {
    /// Compares every key that has to say something with what it has to say. A key that the environment's `raw` writes
    /// says what its reason is for.
    pub(super) fn says(&mut self) {
        for (number, key) in (0_u32..).zip(&self.surface.keys) {
            let read = || self.read[number as usize] == Some(true);
            if let Some(says) = key.says.as_ref().filter(|_| read()) {
                let finding = self.says_one(number, says);
                finding.into_iter().for_each(|finding| self.report(finding));
            }
        }
    }

    fn says_one(&self, number: u32, says: &Expr) -> Option<Finding> {
        // Both by one name, so that hosts are told from other texts in both or in neither.
        let normal = |value: &Value| said(&carried::normal(value, &self.key(number).name, &self.names));
        let wanted = match self.inputs.reading().evaluate(says) {
            Evaluated::Value(value) => normal(&value),
            Evaluated::Missing => Value::Null,
            Evaluated::Unknown => return Some(self.says_unknown(number, says)),
        };
        let Some(written) = self.written.get(&number).and_then(|written| written.first()) else {
            let own = match (&wanted, self.values.value(number)) {
                (Value::Null, Evaluated::Value(value)) => normal(&value),
                _ => Value::Null,
            };
            // What is of the wrong type has a finding.
            let differs = self.values.written(number).is_none() && own != wanted;
            return differs.then(|| self.says_otherwise(number, says, &own, &wanted, says.span));
        };
        if written.raw {
            return None;
        }
        let found = normal(&written.value);
        if !carried::same(&found, &wanted) {
            return Some(self.says_otherwise(number, says, &found, &wanted, written.at));
        }
        let id = |found: &expr::Ref| self.stack.setting_at(found.place);
        let named: Vec<&Setting> = expr::references(says).filter_map(id).map(|id| self.stack.setting(id)).collect();
        let is_other = |path: &SmolStr| !named.iter().any(|one| is_of(path, one));
        let mut flowing = Vec::new();
        flow(says, &mut flowing);
        let is_setting = |found: &&expr::Ref| self.stack.setting_at(found.place).is_some();
        let constant = written.origins.is_empty() && flowing.iter().any(is_setting) && found != Value::Null;
        (constant || written.origins.iter().any(is_other)).then(|| self.says_by_other(number, says, written))
    }

    fn says_by_other(&self, number: u32, says: &Expr, written: &Written) -> Finding {
        let words = |paths: &[SmolStr]| match paths {
            [] => "a constant".to_owned(),
            paths => readback::words(paths),
        };
        let (path, wanted) = (self.surface.path_of(number), words(&self.named_by(says)));
        let message = format!("`{path}` has to come from {wanted}, and comes from {}", words(&written.origins));
        let finding = codes::OTHER_ORIGIN.at(written.at, message);
        finding.label(says.span, "the surface says so").hint("compute both from the same settings")
    }

    fn says_otherwise(&self, number: u32, says: &Expr, found: &Value, wanted: &Value, at: Span) -> Finding {
        let (mut path, chart) = (self.surface.path_of(number), &self.surface.chart);
        let (found, wanted) = difference(found, wanted, &mut path);
        let named = self.named_by(says);
        let from = if named.is_empty() { String::new() } else { format!(" (from {})", readback::words(&named)) };
        let (finds, wants) = (readback::spell(found), readback::spell(wanted));
        let message = format!("`{path}` has to say {wants}{from} to chart `{chart}`, and says {finds}");
        let code = match (found, wanted) {
            (Value::Null, _) => &codes::MISSING_KEY,
            (_, Value::Null) => &codes::EXTRA_KEY,
            _ => &codes::CARRIED_DIFFERS,
        };
        code.at(at, message).label(says.span, "the surface says so")
    }

    /// A value that there is none of: the settings are all known, but what the surface says of them has no result.
    fn says_unknown(&self, number: u32, says: &Expr) -> Finding {
        let (path, from) = (self.surface.path_of(number), readback::words(&self.named_by(says)));
        let message = format!("what `{path}` has to say to chart `{}` has no value for {from}", self.surface.chart);
        codes::CARRIED_DIFFERS.at(says.span, message).hint("say it in a unit, or by an expression, that has one")
    }

    /// The settings that an expression names.
    fn named_by(&self, expr: &Expr) -> Vec<SmolStr> {
        let id = |found: &expr::Ref| self.stack.setting_at(found.place);
        expr::references(expr).filter_map(id).map(|id| self.stack.setting(id).path.clone()).collect()
    }

    /// Remembers a key that carries nothing, if a setting is behind it.
    pub(super) fn carries_nothing(&mut self, number: u32, at: &At<'a>) {
        if matches!(self.key(number).shape, KeyShape::List(_) | KeyShape::Map(_)) {
            return; // items are keys too
        }
        let leaf = self.leaves(at).into_iter().find(|leaf| !leaf.origins().is_empty());
        self.open.extend(leaf.map(|leaf| (number, leaf)));
    }

    /// Every value that is computed from settings stands at a key of which the surface says what it carries, what it has
    /// to say, or what it decides; if the surface knows workloads at all, those that it runs or any.
    pub(super) fn understood(&mut self) {
        let open = std::mem::take(&mut self.open);
        let mut silent = std::mem::take(&mut self.silent);
        silent.retain(|number| self.is_filled(*number));
        let takes_all = |key: &ChartKey| key.carries.iter().any(|carry| carry.fact.is_every());
        let knows_workloads = !self.surface.runs.is_empty() || self.surface.keys.iter().any(takes_all);
        if !knows_workloads || open.is_empty() && silent.is_empty() {
            return;
        }
        let asked = self.surface.asked();
        silent.retain(|number| asked.binary_search(number).is_err());
        silent.into_iter().for_each(|number| self.says_nothing(number));
        // What decides which workloads run is compared with the plan; what only decides what else is read is not.
        let running = self.surface.running();
        let says = |number: u32| {
            let key = self.key(number);
            !key.carries.is_empty() || key.says.is_some() || running.binary_search(&number).is_ok()
        };
        let is_open = |(number, _): &&(u32, Leaf<'a>)| !self.is_above(*number, &says) && !self.is_below(*number, &says);
        let mut open: Vec<&(u32, Leaf<'a>)> = open.iter().filter(is_open).collect();
        open.dedup_by_key(|(number, _)| *number);
        let findings: Vec<Finding> = open.into_iter().map(|(number, leaf)| self.unknown(*number, leaf)).collect();
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    /// Whether more than empty text, which says that there is nothing, is written at a key.
    fn is_filled(&self, number: u32) -> bool {
        self.written.get(&number).is_some_and(|written| written.iter().any(|one| !is_empty(&one.value)))
    }

    /// Whether something is said of a key, or of one above it that it is a part of. What is known by name in a map, or in
    /// what is handed on whole, is none: it says things of its own.
    fn is_above(&self, number: u32, says: &dyn Fn(u32) -> bool) -> bool {
        let is_part = |number: u32| {
            let parent = self.key(number).parent?;
            let key = self.key(parent);
            let apart = key.by.is_some() || matches!(key.shape, KeyShape::Any | KeyShape::Map(_));
            (!apart || &*self.key(number).name == "*").then_some(parent)
        };
        std::iter::successors(Some(number), |number| is_part(*number)).any(says)
    }

    fn is_below(&self, number: u32, says: &dyn Fn(u32) -> bool) -> bool {
        let key = self.key(number);
        let item = match key.shape {
            KeyShape::List(item) | KeyShape::Map(item) => Some(item),
            _ => None,
        };
        key.children.values().copied().chain(item).any(|child| says(child) || self.is_below(child, says))
    }

    fn unknown(&self, number: u32, leaf: &Leaf<'_>) -> Finding {
        let (path, from) = (self.surface.path_of(number), readback::from(leaf.origins()));
        let chart = &self.surface.chart;
        let message = format!("`{path}`{from} is written, and nothing says what it carries to chart `{chart}`");
        let setting = match leaf.origins() {
            [one] => &*one.path,
            _ => "PATH",
        };
        let key = self.key(number);
        let by_name = key.parent.is_some_and(|parent| self.key(parent).by.is_some());
        codes::UNTOLD_KEY.at(leaf.at(), message).label(key.span, "the key on the surface").hint(match by_name {
            true => "list the item by its name there: `NAME { (string)value carries=\"…\" }`".to_owned(),
            false => {
                format!("add `carries=\"setting {setting}\"` to the key, or `says=(cel)\"…\"` for what it has to say")
            }
        })
    }
}

/// What an expression names that becomes part of its value; not what only decides between values.
fn flow<'e>(expr: &'e Expr, into: &mut Vec<&'e expr::Ref>) {
    match &expr.kind {
        expr::Kind::If(_, one, other) | expr::Kind::Binary(expr::Operator::Add, one, other) => {
            flow(one, into);
            flow(other, into);
        }
        _ => into.extend(expr::references(expr)),
    }
}

/// The first place at which two values differ, and what they are there; its path is added to that of the key.
fn difference<'v>(found: &'v Value, wanted: &'v Value, path: &mut String) -> (&'v Value, &'v Value) {
    if std::mem::discriminant(found) != std::mem::discriminant(wanted) {
        return (found, wanted);
    }
    let (here, there) = (parts(found), parts(wanted));
    let at = |parts: &[(String, &'v Value)], key: &str| {
        parts.iter().find(|(known, _)| known == key).map_or(&Value::Null, |(_, value)| *value)
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

/// What is in a map or list, by its name or number.
fn parts(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Map(entries) => entries.iter().map(|(key, value)| (key.to_string(), value)).collect(),
        Value::List(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    }
}

/// Whether a value comes from a setting that is named. The word of a choice or a switch is not what stands below it.
fn is_of(path: &str, named: &Setting) -> bool {
    let alone = matches!(named.kind, Kind::Choice(_) | Kind::Switch);
    is_within(path, &named.path) && (!alone || path.split('.').count() == named.path.split('.').count())
}

/// Whether a setting is another one or below it; `*` in that stands for any key.
fn is_within(path: &str, of: &str) -> bool {
    let mut words = path.split('.');
    of.split('.').all(|wanted| words.next().is_some_and(|word| wanted == "*" || word == wanted))
}

/// A value without nulls, and without what holds nothing, which is how values say that there is none.
fn said(value: &Value) -> Value {
    match value {
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), said(value)));
            let left: IndexMap<_, _> = entries.filter(|(_, value)| *value != Value::Null).collect();
            if left.is_empty() { Value::Null } else { Value::Map(left.into()) }
        }
        Value::List(items) if items.is_empty() => Value::Null,
        Value::List(items) => Value::List(items.iter().map(said).collect()),
        Value::String(text) if text.is_empty() => Value::Null,
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::Map(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
    }

    #[test]
    fn what_holds_nothing_is_nothing() {
        let empty = map(&[("a", Value::List(Vec::new())), ("b", Value::string("")), ("c", map(&[]))]);
        assert_eq!(said(&empty), Value::Null);
        let some = map(&[("a", Value::Int(0)), ("b", Value::Null)]);
        assert_eq!(said(&some), map(&[("a", Value::Int(0))]));
    }

    #[test]
    fn the_innermost_place_of_a_difference_is_named() {
        let list = |weight| map(&[("list", Value::List(vec![Value::Int(1), map(&[("weight", Value::Int(weight))])]))]);
        let mut path = "key".to_owned();
        assert_eq!(difference(&list(1), &list(2), &mut path), (&Value::Int(1), &Value::Int(2)));
        assert_eq!(path, "key.list.1.weight");
        let mut path = "key".to_owned();
        assert_eq!(difference(&map(&[("b", Value::Int(1))]), &map(&[]), &mut path), (&Value::Int(1), &Value::Null));
        assert_eq!(path, "key.b");
    }

    #[test]
    fn settings_are_within_themselves_groups_and_items() {
        assert!(is_within("a.b", "a.b") && is_within("a.b.c", "a.b") && is_within("a.0.c", "a.*.c"));
        assert!(!is_within("a", "a.b") && !is_within("a.bc", "a.b") && !is_within("a.0.d", "a.*.c"));
    }
}
