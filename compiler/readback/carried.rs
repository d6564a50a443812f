//! Values of a chart's keys as values of facts: typed, with links recognised, parts joined.

use std::{borrow::Cow, sync::Arc};

use crate::{
    facts::{self, Names},
    plan::{FactPath, Kind},
    value::{self, Attributes, Value},
};

/// A key that was written, and the fact or part of one that it carries.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// The part of the fact; empty for all of it.
    pub part: Arc<str>,
    /// What stands there, once for each item that has the key.
    pub values: Vec<Value>,
    /// Whether the key stands once in all, not once per item of a list or map.
    pub single: bool,
    /// The settings that it was computed from.
    pub origins: Vec<Arc<str>>,
}

/// A value of a key as a fact says it: text with hosts of workloads in it becomes links, a number counts from `plus`.
pub(super) fn said_of(fact: &FactPath, value: &Value, plus: i64, names: &Names) -> Value {
    match value {
        Value::Int(number) => Value::Int(number.saturating_add(plus)),
        // What is no variable is a host or a text as a whole, whatever it is called.
        Value::String(_) | Value::Text(_) => {
            facts::normal(value, if fact.kind == Kind::Env { &fact.key } else { "host" }, names)
        }
        Value::List(items) => Value::List(items.iter().map(|item| said_of(fact, item, 0, names)).collect()),
        other => other.clone(),
    }
}

/// Whether what keys say together is this fact's value.
pub(super) fn joins(fact: &Value, of: &str, said: &[Said]) -> bool {
    let whole = said.iter().filter(|said| said.part.is_empty());
    if !whole.clone().all(|said| is_whole(fact, said)) {
        return false;
    }
    let parts: Vec<&Said> = said.iter().filter(|said| !said.part.is_empty()).collect();
    if parts.is_empty() {
        return true;
    }
    let rows: Option<Vec<_>> = parts.iter().map(|said| value::part(of_value(fact, of), &said.part)).collect();
    let (Some(rows), Some(row)) = (rows, value::scalar(of_value(fact, of))) else { return false };
    if rows.iter().all(|row| row.set.is_some()) && said.len() == parts.len() {
        let written: Option<Vec<_>> =
            rows.iter().zip(&parts).map(|(row, said)| Some((*row, only(&said.values)?.clone()))).collect();
        let joined = written.and_then(|written| value::with_parts(row, None, &written, &Attributes::default()).ok());
        return joined.is_some_and(|joined| same(&joined, fact));
    }
    rows.iter().zip(&parts).all(|(row, said)| {
        let wanted = (row.get)(fact).ok().flatten();
        only(&said.values).zip(wanted).is_some_and(|(found, wanted)| same(found, &wanted))
    })
}

/// The type whose parts a value has: a variable may hold a secret.
fn of_value<'t>(value: &Value, of: &'t str) -> &'t str {
    match value {
        Value::Secret(_) => "secret",
        Value::Image(_) => "image",
        Value::Duration(_) => "duration",
        Value::Memory(_) => "memory",
        Value::Cpu(_) => "cpu",
        _ => of,
    }
}

/// Whether a key says all of a fact. Keys of list items say the items of a list, in any order.
fn is_whole(fact: &Value, said: &Said) -> bool {
    if said.single {
        return only(&said.values).is_some_and(|found| same(found, fact));
    }
    let Value::List(items) = fact else {
        return !said.values.is_empty() && said.values.iter().all(|found| same(found, fact));
    };
    let all = |these: &[Value], those: &[Value]| these.iter().all(|one| those.iter().any(|other| same(one, other)));
    all(items, &said.values) && all(&said.values, items)
}

fn only(values: &[Value]) -> Option<&Value> {
    match values {
        [one] => Some(one),
        _ => None,
    }
}

/// Whether two values are the same to a program: a variable holds text, whatever the type of what is written.
pub(super) fn same(found: &Value, wanted: &Value) -> bool {
    if found == wanted {
        return true;
    }
    match (found, wanted) {
        (Value::List(found), Value::List(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| same(found, wanted))
        }
        (Value::Map(found), Value::Map(wanted)) => {
            let same_at = |(key, found): (&Arc<str>, &Value)| wanted.get(key).is_some_and(|wanted| same(found, wanted));
            found.len() == wanted.len() && found.iter().all(same_at)
        }
        (Value::Image(_), Value::String(text)) | (Value::String(text), Value::Image(_)) => {
            let image = if matches!(found, Value::Image(_)) { found } else { wanted };
            *value::spell(image) == **text
        }
        _ => spelled(found).is_some_and(|found| Some(found) == spelled(wanted)),
    }
}

/// The text of a value that a variable may hold.
fn spelled(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(Cow::Owned(value::spell(value))),
        _ => None,
    }
}

/// The path of a fact as messages show it.
pub(super) fn shown(fact: &FactPath, part: &str) -> String {
    let dot = if part.is_empty() { "" } else { "." };
    format!("`{fact}{dot}{part}`")
}

/// The part of a value that a key carries; nothing where it has none, all of it where no part is named.
pub(super) fn part_of(value: &Value, of: &str, part: &str) -> Option<Value> {
    if part.is_empty() {
        return Some(value.clone());
    }
    (value::part(of_value(value, of), part)?.get)(value).ok().flatten()
}
