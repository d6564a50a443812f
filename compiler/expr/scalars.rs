//! What expressions need to know of the scalar types; the only file here that asks the table of them.
//!
//! In: names of scalar types, values. Out: kinds, parts, spellings.
//! Never: an expression.

use crate::{
    diag::codes,
    value::{self, Attributes, Bad, Raw, Value},
};

pub(super) use crate::value::{Base, spell};

/// The kind of a scalar type's values.
pub(super) fn base(name: &str) -> Base {
    value::scalar(name).map_or(Base::Any, |of| match of.base {
        // A free tree is known only when there is a value.
        Base::Tree => Base::Any,
        base => base,
    })
}

/// What a bare number of a scalar type counts; numbers of different units never meet.
pub(super) fn unit(name: &str) -> Option<&'static str> {
    value::scalar(name).and_then(|of| of.unit)
}

/// What a scalar type is called in messages, with its article.
pub(super) fn noun(name: &str) -> String {
    let noun = match base(name) {
        Base::Any => "anything",
        base => base.noun(),
    };
    match name {
        "bool" | "int" | "number" | "string" | "memory" | "cpu" | "duration" | "secret" | "image" | "any" => {
            noun.into()
        }
        _ => format!("{noun} (`{name}`)"),
    }
}

/// The names of a scalar type's parts.
pub(super) fn parts(of: &str) -> Vec<&'static str> {
    value::parts(of).map(|part| part.name).collect()
}

/// The type of a scalar type's part, if it has one of this name.
pub(super) fn part(of: &str, name: &str) -> Option<&'static str> {
    value::part(of, name).map(|part| part.result)
}

/// A part of a value: the part, nothing where the value has none, or why it cannot be said.
pub(super) fn take(value: &Value, of: &str, name: &str) -> Result<Option<Value>, Bad> {
    match value::part(of, name) {
        Some(part) => (part.get)(value),
        None => Err(Bad {
            code: &codes::NO_RESULT,
            message: format!("a value without `{name}`"),
            underline: String::new(),
            hint: None,
        }),
    }
}

/// Whether a value of one scalar type may stand where another is wanted.
pub(super) fn assignable(from: &str, to: &str) -> bool {
    match (value::scalar(from), value::scalar(to)) {
        (Some(from), Some(to)) => value::assignable(from, to),
        _ => false,
    }
}

/// A text as a value of a scalar type, or why it is none.
pub(super) fn read(name: &str, text: &str) -> Result<Value, String> {
    match value::scalar(name) {
        Some(of) => value::parse(of, &Raw::String(text), &Attributes::default()).map_err(|bad| bad.message),
        None => Ok(Value::string(text)),
    }
}
