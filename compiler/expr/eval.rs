//! Values of checked expressions.
//!
//! In: an [`Expr`], a [`Lookup`], a number of steps. Out: [`Evaluated`], and why a value is unknown.
//! Never: names, types, text of expressions.
//! Invariant: time and memory are bounded by the steps; nothing depends on a clock or on an unordered map.

use indexmap::IndexMap;

use super::functions::{self, Eval, LONGEST, Steps, Trouble, compare, joined, noun, splice, too_long};
use super::{Evaluated, Expr, Fault, Key, Kind, Lookup, Macro, Operator, Ref, scalars};
use crate::source::Span;
use crate::value::Value;

/// Evaluates, and collects why values are unknown.
pub(super) fn evaluate(expr: &Expr, lookup: &dyn Lookup, budget: &mut u64, faults: &mut Vec<Fault>) -> Evaluated {
    let steps = Steps { left: *budget, exhausted: false };
    let mut machine = Machine { lookup, steps, locals: Vec::new(), faults: Vec::new() };
    let result = machine.eval(expr);
    *budget = machine.steps.left;
    if machine.steps.exhausted {
        return Evaluated::Unknown;
    }
    // A fault that `||` or `&&` made irrelevant is none.
    if result == Evaluated::Unknown {
        faults.extend(machine.faults);
    }
    result
}

struct Machine<'a> {
    lookup: &'a dyn Lookup,
    steps: Steps,
    /// Values of the variables of macros, outermost first.
    locals: Vec<Value>,
    faults: Vec<Fault>,
}

/// Why there is no value; the finding for it has been made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lack {
    Missing,
    Unknown,
}

type Outcome = Result<Value, Lack>;

impl Machine<'_> {
    fn eval(&mut self, expr: &Expr) -> Evaluated {
        match self.value(expr) {
            Ok(value) => Evaluated::Value(value),
            Err(Lack::Missing) => Evaluated::Missing,
            Err(Lack::Unknown) => Evaluated::Unknown,
        }
    }

    fn value(&mut self, expr: &Expr) -> Outcome {
        self.step(expr.span)?;
        match &expr.kind {
            Kind::Literal(value) => self.copy(value, expr.span),
            Kind::Ref(path) => {
                let mut keys = Vec::new();
                for key in &path.keys {
                    keys.push(self.key(key)?);
                }
                match self.lookup.get(path.place, &keys) {
                    Evaluated::Value(value) => self.weigh(&value, expr.span).map(|()| value),
                    Evaluated::Missing => Err(Lack::Missing),
                    Evaluated::Unknown => Err(Lack::Unknown),
                }
            }
            Kind::Key(key) => self.key(key),
            Kind::Local(depth) => {
                let at = self.locals.len().checked_sub(*depth as usize + 1);
                match at.and_then(|at| self.locals.get(at)).cloned() {
                    Some(value) => self.weigh(&value, expr.span).map(|()| value),
                    None => self.wrong(expr.span, "a variable outside its macro"),
                }
            }
            Kind::Not(inner) => match self.value(inner)? {
                Value::Bool(yes) => Ok(Value::Bool(!yes)),
                other => self.wrong(inner.span, format!("a yes or no is wanted, this is {}", noun(&other))),
            },
            Kind::Negate(inner) => {
                let value = self.value(inner)?;
                self.negate(&value, expr.span)
            }
            Kind::Binary(Operator::And, a, b) => self.logical(a, b, false),
            Kind::Binary(Operator::Or, a, b) => self.logical(a, b, true),
            Kind::Binary(operator, a, b) => {
                let (a, b) = both(self.value(a), self.value(b))?;
                self.binary(*operator, a, b, expr.span)
            }
            Kind::If(condition, then, otherwise) => match self.value(condition)? {
                Value::Bool(true) => self.value(then),
                Value::Bool(false) => self.value(otherwise),
                other => self.wrong(condition.span, format!("a yes or no is wanted, this is {}", noun(&other))),
            },
            Kind::List(items) => self.values(items).map(Value::List),
            Kind::Map(entries) => {
                let mut map = IndexMap::new();
                let mut lack = None;
                for (key, value) in entries {
                    match self.value(value) {
                        Ok(value) => drop(map.insert(key.clone(), value)),
                        Err(found) => lack = lack.max(Some(found)),
                    }
                }
                lack.map_or(Ok(Value::Map(map.into())), Err)
            }
            Kind::Index(of, key) => {
                let (of, key) = both(self.value(of), self.value(key))?;
                self.index(of, &key, expr.span)
            }
            Kind::Part(of, scalar, name) => {
                let value = self.value(of)?;
                let read = if let Kind::Ref(path) = &of.kind { Some(path) } else { None };
                self.part(value, scalar, name, expr.span, read)
            }
            Kind::Has(inner) => match self.value(inner) {
                Ok(_) => Ok(Value::Bool(true)),
                Err(Lack::Missing) => Ok(Value::Bool(false)),
                Err(Lack::Unknown) => Err(Lack::Unknown),
            },
            Kind::First(choices) => {
                for choice in choices {
                    match self.value(choice) {
                        Err(Lack::Missing) => {}
                        other => return other,
                    }
                }
                Err(Lack::Missing)
            }
            Kind::Call(name, arguments) => self.call(name, arguments, expr.span),
            Kind::Each(which, items, body) => self.each(*which, items, body),
            Kind::Text(parts) => self.text(parts, expr.span),
        }
    }

    fn step(&mut self, span: Span) -> Result<(), Lack> {
        let taken = self.steps.take(1);
        self.settle(taken, span)
    }

    /// Takes the steps that copying a value costs.
    fn weigh(&mut self, value: &Value, span: Span) -> Result<(), Lack> {
        let taken = self.steps.take(weight(value));
        self.settle(taken, span)
    }

    fn copy(&mut self, value: &Value, span: Span) -> Outcome {
        self.weigh(value, span)?;
        Ok(value.clone())
    }

    fn settle<T>(&mut self, result: Result<T, Trouble>, span: Span) -> Result<T, Lack> {
        result.map_err(|trouble| match trouble {
            Trouble::Missing => Lack::Missing,
            Trouble::Exhausted => Lack::Unknown,
            Trouble::Wrong(message) => {
                self.fault(Fault { span, message, part: None });
                Lack::Unknown
            }
        })
    }

    fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    fn wrong<T>(&mut self, span: Span, message: impl Into<String>) -> Result<T, Lack> {
        self.settle(Err(Trouble::Wrong(message.into())), span)
    }

    fn key(&mut self, key: &Key) -> Outcome {
        match key {
            Key::Own(depth) => Ok(self.lookup.own_key(*depth)),
            Key::Loop(index) => Ok(self.lookup.loop_key(*index)),
            Key::Literal(text) => Ok(Value::String(text.clone())),
            Key::Computed(expr) => self.value(expr),
        }
    }

    /// All values. What is unknown wins over what is missing, wherever it stands.
    fn values(&mut self, items: &[Expr]) -> Result<Vec<Value>, Lack> {
        let mut values = Vec::new();
        let mut lack = None;
        for item in items {
            match self.value(item) {
                Ok(value) => values.push(value),
                Err(found) => lack = lack.max(Some(found)),
            }
        }
        lack.map_or(Ok(values), Err)
    }

    /// `&&` where `decisive` is false, `||` where it is true: one decisive side is enough, whatever the other is.
    fn logical(&mut self, a: &Expr, b: &Expr, decisive: bool) -> Outcome {
        let a = self.condition(a);
        if a == Ok(decisive) {
            return Ok(Value::Bool(decisive));
        }
        let b = self.condition(b);
        if b == Ok(decisive) {
            return Ok(Value::Bool(decisive));
        }
        match (a, b) {
            (Ok(_), Ok(_)) => Ok(Value::Bool(!decisive)),
            (a, b) => Err(a.err().max(b.err()).unwrap_or(Lack::Missing)),
        }
    }

    fn condition(&mut self, expr: &Expr) -> Result<bool, Lack> {
        match self.value(expr)? {
            Value::Bool(yes) => Ok(yes),
            other => self.wrong(expr.span, format!("a yes or no is wanted, this is {}", noun(&other))),
        }
    }

    fn negate(&mut self, value: &Value, span: Span) -> Outcome {
        match value {
            Value::Int(number) => match number.checked_neg() {
                Some(number) => Ok(Value::Int(number)),
                None => self.wrong(span, "the result is larger than any whole number"),
            },
            Value::Float(number) => Ok(Value::Float(-number)),
            other => self.wrong(span, format!("`-` needs a number, this is {}", noun(other))),
        }
    }

    fn binary(&mut self, operator: Operator, a: Value, b: Value, span: Span) -> Outcome {
        let taken = self.steps.take(weight(&a).min(weight(&b)));
        self.settle(taken, span)?;
        let ordered = |wanted: fn(std::cmp::Ordering) -> bool| compare(&a, &b).map(|order| Value::Bool(wanted(order)));
        let result = match operator {
            Operator::Equal => Ok(Value::Bool(equal(&a, &b))),
            Operator::NotEqual => Ok(Value::Bool(!equal(&a, &b))),
            Operator::Less => ordered(std::cmp::Ordering::is_lt),
            Operator::LessOrEqual => ordered(std::cmp::Ordering::is_le),
            Operator::Greater => ordered(std::cmp::Ordering::is_gt),
            Operator::GreaterOrEqual => ordered(std::cmp::Ordering::is_ge),
            Operator::In => contained(&a, &b, &mut self.steps),
            Operator::Add => match (a, b) {
                (Value::List(mut a), Value::List(b)) => self.steps.take((a.len() + b.len()) as u64).map(|()| {
                    a.extend(b);
                    Value::List(a)
                }),
                (a @ (Value::String(_) | Value::Text(_)), b @ (Value::String(_) | Value::Text(_))) => {
                    concatenate(&a, &b, &mut self.steps)
                }
                (a, b) => arithmetic(operator, &a, &b),
            },
            _ => arithmetic(operator, &a, &b),
        };
        self.settle(result, span)
    }

    fn index(&mut self, of: Value, key: &Value, span: Span) -> Outcome {
        match (of, key) {
            (Value::List(mut items), Value::Int(at)) => match usize::try_from(*at) {
                Ok(at) if at < items.len() => Ok(items.swap_remove(at)),
                _ => Err(Lack::Missing),
            },
            (Value::Map(mut entries), Value::String(key)) => entries.swap_remove(key.as_str()).ok_or(Lack::Missing),
            (of, key) => {
                let message = format!("{} cannot be asked for {}", noun(&of), noun(key));
                self.wrong(span, message)
            }
        }
    }

    fn part(&mut self, of: Value, scalar: &str, name: &str, span: Span, read: Option<&Ref>) -> Outcome {
        match (of, name) {
            (Value::List(items), "first") if scalar == "list" => items.into_iter().next().ok_or(Lack::Missing),
            (Value::List(items), "size") if scalar == "list" => Ok(Value::Int(items.len() as i64)),
            (of, _) => match scalars::take(&of, scalar, name) {
                Ok(part) => part.ok_or(Lack::Missing),
                Err(bad) => {
                    let part = Some((Box::new(bad.clone()), read.cloned()));
                    self.fault(Fault { span, message: bad.message, part });
                    Err(Lack::Unknown)
                }
            },
        }
    }

    fn call(&mut self, name: &str, arguments: &[Expr], span: Span) -> Outcome {
        let arguments = self.values(arguments)?;
        match functions::function(name).map(|row| row.eval) {
            Some(Eval::Strict(eval)) => {
                let result = eval(&arguments, &mut self.steps);
                self.settle(result, span)
            }
            _ => self.wrong(span, format!("there is no function `{name}`")),
        }
    }

    fn each(&mut self, which: Macro, of: &Expr, body: &Expr) -> Outcome {
        let items = match self.value(of)? {
            Value::List(items) => items,
            Value::Map(entries) => entries.into_iter().map(|(key, _)| Value::String(key)).collect(),
            other => return self.wrong(of.span, format!("a list or a map is wanted, this is {}", noun(&other))),
        };
        let mut kept = Vec::new();
        let mut lack = None;
        for item in items {
            self.step(of.span)?;
            let original = (which == Macro::Filter).then(|| item.clone());
            self.locals.push(item);
            let result = if which == Macro::Map { self.value(body) } else { self.condition(body).map(Value::Bool) };
            self.locals.pop();
            match (which, result) {
                (Macro::All, Ok(Value::Bool(false))) => return Ok(Value::Bool(false)),
                (Macro::Exists, Ok(Value::Bool(true))) => return Ok(Value::Bool(true)),
                (Macro::Map, Ok(value)) => kept.push(value),
                (Macro::Filter, Ok(Value::Bool(true))) => kept.extend(original),
                (_, Ok(_)) => {}
                (_, Err(_)) if self.steps.exhausted => return Err(Lack::Unknown),
                (_, Err(found)) => lack = lack.max(Some(found)),
            }
        }
        match (lack, which) {
            (Some(lack), _) => Err(lack),
            (None, Macro::All) => Ok(Value::Bool(true)),
            (None, Macro::Exists) => Ok(Value::Bool(false)),
            (None, Macro::Map | Macro::Filter) => Ok(Value::List(kept)),
        }
    }

    fn text(&mut self, parts: &[Expr], span: Span) -> Outcome {
        let values = self.values(parts)?;
        let (mut pieces, mut length) = (Vec::new(), 0);
        for (value, part) in values.iter().zip(parts) {
            let added = splice(value, &mut pieces);
            length += self.settle(added, part.span)?;
            if length > LONGEST {
                return self.settle(Err(too_long()), span);
            }
        }
        let taken = self.steps.walk(length);
        self.settle(taken, span)?;
        Ok(joined(pieces))
    }
}

fn both(a: Outcome, b: Outcome) -> Result<(Value, Value), Lack> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err(a.err().max(b.err()).unwrap_or(Lack::Missing)),
    }
}

/// What copying a value costs, in steps.
fn weight(value: &Value) -> u64 {
    match value {
        Value::List(items) => 1 + items.iter().map(weight).sum::<u64>(),
        Value::Map(entries) => 1 + entries.values().map(|value| 1 + weight(value)).sum::<u64>(),
        Value::Text(pieces) => pieces.len() as u64,
        _ => 0,
    }
}

/// Equality as CEL has it: a whole number equals the number of the same size.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(whole), Value::Float(number)) | (Value::Float(number), Value::Int(whole)) => {
            *whole as f64 == *number
        }
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

fn contained(item: &Value, of: &Value, steps: &mut Steps) -> Result<Value, Trouble> {
    match (item, of) {
        (item, Value::List(items)) => {
            for other in items {
                steps.take(1 + weight(item).min(weight(other)))?;
                if equal(item, other) {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        (Value::String(key), Value::Map(entries)) => Ok(Value::Bool(entries.contains_key(key))),
        (Value::Text(_), Value::Map(_)) => Ok(Value::Bool(false)),
        (item, of) => Err(Trouble::Wrong(format!("{} cannot be in {}", noun(item), noun(of)))),
    }
}

fn concatenate(a: &Value, b: &Value, steps: &mut Steps) -> Result<Value, Trouble> {
    let mut pieces = Vec::new();
    let length = splice(a, &mut pieces)? + splice(b, &mut pieces)?;
    if length > LONGEST {
        return Err(too_long());
    }
    steps.walk(length)?;
    Ok(joined(pieces))
}

fn arithmetic(operator: Operator, a: &Value, b: &Value) -> Result<Value, Trouble> {
    let is_division = matches!(operator, Operator::Divide | Operator::Remainder);
    if is_division && matches!(b, Value::Int(0)) {
        return Err(Trouble::wrong("a division by zero"));
    }
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => match operator {
            Operator::Add => a.checked_add(*b),
            Operator::Subtract => a.checked_sub(*b),
            Operator::Multiply => a.checked_mul(*b),
            Operator::Divide => a.checked_div(*b),
            Operator::Remainder => a.checked_rem(*b),
            _ => None,
        }
        .map(Value::Int)
        .ok_or_else(|| Trouble::wrong("the result is larger than any whole number")),
        (Value::Float(a), Value::Float(b)) => real(operator, *a, *b),
        (Value::Memory(a), Value::Memory(b)) => amounts(operator, *a, *b).map(Value::Memory),
        (Value::Cpu(a), Value::Cpu(b)) => amounts(operator, *a, *b).map(Value::Cpu),
        (Value::Duration(a), Value::Duration(b)) => amounts(operator, *a, *b).map(Value::Duration),
        (Value::Memory(a), Value::Int(b)) => scaled(operator, *a, *b).map(Value::Memory),
        (Value::Cpu(a), Value::Int(b)) => scaled(operator, *a, *b).map(Value::Cpu),
        (Value::Duration(a), Value::Int(b)) => scaled(operator, *a, *b).map(Value::Duration),
        (Value::Int(_), Value::Memory(_) | Value::Cpu(_) | Value::Duration(_)) if operator == Operator::Multiply => {
            arithmetic(operator, b, a)
        }
        (a, b) => Err(Trouble::Wrong(format!("`{}` cannot work on {} and {}", operator.sign(), noun(a), noun(b)))),
    }
}

fn real(operator: Operator, a: f64, b: f64) -> Result<Value, Trouble> {
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        _ => return Err(Trouble::wrong("`%` needs whole numbers")),
    };
    if result.is_finite() {
        return Ok(Value::Float(result));
    }
    Err(Trouble::wrong(if b == 0.0 { "a division by zero" } else { "the result is larger than any number" }))
}

/// Amounts end where whole numbers end, so that their parts can always be said.
fn amounts(operator: Operator, a: u64, b: u64) -> Result<u64, Trouble> {
    match operator {
        Operator::Add => a.checked_add(b).filter(|sum| i64::try_from(*sum).is_ok()).ok_or("larger than any amount"),
        Operator::Subtract => a.checked_sub(b).ok_or("less than nothing"),
        _ => Err("not an amount"),
    }
    .map_err(|what| Trouble::Wrong(format!("the result is {what}")))
}

fn scaled(operator: Operator, amount: u64, by: i64) -> Result<u64, Trouble> {
    let by = u64::try_from(by).map_err(|_| Trouble::wrong("the result is less than nothing"))?;
    match operator {
        Operator::Multiply => amount.checked_mul(by).filter(|product| i64::try_from(*product).is_ok()),
        Operator::Divide => amount.checked_div(by),
        _ => None,
    }
    .ok_or_else(|| Trouble::wrong("the result is larger than any amount"))
}
