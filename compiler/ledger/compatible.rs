//! Whether conditions can be true together: enums, choices, switches and booleans are tried out, all else is free.

use std::{cell::RefCell, collections::BTreeMap};

use crate::{
    expr::{self, Evaluated, Expr, Lookup, Place},
    schema::{Declaration, Kind, Stack},
    value::Value,
};

/// Most combinations that are tried; beyond, conditions count as compatible.
const MOST: usize = 4096;

/// Whether a declaration can exist where these conditions hold.
pub(super) fn compatible(stack: &Stack, declaration: &Declaration, guards: &[Expr]) -> bool {
    let available = declaration.available.iter().map(|condition| &stack.conditions[*condition as usize]);
    let mut conditions: Vec<&Expr> = available.chain(guards).collect();
    conditions.dedup();
    together(stack, &conditions)
}

/// Whether some values of the settings that conditions name make none of them false.
pub(super) fn together(stack: &Stack, conditions: &[&Expr]) -> bool {
    let mut domains: Vec<(Place, Vec<Value>)> = Vec::new();
    for found in conditions.iter().flat_map(|condition| expr::references(condition)) {
        if domains.iter().any(|(place, _)| *place == found.place) {
            continue;
        }
        if let Some(values) = domain(stack, found.place) {
            domains.push((found.place, values));
        }
    }
    let combinations: usize = domains.iter().map(|(_, values)| values.len()).product();
    if combinations > MOST {
        return true;
    }
    let trial = Trial(RefCell::new(BTreeMap::new()));
    (0..combinations).any(|number| {
        let mut rest = number;
        for (place, values) in &domains {
            trial.0.borrow_mut().insert(*place, values[rest % values.len()].clone());
            rest /= values.len();
        }
        conditions.iter().all(|condition| {
            let mut budget = 10_000;
            match expr::evaluate(condition, &trial, &mut budget) {
                Evaluated::Value(Value::Bool(holds)) => holds,
                _ => true,
            }
        })
    })
}

/// The values that a setting can have, if they are few.
fn domain(stack: &Stack, place: Place) -> Option<Vec<Value>> {
    let setting = stack.setting(stack.setting_at(place)?);
    match &setting.kind {
        Kind::Choice(words) => Some(words.iter().cloned().map(Value::String).collect()),
        Kind::Switch => Some(vec![Value::Bool(true), Value::Bool(false)]),
        Kind::Scalar(name) if name.as_str() == "bool" => Some(vec![Value::Bool(true), Value::Bool(false)]),
        Kind::Scalar(name) if name.as_str() == "enum" => {
            let words = &setting.declarations.first()?.attributes.words;
            Some(words.iter().cloned().map(Value::String).collect())
        }
        _ => None,
    }
}

/// One combination of values.
struct Trial(RefCell<BTreeMap<Place, Value>>);

impl Lookup for Trial {
    fn get(&self, place: Place, _: &[Value]) -> Evaluated {
        self.0.borrow().get(&place).cloned().map_or(Evaluated::Unknown, Evaluated::Value)
    }

    fn own_key(&self, _: u32) -> Value {
        Value::Null
    }

    fn loop_key(&self, _: u32) -> Value {
        Value::Null
    }
}
