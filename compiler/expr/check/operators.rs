//! Operators: what they take and of which type the result is.
//!
//! In: [`Node`]s of operands. Out: [`Expr`]s with their [`Type`]s.
//! Never: the value of an operand.
//! Invariant: one integer type, and amounts of different kinds never meet.

use super::{Checker, Typed, declared_words, is_constant, said};
use crate::diag::Finding;
use crate::expr::parse::Node;
use crate::expr::scalars::{self, Base};
use crate::expr::{Expr, Kind, Operator, Type, codes};
use crate::source::Span;
use crate::value::Value;

impl Checker<'_> {
    pub(super) fn negate(&mut self, inner: &Node, span: Span) -> Option<Typed> {
        let (inner, found) = self.any_value(inner)?;
        if !matches!(found.base(), Some(Base::Int | Base::Float | Base::Any)) {
            self.report(codes::OPERANDS.at(span, format!("`-` needs a number, this is {found}")));
            return None;
        }
        Some((Expr { kind: Kind::Negate(Box::new(inner)), span }, found))
    }

    pub(super) fn binary(&mut self, node: &Node, operator: Operator, left: &Node, right: &Node) -> Option<Typed> {
        let logical = matches!(operator, Operator::And | Operator::Or).then(|| Type::scalar("bool"));
        let (a, b) = (self.value(left, logical.as_ref()), self.value(right, logical.as_ref()));
        let (a, b) = (a?, b?);
        let found = match operator {
            Operator::And | Operator::Or => Some(Type::scalar("bool")),
            Operator::Equal | Operator::NotEqual => {
                if a.1.meets(&b.1) && !self.constants_fit(&a, &b) {
                    return None;
                }
                a.1.meets(&b.1).then(|| Type::scalar("bool"))
            }
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                (a.1.meets(&b.1) && has_order(&a.1) && has_order(&b.1)).then(|| Type::scalar("bool"))
            }
            Operator::In => return self.contained(node, a, b),
            Operator::Add => sum(&a.1, &b.1),
            Operator::Subtract => difference(&a.1, &b.1),
            Operator::Multiply => product(&a.1, &b.1),
            Operator::Divide => quotient(&a.1, &b.1),
            Operator::Remainder => remainder(&a.1, &b.1),
        };
        let span = self.of(node);
        let Some(found) = found else {
            let finding = self.bad_operands(operator, &a, &b).label(a.0.span, said(&a.1, &b.1));
            self.report(finding.label(b.0.span, said(&b.1, &a.1)));
            return None;
        };
        Some((Expr { kind: Kind::Binary(operator, Box::new(a.0), Box::new(b.0)), span }, found))
    }

    pub(super) fn bad_operands(&self, operator: Operator, a: &Typed, b: &Typed) -> Finding {
        let sign = operator.sign();
        let span = a.0.span.to(b.0.span);
        let (left, right) = (said(&a.1, &b.1), said(&b.1, &a.1));
        let finding = codes::OPERANDS.at(span, format!("`{sign}` cannot work on {left} and {right}"));
        let hint = [(a, b), (b, a)].into_iter().find_map(|(typed, constant)| match (&typed.1, &constant.0.kind) {
            (Type::Scalar(name), Kind::Literal(Value::String(text)))
                if matches!(name.as_ref(), "memory" | "cpu" | "duration") && scalars::read(name, text).is_ok() =>
            {
                Some(format!("write `{name}('{text}')`"))
            }
            (found, Kind::Literal(Value::Int(number))) if found.base() == Some(Base::Float) => {
                Some(format!("write `{number}.0`"))
            }
            (found, Kind::Literal(Value::Int(number))) if found.base() == Some(Base::String) => {
                Some(format!("write `'{number}'`"))
            }
            (found, _) if operator == Operator::Add && found.is_text() && constant.1.base().is_some() => {
                Some("write `string(…)` around the value that is no text".to_owned())
            }
            (found, _) => self.part_hint(found, &constant.1),
        });
        finding.maybe_hint(hint)
    }

    /// Whether the constants on one side are words of the enum on the other.
    fn constants_fit(&mut self, a: &Typed, b: &Typed) -> bool {
        let mut is_right = true;
        for (typed, constant) in [(a, b), (b, a)] {
            if let Some(words) = declared_words(typed) {
                is_right &= self.check_words(&constant.0, &words);
            }
        }
        is_right
    }

    fn contained(&mut self, node: &Node, a: Typed, b: Typed) -> Option<Typed> {
        let item = match &b.1 {
            Type::List(item) => Some(item.as_ref().clone()),
            Type::Map(_) | Type::Record(_) => Some(Type::scalar("string")),
            other if other.is_any() => Some(Type::Any),
            _ => None,
        };
        if item.is_none_or(|item| !a.1.meets(&item)) {
            let finding = self.bad_operands(Operator::In, &a, &b);
            let is_text = a.1.is_text() && b.1.is_text();
            self.report(finding.maybe_hint(is_text.then(|| "write `text.contains('part')`".to_owned())));
            return None;
        }
        let is_right = match (&b.1, declared_words(&a)) {
            (Type::List(_), Some(words)) => self.check_words(&b.0, &words),
            _ => true,
        };
        let is_right = is_right
            && match &b.1 {
                Type::List(item) if !is_constant(&b.0) => match item.as_ref() {
                    Type::Enum(words) => self.check_words(&a.0, words),
                    _ => true,
                },
                _ => true,
            };
        let kind = Kind::Binary(Operator::In, Box::new(a.0), Box::new(b.0));
        is_right.then(|| (Expr { kind, span: self.of(node) }, Type::scalar("bool")))
    }
}

// Types of operators. Amounts of one kind add up; an amount times or by a whole number is an amount.

pub(super) fn has_order(found: &Type) -> bool {
    match found {
        // Text has an order, but not the one that versions or schedules have.
        Type::Scalar(name) if scalars::base(name) == Base::String => name.as_str() == "string",
        found => !matches!(found.base(), None | Some(Base::Secret | Base::Image)),
    }
}

fn is_amount(base: Base) -> bool {
    matches!(base, Base::Memory | Base::Cpu | Base::Duration)
}

fn sum(a: &Type, b: &Type) -> Option<Type> {
    if let (Type::List(_), Type::List(_)) = (a, b) {
        return a.join(b);
    }
    if a.base() == Some(Base::String) && b.base() == Some(Base::String) {
        return Some(Type::scalar("string"));
    }
    difference(a, b).or_else(|| (a.is_any() || b.is_any()).then_some(Type::Any))
}

fn difference(a: &Type, b: &Type) -> Option<Type> {
    if a.is_any() || b.is_any() {
        return arithmetic_any(a, b);
    }
    let base = a.base()?;
    if !a.meets(b) || !(matches!(base, Base::Int | Base::Float) || is_amount(base)) {
        return None;
    }
    number(a.join(b)?)
}

fn product(a: &Type, b: &Type) -> Option<Type> {
    match (a.base()?, b.base()?) {
        (Base::Any, _) | (_, Base::Any) => arithmetic_any(a, b),
        (base, Base::Int) if is_amount(base) => Some(a.clone()),
        (Base::Int, base) if is_amount(base) => Some(b.clone()),
        (Base::Int, Base::Int) | (Base::Float, Base::Float) => number(a.join(b)?),
        _ => None,
    }
}

fn quotient(a: &Type, b: &Type) -> Option<Type> {
    match (a.base()?, b.base()?) {
        (Base::Any, _) | (_, Base::Any) => arithmetic_any(a, b),
        (base, Base::Int) if is_amount(base) => Some(a.clone()),
        (Base::Int, Base::Int) | (Base::Float, Base::Float) => number(a.join(b)?),
        _ => None,
    }
}

fn remainder(a: &Type, b: &Type) -> Option<Type> {
    match (a.base()?, b.base()?) {
        (Base::Any, _) | (_, Base::Any) => arithmetic_any(a, b),
        (Base::Int, Base::Int) => number(a.join(b)?),
        _ => None,
    }
}

fn arithmetic_any(a: &Type, b: &Type) -> Option<Type> {
    let is_number = |found: &Type| {
        found.is_any() || found.base().is_some_and(|base| matches!(base, Base::Int | Base::Float) || is_amount(base))
    };
    (is_number(a) && is_number(b)).then_some(Type::Any)
}

/// The type of a computed number: a port plus one need not be a port, seconds stay seconds.
fn number(found: Type) -> Option<Type> {
    match &found {
        Type::Scalar(name) => match name.as_ref() {
            "port" | "percent" => Some(Type::scalar("int")),
            "ratio" => Some(Type::scalar("number")),
            _ => Some(found),
        },
        _ => Some(found),
    }
}
