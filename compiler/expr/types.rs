//! Types: their names in messages, and which may stand for which.
//!
//! In: [`Type`]s. Out: words, common types, yes or no.
//! Never: a value.

use std::fmt;

use smol_str::SmolStr;

use super::Type;
use super::scalars::{self, Base};

impl Type {
    /// The scalar type of this name.
    #[must_use]
    pub fn scalar(name: &str) -> Type {
        Type::Scalar(name.into())
    }

    /// The set of these words; a constant text has the set of itself.
    #[must_use]
    pub fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Type {
        Type::Enum(words.into_iter().map(SmolStr::from).collect())
    }

    /// Whether nothing is known before there is a value.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.base() == Some(Base::Any)
    }

    /// Whether its values are text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.base(), Some(Base::String | Base::Any))
    }

    /// The kind of its values; none for lists, maps and records.
    pub(super) fn base(&self) -> Option<Base> {
        match self {
            Type::Any => Some(Base::Any),
            Type::Scalar(name) => Some(scalars::base(name)),
            Type::Enum(_) => Some(Base::String),
            Type::List(_) | Type::Map(_) | Type::Record(_) => None,
        }
    }

    fn unit(&self) -> Option<&'static str> {
        match self {
            Type::Scalar(name) => scalars::unit(name),
            _ => None,
        }
    }

    /// Whether a value of this type may stand where `wanted` is wanted. Constant texts must be words or spellings
    /// of the wanted type; other text is looked at when there is a value.
    #[must_use]
    pub fn fits(&self, wanted: &Type) -> bool {
        match (self, wanted) {
            _ if self.is_any() || wanted.is_any() => true,
            (Type::Enum(words), Type::Enum(wanted)) => words.iter().all(|word| wanted.contains(word)),
            (Type::Enum(words), Type::Scalar(to)) => {
                scalars::assignable("string", to) && words.iter().all(|word| scalars::read(to, word).is_ok())
            }
            (Type::Scalar(from), Type::Scalar(to)) => scalars::assignable(from, to),
            (Type::List(from), Type::List(to)) | (Type::Map(from), Type::Map(to)) => from.fits(to),
            // Which fields a record needs is known to those who read it.
            (Type::Record(_), Type::Record(_)) => true,
            (Type::Record(_), Type::Map(item)) => item.is_any(),
            _ => false,
        }
    }

    /// Whether two values may be compared: the same kind, and the same unit if both have one.
    pub(super) fn meets(&self, other: &Type) -> bool {
        if self.is_any() || other.is_any() {
            return true;
        }
        if matches!((self.unit(), other.unit()), (Some(a), Some(b)) if a != b) {
            return false;
        }
        match (self, other) {
            (Type::List(a), Type::List(b)) | (Type::Map(a), Type::Map(b)) => a.meets(b),
            (Type::Record(_), Type::Record(_)) => true,
            _ => self.base().is_some() && self.base() == other.base(),
        }
    }

    /// The type that values of both types have, if there is one.
    pub(super) fn join(&self, other: &Type) -> Option<Type> {
        if self == other {
            return Some(self.clone());
        }
        if self.is_any() || other.is_any() {
            return Some(Type::Any);
        }
        match (self, other) {
            (Type::Enum(a), Type::Enum(b)) => {
                let more = b.iter().filter(|word| !a.contains(word));
                Some(Type::Enum(a.iter().chain(more).cloned().collect()))
            }
            (Type::List(a), Type::List(b)) => Some(Type::List(Box::new(a.join(b)?))),
            (Type::Map(a), Type::Map(b)) => Some(Type::Map(Box::new(a.join(b)?))),
            _ if !self.meets(other) => None,
            _ => match self.base()? {
                Base::String => Some(Type::scalar("string")),
                Base::Int => Some(self.unit().or(other.unit()).map_or(Type::scalar("int"), Type::scalar)),
                Base::Float => Some(Type::scalar("number")),
                _ => Some(self.clone()),
            },
        }
    }
}

/// In plain words, with an article: `a whole number`, ``one of `a`, `b` ``.
impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Any => out.write_str("anything"),
            Type::Scalar(name) => out.write_str(&scalars::noun(name)),
            Type::Enum(words) => match words.as_ref() {
                [] => out.write_str("text"),
                [word] => write!(out, "the text `{}`", word.escape_debug()),
                words => {
                    let shown: Vec<_> = words.iter().take(6).map(|word| format!("`{}`", word.escape_debug())).collect();
                    let more = if words.len() > 6 { ", …" } else { "" };
                    write!(out, "one of {}{more}", shown.join(", "))
                }
            },
            Type::List(item) if item.is_any() => out.write_str("a list"),
            Type::List(item) => write!(out, "a list with {item} in it"),
            Type::Map(item) if item.is_any() => out.write_str("a map"),
            Type::Map(item) => write!(out, "a map with {item} in it"),
            Type::Record(_) => out.write_str("a group of settings"),
        }
    }
}
